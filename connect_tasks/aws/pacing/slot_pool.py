"""The slot pool before open chats: admission waits here until a slot is free.

An open chat holds its slot at Amazon whether anybody counts it or not, so the order in here is:

- A slot is taken before the chat is started, and released only when nothing can be open any more.
- What others were granted is never used: `granted` is only what the ledger said last, and a
  refusal by Amazon lowers it at once, before anybody else passes.
- A chat that exists already waits for no slot: it has one at Amazon, and waiting would let it end.
- `keep` runs as long as a chat is open. What is not asked for again is lost in the end, and then
  other workers may start chats in the slots that ours still hold.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, Self

from connect_tasks.aws.pacing.concurrency import SlotDemand

__all__ = ["ShareSlots", "Slot", "SlotPool", "at_most"]


class ShareSlots(Protocol):
    """Gives a worker its share of the instance's open chats."""

    async def __call__(self, demand: SlotDemand, *, refused: bool) -> int:
        """Tell what we have and want, and whether the instance refused; how many we may have."""
        ...


def at_most(most: int, share: ShareSlots) -> ShareSlots:
    """A share of one worker's that is no larger than it can use.

    Args:
        most: How many it can use.
        share: What it would be given otherwise.
    """

    async def share_at_most(demand: SlotDemand, *, refused: bool) -> int:
        modest = replace(demand, wanted=max(demand.open, min(demand.wanted, most)))
        return min(most, await share(modest, refused=refused))

    return share_at_most


class SlotPool:
    """The slots of one worker, and the queue of those who wait for one.

    `keep` must run meanwhile: it asks for slots, and gives back those that others need more.

    Args:
        share: Tells what we have and want, and whether the instance refused a chat; answers how
            many chats we may have open.
        most_ahead: How many slots to ask for beyond those in use.
        keep_seconds: How often to ask at least; what is not asked for again is lost in the end.
        rests: Whether to ask for nothing while there are no chats. Then nobody can tell from the
            share whether the worker lives.
    """

    HURRY_SECONDS = 0.05

    def __init__(
        self,
        share: ShareSlots,
        *,
        most_ahead: int,
        keep_seconds: float = 1.0,
        rests: bool = False,
    ) -> None:
        self._share = share
        self._rests = rests
        self._most_ahead = most_ahead
        self._keep_seconds = keep_seconds
        self._queue = asyncio.Lock()
        self._changed = asyncio.Event()
        self._short = asyncio.Event()
        self.waiting = 0
        self._refused = False
        self._lacks = False
        self._told = 0
        self._passed_on = 0
        self.open = 0
        self.granted = 0

    @property
    def is_full(self) -> bool:
        """Whether waiting is of no use: as many wait already as slots are asked for in vain."""
        return self._lacks and self.waiting >= self._most_ahead

    async def acquire(self) -> None:
        """Wait for a slot and take it.

        Concurrent callers get theirs in the order of their calls. Cancelled while it waits, nothing
        is taken; once it has returned, `release` or `refuse` must follow.
        """
        self.waiting += 1
        try:
            async with self._queue:
                while self.open >= self.granted:
                    self._short.set()
                    self._changed.clear()
                    await self._changed.wait()
                self.open += 1
        finally:
            self.waiting -= 1

    def occupy(self) -> None:
        """Count a chat that exists already; `release` or `refuse` must follow."""
        self.open += 1

    def release(self) -> None:
        """A chat closed, or was not started after all."""
        self.open -= 1
        self._changed.set()

    def pass_on(self) -> None:
        """Somebody else counts this chat from now on, and its slot is no more ours to give."""
        self.open -= 1
        self.granted -= 1
        self._passed_on += 1

    def refuse(self) -> None:
        """The instance had no slot for one that we took."""
        self.open -= 1
        # Before the next in the queue looks: Amazon has just said that there is none.
        self.granted = min(self.granted, self.open)
        self._refused = self._lacks = True

    async def keep(self) -> None:
        """Ask for slots as long as there are chats; never returns.

        Once for a pool, never concurrently. Cancelled, the share runs out with its lease;
        `SharedQuota.leave` gives it back at once.
        """
        while True:
            wanted = self.open + (self._most_ahead if self.waiting else 0)
            if self._rests and not wanted and not self._told:
                # Nobody waits at this moment, whatever was set before.
                self._short.clear()
                await self._short.wait()
                continue
            await self.ask(wanted)
            self._told = wanted
            # Nothing more to have: asking at once again would only burn the ledger's time. What was
            # passed on meanwhile is no sign of that.
            hurry = not self._lacks
            await asyncio.sleep(self.HURRY_SECONDS if hurry else self._keep_seconds)
            if hurry:
                await self._until_short()

    async def ask(self, wanted: int) -> None:
        """Tell what we have, and ask for what we want, once.

        Never concurrently, so only from `keep` while chats are open: of two answers that overtake
        each other the older one would stay in force. Cancelled, the last answer stays in force.
        """
        # Both are read before the call: a refusal, or somebody short of a slot, that comes while
        # the ledger answers is told with the next one and not lost.
        refused, self._refused = self._refused, False
        self._short.clear()
        self._passed_on = 0
        granted = await self._share(SlotDemand(open=self.open, wanted=wanted), refused=refused)
        self._lacks = granted < wanted
        # What was passed on meanwhile may be in it still.
        self.granted = granted - self._passed_on
        self._changed.set()

    async def _until_short(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._short.wait(), self._keep_seconds)


class Slot:
    """A slot of one's own: taken on entering, released on leaving.

    Args:
        pool: Where it is taken.
        is_occupied: Whether its chat exists already: then nothing is waited for.
    """

    def __init__(self, pool: SlotPool, *, is_occupied: bool = False) -> None:
        self._pool = pool
        self._is_occupied = is_occupied
        self._is_held = False

    async def __aenter__(self) -> Self:
        if self._is_occupied:
            self._pool.occupy()
            self._is_held = True
        else:
            await self._take()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give it back before leaving; a second call does nothing."""
        if self._is_held:
            self._is_held = False
            self._pool.release()

    def pass_on(self) -> None:
        """The chat is another's, who counts it; a second call does nothing."""
        if self._is_held:
            self._is_held = False
            self._pool.pass_on()

    async def refuse(self) -> None:
        """The instance had no slot after all: wait for another one.

        Cancelled while it waits, no slot is held. Never concurrently: a slot is one chat's.
        """
        self._is_held = False
        self._pool.refuse()
        await self._take()

    async def _take(self) -> None:
        await self._pool.acquire()
        self._is_held = True
