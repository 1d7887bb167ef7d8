"""The comparisons of flows: case counts, and what is not set or no number is never a match."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

__all__ = ["OPERATORS", "holds"]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)


def _numeric(compare: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    def both(value: str, operand: str) -> bool:
        if not _NUMBER.fullmatch(value) or not _NUMBER.fullmatch(operand):
            return False
        return compare(Decimal(value), Decimal(operand))

    return both


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda value, operand: value == operand,
    "TextStartsWith": lambda value, operand: value.startswith(operand),
    "TextEndsWith": lambda value, operand: value.endswith(operand),
    "TextContains": lambda value, operand: operand in value,
    "NumberGreaterThan": _numeric(lambda value, operand: value > operand),
    "NumberGreaterOrEqualTo": _numeric(lambda value, operand: value >= operand),
    "NumberLessThan": _numeric(lambda value, operand: value < operand),
    "NumberLessOrEqualTo": _numeric(lambda value, operand: value <= operand),
    "KeyExists": lambda _value, _operand: True,
}
"""Every operator of the Flow language, on texts that are both set."""


def holds(operator: str, value: str | None, operand: str | None) -> bool:
    """Whether a comparison is true; with something unset, or by an unknown operator, it is not.

    Args:
        operator: Name of the operator.
        value: What is compared; None if it is not set.
        operand: What it is compared with; None if it is a reference to nothing.
    """
    compare = OPERATORS.get(operator)
    if compare is None or value is None or operand is None:
        return False
    return compare(value, operand)
