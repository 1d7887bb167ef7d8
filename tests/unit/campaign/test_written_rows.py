"""The short way of a row against the whole way: the same bytes, tokens, refusals and order."""

import itertools
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.row_check import RowCheck
from connect_tasks.chat.template.chat_template import ChatTemplate
from tests.planning_corpus import CASES, CELLS, ROWS, outcomes, planned_rows, renderer_of

DATA = Path(__file__).parents[2] / "data" / "planned_rows_of_afffcf7.json"
EXPECTED = json.loads(DATA.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_dirty_tables_come_to_what_they_came_to_before_there_was_a_short_way(case: str) -> None:
    assert planned_rows(case) == EXPECTED[case]


def whole_way(case: str, rows: list[dict[str, Any]]) -> list[Any]:
    renderer, policy = renderer_of(case)
    # A customer whose messages are kept as a sample never goes the short way.
    return outcomes(RowCheck(renderer, 10**9, policy), rows)


def test_the_whole_way_comes_to_the_same() -> None:
    assert {case: whole_way(case, ROWS) for case in CASES} == EXPECTED


@pytest.mark.parametrize(
    "case", ["constants", "columns", "defaults", "left out", "filters", "long attributes"]
)
def test_most_valid_rows_take_the_short_way(case: str) -> None:
    renderer, _ = renderer_of(case)
    valid = [row for row in ROWS if renderer.render(row).request is not None]

    short = [row for row in renderer.write(valid) if row is not None]

    assert len(short) > 0.8 * len(valid)


TEXTS = st.text(st.characters(exclude_categories=[]), max_size=40)
TEXTS |= st.text('a"\\\n\0\x1f{}%é', max_size=9)
LENGTHS = st.builds(
    lambda text, length: text * length,
    st.sampled_from(["a", "é", "😀", '"']),
    st.sampled_from([1, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1_023, 1_025, 16_384, 16_385]),
)
VALUES = st.none() | TEXTS | LENGTHS | st.integers() | st.floats() | st.booleans()
VALUES |= st.dates() | st.datetimes() | st.decimals() | st.sampled_from(CELLS)
SOME_ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 5) | VALUES},
        optional={"name": VALUES, "plan": VALUES, "note": VALUES, "zone": VALUES},
    ),
    max_size=6,
)


@given(case=st.sampled_from(list(CASES)), rows=SOME_ROWS)
def test_any_rows_come_to_the_same_by_both_ways(case: str, rows: list[dict[str, Any]]) -> None:
    renderer, policy = renderer_of(case)

    assert outcomes(RowCheck(renderer, 0, policy), rows) == whole_way(case, rows)


def both_ways(template: ChatTemplate, rows: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    def checked(samples: int) -> list[Any]:
        renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
        return outcomes(RowCheck(renderer, samples), rows)

    return checked(0), checked(10**9)


@pytest.mark.parametrize("character", ["a", "é", "😀"])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_attributes_fit_together_to_the_byte(character: str, more: int) -> None:
    template = ChatTemplate(
        customer_id="{{ id }}",
        display_name="Ada",
        attributes={"plan": "{{ plan }}", "note": "{{ note }}", "fix": "ed"},
    )
    # Names and values share 32,768 bytes.
    left = 32_768 - len("plannotefixed") + more
    plan = character * (left // 2 // len(character.encode()))
    note = "n" * (left - len(plan.encode()))

    short, whole = both_ways(template, [{"id": "0042", "plan": plan, "note": note}])

    assert short == whole
    assert len(short[0]) == (more <= 0)


@pytest.mark.parametrize(
    ("field", "most"),
    [("customer_id", 128), ("display_name", 256), ("initial_message", 16_384)],
)
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_field_holds_what_it_may_and_no_more(field: str, most: int, more: int) -> None:
    texts = {"customer_id": "{{ id }}", "display_name": "Ada"} | {field: "{{ cell }}-{{ cell }}"}
    half = (most - 1 + more) // 2
    rows = [{"id": "0042", "cell": "c" * size} for size in (half, half + 1)]

    for row in rows:
        short, whole = both_ways(ChatTemplate.model_validate(texts), [row])
        assert short == whole
        assert len(short[0]) == (2 * len(row["cell"]) + 1 <= most)


def test_what_is_left_out_is_another_thing_than_an_empty_text() -> None:
    template = ChatTemplate(
        customer_id="{{ id }}",
        display_name="Ada",
        attributes={"a": "{{ cell | default('') }}", "b": "{{ cell | default(none) }}"},
    )
    for texts in (
        template,
        template.model_copy(
            update={
                "attributes": {"b": "{{ cell | default(none) }}", "a": "{{ cell | default('') }}"}
            }
        ),
    ):
        short, whole = both_ways(texts, [{"id": "1", "cell": None}, {"id": "2", "cell": "x"}])
        assert short == whole


class Said(StrEnum):
    BLANK = " "
    WORD = "word"


def test_a_text_of_a_kind_of_its_own_is_taken_as_any_other() -> None:
    template = ChatTemplate(customer_id="{{ id }}", display_name="{{ cell }}")
    rows = [{"id": "1", "cell": Said.WORD}, {"id": "2", "cell": Said.BLANK}]

    short, whole = both_ways(template, rows)

    assert short == whole
    assert len(short[0]) == 2


@given(
    case=st.sampled_from(["defaults", "left out", "filters", "zones and variants"]),
    pieces=st.lists(st.integers(1, 120), max_size=6),
)
def test_a_table_in_pieces_comes_to_what_it_comes_to_as_a_whole(
    case: str, pieces: list[int]
) -> None:
    renderer, policy = renderer_of(case)
    check = RowCheck(renderer, 0, policy)
    found: list[Any] = [[], [], []]
    for start, stop in itertools.pairwise([0, *itertools.accumulate(pieces), len(ROWS)]):
        more = outcomes(check, ROWS[start:stop])
        found = [one + new for one, new in zip(found, more[:3], strict=True)]

    assert found == EXPECTED[case][:3]
