"""Waiting at the gates, in time that jumps."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.aws.pacing.rate_limiter import Allowed, RateGate, Slot, SlotGate
from connect_tasks.aws.pacing.token_bucket import Ceiling, Demand, Lot, Pace, Purchase, divide
from tests.unit.virtual_time import CLOCK, run, settle

NOON = 1_764_000_000.0


class Market:
    """One pace that several gates buy from, as the ledger keeps it."""

    def __init__(self, rate: float, burst: int) -> None:
        self.pace = Pace.full(rate, burst, NOON)
        self.purchases: list[Purchase] = []

    async def buy(self, purchase: Purchase) -> Lot:
        # A gate holds a little of the burst back; these tests count calls.
        self.purchases.append(purchase)
        asked = replace(purchase, full_rate=self.pace.full_rate, burst=self.pace.burst)
        await asyncio.sleep(0)
        self.pace, lot = self.pace.trade(asked, NOON + CLOCK.monotonic())
        return lot

    def gate(self) -> RateGate:
        return RateGate(
            "StartChatContact", self.pace.full_rate, self.pace.burst, buy=self.buy, clock=CLOCK
        )


async def pass_all(gate: RateGate, callers: int) -> list[tuple[int, float]]:
    passed: list[tuple[int, float]] = []

    async def call(number: int) -> None:
        await gate.pass_through()
        passed.append((number, CLOCK.monotonic()))

    await asyncio.gather(*(call(number) for number in range(callers)))
    return passed


def test_callers_pass_first_come_first_served() -> None:
    async def story() -> list[tuple[int, float]]:
        return await pass_all(Market(5, 2).gate(), 6)

    assert [number for number, _ in run(story())] == [0, 1, 2, 3, 4, 5]


def test_callers_pass_at_the_rate_after_the_burst() -> None:
    async def story() -> list[tuple[int, float]]:
        return await pass_all(Market(4, 2).gate(), 5)

    assert [at for _, at in run(story())] == pytest.approx([0, 0, 0.25, 0.5, 0.75])


def test_two_gates_that_buy_from_one_pace_share_its_rate() -> None:
    async def story() -> list[float]:
        market = Market(100, 1)
        both = await asyncio.gather(pass_all(market.gate(), 100), pass_all(market.gate(), 100))
        return sorted(at for passed in both for _, at in passed)

    passed = run(story())

    assert passed[-1] == pytest.approx(2, abs=0.1)
    assert all(at >= number / 100 - 0.01 for number, at in enumerate(passed))


def test_a_high_rate_costs_few_purchases() -> None:
    async def story() -> tuple[int, float]:
        market = Market(500, 50)
        gate = market.gate()
        for _ in range(10):
            await pass_all(gate, 200)
        return len(market.purchases), CLOCK.monotonic()

    purchases, seconds = run(story())

    assert seconds == pytest.approx((2000 - 50) / 500, rel=0.05)
    assert purchases <= 8 * seconds


def test_what_is_bought_and_not_used_for_a_second_is_given_back() -> None:
    async def story() -> list[int]:
        market = Market(10, 8)
        gate = market.gate()
        impatient = [asyncio.ensure_future(gate.pass_through()) for _ in range(10)]
        await CLOCK.sleep(0.05)
        for task in impatient:
            task.cancel()
        await CLOCK.sleep(5)
        await gate.pass_through()
        return [purchase.unspent for purchase in market.purchases]

    first, *_, last = run(story())

    assert (first, last) == (0, 2)


def test_a_gate_that_closes_gives_back_what_it_bought() -> None:
    async def story() -> tuple[int, float]:
        market = Market(10, 8)
        gate = market.gate()
        waiting = [asyncio.ensure_future(gate.pass_through()) for _ in range(12)]
        await CLOCK.sleep(0.05)
        for task in waiting:
            task.cancel()
        await gate.hand_back()
        return market.purchases[-1].unspent, market.pace.credit

    unspent, tokens = run(story())

    assert unspent == 4
    assert tokens == pytest.approx(0.5)


def test_a_throttle_voids_what_was_bought_and_is_told_with_the_next_purchase() -> None:
    async def story() -> list[float]:
        market = Market(4, 2)
        gate = market.gate()
        gate.throttled(CLOCK.monotonic())
        passed = await pass_all(gate, 3)
        assert market.purchases[0].throttled
        assert not market.purchases[-1].throttled or len(market.purchases) == 1
        return [at for _, at in passed]

    assert run(story()) == pytest.approx([1 / 3, 2 / 3, 1], abs=0.01)


def test_a_call_that_was_under_way_when_all_slowed_down_slows_nobody_again() -> None:
    async def story() -> list[bool]:
        market = Market(100, 10)
        gate = market.gate()
        for _ in range(5):
            await gate.pass_through()
        before = CLOCK.monotonic()
        await CLOCK.sleep(0.1)
        gate.throttled(before)
        await pass_all(gate, 5)
        gate.throttled(before)
        await CLOCK.sleep(2)
        await pass_all(gate, 5)
        return [purchase.throttled for purchase in market.purchases]

    assert run(story()).count(True) == 1


def test_a_caller_that_gives_up_leaves_its_turn_to_the_others() -> None:
    async def story() -> float:
        gate = Market(1, 1).gate()
        await gate.pass_through()
        impatient = asyncio.ensure_future(gate.pass_through())
        patient = asyncio.ensure_future(gate.pass_through())
        await asyncio.sleep(0.5)
        impatient.cancel()
        await patient
        return CLOCK.monotonic()

    assert run(story()) == pytest.approx(1)


# --- permits of the user's own ---


class Permits:
    """Counts what is asked of it; grants at once."""

    largest = 5

    def __init__(self) -> None:
        self.bought: list[int] = []

    def buy(self, count: int) -> None:
        self.bought.append(count)


def test_no_more_calls_are_bought_than_were_permitted() -> None:
    permits = Permits()

    async def story() -> None:
        market = Market(50, 80)
        with ThreadPoolExecutor(1) as executor:
            allowed = Allowed(market.buy, permits, executor)
            for wanted in (3, 4, 4):
                lot = await allowed(
                    Purchase(api="s", full_rate=50, burst=80, wanted=wanted, unspent=0)
                )
                assert lot.count <= wanted
                sold.append(lot.count)

    sold: list[int] = []
    asyncio.run(story())

    assert permits.bought == [5, 5]
    assert sold == [3, 2, 4]


def test_a_permit_that_was_not_used_is_used_later() -> None:
    permits = Permits()

    async def story() -> None:
        market = Market(50, 80)
        with ThreadPoolExecutor(1) as executor:
            allowed = Allowed(market.buy, permits, executor)
            await allowed(Purchase(api="s", full_rate=50, burst=80, wanted=5))
            await allowed(Purchase(api="s", full_rate=50, burst=80, wanted=5, unspent=5))

    asyncio.run(story())

    assert permits.bought == [5]


# --- open chats ---


class Instance:
    """The slots of one instance, divided as the ledger does it."""

    def __init__(self, quota: int) -> None:
        self.ceiling = Ceiling(quota=quota, ceiling=quota)
        self.held: dict[str, Demand] = {}
        self.asked = 0

    def gate(self, worker: str = "w-1", *, most_ahead: int = 10) -> SlotGate:
        async def share(demand: Demand, *, refused: bool) -> int:
            self.asked += 1
            others = [held for name, held in self.held.items() if name != worker]
            self.ceiling = self.ceiling.probed(CLOCK.monotonic())
            if refused:
                open_chats = demand.open + sum(other.open for other in others)
                self.ceiling = self.ceiling.refused(open_chats, CLOCK.monotonic())
            granted = divide(self.ceiling.ceiling, demand, others)
            self.held[worker] = replace(demand, granted=max(granted, demand.open))
            return granted

        return SlotGate(share, most_ahead=most_ahead)


def keeping(*gates: SlotGate) -> "Callable[[], None]":
    """Run the gates' keepers; what is returned stops them."""
    keepers = [asyncio.ensure_future(gate.keep()) for gate in gates]

    def stop() -> None:
        for keeper in keepers:
            keeper.cancel()

    return stop


