"""One API of an instance as Amazon keeps it, with all who call it, in time that jumps.

Our workers are real limiters that share one bucket, as through the ledger. What Amazon grants is
told by the emulator's own bucket, which knows nothing of ours.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from connect_tasks.aws.pacing.rate_limiter import RateLimiter
from connect_tasks.aws.pacing.token_bucket import (
    PermitRequest,
    Permits,
    TokenBucket,
    usable_burst,
)
from connect_tasks.emulator.quotas import Bucket
from tests.unit.virtual_time import CLOCK, run

NOON = 1_764_000_000.0
Seconds = tuple[float, float]


@dataclass
class Api:
    """One API, our workers, and whoever else calls it.

    Args:
        rate: Calls per second that Amazon grants.
        burst: Calls at once that it grants.
        said: Calls per second that the quotas say, if not the same.
        workers: How many of ours share the bucket.
        others: Calls per second that another client insists on.
        strays: Moments at which somebody takes everything that is left, for so many seconds.
        way: How long a call takes to Amazon; the answer takes as long.
        purchase: How long the ledger takes for permits.
    """

    rate: float
    burst: int
    said: float | None = None
    workers: int = 1
    others: float = 0.0
    strays: Sequence[Seconds] = ()
    way: Seconds = (0.01, 0.05)
    purchase: Seconds = (0.002, 0.01)
    seed: int = 7
    made: int = 0
    refused: int = 0
    made_by_others: int = 0
    ended_at: float = 0.0
    rates: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        said = self.said or self.rate
        self.random = Random(self.seed)  # noqa: S311 - no secret
        self.amazons = Bucket(self.rate, self.burst)
        self.ours = TokenBucket.full(said, usable_burst(said, self.burst), NOON)

    @property
    def used(self) -> float:
        """The share that was used of what others left."""
        possible = self.burst + self.rate * self.ended_at - self.made_by_others
        return self.made / possible

    @property
    def throttled(self) -> float:
        """The share of our calls that were refused."""
        return self.refused / max(1, self.made + self.refused)

    def run_for(self, seconds: float) -> "Api":
        """Call as fast as permitted for so long."""
        run(self._until(lambda: asyncio.sleep(seconds)))
        return self

    def run_until_made(self, calls: int) -> "Api":
        """Call as fast as permitted until so many calls went through."""

        async def made() -> None:
            while self.made < calls:  # noqa: ASYNC110 - in time that jumps
                await asyncio.sleep(0.01)

        run(self._until(made))
        return self

    async def _until(self, over: Callable[[], Awaitable[None]]) -> None:
        tasks = [asyncio.ensure_future(self._work()) for _ in range(self.workers)]
        tasks += [asyncio.ensure_future(self._others())] if self.others else []
        tasks += [asyncio.ensure_future(self._stray(*stray)) for stray in self.strays]
        await over()
        self.ended_at = CLOCK.monotonic()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        """As many callers as it takes to have one waiting at all times."""
        limiter = RateLimiter("StartChatContact", acquire=self._acquire, clock=CLOCK)
        callers = 3 + int((self.said or self.rate) * 2.5 * self.way[1])
        await asyncio.gather(*(self._call_on(limiter) for _ in range(callers)))

    async def _call_on(self, limiter: RateLimiter) -> None:
        while True:
            await limiter.acquire()
            called_at = CLOCK.monotonic()
            if await self._call():
                self.made += 1
            else:
                limiter.throttled(called_at)
                self.refused += 1

    async def _call(self) -> bool:
        await CLOCK.sleep(self.random.uniform(*self.way))
        granted = self.amazons.take(CLOCK.monotonic())
        await CLOCK.sleep(self.random.uniform(*self.way))
        return granted

    async def _acquire(self, request: PermitRequest) -> Permits:
        await CLOCK.sleep(self.random.uniform(*self.purchase))
        self.ours, permits = self.ours.grant(request, NOON + CLOCK.monotonic())
        self.rates.append(self.ours.rate)
        return permits

    async def _others(self) -> None:
        while True:
            self.made_by_others += self.amazons.take(CLOCK.monotonic())
            await CLOCK.sleep(self.random.uniform(0.8, 1.2) / self.others)

    async def _stray(self, at: float, seconds: float) -> None:
        await CLOCK.sleep(at)
        until = at + seconds
        while True:
            while self.amazons.take(CLOCK.monotonic()):
                self.made_by_others += 1
            if CLOCK.monotonic() >= until:
                return
            await CLOCK.sleep(0.01)
