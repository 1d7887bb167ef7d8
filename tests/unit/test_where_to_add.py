"""What docs/architecture.md says under "Where to add what": a step that is forgotten fails here.

A parameter of StartChatContact is checked in aws/test_models_against_botocore.py, a kind of fault
in functional/test_emulator_faults.py, a column's redaction in functional/test_forget.py, and an end
reason in campaign/test_report.py.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connect_tasks.aws import calls
from connect_tasks.aws.client import ConnectApi
from connect_tasks.aws.models import LIST_FIELDS, StartChatContactRequest
from connect_tasks.aws.outbound_models import StartOutboundChatContactRequest
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.aws.quotas import Quotas
from connect_tasks.aws.retry import RetryPolicy
from connect_tasks.aws.transcript import Item
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.outbound_template import OutboundChatTemplate
from connect_tasks.emulator.model.operations import OWNERS
from connect_tasks.ledger.changes import Planned
from connect_tasks.ledger.contact import Contact
from connect_tasks.ledger.rows import PROGRESS_COLUMNS
from connect_tasks.ledger.schema import contacts, items
from connect_tasks.tables.layouts import CONTACTS, MESSAGES
from connect_tasks.tasks.artifacts import ArtifactKind

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "connect_tasks"


# --- a parameter of StartChatContact ---


def test_every_parameter_can_be_filled_in_from_a_table() -> None:
    in_template = set(ChatTemplate.model_fields) - {"display_name"}

    # The client token is the campaign's: it follows from its name and the customer.
    assert set(StartChatContactRequest.model_fields) - in_template == {"client_token"}
    assert in_template - set(StartChatContactRequest.model_fields) == set()


def test_every_parameter_of_an_outbound_request_can_be_filled_in_from_a_table() -> None:
    in_template = set(OutboundChatTemplate.model_fields) - {"display_name", "subtype"}

    assert set(StartOutboundChatContactRequest.model_fields) - in_template == {"client_token"}
    # Amazon has no place for it there: it is the campaign's alone.
    assert in_template - set(StartOutboundChatContactRequest.model_fields) == {"customer_id"}


def test_a_field_that_holds_a_list_is_known_by_its_type() -> None:
    schema = StartChatContactRequest.model_json_schema()["properties"]
    lists = {name for name in schema if "array" in str(schema[name].get("anyOf", ""))}

    assert lists == LIST_FIELDS


# --- a column of contacts or messages ---


def columns_of(layout: Any) -> set[str]:
    return set(layout.frame([]).columns)


def test_every_field_of_a_contact_is_a_column_of_the_result_or_kept_inside() -> None:
    # The request and what our side says are the table's own; ids and claims are the ledger's.
    inside = {"id", "request", "messages", "sent_at"}

    assert {field.name for field in fields(Contact)} - columns_of(CONTACTS) == inside


def test_every_field_of_a_contact_is_written_when_it_is_planned_or_at_each_step() -> None:
    planned = {field.name for field in fields(Planned)} | {"id", "campaign", "status", "planned_at"}

    assert {field.name for field in fields(Contact)} - planned == set(PROGRESS_COLUMNS) - {"status"}


def test_every_column_of_the_ledgers_contacts_is_a_field_or_the_ledgers_own() -> None:
    own = {"fingerprint", "claimed_by", "claimed_until", "customer_key", "table_id", "not_before"}
    own |= {"endpoint"}

    assert set(contacts.c.keys()) - {field.name for field in fields(Contact)} == own


def test_every_part_of_an_item_is_a_column_of_the_ledger_and_of_the_result() -> None:
    item = Item(message_id="i", absolute_time=datetime.now(UTC), type="MESSAGE")
    parts = set(item.record)

    assert set(items.c.keys()) - parts == {"campaign", "contact_id", "customer_id"}
    assert columns_of(MESSAGES) - parts == {"contact_id", "customer_id"}


# --- a call of Amazon's API ---


def operations_called() -> set[str]:
    """What `ConnectApi` calls, from the source of the calls."""
    tree = ast.parse(inspect.getsource(calls))
    made = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    described = (call for call in made if ast.unparse(call.func) == "Call")
    return {ast.literal_eval(call.args[0]) for call in described}


def test_every_operation_that_is_called_has_a_quota() -> None:
    called = operations_called()

    assert called
    assert {name: Quotas().rate_of(name)[0] > 0 for name in called} == dict.fromkeys(called, True)


def test_every_operation_that_is_called_waits_for_its_turn() -> None:
    async def acquire(_: Any) -> Any:
        raise NotImplementedError

    with ThreadPoolExecutor(1) as executor:
        paced = PacedCalls(
            ConnectApi(),
            RetryPolicy(),
            acquire=acquire,
            executor=executor,
            clock=SystemClock(),
            random=Random(0),  # noqa: S311 - no secret
        )

    assert set(paced.waiting) == operations_called()


def test_every_operation_that_is_called_is_answered_by_the_local_amazon_connect() -> None:
    assert operations_called() - set(OWNERS) == set()


# --- an artifact of Prefect ---


def test_every_artifact_is_told_of_in_the_documents() -> None:
    told = (ROOT / "docs" / "prefect.md").read_text(encoding="utf-8")
    named = set(re.findall(r"artifact `<campaign>-([a-z-]+)`", told))

    assert named == set(ArtifactKind)


# --- a public async method ---


def public_async_methods() -> Iterator[Any]:
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        bodies = [tree.body, *(node.body for node in classes if not node.name.startswith("_"))]
        for node in (node for body in bodies for node in body):
            if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield pytest.param(ast.get_docstring(node) or "", id=f"{path.stem}.{node.name}")


# As those of websockets do: whoever awaits something must know.
@pytest.mark.parametrize("docstring", list(public_async_methods()))
def test_a_public_async_method_says_what_cancelling_and_concurrent_calls_do(docstring: str) -> None:
    assert re.search("cancel", docstring, re.IGNORECASE)
    assert re.search("concurrent", docstring, re.IGNORECASE)
