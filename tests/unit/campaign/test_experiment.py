"""Experiments: counts by arm, exact intervals, and no word of a verdict before its time."""

from math import comb
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.experiment import arm_records, count_arms, difference
from connect_tasks.campaign.experiment_words import experiment_words
from connect_tasks.campaign.policy.assignment import is_held_out
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.errors import InputError
from connect_tasks.ledger.arms import ArmMember
from connect_tasks.tables.experiment_table import experiment_frame, known_outcomes

AB = OutreachPolicy.model_validate({"variants": {"a": {"sample": 3}, "b": {"sample": 3}}})


def member(key: str, variant: str | None = None, **what: Any) -> ArmMember:
    done = {
        "is_held_out": False,
        "is_contacted": True,
        "is_settled": True,
        "is_reached": True,
        "is_replied": False,
        "is_opted_out": False,
    }
    return ArmMember(customer_key=key, variant=variant, **{**done, **what})


def some(variant: str, count: int, replied: int = 0) -> list[ArmMember]:
    return [
        member(f"{variant}{number}", variant, is_replied=number < replied)
        for number in range(count)
    ]


def words_of(policy: OutreachPolicy, members: list[ArmMember]) -> str:
    return experiment_words(arm_records(count_arms(members, policy)))


def test_each_arm_is_counted_by_how_far_it_came() -> None:
    members = [
        member("1", "a", is_replied=True, is_opted_out=True),
        member("2", "a", is_reached=False),
        member("3", "a", is_contacted=False, is_settled=False, is_reached=False),
        member("4", "b", is_settled=False),
    ]

    a, b = arm_records(count_arms(members, AB))

    kinds = ("arm", "assigned", "due", "contacted", "reached", "replied", "opted_out")
    assert [a[kind] for kind in kinds] == ["a", 3, 2, 2, 1, 1, 1]
    assert [b[kind] for kind in kinds] == ["b", 1, 1, 1, 1, 0, 0]
    assert (a["reply_rate"], b["reply_rate"]) == (0.5, 0.0)


def test_who_is_to_be_held_out_is_assigned_to_it_before_their_turn_and_due_after() -> None:
    policy = OutreachPolicy(hold_out=0.5)
    keys = [f"{number:04}" for number in range(200)]
    waiting = [member(key, is_contacted=False, is_settled=False, is_reached=False) for key in keys]
    held = [key for key in keys if is_held_out(key, policy)]
    set_aside = [member("x", is_held_out=True, is_contacted=False, is_reached=False)]

    own, out = arm_records(count_arms([*waiting, *set_aside], policy))

    assert (own["arm"], own["assigned"], own["due"]) == ("own", 200 - len(held), 0)
    assert (out["arm"], out["assigned"], out["due"]) == ("held_out", len(held) + 1, 1)
    assert "reply_rate" not in out
    assert "replied" not in out


def test_who_was_contacted_stays_in_their_arm_whatever_the_policy_says_now() -> None:
    policy = OutreachPolicy.model_validate({"hold_out": 0.99, "variants": {"b": {}}})

    arms = count_arms([member(str(number), "a") for number in range(50)], policy)

    assert {name: counts.contacted for name, counts in arms.items()} == {
        "b": 0,
        "a": 50,
        "held_out": 0,
    }


def tail(hits: int, of: int, rate: float) -> float:
    """How probable so many hits or more are, term by term."""
    return sum(comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(hits, of + 1))


@given(of=st.integers(1, 60), share=st.floats(0, 1))
def test_a_rates_interval_is_the_exact_one(of: int, share: float) -> None:
    hits = round(of * share)

    (record,) = arm_records(count_arms(some("a", of, hits), OutreachPolicy(variants={"a": {}})))

    low, high = record["reply_rate_low"], record["reply_rate_high"]
    assert low <= record["reply_rate"] == hits / of <= high
    if hits:
        assert tail(hits, of, low) == pytest.approx(0.025, rel=1e-6)
    if hits < of:
        assert 1 - tail(hits + 1, of, high) == pytest.approx(0.025, rel=1e-6)
    assert (low == 0, high == 1) == (hits == 0, hits == of)


