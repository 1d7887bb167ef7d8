"""The shortage of slots: whether people press buttons, and the instance has no slot for them.

Whoever waits for a slot at the button is soon told to come back, and waits elsewhere then. So a
shortage lasts a while longer than anybody is seen to wait: as long as they take to come back.
"""

from typing import Protocol

from connect_tasks.aws.pacing.clock import Clock

__all__ = ["Shortage"]


class _Queue(Protocol):
    @property
    def waiting(self) -> int: ...


class Shortage:
    """Tells how many wait for a slot, those included who were told to come back just now.

    Args:
        slots: Those who wait at this moment.
        clock: Tells the time.
    """

    # Longer than any press without a slot is told to stay away.
    LASTS_SECONDS = 10.0

    def __init__(self, slots: _Queue, clock: Clock) -> None:
        self._slots = slots
        self._clock = clock
        self._last_count = 0
        self._until = 0.0

    @property
    def waiting(self) -> int:
        """How many wait, or waited when somebody was last seen to.

        To be asked more often than a press waits: a wait between two questions is not seen.
        """
        now = self._clock.monotonic()
        if self._slots.waiting:
            self._last_count, self._until = self._slots.waiting, now + self.LASTS_SECONDS
        return self._last_count if now < self._until else 0
