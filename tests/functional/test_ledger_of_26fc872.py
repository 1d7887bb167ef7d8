"""A ledger that an earlier version left behind in the middle of a campaign opens and goes on.

`data/ledger_of_26fc872.db` was written by the code of that commit, whose process was killed: 0000
and 0001 are completed, 0002 failed, of 0003 nobody knows whether a chat was made, 0004 and 0006 are
connected and claimed by the dead worker, 0007 and 0008 are planned, and two rows were refused.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.campaign import CampaignResult, Funnel, run_campaign
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger import Ledger
from tests.functional.world import CAMPAIGN, FAST, QUICK, session

FILE = Path(__file__).parents[1] / "data" / "ledger_of_26fc872.db"
WRITTEN_AT = datetime(2026, 11, 26, 23, 53, 18, tzinfo=UTC)


class LaterClock(SystemClock):
    """A clock that goes on at some time after the ledger was written."""

    def __init__(self, later: timedelta) -> None:
        self._ahead = WRITTEN_AT + later - datetime.now(UTC)

    def now(self) -> datetime:
        return super().now() + self._ahead


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    shutil.copy(FILE, tmp_path / "ledger.db")
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        yield ledger


@pytest.fixture
def local() -> Iterator[LocalConnect]:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        yield local


def go_on(ledger: Ledger, local: LocalConnect, later: timedelta) -> Funnel:
    options = ClientOptions(parameters={"endpoint_url": local.endpoint_url})
    instance = Instance(api=ConnectApi(session, options), quotas=FAST, policy=QUICK)
    conversation = ledger.conversation(CAMPAIGN)
    return run_campaign(
        ledger, CAMPAIGN, instance, conversation=conversation, clock=LaterClock(later)
    )


def written() -> dict[str, tuple[str, str]]:
    """Token and request of each customer, as the file has them, read past our own code."""
    with closing(sqlite3.connect(f"file:{FILE}?mode=ro&immutable=1", uri=True)) as database:
        rows = database.execute("SELECT customer_id, client_token, request FROM contacts")
        return {name: (token, request) for name, token, request in rows}


def test_only_those_who_are_left_are_contacted_each_once(
    ledger: Ledger, local: LocalConnect
) -> None:
    funnel = go_on(ledger, local, timedelta(minutes=2))

    assert sorted(str(c.customer_id) for c in local.contacts) == ["0003", "0007", "0008"]
    assert (funnel.completed, funnel.failed, funnel.unknown, funnel.planned) == (7, 1, 0, 0)


def test_tokens_and_requests_are_sent_as_they_were_written(
    ledger: Ledger, local: LocalConnect
) -> None:
    go_on(ledger, local, timedelta(minutes=2))

    now = {row["customer_id"]: row for row in ledger.contact_records(CAMPAIGN)}
    assert {name: (row["client_token"], row["request"]) for name, row in now.items()} == written()
    sent = {str(contact.customer_id): contact.client_token for contact in local.contacts}
    assert sent == {name: written()[name][0] for name in ("0003", "0007", "0008")}


def test_chats_that_ended_meanwhile_are_lost_and_what_was_settled_stays(
    ledger: Ledger, local: LocalConnect
) -> None:
    before = {row["customer_id"]: dict(row) for row in ledger.contact_records(CAMPAIGN)}
    go_on(ledger, local, timedelta(minutes=2))

    after = {row["customer_id"]: dict(row) for row in ledger.contact_records(CAMPAIGN)}
    assert {name: after[name]["end_reason"] for name in ("0004", "0006")} == {
        "0004": "lost",
        "0006": "lost",
    }
    assert [after[name] == before[name] for name in ("0000", "0001", "0002")] == [True] * 3


def test_a_token_that_is_too_old_by_now_is_not_sent_again(
    ledger: Ledger, local: LocalConnect
) -> None:
    funnel = go_on(ledger, local, timedelta(hours=25))

    assert sorted(str(contact.customer_id) for contact in local.contacts) == ["0007", "0008"]
    assert funnel.unknown == 1


def test_its_tables_can_be_read_without_any_run(ledger: Ledger) -> None:
    result = CampaignResult(CAMPAIGN, ledger.url)

    told = dict(zip(result.contacts["customer_id"], result.contacts["status"], strict=True))
    assert told == {
        "0000": "completed",
        "0001": "completed",
        "0002": "failed",
        "0003": "unknown",
        "0006": "connected",
        "0007": "planned",
        "0008": "planned",
        # The last one of this name: the row that repeated it.
        "0004": "duplicate",
        "0005": "rejected",
    }
    assert len(result.messages) == 13
