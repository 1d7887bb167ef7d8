from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connect_tasks.emulator.flows.world.opening_hours import WEEKDAYS, OpeningHours

# A Monday.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TIMES = st.times().map(lambda value: value.replace(second=0, microsecond=0))


def hours(given_open: Any, zone: str = "UTC") -> OpeningHours:
    return OpeningHours.model_validate({"timeZone": zone, "open": given_open})


def at(text: str, *, day: int = 0) -> datetime:
    return datetime.combine(MONDAY.date(), time.fromisoformat(text), UTC) + timedelta(days=day)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (at("08:59:59"), False),
        (at("09:00"), True),
        (at("16:59:59.999999"), True),
        (at("17:00"), False),
        (at("12:00", day=1), False),
        (at("12:00", day=-1), False),
        (at("12:00", day=7), True),
    ],
    ids=str,
)
def test_the_end_of_an_interval_is_outside_and_its_beginning_inside(
    moment: datetime, *, is_open: bool
) -> None:
    assert hours({"MONDAY": ["09:00", "17:00"]}).is_open(moment) is is_open


def test_no_weekday_is_closed() -> None:
    assert not any(hours({}).is_open(at("12:00", day=day)) for day in range(7))
    assert not hours({"MONDAY": []}).is_open(at("12:00"))


def test_a_weekday_has_as_many_intervals_as_it_likes() -> None:
    lunch = hours({"MONDAY": [["09:00", "12:00"], ["13:00", "17:00"]]})
    moments = ["11:59", "12:00", "12:59", "13:00"]

    assert [lunch.is_open(at(text)) for text in moments] == [True, False, False, True]


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (at("21:59"), False),
        (at("22:00"), True),
        (at("23:59"), True),
        (at("00:00", day=1), True),
        (at("05:59", day=1), True),
        (at("06:00", day=1), False),
        (at("00:00"), False),
        (at("22:00", day=1), False),
    ],
    ids=str,
)
def test_what_ends_before_it_begins_goes_on_over_midnight(
    moment: datetime, *, is_open: bool
) -> None:
    assert hours({"MONDAY": ["22:00", "06:00"]}).is_open(moment) is is_open


def test_the_night_of_sunday_goes_on_into_monday() -> None:
    night = hours({"SUNDAY": ["22:00", "06:00"]})

    assert (night.is_open(at("05:00")), night.is_open(at("06:00"))) == (True, False)


@pytest.mark.parametrize("pair", [["00:00", "00:00"], ["00:00", "24:00"]])
def test_from_midnight_to_midnight_is_the_whole_day_and_nothing_else(pair: list[str]) -> None:
    whole = hours({"MONDAY": pair})
    moments = [at("23:59", day=-1), at("00:00"), at("23:59:59"), at("00:00", day=1)]

    assert [whole.is_open(moment) for moment in moments] == [False, True, True, False]


@given(start=TIMES, end=TIMES, minutes=st.integers(0, 7 * 24 * 60 - 1))
def test_an_interval_is_as_long_as_from_its_beginning_to_its_next_end(
    start: time, end: time, minutes: int
) -> None:
    length = (end.hour * 60 + end.minute - start.hour * 60 - start.minute) % (24 * 60) or 24 * 60
    since = (minutes - start.hour * 60 - start.minute) % (7 * 24 * 60)
    place = hours({"MONDAY": [start.strftime("%H:%M"), end.strftime("%H:%M")]})

    assert place.is_open(MONDAY + timedelta(minutes=minutes)) is (since < length)


def test_it_is_open_by_the_clocks_on_the_wall_there_summer_and_winter() -> None:
    berlin = hours({day: ["09:00", "17:00"] for day in WEEKDAYS}, "Europe/Berlin")
    winter = datetime(2026, 3, 27, 7, 59, 59, tzinfo=UTC)
    summer = datetime(2026, 3, 30, 7, 0, tzinfo=UTC)

    assert (berlin.is_open(winter), berlin.is_open(summer)) == (False, True)
    assert berlin.is_open(winter + timedelta(seconds=1))
    assert not berlin.is_open(summer - timedelta(seconds=1))


def test_the_weekday_is_that_of_the_place() -> None:
    auckland = hours({"TUESDAY": ["09:00", "17:00"]}, "Pacific/Auckland")

    assert auckland.is_open(datetime(2026, 3, 2, 21, tzinfo=UTC))
    assert auckland.is_open(datetime(2026, 3, 3, 9, tzinfo=ZoneInfo("Pacific/Auckland")))


def test_weekdays_are_read_in_any_case_and_times_of_toml_without_quotes() -> None:
    assert hours({"Monday": [time(9), time(17)]}) == hours({"MONDAY": ["9:00", "17:00"]})


@pytest.mark.parametrize(
    ("given_open", "said"),
    [
        ({"MONTAG": ["09:00", "17:00"]}, "there is no weekday 'MONTAG'; did you mean 'MONDAY'?"),
        ({"MONDAY": [], "monday": []}, "MONDAY is there twice"),
        ({"MONDAY": ["09:00"]}, "MONDAY must be two times like"),
        ({"MONDAY": "09:00-17:00"}, "MONDAY must be two times like"),
        ({"MONDAY": None}, "MONDAY must be two times like"),
        ({"MONDAY": [["09:00", "12:00"], "13:00"]}, "MONDAY must be two times like"),
        ({"MONDAY": ["9", "17"]}, "MONDAY has '9', which is no time"),
        ({"MONDAY": ["09:00", "24:01"]}, "MONDAY has '24:01', which is no time"),
        ({"MONDAY": ["09:00", "17:60"]}, "MONDAY has '17:60', which is no time"),
        ({"MONDAY": [9, 17]}, "MONDAY has 9, which is no time"),
        ([], 'must be an object like {"MONDAY": ["09:00", "17:00"]}'),
    ],
    ids=str,
)
def test_what_is_no_interval_of_a_weekday_is_refused(given_open: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=r"1 validation error") as refused:
        hours(given_open)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("europe/berlin", "did you mean 'Europe/Berlin'?"),
        ("Europe", "there is no time zone 'Europe'"),
        ("", "there is no time zone ''"),
        ("../../etc/passwd", "there is no time zone"),
        ("/etc/localtime", "there is no time zone"),
        ("a\0b", "there is no time zone"),
        ("x" * 5_000, "there is no time zone"),
        ("Zürich", "there is no time zone"),
    ],
    ids=lambda value: value[:20].replace("\0", "0"),
)
def test_a_time_zone_that_nobody_knows_is_refused(zone: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        hours({}, zone)

    assert said in str(refused.value)
