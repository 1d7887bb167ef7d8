"""Exact binomial bounds: what a rate surely is at least, or at most, by what was counted.

Clopper and Pearson's: no approximation that fails where few were counted. In pure Python: scipy
would be a dependency for three functions.
"""

import math
from collections.abc import Callable

__all__ = ["interval", "lower_bound", "upper_bound"]

_TINY = 1e-300
_PRECISE = 1e-15
_MOST_TERMS = 100_000
_HALVINGS = 200


def lower_bound(hits: int, of: int, confidence: float = 0.95) -> float:
    """The rate that is surely reached: a lower one gives so many hits too seldom.

    Args:
        hits: How often it happened.
        of: Of how many.
        confidence: How sure, on this side alone, above 0 and below 1.

    Raises:
        ValueError: There are more hits than tries, or fewer than none, or it can never be so sure.

    Example:
        >>> round(lower_bound(3, 20), 3), round(lower_bound(1, 5), 3), lower_bound(0, 5)
        (0.042, 0.01, 0.0)
    """
    _check(hits, of, confidence)
    if hits == 0:
        return 0.0
    if hits == of:
        return float((1 - confidence) ** (1 / of))
    return _solve(lambda rate: _beta(rate, hits, of - hits + 1), 1 - confidence)


def upper_bound(hits: int, of: int, confidence: float = 0.95) -> float:
    """The rate that is surely not exceeded: a higher one gives so few hits too seldom.

    Args:
        hits: How often it happened.
        of: Of how many.
        confidence: How sure, on this side alone, above 0 and below 1.

    Raises:
        ValueError: There are more hits than tries, or fewer than none, or it can never be so sure.

    Example:
        >>> round(upper_bound(0, 20), 3), upper_bound(5, 5), upper_bound(0, 0)
        (0.139, 1.0, 1.0)
    """
    _check(hits, of, confidence)
    return 1 - lower_bound(of - hits, of, confidence)


def interval(hits: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Between which a rate is, so sure on both sides together.

    Args:
        hits: How often it happened.
        of: Of how many.
        confidence: How sure, above 0 and below 1.

    Raises:
        ValueError: There are more hits than tries, or fewer than none, or it can never be so sure.

    Example:
        >>> [round(bound, 3) for bound in interval(2, 20)]
        [0.012, 0.317]
    """
    one_side = (1 + confidence) / 2
    return lower_bound(hits, of, one_side), upper_bound(hits, of, one_side)


def _check(hits: int, of: int, confidence: float) -> None:
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} of {of} cannot be counted")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be above 0 and below 1, not {confidence}")


def _solve(rising: Callable[[float], float], level: float) -> float:
    """Where a function that rises from 0 to 1 between 0 and 1 reaches a level."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if high - low <= _PRECISE * middle or middle in {low, high}:
            break
        if rising(middle) < level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function: here, how probable `a` hits or more are."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    # The fraction comes to its end fast on one side of the middle only.
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_below(1 - x, b, a)
    return _beta_below(x, a, b)


def _beta_below(x: float, a: float, b: float) -> float:
    ways = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(ways + a * math.log(x) + b * math.log1p(-x)) / a
    return front * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the beta function, by Lentz's method (DLMF 8.17.22)."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISE:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
