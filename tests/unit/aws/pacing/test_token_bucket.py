"""What a pace and a ceiling decide; told the time, they wait for nothing."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.aws.pacing.token_bucket import (
    Ceiling,
    Demand,
    Lot,
    Pace,
    Purchase,
    divide,
    usable_burst,
)
from connect_tasks.emulator.quotas import Bucket

NOON = 1_764_000_000.0


def purchase(
    wanted: int,
    *,
    rate: float = 5,
    burst: int = 8,
    unspent: int = 0,
    succeeded: int = 0,
    throttled: bool = False,
) -> Purchase:
    return Purchase(
        api="StartChatContact",
        full_rate=rate,
        burst=burst,
        wanted=wanted,
        unspent=unspent,
        succeeded=succeeded,
        throttled=throttled,
    )


def times(lot: Lot, bought_at: float = 0.0) -> list[float]:
    """When each call of a lot may be made."""
    due = (lot.first_seconds + number * lot.interval_seconds for number in range(lot.count))
    return [bought_at + max(0.0, seconds) for seconds in due]


# --- buying calls ---


def test_a_rested_pace_sells_its_burst_for_now_and_half_a_second_ahead() -> None:
    _, lot = Pace.full(10, 8, NOON).trade(purchase(100, rate=10), NOON)

    assert times(lot) == pytest.approx([0] * 8 + [0.1, 0.2, 0.3, 0.4, 0.5])


def test_nobody_is_sold_more_than_he_wants() -> None:
    _, lot = Pace.full(10, 8, NOON).trade(purchase(3, rate=10), NOON)

    assert times(lot) == [0, 0, 0]


def test_who_comes_second_is_sold_what_comes_after() -> None:
    pace, first = Pace.full(10, 1, NOON).trade(purchase(4, rate=10, burst=1), NOON)
    _, second = pace.trade(purchase(2, rate=10, burst=1), NOON)

    assert times(first) + times(second) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_a_pace_that_is_sold_out_says_when_a_lot_worth_the_trip_is_for_sale() -> None:
    pace, _ = Pace.full(100, 1, NOON).trade(purchase(51, rate=100, burst=1), NOON)

    _, none = pace.trade(purchase(50, rate=100, burst=1), NOON)
    _, too_early = pace.trade(purchase(50, rate=100, burst=1), NOON + none.first_seconds - 0.01)
    _, lot = pace.trade(purchase(50, rate=100, burst=1), NOON + none.first_seconds + 0.001)

    assert (none.count, too_early.count, lot.count) == (0, 0, 25)
    assert none.first_seconds == pytest.approx(0.25)


def test_calls_that_were_bought_and_not_made_are_for_sale_again() -> None:
    pace, _ = Pace.full(5, 8, NOON).trade(purchase(8), NOON)
    _, lot = pace.trade(purchase(8, unspent=8), NOON)

    assert times(lot)[:8] == pytest.approx([0] * 8)


def test_what_is_given_back_never_makes_more_than_the_burst() -> None:
    _, lot = Pace.full(5, 8, NOON).trade(purchase(100, unspent=50), NOON)

    assert times(lot) == pytest.approx([0] * 8 + [0.2, 0.4])


def test_a_report_alone_buys_nothing() -> None:
    pace, lot = Pace.full(5, 8, NOON).trade(purchase(0, unspent=2), NOON)

    assert lot.count == 0
    assert pace.credit == 8


@settings(deadline=None)
@given(
    rate=st.floats(0.1, 500),
    burst=st.integers(1, 50),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 300)), min_size=1, max_size=40),
)
def test_no_window_holds_more_calls_than_the_burst_and_what_came_back(
    rate: float, burst: int, steps: list[tuple[float, int]]
) -> None:
    pace, now, due = Pace.full(rate, burst, NOON), NOON, list[float]()
    for pause, wanted in steps:
        now += pause
        pace, lot = pace.trade(purchase(wanted, rate=rate, burst=burst), now)
        due += times(lot, now)

    due.sort()
    for first, since in enumerate(due):
        for last, until in enumerate(due[first:], start=first):
            assert last - first + 1 <= burst + rate * (until - since) + 1e-3


# --- clocks of several machines ---


def test_a_clock_that_is_behind_gets_no_calls_for_the_time_it_repeats() -> None:
    pace, _ = Pace.full(5, 8, NOON).trade(purchase(10), NOON)
    _, lot = pace.trade(purchase(1), NOON - 2)

    assert lot.count == 0


def test_a_clock_that_was_hours_ahead_silences_nobody() -> None:
    pace, _ = Pace.full(5, 8, NOON).trade(purchase(8), NOON + 7_200)
    pace, _ = pace.trade(purchase(1), NOON)
    _, lot = pace.trade(purchase(1), NOON + 1)

    assert times(lot) == [0]


# --- throttles ---


def test_a_throttle_takes_a_quarter_of_the_rate_and_empties_the_bucket() -> None:
    pace, lot = Pace.full(8, 8, NOON).trade(purchase(1, rate=8, throttled=True), NOON)

    assert pace.rate == 6
    assert times(lot) == pytest.approx([1 / 6])


def test_calls_throttled_in_the_same_moment_slow_down_once() -> None:
    pace = Pace.full(8, 8, NOON)
    for after in (0, 0.05, 0.1):
        pace, _ = pace.trade(purchase(0, rate=8, throttled=True), NOON + after)

    assert pace.rate == pytest.approx(6, rel=0.01)


def test_a_throttle_that_lasts_leaves_a_fiftieth_of_the_rate() -> None:
    pace = Pace.full(8, 8, NOON)
    for number in range(100):
        pace, _ = pace.trade(purchase(0, rate=8, throttled=True), NOON + number)

    assert pace.rate == pytest.approx(0.16, rel=0.05)


def test_after_three_calm_minutes_the_rate_is_whole_again() -> None:
    pace = Pace.full(8, 8, NOON)
    for number in range(100):
        pace, _ = pace.trade(purchase(0, rate=8, throttled=True), NOON + number)

    half_a_minute = pace.at(NOON + 130).rate
    assert 0.16 < half_a_minute < 1
    assert pace.at(NOON + 280).rate == 8


def test_calls_that_go_through_win_the_rate_back() -> None:
    pace, _ = Pace.full(8, 8, NOON).trade(purchase(0, rate=8, throttled=True), NOON)
    pace, _ = pace.trade(purchase(0, rate=8, succeeded=10), NOON + 2)

    assert pace.rate == pytest.approx(6 * 1.02, rel=0.001)


def test_a_new_quota_is_taken_as_it_is_but_brings_no_new_burst() -> None:
    pace, _ = Pace.full(5, 8, NOON).trade(purchase(8, throttled=True), NOON)
    pace, lot = pace.trade(purchase(100, rate=20, burst=30), NOON)

    assert pace.rate == 20
    assert times(lot)[0] > 0


# --- beside others, in the emulator's own bucket ---


@dataclass
class Amazon:
    """One bucket, our endless demand on it, and another client's steady calls."""

    bucket: Bucket
    pace: Pace
    others_per_second: float
    random: Random = field(default_factory=lambda: Random(7))  # noqa: S311 - no secret
    made: int = 0
    throttled: int = 0
    made_by_others: int = 0

    def run(self, seconds: float) -> None:
        """Let both call for so long."""
        events: list[tuple[float, int, str]] = []
        numbers = iter(range(10**9))

        def at(when: float, what: str) -> None:
            heapq.heappush(events, (when, next(numbers), what))

        if self.others_per_second:
            at(0, "others")
        at(0, "buy")
        report = purchase(0)
        while events and events[0][0] < seconds:
            now, _, what = heapq.heappop(events)
            if what == "others":
                self.made_by_others += self.bucket.take(now)
                at(now + 1 / self.others_per_second, "others")
            elif what == "buy":
                report = self._buy(report, now, at)
            elif what == "call":
                ok = self.bucket.take(now)
                at(now + self.random.uniform(0.01, 0.05), "made" if ok else "throttled")
            else:
                report = self._hear(report, what)

    def _buy(self, report: Purchase, now: float, at: Callable[[float, str], None]) -> Purchase:
        wanted = replace(
            report,
            full_rate=self.pace.full_rate,
            burst=self.pace.burst,
            wanted=max(1, int(self.pace.full_rate / 4)),
        )
        self.pace, lot = self.pace.trade(wanted, NOON + now)
        due = times(lot, now)
        for when in due:
            at(when + self.random.uniform(0, 0.02), "call")
        at(due[-1] if due else now + min(1.0, lot.first_seconds), "buy")
        return purchase(0)

    def _hear(self, report: Purchase, what: str) -> Purchase:
        if what == "made":
            self.made += 1
            return replace(report, succeeded=report.succeeded + 1)
        self.throttled += 1
        return replace(report, throttled=True)


