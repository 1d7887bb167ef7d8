"""What each customer is sent: the request's fields as texts with places for the row's columns."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from connect_tasks.errors import InputError
from connect_tasks.expressions import is_template, syntax_error
from connect_tasks.problems import RULE, problem_details, problems
from connect_tasks.renderer import Rendered, RowRenderer

__all__ = ["ChatTemplate", "Conversation", "Rendered", "RowRenderer"]


_Value = TypeVar("_Value")


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


_Text = Annotated[str, AfterValidator(_checked)]
_Number = Annotated[int | str, AfterValidator(_checked)]
# A list of texts, or one text that renders to its items between commas.
_Texts = Annotated[tuple[str, ...] | str, AfterValidator(_checked)]


class _TemplateModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ParticipantDetailsTemplate(_TemplateModel):
    """Who the customer is in the chat."""

    display_name: _Text


class ChatMessageTemplate(_TemplateModel):
    """The first message of the chat."""

    content: _Text
    content_type: _Text = "text/plain"


class ParticipantConfigurationTemplate(_TemplateModel):
    """How answers are sent to the participant."""

    response_mode: _Text | None = None


class PersistentChatTemplate(_TemplateModel):
    """The past chat that this one goes on with."""

    rehydration_type: _Text | None = None
    source_contact_id: _Text | None = None


class SegmentAttributeTemplate(_TemplateModel):
    """One segment attribute."""

    value_string: _Text | None = None
    value_map: "dict[_Text, _SegmentAttribute] | None" = None
    value_integer: _Number | None = None
    value_list: "tuple[_SegmentAttribute, ...] | None" = None
    value_arn: _Text | None = None


class ChatStreamingConfigurationTemplate(_TemplateModel):
    """The standard SNS topic to which the chat is streamed."""

    streaming_endpoint_arn: _Text


_Message = Annotated[ChatMessageTemplate, BeforeValidator(_as_message)]
_SegmentAttribute = Annotated[SegmentAttributeTemplate, BeforeValidator(_as_segment_attribute)]
# Its own fields name the type that only now exists.
SegmentAttributeTemplate.model_rebuild()


class Conversation(_TemplateModel):
    """What our side says as the customer, and when the conversation is over.

    Args:
        messages: Templates over the row's columns; each is said after the other side has answered.
        max_replies: End after so many answers; None for no such limit.
        reply_timeout_seconds: How long to wait for each answer.
        max_seconds: How long the whole conversation may take.
        close: What becomes of the chat: `stop` (StopContact), `disconnect` (the participant
            leaves) or `leave_open`, which keeps one of the instance's open chats occupied.

    Example:
        >>> Conversation(messages=["Is {{ date }} still right?"]).max_seconds
        600.0
    """

    messages: tuple[_Text, ...] = ()
    max_replies: Annotated[int, Field(gt=0)] | None = None
    reply_timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0
    max_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 600.0
    close: Literal["stop", "disconnect", "leave_open"] = "stop"


class ChatTemplate(_TemplateModel):
    """The fields of `StartChatContactRequest`, each text in them a Jinja2 template over a row.

    `{{ first_name }}` prints a column, `{{ row['First name'] }}` one whose name is no identifier. A
    column that is empty in a row is that row's error; `{{ nickname | default('there') }}` provides
    for it. A field whose text is `none` as a whole, as `{{ plan | default(none) }}`, is left out.
    Dates print as ISO 8601.

    There is no `client_token`: a campaign makes it from its name and the customer.

    Args:
        display_name: Short for `participant_details` with this name.
        initial_message: A text is short for a message of type text/plain.
        segment_attributes: A text is short for a `value_string`.
        instance_id: The instance, where it is not the campaign's.
        contact_flow_id: The flow, where it is not the campaign's.

    Example:
        >>> template = ChatTemplate(display_name="{{ name }}", initial_message="Hi, {{ name }}")
        >>> renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
        >>> renderer.render({"customer_id": "0042", "name": "Ada"}).request.initial_message.content
        'Hi, Ada'
    """

    customer_id: _Text = "{{ customer_id }}"
    display_name: _Text | None = None
    initial_message: _Message | None = None
    attributes: dict[str, _Text] | None = None
    participant_details: ParticipantDetailsTemplate = ParticipantDetailsTemplate(
        display_name="{{ display_name }}"
    )
    chat_duration_in_minutes: _Number | None = None
    contact_flow_id: _Text | None = None
    instance_id: _Text | None = None
    disconnect_on_customer_exit: _Texts | None = None
    participant_configuration: ParticipantConfigurationTemplate | None = None
    persistent_chat: PersistentChatTemplate | None = None
    related_contact_id: _Text | None = None
    segment_attributes: dict[str, _SegmentAttribute] | None = None
    supported_messaging_content_types: _Texts | None = None
    connection_types: _Texts | None = None
    chat_streaming_configuration: ChatStreamingConfigurationTemplate | None = None

    @model_validator(mode="before")
    @classmethod
    def _spell_out_display_name(cls, data: object) -> object:
        if not isinstance(data, Mapping) or data.get("display_name") is None:
            return data
        if data.get("participant_details") is not None:
            rule = "is short for participant_details: give one of the two"
            line = problem_details(RULE, rule, ("display_name",), data["display_name"])
            raise ValidationError.from_exception_data(cls.__name__, [line])
        name = {"display_name": data["display_name"]}
        return {**data, "display_name": None, "participant_details": name}

    @classmethod
    def from_columns(cls, columns: Iterable[str]) -> Self:
        """Make the template of a table whose columns are named like the request's fields.

        Nested fields are dotted: `attributes.plan`, `persistent_chat.source_contact_id`. Columns
        of other names are passed over. An empty cell leaves its field out, except for the
        customer's ID and display name, which every request needs.

        Args:
            columns: The table's columns.

        Raises:
            InputError: If there is no customer_id, or a dotted column names no field.

        Example:
            >>> template = ChatTemplate.from_columns(["customer_id", "attributes.plan", "notes"])
            >>> template.attributes
            {'plan': "{{ row['attributes.plan'] | default(none) }}"}
        """
        names = tuple(columns)
        if "customer_id" not in names:
            raise InputError(
                f"The table has no column 'customer_id'{_near('customer_id', names)}. Rename the"
                " column that identifies a customer, or give a template with customer_id."
            )
        fields: dict[str, Any] = {}
        for column in names:
            if column.partition(".")[0] in _FIELDS_OF_COLUMNS:
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
    ) -> RowRenderer:
        """Compile the template once, and check what can be checked before the first row.

        Args:
            instance_id: The instance, or its ARN, unless the template names another.
            contact_flow_id: The flow, or its ARN, unless the template names another.
            conversation: Whose messages are to be filled in too.
            columns: The table's columns; None if they are not known.

        Raises:
            InputError: If the template names a column that is absent, or breaks a limit of Amazon
                Connect whatever the row holds.
        """
        fields = self.model_dump(exclude_none=True, exclude={"display_name"})
        defaults = {"instance_id": instance_id, "contact_flow_id": contact_flow_id}
        given = {name: value for name, value in defaults.items() if value is not None}
        renderer = RowRenderer(fields, conversation.messages if conversation else (), given)
        if columns is not None:
            _check_columns(renderer, tuple(columns))
        if wrong := renderer.constant_problems():
            raise InputError(f"No row can be sent with this template: {'; '.join(map(str, wrong))}")
        return renderer


_FIELDS_OF_COLUMNS = ChatTemplate.model_fields.keys()
_REQUIRED_COLUMNS = {"customer_id", "display_name", "participant_details.display_name"}
_LISTS = {"supported_messaging_content_types", "disconnect_on_customer_exit", "connection_types"}


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
    if column in _LISTS:
        # A cell may hold a list, as Parquet can, or its items between commas.
        cell = f"({cell} | default(none))"
        return f"{{{{ {cell} if {cell} is none or {cell} is string else {cell} | join(',') }}}}"
    return f"{{{{ {cell} | default(none) }}}}"


def _check_columns(renderer: RowRenderer, columns: Collection[str]) -> None:
    absent: dict[str, str] = {}
    for where, expression in renderer.expressions():
        for column in sorted(expression.required.difference(columns)):
            absent.setdefault(column, where)
    if not absent:
        return
    named = ", ".join(f"{c!r} in {w}{_near(c, columns)}" for c, w in absent.items())
    raise InputError(
        f"The template names columns that the table does not have: {named}."
        f" The table has {', '.join(map(repr, columns))}."
        " Correct the name, add the column, or provide for it with default()."
    )


def _near(name: str, columns: Iterable[str]) -> str:
    by_lower = {column.lower(): column for column in columns}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[close[0]]!r}?)" if close else ""
