"""Waiting for one's turn to call, in time that jumps."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.aws.pacing.rate_limiter import RateLimiter, WithinStartLimit
from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits, TokenBucket
from connect_tasks.aws.pacing.turns import Turn, Urgency
from tests.unit.virtual_time import CLOCK, LoopClock, run

NOON = 1_764_000_000.0
LIVE, WAITING = Turn(Urgency.LIVE), Turn(Urgency.WAITING)


class Quota:
    """One bucket that several limiters ask for permits, as the ledger keeps it."""

    def __init__(self, rate: float, burst: int) -> None:
        self.bucket = TokenBucket.full(rate, burst, NOON)
        self.requests: list[PermitRequest] = []

    async def acquire(self, request: PermitRequest) -> Permits:
        self.requests.append(request)
        await asyncio.sleep(0)
        self.bucket, permits = self.bucket.grant(request, NOON + CLOCK.monotonic())
        return permits

    def limiter(self) -> RateLimiter:
        return RateLimiter("StartChatContact", acquire=self.acquire, clock=CLOCK)


async def pass_all(limiter: RateLimiter, callers: int) -> list[tuple[int, float]]:
    passed: list[tuple[int, float]] = []

    async def call(number: int) -> None:
        await limiter.acquire()
        passed.append((number, CLOCK.monotonic()))

    await asyncio.gather(*(call(number) for number in range(callers)))
    return passed


def test_callers_pass_first_come_first_served() -> None:
    async def story() -> list[tuple[int, float]]:
        return await pass_all(Quota(5, 2).limiter(), 6)

    assert [number for number, _ in run(story())] == [0, 1, 2, 3, 4, 5]


def test_callers_pass_at_the_rate_after_the_burst() -> None:
    async def story() -> list[tuple[int, float]]:
        return await pass_all(Quota(4, 2).limiter(), 5)

    assert [at for _, at in run(story())] == pytest.approx([0, 0, 0.25, 0.5, 0.75])


def test_two_limiters_of_one_bucket_share_its_rate() -> None:
    async def story() -> list[float]:
        quota = Quota(100, 1)
        both = await asyncio.gather(pass_all(quota.limiter(), 100), pass_all(quota.limiter(), 100))
        return sorted(at for passed in both for _, at in passed)

    passed = run(story())

    assert passed[-1] == pytest.approx(2, abs=0.1)
    assert all(at >= number / 100 - 0.01 for number, at in enumerate(passed))


def test_a_high_rate_costs_few_requests() -> None:
    async def story() -> tuple[int, float]:
        quota = Quota(500, 50)
        limiter = quota.limiter()
        for _ in range(10):
            await pass_all(limiter, 200)
        return len(quota.requests), CLOCK.monotonic()

    requests, seconds = run(story())

    assert seconds == pytest.approx((2000 - 50) / 500, rel=0.05)
    assert requests <= 8 * seconds


def test_a_permit_that_is_not_used_for_a_second_is_given_back() -> None:
    async def story() -> list[int]:
        quota = Quota(10, 8)
        limiter = quota.limiter()
        impatient = [asyncio.ensure_future(limiter.acquire()) for _ in range(10)]
        await CLOCK.sleep(0.05)
        for task in impatient:
            task.cancel()
        await CLOCK.sleep(5)
        await limiter.acquire()
        return [request.unused for request in quota.requests]

    first, *_, last = run(story())

    assert (first, last) == (0, 2)


def test_a_limiter_that_ends_gives_its_permits_back() -> None:
    async def story() -> tuple[int, float]:
        quota = Quota(10, 8)
        limiter = quota.limiter()
        waiting = [asyncio.ensure_future(limiter.acquire()) for _ in range(12)]
        await CLOCK.sleep(0.05)
        for task in waiting:
            task.cancel()
        await limiter.return_unused()
        return quota.requests[-1].unused, quota.bucket.credit

    unused, tokens = run(story())

    assert unused == 4
    assert tokens == pytest.approx(0.5)


def test_a_throttle_voids_the_permits_and_is_told_with_the_next_request() -> None:
    async def story() -> list[float]:
        quota = Quota(4, 2)
        limiter = quota.limiter()
        limiter.throttled(CLOCK.monotonic())
        passed = await pass_all(limiter, 3)
        assert quota.requests[0].throttled
        assert not quota.requests[-1].throttled or len(quota.requests) == 1
        return [at for _, at in passed]

    assert run(story()) == pytest.approx([1 / 3, 2 / 3, 1], abs=0.01)


def test_a_call_that_was_under_way_when_all_slowed_down_slows_nobody_again() -> None:
    async def story() -> list[bool]:
        quota = Quota(100, 10)
        limiter = quota.limiter()
        for _ in range(5):
            await limiter.acquire()
        before = CLOCK.monotonic()
        await CLOCK.sleep(0.1)
        limiter.throttled(before)
        await pass_all(limiter, 5)
        limiter.throttled(before)
        await CLOCK.sleep(2)
        await pass_all(limiter, 5)
        return [request.throttled for request in quota.requests]

    assert run(story()).count(True) == 1


def test_a_refusal_that_comes_while_all_slow_down_for_another_is_the_same_news() -> None:
    async def story() -> list[float]:
        quota, rates = Quota(5, 8), list[float]()

        async def acquire(request: PermitRequest) -> Permits:
            await CLOCK.sleep(0.1)
            permits = await quota.acquire(request)
            await CLOCK.sleep(0.1)
            rates.append(permits.rate)
            return permits

        limiter = RateLimiter("StartChatContact", acquire=acquire, clock=CLOCK)
        await pass_all(limiter, 4)
        called_at = CLOCK.monotonic()
        await CLOCK.sleep(0.05)
        limiter.throttled(called_at)
        asking = asyncio.ensure_future(pass_all(limiter, 2))
        await CLOCK.sleep(0.15)
        limiter.throttled(called_at)
        await asking
        await CLOCK.sleep(2)
        await pass_all(limiter, 2)
        return rates

    assert min(run(story())) == pytest.approx(3.75)


def test_a_caller_that_gives_up_leaves_its_turn_to_the_others() -> None:
    async def story() -> float:
        limiter = Quota(1, 1).limiter()
        await limiter.acquire()
        impatient = asyncio.ensure_future(limiter.acquire())
        patient = asyncio.ensure_future(limiter.acquire())
        await asyncio.sleep(0.5)
        impatient.cancel()
        await patient
        return CLOCK.monotonic()

    assert run(story()) == pytest.approx(1)


# --- live chats first ---


async def pass_as(limiter: RateLimiter, *turns: Turn) -> list[tuple[int, float]]:
    """Who passed when, each with a turn of these."""
    passed: list[tuple[int, float]] = []

    async def call(number: int, turn: Turn) -> None:
        await limiter.acquire(turn)
        passed.append((number, CLOCK.monotonic()))

    await asyncio.gather(*(call(number, turn) for number, turn in enumerate(turns)))
    return passed


class Ahead:
    """Grants some permits ahead, at an interval."""

    def __init__(self, count: int, first_seconds: float, interval_seconds: float) -> None:
        self.permits = Permits(
            count=count, first_seconds=first_seconds, interval_seconds=interval_seconds
        )
        self.requests: list[PermitRequest] = []

    async def acquire(self, request: PermitRequest) -> Permits:
        self.requests.append(request)
        return self.permits


class Late(LoopClock):
    """A clock that wakes later than it was asked to, as all do."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds + 0.1)


