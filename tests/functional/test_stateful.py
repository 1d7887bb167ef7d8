"""Any history of plans, runs, faults, kills and waits: nobody twice, nobody forgotten.

What is true is counted at the other side, a `LocalConnect`. What the ledger may go through is
watched by triggers in its database, which know nothing of our code.
"""

import itertools
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign import manage
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import Fault, FaultKind
from connect_tasks.emulator.instance.record import ContactRecord
from connect_tasks.errors import CampaignHaltedError, InputError, LedgerError
from connect_tasks.ledger.store import Ledger
from tests.functional.fake_amazon import (
    VALIDITY,
    Amazon,
    Mishap,
    MortalApi,
    MortalLedger,
    Strike,
    Worker,
)
from tests.functional.world import FAST, QUICK
from tests.kept_counts import miscounted

LEASE = timedelta(seconds=30)
WAITS = [LEASE, LEASE, timedelta(minutes=6), timedelta(hours=12), VALIDITY]
PARTICIPANT_CALLS = (
    "CreateParticipantConnection",
    "SendMessage",
    "GetTranscript",
    "StopContact",
    "DisconnectParticipant",
    "DescribeContact",
)
TYPING = "application/vnd.amazonaws.connect.event.typing"
LOSSY_FRAMES = (FaultKind.SOCKET_DROP, FaultKind.FRAME_LOST, FaultKind.FRAME_SWAPPED)
CUT = Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER)
REFUSALS = [
    Fault(operation="StartChatContact", kind=FaultKind.ERROR_BEFORE, status=429, code=code)
    for code in ("TooManyRequestsException", "LimitExceededException")
]
START_FAULTS = [
    CUT,
    *REFUSALS,
    Fault(operation="StartChatContact", kind=FaultKind.CUT_BEFORE),
    Fault(operation="StartChatContact", kind=FaultKind.ERROR_BEFORE),
    Fault(operation="StartChatContact", kind=FaultKind.ERROR_AFTER),
    *(
        Fault(operation="StartChatContact", kind=FaultKind.ERROR_BEFORE, status=status, code=code)
        for status, code in [(400, "InvalidRequestException"), (403, "AccessDeniedException")]
    ),
]
FAREWELL = (
    "application/vnd.amazonaws.connect.event.participant.left",
    "application/vnd.amazonaws.connect.event.chat.ended",
)
CLOSED_BY_US = ("replied", "silent", "time_limit")

STEPS = {
    # The second where a table refuses who was right before, and nothing was sent.
    "planned": {"starting", "failed"},
    "starting": {"started", "failed", "unknown"},
    "unknown": {"started", "failed", "completed"},
    "started": {"connected", "completed"},
    "connected": {"completed"},
}
"""Where a status may go, from the design. There is no way back."""

AUDIT = """
CREATE TABLE steps (contact INTEGER, was TEXT, became TEXT);
CREATE TABLE rewritten (contact INTEGER, what TEXT);
CREATE TRIGGER step AFTER UPDATE OF status ON contacts WHEN OLD.status <> NEW.status
BEGIN INSERT INTO steps VALUES (OLD.id, OLD.status, NEW.status); END;
CREATE TRIGGER request AFTER UPDATE OF request, messages, client_token ON contacts
WHEN OLD.status <> 'planned'
AND (OLD.request, OLD.messages, OLD.client_token)
IS NOT (NEW.request, NEW.messages, NEW.client_token)
BEGIN INSERT INTO rewritten VALUES (OLD.id, 'request'); END;
CREATE TRIGGER contact AFTER UPDATE OF contact_id ON contacts
WHEN OLD.contact_id IS NOT NULL AND OLD.contact_id IS NOT NEW.contact_id
BEGIN INSERT INTO rewritten VALUES (OLD.id, 'contact_id'); END;
CREATE TRIGGER gone AFTER DELETE ON contacts
BEGIN INSERT INTO rewritten VALUES (OLD.id, 'deleted'); END;
"""


