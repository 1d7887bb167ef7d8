"""Our fields and limits beside Amazon's own model: a new parameter fails here, not in silence."""

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

import botocore.session
import pytest
from pydantic import BaseModel, ValidationError

from connect_tasks.aws.models import StartChatContactRequest, StartChatContactResponse

_OPERATION = (
    botocore.session.get_session().get_service_model("connect").operation_model("StartChatContact")
)

# Where the documentation of a parameter is stricter than its shape; each with its reason.
STRICTER_MINIMUM = {
    "ContactFlowId": "an empty flow is never found",
    "ClientToken": "an empty token would be shared by all",
}
STRICTER_REQUIRED = {
    "PersistentChat.RehydrationType": "'RehydrationType is required for persistent chat'",
    "PersistentChat.SourceContactId": "whole or absent",
}
# Nothing in Amazon's answers is marked as required; without a contact there is no answer.
ALWAYS_ANSWERED = {"ContactId"}
# Texts of a documented form, by the end of their path: what a probe starts with.
FORMED = {
    "ChatStreamingConfiguration.StreamingEndpointArn": "arn:aws:sns:eu-central-1:1:",
    "ValueArn": "arn:aws:s3:::",
}
# Texts whose documentation lists the values, so that length is no question.
LISTED = {
    "InitialMessage.ContentType": {
        "text/plain",
        "text/markdown",
        "application/json",
        "application/vnd.amazonaws.connect.message.interactive.response",
    },
    "SupportedMessagingContentTypes.*": {
        "text/plain",
        "text/markdown",
        "application/json",
        "application/vnd.amazonaws.connect.message.interactive",
        "application/vnd.amazonaws.connect.message.interactive.response",
    },
}
# What else a structure needs to be right.
WHOLE: dict[str, dict[str, Any]] = {
    "StartChatContactRequest": {
        "InstanceId": "i-1",
        "ContactFlowId": "f-1",
        "ParticipantDetails": {"DisplayName": "Ada"},
    },
    "ChatMessage": {"ContentType": "text/plain", "Content": "Hi"},
    "PersistentChat": {"RehydrationType": "FROM_SEGMENT", "SourceContactId": "c-1"},
}


class Member(NamedTuple):
    """One place in the request, and what Amazon says of it."""

    path: str
    shape: Any
    required: bool


def members(shape: Any, path: str = "", *, required: bool = True) -> Iterator[Member]:
    """Every member of a shape, `*` for what lists and maps hold; recursion is cut once."""
    if path:
        yield Member(path, shape, required)
    if path.count("Value") > 1:
        return
    below = {"structure": _of_structure, "list": _of_list, "map": _of_map}.get(shape.type_name)
    for name, inner, needed in below(shape) if below else ():
        yield from members(inner, f"{path}.{name}".removeprefix("."), required=needed)


def _of_structure(shape: Any) -> Iterator[tuple[str, Any, bool]]:
    for name, inner in shape.members.items():
        yield name, inner, name in shape.required_members


def _of_list(shape: Any) -> Iterator[tuple[str, Any, bool]]:
    yield "*", shape.member, False


def _of_map(shape: Any) -> Iterator[tuple[str, Any, bool]]:
    yield "<key>", shape.key, False
    yield "*", shape.value, False


def place(path: str, value: Any) -> Any:
    """A minimal request on the wire with one value in one place."""
    return built(_OPERATION.input_shape, path.split("."), value)


def built(shape: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if shape.type_name == "structure":
        return {**WHOLE.get(shape.name, {}), step: built(shape.members[step], rest, value)}
    if shape.type_name == "list":
        return [built(shape.member, rest, value)]
    if step == "<key>":
        return {value: {} if shape.value.type_name == "structure" else ""}
    key = "connect:x" if shape.key.name == "SegmentAttributeName" else "a"
    return {key: built(shape.value, rest, value)}


def accepted(path: str, value: Any) -> bool:
    try:
        StartChatContactRequest.from_wire(place(path, value))
    except ValidationError:
        return False
    return True


REQUEST = list(members(_OPERATION.input_shape))
STRINGS = [m for m in REQUEST if m.shape.type_name == "string" and m.path not in LISTED]
STRINGS = [m for m in STRINGS if not m.shape.enum and "max" in m.shape.metadata]


def text(path: str, length: int) -> str:
    start = next((form for end, form in FORMED.items() if path.endswith(end)), "")
    return start[:length] + "a" * (length - len(start))


def test_the_probe_reaches_every_kind_of_member() -> None:
    paths = {m.path for m in REQUEST}

    assert {"Attributes.<key>", "SegmentAttributes.*.ValueMap", "ConnectionTypes.*"} <= paths
    assert len(STRINGS) >= 12


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, bool]]:
    """Every member of one of our models by its name on the wire, and whether it is required."""
    for field in model.model_fields.values():
        name = f"{path}.{field.alias}".removeprefix(".")
        yield name, field.is_required()
        for inner in _models_in(field.annotation):
            below = "" if inner in get_args(field.annotation) or inner is field.annotation else ".*"
            if name.count("Value") <= 1:
                yield from fields(inner, name + below)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def named(shape: Any) -> set[str]:
    return {m.path for m in members(shape) if not m.path.endswith(("*", "<key>"))}


