"""The form of an instance: what it asks for, and what it leaves folded."""

from typing import Any

import pytest
from prefect_aws import AwsClientParameters

from connect_tasks import Quotas
from connect_tasks.blocks import AmazonConnectInstance

ASKED: dict[str, Any] = {"instance_id": "i-1", "contact_flow_id": "f-1"}


def test_the_form_asks_for_the_instance_and_its_flow_and_all_else_may_be_left_out() -> None:
    schema = AmazonConnectInstance.model_json_schema()

    assert list(schema["properties"])[:2] == ["instance_id", "contact_flow_id"]
    assert schema["required"] == ["instance_id", "contact_flow_id"]
    assert [n for n, field in schema["properties"].items() if not field.get("description")] == []


@pytest.mark.parametrize("field", ["quotas", "aws_client_parameters"])
def test_what_has_many_fields_is_one_choice_that_begins_with_none_of_them(field: str) -> None:
    asked = AmazonConnectInstance.model_json_schema()["properties"][field]

    nothing, fields = asked["anyOf"]
    assert asked["default"] is None
    assert nothing["type"] == "null"
    assert list(fields) == ["$ref"]


def test_what_nobody_filled_in_is_as_a_new_account_has_it() -> None:
    unfilled = AmazonConnectInstance(**ASKED, quotas=None, aws_client_parameters=None)

    assert unfilled.quotas == AmazonConnectInstance(**ASKED).quotas == Quotas()
    assert unfilled.aws_client_parameters == AwsClientParameters()


def test_of_quotas_only_those_are_given_that_differ() -> None:
    filled_in = AmazonConnectInstance(**ASKED, quotas={"starts_per_second": 10})

    assert filled_in.quotas == Quotas(starts_per_second=10)
