"""Tallies: how many of a campaign's rows are how far, kept by the database itself.

The rules of this file:

- Only triggers write tallies (`tally_triggers`). They are in the database, so that whatever changes
  a contact, of this version, of an earlier one or by hand, changes them in the same transaction.
- What a row adds depends on that row alone. So it does not matter in which order transactions that
  know nothing of each other are committed: the sum is always right.
- A contact counts, whichever generation of its customer it is. Who reads takes those off again for
  whom another one stands (`counts`).
"""

# ruff: noqa: S608 - the names are our own

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import OPEN, Status, Withdrawal
from connect_tasks.ledger.schema import contacts, refusals, tallies, tally_changes

__all__ = [
    "KEPT",
    "SUMMED",
    "TIMES",
    "changed",
    "fill_in",
    "kept",
    "miscounted",
    "taken_off",
    "values_of",
]

SUMMED = "items_skipped"
TIMES: Mapping[str, str] = {"planned_at": "min", "ended_at": "max"}
"""When the first was planned and the last ended: neither ever moves back."""

_REFUSED = (Status.REJECTED, Status.DUPLICATE)
_OPEN = ", ".join(f"'{status}'" for status in sorted(OPEN))
_WITHDRAWN = ", ".join(f"'{by}'" for by in Withdrawal)
_HAS_TRANSCRIPT = f"{{row}}.status = '{Status.COMPLETED}' AND {{row}}.connected_at IS NOT NULL"

_CONDITIONS: Mapping[str, Mapping[str, str]] = {
    contacts.name: {
        **{str(status): f"{{row}}.status = '{status}'" for status in Status},
        "withdrawn": f"{{row}}.status = '{Status.FAILED}' AND {{row}}.error_code IN ({_WITHDRAWN})",
        "reached_started": "{row}.started_at IS NOT NULL",
        "reached_connected": "{row}.connected_at IS NOT NULL",
        "replied": "{row}.first_reply_at IS NOT NULL",
        "handed_over": "{row}.handed_over_at IS NOT NULL",
        "handed_over_open": f"{{row}}.status IN ({_OPEN}) AND {{row}}.handed_over_at IS NOT NULL",
        "transcripts_incomplete": f"{_HAS_TRANSCRIPT} AND {{row}}.transcript_complete IS FALSE",
        "transcripts_unchecked": f"{_HAS_TRANSCRIPT} AND {{row}}.transcript_complete IS NULL",
    },
    refusals.name: {str(status): f"{{row}}.status = '{status}'" for status in _REFUSED},
}

KEPT = (*_CONDITIONS[contacts.name], SUMMED)
"""What is counted: how many rows have a status, or came so far."""


def values_of(table: str, row: str) -> dict[str, str]:
    """What one row adds, as SQL.

    Args:
        table: Of which table it is: contacts or refusals.
        row: What it is called in the statement.
    """
    counts = {
        name: f"CASE WHEN {condition.format(row=row)} THEN 1 ELSE 0 END"
        for name, condition in _CONDITIONS[table].items()
    }
    return counts | ({SUMMED: f"{row}.{SUMMED}"} if table == contacts.name else {})


def changed(row: str) -> dict[str, str]:
    """What a row of `tally_changes` adds, as SQL.

    Args:
        row: What it is called in the statement.
    """
    values = {
        name: f"coalesce({row}.more * ({value}), 0)"
        for name, value in values_of(contacts.name, row).items()
    }
    return values | {name: f"CASE WHEN {row}.more > 0 THEN {row}.{name} END" for name in TIMES}


def kept(campaign: str | None = None) -> sa.CompoundSelect[Any]:
    """What is kept of a campaign, or of all: rows that are to be added up."""
    names, changes = (*KEPT, *TIMES), changed(tally_changes.name)
    added_up = sa.select(tallies.c.campaign, *(tallies.c[name] for name in names))
    since = sa.select(
        tally_changes.c.campaign, *(sa.literal_column(changes[name]).label(name) for name in names)
    )
    if campaign is not None:
        added_up = added_up.where(tallies.c.campaign == campaign)
        since = since.where(tally_changes.c.campaign == campaign)
    return sa.union_all(added_up, since)


def taken_off() -> list[sa.ColumnElement[Any]]:
    """What contacts take off that do not count, as columns for a query of them."""
    own = values_of(contacts.name, contacts.name)
    values = {name: f"-({value})" for name, value in own.items()} | dict.fromkeys(TIMES, "NULL")
    return [sa.literal_column(values[name]).label(name) for name in (*KEPT, *TIMES)]


def fill_in(connection: sa.Connection) -> None:
    """Count all that is there into empty tallies. Nobody else may write until it is committed."""
    names = ", ".join(("campaign", *KEPT, *TIMES))
    insert = f"INSERT INTO {tallies.name} ({names}) SELECT {names} FROM ({_ALL}) AS found"
    connection.exec_driver_sql(insert)


def miscounted(connection: sa.Connection) -> dict[str, dict[str, tuple[Any, Any]]]:
    """What is kept and is not so, by campaign, each with what there is: nothing, ever.

    It walks through all contacts and all refused rows.
    """
    types = {name: tallies.c[name].type for name in (*KEPT, *TIMES)}
    told = _by_campaign(connection, _kept())
    there = _by_campaign(connection, sa.text(_ALL).columns(campaign=sa.Text, **types))
    none = {**dict.fromkeys(KEPT, 0), **dict.fromkeys(TIMES)}
    found = {
        campaign: {
            name: (said, is_so)
            for name, said in told.get(campaign, none).items()
            if said != (is_so := there.get(campaign, none)[name])
        }
        for campaign in told.keys() | there.keys()
    }
    return {campaign: differences for campaign, differences in found.items() if differences}


def _by_campaign(connection: sa.Connection, query: sa.Executable) -> dict[str, dict[str, Any]]:
    rows = connection.execute(query).mappings().all()
    names = (*KEPT, *TIMES)
    return {row["campaign"]: {name: row[name] for name in names} for row in rows}


def _kept() -> sa.Select[Any]:
    columns = kept().subquery().c
    sums = [sa.func.sum(columns[name]).label(name) for name in KEPT]
    times = [getattr(sa.func, how)(columns[name]).label(name) for name, how in TIMES.items()]
    return sa.select(columns.campaign, *sums, *times).group_by(columns.campaign)


def _sums(table: str) -> str:
    """All rows of a table, counted by campaign."""
    own = values_of(table, table)
    sums = [f"sum({own.get(name, '0')}) AS {name}" for name in KEPT]
    times = {name: name if table == contacts.name else "CAST(NULL AS TIMESTAMP)" for name in TIMES}
    sums += [f"{how}({times[name]}) AS {name}" for name, how in TIMES.items()]
    return f"SELECT campaign, {', '.join(sums)} FROM {table} GROUP BY campaign"


_TOGETHER = [f"sum({name}) AS {name}" for name in KEPT] + [
    f"{how}({name}) AS {name}" for name, how in TIMES.items()
]
_ALL = (
    f"SELECT campaign, {', '.join(_TOGETHER)} "
    f"FROM ({_sums(contacts.name)} UNION ALL {_sums(refusals.name)}) AS rows_of_both "
    "GROUP BY campaign"
)
