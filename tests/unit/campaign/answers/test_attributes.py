"""The columns of what flows stored: whatever its names are, bounded, and each once."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.answers.attributes import attribute_columns, attributes_of
from connect_tasks.tables.layouts import attributes_layout

NAMES = (
    st.sampled_from(["customer_id", "contact_id", "attribute_contact_id", "", "score"]) | st.text()
)
STORED = st.dictionaries(NAMES, st.text(), max_size=6)


def row(sent: dict[str, str] | None = None, *stored: dict[str, Any]) -> dict[str, Any]:
    request = json.dumps({"Attributes": sent} if sent else {})
    return {"customer_id": "1", "contact_id": "c", "request": request, "stored": list(stored)}


@given(st.lists(st.tuples(STORED, STORED), max_size=5))
def test_every_attribute_has_a_column_and_no_two_have_the_same(
    customers: list[tuple[dict[str, str], dict[str, str]]],
) -> None:
    rows = [row(sent, stored) for sent, stored in customers]
    columns = attribute_columns(rows)
    names = list(columns.names.values())
    table = attributes_layout(names).frame(map(columns.record, rows))

    assert list(table.columns) == ["customer_id", "contact_id", *sorted(names)]
    assert table.columns.is_unique
    assert columns.left_out == 0
    for position, each in enumerate(rows):
        for name, value in attributes_of(each).items():
            assert table[columns.names[name]][position] == value


def test_a_name_stays_as_it_is_unless_it_is_taken() -> None:
    columns = attribute_columns([row({"score": "9", "contact_id": "x", "": "y", "Score": "8"})])

    assert columns.names == {
        "Score": "Score",
        "": "attribute_",
        "contact_id": "attribute_contact_id",
        "score": "score",
    }


def test_the_most_frequent_have_columns_where_there_are_too_many() -> None:
    rows = [row(None, {"most": "1", f"each-{number}": "1"}) for number in range(5)]
    columns = attribute_columns(rows, most=3)

    assert list(columns.names) == ["each-0", "each-1", "most"]
    assert columns.left_out == 3


def test_what_followed_comes_after_what_was_sent() -> None:
    told = attributes_of(row({"plan": "gold", "score": "0"}, {"score": "9"}, {"score": "8"}))

    assert told == {"plan": "gold", "score": "8"}


def test_what_no_table_can_hold_is_replaced() -> None:
    odd = {"half": "a\ud800", "nul": "a\0", "number": 9, "none": None, "list": ["a"]}

    assert attributes_of(row(None, odd)) == {
        "half": "a\ufffd",
        "nul": "a\ufffd",
        "number": "9",
        "list": '["a"]',
    }


def test_a_request_that_cannot_be_read_sent_nothing() -> None:
    for request in (None, "", "{", "[]", '{"Attributes": 3}'):
        assert attributes_of({"request": request, "stored": []}) == {}
