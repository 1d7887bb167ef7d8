"""What the project relies on, asked of the local Amazon Connect, or of a real instance.

With `--aws-verified` the same asserts run on the instance of `CONNECT_TASKS_INSTANCE_ID` with the
flow of `CONNECT_TASKS_CONTACT_FLOW_ID`, which must not end a chat by itself. That has
never been done yet.
"""

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.sync.client import connect

from connect_tasks.emulator import LocalConnect

pytestmark = pytest.mark.aws_verified

BOTH = ["WEBSOCKET", "CONNECTION_CREDENTIALS"]
SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'
ENDED = "application/vnd.amazonaws.connect.event.chat.ended"


@dataclass
class Instance:
    """An instance, local or real, and clients for it."""

    instance_id: str
    contact_flow_id: str
    connect: Any
    participant: Any

    def start(self, **members: object) -> dict[str, Any]:
        """Start a chat."""
        answer: dict[str, Any] = self.connect.start_chat_contact(
            InstanceId=self.instance_id,
            ContactFlowId=self.contact_flow_id,
            **{"ParticipantDetails": {"DisplayName": "Contract test"}, **members},
        )
        return answer

    def stop(self, contact_id: str) -> None:
        """Stop a contact."""
        self.connect.stop_contact(InstanceId=self.instance_id, ContactId=contact_id)

    def open(self, started: dict[str, Any]) -> tuple[str, str]:
        """A socket URL and a connection token."""
        info = self.participant.create_participant_connection(
            ParticipantToken=started["ParticipantToken"], Type=BOTH
        )
        return info["Websocket"]["Url"], info["ConnectionCredentials"]["ConnectionToken"]


