"""What single values may be by botocore's model: of which type, and within which constraints."""

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["TYPES", "constraints_of"]

_MEASURED = {"string", "list", "map", "blob"}


def constraints_of(
    kind: str, metadata: Mapping[str, Any], enum: Any = ()
) -> list[tuple[Callable[[Any], bool], str]]:
    """Each constraint that the model names: whether a value of the type keeps to it, and in words.

    Args:
        kind: The type, as botocore names it.
        metadata: The shape's bounds and pattern.
        enum: The values that there are, if they are listed.
    """
    found = _bounds(kind, metadata)
    if "pattern" in metadata:
        pattern = re.compile(metadata["pattern"])
        reason = f"Member must satisfy regular expression pattern: {metadata['pattern']}"
        found.append((lambda value: pattern.search(value) is not None, reason))
    if enum:
        allowed = frozenset(enum)
        reason = f"Member must satisfy enum value set: [{', '.join(sorted(allowed))}]"
        found.append((allowed.__contains__, reason))
    return found


def _bounds(kind: str, metadata: Mapping[str, Any]) -> list[tuple[Callable[[Any], bool], str]]:
    is_measured = kind in _MEASURED
    verb = "have length" if is_measured else "have value"
    found: list[tuple[Callable[[Any], bool], str]] = []
    if "min" in metadata:
        low = metadata["min"]
        reason = f"Member must {verb} greater than or equal to {low}"
        holds = (lambda value: len(value) >= low) if is_measured else (lambda value: value >= low)
        found.append((holds, reason))
    if "max" in metadata:
        high = metadata["max"]
        reason = f"Member must {verb} less than or equal to {high}"
        holds = (lambda value: len(value) <= high) if is_measured else (lambda value: value <= high)
        found.append((holds, reason))
    return found


def _is_integer(value: object, bits: int = 32) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return -(1 << bits - 1) <= value < 1 << bits - 1


def _is_long(value: object) -> bool:
    return _is_integer(value, 64)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "long": _is_long,
    "float": _is_number,
    "double": _is_number,
    # On the wire of a JSON body, a time stamp is a number of seconds.
    "timestamp": _is_number,
    "blob": lambda value: isinstance(value, str),
}
"""Whether a value is of a type, by botocore's name of it."""
