"""Exact bounds, against published values and against the definition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.policy.binomial import interval, lower_bound, upper_bound


@pytest.mark.parametrize(("hits", "of"), [(3, 20), (4, 50), (8, 200)])
def test_a_limit_of_2_percent_is_surely_exceeded_from_so_many_on(hits: int, of: int) -> None:
    assert lower_bound(hits, of) > 0.02
    assert lower_bound(hits - 1, of) <= 0.02


def test_one_of_five_is_surely_one_percent() -> None:
    # Where Wilson's approximation has 4.6 %.
    assert lower_bound(1, 5) == pytest.approx(0.010206, abs=1e-6)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, Clopper-Pearson.
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0000, 0.1684),
        (1, 29, 0.0009, 0.1776),
        # R's binom.test(682, 925), its own example.
        (682, 925, 0.7076683, 0.7654066),
    ],
)
def test_intervals_are_the_published_ones(hits: int, of: int, low: float, high: float) -> None:
    digits = 5e-5 if of < 900 else 5e-8

    assert interval(hits, of) == pytest.approx((low, high), abs=digits)


def tail(hits: int, of: int, rate: float) -> float:
    """The probability of so many hits or more, added up."""
    return math.fsum(
        math.comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(hits, of + 1)
    )


@given(st.data())
def test_at_the_bound_so_many_hits_are_just_too_seldom(data: st.DataObject) -> None:
    of = data.draw(st.integers(1, 200))
    hits = data.draw(st.integers(1, of))
    confidence = data.draw(st.sampled_from([0.5, 0.9, 0.95, 0.975, 0.999]))

    low, high = lower_bound(hits, of, confidence), upper_bound(hits - 1, of, confidence)

    assert tail(hits, of, low) == pytest.approx(1 - confidence, rel=1e-6)
    assert 1 - tail(hits, of, high) == pytest.approx(1 - confidence, rel=1e-6)


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from([0.5, 0.95, 0.9999]))
def test_bounds_lie_around_the_rate(some: int, of: int, confidence: float) -> None:
    hits = min(some, of)
    low, high = lower_bound(hits, of, confidence), upper_bound(hits, of, confidence)

    assert 0 <= low <= hits / of + 1e-12
    assert hits / of - 1e-12 <= high <= 1


@given(st.integers(2, 10**6), st.data())
def test_more_hits_of_as_many_bring_the_bound_up(of: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(1, of))

    assert lower_bound(hits - 1, of) < lower_bound(hits, of)


@pytest.mark.parametrize("of", [1, 10, 10**6])
def test_none_and_all_have_the_ends(of: int) -> None:
    assert lower_bound(0, of) == 0
    assert upper_bound(of, of) == 1
    # The rule of three: 3 / n is nearly where none of n is just too seldom.
    assert upper_bound(0, of) == pytest.approx(1 - 0.05 ** (1 / of), rel=1e-9)
    assert lower_bound(of, of) == pytest.approx(0.05 ** (1 / of), rel=1e-9)


def test_nothing_is_known_of_nobody() -> None:
    assert interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # The normal approximation, good to five digits of so many.
        (500_000, 10**6, 0.5 - 1.959964 * 0.0005, 0.5 + 1.959964 * 0.0005),
        # Poisson's: of one hit, 0.02532 and 5.57164.
        (1, 10**6, 0.0253178e-6, 5.5716434e-6),
    ],
)
def test_a_million_is_no_trouble(hits: int, of: int, low: float, high: float) -> None:
    assert interval(hits, of) == pytest.approx((low, high), rel=1e-5)


@pytest.mark.parametrize(
    ("hits", "of", "confidence"),
    [(-1, 5, 0.95), (6, 5, 0.95), (0, -1, 0.95), (1, 5, 0.0), (1, 5, 1.0), (1, 5, math.nan)],
)
def test_what_cannot_be_counted_is_refused(hits: int, of: int, confidence: float) -> None:
    for bound in (lower_bound, upper_bound):
        with pytest.raises(ValueError, match=r"cannot be counted|confidence"):
            bound(hits, of, confidence)
