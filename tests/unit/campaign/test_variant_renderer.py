"""Rows by variant: each in its customer's own template, refused for nobody else's fault."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.policy.assignment import variant_of
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.row_check import RowCheck
from connect_tasks.campaign.variant_renderer import VARIANT, AnyRenderer, bind_variants
from connect_tasks.chat.template.renderer import RowRenderer
from connect_tasks.errors import InputError

COLUMNS = ("id", "name", "plan")
OWN = ChatTemplate(customer_id="{{ id }}", display_name="own {{ name }}")


def policy(**variants: Any) -> OutreachPolicy:
    return OutreachPolicy.model_validate({"variants": variants})


def bound(
    rules: OutreachPolicy,
    *,
    template: ChatTemplate = OWN,
    columns: tuple[str, ...] = COLUMNS,
    conversation: Conversation | None = None,
    converses: bool = True,
) -> AnyRenderer:
    def bind(of: ChatTemplate, said: Conversation | None) -> RowRenderer:
        return of.bind(
            instance_id="i-1",
            contact_flow_id="f-1",
            conversation=said,
            columns=columns,
            besides=(VARIANT,),
        )

    return bind_variants(template, conversation, rules, bind, converses=converses)


def name_of(renderer: AnyRenderer, row: dict[str, Any]) -> str:
    request = renderer.render(row).request
    assert request is not None
    return request.participant_details.display_name


TWO = policy(
    a={"share": 0.4, "template": {"display_name": "a {{ name }}"}},
    b={"share": 0.4, "template": {"display_name": "b {{ plan }}"}},
)


@given(name=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20))
def test_each_row_is_made_by_the_template_of_its_customers_variant(name: str) -> None:
    row = {"id": name, "name": "Ada", "plan": "gold"}
    expected = {"a": "a Ada", "b": "b gold", None: "own Ada"}

    made = name_of(bound(TWO), row)

    assert made == expected[variant_of(canonical_key(name), TWO)]


@pytest.mark.parametrize("seen", [" 0042 ", "0042\u200b", "\u00a00042"])
def test_an_id_that_only_looks_different_has_the_same_variant(seen: str) -> None:
    row = {"name": "Ada", "plan": "gold"}

    assert name_of(bound(TWO), {**row, "id": seen}) == name_of(bound(TWO), {**row, "id": "0042"})


def test_the_variant_on_record_is_the_one_that_made_the_row() -> None:
    rows = [{"id": 1000 + number, "name": "Ada", "plan": "gold"} for number in range(200)]

    valid, refused = RowCheck(bound(TWO), 0, TWO).check(rows)

    assert refused == []
    said = {"a": "a Ada", "b": "b gold", None: "own Ada"}
    assert {row.variant for row in valid} == {"a", "b", None}
    assert all(f'"DisplayName":"{said[row.variant]}"' in row.request.signed("t") for row in valid)


def test_a_row_is_refused_only_for_what_its_own_variant_lacks() -> None:
    rows = [{"id": f"{number:04}", "name": "Ada", "plan": None} for number in range(200)]

    valid, refused = RowCheck(bound(TWO), 0, TWO).check(rows)

    in_b = {row["id"] for row in rows if variant_of(str(row["id"]), TWO) == "b"}
    assert {refusal.customer_id for refusal in refused} == in_b != set()
    assert {row.customer_id for row in valid} == {str(row["id"]) for row in rows} - in_b
    assert all("column 'plan' is empty" in refusal.error_message for refusal in refused)


def test_a_row_without_an_id_is_refused_for_it() -> None:
    rendered = bound(TWO).render({"id": None, "name": "Ada", "plan": "gold"})

    assert rendered.request is None
    assert [problem.field for problem in rendered.problems] == ["customer_id"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"display_name": "{{ nmae }}"}, r"Variant 'b': .*did you mean 'name'"),
        ({"display_name": "x" * 300}, "Variant 'b': No row can be sent"),
        ({"customer_id": "{{ plan }}"}, "Variant 'b': its template has a customer_id of its own"),
    ],
    ids=["a column that is absent", "a limit of Amazon's", "another id"],
)
def test_what_is_wrong_with_any_variants_template_is_told_at_once(
    template: dict[str, Any], said: str
) -> None:
    rules = policy(a={"share": 0.9999}, b={"template": {"display_name": "Ada", **template}})

    with pytest.raises(InputError, match=said):
        bound(rules)


def test_a_variants_conversation_is_refused_where_people_speak_themselves() -> None:
    rules = policy(a={"conversation": {"max_replies": 1}})

    with pytest.raises(InputError, match="Variant 'a' has a conversation"):
        bound(rules, converses=False)


def test_a_variant_may_say_something_else_or_the_same_as_the_campaign() -> None:
    rules = policy(a={"share": 1, "conversation": {"messages": ["{{ plan }}?"]}})
    row = {"id": "1", "name": "Ada", "plan": "gold"}
    talk = Conversation(messages=("Hello {{ name }}",))

    assert bound(rules, conversation=talk).render(row).messages == ("gold?",)
    same = policy(a={"share": 1, "template": {"display_name": "x"}})
    assert bound(same, conversation=talk).render(row).messages == ("Hello Ada",)


def test_texts_may_name_the_variant_and_a_column_of_that_name_is_the_tables_own() -> None:
    template = ChatTemplate(customer_id="{{ id }}", display_name="{{ variant | default('own') }}")
    rules = policy(a={"share": 1})
    row = {"id": "1", "name": "Ada", "plan": "gold"}

    assert name_of(bound(rules, template=template), row) == "a"
    assert name_of(bound(rules, template=template), {**row, VARIANT: "mine"}) == "mine"
    assert name_of(bound(policy(), template=template), row) == "own"


def test_without_templates_of_variants_the_renderer_is_the_campaigns_own() -> None:
    assert isinstance(bound(policy(a={"share": 0.5}, b={})), RowRenderer)


def test_the_columns_of_all_variants_are_read_and_no_others() -> None:
    assert bound(TWO).columns == frozenset({"id", "name", "plan"})
    rules = policy(a={"template": {"display_name": "{% for c in row %}{{ c }}{% endfor %}"}})
    assert bound(rules).columns is None


def test_warnings_say_which_variant_they_are_about() -> None:
    rules = policy(a={"template": {"display_name": "{name}"}})

    told = [text for text in bound(rules).warnings() if "{name}" in text]

    assert len(told) == 1
    assert told[0].startswith("variant a: ")


def test_a_policy_that_was_stored_makes_the_same_rows() -> None:
    stored = OutreachPolicy.model_validate_json(TWO.model_dump_json())
    rows = [{"id": str(number), "name": "Ada", "plan": "gold"} for number in range(50)]

    assert [name_of(bound(stored), row) for row in rows] == [
        name_of(bound(TWO), row) for row in rows
    ]


def test_what_a_variants_template_leaves_out_is_said() -> None:
    own = ChatTemplate(
        customer_id="{{ id }}",
        display_name="{{ name }}",
        attributes={"plan": "{{ plan }}", "tone": "warm"},
        chat_duration_in_minutes=90,
    )
    rules = policy(
        a={"template": {"display_name": "{{ name }}", "attributes": {"tone": "{{ plan }}"}}},
        b={"template": own.model_dump(exclude_none=True, exclude={"display_name"})},
        c={"share": 0.2},
    )

    (told,) = bound(rules, template=own).warnings()

    assert told.startswith("variant a: its template is without chat_duration_in_minutes, ")
    assert "attributes.plan, which" in told
    assert "tone" not in told


def test_a_display_name_that_only_the_campaign_has_is_said() -> None:
    rules = policy(a={"template": {"attributes": {"plan": "{{ plan }}"}}})
    own = ChatTemplate(customer_id="{{ id }}", display_name="{{ name }}")
    columns = (*COLUMNS, "display_name")

    (told,) = bound(rules, template=own, columns=columns).warnings()

    assert "variant a: its template is without display_name, which" in told


def test_the_column_variant_is_not_told_as_one_of_the_table() -> None:
    rules = policy(a={"template": {"display_name": "{{ nmae }}"}})

    with pytest.raises(InputError, match="did you mean 'name'") as told:
        bound(rules)

    assert "variant" not in str(told.value).partition("The table has")[2]
