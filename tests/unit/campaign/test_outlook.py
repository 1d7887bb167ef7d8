"""The outlook: how many may be contacted now, later or never, counted verdict by verdict."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.outlook import Outlook, OutlookCounter, Turning, utc_minute
from connect_tasks.ledger.verdicts import (
    Allow,
    Decision,
    Defer,
    HoldOut,
    Rule,
    Suppress,
    Verdict,
    Why,
)

EVENING = datetime(2026, 11, 27, 21, tzinfo=UTC)
MORNING = datetime(2026, 11, 28, 8, tzinfo=UTC)
TIMES = st.builds(
    lambda minutes, zone: (MORNING + timedelta(minutes=minutes)).astimezone(zone),
    st.floats(-600_000, 600_000),
    st.sampled_from([UTC, timezone.max, timezone(timedelta(hours=5, minutes=45))]),
)
WHYS = st.lists(st.builds(Why, st.sampled_from(Rule)), min_size=1, max_size=3).map(tuple)
VERDICTS = st.lists(
    st.one_of(
        st.builds(Allow, st.none() | TIMES),
        st.builds(Defer, TIMES, WHYS),
        st.builds(Suppress, WHYS),
        st.builds(HoldOut, WHYS),
    )
)


def counted(*verdicts: Verdict, held_out: int = 0) -> Outlook:
    """The first `held_out` of those who wait are held out then."""
    counter = OutlookCounter(EVENING)
    waiting = 0
    for verdict in verdicts:
        waiting += isinstance(verdict, Defer)
        counter.add(verdict, is_held_out=isinstance(verdict, Defer) and waiting <= held_out)
    return counter.outlook()


def defer(rule: Rule, until: datetime = MORNING) -> Defer:
    return Defer(until, (Why(rule),))


def suppress(rule: Rule) -> Suppress:
    return Suppress((Why(rule),))


def test_the_words_say_how_many_now_later_and_never_and_by_which_rules() -> None:
    outlook = counted(
        *[Allow()] * 620,
        *[defer(Rule.OUTSIDE_HOURS)] * 280,
        *[defer(Rule.FREQUENCY_CAPPED, MORNING + timedelta(days=2))] * 20,
        *[suppress(Rule.EXPIRED)] * 30,
        *[suppress(Rule.OPTED_OUT)] * 50,
    )

    assert outlook.words == (
        "Of 1,000 customers 620 may be contacted now, 300 later (280 outside_hours, "
        "20 frequency_capped, first 2026-11-28 08:00 UTC, last 2026-11-30 08:00 UTC), "
        "80 never (50 opted_out, 30 expired)"
    )


def test_who_is_held_out_is_said_and_known_of_those_who_wait() -> None:
    outlook = counted(
        *[Allow()] * 9,
        HoldOut((Why(Rule.HELD_OUT),)),
        *[defer(Rule.OUTSIDE_HOURS)] * 40,
        held_out=4,
    )

    assert outlook.words == (
        "Of 50 customers 9 may be contacted now, 1 is held out, 40 later (outside_hours, "
        "at 2026-11-28 08:00 UTC, 4 of them are held out then)"
    )
    assert outlook.to_contact == 9 + 36


def test_nothing_that_did_not_occur_is_said() -> None:
    assert counted(Allow()).words == "Of 1 customer 1 may be contacted now"
    assert counted().words == "Of 0 customers 0 may be contacted now"


def test_it_is_open_if_everybody_may_be_contacted_now() -> None:
    assert counted().is_open
    assert counted(Allow(), Allow(MORNING)).is_open


@pytest.mark.parametrize(
    "other", [defer(Rule.OUTSIDE_HOURS), suppress(Rule.EXPIRED), HoldOut((Why(Rule.HELD_OUT),))]
)
def test_it_is_not_open_if_somebody_may_not(other: Verdict) -> None:
    assert not counted(Allow(), other).is_open


def test_the_first_rule_that_hit_is_the_reason() -> None:
    both = (Why(Rule.RESTRICTED_PERIOD, "christmas"), Why(Rule.OUTSIDE_HOURS))

    assert counted(Defer(MORNING, both), Suppress(both)) == Outlook(
        as_of=EVENING,
        later={Rule.RESTRICTED_PERIOD: 1},
        never={Rule.RESTRICTED_PERIOD: 1},
        first=MORNING,
        last=MORNING,
        openings=(Turning(MORNING, 1),),
    )


def test_a_quarter_of_an_hour_opens_with_its_latest_time_and_closes_with_its_earliest() -> None:
    times = [MORNING + timedelta(minutes=minutes) for minutes in (3, 14, 0, 15)]

    opens = counted(*(defer(Rule.FREQUENCY_CAPPED, at) for at in times))
    closes = counted(*map(Allow, times))

    assert opens.openings == (Turning(times[1], 3), Turning(times[3], 1))
    assert closes.closings == (Turning(times[2], 3), Turning(times[3], 1))


@given(VERDICTS)
def test_every_customer_is_counted_once(verdicts: list[Verdict]) -> None:
    outlook = counted(*verdicts)

    decisions = Counter(verdict.decision for verdict in verdicts)
    assert outlook.customers == len(verdicts)
    assert outlook.now == decisions[Decision.ALLOW]
    assert outlook.deferred == decisions[Decision.DEFER]
    assert outlook.suppressed == decisions[Decision.SUPPRESS]
    assert outlook.held_out == decisions[Decision.HOLD_OUT]


@given(VERDICTS)
def test_the_openings_are_of_all_who_wait_and_between_the_first_and_the_last(
    verdicts: list[Verdict],
) -> None:
    outlook = counted(*verdicts)

    waits = [verdict.until for verdict in verdicts if isinstance(verdict, Defer)]
    times = [opening.at for opening in outlook.openings]
    assert sum(opening.customers for opening in outlook.openings) == len(waits)
    assert times == sorted(times)
    assert (outlook.first, outlook.last) == (min(waits, default=None), max(waits, default=None))
    assert not times or times[-1] == outlook.last


@given(TIMES)
def test_a_time_is_never_told_before_it_comes(at: datetime) -> None:
    told = datetime.strptime(utc_minute(at), "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)

    assert timedelta(0) <= told - at < timedelta(minutes=1)
