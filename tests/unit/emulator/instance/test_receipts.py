import json
from typing import Any

import pytest

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.validation import Validator, service_model
from tests.unit.emulator.world import SUBSCRIBE, Socket, World

EVENT = "application/vnd.amazonaws.connect.event."
DELIVERED, READ = f"{EVENT}message.delivered", f"{EVENT}message.read"


def confirm(world: World, token: str, event: str, message_id: str) -> dict[str, Any]:
    content = json.dumps({"messageId": message_id})
    return world.call("SendEvent", token, ContentType=event, Content=content)


def greeting(socket: Socket) -> str:
    return next(item["Id"] for item in socket.items if item["Type"] == "MESSAGE")


def told(socket: Socket) -> list[dict[str, Any]]:
    return [item for item in socket.items if item["Type"] == "MESSAGEMETADATA"]


def test_receipts_of_anothers_message_are_told_to_every_socket_of_the_chat(world: World) -> None:
    started = world.start("echo")
    (first, token), (second, _) = world.connect(started), world.connect(started)
    first.send(SUBSCRIBE)
    second.send(SUBSCRIBE)
    stranger, _ = world.join("echo", ClientToken="another chat")
    message_id = greeting(first)
    delivered = confirm(world, token, DELIVERED, message_id)
    world.pass_time(seconds=1)
    read = confirm(world, token, READ, message_id)

    me = started["ParticipantId"]
    stamps = {"DeliveredTimestamp": delivered["AbsoluteTime"], "RecipientParticipantId": me}
    assert [item["MessageMetadata"] for item in told(second)] == [
        {"MessageId": message_id, "Receipts": [stamps]},
        {
            "MessageId": message_id,
            "Receipts": [{**stamps, "ReadTimestamp": read["AbsoluteTime"]}],
        },
    ]
    assert told(first) == told(second)
    assert told(stranger) == []


def test_a_receipt_has_the_form_that_official_clients_read(world: World) -> None:
    socket, token = world.join("echo")
    sent = confirm(world, token, READ, greeting(socket))
    (item,) = told(socket)

    assert set(item) == {"AbsoluteTime", "ContentType", "Id", "Type", "MessageMetadata"}
    assert item["ContentType"] == f"{EVENT}message.metadata"
    assert (item["Id"], item["AbsoluteTime"]) == (sent["Id"], sent["AbsoluteTime"])
    metadata = service_model("connectparticipant").shape_for("MessageMetadata")
    assert Validator(metadata)(item["MessageMetadata"]) == []
    # ChatJS takes it for a read receipt by this time stamp; what is read has been delivered.
    assert {"ReadTimestamp", "DeliveredTimestamp"} < set(item["MessageMetadata"]["Receipts"][0])


def test_the_transcript_keeps_receipts_at_their_message_and_not_as_items(world: World) -> None:
    socket, token = world.join("echo")
    message_id = greeting(socket)
    before = world.call("GetTranscript", token)["Transcript"]
    confirm(world, token, READ, message_id)
    after = world.call("GetTranscript", token)["Transcript"]

    assert [item["Id"] for item in after] == [item["Id"] for item in before]
    with_receipts = [item["Id"] for item in after if "MessageMetadata" in item]
    assert with_receipts == [message_id]
    shape = service_model("connectparticipant").shape_for("Item")
    assert [Validator(shape)(item) for item in after] == [[]] * len(after)


def test_the_same_receipt_again_is_no_news(world: World) -> None:
    socket, token = world.join("echo")
    for event in (READ, READ, DELIVERED):
        world.pass_time(seconds=1)
        confirm(world, token, event, greeting(socket))

    assert len(told(socket)) == 1


def test_of_ones_own_message_or_of_none_nobody_is_told(world: World) -> None:
    socket, token = world.join("echo")
    mine = world.say(token, "mine")["Id"]
    other, _ = world.join("echo", ClientToken="another chat")
    joined = socket.items[0]["Id"]
    for message_id in (mine, joined, greeting(other), "nothing"):
        assert confirm(world, token, READ, message_id)["Id"]

    assert told(socket) == told(other) == []


@pytest.mark.parametrize(
    "content", ["", "x", "[]", '{"messageId":1}', "[" * 10_000, '{"messageId":"\\ud800"}', "NaN"]
)
def test_a_receipt_that_names_no_message_is_invalid(world: World, content: str) -> None:
    _, token = world.join("echo")
    with pytest.raises(RefusedError) as caught:
        world.call("SendEvent", token, ContentType=READ, Content=content or None)

    assert caught.value.code == "ValidationException"
