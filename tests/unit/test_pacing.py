import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connect_tasks.pacing import ChatSlots, Quotas, RateGate, SlotGate, TokenBucket

Result = TypeVar("Result")


class _Jumping(selectors.DefaultSelector):
    """Jumps to the next timer instead of waiting for it, and notices when there is none."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits and nobody will ever be woken")
        if not ready:
            self.now += timeout or 0
        return ready


class _VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class LoopClock:
    """The time of the running loop: nothing here takes any real time."""

    def now(self) -> datetime:
        """Some date, and the loop's seconds."""
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """The loop's seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Jump, as far as everybody else sleeps too."""
        await asyncio.sleep(seconds)


CLOCK = LoopClock()


def run(story: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=_VirtualTimeLoop) as runner:
        return runner.run(story)


# --- quotas ---


# Amazon Connect administrator guide, service quotas (facts/connect.md 1a and 1b).
def test_the_defaults_are_those_that_amazon_documents() -> None:
    assert Quotas().model_dump(exclude={"token_validity"}) == {
        "starts_per_second": 5,
        "start_burst": 8,
        "open_chats": 500,
        "stops_per_second": 10,
        "stop_burst": 15,
        "describes_per_second": 10,
        "describe_burst": 15,
        "connections_per_second": 6,
        "connection_burst": 9,
        "messages_per_second": 10,
        "message_burst": 15,
        "transcripts_per_second": 8,
        "transcript_burst": 12,
        "disconnects_per_second": 3,
        "disconnect_burst": 5,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts_per_second": 0},
        {"start_burst": 0},
        {"open_chats": 0},
        {"token_validity": timedelta(0)},
        {"calls": 3},
    ],
    ids=["no rate", "no burst", "no chats", "no validity", "unknown quota"],
)
def test_senseless_quotas_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Quotas(**wrong)


# --- the token bucket ---


def take_all(bucket: TokenBucket, now: float) -> int:
    taken = 0
    while bucket.take(now) == 0:
        taken += 1
    return taken


def test_a_full_bucket_grants_its_burst_and_no_more() -> None:
    assert take_all(TokenBucket(rate=5, burst=8), now=100) == 8


def test_a_refusal_says_how_long_to_wait() -> None:
    bucket = TokenBucket(rate=5, burst=1)
    bucket.take(100)

    assert bucket.take(100) == pytest.approx(0.2)
    assert bucket.take(100.15) == pytest.approx(0.05)
    assert bucket.take(100.2) == pytest.approx(0, abs=1e-9)


def test_tokens_come_back_at_the_rate_until_the_bucket_is_full() -> None:
    bucket = TokenBucket(rate=2, burst=8)
    take_all(bucket, now=0)

    assert take_all(bucket, now=2) == 4
    assert take_all(bucket, now=1_000) == 8


def test_time_that_runs_backwards_gives_no_tokens() -> None:
    bucket = TokenBucket(rate=1, burst=2)
    take_all(bucket, now=50)

    assert take_all(bucket, now=40) == 0
    assert take_all(bucket, now=50.5) == 0
    assert take_all(bucket, now=51) == 1


@settings(deadline=None)
@given(
    rate=st.floats(0.1, 50),
    burst=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=40),
)
def test_no_window_holds_more_than_the_burst_and_what_came_back(
    rate: float, burst: int, pauses: list[float]
) -> None:
    bucket, now, granted = TokenBucket(rate, burst), 0.0, list[float]()
    for pause in pauses:
        now += pause
        granted += [now] * take_all(bucket, now)

    for first, since in enumerate(granted):
        for last, until in enumerate(granted[first:], start=first):
            assert last - first + 1 <= burst + rate * (until - since) + 1e-6


@settings(deadline=None)
@given(st.lists(st.sampled_from(["refused", "granted"]), max_size=80))
def test_the_rate_stays_between_its_floor_and_the_quota(answers: list[str]) -> None:
    bucket = TokenBucket(rate=10, burst=8)
    for answer in answers:
        bucket.slow_down(0) if answer == "refused" else bucket.speed_up()

        assert 0.5 <= bucket.rate <= 10


