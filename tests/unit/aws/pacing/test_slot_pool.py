"""Waiting for a slot, in time that jumps."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws.pacing.concurrency import ConcurrencyLimit, SlotDemand, fair_share
from connect_tasks.aws.pacing.slot_pool import Slot, SlotPool
from tests.unit.virtual_time import CLOCK, run, settle


class Instance:
    """The slots of one instance, divided as the ledger does it."""

    def __init__(self, quota: int) -> None:
        self.ceiling = ConcurrencyLimit(quota=quota, ceiling=quota)
        self.held: dict[str, SlotDemand] = {}
        self.asked = 0

    def pool(self, worker: str = "w-1", *, most_ahead: int = 10, rests: bool = False) -> SlotPool:
        async def share(demand: SlotDemand, *, refused: bool) -> int:
            self.asked += 1
            others = [held for name, held in self.held.items() if name != worker]
            self.ceiling = self.ceiling.probed(CLOCK.monotonic())
            if refused:
                open_chats = demand.open + sum(other.open for other in others)
                self.ceiling = self.ceiling.refused(open_chats, CLOCK.monotonic())
            granted = fair_share(self.ceiling.ceiling, demand, others)
            self.held[worker] = replace(demand, granted=max(granted, demand.open))
            return granted

        return SlotPool(share, most_ahead=most_ahead, rests=rests)


def keeping(*pools: SlotPool) -> "Callable[[], None]":
    """Run the pools' keepers; what is returned stops them."""
    keepers = [asyncio.ensure_future(pool.keep()) for pool in pools]

    def stop() -> None:
        for keeper in keepers:
            keeper.cancel()

    return stop


def test_the_pool_opens_when_a_chat_closes() -> None:
    async def story() -> tuple[bool, bool]:
        pool = Instance(1).pool()
        stop = keeping(pool)
        await pool.acquire()
        waiting = asyncio.ensure_future(pool.acquire())
        await CLOCK.sleep(0.5)
        before = waiting.done()
        pool.release()
        await settle()
        stop()
        return before, waiting.done()

    assert run(story()) == (False, True)


def test_several_closes_at_once_let_several_through() -> None:
    async def story() -> int:
        pool = Instance(3).pool()
        stop = keeping(pool)
        for _ in range(3):
            await pool.acquire()
        waiting = [asyncio.ensure_future(pool.acquire()) for _ in range(3)]
        await settle()
        for _ in range(3):
            pool.release()
        await asyncio.gather(*waiting)
        stop()
        return pool.open

    assert run(story()) == 3


def test_a_close_opens_the_pool_without_a_question_to_the_ledger() -> None:
    async def story() -> tuple[int, int]:
        instance = Instance(10)
        pool = instance.pool()
        stop = keeping(pool)
        for _ in range(10):
            await pool.acquire()
        asked = instance.asked
        for _ in range(1000):
            pool.release()
            await pool.acquire()
        stop()
        return asked, instance.asked

    before, after = run(story())

    assert after == before


def test_the_pool_tries_again_when_a_probe_is_due() -> None:
    async def story() -> float:
        pool = Instance(5).pool()
        stop = keeping(pool)
        await pool.acquire()
        pool.refuse()
        await pool.acquire()
        stop()
        return CLOCK.monotonic()

    assert 2 <= run(story()) <= 4.5


# All chats of the instance belong to others: nobody of ours will ever close one.
def test_a_refusal_wakes_those_who_wait_for_a_close() -> None:
    async def story() -> float:
        pool = Instance(1).pool()
        stop = keeping(pool)
        await pool.acquire()
        waiting = asyncio.ensure_future(pool.acquire())
        await settle()
        pool.refuse()
        await waiting
        stop()
        return CLOCK.monotonic()

    assert 2 <= run(story()) <= 4.5