def test_the_gate_opens_when_a_chat_closes() -> None:
    async def story() -> tuple[bool, bool]:
        gate = Instance(1).gate()
        stop = keeping(gate)
        await gate.pass_through()
        waiting = asyncio.ensure_future(gate.pass_through())
        await CLOCK.sleep(0.5)
        before = waiting.done()
        gate.give_back()
        await settle()
        stop()
        return before, waiting.done()

    assert run(story()) == (False, True)


def test_several_closes_at_once_let_several_through() -> None:
    async def story() -> int:
        gate = Instance(3).gate()
        stop = keeping(gate)
        for _ in range(3):
            await gate.pass_through()
        waiting = [asyncio.ensure_future(gate.pass_through()) for _ in range(3)]
        await settle()
        for _ in range(3):
            gate.give_back()
        await asyncio.gather(*waiting)
        stop()
        return gate.open

    assert run(story()) == 3


def test_a_close_opens_the_gate_without_a_question_to_the_ledger() -> None:
    async def story() -> tuple[int, int]:
        instance = Instance(10)
        gate = instance.gate()
        stop = keeping(gate)
        for _ in range(10):
            await gate.pass_through()
        asked = instance.asked
        for _ in range(1000):
            gate.give_back()
            await gate.pass_through()
        stop()
        return asked, instance.asked

    before, after = run(story())

    assert after == before


