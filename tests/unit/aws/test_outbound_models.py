import json
from typing import Any

import pytest
from pydantic import ValidationError

from connect_tasks.aws.outbound_models import (
    OUTBOUND_LIST_FIELDS,
    StartOutboundChatContactRequest,
    StartOutboundChatContactResponse,
)
from connect_tasks.aws.problems import problems

ARN = "arn:aws:connect:eu-central-1:123456789012:phone-number/p-1"
LEAST: dict[str, Any] = {
    "InstanceId": "i-1",
    "ContactFlowId": "f-1",
    "SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": ARN},
    "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+4915112345678"},
    "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}},
}
WHATSAPP = {"connect:Subtype": {"ValueString": "connect:WhatsApp"}}
TEXT = {"ContentType": "text/plain", "Content": "Hello"}
TEMPLATED: dict[str, Any] = {
    "KnowledgeBaseId": "arn:aws:wisdom:eu-central-1:123456789012:knowledge-base/k-1",
    "MessageTemplateId": "t-1:$LATEST",
    "TemplateAttributes": {
        "CustomAttributes": {"order.number": "7"},
        "CustomerProfileAttributes": '{"FirstName": "Ada"}',
    },
}
WHOLE: dict[str, Any] = {
    **LEAST,
    "Attributes": {"customer": "42"},
    "ChatDurationInMinutes": 60,
    "ClientToken": "once",
    "InitialSystemMessage": TEXT,
    "ParticipantDetails": {"DisplayName": "Ada"},
    "RelatedContactId": "c-0",
    "SupportedMessagingContentTypes": ["text/plain", "text/markdown"],
}


def wrong(request: dict[str, Any]) -> dict[str, str]:
    """What is wrong with a request, by field; nothing if it is right."""
    try:
        StartOutboundChatContactRequest.from_wire(request)
    except ValidationError as error:
        return {problem.field: problem.rule for problem in problems(error)}
    return {}


@pytest.mark.parametrize(
    "request_",
    [
        LEAST,
        WHOLE,
        {**LEAST, "SegmentAttributes": WHATSAPP, "InitialTemplatedSystemMessage": TEMPLATED},
    ],
    ids=["least", "whole", "WhatsApp with a template"],
)
def test_a_right_request_goes_out_as_it_came_in(request_: dict[str, Any]) -> None:
    assert StartOutboundChatContactRequest.from_wire(request_).to_wire() == request_


def test_ids_are_taken_out_of_arns() -> None:
    instance = "arn:aws:connect:eu-central-1:123456789012:instance/i-1"
    arns = {"InstanceId": instance, "ContactFlowId": f"{instance}/contact-flow/f-1"}

    assert StartOutboundChatContactRequest.from_wire({**LEAST, **arns}).to_wire() == LEAST


def test_a_flow_of_another_instance_is_refused() -> None:
    flow = "arn:aws:connect:eu-central-1:123456789012:instance/i-2/contact-flow/f-1"

    assert "another instance" in wrong({**LEAST, "ContactFlowId": flow})["contact_flow_id"]


@pytest.mark.parametrize("name", list(LEAST))
def test_what_amazon_requires_is_required(name: str) -> None:
    left = {key: value for key, value in LEAST.items() if key != name}

    assert list(wrong(left).values()) == ["is required"]


def test_an_empty_endpoint_lacks_both_of_its_members() -> None:
    assert wrong({**LEAST, "SourceEndpoint": {}, "DestinationEndpoint": {}}) == {
        "source_endpoint.type": "is required",
        "source_endpoint.address": "is required",
        "destination_endpoint.type": "is required",
        "destination_endpoint.address": "is required",
    }


@pytest.mark.parametrize(
    "kind", ["TELEPHONE_NUMBER", "VOIP", "CONTACT_FLOW", "EMAIL_ADDRESS", "SMS", "", None, 1]
)
def test_only_a_number_of_the_instance_is_a_source(kind: object) -> None:
    source = {"Type": kind, "Address": ARN}

    assert wrong({**LEAST, "SourceEndpoint": source}) == {
        "source_endpoint.type": "must be 'CONNECT_PHONENUMBER_ARN'"
    }


