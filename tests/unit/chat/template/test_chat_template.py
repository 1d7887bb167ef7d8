import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from connect_tasks.aws.models import StartChatContactRequest, problems
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.renderer import Rendered, RowRenderer
from connect_tasks.errors import InputError

ROW = {"customer_id": "0042", "name": "Ada", "plan": "gold"}


def bound(conversation: Conversation | None = None, **fields: Any) -> RowRenderer:
    template = ChatTemplate.model_validate({"display_name": "{{ name }}", **fields})
    return template.bind(instance_id="i-1", contact_flow_id="f-1", conversation=conversation)


def filled(text: str, **row: Any) -> str:
    """One text as an attribute, rendered."""
    rendered = bound(attributes={"a": text}).render({**ROW, **row})
    assert not rendered.problems
    assert rendered.request is not None
    assert rendered.request.attributes is not None
    return rendered.request.attributes["a"]


def wrong(text: str, **row: Any) -> list[str]:
    """The rules that one text breaks in a row."""
    rendered = bound(attributes={"a": text}).render({**ROW, **row})
    assert rendered.request is None
    assert {problem.field for problem in rendered.problems} == {"attributes.a"}
    return [problem.rule for problem in rendered.problems]


# -- a row becomes a request


def test_a_row_becomes_a_request() -> None:
    rendered = bound(
        initial_message="Hello {{ name }}, your plan is {{ plan }}.",
        attributes={"plan": "{{ plan }}", "source": "campaign"},
        chat_duration_in_minutes=90,
    ).render(ROW)

    assert rendered == Rendered(
        request=StartChatContactRequest.model_validate(
            {
                "instance_id": "i-1",
                "contact_flow_id": "f-1",
                "customer_id": "0042",
                "participant_details": {"display_name": "Ada"},
                "initial_message": {
                    "content_type": "text/plain",
                    "content": "Hello Ada, your plan is gold.",
                },
                "attributes": {"plan": "gold", "source": "campaign"},
                "chat_duration_in_minutes": 90,
            }
        ),
        messages=(),
        problems=(),
        customer_id="0042",
    )


def test_every_text_however_nested_is_a_template() -> None:
    rendered = bound(
        instance_id="i-{{ n }}",
        contact_flow_id="f-{{ n }}",
        customer_id="c-{{ n }}",
        initial_message={"content": "[{{ n }}]", "content_type": "{{ kind }}"},
        chat_duration_in_minutes="{{ n }}",
        disconnect_on_customer_exit=["{{ who }}"],
        participant_configuration={"response_mode": "{{ mode }}"},
        persistent_chat={"rehydration_type": "{{ past }}", "source_contact_id": "c-{{ n }}"},
        segment_attributes={
            "connect:x": {
                "value_map": {"a": {"value_integer": "{{ n }}"}},
                "value_list": [{"value_string": "{{ n }}"}, "{{ mode }}"],
                "value_arn": "arn:aws:s3:::{{ n }}",
            }
        },
        supported_messaging_content_types=["text/plain", "{{ kind }}"],
        connection_types="{{ connection }}",
        chat_streaming_configuration={"streaming_endpoint_arn": "arn:aws:sns:r:1:{{ n }}"},
    ).render(
        {
            **ROW,
            "n": 60,
            "kind": "application/json",
            "who": "AGENT",
            "mode": "COMPLETE",
            "past": "FROM_SEGMENT",
            "connection": "WEBSOCKET, CONNECTION_CREDENTIALS",
        }
    )

    assert rendered.problems == ()
    assert rendered.request is not None
    assert rendered.request.to_wire() == {
        "InstanceId": "i-60",
        "ContactFlowId": "f-60",
        "CustomerId": "c-60",
        "ParticipantDetails": {"DisplayName": "Ada"},
        "InitialMessage": {"Content": "[60]", "ContentType": "application/json"},
        "ChatDurationInMinutes": 60,
        "DisconnectOnCustomerExit": ["AGENT"],
        "ParticipantConfiguration": {"ResponseMode": "COMPLETE"},
        "PersistentChat": {"RehydrationType": "FROM_SEGMENT", "SourceContactId": "c-60"},
        "SegmentAttributes": {
            "connect:x": {
                "ValueMap": {"a": {"ValueInteger": 60}},
                "ValueList": [{"ValueString": "60"}, {"ValueString": "COMPLETE"}],
                "ValueArn": "arn:aws:s3:::60",
            }
        },
        "SupportedMessagingContentTypes": ["text/plain", "application/json"],
        "ConnectionTypes": ["WEBSOCKET", "CONNECTION_CREDENTIALS"],
        "ChatStreamingConfiguration": {"StreamingEndpointArn": "arn:aws:sns:r:1:60"},
    }


