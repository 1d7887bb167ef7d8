"""The forms of deployments: in which order they ask, and what they take."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from connect_tasks.flows.collect import collect
from connect_tasks.flows.form_order import as_form
from connect_tasks.flows.invite import invite
from connect_tasks.flows.manage import resume
from connect_tasks.flows.outreach import outreach
from connect_tasks.flows.verify import verify
from connect_tasks.flows.workers import outreach_on_workers

REFERENCE = {"$ref": {"block_document_id": "b3f937de-ff46-4f46-b7fc-97aabc31ffb5"}}


def schema_of(flow: Any) -> dict[str, Any]:
    return parameter_schema(flow).model_dump()


def in_order(schema: dict[str, Any]) -> list[str]:
    """The fields as the form shows them."""
    fields = schema["properties"]
    return sorted(fields, key=lambda name: int(fields[name]["position"]))


def refused(flow: Any, **filled_in: Any) -> list[str]:
    """What the server says of these fields, as if nothing else had to be filled in."""
    return [error.message for error in validate(filled_in, {**schema_of(flow), "required": []})]


@pytest.mark.parametrize("flow", [outreach, outreach_on_workers, outreach.with_options(name="own")])
def test_the_form_of_a_campaign_asks_first_for_its_table_its_name_and_its_instance(
    flow: Any,
) -> None:
    assert in_order(schema_of(flow))[:3] == ["customers", "campaign", "connect"]


@pytest.mark.parametrize("flow", [outreach, outreach_on_workers, invite, collect, resume, verify])
def test_no_form_asks_for_what_may_be_left_out_before_what_may_not(flow: Any) -> None:
    schema = schema_of(flow)

    needed = [name in schema["required"] for name in in_order(schema)]

    assert needed == sorted(needed, reverse=True)


@given(st.lists(st.booleans(), max_size=4), st.lists(st.booleans(), max_size=4))
def test_whatever_takes_a_forms_parameters_by_name_is_the_function_itself(
    positional: list[bool], named: list[bool]
) -> None:
    # Python has no positional parameter without a default after one that has it.
    words = [f"p{n}{'=0' if optional else ''}" for n, optional in enumerate(sorted(positional))]
    words += ["*"] if named else []
    words += [f"n{n}{'=0' if optional else ''}" for n, optional in enumerate(named)]
    space: dict[str, Any] = {}
    exec(f"def asked({', '.join(words)}): return dict(locals())", space)  # noqa: S102 - any signature

    form = as_form(space["asked"])
    bound = form.bind(**dict.fromkeys(form.parameters, 1))
    optional = [parameter.default == 0 for parameter in form.parameters.values()]

    assert space["asked"](*bound.args, **bound.kwargs) == dict.fromkeys(form.parameters, 1)
    assert optional == sorted(optional)


def test_what_takes_any_arguments_keeps_its_own_form() -> None:
    def anything(first: int = 0, *rest: int, last: int, **more: int) -> None:
        """Takes whatever comes."""

    assert list(as_form(anything).parameters) == ["first", "rest", "last", "more"]


@pytest.mark.parametrize("flow", [outreach, invite, collect, resume, verify])
@pytest.mark.parametrize("connect", ["production", REFERENCE], ids=["name", "picked in the form"])
def test_an_instance_is_given_to_a_deployment_by_its_name_or_picked(
    flow: Any, connect: Any
) -> None:
    assert refused(flow, connect=connect) == []


@pytest.mark.parametrize("flow", [outreach, invite, collect, resume, verify])
@pytest.mark.parametrize("connect", ["", None, 5, {"instance_id": ""}, ["production"]])
def test_nothing_else_is_taken_for_an_instance(flow: Any, connect: Any) -> None:
    assert refused(flow, connect=connect)


@pytest.mark.parametrize("field", ["template", "conversation", "policy", "settings"])
def test_what_a_campaign_is_made_of_may_be_a_text(field: str) -> None:
    for text in ("renewals_2026", "[template]\ndisplay_name = '{{ name }}'"):
        assert refused(outreach, **{field: text}) == []
    assert refused(outreach, **{field: None}) == []
    assert refused(outreach, **{field: ""})
    assert refused(outreach, **{field: 5})


@pytest.mark.parametrize(
    ("field", "filled_in"),
    [
        ("template", {"display_name": "{{ name }}"}),
        ("conversation", {"messages": ["hi"], "max_replies": 1}),
        ("policy", {"suppression": ["marketing"]}),
    ],
)
def test_and_is_a_form_of_its_own_all_the_same(field: str, filled_in: dict[str, Any]) -> None:
    assert refused(outreach, **{field: filled_in}) == []
    assert refused(outreach, **{field: {**filled_in, "colour": "red"}})