@pytest.mark.parametrize("kind", ["CONNECT_PHONENUMBER_ARN", "EMAIL_ADDRESS", "telephone_number"])
def test_only_a_phone_is_a_destination(kind: str) -> None:
    destination = {"Type": kind, "Address": "+4915112345678"}

    assert wrong({**LEAST, "DestinationEndpoint": destination}) == {
        "destination_endpoint.type": "must be 'TELEPHONE_NUMBER'"
    }


@pytest.mark.parametrize(
    "arn",
    [
        ARN,
        "arn:aws-us-gov:connect:us-gov-west-1:123456789012:phone-number/p-1",
        "arn:aws:connect:us-east-1:123456789012:instance/i-1/phone-number/p-1",
        "arn:aws:social-messaging:us-east-1:123456789012:phone-number-id/0a1b",
    ],
    ids=["a number", "of another partition", "of an instance", "of WhatsApp"],
)
def test_the_arn_of_a_phone_number_is_a_source(arn: str) -> None:
    assert not wrong(
        {**LEAST, "SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": arn}}
    )


@pytest.mark.parametrize(
    "address",
    [
        "",
        "+4915112345678",
        "p-1",
        "arn:aws:connect:eu-central-1:123456789012:instance/i-1",
        "arn:aws:connect:eu-central-1:123456789012:phone-number/",
        "arn:aws:sms-voice:eu-central-1:123456789012:phone-number/p-1",
        f"{ARN} ",
        f"{ARN}\n",
    ],
)
def test_another_address_is_no_source(address: str) -> None:
    source = {"Type": "CONNECT_PHONENUMBER_ARN", "Address": address}

    found = wrong({**LEAST, "SourceEndpoint": source})

    assert list(found) == ["source_endpoint.address"]
    assert "must be the ARN of a phone number" in found["source_endpoint.address"]


@pytest.mark.parametrize(
    "segments",
    [
        {},
        {"connect:Channel": {"ValueString": "SMS"}},
        {"connect:Subtype": {}},
        {"connect:Subtype": {"ValueString": "connect:Chat"}},
        {"connect:Subtype": {"ValueString": "SMS"}},
        {"connect:Subtype": {"ValueString": "connect:sms"}},
        {"Subtype": {"ValueString": "connect:SMS"}},
    ],
    ids=["none", "another key", "empty", "web chat", "no prefix", "lower case", "no key prefix"],
)
def test_the_subtype_has_to_say_sms_or_whatsapp(segments: dict[str, Any]) -> None:
    found = wrong({**LEAST, "SegmentAttributes": segments})

    assert list(found.values()) == ["must be there, as connect:SMS or connect:WhatsApp"]


def test_lists_and_arns_are_for_system_attributes_only() -> None:
    segments = {**LEAST["SegmentAttributes"], "own": {"ValueArn": "arn:aws:s3:::a"}}

    assert wrong({**LEAST, "SegmentAttributes": segments}) == {
        "segment_attributes.own.value_arn": "is for system-defined attributes (connect:…) only"
    }


def test_one_first_message_excludes_the_other() -> None:
    both = {"InitialSystemMessage": TEXT, "InitialTemplatedSystemMessage": TEMPLATED}

    assert wrong({**LEAST, **both}) == {
        "initial_templated_system_message": "cannot be given together with "
        "initial_system_message: leave one of them out"
    }


@pytest.mark.parametrize("minutes", [-1, 0, 59, 10_081, 99_999, "1 day", 60.5, None])
def test_a_chat_lasts_an_hour_at_least_and_a_week_at_most(minutes: object) -> None:
    found = wrong({**LEAST, "ChatDurationInMinutes": minutes})

    assert list(found) == ([] if minutes is None else ["chat_duration_in_minutes"])


def test_a_token_has_500_characters_at_most() -> None:
    assert not wrong({**LEAST, "ClientToken": "t" * 500})
    assert list(wrong({**LEAST, "ClientToken": "t" * 501})) == ["client_token"]


@pytest.mark.parametrize("longest", ["x" * 16_384, "ü" * 8_192], ids=["plain", "two bytes each"])
def test_a_first_message_has_16384_bytes_at_most(longest: str) -> None:
    first = {"ContentType": "text/plain", "Content": longest}
    more = {"ContentType": "text/plain", "Content": f"{longest}x"}

    assert not wrong({**LEAST, "InitialSystemMessage": first})
    assert list(wrong({**LEAST, "InitialSystemMessage": more})) == [
        "initial_system_message.content"
    ]


