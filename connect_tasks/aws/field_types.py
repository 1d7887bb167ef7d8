"""The field types of requests that start chats: the limits of single values.

From Amazon's service model (botocore 1.43.117) and the documentation of each parameter. A test
compares each of them with the model of the botocore that is installed.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from connect_tasks.aws.phone_numbers import why_not_e164
from connect_tasks.aws.problems import RULE, WITHOUT_NUL
from connect_tasks.aws.rules import PLAIN, instance_id

__all__ = [
    "MOST_OF_ATTRIBUTE",
    "MOST_OF_CUSTOMER_ID",
    "MOST_OF_SHORT_TEXT",
    "WHOLE_CONNECTION",
    "AttributeKey",
    "AttributeValue",
    "ChatDuration",
    "ClientToken",
    "ConnectionTypes",
    "ContactFlowId",
    "Content",
    "CustomerId",
    "InstanceId",
    "LeavingParticipants",
    "MessageType",
    "PhoneNumber",
    "PhoneNumberArn",
    "SegmentArn",
    "SegmentInteger",
    "SegmentKey",
    "SegmentText",
    "ShortText",
    "SupportedTypes",
    "TemplateId",
    "TemplateKey",
    "TopicArn",
]


def _has_plain_and_no_repeats(types: tuple[str, ...]) -> tuple[str, ...]:
    if PLAIN not in types:
        raise PydanticCustomError(RULE, "must always contain text/plain")
    if len(set(types)) < len(types):
        raise PydanticCustomError(RULE, "may not repeat a type")
    return types


def _is_standard_topic(arn: str) -> str:
    if arn.endswith(".fifo"):
        raise PydanticCustomError(RULE, "must be a standard topic, not a FIFO one")
    return arn


def _is_phone_number(text: str) -> str:
    if fault := why_not_e164(text):
        raise PydanticCustomError(RULE, fault)
    return text


def _is_phone_number_arn(text: str) -> str:
    if not _PHONE_NUMBER_ARN.fullmatch(text):
        raise PydanticCustomError(
            RULE,
            "must be the ARN of a phone number that the instance has, as "
            "arn:aws:connect:eu-central-1:123456789012:phone-number/…",
        )
    return text


# WhatsApp's numbers have ARNs of their own service as well as, once imported, of Connect's.
_PHONE_NUMBER_ARN = re.compile(
    r"arn:[^:\s]+:(connect:[^:\s]*:[^:\s]*:(instance/[^/\s]+/)?phone-number"
    r"|social-messaging:[^:\s]*:[^:\s]*:phone-number-id)/[^/\s]+"
)

# Amazon's model says nothing of it, but no database takes a NUL, and no person can have meant one.
_Text = Annotated[str, StringConstraints(pattern=WITHOUT_NUL)]
MOST_OF_SHORT_TEXT = 256
ShortText = Annotated[_Text, StringConstraints(min_length=1, max_length=MOST_OF_SHORT_TEXT)]
MOST_OF_ATTRIBUTE = 32_767
AttributeKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MOST_OF_ATTRIBUTE, pattern=r"^[A-Za-z0-9_-]*$"),
]
AttributeValue = Annotated[_Text, StringConstraints(max_length=MOST_OF_ATTRIBUTE)]
SegmentKey = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^(connect:)?[A-Za-z0-9_-]*$")
]
SegmentText = Annotated[_Text, StringConstraints(max_length=1_024)]
SegmentArn = Annotated[str, StringConstraints(max_length=1_024, pattern=r"^arn:[^:]+:[^:]+:.+$")]
# Amazon's `Integer` has 32 bits.
SegmentInteger = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
TopicArn = Annotated[
    str,
    StringConstraints(min_length=1, max_length=350, pattern=r"^arn:[^:]+:sns:[^:]*:[^:]*:.+$"),
    AfterValidator(_is_standard_topic),
]
MessageType = Literal[
    "text/plain",
    "text/markdown",
    "application/json",
    "application/vnd.amazonaws.connect.message.interactive.response",
]
SupportedType = Literal[MessageType, "application/vnd.amazonaws.connect.message.interactive"]
ConnectionType = Literal[
    "WEBSOCKET", "CONNECTION_CREDENTIALS", "AUTHENTICATION_SESSION", "WEBRTC_CONNECTION"
]

InstanceId = Annotated[
    _Text, StringConstraints(min_length=1, max_length=100), BeforeValidator(instance_id)
]
# Amazon's model gives no minimum for these two, but an empty flow is never found, and an empty
# token would make one chat of a whole campaign.
ContactFlowId = Annotated[_Text, StringConstraints(min_length=1, max_length=500)]
ClientToken = Annotated[_Text, StringConstraints(min_length=1, max_length=500)]
MOST_OF_CUSTOMER_ID = 128
CustomerId = Annotated[_Text, StringConstraints(min_length=1, max_length=MOST_OF_CUSTOMER_ID)]
ChatDuration = Annotated[int, Field(ge=60, le=10_080)]
# Its upper limit counts bytes, so it is a rule.
Content = Annotated[_Text, StringConstraints(min_length=1)]
LeavingParticipants = Annotated[tuple[Literal["AGENT"], ...], Field(min_length=1, max_length=1)]
SupportedTypes = Annotated[tuple[SupportedType, ...], AfterValidator(_has_plain_and_no_repeats)]
WHOLE_CONNECTION: tuple[ConnectionType, ...] = ("WEBSOCKET", "CONNECTION_CREDENTIALS")
"""What has to be asked for to speak in a chat: either alone is of no use."""

ConnectionTypes = Annotated[tuple[ConnectionType, ...], Field(min_length=1, max_length=2)]

PhoneNumber = Annotated[_Text, AfterValidator(_is_phone_number)]
PhoneNumberArn = Annotated[
    _Text, StringConstraints(max_length=MOST_OF_SHORT_TEXT), AfterValidator(_is_phone_number_arn)
]
TemplateId = Annotated[_Text, StringConstraints(min_length=1, max_length=500)]
# Placeholders of message templates have dots in them, too.
TemplateKey = Annotated[_Text, StringConstraints(min_length=1, max_length=MOST_OF_ATTRIBUTE)]
