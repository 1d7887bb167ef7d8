"""What a ledger's size costs: opening it, a start-up, a claim, the counts, and a collection's look.

`python -m tests.bench.bench_ledger_size [sqlite|postgresql] [contacts of the past…]`. No pass or
fail: machines differ. What must not grow with the contacts of the past does not.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa

from connect_tasks.campaign.planning import CHUNK_ROWS, plan_campaign
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.schema import collected, contacts
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.reading import open_table
from tests.bench.bench_planning import customers, renderer
from tests.bench.table import Row
from tests.postgresql import running_postgresql

__all__ = ["measure_sizes"]

_CAMPAIGN, _INSTANCE = "bench", "i-1"
_WAITING = 3_000
_TIMES = 5
_TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
# How the database is told to find out what its tables are like, as its own daemon does.
_ANALYZE = "ANALYZE"


def measure_sizes(
    past: Sequence[int] = (10_000, 100_000, 1_000_000),
    kinds: Sequence[str] = ("sqlite", "postgresql"),
) -> Iterator[Row]:
    """One campaign of so many contacts that ended and were collected, and 3,000 who wait."""
    for kind in kinds:
        first: dict[str, float] = {}
        for count in past:
            for what, spent in _of_size(kind, count).items():
                fewest = first.setdefault(what, spent)
                yield Row(
                    line="m",
                    what=f"{what}, {count:,} contacts of the past, {kind}",
                    measured=f"{spent * 1e3:.1f} ms",
                    reference=f"with the fewest: {fewest * 1e3:.1f} ms",
                    ratio=f"{spent / fewest:.2f}",
                    aim="does not grow",
                    raw={"kind": kind, "past": count, "did": what, "seconds": spent},
                )


def _of_size(kind: str, past: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, _database(kind, Path(folder)) as url:
        now = datetime.now(UTC)
        with Ledger(url) as ledger:
            ledger.open_campaign(_CAMPAIGN, _INSTANCE, now=now)
            _fill(ledger, past, now)
            frame = customers(_WAITING)
            chunks = open_table(frame).chunks(chunk_rows=CHUNK_ROWS)
            plan_campaign(ledger, _CAMPAIGN, chunks, renderer(list(frame.columns)), now=now)
            return {what: _seconds(do) for what, do in _work(ledger, now).items()}


def _database(kind: str, folder: Path) -> AbstractContextManager[str]:
    if kind == "postgresql":
        return running_postgresql(folder)
    return nullcontext(f"sqlite:///{folder}/ledger.db")


def _work(ledger: Ledger, now: datetime) -> dict[str, Callable[[], object]]:
    """What is done to a ledger, by its name in the table."""
    names = [str(number) for number in range(2_000)]
    return {
        "opening": lambda: Ledger(ledger.url).close(),
        "start-up of a run": lambda: _start_up(ledger, now),
        "a claim of 100": lambda: ledger.claim(
            _CAMPAIGN, "w", most=100, now=datetime.now(UTC), terms=_TERMS
        ),
        "looking for 2,000 customers": lambda: ledger.known(_CAMPAIGN, names),
        "the counts": lambda: ledger.counts(_CAMPAIGN),
        "all campaigns": ledger.campaign_records,
        "a collection's look for what is open": lambda: _look(ledger, now),
        "its look for what nobody asked about": lambda: ledger.collection.ended_here(
            _CAMPAIGN, before=now, most=1_000
        ),
    }


def _start_up(ledger: Ledger, now: datetime) -> None:
    ledger.open_campaign(_CAMPAIGN, _INSTANCE, now=now)
    ledger.expire_tokens(_CAMPAIGN, now=now, terms=_TERMS)
    ledger.recall(_CAMPAIGN, "w")
    ledger.next_expiry(_CAMPAIGN, "w", now=now, terms=_TERMS)


def _look(ledger: Ledger, now: datetime) -> None:
    ledger.collection.count_open(_CAMPAIGN)
    ledger.collection.following_open(_CAMPAIGN, before=now, most=1_000)
    ledger.collection.to_follow(_CAMPAIGN)


def _seconds(do: Callable[[], object]) -> float:
    """The median of some times, after one that finds the database cold."""
    times = []
    for _ in range(_TIMES + 1):
        start = time.perf_counter()
        do()
        times.append(time.perf_counter() - start)
    return median(times[1:])


def _fill(ledger: Ledger, past: int, now: datetime) -> None:
    """Contacts of a month ago, each ended and collected; by the database alone."""
    with ledger._writing() as connection:
        for table, values in ((contacts, _contact(now)), (collected, _collected(now))):
            connection.execute(_insert(table, values, past))
    with ledger._writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_ANALYZE)


def _insert(table: sa.Table, values: dict[str, Any], count: int) -> sa.Insert:
    numbers = sa.select(sa.literal(0).label("number")).cte("numbers", recursive=True)
    following = sa.select(numbers.c.number + 1).where(numbers.c.number < count - 1)
    numbers = numbers.union_all(following)
    # All of the same length, none of them a customer's of the table.
    name = "past-" + sa.cast(numbers.c.number + 100_000_000, sa.Text)
    columns = [
        name if value is _NAME else sa.literal(value, kind)
        for value, kind in ((value, table.c[key].type) for key, value in values.items())
    ]
    return sa.insert(table).from_select(list(values), sa.select(*columns).select_from(numbers))


_NAME: Any = object()
"""Stands for what each row is called."""


def _contact(now: datetime) -> dict[str, Any]:
    at = now - timedelta(days=30)
    return {
        "campaign": _CAMPAIGN,
        "customer_id": _NAME,
        "customer_key": _NAME,
        "generation": 1,
        "status": "completed",
        "client_token": _NAME,
        "request": "{}",
        "fingerprint": "f",
        "messages": [],
        "attempts": 1,
        "items_skipped": 0,
        "contact_id": _NAME,
        "sent_at": at,
        "planned_at": at,
        "started_at": at,
        "connected_at": at,
        "ended_at": at,
    }


def _collected(now: datetime) -> dict[str, Any]:
    at = now - timedelta(days=29)
    return {
        "campaign": _CAMPAIGN,
        "contact_id": _NAME,
        "initial_contact_id": _NAME,
        "started_at": at,
        "ended_at": at,
        "described_at": at,
        "transcript": "stored",
        "looks": 1,
    }


def main() -> None:
    """Measure and print."""
    kinds = [each for each in sys.argv[1:] if not each.isdigit()] or ["sqlite", "postgresql"]
    past = [int(each) for each in sys.argv[1:] if each.isdigit()] or [10_000, 100_000]
    for row in measure_sizes(past, kinds):
        print(row.what, row.measured, row.reference, row.ratio, sep=" | ", flush=True)


if __name__ == "__main__":
    main()