def test_a_permit_that_is_there_already_is_not_used_before_its_time() -> None:
    async def story() -> float:
        limiter = RateLimiter("StopContact", acquire=Ahead(2, 0, 0.5).acquire, clock=CLOCK)
        for _ in range(2):
            await limiter.acquire()
        return CLOCK.monotonic()

    assert run(story()) == pytest.approx(0.5)


def test_who_comes_in_the_moment_of_a_permit_takes_it_from_nobody_who_waits_for_it() -> None:
    async def story() -> list[str]:
        limiter = RateLimiter("StopContact", acquire=Ahead(3, 0.5, 0.5).acquire, clock=Late())
        passed: list[str] = []

        async def call(name: str, at: float) -> None:
            await CLOCK.sleep(at)
            await limiter.acquire()
            passed.append(name)

        await asyncio.gather(call("waits", 0), call("comes", 0.55))
        return passed

    assert run(story()) == ["waits", "comes"]


def test_who_passes_while_nobody_waits_has_had_a_turn_of_those_that_go_alternately() -> None:
    aged = Turn(Urgency.WAITING, urgent_at=0)

    async def story() -> list[Turn]:
        limiter = RateLimiter("StopContact", acquire=Ahead(4, 0, 0.5).acquire, clock=CLOCK)
        passed: list[Turn] = []

        async def call(turn: Turn) -> None:
            await limiter.acquire(turn)
            passed.append(turn)

        await call(LIVE)
        await CLOCK.sleep(0.5)
        await call(aged)
        await asyncio.gather(call(aged), call(LIVE))
        return passed[2:]

    assert run(story()) == [LIVE, aged]


