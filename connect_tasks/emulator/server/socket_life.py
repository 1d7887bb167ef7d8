"""How long one web socket lives: until its connection expires, nothing passes, or it is too old."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from connect_tasks.emulator.instance.schedule import Errands, Schedule
from connect_tasks.emulator.limits import LocalLimits

__all__ = ["EXPIRES_AT", "SocketLife"]

EXPIRES_AT = "connect_tasks.expires_at"
"""The key under which who accepts a socket says when its connection expires."""

_NEVER = datetime.max.replace(tzinfo=UTC)


class SocketLife:
    """The ends that one socket comes to by itself, on the instance's clock.

    Args:
        schedule: Where its ends are planned, and whose clock counts.
        limits: Which ends there are.
        leave: Closes the socket, for a reason; called once.
    """

    def __init__(
        self, schedule: Schedule, limits: LocalLimits, leave: Callable[[str], None]
    ) -> None:
        self._schedule = schedule
        self._limits = limits
        self._leave: Callable[[str], None] | None = leave
        self._looks = Errands(schedule)
        self._passed_at = schedule.now()
        age = limits.socket_seconds
        self._last = self._after(age), f"it was open for {age or 0:g} s"
        self._next_look = _NEVER
        self._plan()

    def touch(self) -> None:
        """A frame passes, in whichever direction; one that is too late ends the socket instead."""
        if not self._ends():
            self._passed_at = self._schedule.now()

    def expire_at(self, moment: datetime) -> None:
        """The connection expires then; whether that ends the socket is one of the limits."""
        if self._limits.expiring_sockets and moment < self._last[0]:
            self._last = moment, "its connection has expired"
            self._plan()

    def stop(self) -> None:
        """The socket is gone."""
        self._leave = None
        self._looks.drop()

    def _end(self) -> tuple[datetime, str]:
        idle = self._limits.idle_socket_seconds
        return min(self._last, (self._after(idle), f"no frame passed for {idle or 0:g} s"))

    def _after(self, seconds: float | None) -> datetime:
        return _NEVER if seconds is None else self._passed_at + timedelta(seconds=seconds)

    def _plan(self) -> None:
        moment, _ = self._end()
        if moment < self._next_look:
            self._next_look = moment
            left = (moment - self._schedule.now()).total_seconds()
            self._looks.after(left, self._look)

    def _look(self) -> None:
        is_planned_anew = self._schedule.now() < self._next_look
        if not (is_planned_anew or self._ends()):
            self._next_look = _NEVER
            self._plan()

    def _ends(self) -> bool:
        """End the socket if it is time, once; whether it is over."""
        moment, reason = self._end()
        leave = self._leave
        if leave is not None and moment <= self._schedule.now():
            self._leave = None
            leave(reason)
        return self._leave is None
