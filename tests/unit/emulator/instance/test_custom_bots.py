"""Participants that are added to a chat: when they are there, and what they hear."""

from typing import Any

import pytest

from connect_tasks.emulator.model.errors import RefusedError
from tests.unit.emulator.world import SUBSCRIBE, Socket, World

EVENT = "application/vnd.amazonaws.connect.event."


def add(world: World) -> dict[str, Any]:
    (contact_id,) = world.backend.chats
    return world.call(
        "CreateParticipant",
        InstanceId=world.backend.instance_id,
        ContactId=contact_id,
        ParticipantDetails={"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Bot"},
    )


def enter(world: World, added: dict[str, Any]) -> tuple[Socket, str]:
    token = added["ParticipantCredentials"]["ParticipantToken"]
    info = world.call("CreateParticipantConnection", token)
    socket = Socket(world.backend, info["Websocket"]["Url"])
    return socket, info["ConnectionCredentials"]["ConnectionToken"]


def joined(socket: Socket) -> list[str]:
    return [
        item["ParticipantRole"]
        for item in socket.items
        if item.get("ContentType") == f"{EVENT}participant.joined"
    ]


def test_a_bot_joins_with_its_first_socket_and_only_once(world: World) -> None:
    customer, _ = world.join("echo")
    added = add(world)
    first, _ = enter(world, added)
    before = joined(customer)
    first.send(SUBSCRIBE)
    second, _ = enter(world, added)
    second.send(SUBSCRIBE)

    assert before == ["CUSTOMER"]
    assert joined(customer) == ["CUSTOMER", "CUSTOM_BOT"]


def test_what_a_bot_says_is_lost_on_the_flow(world: World) -> None:
    customer, _ = world.join("echo")
    socket, token = enter(world, add(world))
    socket.send(SUBSCRIBE)
    world.say(token, "for the customer")

    assert customer.said[-1] == ("CUSTOM_BOT", "for the customer")
    assert socket.items[-1] == customer.items[-1]


def test_who_has_left_hears_nothing_more_and_gets_in_no_more(world: World) -> None:
    customer, own = world.join("echo")
    added = add(world)
    socket, token = enter(world, added)
    socket.send(SUBSCRIBE)
    url = world.call(
        "CreateParticipantConnection", added["ParticipantCredentials"]["ParticipantToken"]
    )["Websocket"]["Url"]
    world.call("DisconnectParticipant", token, ClientToken="d")
    world.call("DisconnectParticipant", token, ClientToken="d")
    heard = len(socket.items)
    world.say(own, "are you there?")

    assert len(socket.items) == heard
    assert not Socket(world.backend, url).is_in
    assert socket.send(SUBSCRIBE)[0]["content"]["status"] == "failure"
    left = [it for it in customer.items if it.get("ContentType") == f"{EVENT}participant.left"]
    assert [it["ParticipantRole"] for it in left] == ["CUSTOM_BOT"]
    for operation, members in (
        ("GetTranscript", {}),
        ("DisconnectParticipant", {"ClientToken": "another"}),
    ):
        with pytest.raises(RefusedError, match="AccessDenied"):
            world.call(operation, token, **members)


def test_each_participant_has_five_sockets_of_its_own(world: World) -> None:
    started = world.start("echo")
    customers = [world.connect(started)[0].is_in for _ in range(6)]
    added = add(world)
    bots = [enter(world, added)[0].is_in for _ in range(6)]

    assert customers == bots == [True] * 5 + [False]


def test_the_bot_of_a_chat_that_is_over_is_out_with_it(world: World) -> None:
    _, own = world.join("echo")
    _, token = enter(world, add(world))
    world.call("DisconnectParticipant", own)

    with pytest.raises(RefusedError, match="AccessDenied"):
        world.call("GetTranscript", token)
    with pytest.raises(RefusedError, match="InvalidRequest"):
        add(world)


def test_a_receipt_of_a_bot_reaches_the_customer(world: World) -> None:
    customer, own = world.join("echo")
    added = add(world)
    _, token = enter(world, added)
    sent = world.say(own, "Hello")
    world.call(
        "SendEvent",
        token,
        ContentType=f"{EVENT}message.read",
        Content=f'{{"messageId": "{sent["Id"]}"}}',
    )

    told: Any = customer.items[-1]
    assert told["Type"] == "MESSAGEMETADATA"
    receipt = told["MessageMetadata"]["Receipts"][0]
    assert receipt["RecipientParticipantId"] == added["ParticipantId"]
