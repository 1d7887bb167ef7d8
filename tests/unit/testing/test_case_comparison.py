"""How cases are compared with what happened."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.rehearsal import Line, Rehearsed
from connect_tasks.testing import read_cases
from connect_tasks.testing.case_comparison import compare_case
from connect_tasks.testing.comparison import Compared, difference, is_as_expected, side_by_side

QUESTION = (
    '{"templateType": "QuickReply", "version": "1.0", "data": {"content": {"title": "Why?",'
    ' "elements": [{"title": "Price"}]}}}'
)


def happened(*lines: tuple[str, str] | tuple[str, str, float], **members: Any) -> Rehearsed:
    given = {
        "end": {"state": "ended", "reason": "CONTACT_FLOW_DISCONNECT"},
        "attributes": {},
        "contact_id": "c-1",
        "seconds": 0.0,
        "trace": (),
        **members,
    }
    said = (Line(line[0], line[1], line[2] if len(line) == 3 else 0.0) for line in lines)
    return Rehearsed(lines=tuple(said), **given)


def compared(
    rows: list[dict[str, Any]], what: Rehearsed, *, every_line: bool = False
) -> tuple[Compared, ...]:
    (case,) = read_cases(pd.DataFrame([{"case": "a", **row} for row in rows]))
    return compare_case(case, what, every_line=every_line)


CHAT = happened(
    ("FLOW", "Hello Ada"),
    ("PROMPT", "From 0 to 10?"),
    ("CUSTOMER", "9", 2.0),
    ("BOT", QUESTION, 5.0),
    ("CUSTOMER", "Price", 6.0),
    ("FLOW", "Thank you", 6.0),
)
GOOD: list[dict[str, Any]] = [
    {"equals": "Hello Ada"},
    {"contains": "0 to 10"},
    {"says": "9", "equals": "Why?", "speaker": "BOT", "within_seconds": 3},
    {"says": "Price", "matches": "^Thank"},
]


def with_row(number: int, **cells: Any) -> list[dict[str, Any]]:
    rows = [dict(row) for row in GOOD]
    rows[number] |= cells
    return rows


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(GOOD, id="all"),
        pytest.param(with_row(0, equals="From 0 to 10?")[:1], id="a line is passed over"),
        pytest.param([{"says": "9"}, {"says": "Price", "speaker": "FLOW"}], id="anything of one"),
        pytest.param(with_row(1, speaker="FLOW"), id="a prompt of the flow"),
        pytest.param(with_row(1, speaker="BOT"), id="a prompt of the bot"),
        pytest.param(with_row(3, speaker="PROMPT"), id="a prompt that is expected"),
        pytest.param(with_row(3, contains="Thank", equals="Thank you"), id="several at once"),
        pytest.param(with_row(2, equals=QUESTION), id="the json of a question"),
    ],
)
def test_a_case_passes_if_all_that_it_expects_comes_in_its_order(
    rows: list[dict[str, Any]],
) -> None:
    assert difference(compared(rows, CHAT)) == ""


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param(
            with_row(0, equals="Hello"),
            "expected Hello, but it was FLOW: Hello Ada",
            id="another text",
        ),
        pytest.param(
            with_row(0, equals="Hello  Ada "),
            "they differ in white space: expected 'Hello  Ada ', but it was 'Hello Ada'",
            id="white space",
        ),
        pytest.param(
            with_row(0, equals="hello ada"),
            "expected hello ada, but it was FLOW: Hello Ada",
            id="capitals",
        ),
        pytest.param(
            with_row(2, speaker="AGENT"),
            "expected AGENT: Why? and within 3 s, but it was BOT: Why?",
            id="another speaker",
        ),
        pytest.param(
            with_row(2, within_seconds=2.5),
            "'Why?' came after 3 s, and had to come within 2.5 s",
            id="too late",
        ),
        pytest.param(
            with_row(3, matches="^you"),
            "expected matches '^you', but it was FLOW: Thank you",
            id="a pattern",
        ),
        pytest.param(
            [*GOOD, {"equals": "Bye"}], "expected Bye, but nothing came", id="a line less"
        ),
        pytest.param(
            [*GOOD, {"says": "Hm"}],
            "this was not said: the chat was over, or had been left by then",
            id="nobody hears",
        ),
        pytest.param(
            [{"equals": "From 0 to 10?"}, {"equals": "Hello Ada"}, *GOOD[2:]],
            "expected Hello Ada, but nothing came",
            id="another order",
        ),
        pytest.param(
            with_row(0, end_state="queued"),
            "end: expected queued, but it was ended, CONTACT_FLOW_DISCONNECT",
            id="state",
        ),
        pytest.param(
            with_row(0, end_reason="API|EXPIRED"),
            "end: expected API or EXPIRED, but it was ended, CONTACT_FLOW_DISCONNECT",
            id="reason",
        ),
        pytest.param(
            with_row(0, queue="Orders"), "queue: expected Orders, but nothing came", id="queue"
        ),
        pytest.param(
            with_row(0, **{"attributes_after.score": 9}),
            "attribute score: expected 9, but it was not set",
            id="attribute",
        ),
    ],
)
def test_each_thing_that_is_otherwise_fails_the_case_and_is_told(
    rows: list[dict[str, Any]], told: str
) -> None:
    assert difference(compared(rows, CHAT)) == told


def test_attributes_are_compared_one_by_one_and_others_are_none_of_its_business() -> None:
    chat = happened(attributes={"plan": "gold", "id": "c-1", "other": "x"})
    row = {"attributes_after.plan": "gold", "attributes_after.id": "<contact id>"}

    assert difference(compared([{**row, "attributes_after.score": "<unset>"}], chat)) == ""
    assert (
        difference(compared([{"attributes_after.other": "<unset>"}], chat))
        == "attribute other: expected not set, but it was x"
    )


def test_a_line_that_no_row_expects_is_a_difference_only_where_it_is_asked() -> None:
    assert is_as_expected(compared(GOOD[1:], CHAT))
    assert difference(compared(GOOD[1:], CHAT, every_line=True)) == (
        "nothing was expected, but it was FLOW: Hello Ada"
    )


def test_a_flow_that_was_stopped_fails_unless_that_end_is_expected() -> None:
    chat = happened(
        ("FLOW", "Hello"), end={"state": "ended", "reason": "SYSTEM_ERROR"}, problem="goes round"
    )

    assert difference(compared([{"equals": "Hello"}], chat)) == "problem: goes round"
    assert is_as_expected(compared([{"equals": "Hello", "end_reason": "SYSTEM_ERROR"}], chat))


def test_both_are_shown_side_by_side_with_a_mark_at_each_difference() -> None:
    shown = side_by_side(compared(with_row(0, equals="Hello"), CHAT), width=80)

    assert shown.splitlines()[:3] == [
        "    what happened                        | what was expected",
        "  ! FLOW: Hello Ada                      | Hello",
        "    PROMPT: From 0 to 10?                | contains '0 to 10'",
    ]


_TEXT = st.sampled_from(["a", "b", "c", "a\nb", "a" * 200])


@given(st.lists(_TEXT, max_size=8), st.lists(_TEXT, max_size=8))
def test_lines_are_met_exactly_if_they_are_there_in_that_order(
    expected: list[str], said: list[str]
) -> None:
    chat = happened(*(("FLOW", text) for text in said))
    rows = [{"equals": text} for text in expected] or [{"end_state": "ended"}]
    left = iter(said)

    one_by_one = compared(rows, chat)
    lines = [one for one in one_by_one if one.what == "line"]

    assert is_as_expected(one_by_one) == all(text in left for text in expected)
    # Nothing is lost between the two columns.
    assert [one.actual for one in lines if one.actual is not None] == said
    assert [one.expected for one in lines if one.expected is not None] == expected


@given(st.lists(st.tuples(_TEXT, st.booleans()), max_size=8))
def test_what_was_said_word_for_word_passes_also_where_every_line_counts(
    lines: list[tuple[str, bool]],
) -> None:
    chat = happened(*(("CUSTOMER" if ours else "FLOW", text) for text, ours in lines))
    rows = [{"says": text} if ours else {"equals": text} for text, ours in lines]

    assert is_as_expected(compared([{"end_state": "ended"}, *rows], chat, every_line=True))
