"""What stays of the contacts of yesterday: of a process that has ended, and of a token that has."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.started import IssuedConnection, StartedContact
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.validation import Validator, service_model
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.service import Service
from tests.unit.emulator.world import BOTH, SUBSCRIBE, Socket, World


class Diary(World):
    """A world that notes down what happens, and can be started anew with that."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[EndedContact] = []
        self.started: list[StartedContact] = []
        self.issued: list[IssuedConnection] = []
        self.restart()

    def note(self, line: StartedContact | IssuedConnection | EndedContact) -> None:
        match line:
            case StartedContact():
                self.started.append(line)
            case IssuedConnection():
                self.issued.append(line)
            case EndedContact():
                self.ended.append(line)

    def restart(self) -> None:
        """Another process, the same seed and the same diary; the clock goes on."""
        self.backend = Backend(
            now=self.clock, open_chats=5, remembered=tuple(self.ended), note=self.note
        )
        over = {contact.contact_id for contact in self.ended}
        is_open = [contact for contact in self.started if contact.contact_id not in over]
        self.backend.take_up(is_open, self.issued)
        quotas = LocalQuotas.unlimited()
        self.service = Service(self.backend, quotas, lambda: self.clock().timestamp())


def refusal(world: World, operation: str, bearer: str = "", **params: object) -> str:
    with pytest.raises(RefusedError) as caught:
        world.call(operation, bearer, **params)
    return caught.value.code


def ids(world: World, started: dict[str, Any]) -> dict[str, str]:
    return {"InstanceId": world.backend.instance_id, "ContactId": started["ContactId"]}


def end_by_stopping(world: World, started: dict[str, Any]) -> None:
    world.stop(started["ContactId"])


def end_by_disconnecting(world: World, started: dict[str, Any]) -> None:
    _, token = world.connect(started)
    world.call("DisconnectParticipant", token)


def end_by_waiting(world: World, _: dict[str, Any]) -> None:
    world.pass_time(minutes=5)


@pytest.mark.parametrize("end", [end_by_stopping, end_by_disconnecting, end_by_waiting])
def test_a_chat_that_has_ended_stays_ended_over_a_restart(end: Any) -> None:
    world = Diary()
    started = world.start(ConnectionTypes=BOTH)
    end(world, started)
    described = world.describe(started["ContactId"])
    world.restart()
    told = world.describe(started["ContactId"])
    again = world.start(ConnectionTypes=BOTH)

    assert again == {k: v for k, v in started.items() if k.endswith(("Id", "ParticipantToken"))}
    assert told.items() <= described.items()
    assert told["DisconnectReason"] == described["DisconnectReason"]
    assert (
        world.describe(started["ContactId"])["DisconnectTimestamp"]
        == (described["DisconnectTimestamp"])
    )
    assert refusal(world, "StopContact", **ids(world, started)) == "ContactNotFoundException"
    token = again["ParticipantToken"]
    assert refusal(world, "CreateParticipantConnection", token) == "AccessDeniedException"


def test_what_is_told_of_a_remembered_contact_has_the_form_of_the_model() -> None:
    world = Diary()
    started = world.start()
    world.stop(started["ContactId"])
    world.restart()
    shape = service_model("connect").shape_for("Contact")

    assert Validator(shape)(world.describe(started["ContactId"])) == []


def test_contacts_of_the_diary_take_no_slot_and_come_with_every_restart() -> None:
    world = Diary()
    for number in range(20):
        world.stop(world.start(ClientToken=str(number))["ContactId"])
    for _ in range(2):
        world.restart()
        assert all(
            "Websocket" not in world.start(ClientToken=str(number), ConnectionTypes=BOTH)
            for number in range(20)
        )
    fresh = world.start(ClientToken="fresh", ConnectionTypes=BOTH)

    assert "Websocket" in fresh


def test_a_contact_without_a_token_never_gets_the_id_of_a_remembered_one() -> None:
    world = Diary()
    first = world.start(ClientToken=None)
    world.stop(first["ContactId"])
    world.restart()

    second = world.start(ClientToken=None)
    assert second["ContactId"] != first["ContactId"]
    assert world.describe(second["ContactId"]).get("DisconnectReason") is None


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_client_token_is_valid_for_seven_days_and_then_makes_another_contact(
    *, is_restarted: bool
) -> None:
    world = Diary()
    first = world.start()
    world.stop(first["ContactId"])
    world.pass_time(days=7, seconds=-1)
    if is_restarted:
        world.restart()
    repeated = world.start()
    world.pass_time(seconds=1)
    lapsed = world.start(ConnectionTypes=BOTH)
    world.pass_time(minutes=1)

    assert repeated["ContactId"] == first["ContactId"]
    assert lapsed["ContactId"] != first["ContactId"]
    assert "Websocket" in lapsed
    assert world.start()["ContactId"] == lapsed["ContactId"]
    assert world.describe(first["ContactId"])["DisconnectReason"] == "API"
    world.pass_time(days=7)
    assert world.start()["ContactId"] not in (first["ContactId"], lapsed["ContactId"])


