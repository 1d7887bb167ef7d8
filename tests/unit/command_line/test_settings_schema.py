"""The schema of the settings: the file that editors read says what the models do."""

import json
from typing import Any

from connect_tasks.command_line.settings import Settings
from connect_tasks.command_line.settings_schema import SCHEMA_FILE, schema_text


def test_the_file_is_what_the_models_say() -> None:
    again = "run `python -m connect_tasks.command_line.settings_schema`"

    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), again


def test_every_table_and_field_has_a_description() -> None:
    schema = json.loads(schema_text())

    def undescribed(name: str, part: dict[str, Any]) -> list[str]:
        fields = part.get("properties", {})
        return [f"{name}.{field}" for field, said in fields.items() if "description" not in said]

    ours = {name: schema["$defs"][name] for name in ("CampaignSettings", "InstanceSettings")}
    assert [one for name, part in ours.items() for one in undescribed(name, part)] == []
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert ">>>" not in schema_text()