def test_those_who_found_a_permit_there_count_in_how_many_are_asked_for() -> None:
    async def story() -> list[int]:
        ahead = Ahead(20, 0, 0)
        limiter = RateLimiter("StopContact", acquire=ahead.acquire, clock=CLOCK)
        for _ in range(20):
            await limiter.acquire()
        await CLOCK.sleep(0.5)
        await limiter.acquire()
        return [request.wanted for request in ahead.requests]

    first, then = run(story())

    # Permits are asked for a quarter of a second, and 20 passed in half of one.
    assert (first, then) == (1, 10)


def test_a_live_chat_passes_before_those_that_wait_already() -> None:
    async def story() -> float:
        limiter = Quota(5, 1).limiter()
        others = [asyncio.ensure_future(limiter.acquire(WAITING)) for _ in range(150)]
        await CLOCK.sleep(2.05)
        came_at = CLOCK.monotonic()
        await limiter.acquire(LIVE)
        waited = CLOCK.monotonic() - came_at
        for other in others:
            other.cancel()
        return waited

    assert run(story()) <= 1 / 5


def test_a_live_chat_of_one_worker_waits_behind_no_queue_of_another() -> None:
    async def story() -> list[float]:
        quota = Quota(6, 9)
        busy = [quota.limiter() for _ in range(3)]
        others = [asyncio.ensure_future(pass_all(limiter, 150)) for limiter in busy]
        mine, waits = quota.limiter(), []
        for _ in range(10):
            await CLOCK.sleep(1.3)
            came_at = CLOCK.monotonic()
            await mine.acquire(LIVE)
            waits.append(CLOCK.monotonic() - came_at)
        for other in others:
            other.cancel()
        return waits

    # What is permitted ahead, and one more.
    assert max(run(story())) <= 0.5 + 2 / 6


def test_live_chats_of_one_worker_do_not_keep_anothers_from_connecting_in_time() -> None:
    async def story() -> int:
        quota = Quota(6, 9)
        live = asyncio.ensure_future(pass_as(quota.limiter(), *[LIVE] * 1_000))
        soon = Turn(Urgency.WAITING, urgent_at=CLOCK.monotonic() + 15)
        passed = asyncio.ensure_future(pass_as(quota.limiter(), *[soon] * 30))
        await CLOCK.sleep(30)
        live.cancel()
        return len(passed.result()) if passed.done() else 0

    assert run(story()) == 30


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(0, 8), st.sampled_from(Urgency), st.floats(0, 12)),
        min_size=1,
        max_size=120,
    ),
    st.sampled_from([(5.0, 7), (40.0, 20)]),
)
def test_whoever_goes_first_no_window_holds_more_than_the_quota_and_everybody_passes(
    callers: list[tuple[int, float, Urgency, float]], quota: tuple[float, int]
) -> None:
    rate, burst = quota

    async def story() -> list[float]:
        shared = Quota(rate, burst)
        limiters = [shared.limiter() for _ in range(3)]

        async def call(worker: int, at: float, urgency: Urgency, urgent_at: float) -> float:
            await CLOCK.sleep(at)
            await limiters[worker].acquire(Turn(urgency, urgent_at))
            return CLOCK.monotonic()

        return sorted(await asyncio.gather(*(call(*caller) for caller in callers)))

    passed = run(story())

    for first, begin in enumerate(passed):
        for count, end in enumerate(passed[first:], start=1):
            # A permit may be used up to a second after it was due.
            assert count <= burst + rate * (end - begin + 1) + 1e-6


class CancellingClock(LoopClock):
    """Cancels a caller in the moment in which it is called, before it knows."""

    limiter: RateLimiter
    called: asyncio.Future[None] | None = None

    def monotonic(self) -> float:
        if self.called is not None and self.limiter.waiting == 1:
            self.called.cancel()
        return super().monotonic()


