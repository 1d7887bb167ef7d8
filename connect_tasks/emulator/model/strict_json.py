"""Reads JSON that strangers send: UTF-8, of limited depth, and nothing that JSON does not know."""

import json
from collections.abc import Iterable
from typing import Any, NoReturn

__all__ = ["MOST_DEPTH", "read_json"]

MOST_DEPTH = 64
"""Levels of lists and objects; what AWS documents needs less than ten."""


def read_json(text: str | bytes) -> Any:
    """Read one JSON value.

    Args:
        text: The JSON; as bytes it must be UTF-8.

    Raises:
        ValueError: It is no JSON, too deep, or holds what cannot be answered with: a number that
            is none, more digits than Python reads, half a surrogate pair.
    """
    text = text.decode() if isinstance(text, bytes) else text
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("JSON is nested too deep") from None
    if text.count("[") + text.count("{") > MOST_DEPTH and _is_deep(value):
        raise ValueError("JSON is nested too deep")
    if "\\u" in text:
        # Half a surrogate pair is JSON, but no text that could ever be answered with.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [outer for outer in level if isinstance(outer, (dict, list))]
        if not level:
            return False
        level = [inner for outer in level for inner in _inner(outer)]
    return True


def _inner(container: Any) -> Iterable[object]:
    return container.values() if isinstance(container, dict) else container


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
