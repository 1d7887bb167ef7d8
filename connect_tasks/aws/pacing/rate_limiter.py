"""The rate limiter before Amazon's calls: waiting for one's turn, live chats first.

What may be called, and when, is decided by a `TokenBucket` for all workers together; a limiter asks
it for permits and waits until they are due. Whose turn it is then, a `TurnQueue` says: a permit is
not bought for anybody in particular.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import replace
from typing import Protocol

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.token_bucket import PERMIT_SECONDS, PermitRequest, Permits
from connect_tasks.aws.pacing.turns import CAN_WAIT, Ticket, Turn, TurnQueue

__all__ = ["Acquire", "RateLimiter", "StartLimit", "WithinStartLimit"]

Acquire = Callable[[PermitRequest], Awaitable[Permits]]
"""Asks whoever keeps the bucket for permits."""


class RateLimiter:
    """A queue before the calls of one API.

    Args:
        api: Which API.
        acquire: Asks for permits.
        clock: Tells the time and waits.
    """

    STALE_SECONDS = 1.0
    ASK_SECONDS = 1.0

    def __init__(self, api: str, *, acquire: Acquire, clock: Clock) -> None:
        self.api = api
        self._acquire = acquire
        self._clock = clock
        self._turns = TurnQueue()
        self._called: dict[Ticket, asyncio.Event] = {}
        self._is_led = False
        self._asking: asyncio.Task[Permits] | None = None
        self._due: deque[float] = deque()
        self._asked_at = clock.monotonic()
        self._passed = 0
        self._unused = 0
        self._throttled = False
        self._knew: float | None = None
        self._slowed_at: float | None = None
        self._heard_at = -math.inf

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._turns)

    async def acquire(self, turn: Turn = CAN_WAIT) -> None:
        """Wait for one's turn.

        Concurrent callers get their turns by urgency, and those of one urgency in the order of
        their calls. Cancelling gives up the turn, and what was permitted for it goes to the next in
        the queue.

        Args:
            turn: How urgent it is; by default it can wait.
        """
        if self._is_free_for(turn):
            return
        ticket = self._turns.add(turn)
        self._called[ticket] = asyncio.Event()
        try:
            await self._until_called(ticket)
        except BaseException:
            if not ticket.is_open:
                self._due.appendleft(self._clock.monotonic())
                self._passed -= 1
            raise
        finally:
            self._turns.leave(ticket)
            del self._called[ticket]
            self._let_another_lead()

    def throttled(self, called_at: float) -> None:
        """Tell that the other side refused a call for its rate.

        Args:
            called_at: When the call was made. One that was under way when everybody slowed down
                says nothing about the rate since. Where that is not known here yet, the bucket
                tells by the permits under which the call was made.
        """
        if called_at >= self._heard_at:
            self._throttled, self._knew = True, self._slowed_at
            self._drop_all()

    async def return_unused(self) -> None:
        """Give back permits that are not needed any more, and tell what nobody knows yet.

        A second call, also a concurrent one, does nothing. Cancelled, it may have given them back
        or not; they are credited once at most, and what is lost comes back with the rate.
        """
        if self._asking is not None:
            # A limit of the user's own may keep it waiting for as long as it likes.
            self._asking.cancel()
        self._drop_all()
        if self._unused or self._throttled:
            await self._acquire(self._request(wanted=0))

    def _is_free_for(self, turn: Turn) -> bool:
        """Take a permit that is due, if nobody waits for it: then there is nothing to queue for."""
        if len(self._turns) or not self._due:
            return False
        now = self._clock.monotonic()
        self._drop_stale(now)
        if not self._due or self._due[0] > now:
            return False
        self._due.popleft()
        self._passed += 1
        self._turns.pass_by(turn, now)
        return True

    async def _until_called(self, ticket: Ticket) -> None:
        while ticket.is_open:
            if self._is_led:
                await self._called[ticket].wait()
                self._called[ticket].clear()
            else:
                await self._lead_until_called(ticket)

    async def _lead_until_called(self, ticket: Ticket) -> None:
        """One of those who wait does it for all, and calls whoever's turn it is: often another."""
        self._is_led = True
        try:
            while ticket.is_open:
                await self._call_next()
        finally:
            self._is_led = False

    async def _call_next(self) -> None:
        now = self._clock.monotonic()
        self._drop_stale(now)
        if not self._due:
            await self._restock()
        elif self._due[0] > now:
            await self._clock.sleep(self._due[0] - now)
        elif (called := self._turns.take(now)) is not None:
            self._due.popleft()
            self._passed += 1
            self._called[called].set()

    def _let_another_lead(self) -> None:
        if not self._is_led and (first := self._turns.first(self._clock.monotonic())):
            self._called[first].set()

    def _drop_all(self) -> None:
        self._unused += len(self._due)
        self._due.clear()

    def _drop_stale(self, now: float) -> None:
        """Used long after it was granted, a permit would come on top of those granted since."""
        while self._due and self._due[0] < now - self.STALE_SECONDS:
            self._due.popleft()
            self._unused += 1

    async def _restock(self) -> None:
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask(self._request(self._demand())))
            self._asking.add_done_callback(_heard_out)
        # What is granted is everybody's: whoever gives up while they ask for it does not lose it.
        permits = await asyncio.shield(self._asking)
        if not permits.count:
            await self._clock.sleep(min(permits.first_seconds, self.ASK_SECONDS))

    async def _ask(self, request: PermitRequest) -> Permits:
        try:
            permits = await self._acquire(request)
        finally:
            self._asking = None
        now = self._clock.monotonic()
        if permits.slowed_at != self._slowed_at:
            self._slowed_at, self._heard_at = permits.slowed_at, now
        for number in range(permits.count):
            due = permits.first_seconds + number * permits.interval_seconds
            self._due.append(now + max(0.0, due))
        return permits

    def _demand(self) -> int:
        """How many calls would be made in the next moment: who waits, or as many as before."""
        passed_seconds = self._clock.monotonic() - self._asked_at
        pace = self._passed / max(passed_seconds, PERMIT_SECONDS)
        return max(self.waiting, math.ceil(pace * PERMIT_SECONDS))

    def _request(self, wanted: int) -> PermitRequest:
        self._turns.age(self._clock.monotonic())
        request = PermitRequest(
            api=self.api,
            wanted=wanted,
            urgent=min(wanted, self._turns.urgent),
            unused=self._unused,
            throttled=self._throttled,
            knew=self._knew,
        )
        self._asked_at, self._passed = self._clock.monotonic(), 0
        self._unused, self._throttled = 0, False
        return request


