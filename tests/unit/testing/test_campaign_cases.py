"""Cases as a campaign's customers, and what came of it as their results."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from connect_tasks import Conversation
from connect_tasks.errors import InputError
from connect_tasks.tables.layouts import CONTACTS, MESSAGES, attributes_layout
from connect_tasks.testing import read_cases
from connect_tasks.testing.campaign_cases import CampaignCases

BEGAN = datetime(2026, 3, 2, 12, tzinfo=UTC)


def campaign(*rows: dict[str, Any]) -> CampaignCases:
    return CampaignCases(read_cases(pd.DataFrame(list(rows))))


def test_each_case_is_a_customer_who_says_as_much_as_they_have_to_say() -> None:
    played = campaign(
        {"case": "a", "attributes.plan": "gold", "says": "9", "equals": "Why?"},
        {"chooses": "Price", "initial_message": "Hi {{ name }}"},
        {"case": "b", "equals": "Hello", "display_name": "Bob"},
    )

    assert played.customers.astype(object).where(played.customers.notna(), None).to_dict(
        "records"
    ) == [
        {
            "customer_id": "case-0",
            "display_name": "Customer",
            "attributes.plan": "gold",
            "initial_message.content": "Hi {{ name }}",
            "says_1": "9",
            "says_2": "Price",
        },
        {
            "customer_id": "case-1",
            "display_name": "Bob",
            "attributes.plan": None,
            "initial_message.content": None,
            "says_1": None,
            "says_2": None,
        },
    ]
    assert played.conversation.messages == (
        "{{ says_1 | default(none) }}",
        "{{ says_2 | default(none) }}",
    )


def test_settings_of_the_conversation_are_kept() -> None:
    cases = read_cases(pd.DataFrame({"says": ["9"], "equals": ["Why?"]}))
    played = CampaignCases(cases, Conversation(settle_seconds=3, close="disconnect"))

    assert (played.conversation.settle_seconds, played.conversation.close) == (3, "disconnect")


@pytest.mark.parametrize(
    "cells",
    [
        {"silence_seconds": 5},
        {"chooses": "Send", "chooses.age": "42", "says": None},
        {"now": "2026-03-02"},
        {"draws": "30"},
        {"world_patch": '{"queues": null}'},
        {"queue": "Orders"},
        {"end_state": "queued"},
        {"attributes.a.b": "c"},
    ],
    ids=lambda cells: next(iter(cells)),
)
def test_what_only_a_rehearsal_can_do_is_refused_case_by_case(cells: dict[str, Any]) -> None:
    good = {"case": "good", "says": "9", "equals": "Why?"}
    played = campaign(good, {"case": "bad", "says": "9", "equals": "Why?", **cells})
    column = next(iter(cells)) if "." not in next(iter(cells)) else ""

    _, bad = played.results(CONTACTS.frame([]), MESSAGES.frame([]), attributes_layout([]).frame([]))
    assert list(played.customers["customer_id"]) == ["case-0"]
    assert "only rehearsed" in bad.difference
    assert column in bad.difference or "chooses" in cells


def test_a_campaign_of_no_playable_case_is_refused_with_the_reasons() -> None:
    with pytest.raises(InputError, match=r"- row 0: .*silence_seconds"):
        campaign({"silence_seconds": 5, "equals": "Why?"})


def item(seconds: float, role: str, name: str | None, content: str) -> dict[str, Any]:
    return {
        "customer_id": "case-0",
        "contact_id": "c-1",
        "absolute_time": BEGAN + timedelta(seconds=seconds),
        "type": "MESSAGE",
        "participant_role": role,
        "display_name": name,
        "content_type": "text/plain",
        "content": content,
    }


CONTACT = {
    "customer_id": "case-0",
    "contact_id": "c-1",
    "status": "completed",
    "end_reason": "chat_ended",
    "disconnect_reason": "CONTACT_FLOW_DISCONNECT",
    "connected_at": BEGAN,
    "ended_at": BEGAN + timedelta(seconds=9),
}
ITEMS = [
    item(1, "SYSTEM", "SYSTEM_MESSAGE", "Hello"),
    item(2, "CUSTOMER", "Customer", "9"),
    item(5, "SYSTEM", "BOT", "Why?"),
    item(6, "AGENT", "Anna", "Hi, Anna here"),
    {**item(7, "AGENT", "Anna", ""), "type": "EVENT"},
]
GOOD: list[dict[str, Any]] = [
    {"case": "a", "equals": "Hello", "speaker": "FLOW", "attributes_after.plan": "gold"},
    {"says": "9", "equals": "Why?", "speaker": "BOT", "within_seconds": 3},
    {"speaker": "AGENT", "contains": "Anna", "end_reason": "CONTACT_FLOW_DISCONNECT"},
]


def difference(
    rows: list[dict[str, Any]] = GOOD, contact: dict[str, Any] | None = None, plan: str = "gold"
) -> str:
    layout = attributes_layout(["plan"])
    stored = layout.frame([{"customer_id": "case-0", "contact_id": "c-1", "plan": plan}])
    contacts = CONTACTS.frame([contact or CONTACT])
    (one,) = campaign(*rows).results(contacts, MESSAGES.frame(ITEMS), stored)
    return one.difference


def changed(row: int, **cells: Any) -> list[dict[str, Any]]:
    return [{**one, **(cells if number == row else {})} for number, one in enumerate(GOOD)]


def test_what_was_said_and_stored_is_compared() -> None:
    assert difference() == ""
    assert difference(plan="plus") == "attribute plan: expected gold, but it was plus"
    assert "came after 3 s" in difference(changed(1, within_seconds=2))
    assert "expected FLOW: Why?" in difference(changed(1, speaker="FLOW", within_seconds=None))
    assert "end: expected API" in difference(changed(2, end_reason="API"))


def test_a_chat_that_our_side_has_closed_is_open_at_the_end() -> None:
    ours = {**CONTACT, "end_reason": "replied", "disconnect_reason": "API"}
    rows = changed(2, end_reason=None, end_state="open")

    assert difference(rows, ours) == ""
    assert difference(GOOD, ours) == ("end: expected CONTACT_FLOW_DISCONNECT, but it was open")


@pytest.mark.parametrize(
    ("contact", "told"),
    [
        ({"status": "rejected", "error_message": "display_name: is too long"}, "too long"),
        ({"status": "completed", "end_reason": "lost", "error_code": "ChatLostError"}, "ChatLost"),
        ({"status": "planned"}, "planned"),
        ({"customer_id": "another", "status": "completed"}, "not contacted"),
    ],
)
def test_a_contact_that_was_not_held_to_its_end_is_told_and_not_compared(
    contact: dict[str, Any], told: str
) -> None:
    said = difference(contact={"customer_id": "case-0", "contact_id": "c-1", **contact})

    assert said.startswith("problem: it was not played to its end: ")
    assert told in said


def test_an_initial_message_is_in_the_transcript_and_no_line_of_the_case() -> None:
    opening = item(0, "CUSTOMER", "Customer", "Hi")
    (one,) = campaign({**GOOD[0], "initial_message": "Hi"}, *GOOD[1:]).results(
        CONTACTS.frame([CONTACT]),
        MESSAGES.frame([opening, *ITEMS]),
        attributes_layout([]).frame([]),
    )
    (plain,) = campaign(*GOOD).results(
        CONTACTS.frame([CONTACT]), MESSAGES.frame(ITEMS), attributes_layout([]).frame([])
    )

    assert one.compared == plain.compared
