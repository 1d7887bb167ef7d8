"""Our fields and limits beside Amazon's own model: a new parameter fails here, not in silence."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel

from connect_tasks.aws.models import StartChatContactRequest, StartChatContactResponse
from connect_tasks.aws.outbound_models import (
    StartOutboundChatContactRequest,
    StartOutboundChatContactResponse,
)
from tests.unit.aws.amazons_shapes import Member, Probe, fields, named

PLAIN = "text/plain"
SENDABLE = {
    PLAIN,
    "text/markdown",
    "application/json",
    "application/vnd.amazonaws.connect.message.interactive.response",
}
SUPPORTED = {*SENDABLE, "application/vnd.amazonaws.connect.message.interactive"}
# Nothing in Amazon's answers is marked as required; without a contact there is no answer.
ALWAYS_ANSWERED = {"ContactId"}


@dataclass(frozen=True)
class Case:
    """An operation, and where our model of it may differ from Amazon's; each with its reason.

    Args:
        probe: Tries our model of the request.
        request: Our model of the request.
        response: That of the answer.
        minimum: Where a documented minimum is stricter than the shape.
        required: What has to be there, although the shape does not say so.
        choices: Which of the shape's choices the documentation allows.
        listed: Texts whose documentation lists the values, so that length is no question.
        unmeasured: Texts whose form leaves no room for probes of length.
    """

    probe: Probe
    request: type[BaseModel]
    response: type[BaseModel]
    minimum: Mapping[str, str]
    required: Mapping[str, str]
    listed: Mapping[str, set[str]]
    choices: Mapping[str, set[str]] = field(default_factory=dict)
    unmeasured: Mapping[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> Iterable[Member]:
        """The texts that have a length."""
        apart = {*self.listed, *self.unmeasured}
        for member in self.probe.members:
            shape = member.shape
            is_choice = shape.type_name != "string" or shape.enum
            if not is_choice and "max" in shape.metadata and member.path not in apart:
                yield member


EVERY_MINIMUM = {
    "ContactFlowId": "an empty flow is never found",
    "ClientToken": "an empty token would be shared by all",
}
MESSAGE = {"ContentType": PLAIN, "Content": "Hi"}
START = Case(
    probe=Probe(
        "StartChatContact",
        StartChatContactRequest.from_wire,
        whole={
            "StartChatContactRequest": {
                "InstanceId": "i-1",
                "ContactFlowId": "f-1",
                "ParticipantDetails": {"DisplayName": "Ada"},
            },
            "ChatMessage": MESSAGE,
            "PersistentChat": {"RehydrationType": "FROM_SEGMENT", "SourceContactId": "c-1"},
        },
        formed={
            "ChatStreamingConfiguration.StreamingEndpointArn": "arn:aws:sns:eu-central-1:1:",
            "ValueArn": "arn:aws:s3:::",
        },
    ),
    request=StartChatContactRequest,
    response=StartChatContactResponse,
    minimum=EVERY_MINIMUM,
    required={
        "PersistentChat.RehydrationType": "'RehydrationType is required for persistent chat'",
        "PersistentChat.SourceContactId": "whole or absent",
    },
    listed={
        "InitialMessage.ContentType": SENDABLE,
        "SupportedMessagingContentTypes.*": SUPPORTED,
    },
)
NUMBER = "arn:aws:connect:eu-central-1:123456789012:phone-number/"
SOURCE = {"Type": "CONNECT_PHONENUMBER_ARN", "Address": f"{NUMBER}p-1"}
DESTINATION = {"Type": "TELEPHONE_NUMBER", "Address": "+4915112345678"}
SUBTYPE = {"connect:Subtype": {"ValueString": "connect:SMS"}}
OUTBOUND = Case(
    probe=Probe(
        "StartOutboundChatContact",
        StartOutboundChatContactRequest.from_wire,
        whole={
            "StartOutboundChatContactRequest": {
                "InstanceId": "i-1",
                "ContactFlowId": "f-1",
                "SourceEndpoint": SOURCE,
                "DestinationEndpoint": DESTINATION,
                "SegmentAttributes": SUBTYPE,
            },
            "SourceEndpoint": SOURCE,
            "DestinationEndpoint": DESTINATION,
            "SegmentAttributes": SUBTYPE,
            "ChatMessage": MESSAGE,
            "TemplatedMessageConfig": {
                "KnowledgeBaseId": "k-1",
                "MessageTemplateId": "t-1",
                "TemplateAttributes": {},
            },
        },
        formed={"SourceEndpoint.Address": NUMBER, "ValueArn": "arn:aws:s3:::"},
    ),
    request=StartOutboundChatContactRequest,
    response=StartOutboundChatContactResponse,
    minimum=EVERY_MINIMUM,
    required={
        f"{end}Endpoint.{member}": "an endpoint without it is none"
        for end in ("Source", "Destination")
        for member in ("Type", "Address")
    },
    listed={
        "InitialSystemMessage.ContentType": SENDABLE,
        "SupportedMessagingContentTypes.*": SUPPORTED,
    },
    choices={
        "SourceEndpoint.Type": {"CONNECT_PHONENUMBER_ARN"},
        "DestinationEndpoint.Type": {"TELEPHONE_NUMBER"},
    },
    unmeasured={"DestinationEndpoint.Address": "a phone number has 15 digits at most"},
)
CASES = [START, OUTBOUND]


def of(
    choose: Callable[[Case], Iterable[Member]],
) -> pytest.MarkDecorator:
    pairs = [(case, member) for case in CASES for member in choose(case)]
    ids = [f"{case.probe.operation}.{member.path}" for case, member in pairs]
    return pytest.mark.parametrize(("case", "member"), pairs, ids=ids)


def of_kind(kind: str) -> pytest.MarkDecorator:
    return of(lambda case: [m for m in case.probe.members if m.shape.type_name == kind])


each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.probe.operation)


@each
def test_the_probe_reaches_every_kind_of_member(case: Case) -> None:
    paths = {m.path for m in case.probe.members}

    assert {"Attributes.<key>", "SegmentAttributes.*.ValueMap"} <= paths
    assert "SupportedMessagingContentTypes.*" in paths
    assert len(list(case.texts)) >= 12


@each
def test_the_minimal_request_of_each_probe_is_right(case: Case) -> None:
    assert case.probe.accepts("InstanceId", "i-1")


@each
def test_the_request_has_exactly_amazons_parameters(case: Case) -> None:
    assert {path for path, _ in fields(case.request)} == named(case.probe.model.input_shape)


@each
def test_the_response_has_exactly_amazons_members(case: Case) -> None:
    assert {path for path, _ in fields(case.response)} == named(case.probe.model.output_shape)


@each
def test_exactly_amazons_required_parameters_are_required(case: Case) -> None:
    ours = {path for path, required in fields(case.request) if required}
    amazons = {m.path for m in case.probe.members if m.required}

    assert ours == amazons | set(case.required)


@each
def test_an_answer_must_name_the_contact_and_may_lack_all_else(case: Case) -> None:
    ours = {path for path, required in fields(case.response) if required}

    assert {path for path in ours if "." not in path} == ALWAYS_ANSWERED


@of(lambda case: case.texts)
def test_a_text_may_be_as_long_as_amazon_allows_and_no_longer(case: Case, member: Member) -> None:
    longest = member.shape.metadata["max"]

    assert case.probe.accepts(member.path, case.probe.text(member.path, longest))
    assert not case.probe.accepts(member.path, case.probe.text(member.path, longest + 1))


@of(lambda case: [m for m in case.texts if not m.path.endswith(tuple(case.probe.formed))])
def test_a_text_may_be_as_short_as_amazon_allows_and_no_shorter(case: Case, member: Member) -> None:
    shortest = member.shape.metadata.get("min", 0)
    if member.path in case.minimum:
        shortest = 1
    text = case.probe.text

    assert case.probe.accepts(member.path, text(member.path, shortest))
    assert shortest == 0 or not case.probe.accepts(member.path, text(member.path, shortest - 1))


@of_kind("integer")
def test_a_number_has_amazons_bounds(case: Case, member: Member) -> None:
    # A number without bounds still has the 32 bits of Amazon's `Integer`.
    least = member.shape.metadata.get("min", -(2**31))
    most = member.shape.metadata.get("max", 2**31 - 1)

    assert [case.probe.accepts(member.path, n) for n in (least, most)] == [True, True]
    assert [case.probe.accepts(member.path, n) for n in (least - 1, most + 1)] == [False, False]


@of(lambda case: [m for m in case.probe.members if getattr(m.shape, "enum", None)])
def test_a_choice_is_among_amazons(case: Case, member: Member) -> None:
    path = member.path.removesuffix(".*")
    in_list = path != member.path
    allowed = case.choices.get(member.path, set(member.shape.enum))

    assert allowed <= set(member.shape.enum)
    for value in member.shape.enum:
        assert case.probe.accepts(path, [value] if in_list else value) == (value in allowed), value
    for other in ("OTHER", *(value.lower() for value in allowed)):
        assert not case.probe.accepts(path, [other] if in_list else other)


def test_amazon_says_in_words_which_endpoints_it_takes() -> None:
    words = re.sub(r"</?\w+>", "", OUTBOUND.probe.model.documentation)

    for path, [kind] in OUTBOUND.choices.items():
        end = path.removesuffix(".Type")
        assert f"{end} only supports Endpoints with {kind} as Type" in words


@of(
    lambda case: [
        m for m in case.probe.members if m.shape.type_name == "list" and "max" in m.shape.metadata
    ]
)
def test_a_list_is_as_long_as_amazon_allows(case: Case, member: Member) -> None:
    limits = member.shape.metadata
    item = member.shape.member.enum[0]
    accepted = case.probe.accepts

    assert accepted(member.path, [item] * limits["min"])
    assert accepted(member.path, [item] * limits["max"])
    assert not accepted(member.path, [item] * (limits["min"] - 1))
    assert not accepted(member.path, [item] * (limits["max"] + 1))


@pytest.mark.parametrize(
    ("case", "path"),
    [(case, path) for case in CASES for path in case.listed],
    ids=[f"{case.probe.operation}.{path}" for case in CASES for path in case.listed],
)
def test_the_documented_values_are_those_in_amazons_text(case: Case, path: str) -> None:
    place = path.removesuffix(".*")
    documented = next(m.shape for m in case.probe.members if m.path == place).documentation

    words = re.findall(r"(?:text|application)/[\w.-]*\w", re.sub(r"</?\w+>", "", documented))
    assert set(words) == case.listed[path]
