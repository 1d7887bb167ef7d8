"""Planning on each database that may hold a ledger, and what a forecast reads from it."""

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connect_tasks.campaign.planning import Plan, plan_campaign
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import ClaimLostError, LedgerError
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.database import ledger_exists
from connect_tasks.ledger.store import Ledger

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))

Row = Mapping[str, Any]


def rows(count: int) -> list[Row]:
    return [{"customer_id": f"{number:04}", "name": f"Ada {number}"} for number in range(count)]


def plan(ledger: Ledger, chunks: Iterable[list[Row]], campaign: str = "a") -> Plan:
    renderer = ChatTemplate(display_name="{{ name }}").bind(
        instance_id="i-1",
        contact_flow_id="f-1",
        conversation=Conversation(messages=("Is it {{ name }}?",)),
    )
    return plan_campaign(ledger, campaign, chunks, renderer, now=NOW, commit_rows=100)


@pytest.fixture(name="ledger")
def _ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as opened:
        opened.open_campaign("a", "i-1", now=NOW)
        yield opened


@pytest.mark.parametrize("name", ["O'Neil", '"%s" %(name)s :name ?', "Zoë 🦊", "a\\b", "$1"])
def test_any_name_is_written_as_it_is(ledger: Ledger, name: str) -> None:
    plan(ledger, [[{"customer_id": name, "name": name}]])

    (record,) = ledger.contact_records("a")
    assert record["customer_id"] == name
    assert json.loads(record["request"])["ParticipantDetails"]["DisplayName"] == name
    assert record["messages"] == [f"Is it {name}?"]
    assert (record["status"], record["attempts"], record["planned_at"]) == ("planned", 0, NOW)


def test_two_that_plan_the_same_table_at_once_plan_each_customer_once(ledger: Ledger) -> None:
    table = rows(600)
    with ThreadPoolExecutor(2) as threads:
        plans = list(threads.map(lambda _: plan(ledger, [table[:300], table[300:]]), range(2)))

    planned = [record["customer_id"] for record in ledger.contact_records("a")]
    assert sorted(planned) == [row["customer_id"] for row in table]
    assert [made.added + made.known for made in plans] == [600, 600]


def test_an_interrupted_planning_goes_on(ledger: Ledger) -> None:
    def cut_off() -> Iterator[list[Row]]:
        yield rows(250)[:150]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan(ledger, cut_off())
    between = len(list(ledger.contact_records("a")))
    again = plan(ledger, [rows(250)[:150], rows(250)[150:]])

    planned = [record["customer_id"] for record in ledger.contact_records("a")]
    assert planned == [row["customer_id"] for row in rows(250)]
    assert between == 150
    assert (again.added, again.known) == (100, 150)


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from connect_tasks.ledger.store import Ledger
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation

def report(counts):
    if counts.rows == 250:
        os.kill(os.getpid(), signal.SIGKILL)

table = [{"customer_id": f"{n:04}", "name": f"Ada {n}"} for n in range(500)]
renderer = ChatTemplate(display_name="{{ name }}").bind(
    instance_id="i-1",
    contact_flow_id="f-1",
    conversation=Conversation(messages=("Is it {{ name }}?",)),
)
with Ledger(sys.argv[1]) as ledger:
    chunks = [table[n : n + 50] for n in range(0, 500, 50)]
    now = datetime(2026, 11, 22, 9, tzinfo=UTC)
    plan_campaign(ledger, "a", chunks, renderer, now=now, commit_rows=100, on_progress=report)
