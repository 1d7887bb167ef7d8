"""When a place is open: hours of operation, by weekday, in their own time zone."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from connect_tasks.emulator.flows.exported.problems import nearest, shown

__all__ = ["WEEKDAYS", "OpeningHours"]

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
"""As hours of operation write them, in the order of Python's weekdays."""

_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)
_DAY = 24 * 60
_PAIR = 2

Interval = tuple[int, int]
"""From and to, in minutes of the day; one that does not end later goes on to the next day."""


@lru_cache(maxsize=100)
def _zone(name: str) -> str:
    """The name of a time zone, if there is one."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        known = available_timezones()
        advice = nearest(name, known) if known else "this machine knows none: install tzdata."
        raise ValueError(f"there is no time zone {shown(name)}; {advice}") from None
    return name


def _days(given: Any) -> Any:
    """Weekdays in any case, each with one interval or a list of them."""
    if not isinstance(given, Mapping):
        raise ValueError('must be an object like {"MONDAY": ["09:00", "17:00"]}')  # noqa: TRY004
    days: dict[str, tuple[Interval, ...]] = {}
    for name, value in given.items():
        day = str(name).upper()
        if day not in WEEKDAYS:
            raise ValueError(f"there is no weekday {shown(name)}; {nearest(day, WEEKDAYS)}")
        if day in days:
            raise ValueError(f"{day} is there twice; write its intervals in one list")
        days[day] = tuple(_intervals(day, value))
    return days


def _intervals(day: str, value: Any) -> Iterator[Interval]:
    is_list = isinstance(value, list | tuple)
    if is_list and any(isinstance(entry, list | tuple) for entry in value):
        yield from (_interval(day, entry) for entry in value)
    elif not is_list or value:
        yield _interval(day, value)


def _interval(day: str, value: Any) -> Interval:
    if not isinstance(value, list | tuple) or len(value) != _PAIR:
        raise ValueError(
            f'{day} must be two times like ["09:00", "17:00"], or a list of such pairs; not'
            f" {shown(value)}"
        )
    start, end = (_minutes(day, entry) for entry in value)
    return start % _DAY, end


def _minutes(day: str, value: Any) -> int:
    """Minutes since midnight; TOML has times of its own, without quotes."""
    text = value.strftime("%H:%M") if isinstance(value, time) else value
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    minutes = int(found[1]) * 60 + int(found[2]) if found else _DAY + 1
    if minutes > _DAY:
        raise ValueError(f'{day} has {shown(value)}, which is no time; write it like "09:00"')
    return minutes


class OpeningHours(BaseModel):
    """Hours of operation.

    Attributes:
        name: Their name.
        time_zone: IANA name of the zone that they are meant in.
        open: From and to (`HH:MM`) of each weekday, the end exclusive, or several such pairs; no
            weekday, closed. One that ends before it begins goes on over midnight; one that ends
            when it begins is 24 hours long. Kept as minutes of the day.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = ""
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(default="UTC", alias="timeZone")
    open: Annotated[Mapping[str, tuple[Interval, ...]], BeforeValidator(_days)] = Field(
        default_factory=dict
    )

    def is_open(self, now: datetime) -> bool:
        """Whether it is open at this moment, by the clocks on the wall there.

        Args:
            now: The moment, with its zone.
        """
        local = now.astimezone(ZoneInfo(self.time_zone))
        minute, weekday = local.hour * 60 + local.minute, local.weekday()
        today = any(
            start <= minute < (end if end > start else _DAY) for start, end in self._on(weekday)
        )
        return today or any(minute < end <= start for start, end in self._on(weekday - 1))

    def _on(self, weekday: int) -> tuple[Interval, ...]:
        return self.open.get(WEEKDAYS[weekday], ())
