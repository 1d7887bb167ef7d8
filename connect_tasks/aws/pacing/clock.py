"""The clock as something that is passed in: the real one, and what any other must offer."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


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
