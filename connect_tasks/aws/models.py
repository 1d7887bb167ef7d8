"""The models: request and response of StartChatContact, with every documented limit.

Names are snake_case in Python and Amazon's own on the wire. A wrong request is refused as a whole,
with everything that is wrong with it at once.
"""

from datetime import datetime
from typing import Literal

from pydantic import SecretStr

from connect_tasks.aws.field_types import (
    WHOLE_CONNECTION,
    AttributeKey,
    AttributeValue,
    ChatDuration,
    ClientToken,
    ConnectionTypes,
    ContactFlowId,
    Content,
    CustomerId,
    InstanceId,
    LeavingParticipants,
    MessageType,
    SegmentArn,
    SegmentInteger,
    SegmentKey,
    SegmentText,
    ShortText,
    SupportedTypes,
    TopicArn,
)
from connect_tasks.aws.problems import Problem, problems
from connect_tasks.aws.rules import (
    MAX_ATTRIBUTE_BYTES,
    MAX_INITIAL_MESSAGE_BYTES,
    message_conflicts,
    request_conflicts,
)
from connect_tasks.aws.wire_model import (
    AnswerModel,
    RequestModel,
    WholeModel,
    WireModel,
    list_fields,
)

__all__ = [
    "LIST_FIELDS",
    "MAX_ATTRIBUTE_BYTES",
    "MAX_INITIAL_MESSAGE_BYTES",
    "ChatMessage",
    "ChatStreamingConfiguration",
    "ConnectionCredentials",
    "ParticipantConfiguration",
    "ParticipantDetails",
    "PersistentChat",
    "Problem",
    "SegmentAttributeValue",
    "StartChatContactRequest",
    "StartChatContactResponse",
    "Websocket",
    "problems",
]


class ParticipantDetails(WireModel):
    """Who the customer is in the chat.

    Example:
        >>> ParticipantDetails(display_name="Ada").display_name
        'Ada'
    """

    display_name: ShortText


class ChatMessage(WholeModel):
    """The first message of the chat: 1 to 16,384 bytes; JSON types must hold JSON.

    Example:
        >>> ChatMessage(content_type="text/plain", content="Hello").content
        'Hello'
    """

    _conflicts = message_conflicts

    content_type: MessageType
    content: Content


class ParticipantConfiguration(WireModel):
    """How answers are sent to the participant.

    Example:
        >>> ParticipantConfiguration(response_mode="COMPLETE").response_mode
        'COMPLETE'
    """

    response_mode: Literal["INCREMENTAL", "COMPLETE"] | None = None


class PersistentChat(WireModel):
    """The past chat that this one goes on with; both members or none of it.

    Example:
        >>> past = PersistentChat(rehydration_type="FROM_SEGMENT", source_contact_id="c-1")
        >>> past.source_contact_id
        'c-1'
    """

    rehydration_type: Literal["ENTIRE_PAST_SESSION", "FROM_SEGMENT"]
    source_contact_id: ShortText


class SegmentAttributeValue(WireModel):
    """One segment attribute; lists and ARNs are for system-defined attributes (`connect:`) only.

    Example:
        >>> SegmentAttributeValue(value_string="connect:Guide").value_string
        'connect:Guide'
    """

    value_string: SegmentText | None = None
    value_map: "dict[SegmentKey, SegmentAttributeValue] | None" = None
    value_integer: SegmentInteger | None = None
    value_list: "tuple[SegmentAttributeValue, ...] | None" = None
    value_arn: SegmentArn | None = None


class ChatStreamingConfiguration(WireModel):
    """The standard SNS topic to which the chat is streamed.

    Example:
        >>> topic = "arn:aws:sns:eu-central-1:123456789012:chats"
        >>> ChatStreamingConfiguration(streaming_endpoint_arn=topic).streaming_endpoint_arn == topic
        True
    """

    streaming_endpoint_arn: TopicArn


class StartChatContactRequest(RequestModel):
    """One validated call of StartChatContact.

    An instance ARN is accepted for `instance_id` and a flow ARN for `contact_flow_id`: the ID is
    taken. A request is refused with everything that is wrong with it at once; `problems` puts the
    error into words.

    Raises:
        pydantic.ValidationError: If any limit of Amazon Connect is broken.

    Example:
        >>> request = StartChatContactRequest(
        ...     instance_id="arn:aws:connect:eu-central-1:123456789012:instance/i-1",
        ...     contact_flow_id="f-1",
        ...     participant_details=ParticipantDetails(display_name="Ada"),
        ... )
        >>> request.to_wire()["InstanceId"]
        'i-1'
    """

    _conflicts = request_conflicts

    instance_id: InstanceId
    contact_flow_id: ContactFlowId
    participant_details: ParticipantDetails
    attributes: dict[AttributeKey, AttributeValue] | None = None
    initial_message: ChatMessage | None = None
    client_token: ClientToken | None = None
    chat_duration_in_minutes: ChatDuration | None = None
    customer_id: CustomerId | None = None
    disconnect_on_customer_exit: LeavingParticipants | None = None
    participant_configuration: ParticipantConfiguration | None = None
    persistent_chat: PersistentChat | None = None
    related_contact_id: ShortText | None = None
    segment_attributes: dict[SegmentKey, SegmentAttributeValue] | None = None
    supported_messaging_content_types: SupportedTypes | None = None
    connection_types: ConnectionTypes | None = None
    chat_streaming_configuration: ChatStreamingConfiguration | None = None

    @property
    def brings_connection(self) -> bool:
        """Whether it asks for all that is needed to speak in the chat."""
        return set(WHOLE_CONNECTION) <= set(self.connection_types or ())


LIST_FIELDS = list_fields(StartChatContactRequest)
"""The request's fields that hold a list, whose items a table may give between commas."""


class ConnectionCredentials(AnswerModel):
    """The connection token, if the request asked for CONNECTION_CREDENTIALS."""

    connection_token: SecretStr
    expiry: datetime | None = None


class Websocket(AnswerModel):
    """The socket's signed URL, if the request asked for WEBSOCKET."""

    url: SecretStr
    connection_expiry: datetime | None = None


class StartChatContactResponse(AnswerModel):
    """What Amazon answered; every bearer token in it is a `SecretStr`.

    Example:
        >>> answer = {"ContactId": "c-1", "ParticipantId": "p-1", "ParticipantToken": "secret"}
        >>> StartChatContactResponse.from_wire(answer).participant_token
        SecretStr('**********')
    """

    contact_id: str
    # Of a chat that has ended, a repeated call may tell no more than the contact.
    participant_id: str | None = None
    participant_token: SecretStr | None = None
    continued_from_contact_id: str | None = None
    connection_credentials: ConnectionCredentials | None = None
    websocket: Websocket | None = None
    streaming_id: str | None = None
