"""The quick yes or no about a request agrees with the list of what is wrong, in every operation."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.emulator.model.operations import OWNERS
from connect_tasks.emulator.model.validation import Validator, service_model

pytestmark = pytest.mark.thorough

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 1, 60, 2**31 - 1, 2**31, -(2**31), 2**63])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from([256, 257, 500, 501, 1000, 16_385]).map(lambda size: "x" * size)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def values(shape: Any, depth: int) -> st.SearchStrategy[Any]:
    """Mostly of the shape's form, and now and then of another."""
    return st.one_of(formed(shape, depth), formed(shape, depth), ANYTHING)


def formed(shape: Any, depth: int) -> st.SearchStrategy[Any]:
    if depth == 0:
        return ANYTHING
    match shape.type_name:
        case "structure":
            return structures(shape, depth)
        case "list":
            return st.lists(values(shape.member, depth - 1), max_size=3)
        case "map":
            keys = st.text(max_size=4) | st.sampled_from(["x" * 128, "x" * 32_768])
            return st.dictionaries(keys, values(shape.value, depth - 1), max_size=3)
        case "string":
            return st.text("a1:/-", max_size=9) | st.sampled_from(
                getattr(shape, "enum", ()) or [""]
            )
        case _:
            return SCALARS


def structures(shape: Any, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: values(member, depth - 1) for name, member in shape.members.items()}
    needed = {name: members[name] for name in shape.required_members}
    free = {name: member for name, member in members.items() if name not in needed}
    known = st.fixed_dictionaries(needed, optional=free)
    strange = st.dictionaries(st.sampled_from(["Nobody", "", *members]), ANYTHING, max_size=1)
    # One too many, or one of the wrong form, or one too few.
    others = st.tuples(known, strange).map(lambda both: both[0] | both[1])
    fewer = st.fixed_dictionaries({}, optional=members)
    return known | known | others | fewer


@pytest.mark.parametrize("operation", OWNERS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_request_is_sound_exactly_if_nothing_is_wrong_with_it(
    operation: str, data: st.DataObject
) -> None:
    validator = Validator.for_input(OWNERS[operation], operation)
    shape = service_model(OWNERS[operation]).operation_model(operation).input_shape
    value = data.draw(values(shape, 4))
    wrong: list[Any] = []
    validator._check(value, "", wrong)

    assert validator._is_sound(value) == (wrong == [])
    assert validator(value) == wrong


@settings(max_examples=200)
@given(operation=st.sampled_from(sorted(OWNERS)), value=ANYTHING)
def test_so_it_is_for_what_is_no_request_at_all(operation: str, value: object) -> None:
    validator = Validator.for_input(OWNERS[operation], operation)
    wrong: list[Any] = []
    validator._check(value, "", wrong)

    assert validator._is_sound(value) == (wrong == [])
