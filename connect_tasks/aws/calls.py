"""The calls of Amazon's that this package makes, described as data: whoever carries them out."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

from pydantic import SecretStr

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.outbound_models import StartOutboundChatContactResponse
from connect_tasks.aws.transcript import Connection, Page, read_page, read_time

__all__ = [
    "Call",
    "Carrier",
    "connect_participant",
    "describe_contact",
    "disconnect_participant",
    "read_transcript",
    "search_contacts",
    "send_message",
    "start_chat",
    "start_outbound_chat",
    "stop_contact",
    "transcript_places",
]

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)

Service: TypeAlias = Literal["connect", "participant"]


@dataclass(frozen=True, slots=True)
class Call(Generic[Result_co]):
    """One call: what is asked of whom, and what its answer means.

    Args:
        operation: As Amazon names it.
        service: Which of Amazon's two services has it.
        arguments: What it is called with, with Amazon's names, as boto3 takes them.
        read: Makes ours of the answer, which is as boto3 gives it.

    Example:
        >>> describe_contact(instance_id="i-1", contact_id="c-1").arguments
        {'InstanceId': 'i-1', 'ContactId': 'c-1'}
    """

    operation: str
    service: Service
    arguments: Mapping[str, Any] = field(repr=False)
    read: Callable[[Mapping[str, Any]], Result_co]


class Carrier(Protocol):
    """Makes calls on an event loop."""

    async def carry(self, call: Call[Result]) -> Result:
        """Make a call, once; concurrent ones as many as there is room for.

        Cancelled before there was room, it never goes out; later, it is carried out all the same.

        Raises:
            AmazonError: It failed, or may have.
        """
        ...


def start_chat(request: str) -> Call[StartChatContactResponse]:
    """StartChatContact with these bytes, as JSON with Amazon's names, `ClientToken` included."""
    return Call(
        "StartChatContact", "connect", json.loads(request), StartChatContactResponse.from_wire
    )


def start_outbound_chat(request: str) -> Call[StartOutboundChatContactResponse]:
    """StartOutboundChatContact with these bytes, as JSON with Amazon's names, `ClientToken` too."""
    return Call(
        "StartOutboundChatContact",
        "connect",
        json.loads(request),
        StartOutboundChatContactResponse.from_wire,
    )


def stop_contact(instance_id: str, contact_id: str) -> Call[None]:
    """StopContact: end a chat in whatever state it is."""
    arguments = {"InstanceId": instance_id, "ContactId": contact_id}
    return Call("StopContact", "connect", arguments, _nothing)


def describe_contact(instance_id: str, contact_id: str) -> Call[Mapping[str, Any]]:
    """DescribeContact: Amazon's own record of a contact, with Amazon's names."""
    arguments = {"InstanceId": instance_id, "ContactId": contact_id}
    return Call("DescribeContact", "connect", arguments, _contact)


def search_contacts(
    instance_id: str,
    *,
    since: datetime,
    until: datetime,
    methods: Sequence[str],
    page: str | None = None,
) -> Call[Mapping[str, Any]]:
    """SearchContacts: a hundred chats of the instance that began in some way in some time."""
    arguments = {
        "InstanceId": instance_id,
        "TimeRange": {"Type": "INITIATION_TIMESTAMP", "StartTime": since, "EndTime": until},
        "SearchCriteria": {"Channels": ["CHAT"], "InitiationMethods": list(methods)},
        "MaxResults": 100,
        "Sort": {"FieldName": "INITIATION_TIMESTAMP", "Order": "ASCENDING"},
        **({"NextToken": page} if page else {}),
    }
    return Call("SearchContacts", "connect", arguments, _as_it_is)


def transcript_places(instance_id: str) -> Call[list[tuple[str, str]]]:
    """ListInstanceStorageConfigs: where in S3 the instance keeps what was said in chats."""
    arguments = {"InstanceId": instance_id, "ResourceType": "CHAT_TRANSCRIPTS"}
    return Call("ListInstanceStorageConfigs", "connect", arguments, _places)


def connect_participant(participant_token: SecretStr) -> Call[Connection]:
    """CreateParticipantConnection: a connection token and a socket URL good for 100 s."""
    arguments = {
        "Type": ["WEBSOCKET", "CONNECTION_CREDENTIALS"],
        "ParticipantToken": participant_token.get_secret_value(),
    }
    return Call("CreateParticipantConnection", "participant", arguments, _connection)


def send_message(
    connection_token: SecretStr, text: str, *, client_token: str
) -> Call[datetime | None]:
    """SendMessage as plain text; the same client token again sends nothing twice."""
    arguments = {
        "ContentType": "text/plain",
        "Content": text,
        "ClientToken": client_token,
        "ConnectionToken": connection_token.get_secret_value(),
    }
    return Call("SendMessage", "participant", arguments, _time)


def read_transcript(
    connection_token: SecretStr,
    *,
    contact_id: str,
    after: str | None = None,
    page: str | None = None,
) -> Call[Page]:
    """GetTranscript, oldest first: one page of at most 100 items."""
    arguments = {
        "MaxResults": 100,
        "ScanDirection": "FORWARD",
        "SortOrder": "ASCENDING",
        "ConnectionToken": connection_token.get_secret_value(),
        **({"StartPosition": {"Id": after}} if after else {}),
        **({"NextToken": page} if page else {}),
    }
    return Call(
        "GetTranscript", "participant", arguments, lambda answer: read_page(answer, contact_id)
    )


def disconnect_participant(connection_token: SecretStr) -> Call[None]:
    """DisconnectParticipant: the customer leaves the chat."""
    arguments = {"ConnectionToken": connection_token.get_secret_value()}
    return Call("DisconnectParticipant", "participant", arguments, _nothing)


def _as_it_is(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return answer


def _nothing(_: Mapping[str, Any]) -> None:
    return None


def _contact(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    contact: Mapping[str, Any] = answer["Contact"]
    return contact


def _places(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (config["S3Config"]["BucketName"], config["S3Config"]["BucketPrefix"].strip("/"))
        for config in answer.get("StorageConfigs", ())
        if config.get("StorageType") == "S3"
    ]


def _connection(answer: Mapping[str, Any]) -> Connection:
    return Connection(
        token=SecretStr(answer["ConnectionCredentials"]["ConnectionToken"]),
        url=SecretStr(answer["Websocket"]["Url"]),
    )


def _time(answer: Mapping[str, Any]) -> datetime | None:
    return read_time(answer.get("AbsoluteTime"))
