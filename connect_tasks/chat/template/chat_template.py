"""The chat template: the request's fields as texts with places for a row's columns."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from connect_tasks.aws.models import LIST_FIELDS
from connect_tasks.aws.problems import RULE, problem_details, problems
from connect_tasks.chat.template.column_names import check_columns, near
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.fields import (
    ChatStreamingConfigurationTemplate,
    Message,
    Number,
    ParticipantConfigurationTemplate,
    ParticipantDetailsTemplate,
    PersistentChatTemplate,
    SegmentAttribute,
    TemplateModel,
    Text,
    Texts,
)
from connect_tasks.chat.template.limits import MOST_TEXTS
from connect_tasks.chat.template.renderer import ChatMinutes, RowRenderer
from connect_tasks.errors import InputError

__all__ = ["ChatTemplate"]


class ChatTemplate(TemplateModel, title="Chat template"):
    """The fields of `StartChatContactRequest`, each text in them a Jinja2 template over a row.

    `{{ first_name }}` prints a column, `{{ row['First name'] }}` one whose name is no identifier. A
    column that is empty in a row is that row's error; `{{ nickname | default('there') }}` provides
    for it. A field whose text is `none` as a whole, as `{{ plan | default(none) }}`, is left out.

    Texts, numbers, truth values, dates and times are printed, and nothing else: a list wants
    `join(', ')`, a struct one of its members. Dates print as ISO 8601, a number without a fraction
    as an integer. A column named like a word of the template language is the column.

    There is no `client_token`: a campaign makes it from its name and the customer.

    Example:
        >>> template = ChatTemplate(display_name="{{ name }}", initial_message="Hi, {{ name }}")
        >>> renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
        >>> renderer.render({"customer_id": "0042", "name": "Ada"}).request.initial_message.content
        'Hi, Ada'
    """

    customer_id: Text = Field(
        default="{{ customer_id }}", description="Who the customer is in your own systems."
    )
    display_name: Text | None = Field(
        default=None,
        description="The customer's name in the chat, as `{{ first_name }} {{ last_name }}`; the "
        "column `display_name` when left out. Short for participant details with this name.",
    )
    initial_message: Message | None = Field(
        default=None, description="The customer's first message. A text alone is plain text."
    )
    attributes: dict[str, Text] | None = Field(
        default=None, description='Contact attributes, as `{"plan": "{{ plan }}"}`.'
    )
    participant_details: ParticipantDetailsTemplate | None = Field(
        default=None, description="Leave it out where there is a display name."
    )
    chat_duration_in_minutes: Number | None = Field(
        default=None, description="How long Amazon keeps the chat, 60 to 10080; 25 hours by itself."
    )
    contact_flow_id: Text | None = Field(
        default=None, description="The flow, where it is not the campaign's."
    )
    instance_id: Text | None = Field(
        default=None, description="The instance, where it is not the campaign's."
    )
    disconnect_on_customer_exit: Texts | None = Field(
        default=None, description="Who leaves with the customer, as `AGENT`."
    )
    participant_configuration: ParticipantConfigurationTemplate | None = Field(
        default=None, description="How answers are sent to the participant."
    )
    persistent_chat: PersistentChatTemplate | None = Field(
        default=None, description="The past chat that this one goes on with."
    )
    related_contact_id: Text | None = Field(
        default=None, description="A contact that this one belongs to."
    )
    segment_attributes: dict[str, SegmentAttribute] | None = Field(
        default=None, description="System attributes by name, as `connect:Subtype`."
    )
    supported_messaging_content_types: Texts | None = Field(
        default=None, description="What the customer's side can show, as `text/plain`."
    )
    connection_types: Texts | None = Field(
        default=None, description="How the customer is connected, as `WEBSOCKET`."
    )
    chat_streaming_configuration: ChatStreamingConfigurationTemplate | None = Field(
        default=None, description="The SNS topic to which the chat is streamed."
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out_display_name(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        name, details = data.get("display_name"), data.get("participant_details")
        if name is not None and details is not None:
            rule = "is short for participant_details: give one of the two"
            line = problem_details(RULE, rule, ("display_name",), name)
            raise ValidationError.from_exception_data(cls.__name__, [line])
        # Not as a field's default: forms send those, and then both would be given.
        if details is None:
            details = {"display_name": "{{ display_name }}" if name is None else name}
        return {**data, "display_name": None, "participant_details": details}

    @classmethod
    def from_columns(cls, columns: Iterable[str]) -> Self:
        """Make the template of a table whose columns are named like the request's fields.

        Nested fields are dotted: `attributes.plan`, `persistent_chat.source_contact_id`. Columns
        of other names are passed over. An empty cell leaves its field out, except for the
        customer's ID and display name, which every request needs.

        Args:
            columns: The table's columns.

        Raises:
            InputError: If there is no customer_id, a dotted column names no field, or there are
                more columns than a request could hold.

        Example:
            >>> template = ChatTemplate.from_columns(["customer_id", "attributes.plan", "notes"])
            >>> template.attributes
            {'plan': "{{ row['attributes.plan'] | default(none) }}"}
        """
        names = tuple(columns)
        if "customer_id" not in names:
            raise InputError(
                f"The table has no column 'customer_id'{near('customer_id', names)}. Rename the"
                " column that identifies a customer, or give a template with customer_id."
            )
        fields: dict[str, Any] = {}
        ours = [column for column in names if column.partition(".")[0] in _FIELDS_OF_COLUMNS]
        _check_number(len(ours))
        for column in ours:
            _place(fields, column)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            wrong = "; ".join(map(str, problems(error)))
            raise InputError(f"The columns do not make a request: {wrong}") from error

    def bind(
        self,
        *,
        instance_id: str | None,
        contact_flow_id: str | None,
        conversation: Conversation | None = None,
        columns: Iterable[str] | None = None,
        besides: Iterable[str] = (),
        chat_minutes: ChatMinutes | None = None,
    ) -> RowRenderer:
        """Compile the template once, and check what can be checked before the first row.

        Args:
            instance_id: The instance, or its ARN, unless the template names another.
            contact_flow_id: The flow, or its ARN, unless the template names another.
            conversation: Whose messages are to be filled in too.
            columns: The table's columns; None if they are not known.
            besides: What rows have besides, if the table's columns are known.
            chat_minutes: How long chats may last, if anything is to be said about it.

        Raises:
            InputError: If the template names a column that is absent, or breaks a limit of Amazon
                Connect whatever the row holds.
        """
        fields = self.model_dump(exclude_none=True, exclude={"display_name"})
        defaults = {"instance_id": instance_id, "contact_flow_id": contact_flow_id}
        given = {name: value for name, value in defaults.items() if value is not None}
        table = None if columns is None else tuple(columns)
        messages = conversation.messages if conversation else ()
        more = tuple(besides)
        known = () if table is None else (*table, *more)
        renderer = RowRenderer(fields, messages, given, known, chat_minutes=chat_minutes)
        if table is not None:
            check_columns(renderer.expressions(), table, more)
        if wrong := renderer.constant_problems():
            raise InputError(f"No row can be sent with this template: {'; '.join(map(str, wrong))}")
        return renderer


_FIELDS_OF_COLUMNS = ChatTemplate.model_fields.keys()
_REQUIRED_COLUMNS = {"customer_id", "display_name", "participant_details.display_name"}


def _place(fields: dict[str, Any], column: str) -> None:
    """Put one column's template where its dotted name says."""
    *parents, last = column.split(".")
    for parent in parents:
        inner = fields.setdefault(parent, {})
        # `initial_message` beside `initial_message.content_type`: the first is the content.
        fields[parent] = fields = inner if isinstance(inner, dict) else {"content": inner}
    if isinstance(fields.get(last), dict):
        fields[last].setdefault("content", _cell(column))
    else:
        fields[last] = _cell(column)


def _cell(column: str) -> str:
    cell = f"row[{column!r}]"
    if column in _REQUIRED_COLUMNS:
        return f"{{{{ {cell} }}}}"
    if column in LIST_FIELDS:
        # A cell may hold a list, as Parquet can, or its items between commas.
        cell = f"({cell} | default(none))"
        return f"{{{{ {cell} if {cell} is none or {cell} is string else {cell} | join(',') }}}}"
    return f"{{{{ {cell} | default(none) }}}}"


def _check_number(columns: int) -> None:
    if columns > MOST_TEXTS:
        raise InputError(
            f"The table has {columns:,} columns named like the request's fields, and a template"
            f" made of columns takes {MOST_TEXTS:,}: a request holds far fewer. Give a template"
            " that names the columns that it needs."
        )
