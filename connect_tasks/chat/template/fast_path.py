"""The fast path: texts that only name columns, filled in without Jinja2.

Most texts of a campaign are like this, and a table may have a million rows. Whatever is more than
a column as it is, or one with a constant `default()`, is left to Jinja2, and so is every mistake.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from jinja2 import nodes
from jinja2.utils import missing

__all__ = ["ABSENT", "ROW", "ColumnText", "is_row", "plain_parts", "printed", "row_access"]

#: The name by which a text reaches columns whose names are no identifiers: row['First name'].
ROW = "row"
# Names that jinja itself gives a meaning somewhere.
_JINJAS_OWN = {"self", "super", "loop", "caller", "varargs", "kwargs"}


class _Absent(str):
    """What `none` prints: nothing, but told apart from an empty text by its identity."""

    __slots__ = ()

    def __str__(self) -> str:
        return self


#: The result of a template that is `none` as a whole.
ABSENT: Final[str] = _Absent()


def printed(value: object) -> object:
    """What `{{ value }}` prints, where that is not simply `str(value)`.

    Example:
        >>> printed(date(2026, 11, 2)), printed(7)
        ('2026-11-02', 7)
    """
    if value is None:
        return ABSENT
    return value.isoformat() if isinstance(value, date | time) else value


@dataclass(frozen=True, slots=True)
class ColumnText:
    """A place for one column as it is: `{{ name }}`, or with a constant `default()`.

    Args:
        column: The column.
        default: What stands in for it in rows where it is empty.
    """

    column: str
    default: object = missing

    def fill(self, values: Mapping[str, Any]) -> str | None:
        """What is printed here; None if only Jinja2 can say.

        Example:
            >>> ColumnText("plan").fill({"plan": 7}), ColumnText("plan").fill({})
            ('7', None)
        """
        value = values.get(self.column, self.default)
        if type(value) is str:
            return value
        return None if value is missing else str(printed(value))


def plain_parts(tree: nodes.Template, *, reserved: Collection[str]) -> tuple[str | ColumnText, ...]:
    """Take a text apart into constants and columns.

    Args:
        tree: The text, parsed.
        reserved: Names that are no columns, unless a row has such a column.

    Returns:
        The parts in order; none if the text is more than that.

    Example:
        >>> from jinja2 import Environment
        >>> plain_parts(Environment().parse("Hi {{ name }}"), reserved=())[0]
        'Hi '
    """
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return ()
    parts = [_part(node, reserved) for node in tree.body[0].nodes]
    return tuple(part for part in parts if part is not None) if None not in parts else ()


def row_access(node: nodes.Node) -> str | None:
    """The column in `row['column']` or `row.column`."""
    if not isinstance(node, nodes.Getitem | nodes.Getattr) or not is_row(node.node):
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    key = node.arg.value if isinstance(node.arg, nodes.Const) else None
    return key if isinstance(key, str) else None


def is_row(node: nodes.Node) -> bool:
    """Whether a name in a text stands for the whole row."""
    return isinstance(node, nodes.Name) and node.name == ROW


def _part(node: nodes.Node, reserved: Collection[str]) -> str | ColumnText | None:
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Filter):
        return _with_default(node, reserved)
    column = node.name if isinstance(node, nodes.Name) else row_access(node)
    if column is None or column in _JINJAS_OWN | {ROW} or column.startswith("_"):
        return None
    return None if column in reserved else ColumnText(column)


def _with_default(node: nodes.Filter, reserved: Collection[str]) -> ColumnText | None:
    is_default = node.name in {"default", "d"} and len(node.args) == 1
    if not is_default or node.kwargs or node.dyn_args or node.dyn_kwargs or node.node is None:
        return None
    place, default = _part(node.node, reserved), node.args[0]
    if not isinstance(place, ColumnText) or not isinstance(default, nodes.Const):
        return None
    # A default of a default: the first one wins, which Jinja2 may see to.
    return ColumnText(place.column, default.value) if place.default is missing else None