def _clients(**arguments: Any) -> dict[str, Any]:
    config = Config(retries={"total_max_attempts": 1})
    names = {"connect": "connect", "participant": "connectparticipant"}
    make: Any = boto3.client
    return {name: make(service, config=config, **arguments) for name, service in names.items()}


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    if request.config.getoption("--aws-verified", default=False):
        ids = (os.environ[f"CONNECT_TASKS_{n}_ID"] for n in ("INSTANCE", "CONTACT_FLOW"))
        yield from _instance(*ids, **_clients())
        return
    with LocalConnect(flow="echo") as local:
        clients = _clients(
            endpoint_url=local.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        yield from _instance(local.instance_id, local.flow_id, **clients)


def _instance(instance_id: str, contact_flow_id: str, **clients: Any) -> Iterator[Instance]:
    yield Instance(instance_id, contact_flow_id, **clients)
    for client in clients.values():
        client.close()


def token() -> str:
    return str(uuid.uuid4())


def refused(call: Any, *arguments: Any, **named: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def items_until(socket: Any, content_type: str) -> list[dict[str, str]]:
    items: list[dict[str, str]] = []
    while not items or items[-1]["ContentType"] != content_type:
        frame = json.loads(socket.recv(timeout=30))
        if frame.get("topic") == "aws/chat":
            items.append(json.loads(frame["content"]))
    return items


def test_a_client_token_stands_for_one_contact_even_after_its_end(instance: Instance) -> None:
    client_token = token()
    first = instance.start(ClientToken=client_token)
    alive = instance.start(ClientToken=client_token)
    instance.stop(first["ContactId"])
    dead = instance.start(ClientToken=client_token)

    assert first["ContactId"] == alive["ContactId"] == dead["ContactId"]


@pytest.fixture
def text(instance: Instance, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A request that begins a conversation on a phone: by SMS, your own one on a real instance."""
    source, number = "arn:aws:connect:us-east-1:111122223333:phone-number/p-1", "+4915112345678"
    if request.config.getoption("--aws-verified", default=False):
        names = ("CONNECT_TASKS_PHONE_NUMBER_ARN", "CONNECT_TASKS_PHONE_NUMBER")
        if not all(name in os.environ for name in names):
            pytest.skip(f"texts nobody: name a source and your own phone in {' and '.join(names)}")
        source, number = (os.environ[name] for name in names)
    return {
        "InstanceId": instance.instance_id,
        "ContactFlowId": instance.contact_flow_id,
        "SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": source},
        "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": number},
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}},
        "ClientToken": token(),
    }


def test_a_text_gives_one_contact_for_its_token_and_tells_how_it_ended(
    instance: Instance, text: dict[str, Any]
) -> None:
    first = instance.connect.start_outbound_chat_contact(**text)
    again = instance.connect.start_outbound_chat_contact(**text)
    instance.stop(first["ContactId"])
    dead = instance.connect.start_outbound_chat_contact(**text)
    described = instance.connect.describe_contact(
        InstanceId=instance.instance_id, ContactId=first["ContactId"]
    )["Contact"]

    assert first["ContactId"] == again["ContactId"] == dead["ContactId"]
    assert "ParticipantToken" not in first
    assert described["Channel"] == "CHAT"
    assert described["SegmentAttributes"]["connect:Subtype"]["ValueString"] == "connect:SMS"
    assert described["DisconnectTimestamp"] >= described["InitiationTimestamp"]


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        ("DestinationEndpoint", {"Type": "TELEPHONE_NUMBER", "Address": "call me"}),
        ("DestinationEndpoint", {}),
        ("SourceEndpoint", {"Type": "TELEPHONE_NUMBER", "Address": "+4915112345678"}),
        ("SegmentAttributes", {"connect:Channel": {"ValueString": "SMS"}}),
        ("ChatDurationInMinutes", 99_999),
        ("ClientToken", "t" * 501),
    ],
)
def test_a_text_that_botocore_lets_through_is_refused(
    instance: Instance, text: dict[str, Any], member: str, wrong: object
) -> None:
    call = instance.connect.start_outbound_chat_contact

    assert refused(call, **{**text, member: wrong}) == ("InvalidRequestException", 400)


def test_an_ended_contact_cannot_be_stopped_again(instance: Instance) -> None:
    contact_id = instance.start(ClientToken=token())["ContactId"]
    instance.stop(contact_id)

    assert refused(instance.stop, contact_id) == ("ContactNotFoundException", 410)


def test_a_description_tells_how_a_contact_ended(instance: Instance) -> None:
    contact_id = instance.start(ClientToken=token())["ContactId"]
    instance.stop(contact_id)

    described = instance.connect.describe_contact(
        InstanceId=instance.instance_id, ContactId=contact_id
    )["Contact"]
    assert (described["InitiationMethod"], described["Channel"]) == ("API", "CHAT")
    assert described["DisconnectTimestamp"] >= described["InitiationTimestamp"]


def test_an_unknown_flow_is_not_found(instance: Instance) -> None:
    nowhere = Instance(
        instance.instance_id, str(uuid.uuid4()), instance.connect, instance.participant
    )

    assert refused(nowhere.start) == ("ResourceNotFoundException", 404)


def test_an_unknown_contact_is_refused_with_codes_that_tell_it_from_a_missing_permission(
    instance: Instance,
) -> None:
    ids = {"InstanceId": instance.instance_id, "ContactId": str(uuid.uuid4())}

    assert refused(instance.connect.stop_contact, **ids) in (
        ("ContactNotFoundException", 410),
        ("ResourceNotFoundException", 404),
    )
    assert refused(instance.connect.describe_contact, **ids) == ("ResourceNotFoundException", 404)


def test_the_instance_and_its_flow_say_that_they_are_ready(instance: Instance) -> None:
    here = {"InstanceId": instance.instance_id}
    described = instance.connect.describe_instance(**here)["Instance"]
    flow = instance.connect.describe_contact_flow(**here, ContactFlowId=instance.contact_flow_id)[
        "ContactFlow"
    ]
    unknown = {**here, "ContactFlowId": str(uuid.uuid4())}

    assert described["InstanceStatus"] == "ACTIVE"
    assert (flow["Type"], flow["State"], flow["Status"]) == ("CONTACT_FLOW", "ACTIVE", "PUBLISHED")
    assert refused(instance.connect.describe_contact_flow, **unknown)[1] == 404


def test_a_display_name_that_is_too_long_is_refused(instance: Instance) -> None:
    details = {"DisplayName": "n" * 257}

    assert refused(instance.start, ParticipantDetails=details)[1] == 400


def test_the_socket_acknowledges_echoes_and_says_when_it_is_over(instance: Instance) -> None:
    started = instance.start(ClientToken=token())
    url, connection_token = instance.open(started)
    with connect(url) as socket:
        socket.send(SUBSCRIBE)
        ack = json.loads(socket.recv(timeout=30))
        sent = instance.participant.send_message(
            ConnectionToken=connection_token, ContentType="text/plain", Content="Hello"
        )
        transcript = instance.participant.get_transcript(ConnectionToken=connection_token)
        instance.participant.disconnect_participant(ConnectionToken=connection_token)
        items = items_until(socket, ENDED)

    assert ack == {
        "topic": "aws/subscribe",
        "content": {"status": "success", "topics": ["aws/chat"]},
    }
    assert sent["Id"] in {item["Id"] for item in items}
    assert sent["Id"] in {item["Id"] for item in transcript["Transcript"]}
    assert {item["InitialContactId"] for item in items} == {started["ContactId"]}
    assert "ParticipantRole" not in items[-1]


def test_after_the_end_the_participant_is_denied_everything(instance: Instance) -> None:
    started = instance.start(ClientToken=token())
    _, connection_token = instance.open(started)
    instance.stop(started["ContactId"])

    denied = ("AccessDeniedException", 403)
    assert refused(instance.open, started) == denied
    assert refused(instance.participant.get_transcript, ConnectionToken=connection_token) == denied
