"""What pydantic finds wrong with a member of a world, in words for people."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from connect_tasks.emulator.flows.exported.problems import kind_of, nearest, shown

__all__ = ["faults_of", "names_of"]

_WANTED: Mapping[str, str] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "mapping_type": "an object",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "string_type": "a text",
    "tuple_type": "a list",
}


def faults_of(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Path and text of each fault, in order; the path begins at the model.

    Args:
        error: What was found.
        model: The model that was to be read.
    """
    for found in error.errors(include_url=False):
        yield _path(found["loc"]), _text(dict(found), model)


def names_of(model: type[BaseModel]) -> list[str]:
    """The members of a model, as files write them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _path(place: tuple[int | str, ...]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return path.removeprefix(".")


def _text(found: dict[str, Any], model: type[BaseModel]) -> str:
    kind, given = found["type"], found["input"]
    if kind == "extra_forbidden":
        *outer, name = found["loc"]
        return f"there is no such member; {nearest(str(name), names_of(_model_at(model, outer)))}"
    if kind == "missing":
        return "is missing."
    if kind == "value_error":
        told = str(found["ctx"]["error"])
        return told if told.endswith((".", "?")) else f"{told}."
    if kind == "literal_error":
        return f"must be {found['ctx']['expected']}, not {shown(given)}."
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {_given(given)}."
    return f"{found['msg']}; it is {shown(given)}."


def _given(value: Any) -> str:
    return shown(value) if isinstance(value, str | int | float) else kind_of(value)


def _model_at(model: type[BaseModel], place: list[int | str]) -> type[BaseModel]:
    """The model of what is at a place; the outer one, where that cannot be told."""
    for part in place:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                model = next(_models_in(field.annotation), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
