"""Waiting for one's turn: the gates before Amazon's calls and before a new chat.

What they may let through is decided by `pacing`, for all workers together; a gate asks for it in
lots and waits.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, Self

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.token_bucket import LOT_SECONDS, Demand, Lot, Purchase, usable_burst

__all__ = ["Allowance", "Allowed", "Buy", "RateGate", "Slot", "SlotGate"]

Buy = Callable[[Purchase], Awaitable[Lot]]


class RateGate:
    """A queue before the calls of one API: first come, first served.

    Args:
        api: Which API.
        rate: Calls per second that the quota grants.
        burst: Calls at once that it grants.
        buy: Buys lots of calls.
        clock: Tells the time and waits.
    """

    STALE_SECONDS = 1.0
    ASK_SECONDS = 1.0

    def __init__(self, api: str, rate: float, burst: int, *, buy: Buy, clock: Clock) -> None:
        self.api = api
        self._rate = rate
        self._burst = usable_burst(rate, burst)
        self._buy = buy
        self._clock = clock
        self._queue = asyncio.Lock()
        self._due: deque[float] = deque()
        self._bought_at = clock.monotonic()
        self.waiting = 0
        self._passed = 0
        self._succeeded = 0
        self._unspent = 0
        self._throttled = False
        self._rate_now = rate
        self._slowed_at = float("-inf")

    async def pass_through(self) -> None:
        """Wait for one's turn."""
        self.waiting += 1
        try:
            async with self._queue:
                await self._wait_until_due()
        finally:
            self.waiting -= 1

    def succeeded(self) -> None:
        """Tell that a call was not throttled."""
        self._succeeded += 1

    def throttled(self, called_at: float) -> None:
        """Tell that the other side refused a call for its rate.

        Args:
            called_at: When the call was made. One that was under way when everybody slowed down
                says nothing about the pace since.
        """
        if called_at >= self._slowed_at:
            self._throttled = True
            self._drop_all()

    async def hand_back(self) -> None:
        """Give back what was bought and is not needed any more, and tell what nobody knows yet."""
        self._drop_all()
        if self._unspent or self._throttled:
            await self._buy(self._purchase(wanted=0))

    async def _wait_until_due(self) -> None:
        while True:
            now = self._clock.monotonic()
            self._drop_stale(now)
            if not self._due:
                await self._restock()
            elif self._due[0] <= now:
                self._due.popleft()
                self._passed += 1
                return
            else:
                await self._clock.sleep(self._due[0] - now)

    def _drop_all(self) -> None:
        self._unspent += len(self._due)
        self._due.clear()

    def _drop_stale(self, now: float) -> None:
        """Spent long after it was bought, a call would come on top of those bought since."""
        while self._due and self._due[0] < now - self.STALE_SECONDS:
            self._due.popleft()
            self._unspent += 1

    async def _restock(self) -> None:
        lot = await self._buy(self._purchase(self._demand()))
        now = self._clock.monotonic()
        if lot.rate < self._rate_now:
            self._slowed_at = now
        self._rate_now = lot.rate
        if not lot.count:
            await self._clock.sleep(min(lot.first_seconds, self.ASK_SECONDS))
            return
        for number in range(lot.count):
            self._due.append(now + max(0.0, lot.first_seconds + number * lot.interval_seconds))

    def _demand(self) -> int:
        """How many calls would be made in the next moment: who waits, or as many as before."""
        passed_seconds = self._clock.monotonic() - self._bought_at
        pace = self._passed / max(passed_seconds, LOT_SECONDS)
        return max(self.waiting, math.ceil(pace * LOT_SECONDS))

    def _purchase(self, wanted: int) -> Purchase:
        purchase = Purchase(
            api=self.api,
            full_rate=self._rate,
            burst=self._burst,
            wanted=wanted,
            unspent=self._unspent,
            succeeded=self._succeeded,
            throttled=self._throttled,
        )
        self._bought_at, self._passed = self._clock.monotonic(), 0
        self._succeeded, self._unspent, self._throttled = 0, 0, False
        return purchase