def test_a_first_message_is_of_a_type_that_the_chat_supports() -> None:
    markdown = {"ContentType": "text/markdown", "Content": "*Hi*"}

    assert list(wrong({**LEAST, "InitialSystemMessage": markdown})) == [
        "initial_system_message.content_type"
    ]
    assert not wrong(
        {
            **LEAST,
            "InitialSystemMessage": markdown,
            "SupportedMessagingContentTypes": ["text/plain", "text/markdown"],
        }
    )


def test_supported_types_contain_plain_text() -> None:
    found = wrong({**LEAST, "SupportedMessagingContentTypes": ["text/markdown"]})

    assert found == {"supported_messaging_content_types": "must always contain text/plain"}


def test_attributes_have_32768_bytes_at_most() -> None:
    assert not wrong({**LEAST, "Attributes": {"a": "x" * 32_767}})
    assert list(wrong({**LEAST, "Attributes": {"ab": "x" * 32_767}})) == ["attributes"]


@pytest.mark.parametrize("text", ["", "Ada", "[]", "{", "7", '{"a": NaN}'])
def test_profile_attributes_are_json_of_an_object(text: str) -> None:
    template = {**TEMPLATED, "TemplateAttributes": {"CustomerProfileAttributes": text}}

    assert list(wrong({**LEAST, "InitialTemplatedSystemMessage": template})) == [
        "initial_templated_system_message.template_attributes.customer_profile_attributes"
    ]


@pytest.mark.parametrize("part", list(TEMPLATED))
def test_a_template_is_whole_or_absent(part: str) -> None:
    template = {key: value for key, value in TEMPLATED.items() if key != part}

    assert list(wrong({**LEAST, "InitialTemplatedSystemMessage": template}).values()) == [
        "is required"
    ]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = wrong(
        {
            "InstanceId": "",
            "ContactFlowId": "",
            "SourceEndpoint": {},
            "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "call me"},
            "SegmentAttributes": {"connect:Channel": {"ValueString": "SMS"}},
            "Attributes": {"a b": "c"},
            "ChatDurationInMinutes": 99_999,
            "ClientToken": "t" * 501,
            "InitialSystemMessage": {"ContentType": "text/plain", "Content": "x" * 20_000},
            "InitialTemplatedSystemMessage": {},
            "ParticipantDetails": {},
            "RelatedContactId": "",
            "PersistentChat": {},
        }
    )

    assert {
        "instance_id",
        "contact_flow_id",
        "source_endpoint.type",
        "source_endpoint.address",
        "destination_endpoint.address",
        "segment_attributes.connect:Subtype",
        "attributes.a b",
        "chat_duration_in_minutes",
        "client_token",
        "initial_system_message.content",
        "initial_templated_system_message",
        "initial_templated_system_message.knowledge_base_id",
        "participant_details.display_name",
        "related_contact_id",
        "PersistentChat",
    } <= set(found)


def test_a_landline_takes_whatsapp_and_no_sms() -> None:
    pytest.importorskip("phonenumbers", reason="needs the extra `phones`")
    landline = {"Type": "TELEPHONE_NUMBER", "Address": "+4930901820"}
    request = {**LEAST, "DestinationEndpoint": landline}

    assert "a landline" in wrong(request)["destination_endpoint.address"]
    assert not wrong({**request, "SegmentAttributes": WHATSAPP})


def test_a_landline_is_told_beside_what_else_is_wrong() -> None:
    pytest.importorskip("phonenumbers", reason="needs the extra `phones`")
    landline = {"Type": "TELEPHONE_NUMBER", "Address": "+4930901820"}

    assert set(wrong({**LEAST, "DestinationEndpoint": landline, "ClientToken": ""})) == {
        "destination_endpoint.address",
        "client_token",
    }


def test_the_answer_is_the_contact_and_nothing_else() -> None:
    wire = json.loads('{"ContactId": "c-1", "Later": 1, "ResponseMetadata": {}}')

    assert StartOutboundChatContactResponse.from_wire(wire).model_dump() == {"contact_id": "c-1"}


def test_an_answer_without_a_contact_is_none() -> None:
    with pytest.raises(ValidationError):
        StartOutboundChatContactResponse.from_wire({})


def test_the_fields_that_hold_lists_are_known() -> None:
    assert "supported_messaging_content_types" in OUTBOUND_LIST_FIELDS
    assert "destination_endpoint" not in OUTBOUND_LIST_FIELDS
