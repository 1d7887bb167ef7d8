"""Questions and their answers; expected rows follow from the rules at the top of `replies`."""

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.answers.replies import ended_by_the_other_side, replies
from connect_tasks.chat.dialogue import EndReason

T0 = datetime(2026, 11, 22, 9, tzinfo=UTC)
INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"


def item(role: str | None, text: str | None, second: float = 0, **changes: Any) -> dict[str, Any]:
    return {
        "customer_id": "0042",
        "contact_id": "c-1",
        "absolute_time": T0 + timedelta(seconds=second),
        "participant_role": role,
        "display_name": {"SYSTEM": "BOT", "AGENT": "Alex", "CUSTOMER": "Ada"}.get(str(role)),
        "type": "MESSAGE",
        "content_type": "text/plain",
        "content": text,
        "end_reason": None,
        "disconnect_reason": None,
        **changes,
    }


def pairs(items: list[dict[str, Any]]) -> list[tuple[str | None, str | None]]:
    return [(row["question"], row["answer"]) for row in replies(items)]


def test_a_question_and_its_answer_are_one_row() -> None:
    (row,) = replies([item("SYSTEM", "How likely?", 1), item("CUSTOMER", "9", 3.5)])

    assert row == {
        "customer_id": "0042",
        "contact_id": "c-1",
        "number": 1,
        "question": "How likely?",
        "asked_at": T0 + timedelta(seconds=1),
        "asked_by": "BOT",
        "answer": "9",
        "answered_at": T0 + timedelta(seconds=3.5),
        "seconds_to_answer": 2.5,
        "possible_opt_out": False,
        "customer_name": "Ada",
    }


@pytest.mark.parametrize(
    ("answer", "is_possible"),
    [
        (["please stop"], True),
        (["Fine.", "unsubscibe"], True),
        (["STOP"], False),
        (["9"], False),
        ([], False),
    ],
)
def test_an_answer_that_may_be_an_opt_out_is_marked_and_one_that_is_is_not(
    answer: list[str], *, is_possible: bool
) -> None:
    said = [item("CUSTOMER", text, second) for second, text in enumerate(answer, 2)]
    (row,) = replies([item("SYSTEM", "Please do not stop. How likely?", 1), *said])

    assert row["possible_opt_out"] is is_possible


def test_the_campaigns_own_opt_out_words_count_in_its_replies() -> None:
    said = [item("CUSTOMER", "bitte abmelden")]

    found = [next(replies(said, words=words)) for words in ({"de": ["abmelden"]}, {})]
    assert [row["possible_opt_out"] for row in found] == [True, False]


def test_a_question_without_an_answer_knows_the_name_from_an_answer_before() -> None:
    rows = list(replies([item("CUSTOMER", "Hi"), item("SYSTEM", "Score, Ada?")]))

    assert [row["customer_name"] for row in rows] == ["Ada", "Ada"]
    assert [row["customer_name"] for row in replies([item("SYSTEM", "Score?")])] == [None]


def test_several_messages_of_a_side_are_one_question_and_one_answer() -> None:
    (row,) = replies(
        [
            item("SYSTEM", "Hello Ada.", 1),
            item("AGENT", "How likely?", 2),
            item("CUSTOMER", "9", 4),
            item("CUSTOMER", "or 10", 9),
        ]
    )

    assert (row["question"], row["answer"]) == ("Hello Ada.\nHow likely?", "9\nor 10")
    # Asked when and by whom its last message was, and answered when the first one was.
    assert (row["asked_by"], row["asked_at"]) == ("Alex", T0 + timedelta(seconds=2))
    assert (row["answered_at"], row["seconds_to_answer"]) == (T0 + timedelta(seconds=4), 2.0)


def test_who_speaks_before_anybody_asked_answers_no_question() -> None:
    first, second = replies(
        [item("CUSTOMER", "Hi", 1), item("SYSTEM", "Score?", 2), item("CUSTOMER", "9", 3)]
    )

    assert (first["question"], first["asked_at"], first["asked_by"]) == (None, None, None)
    assert (first["answer"], first["seconds_to_answer"], first["number"]) == ("Hi", None, 1)
    assert (second["question"], second["answer"], second["number"]) == ("Score?", "9", 2)


