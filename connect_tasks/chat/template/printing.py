"""Printing: what a value is in a text that customers read, or why it is nothing to read.

Every way from a value to a text ends here: `{{ value }}`, `~`, `%`, `format`, `join` and the
filters. Texts, numbers, truth values, dates and times are printed, and nothing else.
"""

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from jinja2.runtime import Undefined

from connect_tasks.chat.template.faults import Place, UnfitIdError, UnprintableError
from connect_tasks.chat.template.limits import kept

__all__ = [
    "ABSENT",
    "fit_for_id",
    "printed",
    "printed_id",
    "unprintable",
    "whole",
    "wrong_kind",
]

#: Beyond it a float no longer tells a whole number from the next.
_EXACT = 2.0**53
# Most numbers are, and need no closer look.
_SMALL = 10**18
_ENDLESS = "an infinite number"


class _Absent(str):
    """What `none` prints: nothing, but told apart from an empty text by its identity."""

    __slots__ = ()

    def __str__(self) -> str:
        return self


#: The result of a template that is `none` as a whole.
ABSENT: Final[str] = _Absent()


def printed(value: object) -> str:
    """What `{{ value }}` prints.

    Raises:
        UnprintableError: The value is nothing that a customer can read.
        TextError: It is missing.

    Example:
        >>> printed(date(2026, 11, 2)), printed(7), printed(7.0), printed(True)
        ('2026-11-02', '7', '7', 'True')
    """
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    raise unprintable(value)


def printed_id(value: object) -> str:
    """What a value prints as a customer's id: a number only if no other one prints the same.

    Raises:
        UnfitIdError: It is a fraction, infinite, a truth value or a float too large to be exact.
        UnprintableError: It is nothing that can be read at all.
        TextError: It is missing.

    Example:
        >>> printed_id("0042"), printed_id(42), printed_id(42.0)
        ('0042', '42', '42')
    """
    fit_for_id(value)
    return printed(value)


def fit_for_id(value: object) -> None:
    """Refuse a number that is no id.

    Raises:
        UnfitIdError: It is a fraction, infinite, a truth value or a float too large to be exact.
    """
    if isinstance(value, bool):
        raise UnfitIdError(value, "a truth value")
    if not isinstance(value, float | Decimal) or value != value:  # noqa: PLR0124 -- NaN is missing
        return
    if abs(value) == math.inf:
        raise UnfitIdError(value, _ENDLESS)
    if not isinstance(whole(kept(value)), int):
        raise UnfitIdError(value, "a fraction")
    if isinstance(value, float) and abs(value) >= _EXACT:
        raise UnfitIdError(value, "a number too large to be exact")


def whole(value: object) -> object:
    """A number without a fraction as an integer, whatever it is stored in; others as they are.

    Example:
        >>> whole(1e16), whole(Decimal("5.00")), whole(0.5)
        (10000000000000000, 5, 0.5)
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Decimal) and value.is_finite():
        kept(value)
        return int(value) if value == value.to_integral_value() else value
    return value


def unprintable(value: object) -> UnprintableError:
    """Say what a value is that cannot be printed, and what to write instead."""
    own = getattr(type(value), "in_words", None)
    what, advice, short = own(value) if own is not None else _in_words(value)
    place: Place | None = value.place if hasattr(type(value), "place") else None  # type: ignore[attr-defined]
    return UnprintableError(what, advice, short, place)


def wrong_kind(value: object, advice: str) -> UnprintableError:
    """Say that a value is not of the kind that is needed."""
    error = unprintable(value)
    return UnprintableError(error.what, advice, place=error.place)


def _in_words(value: object) -> tuple[str, str, str]:
    for kinds, words in _KINDS:
        if isinstance(value, kinds):
            return words
    name = type(value).__name__
    article = "an" if name[0] in "aeiouAEIO" else "a"
    return _BY_NAME.get(name, (f"{article} {name}", "turn it into text first", ""))


def _integer(value: int) -> str:
    if -_SMALL < value < _SMALL:
        return int.__repr__(value)
    return str(kept(int(value)))


def _float(value: float) -> str:
    if math.isnan(value):
        raise UnprintableError("a number that is none (NaN)", "provide for it with if or default()")
    if math.isinf(value):
        raise UnprintableError(_ENDLESS, "provide for it with if")
    return _integer(int(value)) if value.is_integer() else float.__repr__(value)


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        return _float(float(value))
    number = whole(value)
    return _integer(number) if isinstance(number, int) else str(value)


_KINDS: tuple[tuple[tuple[type, ...], tuple[str, str, str]], ...] = (
    (
        (list, tuple, set, frozenset, range),
        ("a list", "write {{ @ | join(', ') }}", "end it with | join(', ')"),
    ),
    (
        (Mapping,),
        ("a struct", "write {{ @.member }} with a member's name", "name one of its members"),
    ),
    (
        (timedelta,),
        ("a duration", "write {{ @.days }} or {{ @.total_seconds() }}", "end it with .days"),
    ),
    ((date, time), ("a date or time", "", "")),
    (
        (bytes, bytearray, memoryview),
        ("bytes that are no UTF-8 text", "turn them into text first", ""),
    ),
)
# What jinja makes itself, told by name; and what is printed, where something else is needed.
_BY_NAME = {
    **dict.fromkeys(("int", "float", "Decimal"), ("a number", "", "")),
    "str": ("a text", "", ""),
    "bool": ("a truth value", "", ""),
    "complex": ("the root of a number below zero", "provide for it with if", ""),
    "NoneType": ("none", "", ""),
    "Macro": ("a macro", "call it, with its brackets", ""),
    "LoopContext": ("the loop", "write {{ loop.index }}, or row['loop'] for a column", ""),
    "Namespace": ("a namespace", "name one of its values", ""),
    "Row": ("the whole row", "write {{ row['name'] }} with a column's name", ""),
}

_WRITERS: dict[type, Callable[..., str]] = {
    str: str.__str__,
    bool: str,
    int: _integer,
    float: _float,
    Decimal: _decimal,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    type(None): lambda _: ABSENT,
    # It raises its own error.
    Undefined: str,
}