"""


def test_a_planning_that_was_killed_goes_on(ledger: Ledger) -> None:
    child = subprocess.run([sys.executable, "-c", KILLED, ledger.url], check=False)
    between = [record["customer_id"] for record in ledger.contact_records("a")]
    again = plan(ledger, [rows(500)])

    assert child.returncode == -signal.SIGKILL
    assert between == [row["customer_id"] for row in rows(200)]
    assert (again.added, again.known) == (300, 200)
    planned = [record["customer_id"] for record in ledger.contact_records("a")]
    assert planned == [row["customer_id"] for row in rows(500)]


def test_a_ledger_is_there_once_it_was_opened_and_looking_makes_none(ledger_url: str) -> None:
    before = [ledger_exists(ledger_url) for _ in range(2)]
    with Ledger(ledger_url):
        pass

    assert (before, ledger_exists(ledger_url)) == ([False, False], True)


@pytest.mark.parametrize("url", ["mysql://localhost/ledger", "no url", "sqlite:///:memory:"])
def test_looking_for_a_ledger_that_cannot_be_says_so_or_no(url: str) -> None:
    if url.startswith("sqlite"):
        assert not ledger_exists(url)
        return
    with pytest.raises(LedgerError):
        ledger_exists(url)


def complete(ledger: Ledger, campaign: str, seconds: float | None) -> None:
    """Take the next planned contact to its end; None: it never began."""
    (contact,) = ledger.claim(campaign, f"w-{seconds}", most=1, now=NOW, terms=TERMS)
    sent = contact.advance(Status.STARTING, sent_at=NOW)
    started = sent.advance(Status.STARTED, started_at=NOW, contact_id=f"c-{contact.id}")
    ended_at = NOW + timedelta(seconds=seconds or 0)
    over = started.advance(Status.COMPLETED, ended_at=ended_at, end_reason=EndReason.REPLIED)
    if seconds is None:
        over = over.advance(Status.COMPLETED, started_at=None)
    for was, step in itertools.pairwise([contact, sent, started, over]):
        ledger.apply(f"w-{seconds}", [Progress(step, was.status)])


def test_the_mean_time_is_that_of_the_instances_own_finished_chats(ledger: Ledger) -> None:
    ledger.open_campaign("b", "i-1", now=NOW)
    ledger.open_campaign("elsewhere", "i-2", now=NOW)
    for campaign in ("a", "b", "elsewhere"):
        plan(ledger, [rows(3)], campaign)
    nobody_yet = ledger.mean_chat_seconds("i-1")

    complete(ledger, "a", 10)
    complete(ledger, "b", 30.5)
    complete(ledger, "b", None)
    complete(ledger, "elsewhere", 500)

    assert nobody_yet is None
    assert ledger.mean_chat_seconds("i-1") == pytest.approx(20.25)
    assert ledger.mean_chat_seconds("i-3") is None


def test_what_was_corrected_while_a_worker_waited_is_sent_by_no_older_claim(
    ledger: Ledger,
) -> None:
    plan(ledger, [[{"customer_id": "0042", "name": "Old"}]])
    (older,) = ledger.claim("a", "w", most=1, now=NOW, terms=TERMS)
    plan(ledger, [[{"customer_id": "0042", "name": "New"}]])
    (newer,) = ledger.claim("a", "w", most=1, now=NOW, terms=TERMS)

    sending = older.advance(Status.STARTING, sent_at=NOW)
    with pytest.raises(ClaimLostError):
        ledger.apply("w", [Progress(sending, Status.PLANNED)])
    ledger.apply("w", [Progress(newer.advance(Status.STARTING, sent_at=NOW), Status.PLANNED)])

    (record,) = ledger.contact_records("a")
    assert record["status"] == "starting"
    assert '"New"' in newer.request
    assert record["request"] == newer.request


@pytest.mark.parametrize("step", ["withdraw", "replace_refusals"])
def test_wherever_a_planning_is_killed_nobody_is_told_as_refused_who_would_be_contacted(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    plan(ledger, [rows(3)])
    done = getattr(ledger, step)

    def killed(*args: Any, **options: Any) -> None:
        done(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, step, killed)
    with pytest.raises(KeyboardInterrupt):
        plan(ledger, [[*rows(2), {"customer_id": "0002", "name": None}]])

    refused = {row.customer_id for row in ledger.refused_rows("a")}
    waiting = {r["customer_id"] for r in ledger.contact_records("a") if r["status"] == "planned"}
    assert waiting >= {"0000", "0001"}
    assert not refused & waiting
