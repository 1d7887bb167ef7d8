"""Which events a run of one table tells, where others of its campaign are not in that table."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.funnel import FunnelCounter
from connect_tasks.ledger.contact import CampaignState
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks import monitor
from connect_tasks.tasks.monitor import CampaignMonitor
from connect_tasks.tasks.run_context import run_logger
from tests.ledger_rows import enter

LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with a customer of the run's table, and one of another."""
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        for customer, table in (("0042", "ours"), ("0043", "theirs")):
            enter(
                ledger,
                customer,
                mode="simulation",
                status="planned",
                sent_at=None,
                started_at=None,
                table_id=table,
            )
        yield ledger


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The events' names, in their order."""
    events: list[str] = []

    monkeypatch.setattr(monitor, "tell_campaign", lambda what, *_, **__: events.append(what))
    return events


def become(ledger: Ledger, customer: str, **values: Any) -> None:
    with ledger._writing() as connection:
        who = contacts.c.customer_id == customer
        connection.execute(sa.update(contacts).where(who).values(**values))


def run(ledger: Ledger, *, table_id: str | None = "ours", **outcome: Any) -> None:
    """A run that brings its table's only customer to an outcome."""
    with CampaignMonitor("renewals", ledger, Quotas(), run_logger(), table_id=table_id) as watch:
        watch.show(FunnelCounter(ledger.counts("renewals")).funnel())
        become(ledger, "0042", **outcome)
        watch.show(FunnelCounter(ledger.counts("renewals")).funnel())


def test_a_run_whose_own_table_is_done_has_finished_and_the_next_one_begins_nothing(
    ledger: Ledger, told: list[str]
) -> None:
    run(ledger, status="completed")
    run(ledger, status="completed")

    assert told == ["started", "finished"]


def test_a_run_is_deferred_if_all_who_are_left_of_its_table_have_to_wait(
    ledger: Ledger, told: list[str]
) -> None:
    run(ledger, not_before=LATER)

    assert told == ["started", "deferred"]


def test_that_others_have_to_wait_is_not_this_runs_end(ledger: Ledger, told: list[str]) -> None:
    become(ledger, "0043", not_before=LATER)
    run(ledger, status="connected")

    assert told == ["started"]


def test_a_paused_campaign_is_over_for_a_run_that_has_somebody_left(
    ledger: Ledger, told: list[str]
) -> None:
    ledger.set_state("renewals", CampaignState.PAUSED)
    run(ledger, status="planned")
    run(ledger, status="completed")

    assert told == ["started", "paused", "started", "finished"]


def test_without_a_table_all_who_wait_in_the_campaign_are_the_runs(
    ledger: Ledger, told: list[str]
) -> None:
    run(ledger, table_id=None, status="completed")

    assert told == ["started"]
