"""Amazon's own model of an operation, and probes of ours that go by it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

import botocore.session
from pydantic import BaseModel, ValidationError

__all__ = ["Member", "Probe", "fields", "named"]


@cache
def _connect() -> Any:
    return botocore.session.get_session().get_service_model("connect")


class Member(NamedTuple):
    """One place in a request, and what Amazon says of it."""

    path: str
    shape: Any
    required: bool


def members(shape: Any, path: str = "", *, required: bool = True) -> Iterator[Member]:
    """Every member of a shape, `*` for what lists and maps hold; recursion is cut once."""
    if path:
        yield Member(path, shape, required)
    if path.count("Value") > 1:
        return
    below = {"structure": _of_structure, "list": _of_list, "map": _of_map}.get(shape.type_name)
    for name, inner, needed in below(shape) if below else ():
        yield from members(inner, f"{path}.{name}".removeprefix("."), required=needed)


def _of_structure(shape: Any) -> Iterator[tuple[str, Any, bool]]:
    for name, inner in shape.members.items():
        yield name, inner, name in shape.required_members


def _of_list(shape: Any) -> Iterator[tuple[str, Any, bool]]:
    yield "*", shape.member, False


def _of_map(shape: Any) -> Iterator[tuple[str, Any, bool]]:
    yield "<key>", shape.key, False
    yield "*", shape.value, False


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, bool]]:
    """Every member of one of our models by its name on the wire, and whether it is required."""
    for each in model.model_fields.values():
        name = f"{path}.{each.alias}".removeprefix(".")
        yield name, each.is_required()
        for inner in _models_in(each.annotation):
            below = "" if _is_whole(inner, each.annotation) else ".*"
            if name.count("Value") <= 1:
                yield from fields(inner, name + below)


def _is_whole(model: type[BaseModel], annotation: Any) -> bool:
    """Whether a member is such a model, or nothing, and not a list or map of them."""
    is_choice = get_origin(annotation) in (Union, UnionType)
    return model is annotation or (is_choice and model in get_args(annotation))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def named(shape: Any) -> set[str]:
    """The names in a shape, without what stands for items and keys."""
    return {m.path for m in members(shape) if not m.path.endswith(("*", "<key>"))}


@dataclass(frozen=True)
class Probe:
    """One operation of Amazon's beside our model of its request.

    Args:
        operation: As Amazon names it.
        from_wire: Reads our model from Amazon's form.
        whole: What else a structure or map needs to be right, by its path or its shape's name.
        formed: What texts of a documented form begin with, by the end of their path.
    """

    operation: str
    from_wire: Callable[[Any], object]
    whole: Mapping[str, Mapping[str, Any]]
    formed: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> Any:
        """The operation, as botocore knows it."""
        return _connect().operation_model(self.operation)

    @property
    def members(self) -> list[Member]:
        """Every member of the request."""
        return list(members(self.model.input_shape))

    def place(self, path: str, value: Any) -> Any:
        """A minimal request on the wire with one value in one place."""
        return self._built(self.model.input_shape, path.split("."), value)

    def _built(self, shape: Any, steps: list[str], value: Any, path: str = "") -> Any:
        if not steps:
            return value
        step, rest = steps[0], steps[1:]
        around = self.whole.get(path, self.whole.get(shape.name, {}))
        if shape.type_name == "structure":
            below = f"{path}.{step}".removeprefix(".")
            return {**around, step: self._built(shape.members[step], rest, value, below)}
        if shape.type_name == "list":
            return [self._built(shape.member, rest, value, f"{path}.*")]
        return {**around, **self._entry(shape, step, rest, value, f"{path}.*")}

    def _entry(
        self, shape: Any, step: str, rest: list[str], value: Any, path: str
    ) -> dict[Any, Any]:
        if step == "<key>":
            return {value: {} if shape.value.type_name == "structure" else ""}
        key = "connect:x" if shape.key.name == "SegmentAttributeName" else "a"
        return {key: self._built(shape.value, rest, value, path)}

    def accepts(self, path: str, value: Any) -> bool:
        """Whether our model takes a minimal request with one value in one place."""
        try:
            self.from_wire(self.place(path, value))
        except ValidationError:
            return False
        return True

    def text(self, path: str, length: int) -> str:
        """A text of some length for a place, in the form that it has there."""
        start = next((form for end, form in self.formed.items() if path.endswith(end)), "")
        return start[:length] + "a" * (length - len(start))