@dataclass(eq=False)
class Campaign:
    """What should be true of one campaign."""

    name: str
    flow: str
    close: Literal["stop", "disconnect"]
    customers: set[str] = field(default_factory=set)
    table: list[tuple[str, bool]] = field(default_factory=list)
    edition: int = 0
    state: str = "running"
    is_calm: bool = True
    first_run: datetime | None = None
    refused: set[str] = field(default_factory=set)
    lost_frames: set[str] = field(default_factory=set)
    again: Counter[str] = field(default_factory=Counter)
    decided: set[str] = field(default_factory=set)
    table_id: str | None = None
    with_table: bool = True

    @property
    def right(self) -> set[str]:
        """Whom the present table has right."""
        return {customer for customer, is_valid in self.table if is_valid}

    def __repr__(self) -> str:
        return self.name

    def conversation(self) -> Conversation:
        return Conversation(
            settle_seconds=0,
            messages=(f"{{{{ score }}}} edition {self.edition}", f"edition {self.edition}"),
            reply_timeout_seconds=0.2,
            max_seconds=5,
            close=self.close,
        )

    def template(self) -> ChatTemplate:
        return ChatTemplate(display_name=f"{self.name}/{self.edition}")

    def rows(self) -> list[dict[str, str]]:
        return [
            {"customer_id": customer, "score": "9" if is_valid else ""}
            for customer, is_valid in self.table
        ]

    def expected_refusals(self) -> list[tuple[int, str]]:
        seen: set[str] = set()
        refusals = []
        for position, (customer, is_valid) in enumerate(self.table):
            if not is_valid:
                refusals.append((position, "rejected"))
            elif customer in seen:
                refusals.append((position, "duplicate"))
            else:
                seen.add(customer)
        return refusals


def strikes() -> st.SearchStrategy[Strike]:
    """A fault on the wire: where, what, when, and how often in a row (5 outlast the policy)."""
    starts = st.sampled_from(START_FAULTS)
    kinds = (
        FaultKind.CUT_BEFORE,
        FaultKind.CUT_AFTER,
        FaultKind.ERROR_BEFORE,
        FaultKind.ERROR_AFTER,
    )
    others = st.builds(
        lambda operation, kind: Fault(operation=operation, kind=kind),
        st.sampled_from(PARTICIPANT_CALLS),
        st.sampled_from(kinds),
    )
    frames = st.builds(
        lambda kind: Fault(operation="ChatFrame", kind=kind),
        st.sampled_from([FaultKind.FRAME_DUPLICATED, *LOSSY_FRAMES]),
    )
    return st.builds(
        lambda fault, nth, times: Strike(fault=fault, nth=nth, times=times),
        st.one_of(starts, starts, others, frames),
        st.integers(1, 6),
        st.sampled_from([1, 1, 2, 5]),
    )


def mishaps() -> st.SearchStrategy[Mishap]:
    """A kill, Ctrl-C or a shut lid, at any place that a worker passes."""
    operations = ("StartChatContact", *PARTICIPANT_CALLS[:4])
    calls = [f"{when} {operation}" for operation in operations for when in ("before", "after")]
    places = ["before apply", "after apply"]
    return st.one_of(
        st.builds(
            lambda what, place, nth: Mishap(what=what, place=place, nth=nth),
            st.sampled_from(["kill", "kill", "interrupt"]),
            st.one_of(st.sampled_from(calls[:2]), st.sampled_from(places), st.sampled_from(calls)),
            st.integers(1, 8),
        ),
        st.builds(
            lambda place, nth, hours: Mishap(
                what="suspend", place=place, nth=nth, seconds=hours * 3600
            ),
            st.sampled_from(["after apply", *calls]),
            st.integers(1, 4),
            st.sampled_from([0.02, 1, 25]),
        ),
    )


class Campaigns(RuleBasedStateMachine):
    """One ledger, some campaigns, and everything that may happen to them."""

    campaigns: Bundle[Campaign] = Bundle("campaigns")
    numbers = itertools.count(1)

    def __init__(self, amazon: Amazon, folder: Path) -> None:
        super().__init__()
        self.amazon = amazon
        self.amazon.late.clear()
        self.number = next(self.numbers)
        self.path = folder / f"ledger-{self.number}.db"
        self.url = f"sqlite:///{self.path}"
        self.ledger = Ledger(self.url)
        self.known: list[Campaign] = []
        self.is_sound = False
        with closing(sqlite3.connect(self.path)) as database:
            database.executescript(AUDIT)

    @initialize(wait=st.sampled_from([LEASE, VALIDITY]))
    def begin(self, wait: timedelta) -> None:
        """How long it takes until the last run comes."""
        self.last_wait = wait

    @rule(
        target=campaigns,
        flow=st.sampled_from(["survey", "survey", "echo", "agent", "silent"]),
        close=st.sampled_from(["stop", "disconnect"]),
        table=st.lists(
            st.tuples(st.sampled_from("abcde"), st.just(value=True)), min_size=1, max_size=4
        ),
    )
    @precondition(lambda self: len(self.known) < 3)
    def plan_new(
        self, flow: str, close: Literal["stop", "disconnect"], table: list[tuple[str, bool]]
    ) -> Campaign:
        campaign = Campaign(f"{flow}-{self.number}-{len(self.known)}", flow, close)
        self.known.append(campaign)
        self._plan(campaign, table, 1)
        return campaign

    @rule(
        campaign=campaigns,
        table=st.lists(
            st.tuples(st.sampled_from("abcde"), st.sampled_from([True, True, True, False])),
            max_size=6,
        ),
        edition=st.integers(1, 3),
    )
    def plan_again(self, campaign: Campaign, table: list[tuple[str, bool]], edition: int) -> None:
        self._plan(campaign, table, edition)

    @rule(
        campaign=campaigns,
        weather=st.lists(strikes(), max_size=3),
        fate=st.lists(mishaps(), max_size=2),
        wait=st.sampled_from(WAITS),
    )
    def run(
        self,
        campaign: Campaign,
        weather: list[Strike],
        fate: list[Mishap],
        wait: timedelta = LEASE,
    ) -> None:
        self._pass(wait)
        self._run(campaign, weather, [Worker(self.amazon.clock, fate)])

    @rule(
        campaign=campaigns,
        weather=st.lists(strikes(), max_size=2),
        fates=st.lists(st.lists(mishaps(), max_size=1), min_size=2, max_size=3),
    )
    def run_together(
        self, campaign: Campaign, weather: list[Strike], fates: list[list[Mishap]]
    ) -> None:
        self._pass()
        workers = [Worker(self.amazon.clock, fate) for fate in fates]
        self._run(campaign, weather, workers)

    @rule(
        campaign=campaigns,
        fault=st.sampled_from([CUT, *REFUSALS]),
        nth=st.integers(1, 3),
        hours=st.sampled_from([1, 25]),
    )
    def suspend_between_two_tries(
        self, campaign: Campaign, fault: Fault, nth: int, hours: int
    ) -> None:
        place = "after StartChatContact"
        lid = Mishap(what="suspend", place=place, nth=nth, seconds=hours * 3600)
        self.run(campaign, [Strike(fault=fault, nth=nth)], [lid])

    @rule(
        campaign=campaigns,
        weather=st.one_of(
            st.sampled_from(REFUSALS).map(lambda fault: [Strike(fault=fault, nth=1)]),
            st.lists(strikes(), max_size=2),
        ),
        place=st.sampled_from(
            ["StartChatContact", "apply", "write", "SendMessage", "CreateParticipantConnection"]
        ),
        when=st.sampled_from(["before", "after"]),
        nth=st.sampled_from([1, 1, 2, 4]),
        fate=st.one_of(
            st.just([Mishap(what="kill", place="after StartChatContact", nth=1)]),
            st.lists(mishaps(), max_size=1),
        ),
        end=st.sampled_from(["kill", "interrupt", "go on"]),
        pause=st.sampled_from([LEASE, VALIDITY]),
    )
    def take_over_from_a_frozen_worker(
        self,
        campaign: Campaign,
        weather: list[Strike],
        place: str,
        when: str,
        nth: int,
        fate: list[Mishap],
        end: str,
        pause: timedelta,
    ) -> None:
        self._pass()
        freeze = Mishap(what="freeze", place=f"{when} {place}", nth=nth)
        frozen, other = Worker(self.amazon.clock, [freeze]), Worker(self.amazon.clock, fate)
        self.amazon.weather.turn(weather)
        self._begin(campaign)
        thread = threading.Thread(target=self._work, args=(campaign, frozen))
        thread.start()
        while thread.is_alive() and not frozen.frozen.wait(0.01):
            pass
        if frozen.frozen.is_set():
            self.amazon.clock.advance(pause + timedelta(seconds=1))
            self._work(campaign, other)
            campaign.is_calm = False
        if end == "kill":
            frozen.kill()
        elif end == "interrupt":
            frozen.interrupt()
        frozen.thaw()
        thread.join()
        self._account(campaign, [frozen, other])

    @rule(campaign=campaigns, with_table=st.booleans())
    def run_from_now_on_with_its_table_or_without(
        self, campaign: Campaign, *, with_table: bool
    ) -> None:
        campaign.with_table = with_table

    @rule(campaign=campaigns, state=st.sampled_from(["paused", "stopped"]))
    def pause_or_stop(self, campaign: Campaign, state: str) -> None:
        {"paused": manage.pause, "stopped": manage.stop}[state](campaign.name, self.url)
        campaign.state = state

    @rule(campaign=campaigns)
    @precondition(lambda self: any(one.state != "running" for one in self.known))
    def resume(self, campaign: Campaign) -> None:
        manage.resume(campaign.name, self.url)
        campaign.state = "running"

    @rule(
        campaign=campaigns,
        state=st.sampled_from(["paused", "stopped"]),
        place=st.sampled_from(["StartChatContact", "SendMessage", "apply"]),
        nth=st.integers(1, 4),
    )
    def pause_or_stop_while_it_runs(
        self, campaign: Campaign, state: str, place: str, nth: int
    ) -> None:
        self._pass()
        change = Mishap(what="freeze", place=f"after {place}", nth=nth)
        worker = Worker(self.amazon.clock, [change])
        self.amazon.weather.turn([])
        self._begin(campaign)
        thread = threading.Thread(target=self._work, args=(campaign, worker))
        thread.start()
        while thread.is_alive() and not worker.frozen.wait(0.01):
            pass
        self.pause_or_stop(campaign, state)
        worker.thaw()
        thread.join()
        self._account(campaign, [worker])

    @rule(campaign=campaigns, decision=st.sampled_from(["was_contacted", "contact_again"]))
    def decide(self, campaign: Campaign, decision: manage.Decision) -> None:
        self._pass()
        for contact in manage.unknown_contacts(campaign.name, self.url):
            self._resolve(campaign, contact["customer_id"], decision)

    @invariant()
    def nobody_is_contacted_twice(self) -> None:
        assert self.amazon.late == []
        for campaign in self.known:
            made = Counter(str(one.customer_id) for one in self.amazon.contacts(campaign.name))
            for customer, count in made.items():
                assert count <= 1 + campaign.again[customer], (campaign, customer)
            assert made.keys() <= campaign.customers

    @invariant()
    def statuses_never_move_back_and_what_was_sent_stays(self) -> None:
        with closing(sqlite3.connect(self.path)) as database:
            steps = database.execute("SELECT DISTINCT was, became FROM steps").fetchall()
            rewritten = database.execute("SELECT * FROM rewritten").fetchall()
        assert [step for step in steps if step[1] not in STEPS.get(step[0], set())] == []
        assert rewritten == []

    @invariant()
    def what_is_kept_of_them_is_so(self) -> None:
        assert miscounted(self.url) == {}

    @invariant()
    def each_row_is_in_one_state(self) -> None:
        for campaign in self.known:
            rows = self.ledger.refused_rows(campaign.name)
            refused = [(row.position, str(row.status)) for row in rows]
            assert refused == campaign.expected_refusals()
            counts = self.ledger.counts(campaign.name)
            assert counts["valid"] + counts["withdrawn"] == len(campaign.customers)
            generations: Counter[str] = Counter()
            withdrawn: Counter[str] = Counter()
            for row in self.ledger.contact_records(campaign.name):
                generations[row["customer_id"]] += 1
                assert row["generation"] == generations[row["customer_id"]]
                withdrawn[row["customer_id"]] += row["error_code"] == "WithdrawnByTable"
                assert row["error_code"] != "WithdrawnByTable" or row["sent_at"] is None
            assert generations.keys() == campaign.customers
            for customer, count in generations.items():
                # One whom the last table refuses was not planned anew.
                assert (
                    0
                    <= 1 + campaign.again[customer] + withdrawn[customer] - count
                    <= (customer not in campaign.right)
                )

    @invariant()
    def the_ledger_says_what_was_sent_and_said(self) -> None:
        for campaign in self.known:
            theirs = {one.contact_id: one for one in self.amazon.contacts(campaign.name)}
            heard: dict[str, list[str]] = {}
            for row in self.ledger.message_records(campaign.name):
                # Typing is heard on the socket and never part of a transcript.
                if row["content_type"] != TYPING:
                    heard.setdefault(row["contact_id"], []).append(row["message_id"])
            for row in self.ledger.contact_records(campaign.name):
                if row["contact_id"] is not None:
                    self._compare(
                        campaign, row, theirs[row["contact_id"]], heard.pop(row["contact_id"], [])
                    )
            assert heard == {}
        self.is_sound = True

    def teardown(self) -> None:
        try:
            if self.is_sound:
                self._settle()
        finally:
            self.ledger.close()
            self.path.unlink()

    def _plan(self, campaign: Campaign, table: list[tuple[str, bool]], edition: int) -> None:
        self.is_sound = False
        campaign.table, campaign.edition = table, edition
        conversation, now = campaign.conversation(), self.amazon.clock.now()
        renderer = campaign.template().bind(
            instance_id=self.amazon.local.instance_id,
            contact_flow_id=self.amazon.local.flow_ids[campaign.flow],
            conversation=conversation,
        )
        before = len(campaign.customers)
        campaign.customers |= {customer for customer, is_valid in table if is_valid}
        self.ledger.open_campaign(campaign.name, self.amazon.local.instance_id, now=now)
        rows = campaign.rows()
        plan = plan_campaign(self.ledger, campaign.name, [rows], renderer, now=now)
        campaign.table_id = plan.table_id
        assert plan.added == len(campaign.customers) - before
        assert len(plan.customer_ids) == len(rows)

    def _pass(self, wait: timedelta = LEASE) -> None:
        """Let time pass, so that nobody waits in real time for the claims of the dead."""
        self.is_sound = False
        self.amazon.clock.advance(wait + timedelta(seconds=1))
        for campaign in self.known:
            campaign.is_calm = campaign.is_calm and wait == LEASE

    def _run(
        self, campaign: Campaign, weather: Sequence[Strike], workers: Sequence[Worker]
    ) -> None:
        self.amazon.weather.turn(weather)
        self._begin(campaign)
        threads = [
            threading.Thread(target=self._work, args=(campaign, worker)) for worker in workers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._account(campaign, workers)

    def _begin(self, campaign: Campaign) -> None:
        self.errors: list[BaseException] = []
        self.made_before = len(self.amazon.contacts(campaign.name))
        self.who_before = {str(one.customer_id) for one in self.amazon.contacts(campaign.name)}
        self.may_start = campaign.state == "running"
        campaign.first_run = campaign.first_run or self.amazon.clock.now()

    def _work(self, campaign: Campaign, worker: Worker) -> None:
        """What a process does, from its start to its end."""
        try:
            with MortalLedger(self.url, worker) as ledger:
                run_campaign(
                    ledger,
                    campaign.name,
                    Instance(api=MortalApi(worker, self.amazon), quotas=FAST, policy=QUICK),
                    conversation=campaign.conversation(),
                    table_id=campaign.table_id if campaign.with_table else None,
                    on_progress=worker.report,
                    lease_seconds=LEASE.total_seconds(),
                    # A Ctrl-C comes with a report.
                    poll_seconds=0.01,
                    clock=self.amazon.clock,
                )
        except BaseException as error:  # noqa: BLE001 - judged in the machine's own thread
            self.errors.append(error)

    def _account(self, campaign: Campaign, workers: Sequence[Worker]) -> None:
        """What this run excuses from now on."""
        who = {str(one.customer_id) for one in self.amazon.contacts(campaign.name)}
        if campaign.with_table:
            assert who - self.who_before <= campaign.right
        if not self.may_start:
            assert len(self.amazon.contacts(campaign.name)) == self.made_before
        for error in self.errors:
            expected = isinstance(error, (CampaignHaltedError, LedgerError, KeyboardInterrupt))
            assert expected, repr(error)
            assert "a fault in connect-tasks" not in str(error)
        for fault, customer in self.amazon.weather.struck:
            if fault.code == "InvalidRequestException":
                campaign.refused.add(str(customer))
            if fault.kind in LOSSY_FRAMES:
                campaign.lost_frames.add(str(customer))
            if fault.operation != "StartChatContact":
                campaign.is_calm = False
        befallen = set().union(*(worker.befallen for worker in workers)) - {"freeze"}
        if befallen:
            campaign.is_calm = False
        elif not self.amazon.weather.struck:
            assert self.errors == []

    def _resolve(self, campaign: Campaign, customer: str, decision: manage.Decision) -> None:
        try:
            clock = self.amazon.clock
            manage.resolve(campaign.name, customer, decision, self.url, clock=clock)
        except InputError:
            raise AssertionError("nobody is at work") from None
        if decision == "contact_again":
            campaign.again[customer] += 1
        else:
            campaign.decided.add(customer)

    def _compare(
        self, campaign: Campaign, row: Mapping[str, Any], theirs: ContactRecord, heard: list[str]
    ) -> None:
        request = json.loads(row["request"])
        assert theirs.customer_id == row["customer_id"]
        assert theirs.display_name == request["ParticipantDetails"]["DisplayName"]
        edition = theirs.display_name.partition("/")[2]
        ours = [one.content for one in theirs.transcript if one.participant_role == "CUSTOMER"]
        said = [content for content in ours if content]
        assert said == [f"9 edition {edition}", f"edition {edition}"][: len(said)]
        spoken = [item.id for item in theirs.transcript]
        if row["customer_id"] in campaign.lost_frames:
            assert heard == [one for one in spoken if one in set(heard)]
            missing = {one.content_type for one in theirs.transcript if one.id not in set(heard)}
            # The transcript is read before we close a chat, and dies with it.
            assert row["end_reason"] not in CLOSED_BY_US or missing <= {*FAREWELL}
        elif row["status"] == "completed" and row["end_reason"] != "lost":
            rest = {one.content_type for one in theirs.transcript[len(heard) :]}
            # What comes after our close is waited for, but not by a machine that sleeps then.
            is_told = not campaign.is_calm and row["end_reason"] in CLOSED_BY_US
            assert heard == spoken[: len(heard)], row["end_reason"]
            assert rest <= ({*FAREWELL} if is_told else set()), row["end_reason"]
        else:
            assert heard == spoken[: len(heard)]
        if campaign.is_calm:
            assert row["end_reason"] != "lost", row["error_message"]

    def _settle(self) -> None:
        """A last run of each campaign, in fine weather: nobody may be left."""
        for campaign in self.known:
            self.resume(campaign)
            campaign.with_table = False
            self._pass(self.last_wait)
            self._run(campaign, [], [Worker(self.amazon.clock)])
            assert self.errors == []
        self.nobody_is_contacted_twice()
        self.statuses_never_move_back_and_what_was_sent_stays()
        self.each_row_is_in_one_state()
        self.the_ledger_says_what_was_sent_and_said()
        for campaign in self.known:
            self._check_settled(campaign)

    def _check_settled(self, campaign: Campaign) -> None:
        made = Counter(str(one.customer_id) for one in self.amazon.contacts(campaign.name))
        listed = {one["customer_id"] for one in manage.unknown_contacts(campaign.name, self.url)}
        began = campaign.first_run or self.amazon.clock.now()
        rows = list(self.ledger.contact_records(campaign.name))
        latest = {row["customer_id"]: row["generation"] for row in rows}
        for row in rows:
            customer, status = row["customer_id"], row["status"]
            if row["error_code"] == "WithdrawnByTable":
                assert status == "failed"
            elif row["generation"] < latest[customer]:
                assert status == "failed"
                assert row["error_code"] == "ResolvedByPerson"
            elif status == "unknown":
                assert self.amazon.clock.now() - began >= VALIDITY
                assert customer in listed
            elif status == "failed":
                assert customer in campaign.refused
            elif customer not in campaign.decided:
                assert status == "completed"
                assert made[customer] >= 1
                assert made[customer] == 1 or campaign.again[customer]
        with closing(sqlite3.connect(self.path)) as database:
            claims = database.execute(
                "SELECT count(*) FROM contacts WHERE claimed_until IS NOT NULL"
                " AND status <> 'unknown'"
            ).fetchone()
        assert claims == (0,)


@pytest.fixture(scope="module")
def amazon() -> Iterator[Amazon]:
    with Amazon().serving() as amazon:
        yield amazon


# Some ten seconds a history where two cores have other work besides.
@pytest.mark.parametrize(
    "histories",
    [
        pytest.param(6, marks=pytest.mark.timeout(240)),
        pytest.param(25, marks=[pytest.mark.long, pytest.mark.timeout(900)]),
    ],
)
def test_any_history_contacts_nobody_twice_and_forgets_nobody(
    histories: int, amazon: Amazon, tmp_path: Path
) -> None:
    run_state_machine_as_test(
        lambda: Campaigns(amazon, tmp_path),  # type: ignore[arg-type] # it takes any factory
        settings=settings(
            max_examples=histories,
            stateful_step_count=15,
            # Shrinking a failure takes minutes; add Phase.shrink here when you have them.
            phases=[Phase.generate],
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@contextmanager
def history(amazon: Amazon, folder: Path) -> Iterator[tuple[Campaigns, Campaign]]:
    """One customer's campaign, for what chance meets too rarely; judged like any other."""
    machine = Campaigns(amazon, folder)
    machine.begin(VALIDITY)
    machine.plan_new("survey", "stop", [("a", True)])
    yield machine, machine.known[0]
    machine.nobody_is_contacted_twice()
    machine.the_ledger_says_what_was_sent_and_said()
    machine.teardown()


@pytest.mark.parametrize("fault", [CUT, *REFUSALS], ids=lambda fault: fault.code)
def test_a_machine_that_sleeps_for_a_day_between_two_tries_contacts_nobody_twice(
    amazon: Amazon, tmp_path: Path, fault: Fault
) -> None:
    with history(amazon, tmp_path) as (machine, campaign):
        machine.run(campaign, [Strike(fault=CUT, nth=1, times=9)], [])
        machine.suspend_between_two_tries(campaign, fault, 1, 25)


def test_a_worker_that_slept_does_not_undo_what_another_sent(
    amazon: Amazon, tmp_path: Path
) -> None:
    with history(amazon, tmp_path) as (machine, campaign):
        machine.take_over_from_a_frozen_worker(
            campaign,
            [Strike(fault=REFUSALS[0], nth=1)],
            "StartChatContact",
            "after",
            1,
            [Mishap(what="kill", place="after StartChatContact", nth=1)],
            "interrupt",
            LEASE,
        )


def test_a_contact_that_may_exist_is_not_sent_again_after_a_day(
    amazon: Amazon, tmp_path: Path
) -> None:
    with history(amazon, tmp_path) as (machine, campaign):
        machine.run(campaign, [Strike(fault=CUT, nth=1, times=9)], [])
        machine.run(campaign, [], [], VALIDITY)


def test_ctrl_c_after_a_cut_does_not_make_a_day_old_token_new(
    amazon: Amazon, tmp_path: Path
) -> None:
    with history(amazon, tmp_path) as (machine, campaign):
        stop = Mishap(what="interrupt", place="after StartChatContact", nth=1)
        machine.run(campaign, [Strike(fault=CUT, nth=1, times=9)], [stop])
        machine.run(campaign, [], [], VALIDITY)