QUOTAS = [(5, 8, 400.0), (50, 80, 60.0), (500, 800, 40.0)]


@pytest.mark.parametrize(("rate", "burst", "seconds"), QUOTAS)
def test_alone_a_quota_is_used_fully_and_nothing_is_throttled(
    rate: float, burst: int, seconds: float
) -> None:
    amazon = Amazon(Bucket(rate, burst), Pace.full(rate, usable_burst(rate, burst), NOON), 0)
    amazon.run(seconds)

    assert amazon.throttled == 0
    assert amazon.made >= 0.99 * (burst + rate * seconds)


@pytest.mark.parametrize(("rate", "burst", "seconds"), QUOTAS)
def test_beside_a_client_that_takes_half_the_rest_is_used_and_few_calls_are_throttled(
    rate: float, burst: int, seconds: float
) -> None:
    pace = Pace.full(rate, usable_burst(rate, burst), NOON)
    amazon = Amazon(Bucket(rate, burst), pace, rate / 2)
    amazon.run(seconds)

    assert amazon.made >= 0.9 * (burst + rate * seconds - amazon.made_by_others)
    assert amazon.throttled <= 0.02 * (amazon.made + amazon.throttled)


@pytest.mark.parametrize(("rate", "burst", "seconds"), QUOTAS)
def test_a_rate_above_what_the_instance_grants_is_learnt(
    rate: float, burst: int, seconds: float
) -> None:
    pace = Pace.full(2 * rate, usable_burst(2 * rate, burst), NOON)
    amazon = Amazon(Bucket(rate, burst), pace, 0)
    amazon.run(seconds)

    assert amazon.made >= 0.9 * (burst + rate * seconds)
    assert amazon.throttled <= 0.02 * (amazon.made + amazon.throttled)
    assert amazon.pace.rate == pytest.approx(rate, rel=0.3)


