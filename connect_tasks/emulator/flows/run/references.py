"""References in parameters: `$.Attributes.plan`, alone or within a text."""

import json
import re
from collections.abc import Callable
from typing import Any

__all__ = ["Path", "Read", "path_of", "references_in", "resolve", "text_of"]

Path = tuple[str, ...]
Read = Callable[[Path], Any]
"""Gives the value at a path; None where nothing is set."""

_LETTER = "[A-Za-z0-9_-]"
_KEY = f"{_LETTER}+"
_QUOTED = r"\['[^'\]]+'\]"
_STEPS = rf"(?:\.?{_QUOTED}|\.{_KEY})*"
_REFERENCE = re.compile(rf"\$(?:\.[A-Za-z]{_LETTER}*|{_QUOTED}){_STEPS}")
# Within backticks a path may count elements of a list.
_INDEXED = re.compile(rf"`(\$(?:\.?{_QUOTED}|\.{_KEY}|\[\d+\])+)`")
_EITHER = re.compile(rf"{_INDEXED.pattern}|({_REFERENCE.pattern})")
_STEP = re.compile(rf"\['([^'\]]+)'\]|\[(\d+)\]|({_KEY})")


def resolve(text: str, read: Read, *, keep_unset: bool = False) -> str:
    """A text with every reference in it replaced; what is not set is the empty text.

    With `keep_unset` it stays as it is written.

    A `$` that begins no reference stays, and so does the `.` or `,` after one.
    """
    if "$" not in text:
        return text

    def shown(found: re.Match[str]) -> str:
        value = read(_path(found[1] or found[2]))
        return found[0] if value is None and keep_unset else text_of(value)

    return _EITHER.sub(shown, text)


def path_of(text: str) -> Path | None:
    """The path of a parameter that is one reference and nothing else; None if it is not."""
    found = _EITHER.fullmatch(text)
    return _path(found[1] or found[2]) if found else None


def references_in(text: str) -> list[Path]:
    """The path of every reference in a text, in their order."""
    return [_path(found[1] or found[2]) for found in _EITHER.finditer(text)]


def text_of(value: Any) -> str:
    """A value as a text shows it: texts as they are, all else as JSON, nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _path(reference: str) -> Path:
    return tuple(next(filter(None, groups)) for groups in _STEP.findall(reference))
