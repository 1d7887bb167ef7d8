"""The flow that asks with buttons, and the contact that follows it in the same chat."""

import json
from typing import Any

import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.feedback import AGAIN, REASONS, SCORES
from connect_tasks.emulator.flows.interactive import (
    INTERACTIVE,
    list_picker,
    pick,
    quick_reply,
    titles_in,
)
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.validation import service_model
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.service import Service
from connect_tasks.emulator.transcript_storage import TranscriptStorage
from tests.unit.emulator.world import SUBSCRIBE, Socket, World, only_ended

ANSWERS = ("4", "Service", "You were kind.", "Yes")
ENDED = "application/vnd.amazonaws.connect.event.chat.ended"


class Impatient(World):
    """A world whose flows wait for a minute, and which keeps transcripts."""

    def __init__(self) -> None:
        super().__init__()
        self.backend = Backend(
            now=self.clock, open_chats=1, answer_seconds=60, storage=TranscriptStorage()
        )
        quotas = LocalQuotas.unlimited()
        self.service = Service(self.backend, quotas, lambda: self.clock().timestamp())

    def contacts(self) -> list[Any]:
        return [chat.record() for chat in self.backend.chats.values()]


@pytest.fixture
def world() -> Impatient:
    return Impatient()


def answered(world: World, *answers: str, **members: object) -> tuple[Socket, str]:
    socket, token = world.join("feedback", **members)
    for answer in answers:
        world.clock.advance(seconds=2)
        world.say(token, answer)
    return socket, token


def test_questions_come_as_amazon_writes_interactive_messages(world: Impatient) -> None:
    socket, _ = answered(world, *ANSWERS, Attributes={"plan": "Gold"})
    asked = [item for item in socket.items if item["ContentType"] == INTERACTIVE]
    messages = [json.loads(item["Content"]) for item in asked]

    assert [message["templateType"] for message in messages] == [
        "QuickReply",
        "ListPicker",
        "QuickReply",
    ]
    assert {message["version"] for message in messages} == {"1.0"}
    titles = [tuple(e["title"] for e in m["data"]["content"]["elements"]) for m in messages]
    assert titles == [SCORES, REASONS, AGAIN]
    assert "Gold" in messages[0]["data"]["content"]["title"]
    # As AWS documents them: 2 to 5 replies, 1 to 10 elements.
    assert 2 <= len(SCORES) <= 5
    assert 2 <= len(AGAIN) <= 5
    assert 1 <= len(REASONS) <= 10


def test_what_was_answered_becomes_attributes_of_the_contacts(world: Impatient) -> None:
    answered(world, *ANSWERS, Attributes={"plan": "Gold"})
    first, second = world.contacts()

    assert first.attributes == {"plan": "Gold", "score": "4", "reason": "Service"}
    assert second.attributes == {**first.attributes, "contact_again": "yes"}
    told = world.call(
        "GetContactAttributes",
        InstanceId=world.backend.instance_id,
        InitialContactId=first.contact_id,
    )
    assert told == {"Attributes": first.attributes}
    assert world.describe(second.contact_id)["Attributes"] == second.attributes


def test_the_contact_that_follows_is_told_of_as_one_of_a_disconnect_flow(world: Impatient) -> None:
    answered(world, *ANSWERS)
    first, second = (world.describe(contact.contact_id) for contact in world.contacts())

    assert "InitialContactId" not in first
    assert (first["InitiationMethod"], first["DisconnectReason"]) == (
        "API",
        "CONTACT_FLOW_DISCONNECT",
    )
    assert second["InitiationMethod"] == "DISCONNECT"
    assert second["InitialContactId"] == second["PreviousContactId"] == first["Id"] != second["Id"]
    assert second["InitiationTimestamp"] == first["DisconnectTimestamp"]
    assert second["DisconnectTimestamp"] == first["DisconnectTimestamp"] + 2
    for described in (first, second):
        shape = service_model("connect").shape_for("Contact")
        assert ParamValidator().validate(described, shape).generate_report() == ""


