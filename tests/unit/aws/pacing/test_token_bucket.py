"""What a token bucket decides; told the time, it waits for nothing."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits, TokenBucket, usable_burst
from connect_tasks.emulator.quotas import Bucket

NOON = 1_764_000_000.0


def request(
    wanted: int,
    *,
    unused: int = 0,
    throttled: bool = False,
) -> PermitRequest:
    return PermitRequest(
        api="StartChatContact",
        wanted=wanted,
        unused=unused,
        throttled=throttled,
    )


def times(permits: Permits, asked_at: float = 0.0) -> list[float]:
    """When each call that is permitted may be made."""
    due = (
        permits.first_seconds + number * permits.interval_seconds for number in range(permits.count)
    )
    return [asked_at + max(0.0, seconds) for seconds in due]


# --- asking for permits ---


def test_a_rested_bucket_grants_its_burst_for_now_and_half_a_second_ahead() -> None:
    _, permits = TokenBucket.full(10, 8, NOON).grant(request(100), NOON)

    assert times(permits) == pytest.approx([0] * 8 + [0.1, 0.2, 0.3, 0.4, 0.5])


def test_nobody_is_granted_more_than_he_wants() -> None:
    _, permits = TokenBucket.full(10, 8, NOON).grant(request(3), NOON)

    assert times(permits) == [0, 0, 0]


def test_who_comes_second_is_granted_what_comes_after() -> None:
    bucket, first = TokenBucket.full(10, 1, NOON).grant(request(4), NOON)
    _, second = bucket.grant(request(2), NOON)

    assert times(first) + times(second) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_an_empty_bucket_says_when_permits_worth_the_trip_can_be_had() -> None:
    bucket, _ = TokenBucket.full(100, 1, NOON).grant(request(51), NOON)

    _, none = bucket.grant(request(50), NOON)
    _, too_early = bucket.grant(request(50), NOON + none.first_seconds - 0.01)
    _, permits = bucket.grant(request(50), NOON + none.first_seconds + 0.001)

    assert (none.count, too_early.count, permits.count) == (0, 0, 25)
    assert none.first_seconds == pytest.approx(0.25)


def test_permits_that_were_not_used_can_be_had_again() -> None:
    bucket, _ = TokenBucket.full(5, 8, NOON).grant(request(8), NOON)
    _, permits = bucket.grant(request(8, unused=8), NOON)

    assert times(permits)[:8] == pytest.approx([0] * 8)


def test_what_is_given_back_never_makes_more_than_the_burst() -> None:
    _, permits = TokenBucket.full(5, 8, NOON).grant(request(100, unused=50), NOON)

    assert times(permits) == pytest.approx([0] * 8 + [0.2, 0.4])


def test_a_report_alone_is_granted_nothing() -> None:
    bucket, permits = TokenBucket.full(5, 8, NOON).grant(request(0, unused=2), NOON)

    assert permits.count == 0
    assert bucket.credit == 8


@given(
    rate=st.floats(0.1, 500),
    burst=st.integers(1, 50),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 300)), min_size=1, max_size=40),
)
def test_no_window_holds_more_calls_than_the_burst_and_what_came_back(
    rate: float, burst: int, steps: list[tuple[float, int]]
) -> None:
    bucket, now, due = TokenBucket.full(rate, burst, NOON), NOON, list[float]()
    for pause, wanted in steps:
        now += pause
        bucket, permits = bucket.grant(request(wanted), now)
        due += times(permits, now)

    due.sort()
    # How far the calls are ahead of the rate: within a window, by no more than the burst.
    ahead = [number - rate * (at - due[0]) for number, at in enumerate(due)]
    for least, most in zip(accumulate(ahead, min), ahead, strict=True):
        assert most - least + 1 <= burst + 1e-3


# --- clocks of several machines ---


def test_a_clock_that_is_behind_gets_no_calls_for_the_time_it_repeats() -> None:
    bucket, _ = TokenBucket.full(5, 8, NOON).grant(request(10), NOON)
    _, permits = bucket.grant(request(1), NOON - 2)

    assert permits.count == 0


def test_a_clock_that_was_hours_ahead_silences_nobody() -> None:
    bucket, _ = TokenBucket.full(5, 8, NOON).grant(request(8), NOON + 7_200)
    bucket, _ = bucket.grant(request(1), NOON)
    _, permits = bucket.grant(request(1), NOON + 1)

    assert times(permits) == [0]


# --- throttles ---


def test_a_throttle_takes_a_quarter_of_the_rate_and_empties_the_bucket() -> None:
    bucket, permits = TokenBucket.full(8, 8, NOON).grant(request(1, throttled=True), NOON)

    assert bucket.rate == 6
    assert times(permits) == pytest.approx([1 / 6])


def test_calls_throttled_in_the_same_moment_slow_down_once() -> None:
    bucket = TokenBucket.full(8, 8, NOON)
    for after in (0, 0.05, 0.1):
        bucket, _ = bucket.grant(request(0, throttled=True), NOON + after)

    assert bucket.rate == pytest.approx(6, rel=0.01)


def test_a_throttle_that_lasts_leaves_a_fiftieth_of_the_rate() -> None:
    bucket = TokenBucket.full(8, 8, NOON)
    for number in range(100):
        bucket, _ = bucket.grant(request(0, throttled=True), NOON + number)

    assert bucket.rate == pytest.approx(0.16, rel=0.05)


def test_after_three_calm_minutes_the_rate_is_whole_again() -> None:
    bucket = TokenBucket.full(8, 8, NOON)
    for number in range(100):
        bucket, _ = bucket.grant(request(0, throttled=True), NOON + number)

    half_a_minute = bucket.at(NOON + 130).rate
    assert 0.16 < half_a_minute < 1
    assert bucket.at(NOON + 280).rate == 8


@pytest.mark.parametrize("rate", [0.5, 2, 5, 50, 500])
def test_time_alone_wins_back_what_one_refusal_took(rate: float) -> None:
    bucket, _ = TokenBucket.full(rate, 8, NOON).grant(request(0, throttled=True), NOON)
    soon = max(2.5, 50 / rate)

    assert bucket.at(NOON + soon / 10).rate == pytest.approx(rate * 0.75, rel=0.02)
    assert bucket.at(NOON + soon).rate >= 0.95 * rate


@given(rate=st.floats(0.5, 500), moments=st.lists(st.floats(0, 200), min_size=1, max_size=20))
def test_how_often_it_is_asked_changes_nothing_of_what_time_wins_back(
    rate: float, moments: list[float]
) -> None:
    cut, _ = TokenBucket.full(rate, 8, NOON).grant(request(0, throttled=True), NOON)
    bucket = cut
    for moment in sorted(moments):
        before, bucket = bucket, bucket.at(NOON + moment)
        assert before.rate <= bucket.rate <= rate

    assert bucket.rate == pytest.approx(cut.at(NOON + max(moments)).rate, rel=0.001)


# --- two workers, and what is no news ---


def knowing(permits: Permits) -> PermitRequest:
    """Tells of a call that was made under these permits and refused."""
    return replace(request(1, throttled=True), knew=permits.slowed_at)


def test_calls_of_two_workers_that_were_made_before_either_knew_slow_down_once() -> None:
    bucket, mine = TokenBucket.full(8, 8, NOON).grant(request(2), NOON)
    bucket, theirs = bucket.grant(request(2), NOON)
    bucket, _ = bucket.grant(knowing(mine), NOON + 1)
    bucket, now_known = bucket.grant(knowing(theirs), NOON + 2)
    assert bucket.rate == pytest.approx(6)

    bucket, _ = bucket.grant(knowing(now_known), NOON + 2)
    assert bucket.rate == pytest.approx(4.5)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(0, 1), st.floats(-3, 3), st.booleans()),
        max_size=60,
    )
)
def test_a_worker_slows_all_down_at_most_once_for_what_it_knew(
    asked: list[tuple[int, float, float, bool]],
) -> None:
    bucket, now = TokenBucket.full(50, 8, NOON), NOON
    known = [bucket.grant(request(1), NOON)[1]] * 3
    cuts_known = set[float]()
    for worker, passed, clock_differs, refused in asked:
        now += passed
        told = knowing(known[worker]) if refused else request(1)
        before = bucket.slowed_at
        bucket, permits = bucket.grant(told, now + clock_differs)
        if bucket.slowed_at != before:
            assert known[worker].slowed_at not in cuts_known
            cuts_known.add(known[worker].slowed_at)
        known[worker] = permits


def test_a_new_quota_is_taken_as_it_is_but_brings_no_new_burst() -> None:
    bucket, _ = TokenBucket.full(5, 8, NOON).grant(request(8, throttled=True), NOON)
    bucket, permits = bucket.for_quota(20, 30).grant(request(100), NOON)

    assert bucket.rate == 20
    assert times(permits)[0] > 0


# --- beside others, in the emulator's own bucket ---


@dataclass
class Amazon:
    """One bucket, our endless demand on it, and another client's steady calls."""

    amazons: Bucket
    ours: TokenBucket
    others_per_second: float
    random: Random = field(default_factory=lambda: Random(7))  # noqa: S311 - no secret
    made: int = 0
    throttled: int = 0
    made_by_others: int = 0

    def run(self, seconds: float) -> None:
        """Let both call for so long."""
        events: list[tuple[float, int, str, float]] = []
        numbers = iter(range(10**9))

        def at(when: float, what: str, knew: float = 0.0) -> None:
            heapq.heappush(events, (when, next(numbers), what, knew))

        if self.others_per_second:
            at(0, "others")
        at(0, "acquire")
        report = request(0)
        while events and events[0][0] < seconds:
            now, _, what, knew = heapq.heappop(events)
            if what == "others":
                self.made_by_others += self.amazons.take(now)
                at(now + 1 / self.others_per_second, "others")
            elif what == "acquire":
                report = self._acquire(report, now, at)
            elif what == "call":
                ok = self.amazons.take(now)
                at(now + self.random.uniform(0.01, 0.05), "made" if ok else "throttled", knew)
            else:
                report = self._hear(report, what, knew)

    def _acquire(
        self, report: PermitRequest, now: float, at: Callable[[float, str, float], None]
    ) -> PermitRequest:
        wanted = replace(report, wanted=max(1, int(self.ours.full_rate / 4)))
        self.ours, permits = self.ours.grant(wanted, NOON + now)
        due = times(permits, now)
        for when in due:
            at(when + self.random.uniform(0, 0.02), "call", permits.slowed_at)
        at(due[-1] if due else now + min(1.0, permits.first_seconds), "acquire", 0.0)
        return request(0)

    def _hear(self, report: PermitRequest, what: str, knew: float) -> PermitRequest:
        if what == "made":
            self.made += 1
            return report
        self.throttled += 1
        return replace(report, throttled=True, knew=max(knew, report.knew or 0.0))


