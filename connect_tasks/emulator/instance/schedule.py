"""What is to happen later: a list of due actions that somebody else's clock works off."""

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["Schedule"]


def _nothing() -> None:
    """Stand in until somebody wants to know of changes."""


class Schedule:
    """Actions in order of their time; it never waits by itself.

    Args:
        now: The clock.

    Attributes:
        now: The clock.
        on_earlier: Called when something new is due before all else, so that a waiter can wake.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.on_earlier: Callable[[], None] = _nothing
        self.now = now
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        # Breaks ties, so that what was planned first comes first.
        self._numbers = itertools.count()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Plan an action this many seconds from now."""
        entry = (self.now() + timedelta(seconds=seconds), next(self._numbers), action)
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self.on_earlier()

    def run_due(self) -> None:
        """Carry out whatever is due by now."""
        now = self.now()
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()

    def seconds_left(self) -> float | None:
        """Seconds until the next action; `None` when nothing is planned."""
        if not self._heap:
            return None
        return max(0.0, (self._heap[0][0] - self.now()).total_seconds())
