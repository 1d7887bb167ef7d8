"""What a ledger keeps of its contacts beside what there is, counted one by one in Python."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from connect_tasks.ledger.database import file_is_missing, make_engine

__all__ = ["miscounted"]

_TALLIES = ("tallies", "tally_changes")
_REACHED = {
    "reached_started": "started_at",
    "reached_connected": "connected_at",
    "replied": "first_reply_at",
    "handed_over": "handed_over_at",
}


def miscounted(url: str) -> dict[str, Any]:
    """By campaign, what the ledger keeps and what there is, where they differ; nothing, ever.

    Of what is no ledger, or is broken on purpose, nothing is said.
    """
    try:
        if file_is_missing(url):
            return {}
        engine = make_engine(url)
        try:
            with engine.connect() as connection:
                there = sa.inspect(connection).get_table_names()
                if not {*_TALLIES, "contacts", "refusals"} <= set(there):
                    return {}
                rows = _rows(connection)
                return _differences(*map(rows, (*_TALLIES, "contacts", "refusals")))
        finally:
            engine.dispose()
    except exc.DatabaseError:
        return {}


def _rows(connection: sa.Connection) -> Any:
    return lambda table: connection.exec_driver_sql(f"SELECT * FROM {table}").mappings().all()  # noqa: S608 - our own names


def _differences(
    tallies: Iterable[Mapping[Any, Any]],
    changes: Iterable[Mapping[Any, Any]],
    contacts: Iterable[Mapping[Any, Any]],
    refusals: Iterable[Mapping[Any, Any]],
) -> dict[str, Any]:
    kept: dict[str, Counter[str]] = defaultdict(Counter)
    is_so: dict[str, Counter[str]] = defaultdict(Counter)
    times: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for row in tallies:
        numbers = {n: v for n, v in row.items() if v is not None and n not in _NOT_NUMBERS}
        kept[row["campaign"]].update(numbers)
        times[row["campaign"]].append((row["planned_at"], row["ended_at"]))
    for row in changes:
        for name, number in _counted(row).items():
            kept[row["campaign"]][name] += row["more"] * number
        if row["more"] > 0:
            times[row["campaign"]].append((row["planned_at"], row["ended_at"]))
    for row in contacts:
        is_so[row["campaign"]].update(_counted(row))
    for row in refusals:
        is_so[row["campaign"]][row["status"]] += 1
    found = {}
    for campaign in kept.keys() | is_so.keys():
        names = kept[campaign].keys() | is_so[campaign].keys()
        pairs: dict[str, tuple[Any, Any]] = {
            name: (kept[campaign][name], is_so[campaign][name]) for name in names
        }
        theirs = [row for row in contacts if row["campaign"] == campaign]
        pairs["planned_at"] = (
            min((first for first, _ in times[campaign] if first), default=None),
            min((row["planned_at"] for row in theirs), default=None),
        )
        pairs["ended_at"] = (
            max((last for _, last in times[campaign] if last), default=None),
            max((row["ended_at"] for row in theirs if row["ended_at"]), default=None),
        )
        found[campaign] = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return {campaign: pairs for campaign, pairs in found.items() if pairs}


_NOT_NUMBERS = frozenset({"campaign", "planned_at", "ended_at"})


def _counted(row: Mapping[Any, Any]) -> Counter[str]:
    status, joined = row["status"], row["connected_at"] is not None
    is_open = status in {"started", "connected"}
    has_transcript = status == "completed" and joined
    out = row["error_code"] in {"WithdrawnByTable", "WithdrawnByPerson"}
    counts = Counter({status: 1, "items_skipped": row["items_skipped"] or 0})
    counts.update({name: row[column] is not None for name, column in _REACHED.items()})
    counts["withdrawn"] = status == "failed" and out
    counts["handed_over_open"] = is_open and row["handed_over_at"] is not None
    is_whole = row["transcript_complete"]
    counts["transcripts_unchecked"] = has_transcript and is_whole is None
    counts["transcripts_incomplete"] = has_transcript and is_whole is not None and not is_whole
    return counts
