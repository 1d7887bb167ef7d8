import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.contact import Status
from connect_tasks.ledger import ClaimTerms, Ledger, Progress
from connect_tasks.planning import Plan, plan_campaign
from connect_tasks.renderer import RowRenderer
from connect_tasks.template import ChatTemplate, Conversation

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
CAMPAIGN = "renewals-2026-11"
# The hash of "16:renewals-2026-114:00421:1", as pinned in test_tokens.py.
TOKEN_OF_0042 = (
    "connect-tasks-contact-1-e69e7a537b0ca1546866da34e93c43c98c8b8a4c925247cc5ed8f3a8be09228e"
)

Row = Mapping[str, Any]


def renderer(
    greeting: str = "Hi, {{ name }}", question: str = "Still at {{ city }}?"
) -> RowRenderer:
    template = ChatTemplate(display_name="{{ name }}", initial_message=greeting)
    conversation = Conversation(messages=(question,))
    return template.bind(instance_id="i-1", contact_flow_id="f-1", conversation=conversation)


def row(customer_id: object, name: str | None = "Ada", city: str = "Ghent") -> Row:
    return {"customer_id": customer_id, "name": name, "city": city}


def plan(ledger: Ledger, *chunks: list[Row], using: RowRenderer | None = None) -> Plan:
    return plan_campaign(ledger, CAMPAIGN, chunks, using or renderer(), now=NOW)


def numbers(plan: Plan) -> dict[str, int]:
    names = ("added", "known", "request_changed", "rejected", "duplicate")
    return {name: getattr(plan, name) for name in names if getattr(plan, name)}


def records(ledger: Ledger) -> dict[str, Mapping[str, Any]]:
    return {record["customer_id"]: record for record in ledger.contact_records(CAMPAIGN)}


def greeting_of(ledger: Ledger, customer_id: str) -> str:
    request = json.loads(records(ledger)[customer_id]["request"])
    return str(request["InitialMessage"]["Content"])


def contact_first(ledger: Ledger) -> None:
    """Send the first planned contact's request."""
    (contact,) = ledger.claim(CAMPAIGN, "w-1", most=1, now=NOW, terms=TERMS)
    sent = contact.advance(Status.STARTING, sent_at=NOW)
    ledger.apply("w-1", [Progress(sent, Status.PLANNED)])


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as opened:
        opened.open_campaign(CAMPAIGN, "i-1", now=NOW)
        yield opened


def test_a_row_becomes_a_planned_contact_with_its_exact_request(ledger: Ledger) -> None:
    plan(ledger, [row("0042")])

    record = records(ledger)["0042"]
    assert json.loads(record["request"]) == {
        "InstanceId": "i-1",
        "ContactFlowId": "f-1",
        "ClientToken": TOKEN_OF_0042,
        "CustomerId": "0042",
        "InitialMessage": {"Content": "Hi, Ada", "ContentType": "text/plain"},
        "ParticipantDetails": {"DisplayName": "Ada"},
    }
    assert record["client_token"] == TOKEN_OF_0042
    assert record["messages"] == ["Still at Ghent?"]
    assert (record["status"], record["generation"]) == ("planned", 1)
    assert record["planned_at"] == NOW


def test_the_plan_tells_what_became_of_each_row(ledger: Ledger) -> None:
    made = plan(ledger, [row("1"), row("2", name=None), row("1"), row("3")])

    assert made.customer_ids == ["1", None, None, "3"]
    assert numbers(made) == {"added": 2, "rejected": 1, "duplicate": 1}
    assert made.campaign == CAMPAIGN


def test_of_several_rows_of_one_customer_the_first_wins(ledger: Ledger) -> None:
    plan(ledger, [row("1", "Ada"), row("1", "Bob")])

    assert greeting_of(ledger, "1") == "Hi, Ada"


def test_a_duplicate_is_refused_with_the_row_that_it_repeats(ledger: Ledger) -> None:
    plan(ledger, [row("1"), row("2"), row("1")])

    (refused,) = ledger.refused_rows(CAMPAIGN)
    assert (refused.position, refused.customer_id) == (2, "1")
    assert (refused.status, refused.error_code) == (Status.DUPLICATE, "DuplicateCustomer")
    assert refused.error_message.endswith("row 0")


def test_a_duplicate_is_found_across_chunks(ledger: Ledger) -> None:
    made = plan(ledger, [row("1"), row("2")], [row("2"), row("3")])

    assert made.customer_ids == ["1", "2", None, "3"]
    assert [refused.position for refused in ledger.refused_rows(CAMPAIGN)] == [2]


