"""The fields of a template, as forms show them."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.fields import ComputedFieldInfo, FieldInfo
from pydantic_core import PydanticCustomError

from connect_tasks.aws.problems import RULE
from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.chat.template.expression import is_template, syntax_error

__all__ = [
    "ChatStreamingConfigurationTemplate",
    "Message",
    "Number",
    "ParticipantConfigurationTemplate",
    "ParticipantDetailsTemplate",
    "PersistentChatTemplate",
    "SegmentAttribute",
    "TemplateModel",
    "Text",
    "Texts",
]

_Value = TypeVar("_Value")

_CAPITALS = {"id": "ID", "arn": "ARN"}


def _checked(value: _Value) -> _Value:
    texts = value if isinstance(value, tuple) else (value,)
    for text in texts:
        if isinstance(text, str) and is_template(text) and (wrong := syntax_error(text)):
            raise PydanticCustomError(RULE, f"is no valid template: {wrong}")
    return value


def _as_message(value: object) -> object:
    return {"content": value} if isinstance(value, str) else value


def _as_segment_attribute(value: object) -> object:
    return {"value_string": value} if isinstance(value, str) else value


def _title(name: str, _: FieldInfo | ComputedFieldInfo) -> str:
    words = [_CAPITALS.get(word, word) for word in name.split("_")]
    return " ".join([words[0].capitalize(), *words[1:]])


Text = Annotated[str, AfterValidator(_checked)]
"""A text with places for a row's columns."""

Number = Annotated[int | str, AfterValidator(_checked)]
"""A number, or a text that renders to one."""

Texts = Annotated[tuple[str, ...] | str, AfterValidator(_checked)]
"""A list of texts, or one text that renders to its items between commas."""


class TemplateModel(StrictModel):
    """What templates have in common: they do not change, and know what they are made of."""

    model_config = ConfigDict(field_title_generator=_title)


class ParticipantDetailsTemplate(TemplateModel, title="Participant details"):
    """Who the customer is in the chat."""

    display_name: Text = Field(
        description="The customer's name in the chat, as `{{ first_name }} {{ last_name }}`."
    )


class ChatMessageTemplate(TemplateModel, title="Message"):
    """The first message of the chat."""

    content: Text = Field(description="What the message says, as `Hello {{ first_name }}`.")
    content_type: Text = Field(
        default="text/plain", description="What kind of text it is, as `text/markdown`."
    )


class ParticipantConfigurationTemplate(TemplateModel, title="Participant configuration"):
    """How answers are sent to the participant."""

    response_mode: Text | None = Field(default=None, description="`INCREMENTAL` or `COMPLETE`.")


class PersistentChatTemplate(TemplateModel, title="Persistent chat"):
    """The past chat that this one goes on with."""

    rehydration_type: Text | None = Field(
        default=None, description="`ENTIRE_PAST_SESSION` or `FROM_SEGMENT`."
    )
    source_contact_id: Text | None = Field(
        default=None, description="The past chat's contact, as `{{ last_contact_id }}`."
    )


class SegmentAttributeTemplate(TemplateModel, title="Segment attribute"):
    """One segment attribute."""

    value_string: Text | None = Field(default=None, description="A text.")
    value_map: "dict[Text, SegmentAttribute] | None" = Field(
        default=None, description="Further values by name."
    )
    value_integer: Number | None = Field(default=None, description="A whole number.")
    value_list: "tuple[SegmentAttribute, ...] | None" = Field(
        default=None, description="Further values in order."
    )
    value_arn: Text | None = Field(default=None, description="An ARN.")


class ChatStreamingConfigurationTemplate(TemplateModel, title="Chat streaming"):
    """The standard SNS topic to which the chat is streamed."""

    streaming_endpoint_arn: Text = Field(description="The ARN of the standard SNS topic.")


Message = Annotated[ChatMessageTemplate, BeforeValidator(_as_message)]
"""A message; a text is short for one of type text/plain."""

SegmentAttribute = Annotated[SegmentAttributeTemplate, BeforeValidator(_as_segment_attribute)]
"""A segment attribute; a text is short for a `value_string`."""

# Its own fields name the type that only now exists.
SegmentAttributeTemplate.model_rebuild()
