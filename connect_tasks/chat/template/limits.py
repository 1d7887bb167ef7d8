"""Limits of a text: how long, how deep, how wide and how much work, whatever a template asks for.

Templates come from forms, so from people. Each limit is far above what a chat needs, and low enough
that a text ends within a moment and holds little memory.
"""

from decimal import Decimal
from typing import Final

from connect_tasks.chat.template.faults import LimitError

__all__ = [
    "DEEPEST",
    "LONGEST_MESSAGE",
    "LONGEST_SEARCH",
    "LONGEST_SOURCE",
    "LONGEST_TEXT",
    "MOST_PIECES",
    "MOST_STEPS",
    "MOST_TEXTS",
    "MOST_WORK",
    "STEP",
    "WIDEST",
    "kept",
    "too_large",
    "weight",
]

#: Characters of a message of ours, as Amazon takes it in SendMessage.
LONGEST_MESSAGE: Final = 1_024
#: Characters of a template.
LONGEST_SOURCE: Final = 20_000
#: Texts of a template that are filled in.
MOST_TEXTS: Final = 2_000
#: Names, values, operators and tags of a template.
MOST_PIECES: Final = 3_000
#: Levels of brackets, of blocks in blocks, and of lists in lists.
DEEPEST: Final = 50
#: Characters of a cell, of the result, and of every text on the way; and items of a list.
LONGEST_TEXT: Final = 100_000
#: Characters of what is searched for where that takes a comparison of each with each.
LONGEST_SEARCH: Final = 1_000
#: Characters to which a number or text is widened, and digits after the point.
WIDEST: Final = 1_000
#: Digits of a whole number, as bits.
_LARGEST_BITS: Final = 3_322
#: Numbers of a range.
MOST_STEPS: Final = 10_000
#: What one text may take in one row: about a character read or written each.
MOST_WORK: Final = 1_000_000
#: What a step of a loop, a call or a filter takes beside that.
STEP: Final = 20


def too_large(what: str, most: int, unit: str) -> LimitError:
    """Say that something passes a limit.

    Example:
        >>> str(too_large("a text", 1_000, "characters"))
        'a text would be longer than 1,000 characters: write less'
    """
    return LimitError(f"{what} would be longer than {most:,} {unit}: write less")


def kept(value: object) -> object:
    """Let a result of an operation pass unless it is too large.

    Raises:
        LimitError: It has too many characters, items or digits.

    Example:
        >>> kept("Ada")
        'Ada'
    """
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise too_large("a text", LONGEST_TEXT, "characters")
        return value
    if isinstance(value, list | tuple | dict) and len(value) > LONGEST_TEXT:
        raise too_large("a list", LONGEST_TEXT, "items")
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        raise too_large("a number", WIDEST, "digits")
    if isinstance(value, Decimal) and value.is_finite() and _is_long(value):
        raise too_large("a number", WIDEST, "digits")
    return value


def _is_long(value: Decimal) -> bool:
    # A decimal has an exponent of its own: 1E+999999 is short, and its digits are a million.
    return max(abs(value.adjusted()), len(value.as_tuple().digits)) > WIDEST


def weight(value: object, most: int) -> int:
    """How much there is in a value to go through, counted no further than to `most`.

    Raises:
        LimitError: It is nested too deeply.

    Example:
        >>> weight(["ab", [1, 2]], 100)
        7
    """
    if isinstance(value, str):
        return len(value) + 1
    total, level = 0, [value]
    for _ in range(DEEPEST + 1):
        level = _below(level)
        total += sum(len(item) if isinstance(item, str) else 0 for item in level) + len(level)
        if not level or total > most:
            return total + 1
    raise LimitError(f"a list is nested more than {DEEPEST} levels deep: use flatter ones")


def _below(level: list[object]) -> list[object]:
    below: list[object] = []
    for item in level:
        if isinstance(item, list | tuple):
            below.extend(item)
        elif isinstance(item, dict):
            below.extend(item)
            below.extend(item.values())
        if len(below) > MOST_WORK:
            break
    return below