def test_a_turn_that_is_given_up_in_the_moment_it_comes_goes_to_the_next_in_the_queue() -> None:
    async def story() -> float:
        quota, clock = Quota(1, 1), CancellingClock()

        async def acquire(request: PermitRequest) -> Permits:
            await CLOCK.sleep(0.1)
            return await quota.acquire(request)

        clock.limiter = RateLimiter("StartChatContact", acquire=acquire, clock=clock)
        patient = asyncio.ensure_future(clock.limiter.acquire())
        await CLOCK.sleep(0.05)
        clock.called = asyncio.ensure_future(clock.limiter.acquire(LIVE))
        await patient
        assert clock.called.cancelled()
        return CLOCK.monotonic()

    # Were the permit lost, the next one would be due a second after it, at 1.1.
    assert run(story()) < 1


def test_what_was_granted_to_one_who_gave_up_while_asking_goes_to_the_next_in_the_queue() -> None:
    async def story() -> float:
        quota = Quota(1, 1)

        async def acquire(request: PermitRequest) -> Permits:
            permits = await quota.acquire(request)
            await CLOCK.sleep(0.2)
            return permits

        limiter = RateLimiter("GetTranscript", acquire=acquire, clock=CLOCK)
        impatient = asyncio.ensure_future(limiter.acquire())
        patient = asyncio.ensure_future(limiter.acquire(LIVE))
        await CLOCK.sleep(0.1)
        impatient.cancel()
        await patient
        return CLOCK.monotonic()

    assert run(story()) == pytest.approx(0.2)


@pytest.mark.parametrize("asking_seconds", [0.005, 0.1, 0.4])
def test_callers_that_give_up_all_the_time_burn_no_permits(asking_seconds: float) -> None:
    seconds, rate, burst = 60, 8.0, 11

    async def story() -> int:
        quota = Quota(rate, burst)

        async def acquire(request: PermitRequest) -> Permits:
            permits = await quota.acquire(request)
            await CLOCK.sleep(asking_seconds)
            return permits

        limiter, passed = RateLimiter("GetTranscript", acquire=acquire, clock=CLOCK), [0]

        async def look(number: int) -> None:
            await CLOCK.sleep(number / 40)
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await limiter.acquire(Turn(Urgency.QUIET))
                        passed[0] += 1
                await CLOCK.sleep(5)

        looks = [asyncio.ensure_future(look(number)) for number in range(200)]
        await CLOCK.sleep(seconds)
        for one in looks:
            one.cancel()
        return passed[0]

    assert 0.9 * rate * seconds <= run(story()) <= rate * seconds + burst


# --- a limit of the user's own ---


class OwnLimit:
    """Counts what is asked of it; allows it at once."""

    largest = 5

    def __init__(self) -> None:
        self.asked: list[int] = []

    def acquire(self, count: int) -> None:
        self.asked.append(count)


def within(
    own_limit: OwnLimit, quota: Quota, *requests: PermitRequest, per_second: float
) -> list[int]:
    async def story() -> list[int]:
        with ThreadPoolExecutor(1) as executor:
            acquire = WithinStartLimit(
                quota.acquire, own_limit, per_second=per_second, executor=executor
            )
            return [(await acquire(request)).count for request in requests]

    return asyncio.run(story())


def test_no_more_permits_are_asked_for_than_the_users_limit_allows() -> None:
    own_limit = OwnLimit()
    wanted = [PermitRequest(api="s", wanted=count) for count in (3, 4, 4)]

    granted = within(own_limit, Quota(50, 80), *wanted, per_second=50)

    assert all(count <= request.wanted for count, request in zip(granted, wanted, strict=True))
    assert own_limit.asked == [5, 5]
    assert granted == [3, 2, 4]


def test_what_the_users_limit_allowed_and_was_not_used_is_used_later() -> None:
    own_limit = OwnLimit()
    first = PermitRequest(api="s", wanted=5)
    later = PermitRequest(api="s", wanted=5, unused=5)

    within(own_limit, Quota(50, 80), first, later, per_second=50)

    assert own_limit.asked == [5]


def test_no_more_than_a_seconds_worth_is_asked_of_the_users_limit() -> None:
    own_limit = OwnLimit()

    within(own_limit, Quota(2.5, 8), PermitRequest(api="s", wanted=5), per_second=2.5)

    assert own_limit.asked == [3]
