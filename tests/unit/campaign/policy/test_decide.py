"""The order of the rules, their reasons, and rules that hold against each other."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.policy.decide import decide
from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger.verdicts import (
    Allow,
    Customer,
    Defer,
    History,
    HoldOut,
    Judge,
    Suppress,
    Suppression,
    Verdict,
)
from tests.unit.campaign.policy.reference import DAYS, Person, Rules, may_be_contacted
from tests.unit.campaign.policy.worlds import customer_of, history_of, policy_of

# A Friday.
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OFFICE = {day: [{"start_time": "09:00", "end_time": "17:00"}] for day in DAYS[:5]}


def customer(**fields: Any) -> Customer:
    known: dict[str, Any] = {"customer_key": "0042", "planned_at": NOON}
    return Customer(**known | fields)


def listed(name: str = "all", until: datetime | None = None) -> History:
    return History((), (Suppression(name, "person", "test", NOON - DAY, until),))


def rules_of(verdict: Verdict) -> list[str]:
    return [str(why.rule) for why in verdict.why]


def values_of(verdict: Verdict) -> list[str]:
    return [why.value for why in verdict.why]


STRICT = OutreachPolicy.model_validate(
    {
        "communication_time": {
            "open_hours": OFFICE,
            "restricted_periods": [
                {"name": "Black Friday", "start_date": "2026-11-27", "end_date": "2026-11-28"}
            ],
            "default_time_zone": "UTC",
        },
        "communication_limits": {"limits": [{"max_count_per_recipient": 1, "frequency": 1}]},
        "expires_after": "P14D",
        "suppression": ["marketing"],
        "hold_out": 0.5,
    }
)


def test_every_rule_that_hits_is_kept_in_order() -> None:
    evening = NOON + timedelta(days=14, hours=8)
    lists = listed("marketing").suppressions + listed().suppressions
    history = History((evening - timedelta(hours=1),), lists)

    verdict = decide(customer(), evening, history, STRICT)

    assert isinstance(verdict, Suppress)
    assert list(map(str, verdict.why)) == [
        "opted_out (all)",
        "opted_out (marketing)",
        "expired (14 days)",
        "frequency_capped (1 in 1 day)",
        "outside_hours (FRIDAY 09:00-17:00)",
    ]


def test_a_restricted_period_comes_before_the_limit_and_the_hours() -> None:
    night = NOON + timedelta(hours=11)

    verdict = decide(customer(), night, History((NOON,)), STRICT)

    assert isinstance(verdict, Defer)
    assert rules_of(verdict) == ["restricted_period", "frequency_capped", "outside_hours"]
    assert values_of(verdict)[0] == "Black Friday"
    # The period ends on Sunday, the day after the contact is before, and Monday's hours come last.
    assert verdict.until == datetime(2026, 11, 30, 9, tzinfo=UTC)


def test_without_rules_everybody_may_be_contacted_always() -> None:
    assert decide(customer(), NOON, History((NOON,)), OutreachPolicy()) == Allow(None)


def test_who_is_on_the_list_all_is_contacted_by_nobody() -> None:
    verdict = decide(customer(), NOON, listed(), OutreachPolicy())

    assert isinstance(verdict, Suppress)
    assert list(map(str, verdict.why)) == ["opted_out (all)"]


def test_a_list_that_the_policy_does_not_name_silences_nobody() -> None:
    assert decide(customer(), NOON, listed("marketing"), OutreachPolicy()) == Allow()
    named = OutreachPolicy(suppression=("marketing",))
    assert isinstance(decide(customer(), NOON, listed("marketing"), named), Suppress)


def test_a_suppression_that_ends_is_waited_for() -> None:
    verdict = decide(customer(), NOON, listed(until=NOON + DAY), OutreachPolicy())

    assert isinstance(verdict, Defer)
    assert verdict.until == NOON + DAY
    assert rules_of(verdict) == ["opted_out"]


def test_a_suppression_that_has_ended_is_none() -> None:
    assert decide(customer(), NOON, listed(until=NOON), OutreachPolicy()) == Allow()


@pytest.mark.parametrize("ends", [DAY, 2 * DAY, 500 * DAY])
def test_a_suppression_that_outlasts_their_time_is_for_good(ends: timedelta) -> None:
    policy = OutreachPolicy(expires_after=DAY)

    verdict = decide(customer(), NOON, listed(until=NOON + ends), policy)

    assert isinstance(verdict, Suppress)
    assert rules_of(verdict) == ["opted_out", "expired"]


def test_their_time_ends_exactly_when_it_says() -> None:
    policy = OutreachPolicy(expires_after=DAY)
    last = NOON + DAY - timedelta(microseconds=1)

    assert decide(customer(), last, History(), policy) == Allow(NOON + DAY)
    assert rules_of(decide(customer(), NOON + DAY, History(), policy)) == ["expired"]


def test_a_window_that_opens_when_their_time_ends_is_too_late() -> None:
    saturday = NOON + DAY
    monday = datetime(2026, 11, 30, 9, tzinfo=UTC)
    fields = {"communication_time": {"open_hours": OFFICE, "default_time_zone": "UTC"}}

    def verdict(lasts: timedelta) -> Verdict:
        policy = OutreachPolicy.model_validate(fields | {"expires_after": lasts})
        return decide(customer(planned_at=saturday), saturday, History(), policy)

    late, in_time = verdict(monday - saturday), verdict(monday - saturday + timedelta(seconds=1))
    assert isinstance(late, Suppress)
    assert rules_of(late) == ["expired", "outside_hours"]
    assert isinstance(in_time, Defer)
    assert in_time.until == monday


def test_two_rules_that_leave_no_time_to_each_other_are_told_as_expired() -> None:
    # Open on Mondays only, and every Monday for more than a year is restricted.
    mondays = [datetime(2026, 11, 30) + week * 7 * DAY for week in range(60)]  # noqa: DTZ001
    policy = OutreachPolicy.model_validate(
        {
            "communication_time": {
                "open_hours": {"MONDAY": OFFICE["MONDAY"]},
                "restricted_periods": [
                    {"name": "Monday", "start_date": day.date(), "end_date": day.date()}
                    for day in mondays
                ],
                "default_time_zone": "Europe/Berlin",
            }
        }
    )

    verdict = decide(customer(), NOON, History(), policy)

    assert isinstance(verdict, Suppress)
    assert list(map(str, verdict.why)) == [
        "expired (not within 400 days)",
        "outside_hours (FRIDAY closed)",
    ]


def test_a_restricted_period_of_years_is_not_waited_for() -> None:
    period = {"name": "closed", "start_date": "2020-01-01", "end_date": "2999-12-31"}
    policy = OutreachPolicy.model_validate(
        {"communication_time": {"restricted_periods": [period], "default_time_zone": "UTC"}}
    )

    verdict = decide(customer(), NOON, History(), policy)

    assert isinstance(verdict, Suppress)
    assert rules_of(verdict) == ["expired", "restricted_period"]


def test_a_restricted_period_that_is_years_away_ends_what_is_allowed_now() -> None:
    period = {"name": "closed", "start_date": "2031-01-01", "end_date": "2031-01-02"}
    policy = OutreachPolicy.model_validate(
        {"communication_time": {"restricted_periods": [period], "default_time_zone": "Asia/Tokyo"}}
    )
    start = datetime(2031, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))

    assert decide(customer(), NOON, History(), policy) == Allow(start)
    assert decide(customer(), start + 2 * DAY, History(), policy) == Allow(None)


# --- hold-out ---


def _held_out_of(policy: OutreachPolicy, now: datetime, history: History = History()) -> set[str]:  # noqa: B008 - frozen
    keys = [str(number) for number in range(200)]
    verdicts = {key: decide(customer(customer_key=key), now, history, policy) for key in keys}
    return {key for key, verdict in verdicts.items() if isinstance(verdict, HoldOut)}


def test_only_who_could_be_contacted_now_is_held_out() -> None:
    in_hours = datetime(2026, 11, 30, 10, tzinfo=UTC)

    assert len(_held_out_of(STRICT, in_hours)) > 50
    assert not _held_out_of(STRICT, in_hours - timedelta(hours=2))
    assert not _held_out_of(STRICT, in_hours, History((in_hours,)))
    assert not _held_out_of(STRICT, in_hours, listed())
    assert not _held_out_of(STRICT, NOON + 15 * DAY)


def test_who_is_held_out_is_told_the_share() -> None:
    policy = OutreachPolicy(hold_out=0.9999)

    verdict = decide(customer(), NOON, History(), policy)

    assert isinstance(verdict, HoldOut)
    assert list(map(str, verdict.why)) == ["held_out (99.99 %)"]


# --- zones ---


@pytest.mark.parametrize("zone", [None, "", "Nowhere/City", "../UTC", "EST"])
def test_whose_clock_is_not_known_is_not_contacted(zone: str | None) -> None:
    policy = OutreachPolicy.model_validate(
        {"communication_time": {"open_hours": OFFICE, "time_zone_column": "zone"}}
    )

    verdict = decide(customer(time_zone=zone), NOON, History(), policy)

    assert isinstance(verdict, Suppress)
    assert list(map(str, verdict.why)) == ["outside_hours (no time zone is known)"]


def test_the_customers_own_clock_counts_before_the_default() -> None:
    policy = OutreachPolicy.model_validate(
        {"communication_time": {"open_hours": OFFICE, "default_time_zone": "UTC"}}
    )

    there = decide(customer(time_zone="Asia/Tokyo"), NOON, History(), policy)
    here = decide(customer(), NOON, History(), policy)

    assert isinstance(there, Defer)
    assert here == Allow(datetime(2026, 11, 27, 17, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "at", "told"),
    [
        ("Asia/Tokyo", "2026-11-27T14:59Z", "FRIDAY 09:00-17:00"),
        ("Asia/Tokyo", "2026-11-27T15:00Z", "SATURDAY closed"),
        ("America/New_York", "2026-11-30T04:59Z", "SUNDAY closed"),
        ("America/New_York", "2026-11-30T05:00Z", "MONDAY 09:00-17:00"),
    ],
)
def test_who_waits_is_told_the_hours_of_the_day_that_it_is_for_them(
    zone: str, at: str, told: str
) -> None:
    fields = {"open_hours": OFFICE, "default_time_zone": zone}
    policy = OutreachPolicy.model_validate({"communication_time": fields})

    verdict = decide(customer(), datetime.fromisoformat(at), History(), policy)

    assert values_of(verdict) == [told]


def test_times_may_come_in_any_zone() -> None:
    berlin, tokyo = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
    # Over the night in which Berlin's clocks are put back: 24 hours are not a day by its clock.
    planned = datetime(2026, 10, 24, 12, tzinfo=berlin)
    policy = OutreachPolicy(expires_after=DAY)

    end = planned.astimezone(UTC) + DAY
    verdict = decide(customer(planned_at=planned), planned.astimezone(tokyo), History(), policy)

    assert verdict == Allow(end)
    assert verdict != Allow((planned + DAY).astimezone(UTC))


# --- all rules together ---


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[datetime], list[datetime | None]]:
    hours = st.integers(-24 * 8, 24 * 2)
    contacts = sorted(NOON + timedelta(hours=at) for at in draw(st.lists(hours, max_size=4)))
    ends = draw(st.lists(st.integers(-2, 20), max_size=2))
    return [at for at in contacts if at <= NOON], [NOON + end * DAY for end in ends]


@given(
    past=histories(),
    zone=st.sampled_from(["America/New_York", "Europe/Berlin", "Asia/Kolkata"]),
    limits=st.sampled_from([(), ((1, DAY),), ((2, 7 * DAY), (1, 2 * DAY))]),
    lasts=st.none() | st.integers(1, 20),
    age=st.integers(0, 10),
)
def test_the_first_instant_at_which_all_rules_allow_it_is_found(
    past: tuple[list[datetime], list[datetime | None]],
    zone: str,
    limits: tuple[tuple[int, timedelta], ...],
    lasts: int | None,
    age: int,
) -> None:
    hours = {"MONDAY": [(600, 660)], "THURSDAY": [(1380, 60)], "SATURDAY": [(0, 30)]}
    friday = (NOON + 7 * DAY).date()
    rules = Rules(hours, ((friday, friday + DAY),), limits, lasts * DAY if lasts else None)
    person = Person(zone, NOON - age * DAY, *past)

    verdict = decide(customer_of(person), NOON, history_of(person), policy_of(rules))

    steps = (NOON + number * timedelta(minutes=30) for number in range(48 * 35))
    first = next((at for at in steps if may_be_contacted(person, rules, at)), None)
    if first is None:
        assert isinstance(verdict, Suppress)
    elif first == NOON:
        assert isinstance(verdict, Allow)
    else:
        assert isinstance(verdict, Defer)
        assert verdict.until == first


# --- the judge ---


def test_the_judge_asks_what_the_policy_says() -> None:
    judge: Judge = PolicyJudge(STRICT)

    assert judge.lists == {"all", "marketing"}
    assert (judge.look_back, judge.group) == (DAY, None)
    assert judge.fingerprint == STRICT.fingerprint
    assert judge.decide(customer(), NOON, listed()) == decide(customer(), NOON, listed(), STRICT)


def test_the_judge_of_no_rules_still_asks_the_list_all() -> None:
    judge = PolicyJudge(OutreachPolicy())

    assert judge.lists == {"all"}
    assert (judge.look_back, judge.fingerprint) == (timedelta(0), "")
    assert isinstance(judge.decide(customer(), NOON, listed()), Suppress)


def test_deciding_about_one_customer_changes_nothing_for_the_next() -> None:
    judge = PolicyJudge(STRICT)
    at = [NOON + number * timedelta(hours=7) for number in range(60)]
    zones = ["Asia/Tokyo", "America/New_York", None]

    once = [judge.decide(customer(time_zone=zone), now, History()) for now in at for zone in zones]
    again = [
        PolicyJudge(STRICT).decide(customer(time_zone=zone), now, History())
        for now in at
        for zone in zones
    ]

    assert once == again
    assert {type(one) for one in once} == {Allow, Defer, Suppress}


def test_deciding_by_one_policy_changes_nothing_for_another() -> None:
    for _ in range(2):
        assert isinstance(decide(customer(), NOON, History(), STRICT), Defer)
        assert decide(customer(), NOON, History(), OutreachPolicy()) == Allow()
        copied = STRICT.model_copy(update={"communication_time": None, "hold_out": 0.0})
        assert isinstance(decide(customer(), NOON, History(), copied), Allow)


def test_what_the_clock_has_put_off_a_coming_link_may_put_off_again() -> None:
    fields = {
        "communication_time": {"open_hours": OFFICE, "default_time_zone": "UTC"},
        "communication_limits": {"limits": [{"max_count_per_recipient": 1, "frequency": 1}]},
    }
    saturday = NOON + DAY
    # On Monday at noon: too near to nine o'clock, and for a day after.
    link = datetime(2026, 11, 30, 12, tzinfo=UTC)

    verdict = decide(customer(), saturday, History((link,)), OutreachPolicy.model_validate(fields))

    assert isinstance(verdict, Defer)
    assert verdict.until == link + DAY
    assert rules_of(verdict) == ["outside_hours"]
