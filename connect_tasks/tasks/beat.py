"""How often something is shown that costs a little each time: soon, and then ever more rarely."""

from collections.abc import Callable

__all__ = ["Beat"]


class Beat:
    """Says when it is time again.

    The pause is what it was made with at first, then a hundredth of the time that has passed, and
    never more than a minute: what goes on for days needs no second hand.

    Args:
        seconds: The shortest pause.
        monotonic: Tells the time.

    Example:
        >>> times = iter([0, 0, 0, 9, 10])
        >>> beat = Beat(10, lambda: next(times))
        >>> beat.is_due, beat.done(), beat.is_due, beat.is_due
        (True, None, False, True)
    """

    SHARE = 0.01
    MOST_SECONDS = 60.0
    SECONDS_AFTER_FAILURE = 15.0

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._began_at = monotonic()
        self._next_at = self._began_at

    @property
    def is_due(self) -> bool:
        """Whether it is time."""
        return self._monotonic() >= self._next_at

    def done(self) -> None:
        """It was done now."""
        now = self._monotonic()
        share = (now - self._began_at) * self.SHARE
        self._next_at = now + min(max(self._seconds, share), self.MOST_SECONDS)

    def failed(self) -> None:
        """It could not be done now."""
        self._next_at = self._monotonic() + self.SECONDS_AFTER_FAILURE
