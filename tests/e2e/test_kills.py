"""Campaigns whose processes die by `SIGKILL`, again and again, wherever they stand.

Amazon Connect lives on in the test's process and is asked what really happened: nobody twice,
nobody forgotten, and nothing that was said is missing.
"""

import json
import multiprocessing
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger.changes import Planned, Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Refusal, Status
from connect_tasks.ledger.store import Ledger
from tests.e2e import killed
from tests.e2e.killed import Doom, Job
from tests.functional.world import CAMPAIGN, customers
from tests.postgresql import new_database

pytestmark = [pytest.mark.e2e, pytest.mark.apart, pytest.mark.timeout(240)]

BOUNDARIES = (
    "before plan",
    "after plan",
    "before claim",
    "after claim",
    "before starting",
    "after starting",
    "before start_chat",
    "after start_chat",
    "before started",
    "after started",
    "after connect_participant",
    "after connected",
    "before items",
    "after items",
    "before send_message",
    "after send_message",
    "after read_transcript",
    "before stop_contact",
    "after stop_contact",
    "before completed",
    "after completed",
    "before renew",
    "before release",
    "in commit",
)
# Taken a few times in a run only.
MOST_OFTEN = {
    "before plan": 1,
    "after plan": 1,
    "before claim": 2,
    "after claim": 2,
    "before renew": 2,
    "before release": 1,
}

RANKS = {"planned": 0, "starting": 1, "unknown": 2, "started": 3, "connected": 4, "completed": 5}
"""How far a status is; failed, rejected and duplicate ones are not expected among contacts."""

_PROCESSES = multiprocessing.get_context("forkserver")
# Each process starts from one that has imported everything, and has opened nothing.
_PROCESSES.set_forkserver_preload(["__main__", killed.__name__])

HEADER = (
    f"{'campaign':34} {'database':10} {'rows':>4} {'kills':>5} | contacts "
    f"{'expected':>8} {'made':>4} {'doubled':>7} {'forgotten':>9} {'lost':>4} | messages "
    f"{'expected':>8} {'stored':>6} {'doubled':>7} {'seconds':>7}"
)


@pytest.fixture(scope="module", autouse=True)
def _table() -> None:
    """Each campaign adds a line to what `pytest -s` prints."""
    print(f"\n{HEADER}")  # noqa: T201 - a table for whoever looks


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    with new_database() as url:
        yield url


@dataclass
class Killing:
    """One campaign, its processes, and what was seen of it."""

    local: LocalConnect
    ledger: Ledger
    job: Job
    running: list[ForkServerProcess] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def start(self, doom: Doom | None = None) -> ForkServerProcess:
        self.job = replace(self.job, edition=self.job.edition + 1)
        job = replace(self.job, doom=doom)
        process = _PROCESSES.Process(target=killed.main, args=(job,), daemon=True)
        process.start()
        self.running.append(process)
        return process

    def kill(self, process: ForkServerProcess) -> None:
        process.kill()
        self.bury(process)

    def bury(self, process: ForkServerProcess) -> None:
        """Wait until it is dead by SIGKILL, and look whether the ledger is still in order."""
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, self.complaints
        self.running.remove(process)
        self.killed.add(process.pid or 0)
        self.look()

    def complete(self) -> None:
        """A last process, and whatever else still runs, lives to the end."""
        self.start()
        for process in self.running.copy():
            process.join(120)
            assert process.exitcode == 0, self.complaints
            self.running.remove(process)
        self.look()

    @property
    def complaints(self) -> str:
        return self.job.complaints.read_text() if self.job.complaints.exists() else ""

    def look(self) -> None:
        """Compare the ledger with how it looked last: nothing may have moved back."""
        for row in self.ledger.contact_records(CAMPAIGN):
            now = dict(row)
            assert_no_way_back(self.seen.get(now["customer_id"]), now)
            self.seen[now["customer_id"]] = now


