"""What waits to go out on one web socket, up to a limit."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from starlette.types import Scope

from connect_tasks.emulator.server.waking import from_anywhere

__all__ = ["Outbox", "Outgoing"]

Outgoing: TypeAlias = str | Callable[[Scope], None]
"""A frame, or at last what is done to the connection."""


class Outbox:
    """Frames in their order; whoever puts one in never waits, and never fails.

    Made and emptied in an event loop; filled from any thread, by one at a time.

    Args:
        most: Characters that may wait; more, and nobody reads at the other end.
        overflow: Called once when there are more. From then on nothing is taken in.
    """

    def __init__(self, most: int, overflow: Callable[[], None]) -> None:
        self._waiting: deque[Outgoing] = deque()
        self._is_there = asyncio.Event()
        self._wake = from_anywhere(self._is_there)
        self._most = most
        # Each of them is counted on in one thread at a time.
        self._put = self._taken = 0
        self._overflow = overflow
        self._is_over = False

    def put(self, outgoing: Outgoing) -> None:
        """Add something to send, at once."""
        if self._is_over:
            return
        self._is_over = self._put - self._taken + _size(outgoing) > self._most
        if self._is_over:
            self._overflow()
            return
        self._put += _size(outgoing)
        self._waiting.append(outgoing)
        self._wake()

    async def take(self) -> Outgoing:
        """Wait for the next thing to send; cancelling loses nothing.

        Concurrent calls each get another one.
        """
        while not self._waiting:
            self._is_there.clear()
            # Something may have come before this was cleared.
            if not self._waiting:
                await self._is_there.wait()
        outgoing = self._waiting.popleft()
        self._taken += _size(outgoing)
        return outgoing


def _size(outgoing: Outgoing) -> int:
    return len(outgoing) if isinstance(outgoing, str) else 0
