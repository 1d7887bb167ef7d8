"""The settings' JSON schema, for editors: a file of the package, made of the models.

`python -m connect_tasks.command_line.settings_schema` writes it anew.
"""

import json
from pathlib import Path
from typing import Any

__all__ = ["SCHEMA_FILE", "schema_text"]

SCHEMA_FILE = Path(__file__).with_name("connect-tasks.schema.json")
"""The file."""


def schema_text() -> str:
    """The schema of `connect-tasks.toml`, as its file has it."""
    from connect_tasks.command_line.settings import Settings

    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_without_examples(Settings.model_json_schema()),
    }
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _without_examples(part: Any) -> Any:
    """A model's docstring ends with Python, which helps nobody who writes TOML."""
    if isinstance(part, list):
        return [_without_examples(inner) for inner in part]
    if isinstance(part, dict):
        return {name: _without_examples(inner) for name, inner in part.items()}
    return part.partition("\n\nExample:")[0] if isinstance(part, str) else part


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