def test_a_search_finds_what_followed_by_its_method(world: Impatient) -> None:
    answered(world, *ANSWERS)
    first, second = world.contacts()
    asked: dict[str, Any] = {
        "InstanceId": world.backend.instance_id,
        "TimeRange": {"Type": "DISCONNECT_TIMESTAMP", "StartTime": 0, "EndTime": 2e9},
        "SearchCriteria": {"InitiationMethods": ["DISCONNECT"]},
    }
    found = world.call("SearchContacts", **asked)

    assert [one["Id"] for one in found["Contacts"]] == [second.contact_id]
    assert found["Contacts"][0]["InitialContactId"] == first.contact_id
    shape = service_model("connect").shape_for("SearchContactsResponse")
    assert ParamValidator().validate(found, shape).generate_report() == ""


def test_the_sockets_hear_both_contacts_and_one_end(world: Impatient) -> None:
    socket, _ = answered(world, *ANSWERS)
    first, second = world.contacts()
    ids = [item["ContactId"] for item in socket.items]

    assert {item["InitialContactId"] for item in socket.items} == {first.contact_id}
    assert ids == sorted(ids, key=[first.contact_id, second.contact_id].index)
    assert [item["ContentType"] for item in socket.items].count(ENDED) == 1
    assert socket.items[-1]["ContentType"] == ENDED
    times = [item["AbsoluteTime"] for item in socket.items]
    assert times == sorted(set(times))
    customers = {i["ParticipantId"] for i in socket.items if i.get("ParticipantRole") == "CUSTOMER"}
    assert len(customers) == 1


def test_each_contact_has_a_file_of_its_own_with_what_was_said_in_it(world: Impatient) -> None:
    socket, _ = answered(world, *ANSWERS)
    archive = world.backend.archive
    files = [json.loads(archive.read(file)) for file in archive.files("")]
    by_contact = {file["ContactId"]: file for file in files}
    first, second = world.contacts()

    assert set(by_contact) == {first.contact_id, second.contact_id}
    assert {file["InitialContactId"] for file in files} == {first.contact_id}
    written = [
        item["Id"]
        for contact in (first, second)
        for item in by_contact[contact.contact_id]["Transcript"]
    ]
    assert written == [item["Id"] for item in socket.items]


def test_between_the_contacts_the_chat_goes_on_with_its_tokens_and_its_slot(
    world: Impatient,
) -> None:
    request = world.request("feedback")
    started = world.call("StartChatContact", **request)
    socket, token = world.connect(started)
    socket.send(SUBSCRIBE)
    for answer in ANSWERS[:-1]:
        world.say(token, answer)
    first, second = world.contacts()

    assert first.ended_at is not None
    assert second.ended_at is None
    with pytest.raises(RefusedError, match="LimitExceeded"):
        world.start(ClientToken="another")
    assert world.call("StartChatContact", **request) == started
    again, other_token = world.connect(started)
    again.send(SUBSCRIBE)
    page = world.call("GetTranscript", other_token, MaxResults=100, SortOrder="ASCENDING")
    assert [item["Id"] for item in page["Transcript"]] == [item["Id"] for item in socket.items]
    assert {item["ContactId"] for item in page["Transcript"]} == {
        first.contact_id,
        second.contact_id,
    }
    assert page["InitialContactId"] == first.contact_id
    with pytest.raises(RefusedError, match="ContactNotFound"):
        world.stop(first.contact_id)
    world.say(token, "no")
    assert again.items[-1]["ContentType"] == ENDED
    assert world.contacts()[-1].attributes["contact_again"] == "no"
    world.start(ClientToken="another")


@pytest.mark.parametrize("word", ["STOP", " stop. ", "Opt  Out", "unsubscribe!"])
@pytest.mark.parametrize("after", range(4))
def test_whoever_writes_stop_is_asked_nothing_more(world: Impatient, word: str, after: int) -> None:
    socket, token = answered(world, *ANSWERS[:after], word)

    assert socket.items[-1]["ContentType"] == ENDED
    assert world.contacts()[-1].attributes["opted_out"] == "true"
    with pytest.raises(RefusedError, match="AccessDenied"):
        world.say(token, "5")


@pytest.mark.parametrize("word", ["Please stop asking", "end", "cancel"])
def test_a_word_that_is_no_opt_out_is_an_answer(world: Impatient, word: str) -> None:
    answered(world, "5", "Price", word)

    assert "opted_out" not in world.contacts()[0].attributes


def test_a_choice_that_was_not_offered_is_asked_for_once_more(world: Impatient) -> None:
    socket, _ = answered(world, "very", "5", "none of these", "nor these", "no comment", "2")
    contents = [item["Content"] for item in socket.items if "Content" in item]

    assert sum(content.startswith("Please choose one of these") for content in contents) == 2
    assert world.contacts()[-1].attributes == {"score": "5", "contact_again": "no"}


