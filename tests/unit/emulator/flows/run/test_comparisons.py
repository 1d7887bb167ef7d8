import operator as python
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.run.comparisons import OPERATORS, holds
from tests.unit.emulator.flows.run.building import MISSED, action, branch_of, world

NUMBERS = ["NumberGreaterThan", "NumberGreaterOrEqualTo", "NumberLessThan", "NumberLessOrEqualTo"]
MEANT: dict[str, Callable[[Decimal, Decimal], bool]] = dict(
    zip(NUMBERS, [python.gt, python.ge, python.lt, python.le], strict=True)
)

decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)


def test_the_operators_are_those_of_the_language() -> None:
    texts = {"Equals", "TextStartsWith", "TextEndsWith", "TextContains", "KeyExists"}
    assert set(OPERATORS) == texts | set(NUMBERS)


@given(decimals, decimals)
def test_numbers_are_compared_as_decimal_numbers(left: Decimal, right: Decimal) -> None:
    for name, meant in MEANT.items():
        assert holds(name, f"{left:f}", f"{right:f}") == meant(left, right)


@given(st.integers(), st.integers())
def test_numbers_of_any_length_are_compared_exactly(left: int, right: int) -> None:
    for name, meant in MEANT.items():
        assert holds(name, str(left), str(right)) == meant(Decimal(left), Decimal(right))


@pytest.mark.parametrize("text", ["", "x", "1 2", " 1", "1 ", "1,5", "0x1", "NaN", "Infinity", "٣"])
@pytest.mark.parametrize("operator", NUMBERS)
def test_what_is_no_number_is_never_a_match(operator: str, text: str) -> None:
    assert not holds(operator, text, "1")
    assert not holds(operator, "1", text)


@given(st.text(), st.text(), st.text())
def test_texts_are_compared_as_they_are(start: str, middle: str, tail: str) -> None:
    whole = start + middle + tail
    assert holds("Equals", whole, whole)
    assert holds("TextStartsWith", whole, start)
    assert holds("TextContains", whole, middle)
    assert holds("TextEndsWith", whole, tail)


@given(st.text(), st.text())
def test_equals_is_textual(left: str, right: str) -> None:
    assert holds("Equals", left, right) == (left == right)
    assert holds("TextStartsWith", left, right) == left.startswith(right)
    assert holds("TextEndsWith", left, right) == left.endswith(right)
    assert holds("TextContains", left, right) == (right in left)


@pytest.mark.parametrize(
    ("value", "operand"),
    [("green", "Green"), ("01", "1"), ("1.0", "1"), ("a ", "a"), ("\u00e9", "e\u0301")],
)
def test_case_spaces_and_spelling_count(value: str, operand: str) -> None:
    assert not holds("Equals", value, operand)


@given(st.sampled_from([*OPERATORS, "NumberEquals", "StartsWith", ""]), st.text())
def test_with_something_unset_no_comparison_is_true(operator: str, text: str) -> None:
    assert not holds(operator, None, text)
    assert not holds(operator, text, None)
    assert not holds(operator, None, None)


@pytest.mark.parametrize(
    "operator", ["StartsWith", "Contains", "NumberEquals", "NumericLessThan", "equals", ""]
)
def test_an_operator_that_does_not_exist_is_never_true(operator: str) -> None:
    assert not holds(operator, "1", "1")


def test_a_key_exists_once_it_is_set() -> None:
    compare = action(
        "Compare", when=[("KeyExists", "plan", "end")], ComparisonValue="$.Attributes.plan"
    )
    assert branch_of(compare, attributes={"plan": "x"}) == "KeyExists plan"
    assert branch_of(compare) == "Success"


def test_the_first_true_condition_is_taken() -> None:
    compare = action(
        "Compare",
        when=[
            ("TextStartsWith", "x", "end"),
            ("TextContains", "b", "end"),
            ("Equals", "abc", "end"),
        ],
        ComparisonValue="$.Attributes.a",
    )
    assert branch_of(compare, attributes={"a": "abc"}) == "TextContains b"


def test_an_operand_can_be_a_reference() -> None:
    compare = action(
        "Compare",
        when={"$.Attributes.code": "end"},
        errors={MISSED: "end"},
        ComparisonValue="$.Attributes.given",
    )
    same = {"code": "7", "given": "7"}
    assert branch_of(compare, attributes=same) == "$.Attributes.code"
    assert branch_of(compare, attributes={**same, "given": "8"}) == MISSED
    assert branch_of(compare) == MISSED


def test_the_value_of_no_reference_is_compared_as_the_empty_text_where_that_is_assumed() -> None:
    compare = action(
        "Compare",
        when=[("TextStartsWith", "", "end")],
        errors={MISSED: "end"},
        ComparisonValue="$.Attributes.a",
    )
    assert branch_of(compare) == MISSED
    assumed = world(assume={"unset_in_comparison": "empty"})
    assert branch_of(compare, world=assumed) == "TextStartsWith "
