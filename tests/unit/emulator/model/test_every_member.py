"""Each member of each operation, given wrongly in each way that botocore's model rules out."""

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.operations import OPERATIONS, OWNERS
from connect_tasks.emulator.model.rules import INTERACTIVE, RESPONSE
from connect_tasks.emulator.model.strict_json import MOST_DEPTH
from connect_tasks.emulator.model.validation import service_model
from connect_tasks.emulator.service import Request
from tests.unit.emulator.world import World

TYPING = "application/vnd.amazonaws.connect.event.typing"
BY_TYPE = {
    "string": "x",
    "boolean": True,
    "integer": 1,
    "long": 1,
    "timestamp": 1,
    "list": [],
    "map": {},
    "structure": {},
}
ONES: tuple[Any, ...] = ("x", True, 1, 1.5, 1e308, [], {}, [None], [[]], [{}], 10**30)
CODES = {"InvalidRequestException", "InvalidParameterException", "ValidationException"}

Path = tuple[str | int, ...]


class Made(NamedTuple):
    """What there is in a world that requests name."""

    ended: str
    streaming: str = "x"
    file: str = "x"
    session: str = "x" * 36
    state: str = "x"


def whole(operation: str, world: World, contact_id: str, made: Made) -> dict[str, Any]:
    """A request that has as many of its members as can stand beside each other."""
    ended, streaming, file, session, state = made
    ids = {"InstanceId": world.backend.instance_id, "ContactId": contact_id}
    flow = {"ContactFlowId": world.backend.flow_ids["echo"]}
    message = {"ContentType": "text/plain", "Content": "Hi"}
    requests: dict[str, dict[str, Any]] = {
        "StartChatContact": {
            **world.request("echo"),
            "Attributes": {"plan": "gold"},
            "ParticipantConfiguration": {"ResponseMode": "COMPLETE"},
            "InitialMessage": message,
            "ChatDurationInMinutes": 60,
            "SupportedMessagingContentTypes": ["text/plain", INTERACTIVE, RESPONSE],
            "PersistentChat": {"RehydrationType": "FROM_SEGMENT", "SourceContactId": contact_id},
            "SegmentAttributes": {
                "a": {
                    "ValueString": "x",
                    "ValueMap": {"b": {"ValueInteger": 1}},
                    "ValueList": [{"ValueArn": "x"}],
                }
            },
            "CustomerId": "c-1",
            "DisconnectOnCustomerExit": ["AGENT"],
            "ConnectionTypes": ["WEBSOCKET"],
            "ChatStreamingConfiguration": {"StreamingEndpointArn": "arn:aws:sns:us-east-1:1:t"},
        },
        "StartOutboundChatContact": {
            **world.outbound("echo"),
            "Attributes": {"plan": "gold"},
            "ParticipantDetails": {"DisplayName": "Ann"},
            "InitialTemplatedSystemMessage": {
                "KnowledgeBaseId": "k",
                "MessageTemplateId": "t",
                "TemplateAttributes": {
                    "CustomAttributes": {"name": "Ann"},
                    "CustomerProfileAttributes": "{}",
                },
            },
            "ChatDurationInMinutes": 60,
            "RelatedContactId": contact_id,
            "SupportedMessagingContentTypes": ["text/plain"],
        },
        "StopContact": {**ids, "DisconnectReason": {"Code": "OTHER"}},
        "DescribeContact": ids,
        "DescribeInstance": {"InstanceId": ids["InstanceId"]},
        "DescribeContactFlow": {"InstanceId": ids["InstanceId"], **flow},
        "DescribePhoneNumber": {"PhoneNumberId": "p-1"},
        "GetContactAttributes": {"InstanceId": ids["InstanceId"], "InitialContactId": contact_id},
        "ListContactReferences": {**ids, "ReferenceTypes": ["ATTACHMENT", "URL"]},
        "ListInstanceStorageConfigs": {
            "InstanceId": ids["InstanceId"],
            "ResourceType": "CHAT_TRANSCRIPTS",
            "MaxResults": 10,
        },
        "SearchContacts": {
            "InstanceId": ids["InstanceId"],
            "TimeRange": {"Type": "DISCONNECT_TIMESTAMP", "StartTime": 0, "EndTime": 2e9},
            "SearchCriteria": {
                "AgentIds": ["a"],
                "Channels": ["CHAT"],
                "InitiationMethods": ["API"],
                "QueueIds": ["q"],
                "SearchableContactAttributes": {
                    "Criteria": [{"Key": "plan", "Values": ["gold"]}],
                    "MatchType": "MATCH_ANY",
                },
            },
            "MaxResults": 100,
            "Sort": {"FieldName": "INITIATION_TIMESTAMP", "Order": "ASCENDING"},
        },
        "UpdateContactAttributes": {
            "InstanceId": ids["InstanceId"],
            "InitialContactId": contact_id,
            "Attributes": {"plan": "gold"},
        },
        "ListContactFlows": {
            "InstanceId": ids["InstanceId"],
            "ContactFlowTypes": ["CONTACT_FLOW"],
            "MaxResults": 10,
        },
        "ListInstances": {"MaxResults": 10},
        "ListQueues": {
            "InstanceId": ids["InstanceId"],
            "QueueTypes": ["STANDARD"],
            "MaxResults": 10,
        },
        "StartContactStreaming": {
            **ids,
            "ChatStreamingConfiguration": {"StreamingEndpointArn": "arn:aws:sns:us-east-1:1:t"},
            "ClientToken": "s",
        },
        "StopContactStreaming": {**ids, "StreamingId": streaming},
        "UpdateContact": {
            **ids,
            "Name": "a name",
            "Description": "a description",
            "References": {"ticket": {"Type": "URL", "Value": "https://t.example"}},
            "SegmentAttributes": {"plan": {"ValueString": "gold"}},
        },
        "TagContact": {**ids, "Tags": {"team": "a"}},
        "UntagContact": {**ids, "TagKeys": ["team"]},
        "CreatePersistentContactAssociation": {
            "InstanceId": ids["InstanceId"],
            "InitialContactId": contact_id,
            "RehydrationType": "FROM_SEGMENT",
            "SourceContactId": ended,
            "ClientToken": "p",
        },
        "UpdateParticipantRoleConfig": {
            **ids,
            "ChannelConfiguration": {
                "Chat": {
                    "ParticipantTimerConfigList": [
                        {
                            "ParticipantRole": "AGENT",
                            "TimerType": "IDLE",
                            "TimerValue": {"ParticipantTimerDurationInMinutes": 5},
                        },
                        {
                            "ParticipantRole": "CUSTOMER",
                            "TimerType": "IDLE",
                            "TimerValue": {"ParticipantTimerAction": "Unset"},
                        },
                    ]
                }
            },
        },
        "CreateParticipant": {
            **ids,
            "ParticipantDetails": {"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Bot"},
            "ClientToken": "b",
        },
        "TransferContact": {**ids, **flow, "QueueId": "q", "ClientToken": "t"},
        "UpdateParticipantAuthentication": {
            "InstanceId": ids["InstanceId"],
            "State": state,
            "Error": "access_denied",
            "ErrorDescription": "no",
        },
        "StartAttachmentUpload": {
            "ContentType": "image/png",
            "AttachmentSizeInBytes": 10,
            "AttachmentName": "a.png",
            "ClientToken": "u",
        },
        "CompleteAttachmentUpload": {"AttachmentIds": [file], "ClientToken": "c"},
        "GetAttachment": {"AttachmentId": file, "UrlExpiryInSeconds": 60},
        "DescribeView": {"ViewToken": "view"},
        "GetAuthenticationUrl": {"SessionId": session, "RedirectUri": "https://s.example"},
        "CancelParticipantAuthentication": {"SessionId": session},
        "CreateParticipantConnection": {"Type": ["WEBSOCKET"], "ConnectParticipant": True},
        "SendMessage": {**message, "ClientToken": "m"},
        "SendEvent": {"ContentType": TYPING, "Content": "x", "ClientToken": "e"},
        "GetTranscript": {
            "ContactId": contact_id,
            "MaxResults": 5,
            "NextToken": "x",
            "ScanDirection": "FORWARD",
            "SortOrder": "ASCENDING",
            "StartPosition": {
                "Id": "x",
                "AbsoluteTime": "2026-01-01T00:00:00.000Z",
                "MostRecent": 1,
            },
        },
        "DisconnectParticipant": {"ClientToken": "d"},
    }
    return requests[operation]