@pytest.mark.parametrize(("first", "second"), [(0.02, 0.02), (0.1, 0.3), (0.5, 0.45), (0.98, 1)])
@pytest.mark.parametrize("of", [5, 17])
def test_a_differences_interval_holds_the_truth_in_95_of_100_at_least(
    first: float, second: float, of: int
) -> None:
    """Over all that may come, each as often as it does."""

    def weight(hits: int, rate: float) -> float:
        return comb(of, hits) * rate**hits * (1 - rate) ** (of - hits)

    held = 0.0
    for one in range(of + 1):
        for other in range(of + 1):
            _, low, high = difference(other, of, one, of)
            if low <= second - first <= high:
                held += weight(one, first) * weight(other, second)

    assert held >= 0.95


@pytest.mark.parametrize("of", [5, 40, 400])
def test_a_differences_interval_is_made_of_exact_ones_of_97_5_percent(of: int) -> None:
    """Of none, the exact upper bound has a closed form."""
    bound = 1 - 0.0125 ** (1 / of)

    assert difference(0, of, 0, of) == pytest.approx((0, -bound, bound))


def test_differences_are_to_the_first_arm_and_of_nobody_contacted_there_are_none() -> None:
    a, b = arm_records(count_arms([*some("a", 10, 1), *some("b", 10, 6)], AB))
    assert "difference" not in a
    assert b["difference"] == pytest.approx(0.5)
    assert b["difference_low"] <= 0.5 <= b["difference_high"]
    _, alone = arm_records(count_arms(some("b", 10, 6), AB))
    assert "difference" not in alone


VERDICTS = ("better", "worse", "wins", "significant", "between", "tell", "against")


@given(a=st.integers(0, 40), b=st.integers(0, 40), replied=st.integers(0, 40))
def test_before_the_samples_are_there_nothing_is_concluded(a: int, b: int, replied: int) -> None:
    told = words_of(AB, [*some("a", a, replied), *some("b", b)])

    is_there = a >= 3 and b >= 3
    assert ("Preliminary" in told) == (not is_there)
    assert ("The planned samples are reached." in told) == is_there
    if not is_there:
        assert not any(word in told for word in VERDICTS)


def test_a_sample_is_there_when_its_contacts_are_settled() -> None:
    open_ones = [member(str(number), "a", is_settled=False) for number in range(3)]

    told = words_of(AB, [*open_ones, *some("b", 3)])

    assert told.startswith("Preliminary: a has 0 of 3 planned; b has 3 of 3 planned.")


def test_after_that_it_is_said_whether_the_data_tell_the_arms_apart() -> None:
    alike = words_of(AB, [*some("a", 10, 4), *some("b", 10, 5)])
    apart = words_of(AB, [*some("a", 100, 5), *some("b", 100, 70)])

    assert "the data do not tell the two apart" in alike
    assert "b against a: reply rate +65.0 points" in apart
    assert "0 is not between them" in apart


def test_an_arm_without_a_planned_sample_keeps_all_preliminary() -> None:
    policy = OutreachPolicy.model_validate({"variants": {"a": {"sample": 3}, "b": {}}})

    told = words_of(policy, [*some("a", 100, 5), *some("b", 100, 70)])

    assert told.startswith("Preliminary: a has 100 of 3 planned; b has no planned sample.")
    assert not any(word in told for word in VERDICTS)


@pytest.mark.parametrize(
    ("awaited", "said"), [(1, "1 transcript is not there yet"), (7, "7 transcripts are not there")]
)
def test_while_transcripts_are_awaited_nothing_is_concluded(awaited: int, said: str) -> None:
    records = arm_records(count_arms([*some("a", 100, 5), *some("b", 100, 70)], AB))

    told = experiment_words(records, awaited=awaited)

    assert told.startswith("Preliminary: ")
    assert said in told
    assert not any(word in told for word in VERDICTS)
    assert "against" in experiment_words(records)


def test_without_a_planned_sample_all_stays_preliminary() -> None:
    policy = OutreachPolicy(variants={"a": {}, "b": {}})

    told = words_of(policy, [*some("a", 1000, 5), *some("b", 1000, 700)])

    assert "preliminary" in told
    assert "between" not in told


