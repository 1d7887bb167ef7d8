from typing import Any

import pytest

from connect_tasks.emulator.flows.rehearsal import NOON
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.flow_run import FlowRun
from connect_tasks.emulator.flows.world.world import World
from tests.unit.emulator.flows.run.building import (
    ERROR,
    action,
    branch_of,
    chain,
    flow,
    play,
    said,
    say,
)

MOST = 32 * 1024


def store(given: Any, **parameters: Any) -> Any:
    errors = {ERROR: "failed"}
    return action(
        "UpdateContactAttributes", to="end", errors=errors, Attributes=given, **parameters
    )


def test_attributes_are_set_with_references_in_names_and_values() -> None:
    played = play(
        store({"$.Attributes.k": "is $.Attributes.v", "n": 3}), attributes={"k": "x", "v": "y"}
    )
    assert played.attributes == {"k": "x", "v": "y", "x": "is y", "n": "3"}


def test_an_attribute_that_is_set_from_nothing_is_the_empty_text() -> None:
    assert play(store({"a": "$.External.none"})).attributes == {"a": ""}


def test_attributes_that_were_set_before_stay_or_are_replaced() -> None:
    played = play(store({"a": "new"}), attributes={"a": "old", "b": "kept"})
    assert played.attributes == {"a": "new", "b": "kept"}


def test_values_are_read_before_any_is_set() -> None:
    played = play(
        store({"a": "$.Attributes.b", "b": "$.Attributes.a"}), attributes={"a": "1", "b": "2"}
    )
    assert played.attributes == {"a": "2", "b": "1"}


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_attributes_have_32_kib_in_all_and_beyond_none_is_set(letter: str) -> None:
    size = len(letter.encode())
    before = {"a": letter * 1000}
    room = (MOST - 1000 * size - 1 - 1) // size
    assert branch_of(store({"b": letter * room}), attributes=before) == "Success"
    played = play(store({"s": "small", "b": letter * (room + 1)}), attributes=before)
    assert played.trace[0].result == ERROR
    assert played.attributes == before


def test_names_count_and_what_is_replaced_does_not() -> None:
    assert branch_of(store({"a": "x" * (MOST - 1)}), attributes={"a": "y" * 30_000}) == "Success"
    assert branch_of(store({"a": "x" * MOST})) == ERROR


@pytest.mark.parametrize("given", [None, "text", [], 3])
def test_no_attributes_are_an_error(given: Any) -> None:
    assert branch_of(store(given)) == ERROR


def test_without_a_related_contact_its_attributes_cannot_be_set() -> None:
    assert branch_of(store({"a": "1"}, TargetContact="Related")) == ERROR
    assert play(store({"a": "1"}, TargetContact="Related")).attributes == {}
    assert play(store({"a": "1"}, TargetContact="Current")).attributes == {"a": "1"}


def test_the_related_contacts_attributes_are_not_the_contacts_own() -> None:
    contact = Contact(contact_id="1", initial_contact_id="1", has_related=True)
    one = flow(store({"a": "1"}, TargetContact="Related"))
    run = FlowRun(one, World(), contact, draw=lambda: 1, now=NOON)
    run.advance(NOON)
    assert (contact.attributes, run.trace[0].result) == ({}, "Success")
    assert run.warnings


def flow_store(given: Any, identifier: str = "") -> Any:
    return action(
        "UpdateFlowAttributes", identifier, to="end", errors={ERROR: "end"}, FlowAttributes=given
    )


def test_flow_attributes_are_set_and_are_no_contact_attributes() -> None:
    first = flow_store({"a": {"Value": "for $.Channel", "Type": "String"}}, "first")
    second = flow_store({"b": {"Value": "$.FlowAttributes.a!"}}, "second")
    shown = say("$.FlowAttributes.a, $.FlowAttributes.b [$.Attributes.a]")
    played = play(chain(first, second, shown))
    assert said(played) == ["for CHAT, for CHAT! []"]
    assert played.attributes == {}


def test_flow_attributes_have_32_kib_in_all_and_beyond_none_is_set() -> None:
    full = flow_store({"a": {"Value": "x" * (MOST - 1)}}, "full")
    more = flow_store({"s": {"Value": ""}, "b": {"Value": "y"}}, "more")
    played = play(chain(full, more, say("[$.FlowAttributes.s$.FlowAttributes.b]")))
    assert [entry.result for entry in played.trace[:2]] == ["Success", ERROR]
    assert said(played) == ["[]"]


@pytest.mark.parametrize("given", [None, "text", []])
def test_no_flow_attributes_are_an_error(given: Any) -> None:
    assert branch_of(flow_store(given)) == ERROR


def test_a_contacts_data_is_what_references_read_afterwards() -> None:
    text = "$.Name $.Description $.LanguageCode $.CustomerId $.References.r.Value"
    update = action(
        "UpdateContactData",
        Name="N",
        Description="D",
        LanguageCode="de-DE",
        CustomerId="C-$.Channel",
        References={"r": {"Value": "$.Channel", "Type": "STRING"}},
    )
    assert said(play(chain(update, say(text)))) == ["N D de-DE C-CHAT CHAT"]


def test_what_is_not_named_of_a_contacts_data_stays() -> None:
    update = action("UpdateContactData", Name="N")
    assert said(play(chain(update, say("$.LanguageCode [$.CustomerId]")))) == ["en-US []"]


def test_the_flow_sees_attributes_that_somebody_else_sets_meanwhile() -> None:
    contact = Contact(contact_id="1", initial_contact_id="1")
    pause = action("Wait", to="x", TimeLimitSeconds="1")
    run = FlowRun(
        flow(pause, say("$.Attributes.a", "x")), World(), contact, draw=lambda: 1, now=NOON
    )
    assert run.advance(NOON) is None
    contact.attributes["a"] = "from outside"
    assert run.due is not None
    assert getattr(run.advance(run.due), "text", None) == "from outside"
