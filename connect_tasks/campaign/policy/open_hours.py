"""Open hours: between which times of a week people may be contacted, by their own clocks.

A window belongs to the weekday on which it begins; one that ends no later than it begins ends on
the next day. Windows that touch are one.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.campaign.policy.clock_time import DAY_MINUTES, ClockTime, minutes_of
from connect_tasks.campaign.policy.field_rules import refuse

__all__ = ["WEEKDAYS", "WEEK_MINUTES", "OpenHours", "Stretch", "TimeWindow", "stretches"]

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
"""The days of a week, as Connect names them."""
WEEK_MINUTES = 7 * DAY_MINUTES
"""The minutes of a week by the clock."""


class Stretch(NamedTuple):
    """Open time: when it begins, in minutes since Monday 00:00, and how many minutes it lasts."""

    start: int
    minutes: int


class TimeWindow(StrictModel, title="Time window"):
    """From a time of day up to another, which is not in it any more.

    Example:
        >>> print(TimeWindow(start_time="22:00", end_time="02:00"))
        22:00-02:00
    """

    start_time: ClockTime = Field(description="When it opens, as `09:00`.")
    end_time: ClockTime = Field(
        description="When it closes, as `18:00`; `24:00` is midnight. If it is before the start, "
        "on the next day."
    )

    @model_validator(mode="after")
    def _lasts(self) -> "TimeWindow":
        if self.start_time == "24:00":
            refuse("begins at 24:00: let it begin at 00:00 of the next day")
        if self.start_time == self.end_time:
            refuse(
                f"begins and ends at {self.start_time}, so it never opens: write 00:00 to 24:00 "
                "for a whole day, and leave a day without windows out"
            )
        return self

    @property
    def minutes(self) -> int:
        """How many minutes it lasts by the clock."""
        return (minutes_of(self.end_time) - minutes_of(self.start_time)) % DAY_MINUTES or (
            DAY_MINUTES
        )

    def __str__(self) -> str:
        return f"{self.start_time}-{self.end_time}"


Windows = tuple[TimeWindow, ...]


def _windows(day: str) -> Any:
    return Field(default=(), title=day.title(), description="Empty: closed.")


class OpenHours(StrictModel, title="Open hours"):
    """The windows of each weekday, by the customer's clock; a day without any is closed.

    Example:
        >>> hours = OpenHours(MONDAY=[{"start_time": "09:00", "end_time": "18:00"}])
        >>> hours.on("MONDAY"), hours.on("SUNDAY")
        ('09:00-18:00', 'closed')
    """

    MONDAY: Windows = _windows("MONDAY")
    TUESDAY: Windows = _windows("TUESDAY")
    WEDNESDAY: Windows = _windows("WEDNESDAY")
    THURSDAY: Windows = _windows("THURSDAY")
    FRIDAY: Windows = _windows("FRIDAY")
    SATURDAY: Windows = _windows("SATURDAY")
    SUNDAY: Windows = _windows("SUNDAY")

    @model_validator(mode="before")
    @classmethod
    def _days_in_capitals(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        named = {str(day).upper(): windows for day, windows in data.items()}
        # Two spellings of a day would be one, and half of its windows lost.
        return named if len(named) == len(data) else data

    @model_validator(mode="after")
    def _open_without_overlap(self) -> "OpenHours":
        begun = sorted(self._begun())
        if not begun:
            refuse("never opens: give at least one day a window, or leave open_hours out")
        first = begun[0]
        again = (first[0] + WEEK_MINUTES, *first[1:])
        for one, other in pairwise([*begun, again]):
            if one[0] + one[1] > other[0]:
                refuse(f"has windows that overlap: {one[2]} and {other[2]}; make one of them")
        return self

    def windows(self, day: str) -> Windows:
        """The windows that begin on a weekday."""
        theirs: Windows = getattr(self, day)
        return theirs

    def on(self, day: str) -> str:
        """The windows that begin on a weekday, in words."""
        return ", ".join(map(str, self.windows(day))) or "closed"

    def _begun(self) -> Iterator[tuple[int, int, str]]:
        for number, day in enumerate(WEEKDAYS):
            for window in self.windows(day):
                start = number * DAY_MINUTES + minutes_of(window.start_time)
                yield start, window.minutes, f"{day} {window}"


def stretches(hours: OpenHours) -> tuple[Stretch, ...]:
    """The open time of a week, windows that touch joined; nothing if it is all of the week.

    Example:
        >>> late = {"start_time": "22:00", "end_time": "24:00"}
        >>> early = {"start_time": "00:00", "end_time": "02:00"}
        >>> stretches(OpenHours(MONDAY=[late], TUESDAY=[early]))
        (Stretch(start=1320, minutes=240),)
    """
    joined: list[Stretch] = []
    for start, minutes, _ in sorted(hours._begun()):  # noqa: SLF001 - of this module
        if joined and joined[-1].start + joined[-1].minutes == start:
            joined[-1] = Stretch(joined[-1].start, joined[-1].minutes + minutes)
        else:
            joined.append(Stretch(start, minutes))
    return _joined_over_sunday(joined)


def _joined_over_sunday(joined: list[Stretch]) -> tuple[Stretch, ...]:
    first, last = joined[0], joined[-1]
    if last.start + last.minutes != first.start + WEEK_MINUTES:
        return tuple(joined)
    if len(joined) == 1:
        return ()
    return (*joined[1:-1], Stretch(last.start, last.minutes + first.minutes))