# --- dividing open chats ---


def test_one_worker_alone_may_have_all_slots() -> None:
    assert divide(500, Demand(open=0, wanted=900), []) == 500


def test_a_worker_is_given_no_more_than_it_wants() -> None:
    assert divide(500, Demand(open=3, wanted=7), []) == 7


def test_two_that_want_all_get_half_each() -> None:
    other = Demand(open=250, wanted=500, granted=250)

    assert divide(500, Demand(open=0, wanted=500), [other]) == 250


def test_what_one_does_not_want_is_left_to_the_other() -> None:
    other = Demand(open=10, wanted=20, granted=20)

    assert divide(500, Demand(open=0, wanted=900), [other]) == 480


def test_slots_in_others_hands_are_not_given_twice() -> None:
    other = Demand(open=400, wanted=500, granted=500)

    assert divide(500, Demand(open=0, wanted=500), [other]) == 0


def test_a_worker_above_its_share_may_not_replace_the_chats_that_close() -> None:
    newcomer = Demand(open=0, wanted=500, granted=0)

    assert divide(500, Demand(open=400, wanted=500), [newcomer]) == 250


def test_a_ceiling_below_what_is_open_is_no_negative_number() -> None:
    assert divide(2, Demand(open=5, wanted=9), [Demand(open=5, wanted=5, granted=5)]) == 0


@settings(deadline=None)
@given(
    ceiling=st.integers(1, 50),
    wanted=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    order=st.lists(st.integers(0, 4), max_size=40),
)
def test_workers_that_ask_in_turn_never_hold_more_than_the_ceiling_and_leave_nothing_idle(
    ceiling: int, wanted: list[int], order: list[int]
) -> None:
    held = [Demand(open=0, wanted=want) for want in wanted]
    for number in [*order, *range(len(wanted)), *range(len(wanted))]:
        mine = held[number % len(held)]
        others = [other for other in held if other is not mine]
        granted = divide(ceiling, mine, others)
        held[number % len(held)] = replace(mine, granted=granted)

        assert sum(demand.granted for demand in held) <= ceiling

    assert sum(demand.granted for demand in held) == min(ceiling, sum(wanted))


# --- what the instance really grants ---


def probes(ceiling: Ceiling, seconds: float) -> Iterator[tuple[float, int]]:
    """When the ceiling changes, looked at each second."""
    for number in range(int(seconds)):
        raised = ceiling.probed(NOON + number)
        if raised.ceiling != ceiling.ceiling:
            yield number, raised.ceiling
        ceiling = raised


def test_a_refusal_teaches_how_many_the_instance_grants() -> None:
    assert Ceiling(quota=500, ceiling=500).refused(250, NOON).ceiling == 250


def test_probes_that_are_not_refused_raise_it_faster_and_faster_up_to_the_quota() -> None:
    learnt = Ceiling(quota=20, ceiling=20).refused(5, NOON)

    assert list(probes(learnt, 60)) == [(2, 6), (6, 8), (10, 12), (14, 20)]


def test_each_refused_probe_doubles_the_time_to_the_next_up_to_a_minute() -> None:
    ceiling, now, waits = Ceiling(quota=10, ceiling=10), NOON, []
    for _ in range(7):
        ceiling = ceiling.refused(5, now)
        waits.append((ceiling.probe_at or 0) - now)
        now += waits[-1]
        ceiling = ceiling.probed(now)

    assert waits == [2, 4, 8, 16, 32, 60, 60]


def test_what_was_learnt_and_not_asked_for_in_a_while_is_forgotten() -> None:
    learnt = Ceiling(quota=500, ceiling=500).refused(5, NOON)

    assert learnt.probed(NOON + 600) == Ceiling(quota=500, ceiling=500)


def test_a_new_quota_is_taken_as_it_is() -> None:
    learnt = Ceiling(quota=500, ceiling=500).refused(5, NOON)

    assert learnt.for_quota(500) == learnt
    assert learnt.for_quota(800).ceiling == 800
