"""The outbound template: a message to a phone, as texts with places for a row's columns.

Experimental: made from Amazon's documentation, and never run against Amazon.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from connect_tasks.aws.problems import RULE, problem_details
from connect_tasks.chat.template.column_names import check_columns
from connect_tasks.chat.template.expression import is_template
from connect_tasks.chat.template.fields import (
    Message,
    Number,
    ParticipantDetailsTemplate,
    SegmentAttribute,
    TemplateModel,
    Text,
    Texts,
)
from connect_tasks.chat.template.outbound_renderer import OutboundRenderer
from connect_tasks.errors import InputError

__all__ = ["OutboundChatTemplate"]

_SUBTYPE = "connect:Subtype"
_SYSTEM = "connect:"


def _as_endpoint(value: object) -> object:
    return {"address": value} if isinstance(value, str) else value


class _SourceTemplate(TemplateModel, title="Source endpoint"):
    """Which phone number of the instance writes."""

    address: Text = Field(description="The phone number's ARN.")
    type: Text = Field(default="CONNECT_PHONENUMBER_ARN", description="What the address is.")


class _DestinationTemplate(TemplateModel, title="Destination endpoint"):
    """Whose phone it is."""

    address: Text = Field(description="The number with + and its country, as `{{ phone }}`.")
    type: Text = Field(default="TELEPHONE_NUMBER", description="What the address is.")


class _TemplateAttributes(TemplateModel, title="Template attributes"):
    """What the placeholders of a message template are filled in with."""

    custom_attributes: dict[str, Text] | None = Field(
        default=None, description='By placeholder, as `{"name": "{{ first_name }}"}`.'
    )
    customer_profile_attributes: Text | None = Field(
        default=None, description="A customer profile, as JSON."
    )


class _TemplatedMessage(TemplateModel, title="Templated message"):
    """The first message, made of a message template that the instance has."""

    knowledge_base_id: Text = Field(description="The knowledge base that has the template.")
    message_template_id: Text = Field(description="The message template, with its version or not.")
    template_attributes: _TemplateAttributes = Field(
        default_factory=_TemplateAttributes, description="What its placeholders hold."
    )


Source = Annotated[_SourceTemplate, BeforeValidator(_as_endpoint)]
Destination = Annotated[_DestinationTemplate, BeforeValidator(_as_endpoint)]


class OutboundChatTemplate(TemplateModel, title="Outbound chat template"):
    """The fields of `StartOutboundChatContactRequest`, each text a Jinja2 template over a row.

    Texts are filled in as in `ChatTemplate`. Experimental: never run against Amazon.

    There is no `client_token`: a campaign makes it from its name and the customer.

    Example:
        >>> template = OutboundChatTemplate(
        ...     source_endpoint="arn:aws:connect:eu-central-1:123456789012:phone-number/p-1",
        ...     destination_endpoint="{{ phone }}",
        ...     initial_system_message="Hello {{ name }}, is Tuesday still right?",
        ... )
        >>> renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
        >>> row = {"customer_id": "0042", "phone": "+4915112345678", "name": "Ada"}
        >>> renderer.render(row).request.destination_endpoint.address
        '+4915112345678'
    """

    customer_id: Text = Field(
        default="{{ customer_id }}", description="Who the customer is in your own systems."
    )
    source_endpoint: Source = Field(
        description="The ARN of the instance's phone number that writes."
    )
    destination_endpoint: Destination = Field(
        default_factory=lambda: _DestinationTemplate(address="{{ phone }}"),
        description="The customer's number with + and its country; the column `phone` by itself.",
    )
    subtype: Text | None = Field(
        default=None,
        description="`SMS` or `WhatsApp`; SMS when left out. Short for the segment attribute "
        "connect:Subtype.",
    )
    initial_system_message: Message | None = Field(
        default=None, description="The first message. A text alone is plain text."
    )
    initial_templated_system_message: _TemplatedMessage | None = Field(
        default=None,
        description="The first message by a message template, as WhatsApp wants it; in place of "
        "initial_system_message.",
    )
    attributes: dict[str, Text] | None = Field(
        default=None, description='Contact attributes, as `{"plan": "{{ plan }}"}`.'
    )
    display_name: Text | None = Field(
        default=None,
        description="The customer's name in the conversation. Short for participant details with "
        "this name.",
    )
    participant_details: ParticipantDetailsTemplate | None = Field(
        default=None, description="Leave it out where there is a display name."
    )
    chat_duration_in_minutes: Number | None = Field(
        default=None,
        description="How long Amazon keeps the conversation, 60 to 10080; 25 hours by itself.",
    )
    contact_flow_id: Text | None = Field(
        default=None, description="The flow, where it is not the campaign's."
    )
    instance_id: Text | None = Field(
        default=None, description="The instance, where it is not the campaign's."
    )
    related_contact_id: Text | None = Field(
        default=None, description="A contact that this one belongs to."
    )
    segment_attributes: dict[str, SegmentAttribute] | None = Field(
        default=None, description="System attributes by name."
    )
    supported_messaging_content_types: Texts | None = Field(
        default=None, description="What the customer's side can show, as `text/plain`."
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        return cls._with_subtype(cls._with_details(data))

    @classmethod
    def _with_details(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        name, details = data.get("display_name"), data.get("participant_details")
        if name is None:
            return data
        if details is not None:
            cls._refuse("display_name", "participant_details", name)
        return {**data, "display_name": None, "participant_details": {"display_name": name}}

    @classmethod
    def _with_subtype(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        subtype, attributes = data.get("subtype"), data.get("segment_attributes")
        if attributes is not None and not isinstance(attributes, Mapping):
            return data
        said = dict(attributes or {})
        if subtype is not None and _SUBTYPE in said:
            cls._refuse("subtype", f"segment_attributes.{_SUBTYPE}", subtype)
        if _SUBTYPE not in said:
            given = "SMS" if subtype is None else subtype
            is_short = isinstance(given, str) and not given.startswith((_SYSTEM, "{"))
            said[_SUBTYPE] = f"{_SYSTEM}{given}" if is_short else given
        return {**data, "subtype": None, "segment_attributes": said}

    @classmethod
    def _refuse(cls, name: str, whole: str, given: object) -> None:
        rule = f"is short for {whole}: give one of the two"
        line = problem_details(RULE, rule, (name,), given)
        raise ValidationError.from_exception_data(cls.__name__, [line])

    @property
    def source_number(self) -> str | None:
        """The ARN of the number that writes; None where it comes from the rows."""
        address = self.source_endpoint.address
        return None if is_template(address) else address

    @property
    def is_whatsapp(self) -> bool:
        """Whether all its messages go out by WhatsApp."""
        subtype = (self.segment_attributes or {}).get(_SUBTYPE)
        return subtype is not None and subtype.value_string == f"{_SYSTEM}WhatsApp"

    def bind(
        self,
        *,
        instance_id: str | None,
        contact_flow_id: str | None,
        columns: Iterable[str] | None = None,
        besides: Iterable[str] = (),
    ) -> OutboundRenderer:
        """Compile the template once, and check what can be checked before the first row.

        Args:
            instance_id: The instance, or its ARN, unless the template names another.
            contact_flow_id: The flow, or its ARN, unless the template names another.
            columns: The table's columns; None if they are not known.
            besides: What rows have besides, if the table's columns are known.

        Raises:
            InputError: If the template names a column that is absent, or breaks a limit of Amazon
                Connect whatever the row holds.
        """
        fields = self.model_dump(exclude_none=True, exclude={"display_name", "subtype"})
        defaults = {"instance_id": instance_id, "contact_flow_id": contact_flow_id}
        given = {name: value for name, value in defaults.items() if value is not None}
        table = None if columns is None else tuple(columns)
        more = tuple(besides)
        renderer = OutboundRenderer(fields, given, () if table is None else (*table, *more))
        if table is not None:
            check_columns(renderer.expressions(), table, more)
        if wrong := renderer.constant_problems():
            raise InputError(f"No row can be sent with this template: {'; '.join(map(str, wrong))}")
        return renderer
