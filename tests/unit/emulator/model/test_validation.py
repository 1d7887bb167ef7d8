import base64
import json
from typing import Any

import pytest

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.rules import INTERACTIVE, RESPONSE
from connect_tasks.emulator.model.validation import Validator, service_model
from tests.unit.emulator.world import World

MESSAGE = {"ContentType": "text/plain", "Content": "Hi"}


def refusal(world: World, **members: object) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        world.start(**members)
    return caught.value


def test_a_request_with_every_member_is_accepted(world: World) -> None:
    request = world.request(
        Attributes={"plan": "gold", "a-b_1": ""},
        ParticipantConfiguration={"ResponseMode": "COMPLETE"},
        InitialMessage=MESSAGE,
        ChatDurationInMinutes=60,
        SupportedMessagingContentTypes=["text/markdown", "text/plain", INTERACTIVE, RESPONSE],
        RelatedContactId="another",
        SegmentAttributes={
            "connect:Subtype": {"ValueString": "connect:Guide"},
            "Nested": {"ValueMap": {"inner": {"ValueList": [{"ValueInteger": 3}]}}},
        },
        CustomerId="c-1",
        DisconnectOnCustomerExit=["AGENT"],
        ConnectionTypes=["WEBSOCKET"],
        ChatStreamingConfiguration={"StreamingEndpointArn": "arn:aws:sns:us-east-1:1:topic"},
    )
    model = service_model("connect").operation_model("StartChatContact").input_shape

    assert set(request) | {"PersistentChat"} == set(model.members)
    assert "ContactId" in world.call("StartChatContact", **request)


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"InstanceId": None}, "InstanceId"),
        ({"ParticipantDetails": {}}, "ParticipantDetails.DisplayName"),
        ({"ParticipantDetails": {"DisplayName": 3}}, "ParticipantDetails.DisplayName"),
        ({"Attributes": ["plan"]}, "Attributes"),
        ({"Attributes": {"plan": 1}}, "Attributes.plan"),
        ({"ChatDurationInMinutes": True}, "ChatDurationInMinutes"),
        ({"ChatDurationInMinutes": 60.5}, "ChatDurationInMinutes"),
        ({"InitialMessage": "Hi"}, "InitialMessage"),
        ({"Language": "en"}, "Language"),
        ({"ParticipantDetails": {"DisplayName": "Ann", "Age": 1}}, "ParticipantDetails.Age"),
        (
            {"SegmentAttributes": {"a": {"ValueMap": {"b": {"ValueInteger": "3"}}}}},
            "SegmentAttributes.a.ValueMap.b.ValueInteger",
        ),
    ],
)
def test_a_request_of_the_wrong_form_is_an_invalid_request(
    world: World, members: dict[str, object], path: str
) -> None:
    refused = refusal(world, **members)

    assert (refused.code, refused.status) == ("InvalidRequestException", 400)
    assert f"Value at '{path}' " in refused.message


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"InstanceId": "i" * 101}, "InstanceId"),
        ({"InstanceId": ""}, "InstanceId"),
        ({"ContactFlowId": "f" * 501}, "ContactFlowId"),
        ({"ClientToken": "t" * 501}, "ClientToken"),
        ({"ParticipantDetails": {"DisplayName": "n" * 257}}, "ParticipantDetails.DisplayName"),
        ({"ChatDurationInMinutes": 59}, "ChatDurationInMinutes"),
        ({"ChatDurationInMinutes": 10081}, "ChatDurationInMinutes"),
        ({"CustomerId": "c" * 129}, "CustomerId"),
        ({"DisconnectOnCustomerExit": ["CUSTOMER"]}, "DisconnectOnCustomerExit[0]"),
        ({"DisconnectOnCustomerExit": []}, "DisconnectOnCustomerExit"),
        ({"ConnectionTypes": ["WEBSOCKET"] * 3}, "ConnectionTypes"),
        ({"ParticipantConfiguration": {"ResponseMode": "SOME"}}, "ParticipantConfiguration"),
        ({"Attributes": {"two words": "x"}}, "Attributes"),
        ({"Attributes": {"a": "é" * 16384}}, "Attributes"),
        ({"SegmentAttributes": {"a b": {"ValueString": "x"}}}, "SegmentAttributes"),
        (
            {"SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Guide"}}},
            "SegmentAttributes",
        ),
        ({"SupportedMessagingContentTypes": []}, "SupportedMessagingContentTypes"),
        ({"SupportedMessagingContentTypes": ["text/markdown"]}, "SupportedMessagingContentTypes"),
        (
            {"SupportedMessagingContentTypes": ["text/plain", "text/html"]},
            "SupportedMessagingContentTypes",
        ),
        ({"InitialMessage": {**MESSAGE, "Content": ""}}, "InitialMessage.Content"),
        ({"InitialMessage": {**MESSAGE, "Content": "é" * 8193}}, "InitialMessage.Content"),
        ({"InitialMessage": {**MESSAGE, "ContentType": "text/html"}}, "InitialMessage.ContentType"),
        ({"PersistentChat": {"SourceContactId": "x"}}, "PersistentChat.RehydrationType"),
        (
            {"RelatedContactId": "x", "PersistentChat": {"SourceContactId": "x"}},
            "RelatedContactId",
        ),
        (
            {"ChatStreamingConfiguration": {"StreamingEndpointArn": "arn:aws:sqs:us-east-1:1:q"}},
            "ChatStreamingConfiguration",
        ),
    ],
)
def test_a_value_out_of_bounds_is_an_invalid_parameter(
    world: World, members: dict[str, object], path: str
) -> None:
    refused = refusal(world, **members)

    assert (refused.code, refused.status) == ("InvalidParameterException", 400)
    assert f"Value at '{path}" in refused.message