def test_ids_that_only_look_alike_are_other_customers(ledger: Ledger) -> None:
    assert numbers(plan(ledger, [row("0042"), row("42")])) == {"added": 2}


def test_a_rejected_row_does_not_block_a_later_valid_row_of_the_same_customer(
    ledger: Ledger,
) -> None:
    made = plan(ledger, [row("1", name=None), row("1", "Ada")])

    assert made.customer_ids == [None, "1"]
    assert numbers(made) == {"added": 1, "rejected": 1}


def test_a_rejected_row_is_remembered_with_every_reason(ledger: Ledger) -> None:
    plan(ledger, [row("1"), row("2", name=None, city="x" * 2_000)])

    (refused,) = ledger.refused_rows(CAMPAIGN)
    assert (refused.position, refused.customer_id) == (1, "2")
    assert (refused.status, refused.error_code) == (Status.REJECTED, "InvalidRow")
    assert "column 'name' is empty" in refused.error_message
    assert "conversation.messages[0]" in refused.error_message


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, None), (7, "7"), ("x" * 500, "x" * 128)],
    ids=["no id", "a number", "a very long one"],
)
def test_a_rejected_row_keeps_the_id_that_it_came_with(
    ledger: Ledger, given: object, kept: str | None
) -> None:
    plan(ledger, [row(given, name=None)])

    assert ledger.refused_rows(CAMPAIGN)[0].customer_id == kept


def test_a_second_call_changes_nothing(ledger: Ledger) -> None:
    rows = [row("1"), row("2", name=None), row("3"), row("3")]
    plan(ledger, rows)
    before, refused = records(ledger), ledger.refused_rows(CAMPAIGN)

    again = plan(ledger, rows)

    assert numbers(again) == {"known": 2, "rejected": 1, "duplicate": 1}
    assert again.customer_ids == ["1", None, "3", None]
    assert records(ledger) == before
    assert ledger.refused_rows(CAMPAIGN) == refused


def test_a_longer_table_adds_only_who_is_new(ledger: Ledger) -> None:
    plan(ledger, [row("1"), row("2")])

    assert numbers(plan(ledger, [row("3"), row("2")])) == {"added": 1, "known": 1}
    assert list(records(ledger)) == ["1", "2", "3"]


def test_an_edited_template_changes_a_contact_that_is_only_planned(ledger: Ledger) -> None:
    plan(ledger, [row("1")])

    edited = plan(ledger, [row("1")], using=renderer("Dear {{ name }}"))

    assert numbers(edited) == {"known": 1}
    assert greeting_of(ledger, "1") == "Dear Ada"


def test_an_edited_message_changes_a_contact_that_is_only_planned(ledger: Ledger) -> None:
    plan(ledger, [row("1")])

    plan(ledger, [row("1")], using=renderer(question="Moved from {{ city }}?"))

    assert records(ledger)["1"]["messages"] == ["Moved from Ghent?"]


def test_an_edited_template_never_changes_who_is_contacted_with_which_token(
    ledger: Ledger,
) -> None:
    plan(ledger, [row("0042")])
    plan(ledger, [row("0042")], using=renderer("Dear {{ name }}"))

    assert [record["client_token"] for record in records(ledger).values()] == [TOKEN_OF_0042]


def test_a_changed_request_of_a_contacted_customer_is_reported_and_not_written(
    ledger: Ledger,
) -> None:
    plan(ledger, [row("1"), row("2")])
    contact_first(ledger)

    edited = plan(ledger, [row("1"), row("2")], using=renderer("Dear {{ name }}"))

    assert numbers(edited) == {"known": 2, "request_changed": 1}
    assert greeting_of(ledger, "1") == "Hi, Ada"
    assert greeting_of(ledger, "2") == "Dear Ada"


def test_an_unchanged_request_of_a_contacted_customer_is_not_reported(ledger: Ledger) -> None:
    plan(ledger, [row("1")])
    contact_first(ledger)

    assert numbers(plan(ledger, [row("1")])) == {"known": 1}


def test_an_empty_table_is_a_plan_of_nothing(ledger: Ledger) -> None:
    made = plan(ledger)

    assert (made.customer_ids, numbers(made)) == ([], {})


def test_a_chunk_without_a_valid_row_stops_nobody(ledger: Ledger) -> None:
    assert numbers(plan(ledger, [row(None)], [], [row("1")])) == {"added": 1, "rejected": 1}


def test_what_the_last_table_refused_is_forgotten_when_it_is_mended(ledger: Ledger) -> None:
    plan(ledger, [row("1", name=None)])
    plan(ledger, [row("1")])

    assert ledger.refused_rows(CAMPAIGN) == []
