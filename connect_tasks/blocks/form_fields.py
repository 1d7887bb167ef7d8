"""Fields of forms: how what Python takes looks in Prefect's UI, and what its API takes for it."""

from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_before_validator_function

__all__ = ["AlsoAsText", "AlsoByName", "Folded"]


class Folded:
    """A choice: to fill in what there is to say, or to leave all of it as it is by itself.

    Args:
        made: What it is without anything said.
    """

    def __init__(self, made: type[BaseModel]) -> None:
        self._made = made

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_before_validator_function(self._or_default, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # Prefect's form of a block begins with the first choice, whatever the default is.
        return {"anyOf": [{"type": "null", "title": "Defaults"}, handler(schema)], "default": None}

    def _or_default(self, value: object) -> object:
        return self._made() if value is None else value


class AlsoByName:
    """A block that is picked, or its name: an API and a command have no list to pick from."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        name = {"type": "string", "title": "Its name", "minLength": 1}
        return {"anyOf": [handler(schema), name]}


class AlsoAsText:
    """A choice that may also be a text, before that of nothing.

    Args:
        title: What the text is.
    """

    def __init__(self, title: str = "TOML or variable") -> None:
        self._title = title

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        text = {"type": "string", "title": self._title, "minLength": 1}
        made = handler(schema)
        *fields, nothing = made["anyOf"]
        return {**made, "anyOf": [*fields, text, nothing]}
