"""Open hours and restricted periods in all zones that there are, near changes of their clocks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from connect_tasks.campaign.policy.decide import Rules as Deciding
from connect_tasks.campaign.policy.zone_names import UnknownZoneError, zone_name
from connect_tasks.ledger.verdicts import Allow, Defer, Suppress
from tests.unit.campaign.policy.reference import DAY, DAYS, Person, Rules, may_be_contacted
from tests.unit.campaign.policy.worlds import customer_of, history_of, policy_of


def _is_known(name: str) -> bool:
    try:
        return zone_name(name) == name
    except UnknownZoneError:
        return False


@cache
def zones() -> Sequence[str]:
    return sorted(name for name in available_timezones() if _is_known(name))


@cache
def changes(zone: str, year: int) -> Sequence[datetime]:
    """The days of a year on which a zone's clocks are changed, about."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(366)]
    ahead = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [day for day, one, other in zip(days, ahead, ahead[1:], strict=False) if one != other]


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int]:
    start = draw(st.integers(0, DAY // 15 - 1)) * 15
    lasts = draw(st.integers(1, DAY // 15 - bool(start))) * 15
    return start, (start + lasts) % DAY or DAY


def _week(window: tuple[int, int], day: int) -> tuple[int, int]:
    start, end = window
    return day * DAY + start, day * DAY + end + (DAY if end <= start else 0)


def without_overlap(hours: dict[str, list[tuple[int, int]]]) -> dict[str, list[tuple[int, int]]]:
    """Those windows that overlap none before them, in the week nor over its end."""
    taken: list[tuple[int, int]] = []
    kept: dict[str, list[tuple[int, int]]] = {}
    for number, day in enumerate(DAYS):
        for window in hours.get(day, ()):
            start, end = _week(window, number)
            moved = [(start + shift, end + shift) for shift in (-7 * DAY, 0, 7 * DAY)]
            if not any(a < d and c < b for a, b in moved for c, d in taken):
                taken.append((start, end))
                kept.setdefault(day, []).append(window)
    return kept


weeks = st.dictionaries(
    st.sampled_from(DAYS), st.lists(windows(), min_size=1, max_size=3), min_size=1
).map(without_overlap)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    zone, year = draw(st.sampled_from(zones())), draw(st.integers(1971, 2037))
    near = changes(zone, year)
    day = draw(st.sampled_from(near)) if near else datetime(year, 2, 28, tzinfo=UTC)
    return zone, day + timedelta(seconds=draw(st.integers(-3 * 86_400, 4 * 86_400)))


@st.composite
def periods(draw: st.DrawFn, near: date) -> tuple[date, date]:
    first = near + timedelta(days=draw(st.integers(-4, 6)))
    return first, first + timedelta(days=draw(st.integers(0, 30)))


SHARES = st.lists(st.floats(0, 1, exclude_max=True), min_size=5, max_size=5)


@settings(max_examples=500)
@given(moment=moments(), hours=st.none() | weeks, shares=SHARES, data=st.data())
def test_a_verdict_holds_until_it_says_and_not_longer(
    moment: tuple[str, datetime],
    hours: dict[str, list[tuple[int, int]]] | None,
    shares: list[float],
    data: st.DataObject,
) -> None:
    zone, now = moment
    restricted = tuple(data.draw(st.lists(periods(now.date()), max_size=3)))
    assume(hours is not None or restricted)
    rules, person = Rules(hours=hours, restricted=restricted), Person(zone, now)

    verdict = Deciding(policy_of(rules)).verdict(customer_of(person), now, history_of(person))

    is_allowed = may_be_contacted(person, rules, now)
    assert isinstance(verdict, Allow) == is_allowed
    assert not isinstance(verdict, Suppress)
    until = getattr(verdict, "until", None)
    end = until or now + timedelta(days=40)
    for share in shares:
        at = min(now + share * (end - now), end - timedelta(microseconds=1))
        assert may_be_contacted(person, rules, at) == is_allowed, at
    if until is not None:
        last = until - timedelta(microseconds=1)
        assert may_be_contacted(person, rules, last) == is_allowed
        assert may_be_contacted(person, rules, until) != is_allowed


DAILY = {day: [(9 * 60, 20 * 60)] for day in DAYS}


EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("hours", [None, DAILY], ids=["always", "daily"])
@given(zone=st.sampled_from(zones()), now=st.datetimes(timezones=st.just(UTC)))
@example(zone="Pacific/Kiritimati", now=LATEST)
@example(zone="Etc/GMT+12", now=EARLIEST)
@example(zone="Asia/Tokyo", now=LATEST - timedelta(days=1))
def test_no_time_is_too_early_or_too_late_to_decide(
    hours: dict[str, list[tuple[int, int]]] | None, zone: str, now: datetime
) -> None:
    far = ((date(9999, 12, 30), date.max),)
    rules = Rules(
        hours=hours,
        restricted=far,
        limits=((1, timedelta(days=30)),),
        expires_after=timedelta(days=999_999_999),
    )
    person = Person(zone, now, (now,), (LATEST,))

    deciding = Deciding(policy_of(rules))
    verdicts = [
        deciding.verdict(customer_of(person), now, history_of(one))
        for one in (person, Person(zone, now, (now,)), Person(zone, now))
    ]

    assert isinstance(verdicts[0], Suppress)
    assert all(one.why for one in verdicts)


@pytest.mark.parametrize(
    ("zone", "window", "opens", "closes"),
    [
        # Berlin, 29 March 2026: after 01:59 comes 03:00.
        ("Europe/Berlin", (150, 300), "2026-03-29T03:30+02:00", "2026-03-29T05:00+02:00"),
        ("Europe/Berlin", (60, 150), "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        ("Europe/Berlin", (120, 300), "2026-03-29T03:00+02:00", "2026-03-29T05:00+02:00"),
        ("Europe/Berlin", (60, 180), "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        # Nothing of it is left on that day, so it opens a week later.
        ("Europe/Berlin", (135, 165), "2026-04-05T02:15+02:00", "2026-04-05T02:45+02:00"),
        # Cairo, 24 April 2026: after 23:59 comes 01:00.
        ("Africa/Cairo", (0, 120), "2026-03-29T00:00+02:00", "2026-03-29T02:00+02:00"),
    ],
)
def test_an_hour_that_is_skipped_is_not_open(
    zone: str, window: tuple[int, int], opens: str, closes: str
) -> None:
    rules = Rules(hours={"SUNDAY": [window]})
    person = Person(zone, datetime(2026, 3, 28, 12, tzinfo=UTC))
    deciding = Deciding(policy_of(rules))

    waits = deciding.verdict(customer_of(person), person.planned_at, history_of(person))
    assert isinstance(waits, Defer)
    then = deciding.verdict(customer_of(person), waits.until, history_of(person))

    assert waits.until == datetime.fromisoformat(opens)
    assert then == Allow(datetime.fromisoformat(closes))


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    # Berlin, 25 October 2026: after 02:59 comes 02:00.
    deciding = Deciding(policy_of(Rules(hours={"SUNDAY": [(60, 150)]})))
    person = Person("Europe/Berlin", datetime(2026, 10, 24, tzinfo=UTC))

    def said(at: str) -> object:
        now = datetime.fromisoformat(at)
        verdict = deciding.verdict(customer_of(person), now, history_of(person))
        return type(verdict).__name__, getattr(verdict, "until", None)

    assert said("2026-10-25T01:00+02:00") == (
        "Allow",
        datetime.fromisoformat("2026-10-25T02:30+02:00"),
    )
    assert said("2026-10-25T02:30+02:00") == (
        "Defer",
        datetime.fromisoformat("2026-10-25T02:00+01:00"),
    )
    assert said("2026-10-25T02:00+01:00") == (
        "Allow",
        datetime.fromisoformat("2026-10-25T02:30+01:00"),
    )


def test_a_leap_day_is_a_day_of_its_own() -> None:
    leap = date(2028, 2, 29)
    deciding = Deciding(policy_of(Rules(restricted=((leap, leap),))))
    person = Person("America/New_York", datetime(2028, 2, 1, tzinfo=UTC))
    now = datetime(2028, 2, 29, 12, tzinfo=UTC)

    before = deciding.verdict(customer_of(person), person.planned_at, history_of(person))
    on = deciding.verdict(customer_of(person), now, history_of(person))

    assert before == Allow(datetime.fromisoformat("2028-02-29T00:00-05:00"))
    assert isinstance(on, Defer)
    assert on.until == datetime.fromisoformat("2028-03-01T00:00-05:00")


def test_whole_days_that_touch_never_close() -> None:
    hours = {day: [(0, DAY)] for day in DAYS}
    deciding = Deciding(policy_of(Rules(hours=hours)))
    person = Person("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC))

    assert deciding.verdict(customer_of(person), person.planned_at, history_of(person)) == Allow(
        None
    )


def test_windows_that_touch_are_one_where_the_hour_between_them_is_skipped() -> None:
    hours = {"SUNDAY": [(0, 150), (150, 600)]}
    deciding = Deciding(policy_of(Rules(hours=hours)))
    person = Person("Europe/Berlin", datetime(2026, 3, 29, 0, tzinfo=UTC))

    verdict = deciding.verdict(customer_of(person), person.planned_at, history_of(person))

    assert verdict == Allow(datetime.fromisoformat("2026-03-29T10:00+02:00"))


def test_a_day_that_a_place_skipped_is_not_waited_for() -> None:
    # Samoa went from 29 to 31 December 2011.
    deciding = Deciding(policy_of(Rules(hours={"FRIDAY": [(540, 600)]})))
    person = Person("Pacific/Apia", datetime(2011, 12, 29, 12, tzinfo=UTC))

    verdict = deciding.verdict(customer_of(person), person.planned_at, history_of(person))

    assert isinstance(verdict, Defer)
    assert verdict.until == datetime.fromisoformat("2012-01-06T09:00+14:00")