def test_the_diary_tells_when_and_why_each_contact_ended() -> None:
    world = Diary()
    socket, token = world.join("echo")
    began = world.clock()
    world.pass_time(seconds=9)
    world.call("DisconnectParticipant", token)

    assert world.ended == [
        EndedContact(
            contact_id=socket.items[0]["ContactId"],
            started_at=began,
            connected_at=began,
            ended_at=began + timedelta(seconds=9),
            disconnect_reason="CUSTOMER_DISCONNECT",
        )
    ]


def test_a_chat_that_was_open_is_open_after_a_restart_under_the_same_ids_and_tokens() -> None:
    world = Diary()
    started = world.start("echo", Attributes={"plan": "basic"})
    _, token = world.connect(started)
    world.pass_time(minutes=1)
    world.restart()
    socket, _ = world.connect(started)
    socket.send(SUBSCRIBE)
    world.say(token, "still here?")
    contact = ids(world, started)
    asked = {"InstanceId": contact["InstanceId"], "InitialContactId": contact["ContactId"]}

    assert ("SYSTEM", "still here?") in socket.said
    assert world.call("GetContactAttributes", **asked) == {"Attributes": {"plan": "basic"}}
    again = world.start("echo")
    assert again["ContactId"] == started["ContactId"]
    assert again["ParticipantToken"] == started["ParticipantToken"]


def test_tokens_that_are_handed_out_after_a_restart_are_others_than_before() -> None:
    world = Diary()
    started = world.start("echo", ConnectionTypes=BOTH)
    tokens = [started["ConnectionCredentials"]["ConnectionToken"]]
    for _ in range(3):
        tokens += [world.connect(started)[1] for _ in range(2)]
        world.restart()

    assert len(set(tokens)) == len(tokens)
    assert all(world.call("GetTranscript", token) for token in tokens)


def test_what_was_handed_out_before_a_restart_lasts_no_longer_for_it() -> None:
    world = Diary()
    started = world.start("echo")
    socket, token = world.connect(started)
    url = world.backend.connections.issued[-2]
    socket.close()
    world.pass_time(seconds=90)
    world.restart()
    connected, _ = world.connect(started)
    connected.send(SUBSCRIBE)
    world.pass_time(seconds=9)
    assert Socket(world.backend, url).is_in
    world.pass_time(seconds=1)

    assert not Socket(world.backend, url).is_in
    world.pass_time(hours=23)
    assert world.call("GetTranscript", token)["Transcript"]
    world.pass_time(hours=1)
    assert refusal(world, "GetTranscript", token) == "AccessDeniedException"


def test_a_chat_that_is_taken_up_ends_when_it_would_have_ended() -> None:
    world = Diary()
    started = world.start("echo", ChatDurationInMinutes=60)
    socket, _ = world.connect(started)
    socket.send(SUBSCRIBE)
    world.pass_time(minutes=59)
    world.restart()
    socket, _ = world.connect(started)
    socket.send(SUBSCRIBE)
    world.pass_time(seconds=59)
    assert "DisconnectReason" not in world.describe(started["ContactId"])
    world.pass_time(seconds=1)

    assert world.describe(started["ContactId"])["DisconnectReason"] == "EXPIRED"


def test_a_chat_whose_time_is_up_while_nobody_ran_ends_at_the_restart() -> None:
    world = Diary()
    started = world.start("echo", ChatDurationInMinutes=60)
    world.clock.advance(hours=3)
    world.restart()
    world.pass_time()

    assert world.describe(started["ContactId"])["DisconnectReason"] == "EXPIRED"


def test_chats_that_are_taken_up_hold_their_slots() -> None:
    world = Diary()
    for number in range(5):
        world.start("echo", ClientToken=str(number))
    world.restart()

    with pytest.raises(RefusedError, match="concurrent active chats"):
        world.start("echo", ClientToken="one more")


def test_a_contact_without_a_token_never_gets_the_id_of_one_that_was_taken_up() -> None:
    world = Diary()
    first = world.start("echo", ClientToken=None)
    world.restart()

    assert world.start("echo", ClientToken=None)["ContactId"] != first["ContactId"]


def test_a_chat_whose_flow_is_gone_is_left_out() -> None:
    world = Diary()
    started = world.start("echo")
    gone = replace(world.started[0], request={**world.started[0].request, "ContactFlowId": "gone"})
    world.started[:] = [gone]
    world.restart()

    assert refusal(world, "DescribeContact", **ids(world, started)) == "ResourceNotFoundException"
