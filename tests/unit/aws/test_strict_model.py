"""Fields that a person mistyped."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from connect_tasks import (
    ChatTemplate,
    Conversation,
    Quotas,
    RetryPolicy,
    StartChatContactRequest,
)

MISTYPED: list[tuple[type[BaseModel], dict[str, Any], str]] = [
    (ChatTemplate, {"dispaly_name": "{{ name }}"}, "display_name"),
    (ChatTemplate, {"participant_details": {"displayname": "Ada"}}, "display_name"),
    (Conversation, {"mesages": ("Hi",)}, "messages"),
    (Quotas, {"open_chat": 5}, "open_chats"),
    (RetryPolicy, {"attempt": 3}, "attempts"),
    (StartChatContactRequest, {"Customer_Id": "0042"}, "customer_id"),
]


@pytest.mark.parametrize(("model", "fields", "meant"), MISTYPED)
def test_a_mistyped_field_is_told_with_the_one_that_was_meant(
    model: type[BaseModel], fields: dict[str, Any], meant: str
) -> None:
    with pytest.raises(ValidationError, match=f"did you mean '{meant}'"):
        model.model_validate(fields)


def test_a_field_that_is_like_no_other_is_told_alone() -> None:
    with pytest.raises(ValidationError) as told:
        Conversation.model_validate({"zzz": 1})

    assert "did you mean" not in str(told.value)
    assert [line["loc"] for line in told.value.errors()] == [("zzz",)]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValidationError) as told:
        Quotas.model_validate({"open_chat": 5, "starts_per_second": "many"})

    assert {line["loc"] for line in told.value.errors()} == {("open_chat",), ("starts_per_second",)}
