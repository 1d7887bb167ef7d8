"""Regular expressions that people write into files: matched within a time, whatever they are."""

import math
import re
from functools import lru_cache
from typing import Any

import regex

__all__ = ["SlowPatternError", "compile_pattern", "whole_match"]

_SECONDS = 0.25
"""What one comparison may take; a pattern that takes longer backtracks for ever."""


_LONGEST = 2_000
_MOST_REPEATS = 100_000
_REPEAT = re.compile(r"\{(\d{1,30})")
"""A pattern is as large in memory as what it repeats at least, multiplied where it is nested."""


class SlowPatternError(Exception):
    """A pattern took too long for a text.

    Attributes:
        pattern: The pattern.
    """

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self.pattern = pattern


@lru_cache(maxsize=1_000)
def compile_pattern(pattern: str) -> Any:
    """A pattern, made ready once; case does not count.

    Raises:
        ValueError: It is no regular expression, or too large; the message says why.
    """
    repeats = math.prod(max(int(count), 1) for count in _REPEAT.findall(pattern[:_LONGEST]))
    if len(pattern) > _LONGEST or repeats > _MOST_REPEATS:
        raise ValueError(f"the pattern {pattern[:60]!r} is too large")
    try:
        return regex.compile(pattern, regex.IGNORECASE)
    except regex.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    except (RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern {pattern[:60]!r} is nested too deep") from error


def whole_match(pattern: str, text: str) -> Any:
    """The match of a whole text, or None.

    Raises:
        SlowPatternError: It is not known within a quarter of a second.
    """
    try:
        return compile_pattern(pattern).fullmatch(text, timeout=_SECONDS)
    except TimeoutError as error:
        raise SlowPatternError(pattern) from error
