"""What of a chat goes to SNS topics."""

import json
from typing import Any

import pytest

from connect_tasks.emulator.flows.steps import FollowUp
from connect_tasks.emulator.instance.streaming import Notification
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.quotas import LocalQuotas
from tests.unit.emulator.world import World

TOPIC = "arn:aws:sns:us-east-1:1:t"


class Streamed(World):
    """A world that keeps what goes to topics."""

    def __init__(self, quotas: LocalQuotas | None = None) -> None:
        self.sent: list[Notification] = []
        super().__init__(quotas=quotas, publish=self.sent.append)

    def stream(self, contact_id: str, topic: str, token: str) -> str:
        """Stream a chat."""
        answer: dict[str, Any] = self.call(
            "StartContactStreaming",
            InstanceId=self.backend.instance_id,
            ContactId=contact_id,
            ChatStreamingConfiguration={"StreamingEndpointArn": topic},
            ClientToken=token,
        )
        return str(answer["StreamingId"])


def test_what_goes_to_a_topic_is_what_the_sockets_get() -> None:
    world = Streamed()
    streaming = {"ChatStreamingConfiguration": {"StreamingEndpointArn": TOPIC}}
    socket, token = world.join("agent", **streaming)
    world.say(token, "Hello")
    world.stop(next(iter(world.backend.chats)))

    assert [json.loads(one.message) for one in world.sent] == socket.items
    assert len({one.message_id for one in world.sent}) == len(world.sent)


def test_a_start_that_is_repeated_streams_once() -> None:
    world = Streamed()
    streaming = {"ChatStreamingConfiguration": {"StreamingEndpointArn": TOPIC}}
    first, again = world.start("echo", **streaming), world.start("echo", **streaming)
    socket, _ = world.connect(first)
    socket.send('{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}')

    assert first["StreamingId"] == again["StreamingId"]
    assert len(world.sent) == len(socket.items)


def test_two_streamings_to_one_topic_send_each_item_once() -> None:
    world = Streamed()
    _, token = world.join("silent")
    (contact_id,) = world.backend.chats
    ids = [world.stream(contact_id, TOPIC, token) for token in ("a", "b")]
    world.say(token, "Hello")

    assert len(set(ids)) == 2
    assert [json.loads(one.message)["Content"] for one in world.sent] == ["Hello"]


def test_what_was_stopped_stays_stopped_for_its_client_token() -> None:
    world = Streamed()
    _, token = world.join("silent")
    (contact_id,) = world.backend.chats
    streaming_id = world.stream(contact_id, TOPIC, "a")
    ids = {"InstanceId": world.backend.instance_id, "ContactId": contact_id}
    for _ in range(2):
        world.call("StopContactStreaming", **ids, StreamingId=streaming_id)
    same = world.stream(contact_id, TOPIC, "a")
    world.say(token, "Hello")

    assert same == streaming_id
    assert world.sent == []


def test_an_item_of_the_chat_itself_has_no_role() -> None:
    world = Streamed()
    world.join("silent", ChatStreamingConfiguration={"StreamingEndpointArn": TOPIC})
    (contact_id,) = world.backend.chats
    world.stop(contact_id)

    last = world.sent[-1].attributes
    assert last["ContentType"].endswith("chat.ended")
    assert "ParticipantRole" not in last
    with pytest.raises(RefusedError):
        world.stream(contact_id, TOPIC, "late")


def test_a_customer_of_a_streamed_chat_can_do_without_a_socket() -> None:
    world = Streamed()
    contact_id = world.start("echo")["ContactId"]
    token = world.start("echo")["ParticipantToken"]
    world.call("CreateParticipantConnection", token, ConnectParticipant=True)
    before = world.backend.chats[contact_id].connected_at
    streaming_id = world.stream(contact_id, TOPIC, "a")
    ids = {"InstanceId": world.backend.instance_id, "ContactId": contact_id}
    world.call("StopContactStreaming", **ids, StreamingId=streaming_id)
    world.call("CreateParticipantConnection", token, ConnectParticipant=True)
    stopped = world.backend.chats[contact_id].connected_at
    world.stream(contact_id, TOPIC, "b")
    world.call("CreateParticipantConnection", token, ConnectParticipant=True)

    assert before is None
    assert stopped is None
    assert world.backend.chats[contact_id].connected_at is not None


def test_the_contact_that_follows_is_streamed_as_its_chat_was() -> None:
    world = Streamed()
    _, token = world.join("echo", ChatStreamingConfiguration={"StreamingEndpointArn": TOPIC})
    (chat,) = world.backend.chats.values()
    after = world.backend.follow(chat, FollowUp("AGENT_DISCONNECT"))
    world.say(token, "Hello again")

    last = next(one for one in world.sent if "Hello again" in one.message)
    assert last.attributes["ContactId"] == after.contact_id
    assert last.attributes["InitialContactId"] == chat.contact_id
