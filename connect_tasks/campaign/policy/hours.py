"""Hours: when clocks let customers be contacted, looked up fast."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from connect_tasks.campaign.policy.communication_time import CommunicationTime
from connect_tasks.campaign.policy.instants import SECOND
from connect_tasks.campaign.policy.timeline import Span, Timeline
from connect_tasks.campaign.policy.wall_time import DAY_SECONDS
from connect_tasks.campaign.policy.zone_names import UnknownZoneError, zone_name

__all__ = ["Clock", "Clocks"]

# A clock is at most so many days away from UTC, and a change of clocks moves a day by one.
_MARGIN = 2
_FARTHEST_DAYS = 401
# Of each zone; a run sees some months of days.
_MOST_DAYS = 1_000
_NEVER = Span(start=0, end=0, restricted=(), outside="", is_open=False)


class Clock:
    """The open hours and restricted periods in one time zone; what it has found out, it keeps.

    Args:
        timeline: What they come to in UTC.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._days: dict[int, tuple[Span, ...]] = {}
        self._opens: dict[int, int | None] = {}
        self._closes: dict[int, int | None] = {}
        self._last = _NEVER

    def span(self, instant: int) -> Span:
        """What holds at an instant."""
        # Who plans a million customers asks a million times for the same.
        second, span = instant // SECOND, self._last
        if not span.start <= second < span.end:
            span = self._last = self._look_up(second)
        return span

    def opens(self, since: int) -> int | None:
        """The first instant, not before another one, that is open; None if it is too far."""
        span = self.span(since)
        return since if span.is_open else _instant(self._kept(self._opens, span, self._opening))

    def closes(self, now: int) -> int | None:
        """When the open time that an instant is in ends; None if it goes on."""
        return _instant(self._kept(self._closes, self.span(now), self._closing))

    def _kept(
        self, found: dict[int, int | None], span: Span, find: Callable[[Span], int | None]
    ) -> int | None:
        if span.start not in found:
            if len(found) > _MOST_DAYS:
                found.clear()
            found[span.start] = second = find(span)
            return second
        return found[span.start]

    def _opening(self, since: Span) -> int | None:
        day = since.start // DAY_SECONDS
        last = day + _FARTHEST_DAYS
        while day <= last:
            for span in self._spans(day):
                if span.is_open and span.start >= since.end:
                    return span.start
            day = self._after_closed(day)
        return None

    def _closing(self, since: Span) -> int | None:
        day = since.start // DAY_SECONDS
        last = day + _FARTHEST_DAYS
        while self._timeline.is_always_open or day <= last:
            for span in self._spans(day):
                if not span.is_open and span.start >= since.end:
                    return span.start
            following = self._after_open(day)
            if following is None:
                return None
            day = following
        return None

    def _after_closed(self, day: int) -> int:
        """The next day on which something may open."""
        first, end = (day - _MARGIN) * DAY_SECONDS, (day + 1 + _MARGIN) * DAY_SECONDS
        for period in self._timeline.periods:
            if period.start <= first and end <= period.end:
                return period.end // DAY_SECONDS - _MARGIN
        return day + 1

    def _after_open(self, day: int) -> int | None:
        """The next day on which something may close; None if there is none."""
        if not self._timeline.is_always_open:
            return day + 1
        second = day * DAY_SECONDS
        starts = (one.start for one in self._timeline.periods)
        return next(
            (max(day + 1, start // DAY_SECONDS - _MARGIN) for start in starts if start > second),
            None,
        )

    def _look_up(self, second: int) -> Span:
        spans = self._spans(second // DAY_SECONDS)
        return next(span for span in spans if second < span.end)

    def _spans(self, day: int) -> tuple[Span, ...]:
        spans = self._days.get(day)
        if spans is None:
            if len(self._days) > _MOST_DAYS:
                self._days.clear()
            spans = self._days[day] = self._timeline.spans(day)
        return spans


class Clocks:
    """The clocks of a policy, by time zone.

    Args:
        time: The policy's communication time; None if no clock counts.
    """

    def __init__(self, time: CommunicationTime | None) -> None:
        self._time = time
        self._by_zone: dict[str | None, Clock | None] = {}

    @property
    def count(self) -> bool:
        """Whether a clock counts at all."""
        return self._time is not None

    def of(self, zone: str | None) -> Clock | None:
        """The clock of a zone, or of the policy's own; None if none counts, or none is known."""
        try:
            return self._by_zone[zone]
        except KeyError:
            clock = self._by_zone[zone] = self._made(zone)
            return clock

    def _made(self, zone: str | None) -> Clock | None:
        if self._time is None:
            return None
        name = zone or self._time.default_time_zone
        try:
            return Clock(Timeline(self._time, ZoneInfo(zone_name(name or ""))))
        except UnknownZoneError:
            return None


def _instant(second: int | None) -> int | None:
    return None if second is None else second * SECOND
