"""Chance: what distributions by percentage draw, so that a run can be repeated."""

import random
from collections.abc import Callable, Iterable

__all__ = ["chance", "checked"]

_MOST = 100


def checked(draws: Iterable[int]) -> tuple[int, ...]:
    """The same draws, if each can be one.

    Raises:
        ValueError: One is no whole number from 1 to 100.
    """
    drawn = tuple(draws)
    for number in drawn:
        if type(number) is not int or not 1 <= number <= _MOST:
            raise ValueError(f"a draw is a whole number from 1 to {_MOST}, not {number!r:.60}")
    return drawn


def chance(seed: str, draws: Iterable[int] = ()) -> Callable[[], int]:
    """Whole numbers from 1 to 100: those given, then what follows from the seed."""
    given = iter(draws)
    # S311: it has to be repeatable, not secret.
    source = random.Random(seed)  # noqa: S311
    return lambda: next(given, None) or source.randint(1, _MOST)
