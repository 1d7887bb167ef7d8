"""What a cell with a time zone may hold."""

import math
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws.problems import Problem
from connect_tasks.campaign.policy.communication_time import CommunicationTime
from connect_tasks.campaign.policy.zones import zone_of

MONDAY = {"MONDAY": [{"start_time": "09:00", "end_time": "17:00"}]}
WITH_DEFAULT = CommunicationTime.model_validate(
    {"open_hours": MONDAY, "default_time_zone": "Asia/Tokyo", "time_zone_column": "zone"}
)
WITHOUT = CommunicationTime.model_validate({"open_hours": MONDAY, "time_zone_column": "zone"})


@pytest.mark.parametrize(
    ("value", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/BERLIN\n", "Europe/Berlin"),
        ("america/new york", "America/New_York"),
        ("utc", "UTC"),
        ("US/Eastern", "US/Eastern"),
        (ZoneInfo("Europe/Paris"), "Europe/Paris"),
    ],
)
def test_a_zone_is_known_however_it_is_written(value: Any, zone: str) -> None:
    assert zone_of(value, WITHOUT) == zone


EMPTY = [None, "", "  ", math.nan, pd.NA, pd.NaT]


@pytest.mark.parametrize("value", EMPTY, ids=repr)
def test_an_empty_cell_has_the_default(value: Any) -> None:
    assert zone_of(value, WITH_DEFAULT) == "Asia/Tokyo"


@pytest.mark.parametrize("value", EMPTY, ids=repr)
def test_an_empty_cell_without_a_default_is_the_rows_error(value: Any) -> None:
    assert zone_of(value, WITHOUT) == Problem("zone", "", "is required")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("Europe/Berln", "did you mean 'Europe/Berlin'"),
        ("+02:00", "offset"),
        ("UTC+2", "offset"),
        ("GMT -05:30", "offset"),
        ("\N{MINUS SIGN}5", "offset"),
        ("2", "offset"),
        ("EST", "America/New_York"),
        ("hst", "Pacific/Honolulu"),
        ("10001", "offset"),
        ("../Europe/Berlin", "no time zone"),
        ("/usr/share/zoneinfo/UTC", "no time zone"),
        ("right/UTC", "no time zone"),
        ("localtime", "no time zone"),
        ("Factory", "no time zone"),
        ("UTC\0", "no time zone"),
        ("\ud800", "no time zone"),
        ("none", "no time zone"),
        (2, "as a text"),
        (1.5, "as a text"),
        (True, "as a text"),
        (["Europe/Berlin"], "as a text"),
        (b"UTC", "as a text"),
    ],
)
def test_what_is_no_zone_is_the_rows_error_whatever_the_default_is(value: Any, says: str) -> None:
    for time in (WITHOUT, WITH_DEFAULT):
        problem = zone_of(value, time)

        assert isinstance(problem, Problem)
        assert problem.field == "zone"
        assert says in problem.rule
        assert len(problem.value) <= 60


@given(st.text() | st.sampled_from(sorted(available_timezones())))
def test_what_is_taken_for_a_zone_can_be_read(value: str) -> None:
    zone = zone_of(value, WITHOUT)

    if not isinstance(zone, Problem):
        assert ZoneInfo(zone).key == zone
        assert zone.casefold() == "_".join(value.split()).casefold()
        assert zone_of(zone, WITHOUT) == zone


def test_all_places_are_known() -> None:
    refused = {
        name for name in available_timezones() if isinstance(zone_of(name, WITHOUT), Problem)
    }

    # Hours that are the same all year, which people write and mean their place; and no zones.
    assert refused <= {"EST", "MST", "HST", "localtime", "Factory", "posixrules"}
