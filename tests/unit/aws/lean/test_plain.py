"""Plain shapes say what botocore says, or leave it to botocore."""

import json
from functools import cache
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED, handlers
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ParamValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.aws.client import ClientOptions, make_client
from connect_tasks.aws.lean.answer import Answer
from connect_tasks.aws.lean.plain import NotPlainError, PlainInput, PlainOutput
from connect_tasks.aws.lean.wire import Wire

OF_CHATS = [
    ("connect", "StartChatContact"),
    ("connect", "StartOutboundChatContact"),
    ("connect", "StopContact"),
    ("connectparticipant", "CreateParticipantConnection"),
    ("connectparticipant", "SendMessage"),
    ("connectparticipant", "GetTranscript"),
    ("connectparticipant", "DisconnectParticipant"),
]


def client(service: str) -> Any:
    session = boto3.Session("AKIA", "secret", region_name="eu-central-1")
    return make_client(session, service, ClientOptions(), signature_version=UNSIGNED)


@pytest.fixture(scope="module")
def clients() -> dict[str, Any]:
    # moto, once another test of the process has imported it, listens to every session.
    own = [one for one in handlers.BUILTIN_HANDLERS if one[1].__module__.startswith("botocore")]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(handlers, "BUILTIN_HANDLERS", own)
        return {service: client(service) for service in ("connect", "connectparticipant")}


def model_of(boto: Any, operation: str) -> Any:
    return boto.meta.service_model.operation_model(operation)


def parser_of(boto: Any) -> Any:
    return boto._response_parser


ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.lists(st.text(max_size=2), max_size=2)
    | st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2)
)


SINGLE: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=5),
    "integer": st.integers(0, 100),
    "long": st.integers(0, 100),
    "boolean": st.booleans(),
}