@pytest.mark.parametrize(
    ("reason", "is_farewell"),
    [
        ("CONTACT_FLOW_DISCONNECT", True),
        ("AGENT_DISCONNECT", True),
        ("API", True),
        ("THIRD_PARTY_DISCONNECT", True),
        ("CUSTOMER_DISCONNECT", False),
        ("IDLE_DISCONNECT", False),
        ("EXPIRED", False),
        ("AGENT_NETWORK_DISCONNECT", False),
        ("SYSTEM_ERROR", False),
        ("A_REASON_OF_TOMORROW", False),
        (None, False),
    ],
)
def test_what_is_said_last_was_asked_unless_the_other_side_ended_the_chat(
    reason: str | None, *, is_farewell: bool
) -> None:
    items = [item("SYSTEM", "Score?"), item("CUSTOMER", "9"), item("SYSTEM", "Thanks!")]
    for each in items:
        each["disconnect_reason"] = reason

    unanswered = [] if is_farewell else [("Thanks!", None)]
    assert pairs(items) == [("Score?", "9"), *unanswered]


@pytest.mark.parametrize("reason", EndReason)
def test_in_a_simulation_our_own_record_says_who_ended_the_chat(reason: EndReason) -> None:
    by_them = reason is EndReason.CHAT_ENDED

    assert ended_by_the_other_side(reason, None) is by_them
    # Where our side closed it, Amazon says that an API did.
    assert ended_by_the_other_side(reason, "API") is by_them


def test_nobody_says_how_a_chat_ended_that_goes_on() -> None:
    assert not ended_by_the_other_side(None, None)


def test_events_and_empty_messages_part_nothing() -> None:
    typing = item("SYSTEM", None, type="EVENT", content_type="…event.typing")
    silent = item("SYSTEM", None)

    assert pairs(
        [item("SYSTEM", "Score?"), item("CUSTOMER", "9"), typing, silent, item("CUSTOMER", "!")]
    ) == [("Score?", "9\n!")]


def test_numbers_go_on_over_a_customers_contacts_and_begin_anew_with_the_next() -> None:
    rows = list(
        replies(
            [
                item("SYSTEM", "Score?"),
                item("CUSTOMER", "9"),
                # The survey of a disconnect flow: a contact of its own, with nothing said before.
                item("SYSTEM", "Was it resolved?", contact_id="c-2"),
                item("CUSTOMER", "yes", contact_id="c-2"),
                # The same customer, in a generation that was called otherwise.
                item("SYSTEM", "Anything else?", contact_id="c-3", customer_id=" 0042"),
                item("CUSTOMER", "no", contact_id="c-3", customer_id=" 0042"),
                item("SYSTEM", "Score?", contact_id="c-4", customer_id="0043"),
            ]
        )
    )

    assert [(row["contact_id"], row["number"]) for row in rows] == [
        ("c-1", 1),
        ("c-2", 2),
        ("c-3", 3),
        ("c-4", 1),
    ]


def test_an_answer_never_belongs_to_a_question_of_another_contact() -> None:
    assert pairs([item("SYSTEM", "Score?"), item("CUSTOMER", "9", contact_id="c-2")]) == [
        ("Score?", None),
        (None, "9"),
    ]


def test_a_choice_is_named_by_what_was_offered_last() -> None:
    offer = '{"data": {"content": {"title": "%s", "elements": [{"id": "1", "title": "%s"}]}}}'
    chosen = f"{INTERACTIVE}.response"
    answer = '{"data": {"elementId": "1"}}'

    assert pairs(
        [
            item("SYSTEM", offer % ("Fruit?", "Apple"), content_type=INTERACTIVE),
            item("CUSTOMER", answer, content_type=chosen),
            item("SYSTEM", offer % ("Colour?", "Red"), content_type=INTERACTIVE),
            item("CUSTOMER", answer, content_type=chosen),
        ]
    ) == [("Fruit?", "Apple"), ("Colour?", "Red")]


def offered(title: str, **elements: str) -> dict[str, Any]:
    named = [{"id": name, "title": text} for name, text in elements.items()]
    content = json.dumps({"data": {"content": {"title": title, "elements": named}}})
    return item("SYSTEM", content, content_type=INTERACTIVE)


def chosen(element: str) -> dict[str, Any]:
    content = json.dumps({"data": {"elementId": element}})
    return item("CUSTOMER", content, content_type=f"{INTERACTIVE}.response")


def test_a_choice_may_be_of_any_list_of_the_same_question_and_the_last_one_goes_first() -> None:
    lists = [offered("Fruit?", a="Apple", x="Fig"), offered("Bean?", b="Soy", x="Pea")]

    assert pairs([*lists, chosen("a"), chosen("b"), chosen("x"), chosen("c")]) == [
        ("Fruit?\nBean?", "Apple\nSoy\nPea\nc")
    ]