def test_a_throttle_halves_the_rate_and_empties_the_bucket() -> None:
    bucket = TokenBucket(rate=10, burst=8)

    bucket.slow_down(0)

    assert bucket.rate == 5
    assert bucket.take(0) == pytest.approx(0.2)


def test_throttles_leave_a_twentieth_of_the_rate() -> None:
    bucket = TokenBucket(rate=10, burst=8)

    for _ in range(20):
        bucket.slow_down(0)

    assert bucket.rate == pytest.approx(0.5)


def test_each_success_wins_back_a_twentieth_until_the_rate_is_whole() -> None:
    bucket = TokenBucket(rate=10, burst=8)
    bucket.slow_down(0)

    rates = []
    for _ in range(12):
        bucket.speed_up()
        rates.append(bucket.rate)

    assert rates[:2] == pytest.approx([5.5, 6.0])
    assert rates[9:] == pytest.approx([10, 10, 10])


# --- the gate before a bucket ---


async def pass_all(gate: RateGate, callers: int) -> list[tuple[int, float]]:
    passed: list[tuple[int, float]] = []

    async def call(number: int) -> None:
        await gate.pass_through()
        passed.append((number, CLOCK.monotonic()))

    await asyncio.gather(*(call(number) for number in range(callers)))
    return passed


def test_callers_pass_first_come_first_served() -> None:
    passed = run(pass_all(RateGate(TokenBucket(5, 2), CLOCK), 6))

    assert [number for number, _ in passed] == [0, 1, 2, 3, 4, 5]


def test_callers_pass_at_the_rate_after_the_burst() -> None:
    passed = run(pass_all(RateGate(TokenBucket(4, 2), CLOCK), 5))

    assert [at for _, at in passed] == pytest.approx([0, 0, 0.25, 0.5, 0.75])


def test_a_throttle_slows_everybody_behind_the_gate() -> None:
    gate = RateGate(TokenBucket(4, 2), CLOCK)

    async def story() -> list[tuple[int, float]]:
        gate.throttled()
        return await pass_all(gate, 3)

    assert [at for _, at in run(story())] == pytest.approx([0.5, 1.0, 1.5])


def test_a_caller_that_gives_up_leaves_the_queue_to_the_others() -> None:
    gate = RateGate(TokenBucket(1, 1), CLOCK)

    async def story() -> float:
        await gate.pass_through()
        impatient = asyncio.ensure_future(gate.pass_through())
        patient = asyncio.ensure_future(gate.pass_through())
        await asyncio.sleep(0.5)
        impatient.cancel()
        await patient
        return CLOCK.monotonic()

    assert run(story()) == pytest.approx(1)


# --- open chats ---


def test_no_more_chats_are_open_than_the_quota() -> None:
    slots = ChatSlots(3)

    assert [slots.take(0) for _ in range(5)] == [True, True, True, False, False]


def test_a_closed_chat_makes_room() -> None:
    slots = ChatSlots(1)
    slots.take(0)
    slots.give_back()

    assert slots.take(0)


def test_a_refusal_teaches_how_many_the_instance_grants() -> None:
    slots = ChatSlots(10)
    for _ in range(4):
        slots.take(0)

    slots.refuse(now=0)

    assert (slots.open, slots.ceiling) == (3, 3)
    assert not slots.take(1)


def test_a_probe_raises_the_ceiling_by_one() -> None:
    slots = ChatSlots(10)
    for _ in range(4):
        slots.take(0)
    slots.refuse(now=0)

    assert [slots.take(2), slots.take(2)] == [True, False]
    assert slots.ceiling == 4


def test_each_refusal_doubles_the_time_to_the_next_probe_up_to_a_minute() -> None:
    slots, now, waits = ChatSlots(10), 0.0, list[float | None]()
    for _ in range(7):
        assert slots.take(now)
        slots.refuse(now)
        waits.append(slots.seconds_to_probe(now))
        now += waits[-1] or 0

    assert waits == [2, 4, 8, 16, 32, 60, 60]


def test_a_granted_chat_makes_probes_frequent_again() -> None:
    slots = ChatSlots(10)
    for now in (0, 2, 6):
        slots.take(now)
        slots.refuse(now)

    slots.grant()
    slots.take(14)
    slots.refuse(14)

    assert slots.seconds_to_probe(14) == 2


