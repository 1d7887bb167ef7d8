from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from connect_tasks.campaign.funnel import Funnel, FunnelCounter
from connect_tasks.ledger.contact import Contact, Status

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
PLANNED = Contact(
    id=1,
    campaign="renewals",
    customer_id="0042",
    generation=1,
    status=Status.PLANNED,
    client_token="t-1",
    request="{}",
    messages=(),
    planned_at=NOW,
)


def counts(**known: int) -> dict[str, Any]:
    names = (*Status, "valid", "reached_started", "reached_connected", "replied")
    people = ("handed_over", "in_hands")
    return {"mode": "simulation", **{str(name): 0 for name in (*names, *people)}, **known}


def walk(counter: FunnelCounter, *way: Status) -> None:
    contact = PLANNED
    for status in way:
        changes = {"started_at": NOW} if status is Status.STARTED else {}
        was, contact = contact.status, contact.advance(status, **changes)
        counter.step(was, contact)


def numbers(counter: FunnelCounter) -> dict[str, int]:
    """Everything in the funnel that is not nought."""
    found = asdict(counter.funnel())
    return {name: number for name, number in found.items() if number and name != "mode"}


def test_it_begins_with_what_the_ledger_counts() -> None:
    counter = FunnelCounter(
        counts(
            valid=10,
            rejected=2,
            duplicate=1,
            planned=3,
            started=1,
            connected=1,
            completed=2,
            failed=2,
            unknown=1,
            reached_started=4,
            reached_connected=3,
            replied=2,
        )
    )

    assert counter.funnel() == Funnel(
        rows=13,
        valid=10,
        rejected=2,
        duplicate=1,
        started=4,
        connected=3,
        replied=2,
        completed=2,
        failed=2,
        unknown=1,
        planned=3,
        open_chats=2,
    )


def test_a_contact_on_its_way_is_no_longer_planned() -> None:
    counter = FunnelCounter(counts(valid=2, planned=2))

    walk(counter, Status.STARTING)

    assert numbers(counter) == {"rows": 2, "valid": 2, "planned": 1}


def test_an_open_chat_counts_as_started_and_connected() -> None:
    counter = FunnelCounter(counts(valid=1, planned=1))

    walk(counter, Status.STARTING, Status.STARTED, Status.CONNECTED)

    assert numbers(counter) == {
        "rows": 1,
        "valid": 1,
        "started": 1,
        "connected": 1,
        "open_chats": 1,
    }


def test_a_completed_contact_stays_counted_as_started_and_connected() -> None:
    counter = FunnelCounter(counts(valid=1, planned=1))

    walk(counter, Status.STARTING, Status.STARTED, Status.CONNECTED, Status.COMPLETED)

    assert numbers(counter) == {"rows": 1, "valid": 1, "started": 1, "connected": 1, "completed": 1}


def test_a_chat_that_was_lost_before_its_connection_counts_only_as_started() -> None:
    counter = FunnelCounter(counts(valid=1, planned=1))

    walk(counter, Status.STARTING, Status.STARTED, Status.COMPLETED)

    assert numbers(counter) == {"rows": 1, "valid": 1, "started": 1, "completed": 1}


def test_a_chat_that_was_dead_before_anybody_joined_it_does_not_count_as_started() -> None:
    counter = FunnelCounter(counts(valid=1, planned=1))
    started = PLANNED.advance(Status.STARTING).advance(Status.STARTED, started_at=NOW)

    counter.step(Status.PLANNED, PLANNED.advance(Status.STARTING))
    counter.step(Status.STARTING, started)
    counter.step(Status.STARTED, started.advance(Status.COMPLETED, started_at=None))

    assert numbers(counter) == {"rows": 1, "valid": 1, "completed": 1}


def test_the_same_status_again_counts_nothing_twice() -> None:
    counter = FunnelCounter(counts(valid=1, planned=1))

    walk(counter, Status.STARTING, Status.STARTED, Status.STARTED)

    assert numbers(counter) == {"rows": 1, "valid": 1, "started": 1, "open_chats": 1}


def test_a_reply_is_counted() -> None:
    counter = FunnelCounter(counts(valid=1, connected=1, replied=0))

    counter.reply()

    assert counter.funnel().replied == 1


def test_settled_is_what_this_run_will_not_touch_again() -> None:
    counter = FunnelCounter(counts(valid=6, planned=3))

    walk(counter, Status.STARTING, Status.STARTED, Status.COMPLETED)
    walk(counter, Status.STARTING, Status.FAILED)
    walk(counter, Status.STARTING, Status.UNKNOWN)

    assert counter.funnel().settled == 3


def test_a_campaign_without_a_chat_knows_it() -> None:
    assert not FunnelCounter(counts(valid=5, planned=5)).any_started


def test_a_chat_of_an_earlier_run_is_remembered() -> None:
    assert FunnelCounter(counts(valid=5, completed=1, reached_started=1)).any_started


def test_a_first_start_is_noticed() -> None:
    counter = FunnelCounter(counts(valid=1, planned=1))

    walk(counter, Status.STARTING, Status.STARTED)

    assert counter.any_started


def test_whom_the_policy_withholds_is_settled_wherever_they_were() -> None:
    counter = FunnelCounter(counts(valid=3, planned=2, starting=1))

    counter.withhold(1)
    counter.withhold(1, Status.STARTING)

    assert numbers(counter) == {"rows": 3, "valid": 3, "planned": 1, "withheld": 2}
    assert (counter.funnel().settled, counter.funnel().left) == (2, 1)


def test_a_run_waits_until_something_moves_again() -> None:
    counter = FunnelCounter(counts(valid=1, planned=1))
    counter.wait_until(NOW)
    waits = counter.funnel().waits_until
    walk(counter, Status.STARTING)

    assert (waits, counter.funnel().waits_until) == (NOW, None)
