"""Rows of suppressions: from ids, a table or a file to what the ledger is to hold of each customer.

The rules of this file:

- A table is gone through as often as asked for, and never held: it may have millions of rows.
- What a cell says goes before what was said for all rows; an empty cell says nothing.
- Each row is looked at, and all that is wrong with it is told by its number: ids are told nowhere.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.problems import REQUIRED, Problem, did_you_mean, shortened
from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.campaign.given_ids import given_id
from connect_tasks.errors import InputError
from connect_tasks.ledger.suppression_lists import checked_list
from connect_tasks.ledger.verdicts import Suppression
from connect_tasks.tables.cells import plain_value
from connect_tasks.tables.files.sources import suffix_of
from connect_tasks.tables.fingerprint import is_table
from connect_tasks.tables.reading import Table, open_table
from connect_tasks.tables.unreadable_cell import UnreadableCell

__all__ = [
    "LONGEST_ID",
    "LONGEST_SOURCE",
    "Entry",
    "Rows",
    "checked_word",
    "names_table",
    "read_rows",
    "utc",
]

Entry: TypeAlias = tuple[str, Suppression]
"""A customer's id, and what is to hold of them."""

LONGEST_ID = 128
"""The most characters of a customer's id: no longer one can be contacted."""
LONGEST_SOURCE = 256
"""The most characters of a reason, and of where a suppression came from."""

_COLUMN = "customer_id"
_COLUMNS = (_COLUMN, "list", "reason", "source", "expires_at")
_PIECE = 2_000
_MOST_TOLD = 5
_NOTHING_SEEN = "holds nothing that a person could see"
_NO_TIME = "write a date as 2027-01-31, or a time as 2027-01-31T18:00+01:00"


@dataclass(frozen=True, slots=True)
class Rows:
    """Customers with what is to hold of them, to be gone through as often as wished.

    Args:
        read: Begins to read them, some at a time.
        said: What holds of those whose row says nothing else.
    """

    read: Callable[[], Iterator[Sequence[Mapping[str, Any]]]]
    said: Suppression

    def check(self) -> frozenset[str]:
        """Look at every row.

        Returns:
            The lists that they name.

        Raises:
            InputError: Some rows cannot be used: the first ones are told, each with its reasons.
        """
        lists: set[str] = set()
        wrong: list[str] = []
        rows = bad = 0
        for piece in self.read():
            for number, row in enumerate(piece, start=rows):
                entry, problems = _entry(row, self.said)
                lists.add(entry[1].list)
                bad += bool(problems)
                if problems and len(wrong) < _MOST_TOLD:
                    wrong.append(f"row {number}: {'; '.join(map(str, problems))}")
            rows += len(piece)
        if bad:
            raise InputError(_told(wrong, bad, rows))
        return frozenset(lists)

    def pieces(self) -> Iterator[list[Entry]]:
        """Go through the customers, some thousands at a time; after `check`."""
        for piece in self.read():
            yield [_entry(row, self.said)[0] for row in piece]


def read_rows(customers: Any, said: Suppression) -> Rows:
    """Look at what was given, and how it is to be read.

    Args:
        customers: One id; ids; a DataFrame; the path or URI of a file.
        said: What holds of those whose row says nothing else.

    Raises:
        InputError: It is none of these, there is no such file, or it names no customers.
    """
    if isinstance(customers, str) and not names_table(customers):
        customers = [_no_path(customers)]
    if isinstance(customers, str | os.PathLike) or is_table(customers):
        return Rows(_of_table(open_table(customers, may_be_empty=True)), said)
    return Rows(_of_ids(_listed(customers)), said)


def names_table(text: str) -> bool:
    """Whether a text is the path or URI of a file with a table, and no customer's id.

    Example:
        >>> names_table("opt-outs.csv"), names_table("s3://lists/opt-outs"), names_table("0042")
        (True, True, False)
    """
    return "://" in text or suffix_of(text) is not None


