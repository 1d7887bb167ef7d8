import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.aws.idempotency import canonical_json, fingerprint
from connect_tasks.aws.problems import Problem
from connect_tasks.campaign.planning import Plan, look_over, plan_campaign
from connect_tasks.campaign.row_check import Intake, RowCounts, Sample
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.renderer import Rendered, RowRenderer
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.store import Ledger

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


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"attributes": {"Zebra": "é", "ant": '"ClientToken":'}},
        {"chat_duration_in_minutes": 60, "attributes": {"b": "", "a": "\n"}},
        {"supported_messaging_content_types": "text/plain", "related_contact_id": "c-1"},
        {"segment_attributes": {"a": {"value_map": {"b": {"value_integer": 3}}}}},
    ],
    ids=["as little as can be", "attributes", "both sides", "lists", "nested"],
)
def test_a_request_is_written_in_the_one_way_that_equal_requests_share(
    ledger: Ledger, fields: dict[str, Any]
) -> None:
    template = ChatTemplate(display_name="{{ name }}", **fields)
    plan(ledger, [row("0042")], using=template.bind(instance_id="i-1", contact_flow_id="f-1"))

    record = records(ledger)["0042"]
    sent = json.loads(record["request"])
    assert sent["ClientToken"] == TOKEN_OF_0042
    assert record["request"] == canonical_json(sent)
    assert ledger.known(CAMPAIGN, ["0042"])["0042"].fingerprint == fingerprint(sent)


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
    assert refused.error_message.endswith("row 0 (counted from 0)")


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


class PowerCutError(Exception):
    pass


def cut_off(chunks: list[list[Row]], after: int) -> Iterator[list[Row]]:
    yield from itertools.islice(chunks, after)
    raise PowerCutError


def mixed(count: int) -> list[list[Row]]:
    """Chunks of five rows: each holds a row without a name, and a customer of the chunk before."""
    return [
        [row(f"{n}-1"), row(f"{n}-2", name=None), row(f"{n}-3"), row(f"{n - 1}-1"), row(f"{n}-4")]
        for n in range(count)
    ]


def contents(ledger: Ledger) -> list[dict[str, Any]]:
    return [dict(record) for record in ledger.contact_records(CAMPAIGN)]


@pytest.mark.parametrize("after", [0, 1, 3, 5])
@pytest.mark.parametrize("commit_rows", [1, 7, 100])
def test_what_was_interrupted_goes_on_to_the_same_ledger(
    tmp_path: Path, ledger: Ledger, after: int, commit_rows: int
) -> None:
    plan(ledger, [row("old", name=None)])
    with Ledger(f"sqlite:///{tmp_path / 'other.db'}") as uninterrupted:
        uninterrupted.open_campaign(CAMPAIGN, "i-1", now=NOW)
        whole = plan(uninterrupted, *mixed(5))
        expected = contents(uninterrupted), uninterrupted.refused_rows(CAMPAIGN)

    with pytest.raises(PowerCutError):
        plan_campaign(
            ledger,
            CAMPAIGN,
            cut_off(mixed(5), after),
            renderer(),
            now=NOW,
            commit_rows=commit_rows,
        )
    between = [refused.customer_id for refused in ledger.refused_rows(CAMPAIGN)]
    again = plan(ledger, *mixed(5))

    assert between == ["old"]
    assert (contents(ledger), ledger.refused_rows(CAMPAIGN)) == expected
    assert again.customer_ids == whole.customer_ids
    assert again.added + again.known == whole.added == 16
    assert (again.rejected, again.duplicate) == (whole.rejected, whole.duplicate) == (5, 4)


def test_contacts_are_on_disk_before_the_whole_table_was_read(ledger: Ledger) -> None:
    chunks = cut_off(mixed(5), 2)
    with pytest.raises(PowerCutError):
        plan_campaign(ledger, CAMPAIGN, chunks, renderer(), now=NOW, commit_rows=3)

    assert [record["customer_id"] for record in contents(ledger)] == [
        "0-1",
        "0-3",
        "-1-1",
        "0-4",
        "1-1",
        "1-3",
        "1-4",
    ]