def test_a_list_may_be_chosen_from_until_a_later_question_offers_another() -> None:
    wait, well = item("CUSTOMER", "wait"), item("SYSTEM", "Well?")
    items = [offered("Fruit?", a="Apple"), wait, well, chosen("a")]
    items += [offered("Bean?", b="Soy"), chosen("a")]

    assert pairs(items) == [("Fruit?", "wait"), ("Well?", "Apple"), ("Bean?", "a")]


# --- whatever is said ---

_SIDES = ("CUSTOMER", "SYSTEM", "AGENT", None)
_ITEMS = st.lists(
    st.tuples(
        st.sampled_from(_SIDES),
        st.text(min_size=1).filter(lambda text: not text.startswith("{")),
        st.sampled_from(["MESSAGE", "MESSAGE", "EVENT"]),
        st.integers(0, 3),
    ),
    max_size=20,
)


@st.composite
def chats(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The items of some customers with some contacts each, as the ledger gives them."""
    found, second = [], 0
    for customer in range(draw(st.integers(0, 3))):
        for contact in range(draw(st.integers(1, 3))):
            reason = draw(st.sampled_from([None, "AGENT_DISCONNECT", "CUSTOMER_DISCONNECT"]))
            for role, text, kind, pause in draw(_ITEMS):
                second += pause
                of = {"customer_id": str(customer), "contact_id": f"c-{customer}-{contact}"}
                more = {"type": kind, "disconnect_reason": reason, **of}
                found.append(item(role, text, second, **more))
    return found


def by_contact(items: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    spoken = [each for each in items if each["type"] == "MESSAGE"]
    for contact, chat in groupby(spoken, key=lambda each: each["contact_id"]):
        yield contact, list(chat)


def texts(chat: list[dict[str, Any]], *, of_customer: bool) -> str:
    mine = [e for e in chat if (e["participant_role"] == "CUSTOMER") is of_customer]
    return "\n".join(e["content"] for e in mine)


@given(chats())
def test_nothing_that_a_customer_said_is_lost_or_moved(items: list[dict[str, Any]]) -> None:
    rows = list(replies(items))
    for contact, chat in by_contact(items):
        answers = [r["answer"] for r in rows if r["contact_id"] == contact and r["answer"]]
        assert "\n".join(answers) == texts(chat, of_customer=True)


@given(chats())
def test_of_the_other_side_only_a_farewell_is_left_out(items: list[dict[str, Any]]) -> None:
    rows = list(replies(items))
    for contact, chat in by_contact(items):
        asked = [r["question"] for r in rows if r["contact_id"] == contact and r["question"]]
        said = texts(chat, of_customer=False)
        told = "\n".join(asked)
        if chat[0]["disconnect_reason"] == "AGENT_DISCONNECT":
            last = [place for place, e in enumerate(chat) if e["participant_role"] == "CUSTOMER"]
            said = texts(chat[: last[-1] + 1] if last else [], of_customer=False)
        assert told == said


@given(chats())
def test_rows_are_in_order_and_numbered_and_no_answer_comes_before_its_question(
    items: list[dict[str, Any]],
) -> None:
    rows = list(replies(items))
    for _, theirs in groupby(rows, key=lambda row: row["customer_id"]):
        numbers = [row["number"] for row in theirs]
        assert numbers == list(range(1, len(numbers) + 1))
    for row in rows:
        assert row["question"] is not None or row["answer"] is not None
        assert (row["seconds_to_answer"] or 0) >= 0
    assert [row["customer_id"] for row in rows] == sorted(row["customer_id"] for row in rows)


@given(chats())
def test_the_same_items_give_the_same_rows_also_one_by_one(items: list[dict[str, Any]]) -> None:
    before = [dict(each) for each in items]

    assert list(replies(iter(items))) == list(replies(items))
    assert items == before


@pytest.mark.thorough
def test_messages_are_taken_one_by_one_however_many_there_are() -> None:
    def messages() -> Iterator[dict[str, Any]]:
        for number in range(60_000):
            role = "CUSTOMER" if number % 2 else "SYSTEM"
            of = {"customer_id": str(number // 4), "contact_id": str(number // 4)}
            yield item(role, "x" * 1_000, number, **of)

    tracemalloc.start()
    count = sum(1 for _ in replies(messages()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 30_000
    # All of it would take 60 MB.
    assert peak < 1_000_000