def test_nothing_more_passes_after_a_refusal_until_something_closes() -> None:
    async def story() -> tuple[int, int]:
        pool = Instance(50).pool()
        stop = keeping(pool)
        for _ in range(10):
            await pool.acquire()
        pool.refuse()
        waiting = [asyncio.ensure_future(pool.acquire()) for _ in range(5)]
        await CLOCK.sleep(0.5)
        after_refusal = sum(task.done() for task in waiting)
        pool.release()
        await settle()
        after_close = sum(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        stop()
        return after_refusal, after_close

    assert run(story()) == (0, 1)


def test_a_waiter_that_gives_up_takes_no_slot() -> None:
    async def story() -> int:
        pool = Instance(1).pool()
        stop = keeping(pool)
        await pool.acquire()
        waiting = asyncio.ensure_future(pool.acquire())
        await settle()
        waiting.cancel()
        pool.release()
        await settle()
        stop()
        return pool.open

    assert run(story()) == 0


def test_a_slot_is_given_back_once_whatever_happened_to_its_chat() -> None:
    async def story() -> int:
        pool = Instance(2).pool()
        stop = keeping(pool)
        async with Slot(pool) as slot:
            await slot.refuse()
        stop()
        return pool.open

    assert run(story()) == 0


def test_two_workers_end_up_with_half_of_the_slots_each() -> None:
    async def chats(pool: SlotPool, count: int, most: list[int]) -> None:
        async def chat() -> None:
            await pool.acquire()
            most.append(pool.open)
            await CLOCK.sleep(3)
            pool.release()

        await asyncio.gather(*(chat() for _ in range(count)))

    async def story() -> tuple[list[int], list[int]]:
        instance = Instance(20)
        one, two = instance.pool("w-1"), instance.pool("w-2")
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


@given(quota=st.integers(1, 4), chats=st.integers(1, 15), refused=st.sets(st.integers(0, 14)))
def test_everybody_gets_through_and_never_too_many_at_once(
    quota: int, chats: int, refused: set[int]
) -> None:
    most, done = 0, 0

    async def chat(pool: SlotPool, number: int) -> None:
        nonlocal most, done
        await pool.acquire()
        if number in refused:
            await CLOCK.sleep(0.1)
            pool.refuse()
            await pool.acquire()
        most = max(most, pool.open)
        await CLOCK.sleep(1)
        pool.release()
        done += 1

    async def story() -> int:
        pool = Instance(quota).pool()
        stop = keeping(pool)
        await asyncio.gather(*(chat(pool, number) for number in range(chats)))
        stop()
        return pool.open

    left = run(story())

    assert done == chats
    assert most <= quota
    assert left == 0


def test_what_another_counts_from_now_on_is_not_ours_to_give_again() -> None:
    async def story() -> tuple[int, int, bool]:
        pool = Instance(2).pool()
        stop = keeping(pool)
        async with Slot(pool) as first, Slot(pool):
            first.pass_on()
            first.pass_on()
            stop()
            waiting = asyncio.ensure_future(pool.acquire())
            await settle()
            found = pool.open, pool.granted, waiting.done()
            waiting.cancel()
            return found

    assert run(story()) == (1, 1, False)


def test_what_was_passed_on_while_the_ledger_answered_is_not_granted_again() -> None:
    async def story() -> int:
        pool: SlotPool

        async def share(demand: SlotDemand, *, refused: bool) -> int:  # noqa: ARG001 - as it is called
            if demand.open:
                pool.pass_on()
            return 3

        pool = SlotPool(share, most_ahead=1)
        await pool.ask(3)
        await pool.acquire()
        await pool.ask(3)
        return pool.granted

    assert run(story()) == 2


def test_nobody_waits_long_for_what_is_there_because_a_chat_was_passed_on_meanwhile() -> None:
    async def story() -> float:
        held: list[Slot] = []

        async def share(demand: SlotDemand, *, refused: bool) -> int:  # noqa: ARG001 - as it is called
            await CLOCK.sleep(0.01)
            while held:
                held.pop().pass_on()
            return demand.wanted

        pool = SlotPool(share, most_ahead=1, keep_seconds=60)
        stop = keeping(pool)
        for _ in range(10):
            slot = Slot(pool)
            await slot.__aenter__()
            held.append(slot)
        stop()
        return CLOCK.monotonic()

    hurried = 10 * (SlotPool.HURRY_SECONDS + 0.01)
    assert run(story()) <= 2 * hurried


def test_a_pool_that_rests_asks_nothing_without_chats_and_tells_that_it_has_none() -> None:
    async def story() -> tuple[int, int, int, int]:
        instance = Instance(5)
        pool = instance.pool(rests=True)
        stop = keeping(pool)
        await CLOCK.sleep(10)
        before = instance.asked
        async with Slot(pool):
            pass
        await CLOCK.sleep(10)
        held, asked = instance.held["w-1"].open, instance.asked
        await CLOCK.sleep(100)
        after = instance.asked
        async with Slot(pool):
            stop()
        return before, held, asked, after - asked

    before, held, asked, more = run(story())
    assert before == 0
    assert held == 0
    assert 1 < asked < 30
    assert more == 0


def test_a_pool_is_full_once_as_many_wait_as_slots_are_asked_for_in_vain() -> None:
    async def story() -> list[bool]:
        pool, seen = Instance(2).pool(most_ahead=3), []
        waiting = [asyncio.ensure_future(pool.acquire()) for _ in range(4)]
        await settle()
        # Nobody has asked yet: there may be slots for all of them.
        seen.append(pool.is_full)
        stop = keeping(pool)
        await CLOCK.sleep(0.5)
        seen.append(pool.is_full)
        waiting.append(asyncio.ensure_future(pool.acquire()))
        await settle()
        seen.append(pool.is_full)
        pool.release()
        await settle()
        seen.append(pool.is_full)
        stop()
        for each in waiting:
            each.cancel()
        return seen

    # Two of four got a slot; then three waited, and then two again.
    assert run(story()) == [False, False, True, False]


def test_a_pool_that_was_granted_what_it_asked_for_is_not_full() -> None:
    async def story() -> bool:
        pool = Instance(100).pool(most_ahead=2)
        stop = keeping(pool)
        waiting = [asyncio.ensure_future(pool.acquire()) for _ in range(30)]
        await CLOCK.sleep(0.01)
        full = pool.is_full
        await asyncio.gather(*waiting)
        stop()
        return full

    assert run(story()) is False