def paths(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every field of a model, nested ones dotted; recursion is cut after one round."""
    for name, field in model.model_fields.items():
        yield f"{above}{name}"
        for inner in models_in(field.annotation):
            if "value_" not in above:
                yield from paths(inner, f"{above}{name}.")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def test_the_template_has_the_requests_fields_down_to_the_last() -> None:
    shorthand, made_by_the_campaign = {"display_name"}, {"client_token"}

    assert set(paths(ChatTemplate)) - shorthand == (
        set(paths(StartChatContactRequest)) - made_by_the_campaign
    )


def test_a_client_token_is_nothing_to_template() -> None:
    with pytest.raises(ValidationError):
        ChatTemplate(client_token="{{ token }}")  # type: ignore[call-arg]


def test_a_template_survives_json() -> None:
    template = ChatTemplate.model_validate(
        {"initial_message": "{{ x }}", "segment_attributes": {"a": "{{ y }}"}, "display_name": "Z"}
    )

    assert ChatTemplate.model_validate(template.model_dump()) == template
    assert ChatTemplate.model_validate(json.loads(template.model_dump_json())) == template


def test_short_and_long_form_are_the_same() -> None:
    short = ChatTemplate(display_name="A", initial_message="B", segment_attributes={"c": "D"})

    assert short == ChatTemplate.model_validate(
        {
            "participant_details": {"display_name": "A"},
            "initial_message": {"content": "B", "content_type": "text/plain"},
            "segment_attributes": {"c": {"value_string": "D"}},
        }
    )


# -- what a text prints


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("0042", "0042"),
        (" Ada ", " Ada "),
        (5, "5"),
        (5.5, "5.5"),
        (0.0, "0"),
        (1e16, "10000000000000000"),
        (Decimal("5.00"), "5"),
        (True, "True"),
        (Decimal("1.10"), "1.10"),
        (dt.date(2026, 11, 2), "2026-11-02"),
        (dt.datetime.fromisoformat("2026-11-02T09:30"), "2026-11-02T09:30:00"),
        (dt.datetime(2026, 11, 2, 9, 30, tzinfo=dt.UTC), "2026-11-02T09:30:00+00:00"),
        (dt.time(9, 30), "09:30:00"),
        ("<b>&", "<b>&"),
        ("{{ plan }}", "{{ plan }}"),
    ],
)
def test_a_column_prints_as_people_write_it(value: object, printed: str) -> None:
    assert filled("{{ x }}", x=value) == printed


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
        lambda t: not t.isspace()
    )
)
def test_a_text_column_prints_as_it_is(value: str) -> None:
    assert filled("{{ x }}", x=value) == value


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(
        lambda t: "{" not in t
    )
)
def test_a_text_without_places_stays_as_it_is(text: str) -> None:
    assert filled(text) == text


def test_a_line_end_after_a_place_is_kept() -> None:
    assert filled("{{ plan }}\n") == "gold\n"


def test_dates_can_be_formatted() -> None:
    assert filled("{{ x.strftime('%d.%m.%Y') }}", x=dt.date(2026, 11, 2)) == "02.11.2026"


def test_columns_whose_names_are_no_identifiers_are_reached_by_row() -> None:
    assert filled("{{ row['First name'] }} {{ row.plan }}", **{"First name": "Ada"}) == "Ada gold"


@pytest.mark.parametrize("column", ["items", "keys", "get", "row", "range", "values"])
def test_no_method_hides_a_column_of_its_name(column: str) -> None:
    text = f"{{{{ row['{column}'] }}}}"

    assert filled(text, **{column: "x"}) == "x"
    assert wrong(text, **{column: None}) == [f"column {column!r} is empty"]


def test_what_one_text_sets_another_does_not_see() -> None:
    renderer = bound(
        attributes={"a": "{% set plan = 'silver' %}{{ plan }}", "b": "{{ plan }}"},
        initial_message="{% set plan = 'bronze' %}{{ plan }}",
    )
    request = renderer.render(ROW).request

    assert request is not None
    assert request.attributes == {"a": "silver", "b": "gold"}


# -- what is missing


@pytest.mark.parametrize(
    "nothing",
    [None, "", " ", "\t\n", float("nan")],
    ids=["none", "an empty text", "a blank", "other blanks", "NaN"],
)
def test_an_empty_column_is_the_rows_error(nothing: object) -> None:
    assert wrong("Hello {{ x }}", x=nothing) == ["column 'x' is empty"]
    assert filled("Hello {{ x | default('there') }}", x=nothing) == "Hello there"


def test_pandas_own_missing_values_are_missing() -> None:
    pandas = pytest.importorskip("pandas")

    assert wrong("{{ x }}{{ y }}", x=pandas.NA, y=pandas.NaT) == [
        "column 'x' is empty",
        "column 'y' is empty",
    ]


@pytest.mark.parametrize("value", [0, False, "0", "None", "nan", "NA"])
def test_zero_and_words_for_nothing_are_not_missing(value: object) -> None:
    assert filled("{{ x }}", x=value) == str(value)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("{{ x | default('there') }}", "there"),
        ("{{ x | d('there') | upper }}", "THERE"),
        ("{{ x or 'there' }}", "there"),
        ("{% if x %}yes{% else %}no{% endif %}", "no"),
        ("{% if not x %}no{% endif %}", "no"),
        ("{% if x is defined %}yes{% else %}no{% endif %}", "no"),
        ("{% if x == 'gold' %}yes{% else %}no{% endif %}", "no"),
        ("{{ 'yes' if x else 'no' }}", "no"),
        ("{{ row['x'] | default('there') }}", "there"),
        ("{{ x | default(plan) }}", "gold"),
    ],
)
def test_a_missing_column_can_be_provided_for(text: str, printed: str) -> None:
    assert filled(text, x=None) == printed


@pytest.mark.parametrize(
    "text",
    [
        "{{ x | upper }}",
        "{{ 'Hi ' ~ x }}",
        "{{ x + 1 }}",
        "{% for y in x %}{% endfor %}",
        "{{ x.strftime('%d') }}",
        "{{ x | int }}",
        "{{ x | length }}",
        "{{ 'a' in x }}",
        "{{ x < 3 }}",
        "{{ row.x }}",
    ],
)
def test_a_missing_column_is_an_error_wherever_it_is_used(text: str) -> None:
    assert wrong(text, x=None) == ["column 'x' is empty"]


def test_every_empty_column_of_a_text_is_told() -> None:
    assert wrong("{{ x }} {{ y }} {{ row.z }}", x=None, y=" ") == [
        "column 'x' is empty",
        "column 'y' is empty",
        "column 'z' is empty",
    ]


def test_everything_that_is_wrong_with_a_row_is_told() -> None:
    rendered = bound(
        Conversation(messages=("{{ x }}",)),
        initial_message="{{ x }}",
        chat_duration_in_minutes="{{ minutes }}",
        customer_id="{{ customer_id }}",
    ).render({"minutes": 5, "name": "A" * 257})

    assert rendered.request is None
    assert [(problem.field, problem.rule) for problem in rendered.problems] == [
        ("customer_id", "column 'customer_id' is empty"),
        ("initial_message.content", "column 'x' is empty"),
        ("conversation.messages[0]", "column 'x' is empty"),
        ("participant_details.display_name", "String should have at most 256 characters"),
        ("chat_duration_in_minutes", "must be greater than or equal to 60"),
    ]


def test_a_customer_needs_an_id_even_if_the_template_leaves_it_out() -> None:
    rendered = bound(customer_id="{{ x | default(none) }}").render(ROW)

    assert [problem.field for problem in rendered.problems] == ["customer_id"]


def test_a_text_that_is_none_as_a_whole_is_left_out() -> None:
    rendered = bound(
        related_contact_id="{{ x | default(none) }}",
        attributes={"a": "{{ x | default(none) }}"},
        initial_message={"content": "{{ x | default(none) }}", "content_type": "text/plain"},
    ).render(ROW)

    assert rendered.request is not None
    assert set(rendered.request.to_wire()) == {
        "InstanceId",
        "ContactFlowId",
        "CustomerId",
        "ParticipantDetails",
    }


def test_none_within_a_text_prints_nothing() -> None:
    assert filled("Hello{{ x | default(none) }}!") == "Hello!"


@pytest.mark.parametrize(
    "text",
    [
        "{{ name + 1 }}",
        "{{ 1 / (name | length - name | length) }}",
        "{{ name.__class__.__mro__ }}",
        "{{ row._values }}",
        "{{ self.__init__.__globals__ }}",
        "{{ name.plan }}",
        "{% for i in range(1000000) %}{% endfor %}",
        "{{ '%d' % name }}",
        "{{ cycler }}",
    ],
)
def test_a_row_that_breaks_the_template_is_a_bad_row_and_no_crash(text: str) -> None:
    renderer = bound(attributes={"a": text})

    assert renderer.render(ROW).request is None
    assert bound().render(ROW).request is not None


@given(
    st.dictionaries(
        st.sampled_from(["customer_id", "name", "plan", "x"]),
        st.none() | st.text() | st.floats() | st.integers() | st.lists(st.integers()) | st.binary(),
    )
)
def test_no_row_whatsoever_raises(row: dict[str, Any]) -> None:
    rendered = bound(
        Conversation(messages=("{{ x }}",)), attributes={"a": "{{ x.y }}{{ x + 1 }}"}
    ).render(row)

    assert (rendered.request is None) == bool(rendered.problems)


# -- messages of the conversation


def test_the_conversations_messages_are_filled_in() -> None:
    rendered = bound(Conversation(messages=("Hi {{ name }}", "Bye"))).render(ROW)

    assert rendered.messages == ("Hi Ada", "Bye")


@pytest.mark.parametrize(("length", "right"), [(1, True), (1_024, True), (1_025, False)])
def test_a_message_is_as_long_as_send_message_allows(length: int, *, right: bool) -> None:
    rendered = bound(Conversation(messages=("{{ x }}",))).render({**ROW, "x": "a" * length})

    assert (rendered.request is not None) == right
    assert [p.field for p in rendered.problems] == ([] if right else ["conversation.messages[0]"])


def test_an_empty_message_is_refused() -> None:
    rendered = bound(Conversation(messages=("{% if x %}Hi{% endif %}",))).render(ROW)

    assert [problem.field for problem in rendered.problems] == ["conversation.messages[0]"]


def test_a_conversation_has_the_documented_defaults() -> None:
    assert Conversation().model_dump() == {
        "messages": (),
        "settle_seconds": 1,
        "max_replies": None,
        "reply_timeout_seconds": 30,
        "max_seconds": 600,
        "check_transcript": True,
        "close": "stop",
    }


@pytest.mark.parametrize("field", ["max_replies", "reply_timeout_seconds", "max_seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_conversations_numbers_are_above_zero(field: str, value: float) -> None:
    with pytest.raises(ValidationError):
        Conversation.model_validate({field: value})


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_settle_time_is_no_less_than_nothing(seconds: float) -> None:
    assert Conversation(settle_seconds=0).settle_seconds == 0
    with pytest.raises(ValidationError):
        Conversation(settle_seconds=seconds)


@pytest.mark.parametrize("wrong", [{"close": "hang_up"}, {"messages": "Hi"}, {"timeout": 3}])
def test_a_wrong_conversation_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Conversation.model_validate(wrong)


# -- templates that are wrong before the first row


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"display_name": "{{ x"}, "participant_details.display_name"),
        ({"initial_message": "{{ x"}, "initial_message.content"),
        ({"attributes": {"a": "{{ x"}}, "attributes.a"),
        ({"chat_duration_in_minutes": "{{ x"}, "chat_duration_in_minutes"),
        ({"connection_types": ["{{ x"]}, "connection_types"),
        ({"segment_attributes": {"a": "{{ x"}}, "segment_attributes.a.value_string"),
    ],
)
def test_a_syntax_error_is_told_with_its_field_and_line(fields: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ChatTemplate.model_validate(fields)
    (problem,) = problems(caught.value)

    assert problem.field == where
    assert "line 1" in problem.rule


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\ntwo {{ x }\n", 2),
        ("{% if x %}\n\n", 1),
        ("\n{{ x | nosuchfilter }}", 2),
        ("\n\n{% include 'other' %}", 3),
    ],
)
def test_the_line_of_a_syntax_error_is_counted_in_the_text(text: str, line: int) -> None:
    with pytest.raises(ValidationError, match=rf"line {line}\b"):
        Conversation(messages=(text,))


def test_an_unknown_field_of_a_template_is_refused() -> None:
    with pytest.raises(ValidationError, match="initial_mesage"):
        ChatTemplate.model_validate({"initial_mesage": "Hi"})


def test_a_display_name_is_given_once() -> None:
    with pytest.raises(ValidationError, match="give one of the two"):
        ChatTemplate.model_validate(
            {"display_name": "A", "participant_details": {"display_name": "B"}}
        )


def bind_to(columns: list[str], **fields: Any) -> RowRenderer:
    template = ChatTemplate.model_validate({"display_name": "Ada", **fields})
    return template.bind(instance_id="i-1", contact_flow_id="f-1", columns=columns)


def test_a_column_that_is_absent_is_told_with_the_field_and_the_nearest_name() -> None:
    with pytest.raises(InputError) as caught:
        bind_to(["customer_id", "first_name"], initial_message="Hi {{ frist_name }}")

    told = str(caught.value)
    assert "'frist_name' in initial_message.content (did you mean 'first_name'?)" in told
    assert "The table has 'customer_id', 'first_name'." in told


def test_the_nearest_name_is_found_whatever_its_capitals() -> None:
    with pytest.raises(InputError, match="did you mean 'plan'"):
        bind_to(["customer_id", "plan"], attributes={"a": "{{ PLAN }}"})


def test_the_default_templates_columns_are_looked_for_too() -> None:
    with pytest.raises(InputError, match=r"'customer_id' .*did you mean 'CustomerID'"):
        bind_to(["CustomerID"])


def test_the_conversations_columns_are_looked_for_too() -> None:
    with pytest.raises(InputError, match=r"'due' in conversation.messages\[0\]"):
        ChatTemplate(display_name="A").bind(
            instance_id="i-1",
            contact_flow_id="f-1",
            conversation=Conversation(messages=("{{ due }}",)),
            columns=["customer_id"],
        )


@pytest.mark.parametrize(
    "text",
    [
        "{{ x | default('there') }}",
        "{% if x is defined %}{{ x }}{% endif %}",
        "{{ row['x'] | default('') }}",
        "{% for x in range(3) %}{{ x }}{% endfor %}",
        "{% set x = 1 %}{{ x }}",
        "x",
    ],
)
def test_a_column_that_is_provided_for_may_be_absent(text: str) -> None:
    renderer = bind_to(["customer_id"], attributes={"a": text})

    required = {column for _, text in renderer.expressions() for column in text.required}
    assert required == {"customer_id"}


@pytest.mark.parametrize(
    "text", ["{{ x }}", "{{ x or 1 }}", "{{ row['x'] }}", "{{ 1 | default(x) }}"]
)
def test_any_other_column_must_be_there(text: str) -> None:
    with pytest.raises(InputError, match="'x'"):
        bind_to(["customer_id"], attributes={"a": text})


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"chat_duration_in_minutes": 5}, "chat_duration_in_minutes"),
        ({"attributes": {"my plan": "{{ x }}", "b c": "d"}}, "attributes.b c"),
        ({"contact_flow_id": "arn:aws:s3:::x"}, "contact_flow_id"),
        ({"display_name": "x" * 257}, "participant_details.display_name"),
    ],
)
def test_what_is_wrong_in_every_row_is_told_before_the_first(
    fields: dict[str, Any], where: str
) -> None:
    with pytest.raises(InputError, match=where):
        bind_to(["customer_id", "x"], **fields)


def test_a_constant_message_that_is_too_long_is_told_before_the_first_row() -> None:
    with pytest.raises(InputError, match=r"conversation.messages\[1\]"):
        bound(Conversation(messages=("Hi", "x" * 1_025)))


def test_an_empty_column_hides_no_other_problem_of_its_field() -> None:
    rendered = bound(attributes={"a": "{{ x }}", "b": "{{ y }}", "c": "{{ z }}"}).render(
        {**ROW, "y": "é" * 10_000, "z": "é" * 10_000}
    )

    assert [problem.field for problem in rendered.problems] == ["attributes.a", "attributes"]


def test_constants_are_not_judged_by_what_only_a_row_can_tell() -> None:
    renderer = bind_to(
        ["customer_id", "kind"],
        initial_message={"content": "{}", "content_type": "application/json"},
        supported_messaging_content_types=["{{ kind }}", "application/json"],
    )

    assert renderer.constant_problems() == ()


def test_an_instance_of_its_own_wins_over_the_campaigns() -> None:
    renderer = bound(instance_id="{{ x | default(none) }}")
    own, common = renderer.render({**ROW, "x": "i-9"}), renderer.render(ROW)

    assert own.request is not None
    assert common.request is not None
    assert (own.request.instance_id, common.request.instance_id) == ("i-9", "i-1")


# -- tables whose columns are named like the request's fields


def from_columns(row: dict[str, Any]) -> Rendered:
    template = ChatTemplate.from_columns(row)
    return template.bind(instance_id="i-1", contact_flow_id="f-1", columns=row).render(row)


FULL = {
    "customer_id": "0042",
    "display_name": "Ada",
    "initial_message": "Hi",
    "initial_message.content_type": "text/markdown",
    "attributes.plan": "gold",
    "attributes.visits": 3,
    "chat_duration_in_minutes": 60,
    "persistent_chat.rehydration_type": "FROM_SEGMENT",
    "persistent_chat.source_contact_id": "c-1",
    "segment_attributes.tier": "one",
    "segment_attributes.level.value_integer": 2,
    "supported_messaging_content_types": "text/plain, text/markdown",
    "connection_types": ["WEBSOCKET"],
    "contact_flow_id": "f-9",
    "notes": "{{ none of ours }}",
    "client_token": "from another run",
}


def test_columns_named_like_fields_make_a_request() -> None:
    rendered = from_columns(FULL)

    assert rendered.problems == ()
    assert rendered.request is not None
    assert rendered.request.to_wire() == {
        "InstanceId": "i-1",
        "ContactFlowId": "f-9",
        "CustomerId": "0042",
        "ParticipantDetails": {"DisplayName": "Ada"},
        "InitialMessage": {"Content": "Hi", "ContentType": "text/markdown"},
        "Attributes": {"plan": "gold", "visits": "3"},
        "ChatDurationInMinutes": 60,
        "PersistentChat": {"RehydrationType": "FROM_SEGMENT", "SourceContactId": "c-1"},
        "SegmentAttributes": {"tier": {"ValueString": "one"}, "level": {"ValueInteger": 2}},
        "SupportedMessagingContentTypes": ["text/plain", "text/markdown"],
        "ConnectionTypes": ["WEBSOCKET"],
    }


def test_the_order_of_the_columns_does_not_matter() -> None:
    assert from_columns(dict(reversed(FULL.items()))).request == from_columns(FULL).request


def test_an_empty_cell_leaves_its_field_out() -> None:
    needed = {"customer_id": "0042", "display_name": "Ada"}
    rendered = from_columns({**dict.fromkeys(FULL), **needed})

    assert rendered == from_columns(needed)
    assert rendered.request is not None


@pytest.mark.parametrize("column", ["customer_id", "display_name"])
def test_an_empty_cell_of_a_needed_column_is_the_rows_error(column: str) -> None:
    rendered = from_columns({**FULL, column: None})

    assert [problem.rule for problem in rendered.problems] == [f"column {column!r} is empty"]


def test_half_a_persistent_chat_is_the_rows_error() -> None:
    rendered = from_columns({**FULL, "persistent_chat.source_contact_id": None})

    assert [p.field for p in rendered.problems] == ["persistent_chat.source_contact_id"]


def test_a_table_without_customer_id_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean 'Customer_ID'"):
        ChatTemplate.from_columns(["Customer_ID", "display_name"])


def test_a_table_without_display_name_is_refused() -> None:
    with pytest.raises(InputError, match="'display_name'"):
        from_columns({"customer_id": "0042"})


@pytest.mark.parametrize("column", ["initial_message.contnet", "attributes", "customer_id.x"])
def test_a_column_that_only_begins_like_a_field_is_told(column: str) -> None:
    with pytest.raises(InputError, match=column.partition(".")[0]):
        ChatTemplate.from_columns(["customer_id", "display_name", column])