def assert_no_way_back(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> None:
    assert now["status"] in RANKS
    if before is None:
        return
    assert RANKS[before["status"]] <= RANKS[now["status"]]
    for name in ("id", "generation", "client_token"):
        assert now[name] == before[name]
    # Until it is sent, a request follows the template; from then on it is sent as it was.
    assert before["status"] == "planned" or now["request"] == before["request"]
    for name in ("sent_at", "contact_id", "started_at", "connected_at", "first_reply_at"):
        assert before[name] is None or now[name] == before[name]
    if before["status"] == "completed":
        assert now == before


@contextmanager
def killing(
    folder: Path,
    ledger_url: str,
    count: int,
    *,
    lease_seconds: float,
    open_chats: int,
    think_seconds: tuple[float, float],
) -> Iterator[Killing]:
    """A campaign of so many valid customers, and two rows that are none."""
    rows = [
        *customers(count),
        {"customer_id": "nameless", "display_name": "", "score": "9"},
        {"customer_id": "0000", "display_name": "Customer 0 again", "score": "9"},
    ]
    quotas = LocalQuotas.unlimited()
    local = LocalConnect(flow="echo", quotas=quotas, think_seconds=think_seconds)
    with local, Ledger(ledger_url) as ledger:
        job = Job(
            endpoint_url=local.endpoint_url,
            instance_id=local.instance_id,
            flow_id=local.flow_id,
            ledger_url=ledger_url,
            rows=rows,
            folder=folder,
            lease_seconds=lease_seconds,
            open_chats=open_chats,
        )
        campaign = Killing(local, ledger, job)
        try:
            yield campaign
        finally:
            for process in campaign.running:
                process.kill()
                process.join()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A campaign as Amazon Connect and the ledger have it at its end."""

    made: Counter[str]
    names_at_amazon: dict[str, str]
    names_in_ledger: dict[str, str]
    statuses: dict[str, list[str]]
    lost: set[str]
    closed_by_the_killed: set[str]
    said: dict[str, list[tuple[str | None, str | None]]]
    transcripts: dict[str, list[tuple[Any, ...]]]
    stored: dict[str, list[tuple[Any, ...]]]
    complaints: str


def look_back(campaign: Killing) -> Outcome:
    ledger, records = campaign.ledger, campaign.local.contacts
    contacts = [dict(row) for row in ledger.contact_records(CAMPAIGN)]
    statuses: dict[str, list[str]] = {}
    for row in contacts:
        statuses.setdefault(row["customer_id"], []).append(row["status"])
    for refusal in ledger.refused_rows(CAMPAIGN):
        statuses.setdefault(str(refusal.customer_id), []).append(str(refusal.status))
    stored: dict[str, list[tuple[Any, ...]]] = {record.contact_id: [] for record in records}
    for item in ledger.message_records(CAMPAIGN):
        stored[item["contact_id"]].append(
            (item["message_id"], item["absolute_time"], item["participant_role"], item["content"])
        )
    closes = [line.split() for line in campaign.job.closes.read_text().splitlines()]
    return Outcome(
        made=Counter(str(record.customer_id) for record in records),
        names_at_amazon={str(record.customer_id): record.display_name for record in records},
        names_in_ledger={
            row["customer_id"]: json.loads(row["request"])["ParticipantDetails"]["DisplayName"]
            for row in contacts
        },
        statuses=statuses,
        lost={row["contact_id"] for row in contacts if row["end_reason"] == "lost"},
        closed_by_the_killed={contact for pid, contact in closes if int(pid) in campaign.killed},
        said={
            str(record.customer_id): [
                (item.participant_role, item.content) for item in record.transcript if item.content
            ]
            for record in records
        },
        transcripts={
            record.contact_id: [
                (item.id, item.absolute_time, item.participant_role, item.content)
                for item in record.transcript
            ]
            for record in records
        },
        stored=stored,
        complaints=without_takeovers(campaign.complaints),
    )


def without_takeovers(complaints: str) -> str:
    """Where a machine stands still for as long as a lease, others take over, as they should."""
    lines = complaints.splitlines(keepends=True)
    return "".join(line for line in lines if "was taken over by another worker" not in line)


def assert_nobody_twice_nobody_forgotten(campaign: Killing, title: str) -> None:
    """All that a campaign promises, whatever happened to its processes."""
    outcome, count = look_back(campaign), len(campaign.job.rows) - 2
    show(campaign, title, outcome)
    everybody = [row["customer_id"] for row in campaign.job.rows[:count]]

    assert outcome.made == dict.fromkeys(everybody, 1)
    assert outcome.statuses == {
        **{customer: ["completed"] for customer in everybody},
        "0000": ["completed", "duplicate"],
        "nameless": ["rejected"],
    }
    # The ledger says what was sent, even where the template changed while nobody knew of the call.
    assert outcome.names_in_ledger == outcome.names_at_amazon
    assert outcome.said == {
        customer: conversation(customer, outcome.names_at_amazon[customer])
        for customer in everybody
    }
    # Why a chat is closed is on disk before it is closed, so none is lost to a kill. But Amazon
    # lets nobody read a chat that is over: where a process died while it closed one, the chat's
    # own end may be missing, and no more than that.
    assert outcome.lost == set()
    for contact_id, transcript in outcome.transcripts.items():
        spared = 2 if contact_id in outcome.closed_by_the_killed else 0
        stored = outcome.stored[contact_id]
        assert stored == transcript[: max(len(stored), len(transcript) - spared)]
    assert outcome.complaints == ""


def conversation(customer: str, name: str) -> list[tuple[str | None, str | None]]:
    """What is said in each chat, with or without kills: everything once, in this order."""
    return [
        ("SYSTEM", f"Hello {name}, I repeat whatever you say."),
        *[(role, f"one {customer}") for role in ("CUSTOMER", "SYSTEM")],
        *[(role, f"two {customer}") for role in ("CUSTOMER", "SYSTEM")],
    ]


def show(campaign: Killing, title: str, outcome: Outcome) -> None:
    """A line of the table that a run with `-s` prints."""
    count = len(campaign.job.rows) - 2
    made, stored = outcome.made, outcome.stored
    doubled = sum(len(items) - len(set(items)) for items in stored.values())
    database = campaign.job.ledger_url.partition(":")[0]
    seconds = time.monotonic() - campaign.began
    print(  # noqa: T201 - a table for whoever looks
        f"\n{title:34} {database:10} {len(campaign.job.rows):4} "
        f"{len(campaign.killed):5} |          {count:8} {made.total():4} "
        f"{sum(n - 1 for n in made.values()):7} {count - len(made):9} {len(outcome.lost):4} |"
        f"          {sum(map(len, outcome.transcripts.values())):8} "
        f"{sum(map(len, stored.values())):6} {doubled:7} {seconds:7.1f}"
    )


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_wherever_a_process_dies_the_next_one_goes_on(
    boundary: str, ledger_url: str, tmp_path: Path
) -> None:
    chance = Random(boundary)  # noqa: S311 - kills at repeatable steps
    with killing(
        tmp_path, ledger_url, 30, lease_seconds=0.3, open_chats=8, think_seconds=(0, 0.02)
    ) as campaign:
        for _ in range(2):
            doom = Doom(step=boundary, nth=chance.randint(1, MOST_OFTEN.get(boundary, 6)))
            campaign.bury(campaign.start(doom))
        campaign.complete()

        assert_nobody_twice_nobody_forgotten(campaign, boundary)


def test_a_campaign_that_is_killed_at_random_moments_contacts_everybody_once(
    ledger_url: str, tmp_path: Path
) -> None:
    moments = Random(20261122)  # noqa: S311 - kills at repeatable moments
    with killing(
        tmp_path, ledger_url, 300, lease_seconds=1, open_chats=40, think_seconds=(0.05, 0.4)
    ) as campaign:
        # So slowly that there is something left to do after the last kill.
        campaign.job = replace(campaign.job, starts_per_second=12)
        for _ in range(22):
            process = campaign.start()
            process.join(moments.uniform(0.3, 2.0))
            campaign.kill(process)
        campaign.job = replace(campaign.job, starts_per_second=100)
        campaign.complete()

        assert_nobody_twice_nobody_forgotten(campaign, "random moments")


@pytest.mark.parametrize("workers", [2, 3])
def test_several_processes_that_are_killed_at_random_share_a_campaign(
    workers: int, ledger_url: str, tmp_path: Path
) -> None:
    chance = Random(workers)  # noqa: S311 - kills at repeatable moments
    with killing(
        tmp_path, ledger_url, 150, lease_seconds=4, open_chats=20, think_seconds=(0.05, 0.4)
    ) as campaign:
        campaign.job = replace(campaign.job, starts_per_second=6, plans=False)
        killed.plan(campaign.ledger, campaign.job)
        for _ in range(workers - 1):
            campaign.start()
        for _ in range(8):
            campaign.start()
            time.sleep(chance.uniform(0.3, 1.2))
            campaign.kill(chance.choice(campaign.running))
        campaign.job = replace(campaign.job, starts_per_second=100)
        campaign.complete()

        assert_nobody_twice_nobody_forgotten(campaign, f"random moments, {workers} at once")


def test_processes_that_enter_one_table_at_once_do_not_trip_over_each_other(
    ledger_url: str,
) -> None:
    row = Refusal(
        position=0,
        customer_id="nameless",
        status=Status.REJECTED,
        error_code="InvalidRow",
        error_message="display_name is empty",
    )
    refused = [replace(row, position=position) for position in range(100)]

    def enter() -> None:
        with Ledger(ledger_url) as ledger:
            for _ in range(10):
                ledger.replace_refusals(CAMPAIGN, refused)

    Ledger(ledger_url).close()
    with ThreadPoolExecutor(3) as pool:
        for entered in [pool.submit(enter) for _ in range(3)]:
            entered.result()
    with Ledger(ledger_url) as ledger:
        assert ledger.refused_rows(CAMPAIGN) == refused


def test_a_table_may_be_entered_again_while_a_worker_goes_on(ledger_url: str) -> None:
    now = datetime.now(UTC)
    terms = ClaimTerms(lease=timedelta(minutes=1), token_validity=timedelta(hours=1))
    row = Planned(
        customer_id="",
        customer_key="",
        generation=1,
        client_token="",
        request="{}",
        fingerprint="",
        messages=(),
    )
    names = {f"{n:04}": f"token-{n}" for n in range(300)}
    rows = [
        replace(row, customer_id=name, customer_key=name, client_token=token)
        for name, token in names.items()
    ]
    worked_off = threading.Event()

    def enter_again() -> None:
        with Ledger(ledger_url) as ledger:
            while not worked_off.is_set():
                ledger.plan(CAMPAIGN, rows, now=now)

    with Ledger(ledger_url) as ledger, ThreadPoolExecutor(1) as pool:
        ledger.open_campaign(CAMPAIGN, "instance", now=now)
        ledger.plan(CAMPAIGN, rows, now=now)
        entering = pool.submit(enter_again)
        try:
            while ledger.counts(CAMPAIGN)["planned"]:
                claimed = ledger.claim(CAMPAIGN, "worker", most=10, now=now, terms=terms)
                # Contacts come on in any order, not in that of the table.
                steps = [
                    Progress(contact.advance(Status.STARTING, sent_at=now), contact.status)
                    for contact in reversed(claimed)
                ]
                ledger.apply("worker", steps)
        finally:
            worked_off.set()
        entering.result()

        assert ledger.counts(CAMPAIGN)["starting"] == 300


def test_contacts_that_another_transaction_holds_are_waited_for() -> None:
    now = datetime.now(UTC)
    terms = ClaimTerms(lease=timedelta(minutes=1), token_validity=timedelta(hours=1))
    row = Planned(
        customer_id="0",
        customer_key="0",
        generation=1,
        client_token="t",
        request="{}",
        fingerprint="",
        messages=(),
    )
    with new_database() as url, Ledger(url) as ledger:
        ledger.open_campaign(CAMPAIGN, "instance", now=now)
        ledger.plan(CAMPAIGN, [row], now=now)
        other = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
        with other.begin() as connection:
            connection.execute(sa.text("SELECT id FROM contacts FOR UPDATE"))
            claimed = ledger.claim(CAMPAIGN, "worker", most=1, now=now, terms=terms)
            expiry = ledger.next_expiry(CAMPAIGN, "worker", now=now, terms=terms)
        other.dispose()

        assert claimed == []
        # None would mean that nothing is left to do, and the process would end.
        assert expiry is not None