def test_the_request_has_exactly_amazons_parameters() -> None:
    assert {path for path, _ in fields(StartChatContactRequest)} == named(_OPERATION.input_shape)


def test_the_response_has_exactly_amazons_members() -> None:
    assert {path for path, _ in fields(StartChatContactResponse)} == named(_OPERATION.output_shape)


def test_exactly_amazons_required_parameters_are_required() -> None:
    ours = {path for path, required in fields(StartChatContactRequest) if required}
    amazons = {m.path for m in REQUEST if m.required}

    assert ours == amazons | set(STRICTER_REQUIRED)


def test_an_answer_must_name_the_contact_and_may_lack_all_else() -> None:
    ours = {path for path, required in fields(StartChatContactResponse) if required}

    assert {path for path in ours if "." not in path} == ALWAYS_ANSWERED


@pytest.mark.parametrize("member", STRINGS, ids=lambda m: m.path)
def test_a_text_may_be_as_long_as_amazon_allows_and_no_longer(member: Member) -> None:
    longest = member.shape.metadata["max"]

    assert accepted(member.path, text(member.path, longest))
    assert not accepted(member.path, text(member.path, longest + 1))


@pytest.mark.parametrize(
    "member", [m for m in STRINGS if not m.path.endswith(tuple(FORMED))], ids=lambda m: m.path
)
def test_a_text_may_be_as_short_as_amazon_allows_and_no_shorter(member: Member) -> None:
    shortest = member.shape.metadata.get("min", 0)
    if member.path in STRICTER_MINIMUM:
        shortest = 1

    assert accepted(member.path, text(member.path, shortest))
    assert shortest == 0 or not accepted(member.path, text(member.path, shortest - 1))


@pytest.mark.parametrize(
    "member", [m for m in REQUEST if m.shape.type_name == "integer"], ids=lambda m: m.path
)
def test_a_number_has_amazons_bounds(member: Member) -> None:
    # A number without bounds still has the 32 bits of Amazon's `Integer`.
    least = member.shape.metadata.get("min", -(2**31))
    most = member.shape.metadata.get("max", 2**31 - 1)

    assert [accepted(member.path, n) for n in (least, most)] == [True, True]
    assert [accepted(member.path, n) for n in (least - 1, most + 1)] == [False, False]


ENUMS = [m for m in REQUEST if getattr(m.shape, "enum", None)]


@pytest.mark.parametrize("member", ENUMS, ids=lambda m: m.path)
def test_a_choice_is_among_amazons(member: Member) -> None:
    path = member.path.removesuffix(".*")
    in_list = path != member.path

    for value in member.shape.enum:
        assert accepted(path, [value] if in_list else value), value
    assert not accepted(path, ["OTHER"] if in_list else "OTHER")
    assert not accepted(path, [value.lower()] if in_list else value.lower())


@pytest.mark.parametrize(
    "member",
    [m for m in REQUEST if m.shape.type_name == "list" and "max" in m.shape.metadata],
    ids=lambda m: m.path,
)
def test_a_list_is_as_long_as_amazon_allows(member: Member) -> None:
    limits = member.shape.metadata
    item = member.shape.member.enum[0]

    assert accepted(member.path, [item] * limits["min"])
    assert accepted(member.path, [item] * limits["max"])
    assert not accepted(member.path, [item] * (limits["min"] - 1))
    assert not accepted(member.path, [item] * (limits["max"] + 1))


@pytest.mark.parametrize(("path", "values"), LISTED.items(), ids=LISTED)
def test_the_documented_values_are_those_in_amazons_text(path: str, values: set[str]) -> None:
    shape = next(m.shape for m in REQUEST if m.path == path.removesuffix(".*"))
    if path.endswith("*"):
        documented = shape.documentation
    else:
        documented = next(m.shape for m in REQUEST if m.path == path).documentation

    assert all(f"<code>{value}</code>" in documented for value in values)