def _heard_out(asking: "asyncio.Future[Permits]") -> None:
    """Whoever asked may have given up: what went wrong is then nobody's, and no news for a log."""
    if not asking.cancelled():
        asking.exception()


class StartLimit(Protocol):
    """Something of the user's own that permits starts, such as a limit that Prefect keeps.

    Args:
        largest: The most starts that it permits at a time.
    """

    largest: int

    def acquire(self, count: int) -> None:
        """Return once this many starts are permitted; called in a thread, about once a second."""
        ...


class WithinStartLimit:
    """Asks for no more permits than a start limit allows, about one second's worth at a time.

    Args:
        acquire: Asks for permits.
        start_limit: Allows them.
        per_second: How many starts a second's worth is.
        executor: Runs what blocks.
    """

    def __init__(
        self, acquire: Acquire, start_limit: StartLimit, *, per_second: float, executor: Executor
    ) -> None:
        self._acquire = acquire
        self._start_limit = start_limit
        self._portion = min(start_limit.largest, math.ceil(per_second))
        self._executor = executor
        self._allowed = 0

    async def __call__(self, request: PermitRequest) -> Permits:
        """Ask for as many permits as are allowed.

        Never concurrently, which would count what is allowed wrongly: a limiter asks one time
        after another. Cancelled, it keeps what was allowed for the next call.
        """
        self._allowed += request.unused
        if request.wanted and not self._allowed:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._start_limit.acquire, self._portion)
            self._allowed += self._portion
        wanted = min(request.wanted, self._allowed)
        allowed = replace(request, wanted=wanted, urgent=min(request.urgent, wanted))
        permits = await self._acquire(allowed)
        self._allowed -= permits.count
        return permits
