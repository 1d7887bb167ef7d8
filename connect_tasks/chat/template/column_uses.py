"""Column uses: the columns that a text names, and those that a table must have for it."""

from collections.abc import Collection, Iterator

from jinja2 import nodes

from connect_tasks.chat.template.fast_path import ColumnText
from connect_tasks.chat.template.scope import CALLED_WORDS, ROW
from connect_tasks.chat.template.source import undeclared
from connect_tasks.chat.template.syntax_tree import (
    SELF,
    bare_words,
    is_row,
    row_access,
    spellings,
)

__all__ = ["ColumnUses"]

_GUARDS = {"default", "d", "defined", "undefined"}


class ColumnUses:
    """What a text names.

    Args:
        columns: The columns it names.
        guarded: Those of them that it provides for not being there at all.
        reads_whole_row: Whether it reaches columns by names that only the row tells.

    Attributes:
        required: The columns that the table must have.
    """

    def __init__(
        self, columns: Collection[str], guarded: Collection[str], *, reads_whole_row: bool
    ) -> None:
        self.columns = frozenset(columns)
        self.required = self.columns.difference(guarded)
        self.reads_whole_row = reads_whole_row

    @classmethod
    def of(cls, tree: nodes.Template, parts: tuple[str | ColumnText, ...]) -> "ColumnUses":
        """Find the names in a text.

        Args:
            tree: The text, parsed.
            parts: The same taken apart, if it does no more than name columns.

        Raises:
            BadSourceError: There is a filter or test in it that nobody knows.
        """
        if not parts:
            return cls._of_tree(tree)
        places = [part for part in parts if isinstance(part, ColumnText)]
        guarded = [place.column for place in places if place.has_default]
        return cls([place.column for place in places], guarded, reads_whole_row=False)

    @classmethod
    def _of_tree(cls, tree: nodes.Template) -> "ColumnUses":
        names = undeclared(tree)
        words = {word.name for word in bare_words(tree)} & (names | _own_name(tree))
        by_row = set(_by_row(tree)) if ROW in names else set()
        columns = (names - {ROW, *CALLED_WORDS}) | (words - {ROW}) | by_row
        at_will = ROW in names and _reaches_at_will(tree)
        constants = set(_constants(tree))
        guarded = {*_guarded(tree), *(constants - columns)}
        return cls(columns | constants, guarded, reads_whole_row=at_will)


def _own_name(tree: nodes.Template) -> set[str]:
    """The name `self`, which jinja always knows, unless the text gives it a meaning."""
    given = any(name.name == SELF and name.ctx != "load" for name in tree.find_all(nodes.Name))
    return set() if given else {SELF}


def _constants(tree: nodes.Template) -> Iterator[str]:
    printed = [child for output in tree.find_all(nodes.Output) for child in output.nodes]
    joined = [child for concat in tree.find_all(nodes.Concat) for child in concat.nodes]
    for child in (*printed, *joined):
        yield from spellings(child)
    for node in tree.find_all(nodes.Filter):
        yield from spellings(node.node) if node.node is not None else ()


def _by_row(tree: nodes.Node) -> Iterator[str]:
    candidates = tree.find_all((nodes.Getitem, nodes.Getattr))
    return (column for node in candidates if (column := row_access(node)) is not None)


def _reaches_at_will(tree: nodes.Template) -> bool:
    mentions = sum(is_row(node) for node in tree.find_all(nodes.Name))
    return mentions > sum(1 for _ in _by_row(tree))


def _guarded(tree: nodes.Template) -> Iterator[str]:
    """The columns that a template provides for not being there at all."""
    for node in (*tree.find_all(nodes.Filter), *tree.find_all(nodes.Test)):
        if node.name in _GUARDS and node.node is not None:
            column = row_access(node.node)
            if isinstance(node.node, nodes.Name):
                column = node.node.name
            if column is not None:
                yield column
