"""Cases from a table: what a person writes in a spreadsheet."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.errors import InputError
from connect_tasks.testing import Case, read_cases
from connect_tasks.testing.case_columns import COLUMNS
from connect_tasks.testing.expected_file import CONTACT_ID, UNSET, ExpectedEnd

ROOT = Path(__file__).parents[3]


def cases_of(*rows: dict[str, Any]) -> tuple[Case, ...]:
    return read_cases(pd.DataFrame(list(rows)))


def problems_of(table: pd.DataFrame) -> list[str]:
    with pytest.raises(InputError) as error:
        read_cases(table)
    return [line.removeprefix("- ") for line in str(error.value).splitlines()[1:]]


def test_without_a_column_case_each_row_is_a_conversation() -> None:
    first, second = cases_of(
        {"says": "9", "contains": "Thank you"}, {"says": "1", "contains": "Sorry"}
    )

    assert (first.name, second.name) == ("row 0", "row 1")
    assert first.script.customer == ("9",)
    assert [len(turn.expected) for turn in first.turns] == [0, 1]


def test_the_rows_of_a_case_are_one_conversation_in_their_order() -> None:
    (case,) = cases_of(
        {"case": "gold", "contains": "Hello", "attributes.plan": "gold"},
        {"case": "gold", "says": "9", "equals": "Why?"},
        {"contains": "Tell us"},
        {"says": "Price", "silence_seconds": 5, "matches": "(?i)THANKS", "within_seconds": "1.5"},
    )

    assert case.script.attributes == {"plan": "gold"}
    assert case.script.customer == ("9", {"silence": 5.0}, "Price")
    assert [turn.said for turn in case.turns] == [None, "9", "Price"]
    assert [[str(line) for line in turn.expected] for turn in case.turns] == [
        ["contains 'Hello'"],
        ["Why?", "contains 'Tell us'"],
        ["matches '(?i)THANKS' and within 1.5 s"],
    ]
    assert case.rows == (0, 1, 2, 3)


def test_what_concerns_the_whole_case_may_stand_in_any_of_its_rows() -> None:
    (case,) = cases_of(
        {"case": "a", "says": "agent", "attributes_after.lastOrder": "<unset>"},
        {
            "display_name": "Ada",
            "initial_message": "Hi",
            "now": "2026-03-02 09:00",
            "draws": "30, 71",
            "world_patch": '{"queues": null}',
            "end_state": "Queued",
            "end_reason": "API | EXPIRED",
            "queue": "Orders",
            "attributes_after.id": "<contact id>",
        },
    )

    assert case.script.display_name == "Ada"
    assert case.script.initial_message == "Hi"
    assert case.script.now == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert case.script.draws == (30, 71)
    assert case.script.world_patch == {"queues": None}
    assert case.end == ExpectedEnd(state="queued", reasons=("API", "EXPIRED"), queue="Orders")
    assert case.attributes_after == {"lastOrder": UNSET, "id": CONTACT_ID}


def test_a_choice_is_a_text_and_with_fields_an_action_of_a_view() -> None:
    (case,) = cases_of(
        {"case": "a", "chooses": "Yes", "contains": "x"},
        {"chooses": "Submit", "chooses.email": "ada@example.com", "chooses.age": 42},
    )

    assert case.script.customer == (
        "Yes",
        {"action": "Submit", "data": {"email": "ada@example.com", "age": "42"}},
    )


def test_numbers_of_a_frame_are_what_a_file_would_have() -> None:
    table = pd.DataFrame(
        {"case": ["a", None], "says": [9.0, None], "attributes.age": [None, 42], "equals": [1, 2]}
    )
    text = io.StringIO(table.to_csv(index=False))
    typed, written = read_cases(table), read_cases(pd.read_csv(text, dtype="string"))

    assert typed[0].script.attributes == {"age": "42"}
    assert [turn.said for turn in typed[0].turns] == [None, "9"]
    assert [line.equals for line in typed[0].turns[1].expected] == ["1", "2"]
    assert written[0].script.attributes == {"age": "42.0"}


def test_blank_rows_and_notes_are_passed_over() -> None:
    (case,) = cases_of(
        {"case": "a", "note": "the happy way", "says": "9", "contains": "Thank"},
        {"case": None, "note": None, "says": " ", "contains": None},
    )

    assert case.rows == (0,)


# --- what is wrong is told, all at once, with its place ---


def test_everything_that_is_wrong_is_told_at_once_with_row_and_column() -> None:
    told = problems_of(
        pd.DataFrame(
            {
                "case": ["a", "a", "b", "a", "c"],
                "sasy": ["", "", "", "", ""],
                "says": ["1", "2", "3", "4", "5"],
                "chooses": ["", "Yes", "", "", ""],
                "matches": ["(", "x", "x", "(?=y)", ""],
                "within_seconds": ["soon", "-1", "inf", "nan", ""],
                "silence_seconds": ["1,5", "", "", "", ""],
                "speaker": ["CUSTOMER", "", "", "", ""],
                "draws": ["0", "", "101", "x", ""],
                "now": ["today", "", "", "", ""],
                "world_patch": ["[]", "", "{", "", ""],
                "end_state": ["gone", "", "", "", ""],
                "end_reason": ["|", "", "", "", ""],
                "display_name": ["Ada", "Bob", "", "", ""],
            }
        )
    )

    places = [line.partition(":")[0] for line in told]
    assert places == [
        "column 'sasy' is not known (did you mean 'says'?)",
        "row 0, column matches",
        "row 0, column within_seconds",
        "row 0, column silence_seconds",
        "row 0, column speaker",
        "row 0, column draws",
        "row 0, column now",
        "row 0, column world_patch",
        "row 0, column end_state",
        "row 0, column end_reason",
        "row 1, column within_seconds",
        "row 2, column within_seconds",
        "row 2, column draws",
        "row 2, column world_patch",
        "row 3, column matches",
        "row 3, column within_seconds",
        "row 3, column draws",
        "row 3, column case",
        "row 1, column display_name",
        "row 1, column says",
        "row 4",
    ]


@pytest.mark.parametrize("draws", ["9" * 5_000, "0" * 5_000, "1 " * 100 + "101", "1.0", "-1"])
def test_draws_that_are_none_are_told_however_long_they_are(draws: str) -> None:
    (told,) = problems_of(pd.DataFrame({"contains": ["x"], "draws": [draws]}))

    assert told.startswith("row 0, column draws:")
    assert len(told) < 200


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param([{"says": ""}], "no row says anything", id="only blanks"),
        pytest.param([{"says": "9"}], "row 0: case 'row 0' expects nothing", id="no expectation"),
        pytest.param([{"case": "a", "note": "later"}], "case 'a' expects nothing", id="a name"),
        pytest.param(
            [{"case": "", "says": "9", "equals": "x"}], "the first row needs a name", id="no name"
        ),
        pytest.param(
            [{"chooses.age": "42", "equals": "x"}], "name the view's action", id="no action"
        ),
        pytest.param([{"equals": "x", "atributes.plan": "gold"}], "'attributes.'", id="a prefix"),
        pytest.param([{"equals": "x", "attributes.": "gold"}], "'attributes.'", id="no attribute"),
        pytest.param([{"equals": "x", "says": ["a", "b"]}], "is a list: write a text", id="a list"),
        pytest.param([{"equals": "x", "says": "a\0"}], "NUL", id="what no text holds"),
    ],
)
def test_a_table_that_tests_nothing_or_means_nothing_is_refused(
    rows: list[dict[str, Any]], said: str
) -> None:
    (told,) = problems_of(pd.DataFrame(rows))

    assert said in told


def test_half_of_a_character_is_refused() -> None:
    says = pd.Series(["\ud800"], dtype=object)

    (told,) = problems_of(pd.DataFrame({"says": says, "equals": ["x"]}))
    assert told.startswith("row 0, column says: holds half of a character")


@pytest.mark.parametrize("table", [pd.DataFrame(), pd.DataFrame({"says": []})])
def test_an_empty_table_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="one row per case"):
        read_cases(table)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(InputError, match="cases is a list"):
        read_cases([{"says": "9"}])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="nowhere"):
        read_cases("nowhere.csv")


def test_every_column_is_described_in_the_documents() -> None:
    page = (ROOT / "docs" / "test-your-flow.md").read_text(encoding="utf-8")

    assert [name for name, column in COLUMNS.items() if f"| {column.what} |" not in page] == []
    assert [name for name in COLUMNS if f"`{name}`" not in page] == []


_CELLS = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.datetimes(),
    st.timedeltas(),
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*COLUMNS, "attributes.a", "attributes_after.b", "chooses.c"]), _CELLS
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_table_is_read_or_refused_in_lines_with_a_place(rows: list[dict[str, Any]]) -> None:
    table = pd.DataFrame(rows)
    try:
        found = read_cases(table)
    except InputError as error:
        lines = str(error).splitlines()
        assert len(lines) == 1 or all(line.startswith("- ") for line in lines[1:])
    else:
        assert len({case.name for case in found}) == len(found)
        assert all(0 <= row < len(table) for case in found for row in case.rows)
