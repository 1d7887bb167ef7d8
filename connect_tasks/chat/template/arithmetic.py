"""Arithmetic: the operators of a template, with bounds on what they make."""

import operator
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connect_tasks.chat.template.formats import percent
from connect_tasks.chat.template.limits import LONGEST_TEXT, STEP, WIDEST, kept, too_large
from connect_tasks.chat.template.printing import wrong_kind
from connect_tasks.chat.template.scope import Scope

__all__ = ["OPERATORS", "operated"]

_OPERANDS = (str, int, float, Decimal, date, timedelta, list, tuple)
# Decimals have an exponent of their own: 1E+999999 is short, and its digits are a million.
_LARGEST_EXPONENT = WIDEST


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
        return scope.keep(percent(scope, left, right))
    for value in (left, right):
        if not isinstance(value, _OPERANDS):
            raise wrong_kind(value, f"{sign} takes texts, numbers, dates and lists")
    scope.exact(left, right)
    if sign in _GUARDS:
        _GUARDS[sign](left, right)
    return scope.keep(_finite(OPERATORS[sign](left, right)))


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


def _finite(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() > _LARGEST_EXPONENT:
        raise too_large("a number", WIDEST, "digits")
    return kept(value)


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