def test_probes_end_when_the_quota_is_reached_again() -> None:
    slots = ChatSlots(1)
    slots.take(0)
    slots.refuse(0)
    slots.take(2)

    assert slots.ceiling == 1
    assert slots.seconds_to_probe(2) is None


def test_refused_and_closed_chats_are_each_given_back_once() -> None:
    slots = ChatSlots(5)
    for _ in range(3):
        slots.take(0)

    slots.refuse(0)
    slots.give_back()
    slots.give_back()

    assert slots.open == 0


@settings(deadline=None)
@given(st.lists(st.sampled_from(["take", "refuse", "close", "grant", "wait"]), max_size=80))
def test_never_more_chats_than_the_ceiling_nor_a_ceiling_above_the_quota(what: list[str]) -> None:
    slots, now, held = ChatSlots(4), 0.0, 0
    for action in what:
        if action == "take":
            held += slots.take(now)
        elif action == "refuse" and held:
            slots.refuse(now)
            held -= 1
        elif action == "close" and held:
            slots.give_back()
            held -= 1
        elif action == "grant":
            slots.grant()
        elif action == "wait":
            now += 3

        assert slots.open == held <= slots.ceiling <= 4


# --- the gate before the slots ---


async def settle() -> None:
    """Let every task go as far as it can at this time."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_the_gate_opens_when_a_chat_closes() -> None:
    gate = SlotGate(ChatSlots(1), CLOCK)

    async def story() -> tuple[bool, bool]:
        await gate.pass_through()
        waiting = asyncio.ensure_future(gate.pass_through())
        await settle()
        before = waiting.done()
        gate.give_back()
        await settle()
        return before, waiting.done()

    assert run(story()) == (False, True)


def test_several_closes_at_once_let_several_through() -> None:
    gate = SlotGate(ChatSlots(3), CLOCK)

    async def story() -> int:
        for _ in range(3):
            await gate.pass_through()
        waiting = [asyncio.ensure_future(gate.pass_through()) for _ in range(3)]
        await settle()
        for _ in range(3):
            gate.give_back()
        await asyncio.gather(*waiting)
        return gate.slots.open

    assert run(story()) == 3


def test_the_gate_tries_again_when_a_probe_is_due() -> None:
    gate = SlotGate(ChatSlots(5), CLOCK)

    async def story() -> float:
        await gate.pass_through()
        gate.refuse()
        await gate.pass_through()
        return CLOCK.monotonic()

    assert run(story()) == pytest.approx(2)


# All chats of the instance belong to others: nobody of ours will ever close one.
def test_a_refusal_wakes_those_who_wait_for_a_close() -> None:
    gate = SlotGate(ChatSlots(1), CLOCK)

    async def story() -> float:
        await gate.pass_through()
        waiting = asyncio.ensure_future(gate.pass_through())
        await settle()
        gate.refuse()
        await waiting
        return CLOCK.monotonic()

    assert run(story()) == pytest.approx(2)


def test_a_waiter_that_gives_up_takes_no_slot() -> None:
    gate = SlotGate(ChatSlots(1), CLOCK)

    async def story() -> int:
        await gate.pass_through()
        waiting = asyncio.ensure_future(gate.pass_through())
        await settle()
        waiting.cancel()
        gate.give_back()
        await settle()
        return gate.slots.open

    assert run(story()) == 0


@settings(deadline=None)
@given(quota=st.integers(1, 4), chats=st.integers(1, 15), refused=st.sets(st.integers(0, 14)))
def test_everybody_gets_through_and_never_too_many_at_once(
    quota: int, chats: int, refused: set[int]
) -> None:
    gate = SlotGate(ChatSlots(quota), CLOCK)
    most, done = 0, 0

    async def chat(number: int) -> None:
        nonlocal most, done
        await gate.pass_through()
        if number in refused:
            await CLOCK.sleep(0.1)
            gate.refuse()
            await gate.pass_through()
        most = max(most, gate.slots.open)
        await CLOCK.sleep(1)
        gate.give_back()
        done += 1

    async def story() -> None:
        await asyncio.gather(*(chat(number) for number in range(chats)))

    run(story())

    assert done == chats
    assert most <= quota
    assert gate.slots.open == 0
