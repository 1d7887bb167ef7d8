"""Walks through the members of a document, whatever its shape."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["names_in", "values_in"]


def values_in(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of everything that is neither an object nor a list, in order."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from values_in(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from values_in(inner, f"{path}[{number}]")
    else:
        yield path, value


def names_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path of an object, and name of each of its members, in order."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield path, str(name)
            yield from names_in(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from names_in(inner, f"{path}[{number}]")