def test_who_was_held_out_is_compared_by_what_the_caller_brings() -> None:
    policy = OutreachPolicy(hold_out=0.1)
    bought = {f"a{number}": float(number < 6) for number in range(10)}
    out = [
        member(f"h{number}", is_held_out=True, is_contacted=False, is_reached=False)
        for number in range(10)
    ]
    known = {**bought, **{f"h{number}": float(number < 2) for number in range(8)}}
    contacted = [member(f"a{number}") for number in range(10)]

    arms = count_arms([*contacted, *out], policy, known)
    own, held_out = arm_records(arms, outcomes_are_rates=True)

    assert (own["outcomes_known"], own["outcomes"], own["outcome_rate"]) == (10, 6, 0.6)
    assert (held_out["outcomes_known"], held_out["outcomes"]) == (8, 2)
    assert own["outcome_difference"] == pytest.approx(0.35)
    assert "outcome_difference" not in held_out
    assert "bring what you know" in experiment_words(arm_records(arms))
    assert "bring what you know" not in experiment_words([own, held_out])


def test_whose_turn_has_not_come_has_no_outcome_of_the_experiment() -> None:
    waiting = [member("1", "a", is_contacted=False, is_settled=False, is_reached=False)]

    arms = count_arms(waiting, AB, {"1": 1.0})

    assert arms["a"].outcomes_known == 0


def test_amounts_have_a_mean_and_no_interval_that_would_have_to_be_guessed() -> None:
    arms = count_arms(some("a", 4), AB, {"a0": 10.0, "a1": 20.0})
    record = arm_records(arms, outcomes_are_rates=False)[0]

    assert (record["outcomes_known"], record["outcome_mean"]) == (2, 15.0)
    assert "outcome_rate" not in record


@pytest.mark.parametrize("kind", [None, True, False])
def test_the_tables_columns_are_the_same_also_without_anybody(
    kind: bool | None,  # noqa: FBT001 - the test's parameter
) -> None:
    empty = experiment_frame([], outcomes_are_rates=kind)
    records = arm_records(
        count_arms([*some("a", 5, 1), *some("b", 5)], AB, {"a0": 1.0}), outcomes_are_rates=kind
    )
    full = experiment_frame(records, outcomes_are_rates=kind)

    assert list(empty.dtypes.items()) == list(full.dtypes.items())
    assert full["arm"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("ids", "values", "expected"),
    [
        ([7, 8, 9], [True, False, True], ({"7": 1.0, "8": 0.0, "9": 1.0}, True)),
        (["7", "8"], [True, None], ({"7": 1.0}, True)),
        ([7.0, 8.0], [1.5, None], ({"7": 1.5}, False)),
        (["7", None], [1, 2], ({"7": 1.0}, False)),
    ],
    ids=["truths", "some unknown", "amounts", "nobody's"],
)
def test_outcomes_are_read_by_customer(ids: Any, values: Any, expected: Any) -> None:
    table = pd.DataFrame({"customer_id": ids, "outcome": values})

    assert known_outcomes(table, str) == expected


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"customer_id": ["7"]}, "no column 'outcome'"),
        ({"outcome": [1]}, "customer_id"),
        ({"customer_id": ["7", "7"], "outcome": [1, 2]}, "several outcomes"),
        ({"customer_id": ["7", "7"], "outcome": [1, None]}, "several outcomes"),
        ({"customer_id": ["7", "7"], "outcome": [None, 1]}, "several outcomes"),
        ({"customer_id": ["7"], "outcome": ["yes"]}, "neither true nor false nor a number"),
        ({"customer_id": ["7"], "outcome": [float("inf")]}, "neither true nor false nor a"),
    ],
)
def test_outcomes_that_cannot_be_used_are_refused(table: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        known_outcomes(pd.DataFrame(table), str)


@pytest.mark.parametrize(
    "outcomes", [[True], {"7": True}, pd.Series([True]), "bought.csv", 3], ids=repr
)
def test_outcomes_that_are_no_table_are_refused(outcomes: Any) -> None:
    with pytest.raises(InputError, match="give a DataFrame with the columns 'customer_id'"):
        known_outcomes(outcomes, str)
