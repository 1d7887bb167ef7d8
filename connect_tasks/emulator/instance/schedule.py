"""What is to happen later: a list of due actions that somebody else's clock works off."""

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["Errands", "Planned", "Schedule"]

_MOST_DROPPED = 100


def _nothing() -> None:
    """Stand in until somebody wants to know of changes."""


class Planned:
    """One action of a schedule.

    Args:
        action: What is to be done.
        on_drop: Told when it is dropped.

    Attributes:
        action: What is to be done; `None` once it is done or dropped.
    """

    __slots__ = ("_on_drop", "action")

    def __init__(self, action: Callable[[], None], on_drop: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action
        self._on_drop = on_drop

    def drop(self) -> None:
        """Let it not happen; what has happened already, or been dropped, is left alone."""
        if self.action is not None:
            self.action = None
            self._on_drop()


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
        self._heap: list[tuple[datetime, int, Planned]] = []
        # Breaks ties, so that what was planned first comes first.
        self._numbers = itertools.count()
        self._dropped = 0

    def after(self, seconds: float, action: Callable[[], None]) -> Planned:
        """Plan an action this many seconds from now."""
        planned = Planned(action, self._note_dropped)
        entry = (self.now() + timedelta(seconds=seconds), next(self._numbers), planned)
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self.on_earlier()
        return planned

    def run_due(self) -> None:
        """Carry out whatever is due by now."""
        now = self.now()
        while self._heap and self._heap[0][0] <= now:
            planned = heapq.heappop(self._heap)[2]
            action, planned.action = planned.action, None
            if action is None:
                self._dropped -= 1
            else:
                action()

    def seconds_left(self) -> float | None:
        """Seconds until the next action; `None` when nothing is planned."""
        if not self._heap:
            return None
        return max(0.0, (self._heap[0][0] - self.now()).total_seconds())

    def _note_dropped(self) -> None:
        """Let go of what was dropped, once it is most of what is here."""
        self._dropped += 1
        if self._dropped > max(_MOST_DROPPED, len(self._heap) // 2):
            # In place: a loop may be working it off.
            self._heap[:] = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._dropped = 0


class Errands:
    """What a schedule is to do for one chat, so that all of it can be dropped with the chat.

    Args:
        schedule: Where it is planned.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._planned: list[Planned] = []

    def after(self, seconds: float, action: Callable[[], None]) -> Planned:
        """Plan an action this many seconds from now."""
        planned = self._schedule.after(seconds, action)
        self._planned = [*(one for one in self._planned if one.action is not None), planned]
        return planned

    def drop(self) -> None:
        """Drop what has not happened yet."""
        for planned in self._planned:
            planned.drop()
        self._planned.clear()
