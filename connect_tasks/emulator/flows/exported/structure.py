"""Reads the parts of a flow's document, and finds all that is wrong with its shape at once.

What exports really lack is no fault: parameters, conditions, errors, or the action that a branch
names. A flow runs without; `check` tells of it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connect_tasks.emulator.flows.exported.document import Action, Condition
from connect_tasks.emulator.flows.exported.problems import Problem, kind_of, shown

__all__ = ["MOST_ACTIONS", "VERSION", "Structure", "read_structure"]

VERSION = "2019-10-30"
"""The only version of the Flow language."""

MOST_ACTIONS = 250
"""How many actions Connect takes in a flow."""

_MOST_LOOKED_AT = 10_000
_LONGEST_IDENTIFIER = 50
_FORBIDDEN = frozenset("%:(\\/)=$,;[]{}")


@dataclass(frozen=True, slots=True)
class Structure:
    """The parts of a flow's document.

    Attributes:
        start: Identifier of the first action.
        actions: Every action by its identifier, in order.
        problems: All that is wrong; a flow can be made of it only if there is nothing.
    """

    start: str
    actions: Mapping[str, Action]
    problems: tuple[Problem, ...]


def read_structure(document: Mapping[str, Any], file: str) -> Structure:
    """Read what a flow's document holds.

    Args:
        document: The document.
        file: Where it is from.
    """
    return _Reading(file).read(document)


class _Reading:
    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._place = ""

    def read(self, document: Mapping[str, Any]) -> Structure:
        self._check_version(document.get("Version"))
        actions = list(self._actions(document))
        self._place = ""
        self._check_once(actions)
        start = self._start(document, actions)
        by_identifier = {action.identifier: action for action in actions}
        return Structure(start, by_identifier, tuple(self._problems))

    def _check_version(self, version: Any) -> None:
        if version is None:
            self._say(f"Version is missing; it must be {VERSION!r}.")
        elif version != VERSION:
            self._say(f"Version must be {VERSION!r}, not {shown(version)}.")

    def _check_once(self, actions: list[Action]) -> None:
        counts = Counter(action.identifier for action in actions if action.identifier)
        for identifier, count in counts.items():
            if count > 1:
                self._place = identifier
                self._say(f"{count} actions have this Identifier; it must be one action's only.")
        self._place = ""

    def _start(self, document: Mapping[str, Any], actions: list[Action]) -> str:
        start = document.get("StartAction")
        if start is None:
            self._say("StartAction is missing; it must be the Identifier of the first action.")
        elif not isinstance(start, str):
            self._say(f"StartAction must be a text, not {kind_of(start)}.")
        elif len(actions) < _MOST_LOOKED_AT and start not in {one.identifier for one in actions}:
            self._say(f"StartAction {shown(start)} is the Identifier of no action.")
        return str(start)

    def _actions(self, document: Mapping[str, Any]) -> Iterator[Action]:
        given = document.get("Actions")
        if not isinstance(given, list):
            wrong = "is missing" if given is None else f"must be a list, not {kind_of(given)}"
            self._say(f"Actions {wrong}.")
            return
        if not given:
            self._say("Actions is empty; a flow needs one at least.")
        if len(given) > MOST_ACTIONS:
            self._say(
                f"it has {len(given):,} actions; Connect takes at most {MOST_ACTIONS}. Split it"
                " with Transfer to flow."
            )
        for number, action in enumerate(given[:_MOST_LOOKED_AT]):
            self._place = f"Actions[{number}]"
            read = self._object(action, "")
            yield self._action(read or {}) if read is not None else Action("", "")

    def _action(self, given: dict[str, Any]) -> Action:
        identifier = self._identifier(given)
        action_type = self._text(given, "Type")
        parameters = self._object(given.get("Parameters"), "Parameters") or {}
        transitions = self._object(given.get("Transitions"), "Transitions") or {}
        next_action = transitions.get("NextAction")
        if next_action is not None and not isinstance(next_action, str):
            self._say(f"Transitions.NextAction must be a text, not {kind_of(next_action)}.")
        return Action(
            identifier=identifier,
            type=action_type,
            parameters=parameters,
            next_action=next_action or None,
            conditions=tuple(self._conditions(transitions)),
            errors=self._errors(transitions),
            name=identifier,
        )

    def _identifier(self, given: dict[str, Any]) -> str:
        identifier = self._text(given, "Identifier")
        if not identifier:
            return ""
        self._place = identifier[: _LONGEST_IDENTIFIER + 10]
        if len(identifier) > _LONGEST_IDENTIFIER:
            self._say(
                f"Identifier has {len(identifier)} characters of at most {_LONGEST_IDENTIFIER}."
            )
        forbidden = "".join(sorted(_FORBIDDEN.intersection(identifier)))
        if forbidden:
            self._say(f"Identifier has {forbidden!r}, which Connect does not take there.")
        return identifier

    def _conditions(self, transitions: dict[str, Any]) -> Iterator[Condition]:
        for path, given in self._objects(transitions, "Conditions"):
            next_action = self._text(given, "NextAction", path)
            inner = self._object(given.get("Condition"), f"{path}.Condition")
            if inner is None:
                self._say_missing(given, "Condition", path)
                continue
            operator = self._text(inner, "Operator", f"{path}.Condition")
            operand = self._operand(inner.get("Operands"), f"{path}.Condition.Operands")
            yield Condition(operator, operand, next_action)

    def _operand(self, given: Any, path: str) -> str:
        if isinstance(given, list) and len(given) == 1 and isinstance(given[0], str):
            return str(given[0])
        self._say(f"{path} must be a list of one text, not {shown(given)}.")
        return ""

    def _errors(self, transitions: dict[str, Any]) -> dict[str, str]:
        errors: dict[str, str] = {}
        for path, given in self._objects(transitions, "Errors"):
            error_type = self._text(given, "ErrorType", path)
            next_action = self._text(given, "NextAction", path)
            if errors.setdefault(error_type, next_action) != next_action:
                self._say(f"{path}: ErrorType {shown(error_type)} leads to two actions.")
        return errors

    def _objects(
        self, transitions: dict[str, Any], name: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        given = transitions.get(name)
        if given is not None and not isinstance(given, list):
            self._say(f"Transitions.{name} must be a list, not {kind_of(given)}.")
            return
        for number, entry in enumerate(given or ()):
            path = f"Transitions.{name}[{number}]"
            if entry is None:
                self._say(f"{path} must be an object, not null.")
            elif (read := self._object(entry, path)) is not None:
                yield path, read

    def _object(self, given: Any, path: str) -> dict[str, Any] | None:
        """An object; None if it is not there, or something else."""
        if isinstance(given, dict):
            return given
        if given is not None or not path:
            self._say(f"{path} must be an object, not {kind_of(given)}.".lstrip())
        return None

    def _text(self, given: dict[str, Any], name: str, path: str = "") -> str:
        value = given.get(name)
        if isinstance(value, str) and value:
            return value
        self._say_missing(given, name, path)
        return ""

    def _say_missing(self, given: dict[str, Any], name: str, path: str) -> None:
        value, place = given.get(name), f"{path}.{name}" if path else name
        if value is None or value == "":
            self._say(f"{place} is {'missing' if value is None else 'empty'}.")
        elif not isinstance(value, str) and name != "Condition":
            self._say(f"{place} must be a text, not {kind_of(value)}.")

    def _say(self, text: str) -> None:
        self._problems.append(Problem(self._file, self._place, text))