def test_the_gate_tries_again_when_a_probe_is_due() -> None:
    async def story() -> float:
        gate = Instance(5).gate()
        stop = keeping(gate)
        await gate.pass_through()
        gate.refuse()
        await gate.pass_through()
        stop()
        return CLOCK.monotonic()

    assert 2 <= run(story()) <= 4.5


# All chats of the instance belong to others: nobody of ours will ever close one.
def test_a_refusal_wakes_those_who_wait_for_a_close() -> None:
    async def story() -> float:
        gate = Instance(1).gate()
        stop = keeping(gate)
        await gate.pass_through()
        waiting = asyncio.ensure_future(gate.pass_through())
        await settle()
        gate.refuse()
        await waiting
        stop()
        return CLOCK.monotonic()

    assert 2 <= run(story()) <= 4.5


def test_nothing_more_passes_after_a_refusal_until_something_closes() -> None:
    async def story() -> tuple[int, int]:
        gate = Instance(50).gate()
        stop = keeping(gate)
        for _ in range(10):
            await gate.pass_through()
        gate.refuse()
        waiting = [asyncio.ensure_future(gate.pass_through()) for _ in range(5)]
        await CLOCK.sleep(0.5)
        after_refusal = sum(task.done() for task in waiting)
        gate.give_back()
        await settle()
        after_close = sum(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        stop()
        return after_refusal, after_close

    assert run(story()) == (0, 1)


def test_a_waiter_that_gives_up_takes_no_slot() -> None:
    async def story() -> int:
        gate = Instance(1).gate()
        stop = keeping(gate)
        await gate.pass_through()
        waiting = asyncio.ensure_future(gate.pass_through())
        await settle()
        waiting.cancel()
        gate.give_back()
        await settle()
        stop()
        return gate.open

    assert run(story()) == 0


def test_a_slot_is_given_back_once_whatever_happened_to_its_chat() -> None:
    async def story() -> int:
        gate = Instance(2).gate()
        stop = keeping(gate)
        async with Slot(gate) as slot:
            await slot.refuse()
        stop()
        return gate.open

    assert run(story()) == 0


def test_two_workers_end_up_with_half_of_the_slots_each() -> None:
    async def chats(gate: SlotGate, count: int, most: list[int]) -> None:
        async def chat() -> None:
            await gate.pass_through()
            most.append(gate.open)
            await CLOCK.sleep(3)
            gate.give_back()

        await asyncio.gather(*(chat() for _ in range(count)))

    async def story() -> tuple[list[int], list[int]]:
        instance = Instance(20)
        one, two = instance.gate("w-1"), instance.gate("w-2")
        stop = keeping(one, two)
        most_one, most_two = list[int](), list[int]()
        first = asyncio.ensure_future(chats(one, 200, most_one))
        await CLOCK.sleep(10)
        second = asyncio.ensure_future(chats(two, 100, most_two))
        await asyncio.gather(first, second)
        stop()
        return most_one, most_two

    most_one, most_two = run(story())

    assert max(most_one) == 20
    assert max(most_two[:40]) == 10


@settings(deadline=None)
@given(quota=st.integers(1, 4), chats=st.integers(1, 15), refused=st.sets(st.integers(0, 14)))
def test_everybody_gets_through_and_never_too_many_at_once(
    quota: int, chats: int, refused: set[int]
) -> None:
    most, done = 0, 0

    async def chat(gate: SlotGate, number: int) -> None:
        nonlocal most, done
        await gate.pass_through()
        if number in refused:
            await CLOCK.sleep(0.1)
            gate.refuse()
            await gate.pass_through()
        most = max(most, gate.open)
        await CLOCK.sleep(1)
        gate.give_back()
        done += 1

    async def story() -> int:
        gate = Instance(quota).gate()
        stop = keeping(gate)
        await asyncio.gather(*(chat(gate, number) for number in range(chats)))
        stop()
        return gate.open

    left = run(story())

    assert done == chats
    assert most <= quota
    assert left == 0