class Allowance(Protocol):
    """Something of the user's own that permits calls, such as a limit that Prefect keeps.

    Args:
        largest: The most calls that it permits at a time.
    """

    largest: int

    def buy(self, count: int) -> None:
        """Return once this many calls are permitted; called in a thread, about once a second."""
        ...


class Allowed:
    """Buys no more calls than an allowance permits, about one second's worth at a time.

    Args:
        buy: Buys lots of calls.
        allowance: Permits them.
        executor: Runs what blocks.
    """

    def __init__(self, buy: Buy, allowance: Allowance, executor: Executor) -> None:
        self._buy = buy
        self._allowance = allowance
        self._executor = executor
        self._permits = 0

    async def __call__(self, purchase: Purchase) -> Lot:
        """Buy a lot for which there are permits."""
        self._permits += purchase.unspent
        if purchase.wanted and not self._permits:
            count = min(self._allowance.largest, math.ceil(purchase.full_rate))
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._allowance.buy, count)
            self._permits += count
        lot = await self._buy(replace(purchase, wanted=min(purchase.wanted, self._permits)))
        self._permits -= lot.count
        return lot


class Share(Protocol):
    """Gives a worker its share of the instance's open chats."""

    async def __call__(self, demand: Demand, *, refused: bool) -> int:
        """Tell what we have and want, and whether the instance refused; how many we may have."""
        ...


class SlotGate:
    """A queue before open chats: admission waits here until there is a slot.

    `keep` must run meanwhile: it asks for slots, and gives back those that others need more.

    Args:
        share: Tells what we have and want, and whether the instance refused a chat; answers how
            many chats we may have open.
        most_ahead: How many slots to ask for beyond those in use.
        keep_seconds: How often to ask at least; what is not asked for again is lost in the end.
    """

    HURRY_SECONDS = 0.05

    def __init__(self, share: Share, *, most_ahead: int, keep_seconds: float = 1.0) -> None:
        self._share = share
        self._most_ahead = most_ahead
        self._keep_seconds = keep_seconds
        self._queue = asyncio.Lock()
        self._changed = asyncio.Event()
        self._short = asyncio.Event()
        self.waiting = 0
        self._refused = False
        self.open = 0
        self.granted = 0

    async def pass_through(self) -> None:
        """Wait for a slot and take it."""
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

    def give_back(self) -> None:
        """A chat closed, or was not started after all."""
        self.open -= 1
        self._changed.set()

    def refuse(self) -> None:
        """The instance had no slot for one that we took."""
        self.open -= 1
        self.granted = min(self.granted, self.open)
        self._refused = True

    async def keep(self) -> None:
        """Ask for slots as long as there are chats; never returns."""
        while True:
            wanted = self.open + (self._most_ahead if self.waiting else 0)
            await self.ask(wanted)
            hurry = self.granted >= wanted
            # Nothing more to have: asking at once again would only burn the ledger's time.
            await asyncio.sleep(self.HURRY_SECONDS if hurry else self._keep_seconds)
            if hurry:
                await self._until_short()

    async def ask(self, wanted: int) -> None:
        """Tell what we have, and ask for what we want, once."""
        refused, self._refused = self._refused, False
        self._short.clear()
        self.granted = await self._share(Demand(open=self.open, wanted=wanted), refused=refused)
        self._changed.set()

    async def _until_short(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._short.wait(), self._keep_seconds)


class Slot:
    """A slot of one's own: taken on entering, given back on leaving.

    Args:
        gate: Where it is taken.
    """

    def __init__(self, gate: SlotGate) -> None:
        self._gate = gate
        self._is_held = False

    async def __aenter__(self) -> Self:
        await self._take()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._is_held:
            self._gate.give_back()

    async def refuse(self) -> None:
        """The instance had no slot after all: wait for another one."""
        self._is_held = False
        self._gate.refuse()
        await self._take()

    async def _take(self) -> None:
        await self._gate.pass_through()
        self._is_held = True
