"""What an item says; the contents are what Amazon documents, and what its own clients send.

Of Amazon's chat page, `ListPicker`, `TimePicker` and `QuickReply` send the title of what was chosen
as plain text, `Carousel` a small object as plain text, and views and buttons for more options an
interactive response.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.answers.said import INTERACTIVE, INTERACTIVE_RESPONSE, said

PICKER = {
    "templateType": "ListPicker",
    "version": "1.0",
    "data": {
        "content": {
            "title": "Which department?",
            "subtitle": "Tap to select option",
            "elements": [
                {"title": "Billing", "subtitle": "Request billing information"},
                {"title": "New Service", "id": "new", "imageType": "URL"},
            ],
        },
        "replyMessage": {"title": "Thanks for selecting!"},
    },
}
# As ChatJS's own page of interactive messages has it.
FLAT = {
    "templateType": "QuickReply",
    "version": "1.0",
    "data": {"title": "Select an option:", "elements": [{"title": "Option 1", "id": "opt1"}]},
}


def message(content: Any, kind: str = "text/plain", **changes: Any) -> dict[str, Any]:
    text = content if isinstance(content, str | None) else json.dumps(content)
    return {"type": "MESSAGE", "content_type": kind, "content": text, **changes}


@given(st.text(min_size=1).filter(lambda text: not text.startswith("{")))
def test_a_text_is_what_it_is(text: str) -> None:
    assert said(message(text)) == text
    assert said(message(text, "text/markdown")) == text


@pytest.mark.parametrize("content", [None, ""])
def test_nothing_says_nothing(content: str | None) -> None:
    assert said(message(content)) is None


def test_events_say_nothing() -> None:
    assert said({"type": "EVENT", "content": "left", "content_type": "…participant.left"}) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (PICKER, "Which department?\nTap to select option"),
        (FLAT, "Select an option:"),
        ({"templateType": "TimePicker", "data": {"content": {"title": "When?"}}}, "When?"),
        (
            {
                "templateType": "ViewResource",
                "data": {"content": {"viewId": "v-1", "viewToken": "t"}},
            },
            "(view v-1)",
        ),
        ({"data": {"content": {"title": 3}}}, "3"),
        ({"data": {"content": {"title": ["x"]}}}, '{"data": {"content": {"title": ["x"]}}}'),
        ("not JSON", "not JSON"),
        ("[1]", "[1]"),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=["list", "flat", "time", "view", "number", "odd title", "text", "other JSON", "deep"],
)
def test_an_interactive_message_asks_with_its_title_and_subtitle(content: Any, told: str) -> None:
    assert said(message(content, INTERACTIVE)) == told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"data": {"elementId": "new"}}, "New Service"),
        ({"data": {"elementId": "unheard of"}}, "unheard of"),
        (
            {"templateType": "ViewResource", "action": "Submit", "data": {"score": 9, "why": "So"}},
            "Submit\nscore: 9\nwhy: So",
        ),
        ({"templateType": "ViewResource", "action": " ", "data": {"content": "Hello"}}, "Hello"),
        ({"action": "SHOW_MORE", "data": {"actionName": "SHOW_MORE", "listId": "1"}}, "SHOW_MORE"),
        ({"data": {"title": "Billing"}}, "Billing"),
        ({"action": "Later"}, "Later"),
        ({"what": "ever"}, '{"what": "ever"}'),
        (
            {"templateType": "ViewResource", "data": {}},
            '{"templateType": "ViewResource", "data": {}}',
        ),
        ("Billing", "Billing"),
        ('{"data": ', '{"data": '),
    ],
    ids=[
        *("element", "no such element", "form", "text beside a form", "more options", "title"),
        *("action", "unknown", "empty form", "text", "half a JSON"),
    ],
)
def test_an_interactive_answer_is_what_was_chosen(content: Any, told: str) -> None:
    assert said(message(content, INTERACTIVE_RESPONSE), [json.dumps(PICKER)]) == told


def test_an_element_is_found_in_a_message_that_has_no_content_beside_its_data() -> None:
    answer = message({"data": {"elementId": "opt1"}}, INTERACTIVE_RESPONSE)

    assert said(answer, [json.dumps(FLAT)]) == "Option 1"
    assert said(answer) == "opt1"


def test_a_choice_from_a_carousel_says_from_which_list() -> None:
    choice = {"templateIdentifier": "t-1", "listTitle": "Flights:", "selectionText": "Paris"}

    assert said(message(choice)) == said(message(choice, INTERACTIVE_RESPONSE)) == "Flights: Paris"


@pytest.mark.parametrize(
    "text", ['{"selectionText": "Paris"}', '{"a": 1}', "{", '{"templateIdentifier": 1}']
)
def test_a_person_may_write_something_that_looks_like_it(text: str) -> None:
    assert said(message(text)) == text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([{"AttachmentName": "bill.pdf", "AttachmentId": "a"}], "(attachment: bill.pdf)"),
        (
            [{"AttachmentName": "a.png"}, {"AttachmentId": "b"}],
            "(attachment: a.png)\n(attachment)",
        ),
        (None, "(attachment)"),
        ("bill.pdf", "bill.pdf"),
    ],
    ids=["one", "two", "nothing", "no JSON"],
)
def test_an_attachment_says_its_name(content: Any, told: str) -> None:
    assert said(message(content, "application/pdf", type="ATTACHMENT")) == told


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "content", "title", "action", "templateType", "elements", "x"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    content=_JSON.map(json.dumps) | st.text(min_size=1),
    kind=st.sampled_from([INTERACTIVE, INTERACTIVE_RESPONSE, "text/plain", "application/json"]),
    type_=st.sampled_from(["MESSAGE", "ATTACHMENT"]),
    asked=st.lists(_JSON.map(json.dumps) | st.text(), max_size=3),
)
def test_whatever_was_sent_says_something(
    content: str, kind: str, type_: str, asked: list[str]
) -> None:
    told = said({"type": type_, "content_type": kind, "content": content}, asked)

    assert isinstance(told, str)
    assert told
