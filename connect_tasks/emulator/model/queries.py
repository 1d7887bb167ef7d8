"""The members of a request that travel in its query string, by botocore's model."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from connect_tasks.emulator.model.operations import OWNERS
from connect_tasks.emulator.model.validation import service_model

__all__ = ["read_query"]


def read_query(operation: str, query: str) -> dict[str, Any]:
    """What a query string says, by the names of the model; what the model lacks is left out.

    A list comes as its name again and again. What should be a number and is none stays a text,
    and is refused as one.

    Args:
        operation: Name of the operation.
        query: The query string, as it was sent.
    """
    found: dict[str, Any] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        name, kind = _members(operation).get(key, ("", ""))
        if kind == "list":
            found.setdefault(name, []).append(text)
        elif kind == "integer":
            found[name] = int(text) if _is_whole(text) else text
        elif name:
            found[name] = text
    return found


@cache
def _members(operation: str) -> Mapping[str, tuple[str, str]]:
    """Name and type of each member, by its name in the query."""
    shape = service_model(OWNERS[operation]).operation_model(operation).input_shape
    return {
        member.serialization["name"]: (name, member.type_name)
        for name, member in shape.members.items()
        if member.serialization.get("location") == "querystring"
    }


# Python reads no more digits than this; what has more is out of every range.
_MOST_DIGITS = 18


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS
