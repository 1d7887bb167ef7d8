"""A campaign that begins in steps: how many chats there were at each decision, counted at Amazon.

As a program this module is one worker: `python -m tests.functional.test_ramp ENDPOINT LEDGER`.

The rules, and not what is done, say what is expected: before the decision about a step there are
never more chats than the step has, and the one who decides is the campaign's exact count.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.campaign import manage
from connect_tasks.campaign.assembly import Assembly
from connect_tasks.campaign.audit import prune_decisions
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy_in_force import PolicyInForce
from connect_tasks.campaign.run import run_campaign
from connect_tasks.campaign.suppression import suppress
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.errors import NotAllowedError, RampHaltedError
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import CampaignState, Contact, Status
from connect_tasks.ledger.schema import decisions
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, QUICK, customers, session
from tests.ledger_rows import table

pytestmark = pytest.mark.timeout(120)

TALK = Conversation(
    settle_seconds=0, messages=("{{ score }}",), max_replies=1, reply_timeout_seconds=5
)


def refused(operation: str = "StartChatContact", **when: Any) -> Fault:
    """Amazon refuses these calls for good."""
    return Fault(
        operation=operation,
        kind=FaultKind.ERROR_BEFORE,
        status=400,
        code="InvalidRequestException",
        **when,
    )


def work(endpoint_url: str, ledger_url: str) -> Funnel:
    options = ClientOptions(parameters={"endpoint_url": endpoint_url})
    instance = Instance(api=ConnectApi(session, options), quotas=FAST, policy=QUICK)
    with Ledger(ledger_url) as ledger:
        return run_campaign(ledger, CAMPAIGN, instance, lease_seconds=3)


@dataclass
class Canary:
    """A campaign with a ramp, and those who work on it, each with a ledger of its own."""

    local: LocalConnect
    ledger_url: str

    def plan(self, count: int, **policy: Any) -> None:
        now = datetime.now(UTC)
        renderer = ChatTemplate().bind(
            instance_id=self.local.instance_id,
            contact_flow_id=self.local.flow_id,
            conversation=TALK,
        )
        stored = OutreachPolicy.model_validate(policy).model_dump(mode="json")
        with Ledger(self.ledger_url) as ledger:
            instance_id = self.local.instance_id
            ledger.open_campaign(CAMPAIGN, instance_id, now=now, conversation=TALK, policy=stored)
            plan_campaign(ledger, CAMPAIGN, [customers(count)], renderer, now=now)

    def run(self) -> Funnel:
        return work(self.local.endpoint_url, self.ledger_url)

    @contextmanager
    def other_process(self) -> Iterator[subprocess.Popen[bytes]]:
        """Another worker, which is killed at the end of the block if it still runs."""
        command = [sys.executable, "-m", __name__, self.local.endpoint_url, self.ledger_url]
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def run_together(self, workers: int) -> list[Funnel | BaseException | None]:
        with ThreadPoolExecutor(workers) as threads:
            runs = [threads.submit(self.run) for _ in range(workers)]
        return [run.exception() or run.result() for run in runs]

    @property
    def chats(self) -> int:
        return len(self.local.contacts)

    def state(self) -> CampaignState:
        with Ledger(self.ledger_url) as ledger:
            return ledger.state(CAMPAIGN)

    def decided(self) -> list[dict[str, Any]]:
        with Ledger(self.ledger_url) as ledger:
            rows = table(ledger, decisions)
        return [row for row in rows if row["moment"] == "ramp"]

    def chats_at_decisions(self) -> list[int]:
        """How many chats Amazon had made when each decision was taken."""
        moments = [row["decided_at"] for row in self.decided()]
        began = [chat.started_at for chat in self.local.contacts]
        return [sum(at <= moment for at in began) for moment in moments]


@contextmanager
def canary(ledger_url: str, faults: Sequence[Fault] = (), *, think: float = 0) -> Iterator[Canary]:
    unlimited = LocalQuotas.unlimited()
    with LocalConnect(quotas=unlimited, faults=faults, think_seconds=(think, think)) as local:
        yield Canary(local, ledger_url)


def test_each_step_begins_as_many_as_it_has_and_waits_for_their_end(
    ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "connect_tasks")
    with canary(ledger) as world:
        world.plan(40, ramp=(3, 10, 25))

        funnel = world.run()

        assert funnel.started == world.chats == 40
        assert world.chats_at_decisions() == [3, 10, 25]
        assert [row["decision"] for row in world.decided()] == ["go_on"] * 3
        assert world.decided()[1]["value"] == "step 2 of 3, 7 contacts"
        told = [one.getMessage() for one in caplog.records if "goes on after" in one.getMessage()]
        assert [line.partition(" after ")[2].partition(";")[0] for line in told] == [
            "step 1 of 3, 3 contacts: errors 0 of 3 (0.0 %): at most 2 % are allowed",
            "step 2 of 3, 7 contacts: errors 0 of 7 (0.0 %): at most 2 % are allowed",
            "step 3 of 3, 15 contacts: errors 0 of 15 (0.0 %): at most 2 % are allowed",
        ]


def test_a_step_that_is_a_share_is_reckoned_of_the_customers(ledger: str) -> None:
    with canary(ledger) as world:
        world.plan(30, ramp=(0.1, 0.5))

        world.run()

        assert world.chats_at_decisions() == [3, 15]
        assert world.chats == 30


def test_workers_together_never_exceed_a_step(ledger_url: str) -> None:
    with canary(ledger_url) as world:
        world.plan(60, ramp=(5, 20))

        outcomes = world.run_together(3)

        assert [type(outcome) for outcome in outcomes] == [Funnel] * 3
        assert world.chats_at_decisions() == [5, 20]
        assert world.chats == 60


@pytest.mark.parametrize("workers", [1, 2])
def test_too_many_refusals_halt_it_with_the_numbers_until_a_person_resumes_it(
    ledger_url: str, workers: int
) -> None:
    refusing = refused(every=4)
    with canary(ledger_url, [refusing]) as world:
        world.plan(50, ramp={"steps": (20, 40), "most_errors": 0.05})

        outcomes = world.run_together(workers)

        # 5 of 20: surely more than 10.4 % (Clopper-Pearson, one-sided).
        words = "refusals 5 of 20 (25.0 %), surely more than 10.4 %: at most 2 % are allowed"
        assert all(isinstance(outcome, RampHaltedError) for outcome in outcomes)
        assert all(words in str(outcome) for outcome in outcomes)
        assert world.chats == 15
        assert world.state() is CampaignState.PAUSED
        assert [(row["decision"], row["rule"]) for row in world.decided()] == [("halt", "refusals")]

        with pytest.raises(RampHaltedError, match="step 1 of 2, 20 contacts"):
            world.run()
        assert world.chats == 15
        assert len(world.decided()) == 1

        manage.resume(CAMPAIGN, world.ledger_url)
        with pytest.raises(RampHaltedError, match="step 2 of 2, 20 contacts"):
            world.run()
        assert world.chats == 30
        manage.resume(CAMPAIGN, world.ledger_url)
        world.run()
        assert [row["decision"] for row in world.decided()] == ["halt", "resume"] * 2
        assert world.chats == 38


def test_lost_chats_are_errors(ledger: str) -> None:
    join = "CreateParticipantConnection"
    broken = [refused(join, customer_id=f"{number:04}") for number in range(3)]
    with canary(ledger, broken) as world:
        world.plan(30, ramp=(20,))

        with pytest.raises(RampHaltedError, match=r"errors 3 of 20 \(15.0 %\)"):
            world.run()
        assert world.chats == 20


def test_few_errors_do_not_halt_it(ledger: str) -> None:
    """2 of 20 is 10 %, and may be chance where 2 % are allowed: surely it is only 1.8 %."""
    refusing = [refused(customer_id=f"{number:04}") for number in range(2)]
    with canary(ledger, refusing) as world:
        world.plan(30, ramp=(20,))

        world.run()

        assert world.chats == 28
        assert [row["decision"] for row in world.decided()] == ["go_on"]


def test_by_hand_it_waits_at_each_step_for_a_persons_word(ledger: str) -> None:
    with canary(ledger) as world:
        world.plan(12, ramp={"steps": (2, 6), "approval": "by_hand"})

        for chats in (2, 6, 12):
            world.run()
            assert world.chats == chats
            # Nothing resumes by itself.
            world.run()
            assert world.chats == chats
            if chats < 12:
                assert world.state() is CampaignState.PAUSED
                manage.resume(CAMPAIGN, ledger)
        assert [row["decision"] for row in world.decided()] == ["ask", "resume"] * 2


def test_steps_go_on_where_old_decisions_are_removed(ledger: str) -> None:
    def prune() -> None:
        prune_decisions(before=datetime.now(UTC) + timedelta(days=1), ledger=ledger)

    with canary(ledger) as world:
        world.plan(12, ramp={"steps": (2, 6), "approval": "by_hand"})

        for chats in (2, 6, 12):
            world.run()
            prune()
            assert world.chats == chats
            if chats < 12:
                manage.resume(CAMPAIGN, ledger)
                prune()
        assert [row["value"] for row in world.decided()] == [
            *["step 1 of 2, 2 contacts"] * 2,
            *["step 2 of 2, 4 contacts"] * 2,
        ]


def test_whoever_is_left_of_a_table_smaller_than_the_step_is_contacted_and_nothing_decided(
    ledger: str,
) -> None:
    with canary(ledger) as world:
        world.plan(5, ramp=(5, 50))

        world.run()

        assert (world.chats, world.decided()) == (5, [])


def test_a_pause_of_a_person_is_not_the_ramps_and_skips_no_step(ledger: str) -> None:
    with canary(ledger) as world:
        world.plan(10, ramp=(4,))
        manage.pause(CAMPAIGN, ledger)
        world.run()
        assert world.chats == 0
        manage.resume(CAMPAIGN, ledger)
        world.run()
        assert world.chats_at_decisions() == [4]
        assert world.chats == 10


def test_whom_the_policy_never_allows_takes_no_place_in_a_step(ledger: str) -> None:
    with canary(ledger) as world:
        world.plan(12, ramp=(4,), suppression=["news"])
        suppress([f"{number:04}" for number in range(6)], list="news", ledger=ledger)

        world.run()

        assert world.chats_at_decisions() == [4]
        assert world.chats == 6


def test_a_worker_that_is_killed_in_a_step_brings_nobody_above_it(ledger_url: str) -> None:
    with canary(ledger_url, think=0.3) as world:
        world.plan(20, ramp=(6, 12))

        with world.other_process() as worker:
            while world.chats < 3:
                assert worker.poll() is None
                time.sleep(0.01)
        world.run()

        assert world.chats_at_decisions() == [6, 12]
        assert world.chats == 20
        assert len({chat.customer_id for chat in world.local.contacts}) == 20


def test_a_run_writes_down_no_start_that_its_step_has_no_place_for(ledger: str) -> None:
    """As when its worker slept past its claims, and others took the places meanwhile."""
    with canary(ledger) as world, Ledger(ledger) as opened:
        world.plan(4, ramp=(2,))
        terms = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
        now = datetime.now(UTC)
        slept = opened.claim(CAMPAIGN, "w-1", most=3, now=now, terms=terms)
        run = Assembly(
            ledger=opened,
            campaign=CAMPAIGN,
            table_id=None,
            instance=Instance(api=ConnectApi(session, ClientOptions()), quotas=FAST, policy=QUICK),
            conversation=TALK,
            lease=timedelta(seconds=30),
            patience_seconds=1,
            clock=SystemClock(),
            random=Random(0),  # noqa: S311 - of retries
            worker_name="w-1",
        )

        def send(contact: Contact) -> None:
            after = contact.advance(Status.STARTING, sent_at=now)
            change = Progress(after, Status.PLANNED, sends=True)
            run._apply(opened, PolicyInForce(CAMPAIGN), [change])

        send(slept[0])
        send(slept[1])
        with pytest.raises(NotAllowedError, match="step is full"):
            send(slept[2])


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2])
