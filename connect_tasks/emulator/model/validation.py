"""Checks a request against botocore's own model of the service.

The model is compiled once per operation into plain functions, because the same check runs for each
of many thousand requests. Nothing of connect_tasks but this is imported: a wrong model of ours
cannot agree with itself here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.loaders
import botocore.model

from connect_tasks.emulator.model.scalars import TYPES, constraints_of
from connect_tasks.emulator.model.soundness import Soundness

__all__ = ["Problem", "Validator", "service_model"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request.

    Attributes:
        path: Where, for example `ParticipantDetails.DisplayName`.
        reason: What is wrong; never repeats the value, which may be a customer's.
        malformed: The request has the wrong form (as opposed to a value out of bounds).
    """

    path: str
    reason: str
    malformed: bool = False

    def __str__(self) -> str:
        # Keys are part of the path, and can be as long as a body.
        return f"Value at '{self.path[:_LONGEST_PATH]}' failed to satisfy constraint: {self.reason}"


_LONGEST_PATH = 200
# A body can have more mistakes than anybody reads; after so many the rest is not looked at.
_MOST_PROBLEMS = 100

Check = Callable[[Any, str, list[Problem]], None]


@cache
def service_model(service: str) -> Any:
    """Botocore's model of a service, `connect` or `connectparticipant`."""
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model(service, "service-2"), service)


class Validator:
    """The compiled check of one structure of a service's model.

    Args:
        shape: A structure of botocore's model, such as an operation's input.
        skip_headers: Leave out members that travel in headers, like the bearer tokens.
    """

    def __init__(self, shape: Any, *, skip_headers: bool = True) -> None:
        self._compiled: dict[str, Check] = {}
        members = {
            name: member
            for name, member in shape.members.items()
            if not (skip_headers and member.serialization.get("location") == "header")
        }
        required = [name for name in shape.required_members if name in members]
        self._check = self._structure(members, required)
        self._is_sound = Soundness().of_structure(members, required)

    @classmethod
    def for_input(cls, service: str, operation: str) -> "Validator":
        """The check of what an operation takes."""
        return cls(service_model(service).operation_model(operation).input_shape)

    def __call__(self, value: object) -> list[Problem]:
        """Everything that is wrong with the value; an empty list means that it is right."""
        problems: list[Problem] = []
        # Nearly every request is right, and that is said sooner than what is wrong.
        if not self._is_sound(value):
            self._check(value, "", problems)
        return problems

    def _compile(self, shape: Any) -> Check:
        if shape.name not in self._compiled:
            # Shapes may hold themselves (SegmentAttributeValue), so the name is taken first.
            self._compiled[shape.name] = self._later(shape.name)
            self._compiled[shape.name] = self._build(shape)
        return self._compiled[shape.name]

    def _later(self, name: str) -> Check:
        def check(value: Any, path: str, problems: list[Problem]) -> None:
            self._compiled[name](value, path, problems)

        return check

    def _build(self, shape: Any) -> Check:
        if shape.type_name == "structure":
            return self._structure(shape.members, shape.required_members)
        if shape.type_name == "list":
            return _both(_scalar("list", shape.metadata), _each(self._compile(shape.member)))
        if shape.type_name == "map":
            entries = _entries(self._compile(shape.key), self._compile(shape.value))
            return _both(_scalar("map", shape.metadata), entries)
        return _scalar(shape.type_name, shape.metadata, getattr(shape, "enum", ()))

    def _structure(self, members: Mapping[str, Any], required: list[str]) -> Check:
        checks = {name: self._compile(member) for name, member in members.items()}
        return _members(checks, required)


def _members(checks: Mapping[str, Check], required: list[str]) -> Check:
    def check(value: Any, path: str, problems: list[Problem]) -> None:
        if not isinstance(value, dict):
            problems.append(Problem(path, "Member must be a structure", malformed=True))
            return
        missing = [name for name in required if value.get(name) is None]
        problems += [
            Problem(_at(path, name), "Member must not be null", malformed=True) for name in missing
        ]
        for name, member in value.items():
            if len(problems) > _MOST_PROBLEMS:
                return
            if name not in checks:
                problems.append(Problem(_at(path, name), "Member is not known", malformed=True))
            elif member is not None:
                checks[name](member, _at(path, name), problems)

    return check


def _each(member: Check) -> Check:
    def check(value: Any, path: str, problems: list[Problem]) -> None:
        if isinstance(value, list):
            for index, item in enumerate(value):
                if len(problems) > _MOST_PROBLEMS:
                    return
                member(item, f"{path}[{index}]", problems)

    return check


def _entries(key: Check, entry: Check) -> Check:
    def check(value: Any, path: str, problems: list[Problem]) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                if len(problems) > _MOST_PROBLEMS:
                    return
                key(name, f"{path} key", problems)
                entry(item, _at(path, name), problems)

    return check


def _both(first: Check, second: Check) -> Check:
    def check(value: Any, path: str, problems: list[Problem]) -> None:
        first(value, path, problems)
        second(value, path, problems)

    return check


def _scalar(kind: str, metadata: Mapping[str, Any], enum: object = ()) -> Check:
    """The check of a value by itself: its type, and each constraint that the model names."""
    is_type = TYPES[kind]
    constraints = tuple(constraints_of(kind, metadata, enum))

    def check(value: Any, path: str, problems: list[Problem]) -> None:
        if not is_type(value):
            problems.append(Problem(path, f"Member must be of type {kind}", malformed=True))
            return
        for holds, reason in constraints:
            if not holds(value):
                problems.append(Problem(path, reason))

    return check


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
