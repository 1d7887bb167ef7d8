"""Column names: whether a table has those that a template names, and which were meant."""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from connect_tasks.chat.template.expression import Expression
from connect_tasks.chat.template.faults import Place
from connect_tasks.errors import InputError

__all__ = ["check_columns", "near"]

# A person reads no more, and each is compared with every column of the table.
_MOST_TOLD = 10
_MOST_COLUMNS_TOLD = 50
_MOST_COMPARED = 2_000
_LONGEST_NAME = 100


def check_columns(
    expressions: Iterable[tuple[str, Expression]],
    columns: Collection[str],
    besides: Collection[str] = (),
) -> None:
    """Find out whether the table has every column that a template must find there.

    Args:
        expressions: The template's texts, each with the field where it stands.
        columns: The table's columns.
        besides: What rows have besides.

    Raises:
        InputError: One is absent; the nearest name is told.
    """
    there = frozenset((*columns, *besides))
    absent: dict[str, str] = {}
    for where, expression in expressions:
        for column in sorted(expression.required - there):
            absent.setdefault(column, where)
    if absent:
        raise InputError(
            f"The template names columns that the table does not have: {_named(absent, there)}."
            f" The table has {_listed(columns)}."
            " Correct the name, add the column, or provide for it with default()."
        )


def near(name: str, columns: Iterable[str]) -> str:
    """Suggest the column that was meant, as a template writes it; an empty text if none is near.

    Example:
        >>> near("naem", ["name", "plan"])
        " (did you mean 'name'?)"
        >>> near("first", ["first-name"])
        " (did you mean row['first-name']?)"
    """
    by_form = {_form(column): column for column in columns}
    meant = by_form.get(_form(name)) or _nearest(_form(name), by_form)
    if not meant:
        return ""
    if meant != name and unicodedata.normalize("NFC", meant) == unicodedata.normalize("NFC", name):
        return f" (did you mean the column whose name only looks the same, {meant!a}?)"
    return f" (did you mean {repr(meant) if meant.isidentifier() else Place.of(meant).path}?)"


def _form(name: str) -> str:
    return name.lower() if name.isascii() else unicodedata.normalize("NFKC", name).lower()


def _nearest(form: str, by_form: Mapping[str, str]) -> str:
    compared = [other for other in by_form if len(other) <= _LONGEST_NAME][:_MOST_COMPARED]
    # Of `first-name` and `address.city` the template language sees the first word alone.
    longer = [other for other in compared if re.match(rf"{re.escape(form)}\W", other)]
    close = longer or difflib.get_close_matches(form[:_LONGEST_NAME], compared, n=1, cutoff=0.6)
    return by_form[close[0]] if close else ""


def _named(absent: dict[str, str], columns: Collection[str]) -> str:
    told = list(absent.items())[:_MOST_TOLD]
    named = ", ".join(f"{name!r} in {where}{near(name, columns)}" for name, where in told)
    more = len(absent) - len(told)
    return f"{named} and {more:,} more" if more else named


def _listed(columns: Collection[str]) -> str:
    told = [repr(column[:_LONGEST_NAME]) for column in columns][:_MOST_COLUMNS_TOLD]
    more = len(columns) - len(told)
    return f"{', '.join(told)} and {more:,} more" if more else ", ".join(told)
