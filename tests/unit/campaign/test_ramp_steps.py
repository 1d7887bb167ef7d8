"""The steps of a ramp: the numbers of the facts, and the rule that few contacts halt it by much."""

from math import comb
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.ramp import Ramp
from connect_tasks.campaign.ramp_steps import check_ramp, ramp_words, step_verdict, steps_of
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.ramps import RampDecision, StepCounts


def counts(of: int, **kinds: int) -> StepCounts:
    return StepCounts(step=1, steps=2, contacts=of, **kinds)


@pytest.mark.parametrize("kind", ["errors", "opt_outs", "refusals"])
@pytest.mark.parametrize(("hits", "of"), [(3, 20), (4, 50), (8, 200)])
def test_two_percent_are_surely_exceeded_from_these_numbers_on(
    kind: str, hits: int, of: int
) -> None:
    ramp = Ramp(steps=(50,))

    halted = step_verdict(ramp, counts(of, **{kind: hits}))
    fine = step_verdict(ramp, counts(of, **{kind: hits - 1}))

    assert (halted.decision, halted.rule) == (RampDecision.HALT, kind)
    assert fine.decision is RampDecision.GO_ON


@given(of=st.integers(1, 300), share=st.floats(0, 1), most=st.floats(0.001, 0.5))
def test_it_halts_where_as_many_would_come_by_chance_less_often_than_in_one_of_twenty(
    of: int, share: float, most: float
) -> None:
    """The definition of the exact bound, summed up term by term."""
    hits = round(share * of)
    by_chance = sum(comb(of, k) * most**k * (1 - most) ** (of - k) for k in range(hits, of + 1))
    if abs(by_chance - 0.05) < 1e-9:
        return

    verdict = step_verdict(Ramp(steps=(5,), most_errors=most), counts(of, errors=hits))

    assert (verdict.decision is RampDecision.HALT) == (by_chance < 0.05)


def test_all_limits_that_are_exceeded_are_told_first_and_the_others_too() -> None:
    ramp = Ramp(steps=(50,), most_errors=0.5)

    verdict = step_verdict(ramp, counts(20, errors=2, opt_outs=10, refusals=5))

    assert verdict.rule == "opt_outs"
    assert [reason.split()[0] for reason in verdict.reasons] == ["opt-outs", "refusals", "errors"]
    assert verdict.reasons[2] == "errors 2 of 20 (10.0 %): at most 50 % are allowed"


def test_what_has_no_limit_halts_nothing() -> None:
    ramp = Ramp(steps=(50,), most_errors=None)

    verdict = step_verdict(ramp, counts(20, errors=20))

    assert verdict.decision is RampDecision.GO_ON
    assert verdict.reasons[0] == "errors 20 of 20 (100.0 %): no limit"


def test_by_hand_it_asks_where_nothing_is_exceeded_and_halts_where_something_is() -> None:
    ramp = Ramp(steps=(50,), approval="by_hand")

    assert step_verdict(ramp, counts(50)).decision is RampDecision.ASK
    assert step_verdict(ramp, counts(50, errors=9)).decision is RampDecision.HALT


def test_a_step_without_contacts_is_none_to_halt_by() -> None:
    assert step_verdict(Ramp(steps=(50,)), counts(0)).decision is RampDecision.GO_ON


@given(
    shares=st.lists(st.floats(0.0001, 0.9999), min_size=1, max_size=5, unique=True).map(sorted),
    customers=st.integers(0, 10**7),
)
def test_steps_that_are_shares_begin_somebody_and_never_more_than_a_customer_above(
    shares: list[float], customers: int
) -> None:
    steps = steps_of(OutreachPolicy.model_validate({"ramp": shares}), lambda: customers)

    assert steps is not None
    assert list(steps.caps) == sorted(steps.caps)
    for cap, share in zip(steps.caps, shares, strict=True):
        assert cap >= 1
        assert cap == 1 or share * customers - 1e-3 <= cap < share * customers + 1


def test_customers_are_not_counted_where_steps_are_numbers() -> None:
    def never() -> int:
        raise AssertionError

    steps = steps_of(OutreachPolicy(ramp=(5, 50)), never)

    assert steps is not None
    assert steps.caps == (5, 50)
    assert steps_of(OutreachPolicy(), never) is None


def test_where_people_start_their_chats_a_ramp_is_refused() -> None:
    with pytest.raises(InputError, match="invite some customers first"):
        check_ramp(OutreachPolicy(ramp=(5,)), CampaignMode.INVITATION)
    check_ramp(OutreachPolicy(), CampaignMode.INVITATION)
    check_ramp(OutreachPolicy(ramp=(5,)), CampaignMode.HAND_OVER)


@pytest.mark.parametrize(
    ("ramp", "words"),
    [
        (None, ""),
        ((20,), "by its ramp the first 20, then looked at, then all others"),
        (
            (0.01,),
            "by its ramp the first 1 %, then looked at, then all others",
        ),
        (
            {"steps": (1_000,), "approval": "by_hand"},
            "by its ramp the first 1,000, then looked at and approved by hand, then all others",
        ),
    ],
)
def test_how_a_campaign_begins_is_said_in_words(ramp: Any, words: str) -> None:
    assert ramp_words(OutreachPolicy.model_validate({"ramp": ramp})) == words


def test_of_many_steps_the_first_are_said() -> None:
    told = ramp_words(OutreachPolicy(ramp=tuple(range(1, 11))))

    assert told.endswith("the first 3, then looked at, and so on in 10 steps, then all others")
