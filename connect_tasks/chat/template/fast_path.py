"""The fast path: texts that only name columns, filled in without Jinja2.

Most texts of a campaign are like this, and a table may have a million rows. Whatever is more than
a column as it is, or one with a constant `default()`, is left to Jinja2, and so is every mistake.
"""

from collections.abc import Callable
from dataclasses import dataclass

from jinja2 import nodes
from jinja2.utils import missing

from connect_tasks.chat.template.faults import TextError
from connect_tasks.chat.template.scope import ROW
from connect_tasks.chat.template.syntax_tree import row_access

__all__ = ["ColumnText", "plain_parts"]


@dataclass(frozen=True, slots=True)
class ColumnText:
    """A place for one column as it is: `{{ name }}`, or with a constant `default()`.

    Args:
        column: The column.
        default: What stands in for it in rows where it is empty.
    """

    column: str
    default: object = missing

    @property
    def has_default(self) -> bool:
        """Whether it provides for empty cells."""
        return self.default is not missing

    def default_text(self, write: Callable[[object], str]) -> str | None:
        """What the default prints here; None if there is none, or only Jinja2 can say.

        Args:
            write: How values are printed.
        """
        return self.default if type(self.default) is str else self.printed(self.default, write)

    def printed(self, value: object, write: Callable[[object], str]) -> str | None:
        """What a value other than a text prints here; None if only Jinja2 can say.

        Args:
            value: What stands in the column, or its default; `missing` if there is neither.
            write: How values are printed.
        """
        if value is missing:
            return None
        try:
            return write(value)
        except TextError:
            # Jinja2 comes to the same, and knows the words for it.
            return None


def plain_parts(tree: nodes.Template) -> tuple[str | ColumnText, ...]:
    """Take a text apart into constants and columns.

    Args:
        tree: The text, parsed.

    Returns:
        The parts in order; none if the text is more than that.

    Example:
        >>> from jinja2 import Environment
        >>> plain_parts(Environment().parse("Hi {{ name }}"))[0]
        'Hi '
    """
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return ()
    parts = [_part(node) for node in tree.body[0].nodes]
    return tuple(part for part in parts if part is not None) if None not in parts else ()


def _part(node: nodes.Node) -> str | ColumnText | None:
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Filter):
        return _with_default(node)
    column = node.name if isinstance(node, nodes.Name) else row_access(node)
    # The row as a whole is a column only in some tables.
    is_row = isinstance(node, nodes.Name) and column == ROW
    return None if column is None or is_row else ColumnText(column)


def _with_default(node: nodes.Filter) -> ColumnText | None:
    is_default = node.name in {"default", "d"} and len(node.args) == 1
    if not is_default or node.kwargs or node.dyn_args or node.dyn_kwargs or node.node is None:
        return None
    place, default = _part(node.node), node.args[0]
    if not isinstance(place, ColumnText) or not isinstance(default, nodes.Const):
        return None
    # A default of a default: the first one wins, which Jinja2 may see to.
    return None if place.has_default else ColumnText(place.column, default.value)
