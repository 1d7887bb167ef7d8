"""When how many customers are contacted: expected values are reckoned by hand, or by a queue."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks import Quotas
from connect_tasks.campaign.outlook import Outlook, OutlookCounter
from connect_tasks.campaign.pace_limit import Pace
from connect_tasks.campaign.timetable import timetable
from connect_tasks.ledger.verdicts import Allow, Defer, Rule, Why

NOW = datetime(2026, 11, 27, 21, tzinfo=UTC)
HOUR = 3_600.0
# 5 starts per second, 8 at once, and chats of 20 seconds: slots are never scarce.
PACE = Pace(calls={"StartChatContact": 1.0}, quotas=Quotas(), chat_seconds=20, held_seconds=20)


def outlook(
    opens: Sequence[float] = (),
    closes: Sequence[float | None] = (),
    *,
    held_out: int = 0,
    expires: float | None = None,
) -> Outlook:
    """One customer each: who has to wait for so many seconds, who may be contacted for so many.

    The first `held_out` of those who wait are held out then; whose hours end when `expires` is
    over expire.
    """
    counter = OutlookCounter(NOW)
    for number, seconds in enumerate(opens):
        until = NOW + timedelta(seconds=seconds)
        counter.add(Defer(until, (Why(Rule.OUTSIDE_HOURS),)), is_held_out=number < held_out)
    for end in closes:
        closes_at = None if end is None else NOW + timedelta(seconds=end)
        ends = None if expires is None else NOW + timedelta(seconds=expires)
        counter.add(Allow(closes_at), expires_at=ends)
    return counter.outlook()


def test_whoever_waits_for_nothing_is_contacted_now() -> None:
    times = timetable(5_008, Outlook(), PACE)

    assert (times.now, times.later, times.late) == (5_008, 0, 0)
    assert times.seconds == times.now_seconds == 1_000 + 20
    assert times.ends_at is None


def test_nobody_takes_no_time() -> None:
    times = timetable(0, Outlook(), PACE)

    assert (times.seconds, times.now_seconds) == (0, 0)


def test_who_waits_is_contacted_from_when_their_window_opens() -> None:
    times = timetable(1_016, outlook([11 * HOUR] * 508, [None] * 508), PACE)

    assert (times.now, times.later) == (508, 508)
    assert times.now_seconds == 100 + 20
    assert times.seconds == 11 * HOUR + 100 + 20
    assert times.ends_at == NOW + timedelta(hours=11, minutes=2)


def test_what_opens_while_others_are_still_started_queues_up_behind_them() -> None:
    # 4,508 of now take 900 seconds, so the 500 that open after 600 begin only then.
    times = timetable(5_008, outlook([600.0] * 500, [None] * 4_508), PACE)

    assert times.seconds == 1_000 + 20


def test_two_windows_take_until_the_last_one() -> None:
    times = timetable(1_016, outlook([HOUR] * 508 + [5 * HOUR] * 508), PACE)

    assert times.now == 0
    assert times.now_seconds == 0
    assert times.seconds == 5 * HOUR + 100 + 20


def test_open_chats_limit_a_window_as_they_limit_a_campaign() -> None:
    long = Pace(calls=PACE.calls, quotas=Quotas(), chat_seconds=240, held_seconds=240)

    times = timetable(5_000, outlook([HOUR] * 5_000), long)

    assert times.seconds == pytest.approx(HOUR + 9 * 240 + 499 / 5 + 240)


def test_who_waits_and_is_held_out_then_takes_no_time() -> None:
    held = outlook([HOUR] * 1_016, held_out=508)

    times = timetable(508, held, PACE)

    assert (times.later, times.seconds) == (508, HOUR + 100 + 20)


def test_whose_hours_end_before_it_is_their_turn_is_late() -> None:
    # 508 starts in the 100 seconds until all their hours end.
    times = timetable(1_000, outlook(closes=[100.0] * 1_000), PACE)

    assert (times.now, times.late) == (508, 492)
    assert times.now_seconds == 100 + 20
    assert times.seconds == 100 + 20


def test_who_is_held_out_then_opens_nothing() -> None:
    held = outlook([HOUR] * 508 + [5 * HOUR] * 508, held_out=508)

    times = timetable(508, held, PACE)

    assert held.first == held.last == NOW + timedelta(hours=5)
    assert (times.later, times.seconds) == (508, 5 * HOUR + 100 + 20)


def test_of_those_who_are_late_it_is_known_who_expires() -> None:
    # 508 of 1,000 are started in the 100 seconds; the 492 others expire then.
    times = timetable(1_000, outlook(closes=[100.0] * 1_000, expires=100.0), PACE)
    assert (times.late, times.expired) == (492, 492)

    # Half of each are started when those of the first expire; the others' hours go on long enough.
    closes = [900.0] * 4_508 + [901 + 900.0] * 4_508
    times = timetable(9_016, outlook(closes=closes, expires=900.0), PACE)
    assert (times.late, times.expired) == (2_254, 2_254)
    assert timetable(9_016, outlook(closes=closes, expires=7_200.0), PACE).expired == 0


def test_of_two_zones_the_same_share_was_contacted_when_the_first_ones_hours_end() -> None:
    # After 900 s 4,508 of 9,016 were started, half of each; the other half of the first is late,
    # and the last 2,254 have an hour left.
    closes = [900.0] * 4_508 + [900 + HOUR] * 4_508

    times = timetable(9_016, outlook(closes=closes), PACE)

    assert (times.now, times.late) == (6_762, 2_254)


def test_of_three_zones_the_second_loses_of_what_the_first_left_over() -> None:
    # 4,503 of 13,509 are started when the first one's hours end: 3,002 of its 4,503 are late. Then
    # 3,002 of the 6,004 others until the second one's end: of its 3,002 that were left, 1,501 are.
    closes = [899.05, 1_499.45, 9_000.0] * 4_503

    times = timetable(13_509, outlook(closes=closes), PACE)

    assert (times.now, times.late) == (9_006, 4_503)


def test_whose_hours_last_long_enough_is_not_late() -> None:
    assert timetable(508, outlook(closes=[100.0] * 508), PACE).late == 0


WAITS = st.lists(st.integers(0, 200).map(lambda quarters: 900.0 * quarters), max_size=60)


@given(WAITS, st.integers(0, 4_000))
def test_it_takes_as_long_as_a_queue_that_starts_so_many_per_second(
    opens: list[float], now: int
) -> None:
    rate, burst = PACE.quotas.rate_of("StartChatContact")
    at, started = 0.0, 0.0
    for arrival in sorted([0.0] * now + opens):
        at = max(arrival, at + 1 / rate if started else 0.0)
        started += 1

    times = timetable(now + len(opens), outlook(opens, [None] * now), PACE)

    expected = at + 20 if started else 0.0
    # What the burst may save, once at the beginning of what is done in one go.
    assert expected - burst / rate - 1e-6 <= times.seconds <= expected + 1e-6


@given(WAITS, st.lists(st.floats(0, 9_000), max_size=50), st.integers(0, 2_000))
def test_each_is_contacted_now_or_later_or_is_late(
    opens: list[float], closes: list[float], others: int
) -> None:
    chats = len(opens) + len(closes) + others

    times = timetable(chats, outlook(opens, [*closes, *[None] * others]), PACE)

    assert times.now + times.late + times.later == chats
    assert 0 <= times.late <= len(closes)
    assert times.later == len(opens)
    assert times.seconds >= max([*opens, 0.0], default=0.0)
    assert times.seconds >= times.now_seconds
