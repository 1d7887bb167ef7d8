"""What a policy costs: planning under one, and claims beside many contacts of the past.

`python -m tests.bench.bench_policy [rows] [past contacts…]`. No pass or fail: machines differ.
"""

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pandas as pd
import sqlalchemy as sa

from connect_tasks.campaign.planning import CHUNK_ROWS, plan_campaign
from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.suppression import suppress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.reading import open_table
from tests.bench.bench_planning import customers, renderer
from tests.bench.table import Row

__all__ = ["measure_policy"]

_WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
POLICY = OutreachPolicy.model_validate(
    {
        "communication_time": {
            "open_hours": {day: [{"start_time": "00:00", "end_time": "24:00"}] for day in _WEEK},
            "restricted_periods": [
                {"name": "new year", "start_date": "2030-01-01", "end_date": "2030-01-01"}
            ],
            "default_time_zone": "Europe/Berlin",
        },
        "communication_limits": {"limits": [{"max_count_per_recipient": 2, "frequency": 7}]},
        "expires_after": timedelta(days=14),
        "suppression": ["marketing"],
        "hold_out": 0.1,
    }
)
TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))


def measure_policy(
    rows: int = 1_000_000, past: Sequence[int] = (10_000, 100_000, 1_000_000)
) -> Iterator[Row]:
    """Planning with a policy and a list as long as the table; claims of 100."""
    bare, ruled = (_planned(rows, policy) for policy in (None, POLICY))
    yield Row(
        line="k",
        what=f"planning {rows:,} rows, a policy and a list of {rows:,}",
        measured=f"{ruled:.1f} s",
        reference=f"without: {bare:.1f} s",
        ratio=f"{ruled / bare:.2f}",
        aim="≤ 1.25",
        raw={"rows": rows, "with": ruled, "without": bare},
    )
    yield from _claims(past)


def _planned(rows: int, policy: OutreachPolicy | None) -> float:
    """Processor seconds of planning; the list, on which nobody of the table is, is there before."""
    frame, now = customers(rows), datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ledger.db"
        with Ledger(url) as ledger:
            stored = policy.model_dump(mode="json") if policy else None
            ledger.open_campaign("bench", "i-1", now=now, policy=stored)
        if policy:
            others = pd.DataFrame({"customer_id": [f"other-{n}" for n in range(rows)]})
            suppress(others, list="marketing", ledger=url)
        with Ledger(url) as ledger:
            chunks = open_table(frame).chunks(chunk_rows=CHUNK_ROWS)
            start = time.process_time()
            plan_campaign(ledger, "bench", chunks, renderer(list(frame.columns)), now=now)
            return time.process_time() - start


def _claims(past: Iterable[int]) -> Iterator[Row]:
    first: float | None = None
    for count in past:
        spent = _claim_seconds(count)
        first = first or spent
        yield Row(
            line="k",
            what=f"a claim of 100 under a policy, {count:,} contacts of the past",
            measured=f"{spent * 1e3:.1f} ms",
            reference=f"with the fewest: {first * 1e3:.1f} ms",
            ratio=f"{spent / first:.2f}",
            aim="about 1",
            raw={"past": count, "seconds": spent},
        )


def _claim_seconds(past: int) -> float:
    """The median of some claims of 100, each customer with contacts of the past."""
    now = datetime.now(UTC)
    frame = customers(3_000)
    with tempfile.TemporaryDirectory() as folder, Ledger(f"sqlite:///{folder}/l.db") as ledger:
        stored = POLICY.model_dump(mode="json")
        ledger.open_campaign("bench", "i-1", now=now, policy=stored)
        ledger.open_campaign("before", "i-1", now=now)
        chunks = open_table(frame).chunks(chunk_rows=CHUNK_ROWS)
        plan_campaign(ledger, "bench", chunks, renderer(list(frame.columns)), now=now)
        _contacted(ledger.url, past, now)
        times = []
        for _ in range(20):
            start = time.perf_counter()
            ledger.claim(
                "bench", "w", most=100, now=now, terms=TERMS, judge=lambda: PolicyJudge(POLICY)
            )
            times.append(time.perf_counter() - start)
        return median(times)


def _contacted(url: str, count: int, now: datetime) -> None:
    """Contacts of a year in another campaign, of the same customers and of others."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for start in range(0, count, 50_000):
            rows = [_past(n, now) for n in range(start, min(count, start + 50_000))]
            connection.execute(sa.insert(contacts), rows)
    engine.dispose()


def _past(number: int, now: datetime) -> dict[str, Any]:
    at = now - timedelta(minutes=number % 525_600 + 60)
    return {
        "campaign": "before",
        "customer_id": f"{number:08d}",
        "customer_key": f"{number:08d}",
        "generation": 1,
        "status": "completed",
        "client_token": f"before-{number}",
        "request": "{}",
        "fingerprint": "f",
        "messages": [],
        "sent_at": at,
        "planned_at": at,
    }


def main() -> None:
    """Measure and print."""
    given = [int(each) for each in sys.argv[1:]]
    rows = given[0] if given else 100_000
    for row in measure_policy(rows, given[1:] or (10_000, 100_000)):
        print(row.what, row.measured, row.reference, row.ratio, row.aim, sep=" | ", flush=True)


if __name__ == "__main__":
    main()
