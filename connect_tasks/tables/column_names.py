"""The names of columns: any labels as text, each of them once."""

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pandas as pd

from connect_tasks.errors import InputError
from connect_tasks.tables.cells import plain_value

__all__ = ["MOST_COLUMNS", "column_name", "labels_of_levels", "named_levels", "refuse_repeated"]

MOST_COLUMNS = 16_384
"""How many columns a table may have: as many as a spreadsheet."""

# What pandas calls a level that a file leaves blank.
_BLANK_LEVEL = re.compile(r"Unnamed: \d+_level_\d+")
_MISSING_LEVEL = re.compile(r"(?<=[(,] )nan(?=[,)])|(?<=\()nan(?=,)")


def column_name(label: object) -> str:
    """A label as text; of several levels those that are not blank, dotted.

    Raises:
        InputError: It has no text, or is longer than a cell may be.

    Example:
        >>> column_name(("attributes", "plan")), column_name(("customer_id", "")), column_name(5.0)
        ('attributes.plan', 'customer_id', '5')
    """
    if not isinstance(label, tuple):
        return _text(label)
    levels = [_text(level) for level in label if plain_value(level) is not None]
    return ".".join(level for level in levels if level and not _BLANK_LEVEL.fullmatch(level))


def refuse_repeated(names: Iterable[str], *, of: str = "The table") -> None:
    """Refuse columns that nobody can tell apart.

    Raises:
        InputError: Two columns have one name.
    """
    if repeated := sorted(name for name, count in Counter(names).items() if count > 1):
        raise InputError(
            f"{of} has columns of the same name: {', '.join(map(repr, repeated))}."
            " Rename or drop one of each."
        )


def named_levels(
    index: "pd.Index[Any] | None", columns: Collection[str]
) -> "dict[str, pd.Index[Any]]":
    """The levels of an index that are columns, too: those with a name that is no column's.

    Raises:
        InputError: Two of them have one name.

    Example:
        >>> list(named_levels(pd.Index(["0042"], name="customer_id"), ["name"]))
        ['customer_id']
    """
    labels = [] if index is None else index.names
    named = [(column_name(label), n) for n, label in enumerate(labels) if label is not None]
    taken = set(columns)
    refuse_repeated((name for name, _ in named if name not in taken), of="The table's index")
    return {name: index.get_level_values(n) for name, n in named if name not in taken}  # type: ignore[union-attr]


def labels_of_levels(names: Sequence[str], levels: int) -> list[Any]:
    """The labels as they were before pandas wrote each as one text: `('customer_id', '')`."""
    return [_parsed(name) for name in names] if levels > 1 else list(names)


def _parsed(name: str) -> Any:
    try:
        return ast.literal_eval(_MISSING_LEVEL.sub("None", name))
    except (ValueError, SyntaxError):
        return name


def _text(label: object) -> str:
    plain = plain_value(label)
    try:
        return str(label) if plain is None else str(plain)
    # A label may be an object of any library.
    except Exception as error:
        raise InputError("A column has a name that is no text, or too long: rename it.") from error