QUOTAS = [(5, 8, 400.0), (50, 80, 60.0), (500, 800, 40.0)]


@pytest.mark.parametrize(("rate", "burst", "seconds"), QUOTAS)
def test_alone_a_quota_is_used_fully_and_nothing_is_throttled(
    rate: float, burst: int, seconds: float
) -> None:
    amazon = Amazon(Bucket(rate, burst), TokenBucket.full(rate, usable_burst(rate, burst), NOON), 0)
    amazon.run(seconds)

    assert amazon.throttled == 0
    assert amazon.made >= 0.99 * (burst + rate * seconds)


@pytest.mark.parametrize(("rate", "burst", "seconds"), QUOTAS)
def test_beside_a_client_that_takes_half_the_rest_is_used_and_few_calls_are_throttled(
    rate: float, burst: int, seconds: float
) -> None:
    bucket = TokenBucket.full(rate, usable_burst(rate, burst), NOON)
    amazon = Amazon(Bucket(rate, burst), bucket, rate / 2)
    amazon.run(seconds)

    assert amazon.made >= 0.9 * (burst + rate * seconds - amazon.made_by_others)
    assert amazon.throttled <= 0.02 * (amazon.made + amazon.throttled)


@pytest.mark.parametrize(("rate", "burst", "seconds"), QUOTAS)
def test_a_rate_above_what_the_instance_grants_is_learnt(
    rate: float, burst: int, seconds: float
) -> None:
    bucket = TokenBucket.full(2 * rate, usable_burst(2 * rate, burst), NOON)
    amazon = Amazon(Bucket(rate, burst), bucket, 0)
    amazon.run(seconds)

    assert amazon.made >= 0.9 * (burst + rate * seconds)
    assert amazon.throttled <= 0.02 * (amazon.made + amazon.throttled)
    assert amazon.ours.rate == pytest.approx(rate, rel=0.3)
