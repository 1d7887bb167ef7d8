"""What waits to go out on one web socket, up to a limit."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from starlette.types import Scope

__all__ = ["Outbox", "Outgoing"]

Outgoing: TypeAlias = str | Callable[[Scope], None]
"""A frame, or at last what is done to the connection."""


class Outbox:
    """Frames in their order; whoever puts one in never waits, and never fails.

    Args:
        most: Characters that may wait; more, and nobody reads at the other end.
        overflow: Called once when there are more. From then on nothing is taken in.
    """

    def __init__(self, most: int, overflow: Callable[[], None]) -> None:
        self._queue: asyncio.Queue[Outgoing] = asyncio.Queue()
        self._left = most
        self._overflow = overflow
        self._is_over = False

    def put(self, outgoing: Outgoing) -> None:
        """Add something to send, at once."""
        self._is_over, was_over = self._is_over or _size(outgoing) > self._left, self._is_over
        if not self._is_over:
            self._left -= _size(outgoing)
            self._queue.put_nowait(outgoing)
        elif not was_over:
            self._overflow()

    async def take(self) -> Outgoing:
        """Wait for the next thing to send; cancelling loses nothing.

        Concurrent calls each get another one.
        """
        outgoing = await self._queue.get()
        self._left += _size(outgoing)
        return outgoing


def _size(outgoing: Outgoing) -> int:
    return len(outgoing) if isinstance(outgoing, str) else 0