@cache
def values_of(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """What fits a shape, more or less: texts may be too short, and members be missing."""
    match shape.type_name:
        case "string" | "integer" | "long" | "boolean":
            return SINGLE[shape.type_name]
        case "list":
            return st.lists(parts_of(shape.member, depth), max_size=3)
        case "map":
            keys = values_of(shape.key, depth)
            return st.dictionaries(keys, parts_of(shape.value, depth), max_size=3)
        case "structure" if depth < 6:
            required = shape.metadata.get("required", [])
            given_ = {n: parts_of(one, depth + 1) for n, one in shape.members.items()}
            sure = {name: given_.pop(name) for name in required}
            unknown = st.fixed_dictionaries({}, optional={"NobodyKnows": ODD})
            whole = st.fixed_dictionaries(sure, optional=given_)
            more = st.builds(lambda a, b: {**a, **b}, whole, unknown)
            less = st.fixed_dictionaries({}, optional={**sure, **given_})
            return st.one_of(whole, whole, more, less)
    return ODD


def parts_of(shape: Any, depth: int) -> st.SearchStrategy[Any]:
    fits = values_of(shape, depth)
    return st.one_of(*[fits] * 9, ODD)


@pytest.mark.parametrize(("service", "operation"), OF_CHATS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_requests_are_those_that_botocore_makes(
    clients: dict[str, Any], service: str, operation: str, data: st.DataObject
) -> None:
    boto = clients[service]
    model = model_of(boto, operation)
    arguments = data.draw(values_of(model.input_shape))
    plain = PlainInput.of(model, boto._serializer)
    assert plain is not None
    ours = plain.parts(arguments)

    try:
        theirs = boto._serializer.serialize_to_request(arguments, model)
    except (ParamValidationError, ValueError):
        assert ours is None
    else:
        assert ours in (None, (theirs["headers"], theirs["body"]))


@pytest.mark.parametrize(("service", "operation"), OF_CHATS)
def test_no_request_of_a_chat_is_left_to_botocore(
    clients: dict[str, Any], service: str, operation: str
) -> None:
    boto = clients[service]
    model = model_of(boto, operation)
    least: dict[str, Any] = dict.fromkeys(model.input_shape.metadata["required"], "a text")
    least |= {
        "ParticipantDetails": {"DisplayName": "Ann"},
        "SourceEndpoint": {"Address": "one"},
        "DestinationEndpoint": {"Address": "another"},
        "SegmentAttributes": {"connect:Subtype": {"ValueMap": {"a": {"ValueInteger": 3}}}},
        "Attributes": {"key": "value"},
        "Type": ["WEBSOCKET"],
        "MaxResults": 100,
    }
    known = model.input_shape.members
    arguments = {name: value for name, value in least.items() if name in known}
    plain = PlainInput.of(model, boto._serializer)

    assert plain is not None
    assert plain.parts(arguments) is not None


@pytest.mark.parametrize(("service", "operation"), OF_CHATS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_answers_are_read_as_botocore_reads_them(
    clients: dict[str, Any], service: str, operation: str, data: st.DataObject
) -> None:
    boto = clients[service]
    model = model_of(boto, operation)
    said = data.draw(st.one_of(*[values_of(model.output_shape)] * 5, ODD))
    body = data.draw(st.sampled_from([json.dumps(said).encode()] * 5 + [b"", b"{", b"\xff{}"]))
    plain = PlainOutput.of(model, parser_of(boto))
    assert plain is not None
    try:
        ours = plain.read(body)
    except NotPlainError:
        return

    answer = {"status_code": 200, "headers": {}, "body": body, "context": {}}
    theirs = parser_of(boto).parse(answer, model.output_shape)
    assert repr(ours) == repr({n: v for n, v in theirs.items() if n != "ResponseMetadata"})


@pytest.mark.parametrize(("service", "operation"), OF_CHATS)
def test_no_answer_of_a_chat_is_left_to_botocore(
    clients: dict[str, Any],
    service: str,
    operation: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Wire, "_understood_by_botocore", lambda *_: pytest.fail("it was asked"))
    request: Any = type("Request", (), {"model": model_of(clients[service], operation)})
    some = b'{"Transcript": [{"Id": "m-1", "MessageMetadata": {"Receipts": [{}]}}], "Id": "m-1"}'

    said = Wire(clients[service]).understand(request, Answer("http://it", 200, (), some))

    assert set(said) == {"Transcript", "Id"} & set(request.model.output_shape.members)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b"{", b"\xff", b"[" * 10**5])
def test_an_answer_that_is_no_object_is_left_to_botocore(
    clients: dict[str, Any], body: bytes
) -> None:
    boto = clients["connect"]
    plain = PlainOutput.of(model_of(boto, "StopContact"), parser_of(boto))
    assert plain is not None
    with pytest.raises(NotPlainError):
        plain.read(body)


@pytest.mark.parametrize("operation", ["DescribeContact", "SearchContacts"])
def test_what_holds_times_or_stands_in_the_address_is_left_to_botocore(
    clients: dict[str, Any], operation: str
) -> None:
    boto = clients["connect"]
    model = model_of(boto, operation)

    assert PlainInput.of(model, boto._serializer) is None
    assert PlainOutput.of(model, parser_of(boto)) is None


def writes_shorter(self: Any, params: Any, shape: Any) -> bytes:  # noqa: ARG001
    return json.dumps(params, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("serialize.RestJSONSerializer._serialize_body_params", writes_shorter),
        ("serialize.RestJSONSerializer._convert_header_value", lambda *_: "other"),
        ("validate.ParamValidator.VALIDATED_METADATA_ATTRS", {"required", "min", "max"}),
    ],
    ids=["body", "header", "checks"],
)
def test_a_botocore_that_does_otherwise_makes_all_requests(
    clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch, where: str, what: Any
) -> None:
    monkeypatch.setattr(f"botocore.{where}", what)
    boto = clients["connectparticipant"]

    assert PlainInput.of(model_of(boto, "SendMessage"), boto._serializer) is None


@pytest.mark.parametrize("kind", ["structure", "list", "string"])
def test_a_botocore_that_reads_otherwise_reads_all_answers(
    clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(f"botocore.parsers.RestJSONParser._handle_{kind}", lambda *_: {"Id": "m"})
    boto = clients["connectparticipant"]

    assert PlainOutput.of(model_of(boto, "GetTranscript"), parser_of(boto)) is None


@pytest.mark.parametrize(
    "event", ["before-send", "response-received", "before-parse", "needs-retry", "after-call"]
)
def test_an_answer_that_somebody_is_to_hear_of_is_left_to_botocore(event: str) -> None:
    boto = client("connect")
    heard = []

    def hear(**_: object) -> None:
        heard.append(event)

    boto.meta.events.register(f"{event}.connect.StopContact", hear)
    wire = Wire(boto)
    request = wire.prepare("StopContact", {"InstanceId": "i-1", "ContactId": "c-1"})

    said = wire.understand(request, Answer("http://it", 200, (), b"{}"))

    assert heard == [event]
    assert said["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_headers_that_come_twice_are_one_for_botocore() -> None:
    headers = [(b"X-One", b"a"), (b"x-one", b"b"), (b"X-Two", b"\xfc")]

    given_: AWSResponse = Answer("http://it", 200, headers, b"body").for_botocore()

    assert dict(given_.headers) == {"X-One": "a, b", "X-Two": "ü"}
    assert given_.content == b"body"


def test_an_answer_shows_no_token() -> None:
    assert "secret" not in repr(Answer("http://it", 200, [(b"x", b"secret")], b"secret"))
