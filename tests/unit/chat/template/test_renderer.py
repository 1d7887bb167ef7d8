"""Whose row it is, and what is remarked about a template before anything is sent."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.renderer import Rendered


def rendered(customer_id: str, **row: Any) -> Rendered:
    template = ChatTemplate(customer_id=customer_id, display_name="{{ name }}")
    renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
    return renderer.render({"customer_id": "another column", "name": "Ada", **row})


# -- the id


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("0042", "0042"),
        (42, "42"),
        (42.0, "42"),
        (2.0**53 - 1, "9007199254740991"),
        (2**80, "1208925819614629174706176"),
        (Decimal(2**80), "1208925819614629174706176"),
        (Decimal("42.00"), "42"),
        (dt.date(2026, 11, 2), "2026-11-02"),
    ],
)
def test_an_id_prints_as_it_was_written(value: object, printed: str) -> None:
    assert rendered("{{ acct }}", acct=value).customer_id == printed


ON_EVERY_WAY = [
    *("{{ acct }}", "C-{{ acct }}", "{{ 'C-' ~ acct }}", "{{ '%s' % acct }}", "{{ '%d' % acct }}"),
    *("{{ '{}'.format(acct) }}", "{{ '{:.0f}'.format(acct) }}", "{{ acct | string }}"),
    *("{{ acct | int }}", "{{ acct | round }}", "{{ acct | upper }}", "{{ [acct] | join }}"),
    *("{{ acct + 0 }}", "{{ acct // 1 }}", "{{ acct | tojson }}", "{{ acct | default('x') }}"),
]


@pytest.mark.parametrize("way", ON_EVERY_WAY)
@pytest.mark.parametrize(
    ("value", "what"),
    [
        (3.5, "a fraction"),
        (Decimal("3.5"), "a fraction"),
        (True, "a truth value"),
        (2.0**53, "a number too large to be exact"),
        (1e17, "a number too large to be exact"),
        (float("inf"), "an infinite number"),
    ],
)
def test_a_number_that_is_no_id_is_the_rows_error(way: str, value: object, what: str) -> None:
    result = rendered(way, acct=value)
    (problem,) = result.problems

    assert problem.field == "customer_id"
    assert "column 'acct'" in problem.rule
    assert f"{what}: read this column as text" in problem.rule
    assert result.customer_id is None


def test_what_was_given_is_shown_with_the_error_and_no_row_is_a_kind_of_its_own() -> None:
    (one,), (two,) = (rendered("{{ acct }}", acct=n).problems for n in (3.5, 7.25))

    assert str(one).startswith("customer_id = 3.5: column 'acct' holds a fraction")
    assert one.rule == two.rule


def test_such_a_number_may_decide_what_the_id_is() -> None:
    assert rendered("{{ 'a' if acct > 3 else 'b' }}", acct=3.5).customer_id == "a"


def test_other_fields_print_fractions() -> None:
    template = ChatTemplate(display_name="{{ score }}")
    renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")

    assert renderer.render({"customer_id": "0042", "score": 3.5}).problems == ()


def test_a_row_refused_for_other_reasons_has_the_id_that_the_template_gives() -> None:
    result = rendered("C-{{ acct }}", acct=42, name=None)

    assert result.request is None
    assert result.customer_id == "C-42"


def test_an_id_that_is_too_long_is_told_as_far_as_it_goes() -> None:
    result = rendered("{{ acct }}", acct="x" * 200)

    assert result.request is None
    assert result.customer_id == "x" * 128


@pytest.mark.parametrize("value", [None, [1], b"\xff", "\ud800"])
def test_an_id_that_cannot_be_made_is_none(value: object) -> None:
    result = rendered("{{ acct }}", acct=value)

    assert result.request is None
    assert result.customer_id is None


def test_an_id_that_cannot_be_made_is_the_only_thing_told() -> None:
    template = ChatTemplate(display_name="Ada", chat_duration_in_minutes=60)
    renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")

    assert [problem.field for problem in renderer.render({}).problems] == ["customer_id"]


def test_half_a_character_is_no_message() -> None:
    renderer = ChatTemplate(display_name="Ada").bind(
        instance_id="i-1",
        contact_flow_id="f-1",
        conversation=Conversation(messages=("{{ x }}",)),
    )
    result = renderer.render({"customer_id": "0042", "x": "a\ud800"})

    assert [problem.field for problem in result.problems] == ["conversation.messages[0]"]


# -- remarks


def remarks(*messages: str, columns: list[str] | None = None, **fields: Any) -> list[str]:
    renderer = ChatTemplate.model_validate(fields).bind(
        instance_id="i-1",
        contact_flow_id="f-1",
        conversation=Conversation(messages=messages),
        columns=columns,
    )
    return list(renderer.warnings())


@pytest.mark.parametrize("said", ["Hello", "{{ 'Hello' | upper }}"])
def test_a_template_whose_texts_name_no_column_is_remarked_on(said: str) -> None:
    (remark,) = remarks(display_name="Customer", initial_message=said)

    assert "every customer gets the same text" in remark


def test_a_conversation_that_names_no_column_is_remarked_on() -> None:
    (remark,) = remarks("Is everything all right?", display_name="Customer")

    assert "every customer gets the same text" in remark


def test_the_same_id_for_every_row_is_remarked_on() -> None:
    (remark,) = remarks(customer_id="C-1", display_name="{{ name }}")

    assert "every row is the same customer" in remark


@pytest.mark.parametrize(
    "fields",
    [
        {"display_name": "Customer"},
        {"initial_message": "Hello"},
        {"display_name": "Customer", "initial_message": "Hello, {{ name }}"},
        {"display_name": "Customer", "initial_message": "Hi", "attributes": {"a": "{{ n }}"}},
        {"display_name": "{{ row[key] }}", "initial_message": "Hello"},
    ],
)
def test_a_template_that_says_nothing_or_names_a_column_is_not(fields: dict[str, Any]) -> None:
    assert remarks(**fields) == []


@pytest.mark.parametrize(
    ("text", "mark", "written"),
    [
        ("Hi {name}", "{name}", "{{ name }}"),
        ("Hi { name }, bye", "{ name }", "{{ name }}"),
        ("Hi ${name}", "${name}", "{{ name }}"),
        ("Hi {Name}", "{Name}", "{{ name }}"),
        ("Hi {name!r:>8}", "{name!r:>8}", "{{ name }}"),
        ("Hi {First name}", "{First name}", "{{ row['First name'] }}"),
        ("Hi {0}", "{0}", "{{ name }}"),
        ("Hi {}", "{}", "{{ name }}"),
        ("Hi [name]", "[name]", "{{ name }}"),
        ("Hi <<name>>", "<<name>>", "{{ name }}"),
        ("Hi <name>", "<name>", "{{ name }}"),
        ("Hi %name%", "%name%", "{{ name }}"),
        ("Hi {name}, your {{ plan }}", "{name}", "{{ name }}"),
    ],
)
def test_a_place_in_other_marks_is_remarked_on(text: str, mark: str, written: str) -> None:
    columns = ["customer_id", "display_name", "name", "plan", "First name"]

    (remark,) = remarks(initial_message=text, columns=columns)

    assert remark.startswith(f"initial_message.content holds {mark}, which is sent as it is")
    assert remark.endswith(f"write {written} for a column")


@pytest.mark.parametrize("where", ["attributes", "messages", "display_name", "customer_id"])
def test_such_marks_are_found_in_every_text(where: str) -> None:
    fields: dict[str, Any] = {where: {"a": "{name}"} if where == "attributes" else "{name}"}
    messages = [fields.pop(where)] if where == "messages" else []

    assert any("holds {name}" in remark for remark in remarks(*messages, **fields))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "{b}"}',
        '{"a": {"b": [1, {}]}}',
        '{"a": "{{ name }}", "b": {{ n }}}',
        "{}",
        "[1, 2]",
        "Hi {{ name }}",
        "Hi {{name}}{# {aside} #}",
        "50% off [today] <3",
        "Hi [city]",
    ],
)
def test_json_and_other_uses_of_such_marks_are_not(text: str) -> None:
    assert remarks(initial_message=text, columns=None) == []


def test_many_remarks_are_told_shortly() -> None:
    told = remarks(initial_message=" ".join(f"{{n{number}}}" for number in range(50)))

    assert len(told) == 11
    assert told[-1] == "and 40 more of this kind"
