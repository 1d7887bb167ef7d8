"""Wall time: what the clocks of a zone show, in seconds, and when they are put forward or back.

Wall seconds are counted from 1970-01-01 00:00 as if there were no zones. Between two changes a
clock is as far ahead of UTC as before: there it is plain addition.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

__all__ = ["DAY_SECONDS", "Steady", "first_reached", "steady_parts", "wall_day"]

DAY_SECONDS = 86_400
"""The seconds of a day without a change of clocks."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
# Within these years any clock's time can be written; beyond them it goes on as at their ends.
_FIRST = int((datetime(2, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST = int((datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
# Clocks are changed once in an hour at most.
_STEP = 3_600


class Steady(NamedTuple):
    """From one second (UTC) up to another, exclusive, a clock is as far ahead of UTC."""

    start: int
    end: int
    ahead: int


def wall_day(ordinal: int) -> int:
    """The wall second at which a day begins, by the number that `date.toordinal` gives.

    Example:
        >>> wall_day(datetime(1970, 1, 2).toordinal())
        86400
    """
    return (ordinal - _EPOCH_ORDINAL) * DAY_SECONDS


def steady_parts(zone: ZoneInfo, day: int) -> Iterator[Steady]:
    """The parts of a UTC day between changes of clocks.

    Args:
        zone: Whose clocks.
        day: The day, counted from 1970-01-01.

    Example:
        >>> [part.ahead for part in steady_parts(ZoneInfo("Europe/Berlin"), 20_541)]
        [3600, 7200]
    """
    start, end = day * DAY_SECONDS, (day + 1) * DAY_SECONDS
    ahead = _ahead(zone, start)
    for at in range(start + _STEP, end + 1, _STEP):
        # The last second that counts: a change at the day's end is the next day's.
        seen = _ahead(zone, min(at, end - 1))
        if seen != ahead:
            change = _change(zone, at - _STEP, min(at, end - 1))
            yield Steady(start, change, ahead)
            start, ahead = change, seen
    yield Steady(start, end, ahead)


def first_reached(zone: ZoneInfo, wall: int) -> int:
    """The second (UTC) at which a clock shows a wall second for the first time.

    Where clocks are put forward over it: as long after the change as it is after what was skipped.

    Example:
        >>> skipped = wall_day(datetime(2026, 3, 29).toordinal()) + 9_000
        >>> first_reached(ZoneInfo("Europe/Berlin"), skipped) - skipped
        -3600
    """
    shown = _EPOCH + timedelta(seconds=_within(wall))
    return wall - _seconds(shown.replace(tzinfo=zone))


def _ahead(zone: ZoneInfo, second: int) -> int:
    return _seconds((_EPOCH + timedelta(seconds=_within(second))).astimezone(zone))


def _seconds(time: datetime) -> int:
    ahead = time.utcoffset()
    return 0 if ahead is None else round(ahead.total_seconds())


def _within(second: int) -> int:
    return min(max(second, _FIRST), _LAST)


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The second at which clocks change, after one second and not after another."""
    old = _ahead(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _ahead(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after
