"""The clock as something that is passed in: the real one, and what any other must offer."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SteadyClock", "SystemClock"]


class Clock(Protocol):
    """What the package needs to know of time."""

    def now(self) -> datetime:
        """The wall time in UTC, for records."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards, for waiting and measuring."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait this many seconds; concurrent sleeps do not wait for each other.

        Cancelling ends it at once.
        """
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The wall time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of the system's monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait this many seconds without blocking the event loop, also concurrently.

        Cancelling ends it at once.
        """
        await asyncio.sleep(seconds)


class SteadyClock:
    """A clock whose wall time stands still while the other one's is set back.

    For work that goes on until all is newer than its beginning.

    Args:
        clock: The other clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest = clock.now()

    def now(self) -> datetime:
        """The wall time in UTC; never before one that was told."""
        self._latest = max(self._latest, self._clock.now())
        return self._latest

    def monotonic(self) -> float:
        """Seconds of the other clock."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait as the other clock does; concurrent sleeps and cancelling are as they are there."""
        await self._clock.sleep(seconds)
