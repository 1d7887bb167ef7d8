"""Limits that roll along, with contacts behind and ahead."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, example, given
from hypothesis import strategies as st

from connect_tasks.campaign.policy.communication_limits import (
    CommunicationLimit,
    CommunicationLimits,
)
from connect_tasks.campaign.policy.decide import decide
from connect_tasks.campaign.policy.instants import microseconds
from connect_tasks.campaign.policy.limits import Limits
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger.verdicts import Allow, Customer, Defer, History, Rule, Why

HOUR = microseconds(timedelta(hours=1))
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def limits_of(*pairs: tuple[int, int]) -> Limits:
    made = [
        CommunicationLimit(max_count_per_recipient=most, frequency=hours, unit="HOUR")
        for most, hours in pairs
    ]
    return Limits(CommunicationLimits(limits=tuple(made)))


def would_be_too_many(times: list[int], at: int, most: int, hours: int) -> bool:
    """Whether some stretch of so many hours would hold more, with one at this time."""
    every = sorted([*times, at])
    return any(
        sum(start <= time < start + hours for time in every) > most
        for start in every
        if start <= at < start + hours
    )


limit_pairs = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 12)),
    min_size=1,
    max_size=2,
    unique_by=lambda x: x[1],
)
hours_of_contacts = st.lists(st.integers(-30, 30), max_size=8)


@given(pairs=limit_pairs, contacts=hours_of_contacts)
def test_no_stretch_ever_holds_more_than_the_limit(
    pairs: list[tuple[int, int]], contacts: list[int]
) -> None:
    limits = limits_of(*pairs)
    # Only what a policy that was kept could have left behind.
    kept: list[int] = []
    for at in contacts:
        if not any(would_be_too_many(kept, at, *pair) for pair in pairs):
            kept.append(at)
    instants = sorted(at * HOUR for at in kept)

    for at in range(-45, 45):
        expected = any(would_be_too_many(kept, at, *pair) for pair in pairs)
        # Exactly as long before one that is still to come as the limit lasts, it waits for it.
        ahead = any(at + hours in kept for _, hours in pairs)
        assert ahead or bool(limits.hit(instants, at * HOUR)) == expected


# The longer limit ends where the shorter one forbids it, for one that comes.
@example(pairs=[(1, 3), (2, 12)], contacts=[0, 1, 12], since=5)
@given(pairs=limit_pairs, contacts=hours_of_contacts, since=st.integers(-40, 40))
def test_the_first_allowed_time_is_the_first(
    pairs: list[tuple[int, int]], contacts: list[int], since: int
) -> None:
    limits = limits_of(*pairs)
    instants = sorted(at * HOUR for at in contacts)

    opens = limits.opens(instants, since * HOUR)

    assert opens >= since * HOUR
    assert not limits.hit(instants, opens)
    assert all(limits.hit(instants, at) for at in range(since * HOUR, opens, HOUR))


@given(pairs=limit_pairs, contacts=hours_of_contacts, now=st.integers(-40, 40))
def test_it_stays_allowed_until_it_says(
    pairs: list[tuple[int, int]], contacts: list[int], now: int
) -> None:
    limits = limits_of(*pairs)
    instants = sorted(at * HOUR for at in contacts)
    assume(not limits.hit(instants, now * HOUR))

    closes = limits.closes(instants, now * HOUR)

    end = 80 * HOUR if closes is None else closes
    assert not any(limits.hit(instants, at) for at in range(now * HOUR, end, HOUR))
    assert closes is None or limits.hit(instants, closes)


def _policy(most: int, frequency: int) -> OutreachPolicy:
    limit = CommunicationLimit(max_count_per_recipient=most, frequency=frequency)
    return OutreachPolicy(communication_limits=CommunicationLimits(limits=(limit,)))


ADA = Customer(customer_key="0042", planned_at=NOON)
MOMENT = timedelta(microseconds=1)


def test_a_day_is_24_hours_and_no_calendar_day() -> None:
    sent = datetime(2026, 11, 26, 23, tzinfo=UTC)
    after_midnight = datetime(2026, 11, 27, 0, 30, tzinfo=UTC)

    verdict = decide(ADA, after_midnight, History((sent,)), _policy(1, 1))

    assert verdict == Defer(sent + timedelta(days=1), (Why(Rule.FREQUENCY_CAPPED, "1 in 1 day"),))


def test_a_contact_counts_until_exactly_its_time_is_over() -> None:
    sent = NOON - timedelta(days=7)
    history = History((sent,))

    assert isinstance(decide(ADA, NOON - MOMENT, history, _policy(1, 7)), Defer)
    assert decide(ADA, NOON, history, _policy(1, 7)) == Allow()


def test_the_order_of_past_contacts_does_not_matter() -> None:
    sent = tuple(NOON - timedelta(hours=hours) for hours in (1, 30, 5))

    verdicts = {decide(ADA, NOON, History(order), _policy(2, 1)) for order in (sent, sent[::-1])}

    words = (Why(Rule.FREQUENCY_CAPPED, "2 in 1 day"),)
    assert verdicts == {Defer(NOON + timedelta(hours=19), words)}


def test_a_link_that_is_to_be_sent_tomorrow_leaves_no_contact_for_today() -> None:
    tomorrow = NOON + timedelta(hours=20)

    verdict = decide(ADA, NOON, History((tomorrow,)), _policy(1, 1))

    assert isinstance(verdict, Defer)
    assert verdict.until == tomorrow + timedelta(days=1)


def test_a_contact_is_allowed_until_it_would_be_too_near_to_one_that_comes() -> None:
    comes = NOON + timedelta(days=3)

    assert decide(ADA, NOON, History((comes,)), _policy(1, 1)) == Allow(NOON + timedelta(days=2))


def test_both_limits_must_allow_it_and_both_are_told() -> None:
    limits = (
        CommunicationLimit(max_count_per_recipient=1, frequency=1),
        CommunicationLimit(max_count_per_recipient=2, frequency=1, unit="WEEK"),
    )
    policy = OutreachPolicy(communication_limits=CommunicationLimits(limits=limits))
    sent = (NOON - timedelta(days=6), NOON - timedelta(hours=1))

    verdict = decide(ADA, NOON, History(sent), policy)

    told = ("1 in 1 day", "2 in 1 week")
    words = tuple(Why(Rule.FREQUENCY_CAPPED, value) for value in told)
    assert verdict == Defer(NOON + timedelta(days=1), words)


def test_what_is_looked_back_is_the_longer_limit() -> None:
    limits = (
        CommunicationLimit(max_count_per_recipient=1, frequency=3),
        CommunicationLimit(max_count_per_recipient=9, frequency=2, unit="WEEK"),
    )
    policy = OutreachPolicy(communication_limits=CommunicationLimits(limits=limits, group="news"))

    assert (policy.look_back, policy.group) == (timedelta(days=14), "news")
    assert OutreachPolicy().look_back == timedelta(0)