def wrong(shape: Any) -> Iterator[Any]:
    """Values that a shape rules out, each in one way."""
    kind, bounds = shape.type_name, shape.metadata
    right = type(BY_TYPE[kind])
    fits = (int, float) if kind == "timestamp" else (right,)
    yield from (one for one in ONES if type(one) not in fits)
    if kind == "long":
        yield from (10**30, 0, 1 << 63)
    if kind == "map" and "max" in bounds:
        yield {str(number): "x" for number in range(bounds["max"] + 1)}
    if kind == "integer":
        yield from (10**30, -(10**30), 1 << 31)
        yield from (bounds[end] + step for end, step in (("min", -1), ("max", 1)) if end in bounds)
    if kind == "string":
        yield from ("x" * (bounds["max"] + 1),) if "max" in bounds else ()
        yield from ("",) if bounds.get("min", 0) > 0 else ()
        yield from ("no such value",) if shape.enum else ()
    if kind == "list" and "max" in bounds:
        yield ["AGENT"] * (bounds["max"] + 1)
    if kind == "list" and bounds.get("min", 0) > 0:
        yield []
    if kind == "structure":
        yield {"NoSuchMember": 1}
        if shape.required_members:
            yield {}


def places(shape: Any, value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each place of a request that the model knows, with its shape."""
    if path:
        yield path, shape
    if shape.type_name == "structure":
        for name, inner in shape.members.items():
            if inner.serialization.get("location") != "header" and name in value:
                yield from places(inner, value[name], (*path, name))
    if shape.type_name == "map":
        for name, inner in value.items():
            yield from places(shape.value, inner, (*path, name))
    if shape.type_name == "list":
        for index, inner in enumerate(value):
            yield from places(shape.member, inner, (*path, index))


def replaced(request: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(request)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


class Asked:
    """A world with an open and an ended chat, and how an operation is asked there."""

    def __init__(self, operation: str) -> None:
        self.world = World()
        self.operation = operation
        ended = self.world.start("echo", ClientToken="ended")["ContactId"]
        started = self.world.start("echo", ClientToken="open")
        _, connection = self.world.connect(started)
        self.world.stop(ended)
        made = self.prepare(operation, started["ContactId"], connection, ended)
        is_create = operation == "CreateParticipantConnection"
        self.bearer = started["ParticipantToken"] if is_create else connection
        is_start = operation == "StartChatContact"
        self.request = whole(
            operation, self.world, ended if is_start else started["ContactId"], made
        )
        self.shape = service_model(OWNERS[operation]).operation_model(operation).input_shape

    def prepare(self, operation: str, contact_id: str, connection: str, ended: str) -> Made:
        """Make what the operation's request names."""
        world, service = self.world, self.world.service
        ids = {"InstanceId": world.backend.instance_id, "ContactId": contact_id}
        if operation == "StopContactStreaming":
            request = whole("StartContactStreaming", world, contact_id, Made(ended))
            streaming = world.call("StartContactStreaming", **request)["StreamingId"]
            return Made(ended, streaming=streaming)
        if operation in ("CompleteAttachmentUpload", "GetAttachment"):
            request = whole("StartAttachmentUpload", world, contact_id, Made(ended))
            upload = world.call("StartAttachmentUpload", connection, **request)
            key = upload["UploadMetadata"]["Url"].rpartition("/")[2]
            service.attachments.put(key, "image/png", b"0123456789")
            made = Made(ended, file=upload["AttachmentId"])
            if operation == "GetAttachment":
                request = whole("CompleteAttachmentUpload", world, contact_id, made)
                world.call("CompleteAttachmentUpload", connection, **request)
            return made
        if operation == "DescribeView":
            world.backend.views["view"] = {"resource": {"Id": "form"}, "data": {}}
        session = service.sign_ins.ask(world.backend.chats[ids["ContactId"]])
        made = Made(ended, session=session)
        if operation == "UpdateParticipantAuthentication":
            request = whole("GetAuthenticationUrl", world, contact_id, made)
            url = world.call("GetAuthenticationUrl", connection, **request)["AuthenticationUrl"]
            made = made._replace(state=url.rpartition("/")[2])
        return made

    def ask(self, body: bytes) -> None:
        headers = {"authorization": "AWS4-HMAC-SHA256 x", "x-amz-bearer": self.bearer}
        self.world.service.answer(Request.read(self.operation, body, {}, headers))

    def refused(self, body: bytes) -> RefusedError | None:
        try:
            self.ask(body)
        except RefusedError as refused:
            return refused
        return None

    def state(self) -> list[Any]:
        return [chat.record() for chat in self.world.backend.chats.values()]


@pytest.mark.thorough
@pytest.mark.parametrize("operation", OWNERS)
def test_whatever_the_model_rules_out_is_refused_with_an_error_that_the_model_declares(
    operation: str,
) -> None:
    asked = Asked(operation)
    model = service_model(OWNERS[operation]).operation_model(operation)
    declared = {shape.name for shape in model.error_shapes}
    before = asked.state()
    tried = 0
    for path, shape in places(asked.shape, asked.request):
        for value in wrong(shape):
            with pytest.raises(RefusedError) as caught:
                asked.ask(json.dumps(replaced(asked.request, path, value)).encode())
            assert caught.value.status == 400, (path, value)
            assert caught.value.code in CODES & declared, (path, value)
            tried += 1

    assert tried >= len(ONES) - 1
    assert asked.state() == before


@pytest.mark.thorough
def test_what_is_built_from_is_right() -> None:
    """Else every one of them would be refused for another reason."""
    # It is refused in whatever form.
    for operation in set(OPERATIONS["connect"]) - {"TransferContact"}:
        Asked(operation).ask(json.dumps(Asked(operation).request).encode())
    # Its position and its token are of no transcript.
    for operation in set(OPERATIONS["connectparticipant"]) - {"GetTranscript", "SendEvent"}:
        asked = Asked(operation)
        asked.ask(json.dumps(asked.request).encode())


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


@pytest.mark.thorough
@given(data=st.data(), operation=st.sampled_from(sorted(OWNERS)), value=VALUES)
def test_any_json_at_any_place_is_answered_or_refused(
    data: st.DataObject, operation: str, value: object
) -> None:
    asked = Asked(operation)
    path, _ = data.draw(st.sampled_from(list(places(asked.shape, asked.request))))
    body = json.dumps(replaced(asked.request, path, value)).encode()
    refused = asked.refused(body)

    assert refused is None or 400 <= refused.status < 500


@pytest.mark.thorough
@pytest.mark.parametrize("operation", OWNERS)
@pytest.mark.parametrize("depth", [MOST_DEPTH - 2, MOST_DEPTH, 100_000])
def test_a_nested_value_anywhere_is_refused(operation: str, depth: int) -> None:
    asked = Asked(operation)
    for path, shape in places(asked.shape, asked.request):
        body = json.dumps(replaced(asked.request, path, "HERE")).encode()
        nested = b'{"ValueMap":{"a":' * (depth // 2) + b"1" + b"}}" * (depth // 2)
        with pytest.raises(RefusedError) as caught:
            asked.ask(body.replace(b'"HERE"', nested))
        assert caught.value.code in CODES, (path, shape)


def test_a_refusal_of_very_many_mistakes_is_short() -> None:
    asked = Asked("StartChatContact")
    attributes = {str(number) * 100: number for number in range(2000)}
    with pytest.raises(RefusedError) as caught:
        asked.ask(json.dumps({**asked.request, "Attributes": attributes}).encode())

    assert caught.value.message.startswith("101 validation errors detected: ")
    assert len(caught.value.message) < 10_000
