"""The parts of a template as a form shows them."""

from typing import Any

import pytest
from pydantic import BaseModel

from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.fields import (
    ChatStreamingConfigurationTemplate,
    ParticipantConfigurationTemplate,
    ParticipantDetailsTemplate,
    PersistentChatTemplate,
)

MODELS = [
    ChatTemplate,
    Conversation,
    ChatStreamingConfigurationTemplate,
    ParticipantConfigurationTemplate,
    ParticipantDetailsTemplate,
    PersistentChatTemplate,
]


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    fields: dict[str, Any] = model.model_json_schema()["properties"]
    return fields


@pytest.mark.parametrize("model", MODELS)
def test_each_field_explains_itself(model: type[BaseModel]) -> None:
    assert [name for name, one in fields_of(model).items() if not one.get("description")] == []


def test_a_title_is_in_plain_words() -> None:
    titles = {name: one["title"] for name, one in fields_of(ChatTemplate).items() if "title" in one}

    assert titles["contact_flow_id"] == "Contact flow ID"
    assert titles["chat_duration_in_minutes"] == "Chat duration in minutes"


def test_a_form_that_sends_every_default_beside_the_display_name_is_understood() -> None:
    fields = fields_of(ChatTemplate)
    sent = {name: one["default"] for name, one in fields.items() if "default" in one}

    template = ChatTemplate.model_validate(sent | {"display_name": "{{ name }}"})

    assert template.participant_details == ParticipantDetailsTemplate(display_name="{{ name }}")


def test_a_form_in_which_nobody_names_the_customer_takes_the_column_of_that_name() -> None:
    template = ChatTemplate.model_validate({"display_name": None, "participant_details": None})

    assert template == ChatTemplate()
    assert template.participant_details == ParticipantDetailsTemplate(
        display_name="{{ display_name }}"
    )
