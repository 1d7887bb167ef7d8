"""The ramp in the ledger: who may be begun, when a step is over, and what is counted of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.errors import NotAllowedError
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import CampaignState, Contact, Status
from connect_tasks.ledger.ramp_steps import Standing
from connect_tasks.ledger.ramps import RampDecision, StepCounts, Steps, StepVerdict
from connect_tasks.ledger.redaction import empty_stray_decisions
from connect_tasks.ledger.schema import campaigns, contacts, decisions
from connect_tasks.ledger.sending import Sending
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import Suppression
from tests.ledger_rows import INSTANCE, enter_many, table

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
TERMS = ClaimTerms(lease=30 * SECOND, token_validity=24 * HOUR)
CAMPAIGN = "renewals"
WAITING = {"status": "planned", "sent_at": None, "started_at": None, "contact_id": None}
JUDGE = PolicyJudge(OutreachPolicy())


class Notary:
    """Decides as it was told, and keeps what it was shown."""

    def __init__(self, decision: RampDecision = RampDecision.GO_ON) -> None:
        self.decision = decision
        self.shown: list[StepCounts] = []

    def steps(self, *caps: int, lists: frozenset[str] = frozenset({"all"})) -> Steps:
        return Steps(caps=caps, lists=lists, judge=self.judge, policy="f-1")

    def judge(self, counts: StepCounts) -> StepVerdict:
        self.shown.append(counts)
        return StepVerdict(decision=self.decision, rule="errors", reasons=("because",))


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as opened:
        yield opened


def wait(ledger: Ledger, count: int, first: int = 0, **more: Any) -> None:
    names = [f"{number:03}" for number in range(first, first + count)]
    enter_many(ledger, names, mode="simulation", **{**WAITING, **more})


def claim(
    ledger: Ledger, worker: str, steps: Steps | None, *, most: int = 100, now: datetime = NOW
) -> list[Contact]:
    return ledger.claim(
        CAMPAIGN, worker, most=most, now=now, terms=TERMS, judge=lambda: JUDGE, steps=steps
    )


def send(
    ledger: Ledger, worker: str, sent: list[Contact], steps: Steps, now: datetime = NOW
) -> list[Contact]:
    """Write down that their starts are sent, as a worker does."""
    sending = Sending(
        judge=lambda: JUDGE,
        now=lambda: now,
        token_validity=TERMS.token_validity,
        steps=lambda: steps,
    )
    after = [contact.advance(Status.STARTING, sent_at=now) for contact in sent]
    changes = [Progress(contact, Status.PLANNED, sends=True) for contact in after]
    ledger.apply(worker, changes, sending=sending)
    return after


def settle(ledger: Ledger, which: sa.ColumnElement[bool], **values: Any) -> None:
    done = {"status": "completed", "end_reason": "replied", "claimed_until": None, **values}
    with ledger._writing() as connection:
        connection.execute(sa.update(contacts).where(which).values(done))


def settle_all(ledger: Ledger, **values: Any) -> None:
    settle(ledger, contacts.c.sent_at.is_not(None), **values)


def look(
    ledger: Ledger,
    steps: Steps,
    worker: str = "w-1",
    *,
    now: datetime = NOW + SECOND,
    decides: bool = True,
) -> Standing:
    stand = ledger.ramp.look(CAMPAIGN, worker, steps, now=now, terms=TERMS, decides=decides)
    return stand.standing


def step_of(ledger: Ledger) -> int:
    return int(table(ledger, campaigns)[0]["ramp_step"])


def test_what_is_sent_and_what_is_held_take_places_in_a_step(ledger: Ledger) -> None:
    wait(ledger, 10)
    steps = Notary().steps(5)

    first = claim(ledger, "w-1", steps, most=2)
    send(ledger, "w-1", first, steps)
    second = claim(ledger, "w-2", steps, most=2)

    assert (len(first), len(second)) == (2, 2)
    assert len(claim(ledger, "w-3", steps)) == 1
    assert claim(ledger, "w-4", steps) == []


def test_a_claim_that_was_given_up_or_ran_out_unsent_leaves_its_place(ledger: Ledger) -> None:
    wait(ledger, 10)
    steps = Notary().steps(4)
    claim(ledger, "w-1", steps, most=2)
    claim(ledger, "w-2", steps, most=2)
    ledger.release(CAMPAIGN, "w-1")

    assert len(claim(ledger, "w-3", steps)) == 2
    assert len(claim(ledger, "w-4", steps, now=NOW + 31 * SECOND)) == 4


def test_a_worker_that_slept_past_its_lease_does_not_exceed_a_step(ledger: Ledger) -> None:
    """Renewed after it ran out, its claims look as if they had always been in force."""
    wait(ledger, 10)
    steps = Notary().steps(4)
    slept = claim(ledger, "w-1", steps, most=4)
    later = NOW + 40 * SECOND
    with ledger._writing() as connection:
        # Others were claimed meanwhile, not these.
        hidden = contacts.c.id.in_([contact.id for contact in slept])
        connection.execute(sa.update(contacts).where(hidden).values(table_id="another"))
    mine = ClaimTerms(lease=30 * SECOND, token_validity=24 * HOUR, table_id="mine")
    with ledger._writing() as connection:
        connection.execute(sa.update(contacts).where(~hidden).values(table_id="mine"))
    awake = ledger.claim(
        CAMPAIGN, "w-2", most=3, now=later, terms=mine, judge=lambda: JUDGE, steps=steps
    )
    send(ledger, "w-2", awake, steps, now=later)
    ledger.renew(CAMPAIGN, "w-1", until=later + 30 * SECOND)

    send(ledger, "w-1", slept[:1], steps, now=later)
    with pytest.raises(NotAllowedError, match="step is full"):
        send(ledger, "w-1", slept[1:2], steps, now=later)
    with pytest.raises(NotAllowedError):
        send(ledger, "w-1", slept[2:], steps, now=later)

    rows = table(ledger, contacts)
    assert sum(row["sent_at"] is not None for row in rows) == 4
    refused = next(row for row in rows if row["id"] == slept[1].id)
    assert (refused["status"], refused["claimed_until"]) == ("planned", None)


def test_what_was_begun_before_is_claimed_though_the_step_is_full(ledger: Ledger) -> None:
    wait(ledger, 5)
    wait(ledger, 2, 10, status="started", sent_at=NOW, started_at=NOW)
    wait(ledger, 1, 20, status="starting", sent_at=NOW)
    wait(ledger, 1, 30, status="starting")
    steps = Notary().steps(3)

    claimed = {contact.customer_id for contact in claim(ledger, "w-1", steps)}

    assert claimed == {"010", "011", "020"}


def test_who_waited_who_was_set_down_and_who_is_new_share_the_places(ledger: Ledger) -> None:
    wait(ledger, 3)
    wait(ledger, 3, 10, not_before=NOW - HOUR)
    wait(ledger, 3, 20, status="starting")

    assert len(claim(ledger, "w-1", Notary().steps(5))) == 5


def test_without_a_ramp_or_after_its_last_step_any_number_may_be_begun(ledger: Ledger) -> None:
    wait(ledger, 30)
    assert len(claim(ledger, "w-1", None, most=10)) == 10
    with ledger._writing() as connection:
        connection.execute(sa.update(campaigns).values(ramp_step=2))
    assert len(claim(ledger, "w-2", Notary().steps(3, 5))) == 20
    assert look(ledger, Notary().steps(3, 5)) is Standing.FREE


def test_a_step_is_over_when_nobody_is_at_a_contact_of_it(ledger: Ledger) -> None:
    wait(ledger, 10)
    notary = Notary()
    steps = notary.steps(3, 6)
    claimed = claim(ledger, "w-2", steps)

    assert look(ledger, steps) is Standing.WAITING
    send(ledger, "w-2", claimed, steps)
    assert look(ledger, steps) is Standing.WAITING
    settle(ledger, contacts.c.id != claimed[0].id)
    wait(ledger, 10, 100)
    assert look(ledger, steps) is Standing.WAITING
    settle_all(ledger)
    assert look(ledger, steps, decides=False) is Standing.WAITING
    assert notary.shown == []

    assert look(ledger, steps) is Standing.PASSED
    assert step_of(ledger) == 1
    assert look(ledger, steps, "w-2") is Standing.FREE
    assert len(notary.shown) == 1


@pytest.mark.parametrize("status", ["starting", "started", "connected"])
def test_what_was_begun_and_nobody_holds_is_taken_up_before_a_step_is_over(
    ledger: Ledger, status: str
) -> None:
    wait(ledger, 5)
    wait(ledger, 3, 10, status=status, sent_at=NOW)
    steps = Notary().steps(3)

    assert look(ledger, steps) is Standing.WAITING
    assert {contact.customer_id for contact in claim(ledger, "w-1", steps)} == {"010", "011", "012"}


def test_who_was_set_down_before_anything_was_made_does_not_hold_a_step_up(
    ledger: Ledger,
) -> None:
    wait(ledger, 5)
    wait(ledger, 2, 10, status="starting")
    wait(ledger, 3, 20, status="completed", end_reason="replied", sent_at=NOW)
    notary = Notary()

    assert look(ledger, notary.steps(3)) is Standing.PASSED
    assert notary.shown == [StepCounts(step=1, steps=1, contacts=3)]


def test_a_chat_in_its_customers_hands_is_settled_and_no_error(ledger: Ledger) -> None:
    wait(ledger, 5)
    wait(ledger, 3, 10, status="started", sent_at=NOW, handed_over_at=NOW)
    notary = Notary()

    assert look(ledger, notary.steps(3)) is Standing.PASSED
    assert notary.shown == [StepCounts(step=1, steps=1, contacts=3)]


def test_everything_that_became_of_a_step_is_counted_once(ledger: Ledger) -> None:
    wait(ledger, 5)
    sent = {"sent_at": NOW, "claimed_by": "w-1"}
    wait(ledger, 4, 10, status="completed", end_reason="replied", **sent)
    wait(ledger, 2, 20, status="completed", end_reason="lost", **sent)
    wait(ledger, 1, 30, status="unknown", **sent)
    wait(ledger, 1, 40, status="started", **sent)
    wait(ledger, 3, 50, status="failed", error_code="InvalidRequestException", **sent)
    notary = Notary()

    look(ledger, notary.steps(11))

    assert notary.shown == [
        StepCounts(step=1, steps=1, contacts=11, errors=4, refusals=3, opt_outs=0)
    ]


def test_who_opted_out_since_their_contact_counts_and_who_did_before_does_not(
    ledger: Ledger,
) -> None:
    wait(ledger, 5)
    wait(ledger, 4, 10, status="completed", end_reason="replied", sent_at=NOW)
    said = {"010": NOW - SECOND, "011": NOW, "012": NOW + SECOND}
    for customer, at in said.items():
        entry = Suppression(list="news", reason="word", source="chat", added_at=at)
        ledger.suppressions.add([(customer, entry)])
    other = Suppression(list="other", reason="word", source="chat", added_at=NOW + SECOND)
    ledger.suppressions.add([("013", other)])
    notary = Notary()

    look(ledger, notary.steps(4, lists=frozenset({"all", "news"})), now=NOW + 2 * SECOND)

    assert [counts.opt_outs for counts in notary.shown] == [2]


def test_each_step_is_judged_by_its_own_contacts(ledger: Ledger) -> None:
    wait(ledger, 20)
    notary = Notary()
    steps = notary.steps(3, 8)
    send(ledger, "w-1", claim(ledger, "w-1", steps), steps)
    settle_all(ledger, end_reason="lost")
    look(ledger, steps)
    later = NOW + 5 * SECOND
    send(ledger, "w-1", claim(ledger, "w-1", steps, now=later), steps, now=later)
    settle(ledger, contacts.c.sent_at == later)

    look(ledger, steps, now=later + SECOND)

    assert [(counts.contacts, counts.errors) for counts in notary.shown] == [(3, 3), (5, 0)]


def test_it_is_halted_once_and_only_a_persons_word_begins_the_next_step(ledger: Ledger) -> None:
    wait(ledger, 10)
    notary = Notary(RampDecision.HALT)
    steps = notary.steps(3, 6)
    send(ledger, "w-1", claim(ledger, "w-1", steps), steps)
    settle_all(ledger)

    assert [look(ledger, steps, worker) for worker in ("w-1", "w-2")] == [Standing.PAUSED] * 2
    assert len(notary.shown) == 1
    assert ledger.state(CAMPAIGN) is CampaignState.PAUSED
    stand = ledger.ramp.halted(CAMPAIGN)
    assert stand
    assert (stand.decision, stand.reasons) == (RampDecision.HALT, ("because",))
    assert stand.where == "step 1 of 2, 3 contacts"
    assert claim(ledger, "w-3", steps) == []

    assert ledger.ramp.resume(CAMPAIGN, policy="f-1", now=NOW + HOUR)
    assert not ledger.ramp.resume(CAMPAIGN, policy="f-1", now=NOW + HOUR)
    assert step_of(ledger) == 1
    assert ledger.ramp.halted(CAMPAIGN) is None
    assert len(claim(ledger, "w-3", steps)) == 3
    rows = table(ledger, decisions)
    assert [(row["moment"], row["decision"], row["customer_id"]) for row in rows] == [
        ("ramp", "halt", ""),
        ("ramp", "resume", ""),
    ]


def test_what_was_decided_about_a_campaign_outlives_its_customers(ledger: Ledger) -> None:
    wait(ledger, 10)
    steps = Notary(RampDecision.HALT).steps(3)
    send(ledger, "w-1", claim(ledger, "w-1", steps), steps)
    settle_all(ledger)
    look(ledger, steps)

    with ledger._writing() as connection:
        empty_stray_decisions(connection, CAMPAIGN)

    stand = ledger.ramp.halted(CAMPAIGN)
    assert stand
    assert stand.decision is RampDecision.HALT


def test_where_nobody_is_left_nothing_is_decided(ledger: Ledger) -> None:
    wait(ledger, 3)
    notary = Notary()
    steps = notary.steps(3, 6)
    send(ledger, "w-1", claim(ledger, "w-1", steps), steps)
    settle_all(ledger)

    assert look(ledger, steps) is Standing.FREE
    assert notary.shown == []


def test_nobody_waits_for_what_no_run_takes_up(ledger: Ledger) -> None:
    """Of another table, and given up by whoever had it: for this run it counts as an error."""
    wait(ledger, 5)
    wait(ledger, 3, 10, status="starting", sent_at=NOW, table_id="another", claimed_by="w-0")
    notary = Notary()
    mine = ClaimTerms(lease=30 * SECOND, token_validity=24 * HOUR, table_id="mine")

    stand = ledger.ramp.look(
        CAMPAIGN, "w-1", notary.steps(3), now=NOW + SECOND, terms=mine, decides=True
    )

    assert stand.standing is Standing.PASSED
    assert notary.shown == [StepCounts(step=1, steps=1, contacts=3, errors=3)]


def test_a_worker_that_holds_what_it_will_not_send_ends_the_step_all_the_same(
    ledger: Ledger,
) -> None:
    wait(ledger, 10)
    notary = Notary()
    steps = notary.steps(3)
    claimed = claim(ledger, "w-1", steps)
    send(ledger, "w-1", claimed[:2], steps)
    settle_all(ledger)

    assert look(ledger, steps, "w-2") is Standing.WAITING
    assert look(ledger, steps, "w-1") is Standing.PASSED
    assert notary.shown == [StepCounts(step=1, steps=1, contacts=2)]


def test_customers_of_a_share_are_those_who_are_in(ledger: Ledger) -> None:
    wait(ledger, 5)
    wait(ledger, 2, 10, status="withheld")
    wait(ledger, 2, 20, status="failed", error_code="WithdrawnByPerson")
    wait(ledger, 1, 30, status="failed", error_code="InvalidRequestException", sent_at=NOW)
    ledger.open_campaign("another", INSTANCE, now=NOW)

    assert ledger.ramp.customers(CAMPAIGN) == 6
    assert ledger.ramp.customers("another") == 0
