"""Suppression: whom nobody is to contact, put on lists, taken off them and listed.

A list is one of the ledger's, and no campaign's. `all` holds in every campaign; another one in
those whose policy names it.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.campaign.suppression_rows import checked_word, read_rows, utc
from connect_tasks.databases.addresses import hide_password
from connect_tasks.errors import InputError
from connect_tasks.ledger.database import ledger_exists
from connect_tasks.ledger.opening import default_url, opened
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.suppression_lists import ALL, checked_list, existing_list, list_to_make
from connect_tasks.ledger.verdicts import Suppression
from connect_tasks.tables.destinations import folder_for
from connect_tasks.tables.layouts import SUPPRESSIONS
from connect_tasks.tables.result_files import ResultFiles, ResultTable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Customers", "suppress", "suppressed", "unsuppress"]

Customers: TypeAlias = "str | int | os.PathLike[str] | Iterable[Any] | pd.DataFrame"
"""One id, ids, a table with a column `customer_id`, or the path or URI of a file with one."""

_log = logging.getLogger(__name__)


def suppress(
    customers: Customers,
    *,
    list: str = ALL,  # noqa: A002 - a field's name
    reason: str = "person",
    source: str = "",
    expires_at: datetime | None = None,
    expires_after: timedelta | None = None,
    ledger: Ledger | str | None = None,
    clock: Clock | None = None,
    new_list: bool = False,
) -> int:
    """Put customers on a list of those whom nobody is to contact. It holds from the next call on.

    It counts also for customers whom no campaign knows yet, and for those who are planned already.
    Who is on the list stays as they came to it, unless it is for longer now; who was taken off it
    is on it again. So a second call changes nothing, and one that was broken off is made again:
    rows go in some thousands at a time. Nothing is written if a row cannot be used.

    Args:
        customers: One id; ids; a DataFrame, or the path or URI of a CSV or Parquet file, with a
            column `customer_id`. What stands in its columns `list`, `reason`, `source` and
            `expires_at` goes before the arguments. Rows that have ended by now are passed over.
        list: Which list: `all` holds in every campaign, another one where a policy names it. It is
            made if it is not there, unless another one is called nearly so.
        reason: Why, in a word, such as person, complaint, import.
        source: Where that came from, such as a ticket's number.
        expires_at: Until when it holds; UTC where it names no zone. For good if None.
        expires_after: The same, from now on.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None. It is made if it is not there.
        clock: Tells the time; the machine's by default.
        new_list: Whether a list is made also where another one is called nearly so, as `news-de`
            beside `news-fr`.

    Returns:
        How many came onto a list, or are on it for longer.

    Raises:
        InputError: A row or an argument cannot be used, or a list's name is nearly another one's.
            Nothing was written.
        LedgerError: The ledger cannot be written.

    Example:
        ```python
        from connect_tasks.campaign.suppression import suppress

        suppress("0042", reason="complaint", source="ticket 17")
        suppress("opt-outs.csv", list="marketing", reason="import")
        ```
    """
    now = (clock or SystemClock()).now()
    said = Suppression(
        checked_list(list),
        checked_word("reason", reason),
        checked_word("source", source, may_be_empty=True),
        now,
        _end(expires_at, expires_after, now),
    )
    rows = read_rows(customers, said)
    lists = rows.check()
    with _opened_or_made(ledger) as there:
        known = {*there.suppressions.lists()}
        for name in sorted(lists):
            known.add(list_to_make(name, known, is_meant=new_list))
        return sum(there.suppressions.add(_lasting(piece, now)) for piece in rows.pieces())


def unsuppress(
    customers: Customers,
    *,
    list: str = ALL,  # noqa: A002 - a field's name
    ledger: Ledger | str | None = None,
    clock: Clock | None = None,
) -> int:
    """Take customers off a list. What they said before this does not put them on it again.

    A word of theirs that says so after this does, and so does `suppress`. A second call changes
    nothing; one that was broken off is made again.

    Args:
        customers: As `suppress` takes them; of a table the columns `customer_id` and `list` count.
        list: Which list.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        clock: Tells the time; the machine's by default.

    Returns:
        How many were taken off; the others were not on it.

    Raises:
        InputError: A row cannot be used, or there is no such list or no ledger. Nobody was taken
            off then.
        LedgerError: The ledger cannot be written.

    Example:
        ```python
        from connect_tasks.campaign.suppression import unsuppress

        unsuppress("0042", list="marketing")
        ```
    """
    now = (clock or SystemClock()).now()
    rows = read_rows(customers, Suppression(checked_list(list), "person", "", now))
    lists = rows.check()
    with opened(ledger) as there:
        known = there.suppressions.lists()
        for name in sorted(lists):
            existing_list(name, known)
        names = ([(who, one.list) for who, one in piece] for piece in rows.pieces())
        return sum(there.suppressions.remove(piece, now=now) for piece in names)


def suppressed(
    *,
    list: str | None = None,  # noqa: A002 - a field's name
    ledger: Ledger | str | None = None,
    save_to: str | os.PathLike[str] | None = None,
    clock: Clock | None = None,
) -> "pd.DataFrame":
    """Whom nobody is to contact now, one row for each customer and list.

    Args:
        list: Only of this list.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        save_to: Folder or `s3://` URI for `suppressed.csv`, which `suppress` reads again: exactly
            the text, and no file for spreadsheets, which would carry out some. Who was forgotten is
            not in it, as nobody else could recognise them; the log says how many that are.
        clock: Tells the time; the machine's by default.

    Returns:
        Columns: customer_id (missing where they were forgotten: they are known by a hash), list,
        reason, source (`string`); added_at, expires_at (`datetime64[us, UTC]`; missing if it holds
        for good). By list, in the order in which they came.

    Raises:
        InputError: There is no such list, or no ledger.

    Example:
        ```python
        from connect_tasks.campaign.suppression import suppressed

        suppressed(list="marketing").groupby("reason").size()
        ```
    """
    now = (clock or SystemClock()).now()
    with opened(ledger) as there:
        if list is not None:
            existing_list(list, there.suppressions.lists())
        frame = SUPPRESSIONS.frame(there.suppressions.records(list, now=now))
        if save_to is not None:
            _save(there, list, now, save_to)
    return frame


def _save(ledger: Ledger, name: str | None, now: datetime, place: "str | os.PathLike[str]") -> None:
    named = _Named(ledger.suppressions.records(name, now=now))
    with folder_for(place) as folder:
        table = ResultTable(SUPPRESSIONS, named)
        ResultFiles({"suppressed": table}).write(folder, ["csv"], neutralise=False)
    if named.left_out:
        _log.warning(
            "suppressed.csv is without %s who were forgotten: only this ledger recognises them",
            f"{named.left_out:,}",
        )


class _Named:
    """The rows that have an id, gone through once; the others are counted."""

    def __init__(self, records: "Iterable[Mapping[str, Any]]") -> None:
        self.left_out = 0
        self._records = records

    def __iter__(self) -> "Iterator[Mapping[str, Any]]":
        for record in self._records:
            if record["customer_id"] is None:
                self.left_out += 1
            else:
                yield record


def _lasting(
    piece: "Iterable[tuple[str, Suppression]]", now: datetime
) -> "list[tuple[str, Suppression]]":
    return [
        (customer_id, one)
        for customer_id, one in piece
        if one.expires_at is None or one.expires_at > now
    ]


def _end(at: Any, after: Any, now: datetime) -> datetime | None:
    if at is None and after is None:
        return None
    if at is not None and after is not None:
        raise InputError("Give expires_at or expires_after, and not both.")
    if after is not None and not isinstance(after, timedelta):
        raise InputError(f"expires_after is a {type(after).__name__}: give a timedelta.")
    until = _sum(now, after) if after is not None else utc(at)
    if until is None or until <= now:
        given = "expires_after" if at is None else "expires_at"
        raise InputError(f"{given} is no time that is still to come: leave it out for good.")
    return until


def _sum(now: datetime, after: timedelta) -> datetime | None:
    try:
        return now + after
    except OverflowError:
        return None


@contextmanager
def _opened_or_made(ledger: Ledger | str | None) -> Iterator[Ledger]:
    """Opt-outs may be there before the first campaign is."""
    if isinstance(ledger, Ledger):
        yield ledger
        return
    url = default_url(os.environ) if ledger is None else ledger
    if not ledger_exists(url):
        _log.warning("a new ledger is made at %s", hide_password(url))
    with Ledger(url) as own:
        yield own