def test_progress_is_told_after_each_chunk(ledger: Ledger) -> None:
    told: list[RowCounts] = []

    plan_campaign(ledger, CAMPAIGN, mixed(3), renderer(), now=NOW, on_progress=told.append)

    assert told == [RowCounts(5, 1), RowCounts(10, 3), RowCounts(15, 5)]


ROWS = [
    row("1"),
    row("2", name=None),
    row("3", name=None, city="x" * 2_000),
    row("4", city="x" * 3_000),
    row("1"),
    row("5", "Grace", "Kyiv"),
]
INTAKE = Intake(
    rows=6,
    valid=2,
    rejected=3,
    duplicate=1,
    contacted=0,
    opened=2,
    said=2,
    reasons={
        "participant_details.display_name: column 'name' is empty": 2,
        "initial_message.content: column 'name' is empty": 2,
        "conversation.messages[0]: must have 1 to 1,024 characters": 2,
    },
    more_reasons=0,
    samples=(
        Sample(
            customer_id="1",
            display_name="Ada",
            initial_message="Hi, Ada",
            messages=("Still at Ghent?",),
        ),
        Sample(
            customer_id="5",
            display_name="Grace",
            initial_message="Hi, Grace",
            messages=("Still at Kyiv?",),
        ),
    ),
)


def test_a_look_counts_what_planning_would_count(ledger: Ledger) -> None:
    assert look_over([ROWS[:4], ROWS[4:]], renderer()) == INTAKE
    assert plan(ledger, ROWS[:1], ROWS[1:]).intake == INTAKE


def test_only_as_many_samples_are_kept_as_wanted() -> None:
    assert len(look_over([ROWS], renderer(), samples=1).samples) == 1
    assert look_over([ROWS], renderer(), samples=0).samples == ()


def test_who_is_only_planned_was_not_contacted_yet(ledger: Ledger) -> None:
    rows = [row("1"), row("2"), row("3")]
    plan(ledger, rows[:2])
    contact_first(ledger)

    looked = look_over([rows], renderer(), known=lambda ids: ledger.known(CAMPAIGN, ids))

    assert (looked.valid, looked.contacted, looked.to_contact) == (3, 1, 2)
    assert plan(ledger, rows).intake == looked


def test_a_look_tells_progress() -> None:
    told: list[RowCounts] = []

    look_over(mixed(2), renderer(), on_progress=told.append)

    assert told == [RowCounts(5, 1), RowCounts(10, 3)]


def test_a_reason_holds_nothing_of_the_row_itself() -> None:
    fails = ChatTemplate(display_name="{{ {}[name] }}").bind(instance_id="i", contact_flow_id="f")

    looked = look_over([[row("1", "Zebulon"), row("2", "Ada")]], fails)

    assert looked.reasons == {
        "participant_details.display_name: column 'name': a struct has no such item in this row": 2
    }


class EachWrongInItsOwnWay:
    def write(self, rows: list[Row]) -> Iterator[None]:
        """Right is none."""
        return iter([None] * len(rows))

    def render(self, row: Row) -> Rendered:
        return Rendered(None, (), (Problem(f"attributes.{row['customer_id']}", "", "is wrong"),))


def test_a_table_that_is_wrong_in_countless_ways_is_summed_up_in_few() -> None:
    wrong = [row(str(number)) for number in range(1_200)]

    looked = look_over([wrong], EachWrongInItsOwnWay())  # type: ignore[arg-type]

    assert looked.rejected == 1_200
    assert (len(looked.reasons), looked.more_reasons) == (12, 988)


@pytest.mark.thorough
def test_many_refused_rows_are_all_remembered(ledger: Ledger) -> None:
    plan(ledger, [row(str(number), name=None) for number in range(10_001)])

    assert len(ledger.refused_rows(CAMPAIGN)) == 10_001
