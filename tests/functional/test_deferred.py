"""Who has to wait, as the ledger counts it: beside a count by hand, on both kinds of ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import sqlalchemy as sa

from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.deferred import Deferred
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.store import Ledger

NOW = datetime(2026, 11, 27, 21, tzinfo=UTC)
CAMPAIGNS = ("renewals", "others")
TABLES = ("today's", "yesterday's", None)
WAITS = (None, -1, 0, 1, 90)


@dataclass(frozen=True)
class Row:
    """A contact of this customer: at which status, of which table, and how long it has to wait."""

    campaign: str
    status: Status
    table_id: str | None
    minutes: int | None
    is_followed: bool = False

    @property
    def not_before(self) -> datetime | None:
        return None if self.minutes is None else NOW + timedelta(minutes=self.minutes)

    def has_to_wait(self, campaign: str, table_id: str | None) -> bool:
        its_time = self.minutes is not None and self.minutes > 0
        may_wait = self.status in {Status.PLANNED, Status.STARTING} and not self.is_followed
        named = table_id is None or self.table_id == table_id
        return its_time and may_wait and named and self.campaign == campaign


STATUSES = [status for status in Status if status not in {Status.REJECTED, Status.DUPLICATE}]
ROWS = [
    *(Row(*one) for one in product(CAMPAIGNS, STATUSES, TABLES, WAITS)),
    # Another contact of the same customer stands in their place.
    *(Row("renewals", Status.PLANNED, "today's", 90, is_followed=True) for _ in range(2)),
]


def values(number: int, row: Row, **more: object) -> dict[str, object]:
    return {
        "campaign": row.campaign,
        "customer_id": f"{number}",
        "customer_key": f"{number}",
        "generation": 1,
        "status": row.status,
        "client_token": f"{row.campaign}-{number}",
        "request": "{}",
        "fingerprint": "f",
        "messages": [],
        "planned_at": NOW - timedelta(hours=1),
        "table_id": row.table_id,
        "not_before": row.not_before,
        **more,
    }


@pytest.fixture(name="ledger")
def _ledger(ledger_url: str) -> Iterator[Ledger]:
    rows = [values(number, row) for number, row in enumerate(ROWS)]
    again = {"generation": 2, "status": Status.COMPLETED, "not_before": None}
    for number, row in enumerate(ROWS):
        if row.is_followed:
            rows.append(values(number, row, client_token=f"again-{number}", **again))
    with Ledger(ledger_url) as opened:
        for campaign in CAMPAIGNS:
            opened.open_campaign(campaign, "i-1", now=NOW)
        with opened._writing() as connection:
            connection.execute(sa.insert(contacts), rows)
        yield opened


def test_who_has_to_wait_is_counted_once_with_the_first_and_the_last_time(ledger: Ledger) -> None:
    for campaign, table_id in product(CAMPAIGNS, TABLES):
        waits = [row.not_before for row in ROWS if row.has_to_wait(campaign, table_id)]
        times = sorted(at for at in waits if at)

        found = ledger.deferred(campaign, now=NOW, table_id=table_id)

        assert found == Deferred(len(times), times[0], times[-1])


def test_the_next_window_is_the_first_of_these_times(ledger: Ledger) -> None:
    for table_id in TABLES:
        terms = ClaimTerms(
            lease=timedelta(seconds=30), token_validity=timedelta(hours=24), table_id=table_id
        )
        times = [NOW + timedelta(minutes=minutes) for minutes in (0, 1, 90)]

        found = [ledger.next_window("renewals", now=now, terms=terms) for now in times]

        assert found == [times[1], times[2], None]


def test_nobody_has_to_wait_whose_time_has_come(ledger: Ledger) -> None:
    assert ledger.deferred("renewals", now=NOW + timedelta(minutes=90)) == Deferred()
