"""Arithmetic: the operators of a template, with bounds on what they make."""

import operator
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connect_tasks.chat.template.faults import TURN_INTO, Attempt, TextError, in_words
from connect_tasks.chat.template.formats import percent
from connect_tasks.chat.template.limits import LONGEST_TEXT, STEP, WIDEST, too_large
from connect_tasks.chat.template.printing import unprintable, wrong_kind
from connect_tasks.chat.template.scope import Scope

__all__ = ["OPERATORS", "SIGNS", "operated", "signed"]

_OPERANDS = (str, int, float, Decimal, date, timedelta, list, tuple)


def operated(scope: Scope, sign: str, left: Any, right: Any) -> Any:
    """What an operator makes of two values.

    Args:
        scope: The text's scope.
        sign: The operator: `+`.
        left: The value before it.
        right: The value after it.

    Raises:
        TextError: One of them is missing or no value to reckon with, or the result is too large.
    """
    scope.usable(left, right)
    scope.spend(STEP)
    if sign == "%" and isinstance(left, str):
        with Attempt("%"):
            return scope.keep(percent(scope, left, right))
    for value in (left, right):
        if not isinstance(value, _OPERANDS):
            raise wrong_kind(value, f"{sign} takes texts, numbers, dates and lists")
    scope.exact(left, right)
    if sign in _GUARDS:
        _GUARDS[sign](left, right)
    try:
        return scope.keep(OPERATORS[sign](left, right))
    except TypeError as error:
        kinds = f"{unprintable(left).what} and {unprintable(right).what}"
        raise TextError(f"{sign} does not take {kinds}: {TURN_INTO}") from error
    except ArithmeticError as error:
        raise in_words(error, sign) from error


def signed(scope: Scope, sign: str, value: Any) -> Any:
    """What a sign before a value makes of it.

    Raises:
        TextError: The value is missing or no number.
    """
    number = scope.number(value)
    if isinstance(number, str) or number is None:
        raise wrong_kind(number, f"{sign} takes a number: {TURN_INTO}")
    return SIGNS[sign](number)


def _guard_sum(left: Any, right: Any) -> None:
    if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        _bounded(len(left) + len(right))


def _guard_product(left: Any, right: Any) -> None:
    for repeated, times in ((left, right), (right, left)):
        if isinstance(repeated, str | list | tuple) and isinstance(times, int):
            _bounded(len(repeated) * times)


def _guard_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() > 1:
        # Four bits are a digit, or a little more than one.
        if left.bit_length() * right > 4 * WIDEST:
            raise too_large("a number", WIDEST, "digits")
    elif isinstance(right, int) and right.bit_length() > LONGEST_TEXT.bit_length():
        raise too_large("a power", LONGEST_TEXT, "as its exponent")


def _bounded(length: int) -> None:
    if length > LONGEST_TEXT:
        raise too_large("a text or list", LONGEST_TEXT, "characters or items")


_GUARDS: dict[str, Callable[[Any, Any], None]] = {
    "+": _guard_sum,
    "*": _guard_product,
    "**": _guard_power,
}

#: Every operator between two values that stands in a template for a function.
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "**": operator.pow,
    "%": operator.mod,
}

#: Every sign that may stand before a value.
SIGNS: dict[str, Callable[[Any], Any]] = {"+": operator.pos, "-": operator.neg}
