"""Whom one may contact, minute by minute, written from the facts and from nothing of the package.

- Open hours are read off the customer's own clock: a window is open from its start up to, and not
  at, its end; one that ends at or before its start ends the day after. An hour that comes twice
  counts twice, one that is skipped not at all; a window whose start is skipped opens where
  `zoneinfo` puts that start (02:30 becomes 03:30). Windows that touch are one.
- A restricted period is made of whole days of the customer's calendar, both ends included.
- A limit counts the contacts of the last so many hours, whatever days they fall on.
- From a time after their planning on, nobody is contacted; nor is who is on a list that counts, as
  long as they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
DAY = 1_440
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Rules:
    """A policy in plain values: windows as (start, end) in minutes by weekday."""

    hours: Mapping[str, Sequence[tuple[int, int]]] | None = None
    restricted: Sequence[tuple[date, date]] = ()
    limits: Sequence[tuple[int, timedelta]] = ()
    expires_after: timedelta | None = None


@dataclass(frozen=True)
class Person:
    zone: str
    planned_at: datetime
    contacts: Sequence[datetime] = ()
    suppressed_until: Sequence[datetime | None] = ()


def may_be_contacted(person: Person, rules: Rules, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(person.zone))
    return (
        all(until is not None and now >= until for until in person.suppressed_until)
        and not (rules.expires_after and now >= person.planned_at + rules.expires_after)
        and not any(first <= local.date() <= last for first, last in rules.restricted)
        and all(
            sum(now - period < contact <= now for contact in person.contacts) < most
            for most, period in rules.limits
        )
        and (rules.hours is None or _is_open(rules.hours, local))
    )


def minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    for number in range((end - start) // MINUTE):
        yield start + number * MINUTE


def _is_open(hours: Mapping[str, Sequence[tuple[int, int]]], local: datetime) -> bool:
    shown = 60 * local.hour + local.minute
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    for start, end in hours.get(DAYS[today.weekday()], ()):
        is_in = start <= shown if end <= start else start <= shown < end
        if is_in and _has_begun(hours, today, start, local):
            return True
    for start, end in hours.get(DAYS[yesterday.weekday()], ()):
        if end <= start and shown < end and _has_begun(hours, yesterday, start, local):
            return True
    return False


def _has_begun(
    hours: Mapping[str, Sequence[tuple[int, int]]], day: date, start: int, local: datetime
) -> bool:
    if day.weekday() * DAY + start in set(_ends(hours)):
        return True
    begins = datetime.combine(day, time(*divmod(start, 60)), tzinfo=local.tzinfo)
    return local.astimezone(UTC) >= begins.astimezone(UTC)


def _ends(hours: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[int]:
    for number, day in enumerate(DAYS):
        for start, end in hours.get(day, ()):
            yield (number * DAY + end + (DAY if end <= start else 0)) % (7 * DAY)