def test_every_problem_is_named_at_once(world: World) -> None:
    refused = refusal(world, ChatDurationInMinutes=1, CustomerId="", ContactFlowId="f" * 501)

    assert refused.message.startswith("3 validation errors detected: ")


def test_a_refusal_never_repeats_the_value(world: World) -> None:
    secret = "4111 1111 1111 1111"

    refused = refusal(world, Attributes={"card": secret * 2000}, CustomerId=secret * 10)

    assert "4111" not in refused.message


def test_nothing_is_started_by_a_refused_request(world: World) -> None:
    refusal(world, ChatDurationInMinutes=1)

    assert world.backend.chats == {}
    assert world.service.refusals == {("StartChatContact", "InvalidParameterException"): 1}


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("SendMessage", {"ContentType": "text/plain", "Content": "x" * 1025}),
        ("SendMessage", {"ContentType": "application/json", "Content": "x" * 12001}),
        ("SendMessage", {"ContentType": "text/html", "Content": "x"}),
        ("SendMessage", {"ContentType": "text/markdown", "Content": "not supported by this chat"}),
        ("SendMessage", {"ContentType": "text/plain"}),
        ("SendEvent", {"ContentType": "typing"}),
        ("SendEvent", {"ContentType": "application/vnd.amazonaws.connect.event.message.read"}),
        ("GetTranscript", {"MaxResults": 101}),
        ("GetTranscript", {"ScanDirection": "UP"}),
        ("GetTranscript", {"NextToken": "made up"}),
        ("GetTranscript", {"NextToken": "MTI="}),
        ("GetTranscript", {"NextToken": "é"}),
        ("GetTranscript", {"StartPosition": {"AbsoluteTime": "yesterday"}}),
        ("GetTranscript", {"StartPosition": {"Id": "of nothing"}}),
        ("DisconnectParticipant", {"ConnectionToken": "belongs into the header"}),
    ],
)
def test_the_participant_service_has_one_code_for_all_that_is_invalid(
    world: World, operation: str, params: dict[str, Any]
) -> None:
    _, token = world.join()

    with pytest.raises(RefusedError) as caught:
        world.call(operation, token, **params)

    assert (caught.value.code, caught.value.status) == ("ValidationException", 400)


def test_patterns_of_the_model_are_held() -> None:
    check = Validator(service_model("connectparticipant").shape_for("WebRTCMeeting"))

    assert [problem.path for problem in check({"MeetingId": "no guid"})] == ["MeetingId"]
    assert check({"MeetingId": "6f1c2d3e-0000-4000-8000-c0ffee000001"}) == []


@pytest.mark.parametrize(
    "forged",
    [
        ["{}", "x", 1],
        ["{}", True, "1"],
        ["{}", True, -1],
        ["{}", True, 10**9],
        ["{}", False, 1.5],
        ["{}", None, 0],
        ["{}", True, True],
        ["{}", True, 0, 0],
        {"a": "{}"},
        [[[]]],
    ],
)
def test_a_page_token_that_somebody_made_up_is_not_valid(world: World, forged: Any) -> None:
    socket, token = world.join()
    contact_id = socket.items[0]["ContactId"]
    text = json.dumps(forged).replace("{}", contact_id) if isinstance(forged, list) else "{}"
    made_up = base64.urlsafe_b64encode(text.encode()).decode()
    deep = base64.urlsafe_b64encode(b"[" * 700).decode()

    for next_token in (made_up, deep):
        with pytest.raises(RefusedError) as caught:
            world.call("GetTranscript", token, NextToken=next_token)
        assert caught.value.code == "ValidationException"
