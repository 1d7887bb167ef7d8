"""A policy as it may be given: itself, its fields, its block, its file; no server is asked."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from connect_tasks.blocks import OutreachPolicyBlock, load_policy, policy
from connect_tasks.campaign.policy import OutreachPolicy
from connect_tasks.errors import InputError, NotSavedError

FIELDS: dict[str, Any] = {
    "communication_time": {
        "open_hours": {"MONDAY": [{"start_time": "09:00", "end_time": "18:00"}]},
        "restricted_periods": [
            {"name": "holidays", "start_date": "2026-12-24", "end_date": "2026-12-26"}
        ],
        "default_time_zone": "Europe/Berlin",
        "time_zone_column": "zone",
    },
    "communication_limits": {
        "limits": [{"max_count_per_recipient": 2, "frequency": 7}],
        "group": "service",
    },
    "expires_after": "P14D",
    "suppression": ["marketing"],
    "hold_out": 0.1,
    "variants": {"short": {"share": 0.5, "template": {"display_name": "Hi"}}},
    "ramp": {"steps": [50, 500]},
}
POLICY = OutreachPolicy.model_validate(FIELDS)


def test_none_is_none_and_a_policy_is_itself() -> None:
    assert load_policy(None) is None
    assert load_policy(POLICY) is POLICY


def test_fields_and_a_block_are_the_policy() -> None:
    assert load_policy(FIELDS) == POLICY
    assert load_policy(OutreachPolicyBlock(policy=POLICY)) is POLICY


@pytest.mark.parametrize("name", ["policy.toml", "POLICY.TOML"])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_name_that_ends_in_toml_is_a_file(tmp_path: Path, name: str, kind: Any) -> None:
    path = tmp_path / name
    path.write_text('suppression = ["marketing"]\nexpires_after = "P14D"\n', encoding="utf-8")

    found = load_policy(kind(path))

    assert found == OutreachPolicy(suppression=["marketing"], expires_after="P14D")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'.*none\.toml' cannot be read"):
        load_policy(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "fields", [{"hold_out": 2}, {"expire_after": "P1D"}, [], 7], ids=["share", "typo", "list", "7"]
)
def test_what_breaks_a_rule_is_one_sentence(fields: Any) -> None:
    with pytest.raises(InputError, match=r"^The policy cannot be used: .*\.$") as told:
        load_policy(fields)

    assert not re.search(r"Input|:  |instance of|\.\.", str(told.value))


def saved_as(monkeypatch: pytest.MonkeyPatch, problem: Exception, **variables: Any) -> None:
    """Prefect answers the question for any block with a problem."""

    def load(_: str) -> Any:
        raise problem

    monkeypatch.setattr(OutreachPolicyBlock, "load", load)
    monkeypatch.setattr(policy, "variable", variables.get)


@pytest.mark.parametrize("problem", [RuntimeError("hours are none"), ValueError("hours are none")])
def test_a_saved_policy_that_is_broken_is_not_replaced_by_a_variable_of_its_name(
    monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    saved_as(monkeypatch, problem, night={})

    with pytest.raises(InputError, match="under the name 'night' cannot be used: hours are none"):
        load_policy("night")


def test_a_policy_that_is_not_saved_may_be_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = ValueError("not found")
    problem.__cause__ = ObjectNotFound(KeyError("night"))
    saved_as(monkeypatch, problem, night={"expires_after": "P14D"})

    assert load_policy("night") == OutreachPolicy(expires_after="P14D")
    with pytest.raises(NotSavedError, match="There is no outreach policy saved under the name 'd"):
        load_policy("day")


def test_a_template_that_is_none_is_one_sentence_with_one_stop(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[variants.a]\ntemplate = { display_name = "{{ a" }', encoding="utf-8")

    with pytest.raises(InputError, match=r"display_name .*[^.]\.$"):
        load_policy(path)


def test_a_block_takes_no_policy_that_breaks_a_rule() -> None:
    with pytest.raises(ValidationError, match="hold_out"):
        OutreachPolicyBlock(policy={"hold_out": 2})


def test_a_block_survives_being_written_down() -> None:
    block = OutreachPolicyBlock(policy=POLICY)

    again = OutreachPolicyBlock.model_validate(json.loads(block.model_dump_json()))

    assert again.policy == POLICY
    assert again.policy.fingerprint == POLICY.fingerprint


def test_the_form_asks_for_each_field_of_a_policy_with_an_explanation() -> None:
    schema = OutreachPolicyBlock.model_json_schema()
    asked = schema["definitions"]["OutreachPolicy"]["properties"]

    assert schema["block_type_slug"] == "outreach-policy"
    assert list(asked) == list(OutreachPolicy.model_fields)
    assert [name for name, field in asked.items() if not field.get("description")] == []
    # Of a template there is no form that Prefect could save: it has messages inside of messages.
    assert asked["variants"]["type"] == "object"
    assert "ChatTemplate" not in schema["definitions"]
