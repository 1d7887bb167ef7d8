"""The models of StartOutboundChatContact: a conversation that begins on the customer's phone.

Experimental: made from Amazon's documentation, and never run against Amazon.
"""

from typing import Literal

from connect_tasks.aws.field_types import (
    AttributeKey,
    AttributeValue,
    ChatDuration,
    ClientToken,
    ContactFlowId,
    InstanceId,
    PhoneNumber,
    PhoneNumberArn,
    SegmentKey,
    ShortText,
    SupportedTypes,
    TemplateId,
    TemplateKey,
)
from connect_tasks.aws.models import ChatMessage, ParticipantDetails, SegmentAttributeValue
from connect_tasks.aws.outbound_rules import outbound_conflicts, template_conflicts
from connect_tasks.aws.wire_model import (
    AnswerModel,
    RequestModel,
    WholeModel,
    WireModel,
    list_fields,
)

__all__ = [
    "OUTBOUND_LIST_FIELDS",
    "DestinationEndpoint",
    "InitialTemplatedSystemMessage",
    "SourceEndpoint",
    "StartOutboundChatContactRequest",
    "StartOutboundChatContactResponse",
    "TemplateAttributes",
]


class SourceEndpoint(WireModel):
    """Which phone number of the instance writes; WhatsApp's is one, too.

    Example:
        >>> arn = "arn:aws:connect:eu-central-1:123456789012:phone-number/p-1"
        >>> SourceEndpoint(type="CONNECT_PHONENUMBER_ARN", address=arn).address == arn
        True
    """

    type: Literal["CONNECT_PHONENUMBER_ARN"]
    address: PhoneNumberArn


class DestinationEndpoint(WireModel):
    """Whose phone it is: a number in E.164.

    Example:
        >>> DestinationEndpoint(type="TELEPHONE_NUMBER", address="+4915112345678").address
        '+4915112345678'
    """

    type: Literal["TELEPHONE_NUMBER"]
    address: PhoneNumber


class TemplateAttributes(WholeModel):
    """What the placeholders of a message template are filled in with; may be empty.

    Example:
        >>> TemplateAttributes(custom_attributes={"name": "Ada"}).custom_attributes
        {'name': 'Ada'}
    """

    _conflicts = template_conflicts

    custom_attributes: dict[TemplateKey, AttributeValue] | None = None
    customer_profile_attributes: str | None = None


class InitialTemplatedSystemMessage(WireModel):
    """The first message, made of a template that the instance has; WhatsApp wants such ones.

    Example:
        >>> message = InitialTemplatedSystemMessage(
        ...     knowledge_base_id="k-1",
        ...     message_template_id="t-1",
        ...     template_attributes=TemplateAttributes(),
        ... )
        >>> message.message_template_id
        't-1'
    """

    knowledge_base_id: TemplateId
    message_template_id: TemplateId
    template_attributes: TemplateAttributes


class StartOutboundChatContactRequest(RequestModel):
    """One validated call of StartOutboundChatContact (experimental: never run against Amazon).

    An instance ARN is accepted for `instance_id` and a flow ARN for `contact_flow_id`: the ID is
    taken. A request is refused with everything that is wrong with it at once; `problems` puts the
    error into words.

    Raises:
        pydantic.ValidationError: If any limit of Amazon Connect is broken.

    Example:
        >>> request = StartOutboundChatContactRequest(
        ...     instance_id="i-1",
        ...     contact_flow_id="f-1",
        ...     source_endpoint={
        ...         "type": "CONNECT_PHONENUMBER_ARN",
        ...         "address": "arn:aws:connect:eu-central-1:123456789012:phone-number/p-1",
        ...     },
        ...     destination_endpoint={"type": "TELEPHONE_NUMBER", "address": "+4915112345678"},
        ...     segment_attributes={"connect:Subtype": {"value_string": "connect:SMS"}},
        ... )
        >>> request.to_wire()["DestinationEndpoint"]["Address"]
        '+4915112345678'
    """

    _conflicts = outbound_conflicts

    instance_id: InstanceId
    contact_flow_id: ContactFlowId
    source_endpoint: SourceEndpoint
    destination_endpoint: DestinationEndpoint
    segment_attributes: dict[SegmentKey, SegmentAttributeValue]
    attributes: dict[AttributeKey, AttributeValue] | None = None
    chat_duration_in_minutes: ChatDuration | None = None
    client_token: ClientToken | None = None
    initial_system_message: ChatMessage | None = None
    initial_templated_system_message: InitialTemplatedSystemMessage | None = None
    participant_details: ParticipantDetails | None = None
    related_contact_id: ShortText | None = None
    supported_messaging_content_types: SupportedTypes | None = None


OUTBOUND_LIST_FIELDS = list_fields(StartOutboundChatContactRequest)
"""The request's fields that hold a list, whose items a table may give between commas."""


class StartOutboundChatContactResponse(AnswerModel):
    """What Amazon answered: the contact, and nothing to speak in it with.

    Example:
        >>> StartOutboundChatContactResponse.from_wire({"ContactId": "c-1"}).contact_id
        'c-1'
    """

    contact_id: str