def test_a_flow_that_hears_nothing_ends_the_chat_after_a_while(world: Impatient) -> None:
    socket, _ = answered(world, "4")
    world.pass_time(seconds=59)
    assert socket.items[-1]["ContentType"] != ENDED
    world.pass_time(seconds=1)

    (contact,) = world.contacts()
    assert socket.items[-1]["ContentType"] == ENDED
    assert (contact.disconnect_reason, contact.attributes) == (
        "CONTACT_FLOW_DISCONNECT",
        {"score": "4"},
    )


def test_each_answer_begins_another_wait(world: Impatient) -> None:
    socket, token = answered(world)
    for answer in ("4", "Service"):
        world.pass_time(seconds=50)
        world.say(token, answer)
    world.pass_time(seconds=50)

    assert socket.items[-1]["ContentType"] != ENDED


def test_metrics_count_what_each_side_said(world: Impatient) -> None:
    answered(world, *ANSWERS)
    first, second = (world.describe(contact.contact_id) for contact in world.contacts())
    of_first, of_second = first["ChatMetrics"], second["ChatMetrics"]

    assert of_first["CustomerMetrics"]["MessagesSent"] == 3
    assert of_first["CustomerMetrics"]["NumResponses"] == 3
    assert of_first["CustomerMetrics"]["MessageLengthInChars"] == len("4ServiceYou were kind.")
    assert of_first["CustomerMetrics"]["MaxResponseTimeInMillis"] == pytest.approx(2000, abs=9)
    assert of_first["ChatContactMetrics"]["TotalMessages"] == 7
    assert of_first["ChatContactMetrics"]["TotalBotMessages"] == 4
    assert of_second["CustomerMetrics"]["MessagesSent"] == 1
    assert "AgentMetrics" not in of_first


def test_an_open_contact_has_no_metrics_and_no_recording(world: Impatient) -> None:
    socket, _ = answered(world)
    described = world.describe(socket.items[0]["ContactId"])

    assert {"ChatMetrics", "Recordings", "DisconnectTimestamp"}.isdisjoint(described)


TITLES = st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=10, unique=True)


@given(title=st.text(), options=TITLES, subtitle=st.text())
def test_what_is_offered_can_be_read_from_the_message(
    title: str, options: list[str], subtitle: str
) -> None:
    assert titles_in(quick_reply(title, options)) == tuple(options)
    assert titles_in(list_picker(title, options, subtitle=subtitle)) == tuple(options)


@given(st.text() | st.recursive(st.none() | st.integers(), st.lists).map(json.dumps))
def test_what_is_no_interactive_message_offers_nothing(content: str) -> None:
    assert titles_in(content) == ()


@given(data=st.data(), options=st.lists(st.sampled_from("abcdefg"), min_size=2, unique=True))
def test_a_title_is_picked_however_it_is_written(data: st.DataObject, options: list[str]) -> None:
    option = data.draw(st.sampled_from(options))
    written = data.draw(st.sampled_from([option, option.upper(), f"  {option}. "]))

    assert pick(written, options) == option
    assert pick(str(options.index(option) + 1), options) == option
    assert pick(f"{option}{option}", options) is None


def test_a_number_that_is_a_title_means_that_title() -> None:
    assert pick("1", ("3", "2", "1")) == "1"


def test_what_followed_is_told_of_as_that_over_a_restart_too(world: Impatient) -> None:
    ended: list[Any] = []
    world.backend = Backend(now=world.clock, note=only_ended(ended))
    world.service = Service(world.backend, LocalQuotas.unlimited(), lambda: 0)
    answered(world, *ANSWERS)
    before = [world.describe(contact.contact_id) for contact in world.contacts()]
    world.backend = Backend(now=world.clock, remembered=ended)
    world.service = Service(world.backend, LocalQuotas.unlimited(), lambda: 0)
    after = [world.describe(one["Id"]) for one in before]
    names = ("InitiationMethod", "InitialContactId", "PreviousContactId", "DisconnectTimestamp")

    assert len(after) == 2
    assert [[one.get(name) for name in names] for one in after] == [
        [one.get(name) for name in names] for one in before
    ]