def utc(given: Any) -> datetime | None:
    """A time that somebody gave, in UTC; None for what is none. Without a zone it is UTC's.

    Example:
        >>> utc("2027-01-31").isoformat(), utc("tomorrow")
        ('2027-01-31T00:00:00+00:00', None)
    """
    try:
        given = datetime.fromisoformat(given.strip()) if isinstance(given, str) else given
        if isinstance(given, date) and not isinstance(given, datetime):
            given = datetime.combine(given, time())
        if not isinstance(given, datetime):
            return None
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def checked_word(name: str, given: str, *, may_be_empty: bool = False) -> str:
    """A reason or a source, if a ledger can hold it.

    Args:
        name: What it is.
        given: What somebody wrote.
        may_be_empty: Whether nothing is fine.

    Raises:
        InputError: It is no text, empty or too long.

    Example:
        >>> checked_word("reason", "complaint")
        'complaint'
    """
    if not isinstance(given, str):
        raise InputError(f"{name} is a {type(given).__name__}: give a text.")
    why = why_not_stored(given, most=LONGEST_SOURCE)
    if not why and not may_be_empty and not given.strip():
        why = "is empty: write a word, such as 'person'"
    if why:
        raise InputError(f"The {name} cannot be used: it {why}.")
    return given


def _no_path(text: str) -> str:
    """A customer's id; a path that was mistyped would put somebody on a list who is not there."""
    if any(sign in text for sign in "/\\\n") or (text.strip() and Path(text).exists()):
        raise InputError(
            "customers is a text that may be a file or an id: give a path that ends as .csv or "
            ".parquet does, or the id in a list, as [id]."
        )
    return text


def _listed(customers: Any) -> list[Any]:
    if isinstance(customers, int):
        return [customers]
    is_text = isinstance(customers, bytes | Mapping) or hasattr(customers, "to_pandas")
    if is_text or not isinstance(customers, Iterable):
        raise InputError(
            f"customers is a {type(customers).__name__}: give ids, a DataFrame with a column "
            "customer_id, or the path or URI of a CSV or Parquet file."
        )
    return list(customers)


def _of_ids(ids: list[Any]) -> Callable[[], Iterator[Sequence[Mapping[str, Any]]]]:
    def read() -> Iterator[Sequence[Mapping[str, Any]]]:
        values = iter(ids)
        while piece := [{_COLUMN: plain_value(one)} for one in islice(values, _PIECE)]:
            yield piece

    return read


def _of_table(table: Table) -> Callable[[], Iterator[Sequence[Mapping[str, Any]]]]:
    if _COLUMN not in table.columns:
        hint = did_you_mean(_COLUMN, table.columns)
        raise InputError(f"The table has no column {_COLUMN!r}{hint}: call the one with ids so.")
    return lambda: table.chunks(chunk_rows=_PIECE, columns=_COLUMNS)


def _entry(row: Mapping[str, Any], said: Suppression) -> tuple[Entry, list[Problem]]:
    """What a row says, and what is wrong with it."""
    customer_id, problems = _customer_id(row[_COLUMN])
    given = {name: row.get(name) for name in _COLUMNS[1:] if not _is_blank(row.get(name))}
    values: dict[str, Any] = {}
    for name, value in given.items():
        try:
            values[name] = _READ[name](_readable(value))
        except InputError as error:
            problems.append(Problem(name, "", str(error).removesuffix(".")))
    return (customer_id, replace(said, **values) if values else said), problems


def _customer_id(cell: Any) -> tuple[str, list[Problem]]:
    if isinstance(cell, UnreadableCell):
        return "", [Problem(_COLUMN, "", cell.reason)]
    if _is_blank(cell):
        return "", [Problem(_COLUMN, "", REQUIRED)]
    try:
        text = given_id(cell)
    except InputError as error:
        return "", [Problem(_COLUMN, "", str(error).removesuffix("."))]
    why = why_not_stored(text, most=LONGEST_ID)
    if not why and not canonical_key(text):
        why = _NOTHING_SEEN
    return text, [Problem(_COLUMN, "", why)] if why else []


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _readable(cell: Any) -> Any:
    if isinstance(cell, UnreadableCell):
        raise InputError(cell.reason)
    return cell


def _text(name: str) -> Callable[[Any], str]:
    return lambda cell: checked_word(name, cell if isinstance(cell, str) else str(cell))


def _expiry(cell: Any) -> datetime:
    if (until := utc(cell)) is None:
        raise InputError(f"{shortened(cell)} is no time: {_NO_TIME}.")
    return until


_READ: Mapping[str, Callable[[Any], Any]] = {
    "list": lambda cell: checked_list(cell if isinstance(cell, str) else str(cell)),
    "reason": _text("reason"),
    "source": _text("source"),
    "expires_at": _expiry,
}


def _told(wrong: Sequence[str], bad: int, rows: int) -> str:
    others = f"; and {bad - len(wrong):,} others" if bad > len(wrong) else ""
    which = "1 row" if bad == 1 else f"{bad:,} rows"
    return (
        f"{which} of {rows:,} cannot be used (counted from 0): {'; '.join(wrong)}{others}. Nothing "
        "was written."
    )
