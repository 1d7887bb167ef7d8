"""The template of messages to phones, against what botocore's model and the documentation ask."""

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from pydantic import ValidationError

from connect_tasks import OutboundChatTemplate
from connect_tasks.aws.outbound_models import StartOutboundChatContactRequest
from connect_tasks.aws.problems import problems
from connect_tasks.chat.template.outbound_renderer import RenderedOutbound
from connect_tasks.errors import InputError

ARN = "arn:aws:connect:eu-central-1:123456789012:phone-number/p-1"
ROW = {"customer_id": "0042", "phone": "+4915112345678", "name": "Ada", "plan": "gold"}


def template(**fields: Any) -> OutboundChatTemplate:
    return OutboundChatTemplate.model_validate({"source_endpoint": ARN, **fields})


def rendered(row: dict[str, Any] | None = None, **fields: Any) -> RenderedOutbound:
    bound = template(**fields).bind(instance_id="i-1", contact_flow_id="f-1")
    return bound.render(ROW if row is None else row)


def request(row: dict[str, Any] | None = None, **fields: Any) -> StartOutboundChatContactRequest:
    made = rendered(row, **fields)
    assert made.problems == ()
    assert made.request is not None
    return made.request


def refused(row: dict[str, Any] | None = None, **fields: Any) -> str:
    made = rendered(row, **fields)
    assert made.request is None
    return "; ".join(map(str, made.problems))


def test_a_number_and_a_text_are_all_that_a_template_needs() -> None:
    wire = request(initial_system_message="Hi {{ name }}").to_wire()

    assert wire == {
        "InstanceId": "i-1",
        "ContactFlowId": "f-1",
        "SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": ARN},
        "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+4915112345678"},
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}},
        "InitialSystemMessage": {"ContentType": "text/plain", "Content": "Hi Ada"},
    }


def test_what_a_row_makes_passes_botocores_own_check() -> None:
    wire = request(
        subtype="WhatsApp",
        initial_templated_system_message={
            "knowledge_base_id": "k-1",
            "message_template_id": "t-1",
            "template_attributes": {"custom_attributes": {"name": "{{ name }}"}},
        },
        attributes={"plan": "{{ plan }}"},
        display_name="{{ name }}",
        chat_duration_in_minutes="120",
        related_contact_id="c-1",
        supported_messaging_content_types=["text/plain"],
    ).to_wire()
    service = botocore.session.get_session().get_service_model("connect")
    shape = service.operation_model("StartOutboundChatContact").input_shape

    assert shape is not None
    assert ParamValidator().validate(wire, shape).generate_report() == ""
    assert wire["SegmentAttributes"] == {"connect:Subtype": {"ValueString": "connect:WhatsApp"}}
    filled = wire["InitialTemplatedSystemMessage"]["TemplateAttributes"]
    assert filled == {"CustomAttributes": {"name": "Ada"}}
    assert wire["ParticipantDetails"] == {"DisplayName": "Ada"}
    assert wire["ChatDurationInMinutes"] == 120


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("", "column 'phone' is empty"),
        ("call me", "destination_endpoint.address"),
        ("0151 12345678", "destination_endpoint.address"),
        ("+49 151 12345678", "destination_endpoint.address"),
        ("+1", "destination_endpoint.address"),
        ("+49151123456789012345", "destination_endpoint.address"),
    ],
)
def test_a_number_that_is_none_is_its_rows_error_with_the_reason(number: str, says: str) -> None:
    told = refused({**ROW, "phone": number})

    assert says in told
    assert "is required" not in told


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"chat_duration_in_minutes": "{{ 99999 }}"}, "chat_duration_in_minutes"),
        ({"attributes": {"plan": "{{ 'x' * 40000 }}"}}, "attributes"),
        ({"customer_id": "{{ name * 50 }}"}, "customer_id"),
        ({"subtype": "{{ 'connect:Telex' }}"}, "connect:Subtype"),
        ({"initial_system_message": "{{ nobody }}"}, "'nobody' is empty"),
    ],
)
def test_everything_else_that_is_wrong_is_told_of_its_field(
    fields: dict[str, Any], says: str
) -> None:
    assert says in refused(**fields)


def test_a_row_is_told_all_that_is_wrong_with_it_and_still_who_it_is() -> None:
    made = rendered({**ROW, "phone": "110"}, chat_duration_in_minutes="{{ 5 }}")

    assert {problem.field for problem in made.problems} == {
        "destination_endpoint.address",
        "chat_duration_in_minutes",
    }
    assert made.customer_id == "0042"


def test_a_row_without_an_id_is_refused_and_amazon_is_never_told_one() -> None:
    assert "customer_id" in refused({**ROW, "customer_id": ""})
    assert "CustomerId" not in request().to_wire()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"source_endpoint": {}}, "source_endpoint.address"),
        ({"destination_endpoint": {}}, "destination_endpoint.address"),
        ({"subtype": "SMS", "segment_attributes": {"connect:Subtype": "connect:SMS"}}, "subtype"),
        ({"display_name": "a", "participant_details": {"display_name": "b"}}, "display_name"),
        ({"destination_endpoint": "{{ phone"}, "is no valid template"),
    ],
)
def test_a_template_that_says_nothing_or_one_thing_twice_is_none(
    fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        template(**fields)

    assert says in "; ".join(map(str, problems(raised.value)))


@pytest.mark.parametrize(
    "fields",
    [
        {"source_endpoint": "+4930123456"},
        {"destination_endpoint": "call me"},
        {"chat_duration_in_minutes": 99_999},
        {"subtype": "Telex"},
        {"initial_system_message": "x" * 20_000},
        {"source_endpoint": {"address": ARN, "type": "TELEPHONE_NUMBER"}},
    ],
)
def test_what_is_wrong_in_every_row_is_told_before_the_first_one(fields: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="No row can be sent with this template"):
        template(**fields).bind(instance_id="i-1", contact_flow_id="f-1")


def test_a_column_that_the_table_does_not_have_is_told_before_the_first_row() -> None:
    with pytest.raises(InputError, match="phone"):
        template().bind(instance_id="i-1", contact_flow_id="f-1", columns=["customer_id"])
