"""The names of columns: any labels as text, each of them once."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from connect_tasks.errors import InputError
from connect_tasks.tables.cells import plain_value

__all__ = ["MOST_COLUMNS", "column_name", "labels_of_levels", "refuse_repeated"]

MOST_COLUMNS = 16_384
"""How many columns a table may have: as many as a spreadsheet."""

# What pandas calls a level that a file leaves blank.
_BLANK_LEVEL = re.compile(r"Unnamed: \d+_level_\d+")


def column_name(label: object) -> str:
    """A label as text; of several levels those that are not blank, dotted.

    Example:
        >>> column_name(("attributes", "plan")), column_name(("customer_id", "")), column_name(5.0)
        ('attributes.plan', 'customer_id', '5')
    """
    if not isinstance(label, tuple):
        return _level(label)
    levels = [_level(level) for level in label]
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


def labels_of_levels(names: Sequence[str], levels: int) -> list[Any]:
    """The labels as they were before pandas wrote each as one text: `('customer_id', '')`."""
    return [_parsed(name) for name in names] if levels > 1 else list(names)


def _parsed(name: str) -> Any:
    try:
        return ast.literal_eval(name)
    except (ValueError, SyntaxError):
        return name


def _level(label: object) -> str:
    plain = plain_value(label)
    return str(label) if plain is None else str(plain)
