import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.model.strict_json import MOST_DEPTH, read_json

LEAVES = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(value=VALUES)
def test_json_of_modest_depth_is_read_as_it_is(value: object) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


def wrapped(shape: list[bool], core: str) -> str:
    for is_list in shape:
        core = f"[{core}]" if is_list else f'{{"a":{core}}}'
    return core


@given(
    shape=st.lists(st.booleans(), min_size=1, max_size=3 * MOST_DEPTH),
    core=st.sampled_from(["1", '"x"', "null", '"[[[{{{"']),
    beside=st.integers(0, 3),
)
def test_it_is_refused_exactly_when_there_are_too_many_levels(
    shape: list[bool], core: str, beside: int
) -> None:
    text = "[" + "[1]," * beside + wrapped(shape[1:], core) + "]"
    if len(shape) > MOST_DEPTH:
        with pytest.raises(ValueError, match="too deep"):
            read_json(text)
    else:
        assert read_json(text) == json.loads(text)


@pytest.mark.parametrize("depth", [MOST_DEPTH + 1, 1_000, 100_000])
@pytest.mark.parametrize("core", ["", "1"])
def test_no_depth_is_a_fault_of_another_kind(depth: int, core: str) -> None:
    with pytest.raises(ValueError, match="too deep"):
        read_json("[" * depth + core + "]" * depth)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        '"\\ud800"',
        '{"\\udc00":1}',
        "9" * 5000,
        "",
        "1 1",
        b"\xff",
        '"x"'.encode("utf-16"),
        "\ufeff1",
        '"\x00"',
    ],
)
def test_what_could_not_be_answered_with_is_a_value_error(text: Any) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - json says it in many ways
        read_json(text)

    assert "too deep" not in str(caught.value)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert read_json('"\\ud83d\\ude00"') == "\U0001f600"
