"""When to look for transcripts, and where: pure arithmetic."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.collection.following import spans
from connect_tasks.campaign.collection.look_schedule import next_look
from connect_tasks.campaign.collection.transcripts import sweep

ENDED = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SINCE = st.timedeltas(timedelta(0), timedelta(days=40))


def test_who_looks_in_time_looks_after_1_2_5_and_15_minutes_and_then_daily() -> None:
    now, looks = ENDED, []
    while (following := next_look(ENDED, now)) is not None:
        looks.append(following - ENDED)
        now = following

    assert looks[:4] == [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15)]
    assert looks[4:-1] == [timedelta(minutes=15) + DAY * n for n in range(1, 30)]
    assert looks[-1] == timedelta(days=30)


@given(SINCE, st.integers(min_value=1, max_value=60))
def test_the_next_look_is_later_within_a_day_and_never_after_the_last(
    passed: timedelta, days: int
) -> None:
    now, last = ENDED + passed, ENDED + timedelta(days=days)
    following = next_look(ENDED, now, timedelta(days=days))

    if now >= last:
        assert following is None
    else:
        assert following is not None
        assert now < following <= min(last, now + DAY)


@given(st.integers(min_value=1, max_value=10), SINCE)
def test_the_sooner_after_the_end_the_sooner_it_is_looked_again(
    minutes: int, passed: timedelta
) -> None:
    early = next_look(ENDED, ENDED + timedelta(minutes=minutes))
    assert early is not None
    assert early - ENDED <= timedelta(minutes=15)
    # Clocks differ: an end that is still to come is no reason to look in the past.
    ahead = next_look(ENDED + passed, ENDED)
    assert ahead is not None
    assert ahead > ENDED


DAYS = st.dictionaries(
    st.dates(date(2026, 1, 1), date(2026, 2, 1)), st.integers(min_value=1, max_value=99)
)


@given(DAYS, st.dates(date(2026, 1, 1), date(2026, 3, 1)))
def test_each_day_and_the_one_after_it_is_listed_once_in_order(
    began: dict[date, int], today: date
) -> None:
    found = sweep(Counter(began), today)
    days = [day for day, _ in found]

    assert days == sorted(set(days))
    assert set(began) <= set(days)
    assert all(day <= today or day in began for day in days)
    assert {day + DAY for day in began if day + DAY <= today} <= set(days)
    # As many chats as may have their file there: those of the day, and of the one before it.
    assert found == [(day, began.get(day, 0) + began.get(day - DAY, 0)) for day in days]


@given(SINCE, SINCE)
def test_a_search_covers_its_time_without_a_gap_and_four_weeks_at_a_time(
    first: timedelta, second: timedelta
) -> None:
    since, until = ENDED + first, ENDED + first + second
    found = list(spans(since, until))

    assert [begin for begin, _ in found[1:]] == [end for _, end in found[:-1]]
    assert all(timedelta(0) < end - begin <= timedelta(weeks=4) for begin, end in found)
    if found:
        assert (found[0][0], found[-1][1]) == (since, until)
    else:
        assert since == until
