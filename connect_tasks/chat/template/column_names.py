"""Column names: whether a table has those that a template names, and which were meant."""

import difflib
from collections.abc import Collection, Iterable

from connect_tasks.chat.template.expression import Expression
from connect_tasks.errors import InputError

__all__ = ["check_columns", "near"]

# A person reads no more, and each is compared with every column of the table.
_MOST_TOLD = 10
_MOST_COLUMNS_TOLD = 50
_MOST_COMPARED = 2_000
_LONGEST_NAME = 100


def check_columns(expressions: Iterable[tuple[str, Expression]], columns: Collection[str]) -> None:
    """Find out whether the table has every column that a template must find there.

    Args:
        expressions: The template's texts, each with the field where it stands.
        columns: The table's columns.

    Raises:
        InputError: One is absent; the nearest name is told.
    """
    there = frozenset(columns)
    absent: dict[str, str] = {}
    for where, expression in expressions:
        for column in sorted(expression.required - there):
            absent.setdefault(column, where)
    if absent:
        raise InputError(
            f"The template names columns that the table does not have: {_named(absent, columns)}."
            f" The table has {_listed(columns)}."
            " Correct the name, add the column, or provide for it with default()."
        )


def near(name: str, columns: Iterable[str]) -> str:
    """Suggest the column that was meant; an empty text if none is near.

    Example:
        >>> near("naem", ["name", "plan"])
        " (did you mean 'name'?)"
    """
    by_lower = {column.lower(): column for column in columns}
    if name.lower() in by_lower:
        return f" (did you mean {by_lower[name.lower()]!r}?)"
    compared = [lower for lower in by_lower if len(lower) <= _LONGEST_NAME][:_MOST_COMPARED]
    short = name.lower()[:_LONGEST_NAME]
    close = difflib.get_close_matches(short, compared, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[close[0]]!r}?)" if close else ""


def _named(absent: dict[str, str], columns: Collection[str]) -> str:
    told = list(absent.items())[:_MOST_TOLD]
    named = ", ".join(f"{name!r} in {where}{near(name, columns)}" for name, where in told)
    more = len(absent) - len(told)
    return f"{named} and {more:,} more" if more else named


def _listed(columns: Collection[str]) -> str:
    told = [repr(column[:_LONGEST_NAME]) for column in columns][:_MOST_COLUMNS_TOLD]
    more = len(columns) - len(told)
    return f"{', '.join(told)} and {more:,} more" if more else ", ".join(told)
