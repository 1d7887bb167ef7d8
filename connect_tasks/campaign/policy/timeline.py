"""The timeline of a zone: when its clocks are in the open hours and in restricted periods.

The rules of this file:

- A window is open while the clock shows a time in it: where an hour comes twice, both times count,
  and where one is skipped, it is not.
- A window whose beginning is skipped opens as long after the change as it would have begun after
  what was skipped: from 02:30 on, it opens at 03:30.
- A restricted period lasts while the calendar shows one of its days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from connect_tasks.campaign.policy.communication_time import CommunicationTime
from connect_tasks.campaign.policy.open_hours import WEEK_MINUTES, WEEKDAYS, stretches
from connect_tasks.campaign.policy.wall_time import (
    DAY_SECONDS,
    Steady,
    first_reached,
    steady_parts,
    wall_day,
)

__all__ = ["Period", "Span", "Timeline"]

_WEEK_SECONDS = 60 * WEEK_MINUTES
# 1970 began on a Thursday.
_MONDAY = -3 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds (UTC, the end exclusive) in which nothing changes for a clock.

    `restricted` names the periods that it is in, `outside` the open hours of the weekday if it is
    not in them.
    """

    start: int
    end: int
    restricted: tuple[str, ...]
    outside: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Period:
    """A restricted period, in wall seconds; the end is exclusive."""

    start: int
    end: int
    name: str


class Timeline:
    """Cuts UTC days into spans, by the clock of a zone.

    Args:
        time: The open hours and restricted periods.
        zone: The zone.
    """

    def __init__(self, time: CommunicationTime, zone: ZoneInfo) -> None:
        hours = time.open_hours
        self._zone = zone
        week = stretches(hours) if hours else ()
        self._week = [(60 * one.start, 60 * one.minutes) for one in week]
        self._words = [f"{day} {hours.on(day)}" for day in WEEKDAYS] if hours else []
        self.periods = sorted(
            (
                Period(
                    wall_day(one.start_date.toordinal()), _end(one.end_date.toordinal()), one.name
                )
                for one in time.restricted_periods
            ),
            key=lambda period: period.start,
        )
        self.is_always_open = not self._week

    def spans(self, day: int) -> tuple[Span, ...]:
        """The spans of a UTC day, counted from 1970-01-01, in order and without a gap."""
        return tuple(span for part in steady_parts(self._zone, day) for span in self._of(part))

    def _of(self, part: Steady) -> Iterator[Span]:
        windows = list(self._windows(part))
        periods = [
            (one.start - part.ahead, one.end - part.ahead, one.name)
            for one in self.periods
            if one.start < part.end + part.ahead and one.end > part.start + part.ahead
        ]
        cuts = {part.start, part.end, *_midnights(part)}
        cuts.update(cut for window in windows for cut in window)
        cuts.update(cut for start, end, _ in periods for cut in (start, end))
        inside = sorted(cut for cut in cuts if part.start <= cut <= part.end)
        for start, end in pairwise(inside):
            names = tuple(name for begin, stop, name in periods if begin <= start < stop)
            is_inside = self.is_always_open or any(begin <= start < stop for begin, stop in windows)
            outside = "" if is_inside else self._words[_weekday(start + part.ahead)]
            yield Span(start, end, names, outside, not names and is_inside)

    def _windows(self, part: Steady) -> Iterator[tuple[int, int]]:
        """From when until when (UTC) windows are open, if the clock went on as in this part."""
        shown = part.start + part.ahead
        for week in range((shown - _MONDAY) // _WEEK_SECONDS - 1, _week_of(part) + 1):
            for begin, lasts in self._week:
                start = _MONDAY + week * _WEEK_SECONDS + begin
                if start + lasts > shown and start < part.end + part.ahead:
                    yield self._opens(start, part), start + lasts - part.ahead

    def _opens(self, start: int, part: Steady) -> int:
        return max(start - part.ahead, first_reached(self._zone, start))


def _end(ordinal: int) -> int:
    return wall_day(ordinal + 1)


def _week_of(part: Steady) -> int:
    return (part.end + part.ahead - _MONDAY) // _WEEK_SECONDS


def _weekday(wall: int) -> int:
    return (wall - _MONDAY) // DAY_SECONDS % 7


def _midnights(part: Steady) -> Iterator[int]:
    first = -(-(part.start + part.ahead) // DAY_SECONDS) * DAY_SECONDS - part.ahead
    return iter(range(first, part.end, DAY_SECONDS))
