"""Whether a value is right by botocore's model: yes or no, and so faster than what is wrong."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from connect_tasks.emulator.model.scalars import TYPES, constraints_of

__all__ = ["Soundness", "Test"]

Test: TypeAlias = Callable[[Any], bool]


class Soundness:
    """Compiles shapes of one service's model into tests, each shape once."""

    def __init__(self) -> None:
        self._compiled: dict[str, Test] = {}

    def of_structure(self, members: Mapping[str, Any], required: Iterable[str]) -> Test:
        """The test of a structure with these members.

        Args:
            members: Their shapes, by their names.
            required: The names of those that have to be there.
        """
        needed = tuple(required)
        tests = {name: self._compile(member) for name, member in members.items()}

        def test(value: Any) -> bool:
            if not isinstance(value, dict):
                return False
            for name in needed:
                if value.get(name) is None:
                    return False
            for name, member in value.items():
                of_member = tests.get(name)
                if of_member is None or not (member is None or of_member(member)):
                    return False
            return True

        return test

    def _compile(self, shape: Any) -> Test:
        if shape.name not in self._compiled:
            # Shapes may hold themselves (SegmentAttributeValue), so the name is taken first.
            self._compiled[shape.name] = self._later(shape.name)
            self._compiled[shape.name] = self._build(shape)
        return self._compiled[shape.name]

    def _later(self, name: str) -> Test:
        def test(value: Any) -> bool:
            return self._compiled[name](value)

        return test

    def _build(self, shape: Any) -> Test:
        if shape.type_name == "structure":
            return self.of_structure(shape.members, shape.required_members)
        scalar = _scalar(shape.type_name, shape.metadata, getattr(shape, "enum", ()))
        if shape.type_name == "list":
            return _list(scalar, self._compile(shape.member))
        if shape.type_name == "map":
            return _map(scalar, self._compile(shape.key), self._compile(shape.value))
        return scalar


def _scalar(kind: str, metadata: Mapping[str, Any], enum: Any) -> Test:
    is_type = TYPES[kind]
    tests = tuple(test for test, _ in constraints_of(kind, metadata, enum))

    def test(value: Any) -> bool:
        if not is_type(value):
            return False
        # Not with `all`: a generator for each value costs more than its tests.
        for holds in tests:  # noqa: SIM110
            if not holds(value):
                return False
        return True

    return test


def _list(itself: Test, of_member: Test) -> Test:
    return lambda value: itself(value) and all(map(of_member, value))


def _map(itself: Test, of_key: Test, of_entry: Test) -> Test:
    return lambda value: (
        itself(value) and all(map(of_key, value)) and all(map(of_entry, value.values()))
    )
