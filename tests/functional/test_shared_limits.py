"""What all workers of an instance share, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from connect_tasks.aws.pacing.concurrency import SlotDemand
from connect_tasks.aws.pacing.token_bucket import PermitRequest
from connect_tasks.aws.quotas import Quotas
from connect_tasks.ledger.store import Ledger

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
INSTANCE = "11111111-2222-3333-4444-555555555555"
LEASE = timedelta(seconds=30)
QUOTA = (10.0, 8)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as ledger:
        yield ledger


def request(wanted: int, *, unused: int = 0, throttled: bool = False) -> PermitRequest:
    return PermitRequest(
        api="StartChatContact",
        wanted=wanted,
        unused=unused,
        throttled=throttled,
    )


def ask(
    ledger: Ledger,
    worker: str,
    *,
    opened: int = 0,
    wanted: int = 500,
    refused: bool = False,
    now: datetime = NOW,
) -> tuple[int, int]:
    return ledger.share_slots(
        INSTANCE,
        worker,
        SlotDemand(open=opened, wanted=wanted),
        quota=500,
        refused=refused,
        now=now,
        lease=LEASE,
    )


def test_two_that_call_one_instance_share_its_rate(ledger: Ledger, ledger_url: str) -> None:
    with Ledger(ledger_url) as other:
        first = ledger.grant_permits(INSTANCE, request(13), quota=QUOTA, now=NOW)
        second = other.grant_permits(INSTANCE, request(13), quota=QUOTA, now=NOW)

    assert (first.count, second.count) == (13, 0)


def test_another_instance_and_another_api_have_rates_of_their_own(ledger: Ledger) -> None:
    ledger.grant_permits(INSTANCE, request(13), quota=QUOTA, now=NOW)

    assert ledger.grant_permits("another", request(13), quota=QUOTA, now=NOW).count == 13


def test_what_is_given_back_is_granted_again(ledger: Ledger) -> None:
    ledger.grant_permits(INSTANCE, request(13), quota=QUOTA, now=NOW)

    assert ledger.grant_permits(INSTANCE, request(13, unused=13), quota=QUOTA, now=NOW).count == 13


def test_what_a_killed_worker_was_granted_is_lost_for_a_moment_only(ledger: Ledger) -> None:
    ledger.grant_permits(INSTANCE, request(13), quota=QUOTA, now=NOW)

    later = ledger.grant_permits(
        INSTANCE, request(13), quota=QUOTA, now=NOW + timedelta(seconds=1.4)
    )
    assert later.count == 13


def test_a_throttle_that_one_reports_slows_the_other(ledger: Ledger, ledger_url: str) -> None:
    ledger.grant_permits(INSTANCE, request(1, throttled=True), quota=QUOTA, now=NOW)

    with Ledger(ledger_url) as other:
        permits = other.grant_permits(
            INSTANCE, request(4), quota=QUOTA, now=NOW + timedelta(seconds=2)
        )
    assert permits.rate == pytest.approx(7.5, rel=0.01)


def test_many_that_ask_at_the_same_time_never_get_a_permit_twice(ledger_url: str) -> None:
    Ledger(ledger_url).close()

    def acquire(_: int) -> int:
        with Ledger(ledger_url) as ledger:
            return sum(
                ledger.grant_permits(INSTANCE, request(1), quota=QUOTA, now=NOW).count
                for _ in range(5)
            )

    with ThreadPoolExecutor(6) as threads:
        granted = sum(threads.map(acquire, range(6)))

    # The burst, and half a second ahead.
    assert granted == 8 + 5


def test_workers_share_the_open_chats(ledger: Ledger) -> None:
    assert ask(ledger, "w-1") == (500, 500)
    assert ask(ledger, "w-2") == (0, 500)
    assert ask(ledger, "w-1", opened=100) == (250, 500)
    assert ask(ledger, "w-2") == (250, 500)


def test_a_worker_that_leaves_gives_its_slots_back(ledger: Ledger) -> None:
    ask(ledger, "w-1")
    ledger.leave_slots(INSTANCE, "w-1")

    assert ask(ledger, "w-2") == (500, 500)


def test_a_killed_workers_slots_are_free_when_its_lease_has_run_out(ledger: Ledger) -> None:
    ask(ledger, "w-1", opened=400)

    assert ask(ledger, "w-2", now=NOW + timedelta(seconds=29)) == (0, 500)
    assert ask(ledger, "w-2", now=NOW + timedelta(seconds=31)) == (500, 500)


def test_a_worker_whose_clock_was_hours_ahead_holds_nothing_for_hours(ledger: Ledger) -> None:
    ask(ledger, "w-1", opened=400, now=NOW + timedelta(hours=5))

    assert ask(ledger, "w-2") == (500, 500)


def unconnected(
    ledger: Ledger, worker: str, *, opened: int = 0, wanted: int = 1_000, now: datetime = NOW
) -> int:
    return ledger.share_unconnected(
        INSTANCE,
        worker,
        SlotDemand(open=opened, wanted=wanted),
        quotas=Quotas(),
        now=now,
        lease=LEASE,
    )


def throttle(ledger: Ledger, times: int, now: datetime = NOW) -> None:
    """So often connections are throttled, a second apart."""
    for number in range(times):
        told = PermitRequest(api="CreateParticipantConnection", wanted=0, throttled=True)
        at = now + timedelta(seconds=number)
        quota = Quotas().usable_rate_of(told.api)
        ledger.grant_permits(INSTANCE, told, quota=quota, now=at)


def test_workers_share_how_many_chats_may_wait_for_their_connection(ledger: Ledger) -> None:
    # Six per second, in half of five minutes.
    assert unconnected(ledger, "w-1") == 900
    assert unconnected(ledger, "w-2") == 0
    assert unconnected(ledger, "w-1", opened=200) == 450
    assert unconnected(ledger, "w-2") == 450


def test_as_many_may_wait_as_the_throttled_pace_can_connect(ledger: Ledger) -> None:
    throttle(ledger, 4)
    slowed = NOW + timedelta(seconds=3)

    assert unconnected(ledger, "w-1", now=slowed) == pytest.approx(900 * 0.75**4, rel=0.02)
    assert unconnected(ledger, "w-1", now=slowed + timedelta(minutes=4)) == 900


def test_chats_that_wait_count_until_their_workers_lease_ends(ledger: Ledger) -> None:
    unconnected(ledger, "killed", opened=880, wanted=880)

    assert unconnected(ledger, "w-1", now=NOW + timedelta(seconds=29)) == 20
    assert unconnected(ledger, "w-1", now=NOW + timedelta(seconds=31)) == 900


def test_a_worker_that_leaves_has_no_chats_that_wait(ledger: Ledger) -> None:
    unconnected(ledger, "w-1", opened=880)
    ledger.leave_slots(INSTANCE, "w-1")

    assert unconnected(ledger, "w-2") == 900


def test_slots_and_chats_that_wait_are_counted_apart(ledger: Ledger) -> None:
    ask(ledger, "w-1", opened=300, wanted=300)
    unconnected(ledger, "w-1", opened=800, wanted=800)

    assert ask(ledger, "w-2") == (200, 500)
    assert unconnected(ledger, "w-2") == 100


def test_a_refusal_teaches_all_workers_how_many_chats_there_may_be(ledger: Ledger) -> None:
    ask(ledger, "w-1", opened=30, wanted=40)
    granted, ceiling = ask(ledger, "w-2", opened=20, wanted=40, refused=True)

    assert ceiling == 50
    assert granted == 10
    assert ask(ledger, "w-1", opened=30, wanted=40) == (25, 50)


def test_what_was_learnt_is_told(ledger: Ledger) -> None:
    ledger.open_campaign("renewals", INSTANCE, now=NOW)
    assert ledger.learnt("renewals", now=NOW) == {}

    ledger.grant_permits(INSTANCE, request(1, throttled=True), quota=QUOTA, now=NOW)
    ask(ledger, "w-1", opened=30, refused=True)

    assert ledger.learnt("renewals", now=NOW) == {"StartChatContact": 7.5, "open_chats": 30}


def test_what_was_learnt_is_forgotten_in_calm(ledger: Ledger) -> None:
    ledger.open_campaign("renewals", INSTANCE, now=NOW)
    ledger.grant_permits(INSTANCE, request(1, throttled=True), quota=QUOTA, now=NOW)

    assert ledger.learnt("renewals", now=NOW + timedelta(minutes=3)) == {}
