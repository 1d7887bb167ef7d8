"""A fault plan as a small TOML file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_never

from connect_tasks.emulator.faults.plan import FILE_KINDS, FRAME_KINDS, Fault, FaultKind

__all__ = ["read_faults"]

_TEXT = ((str,), "a text")
_COUNT = ((int,), "a whole number")
_NUMBER = ((int, float), "a number")
_FIELDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "operation": _TEXT,
    "kind": _TEXT,
    "customer_id": _TEXT,
    "per_customer": ((bool,), "true or false"),
    "nth": _COUNT,
    "every": _COUNT,
    "share": _NUMBER,
    "status": _COUNT,
    "code": _TEXT,
    "message": _TEXT,
    "seconds": _NUMBER,
}
_OWN_FIELDS = ("status", "code", "message", "seconds")


def read_faults(path: str | Path) -> tuple[Fault, ...]:
    """Read a fault plan from a TOML file.

    Each `[[fault]]` is one `Fault`, with its fields under the same names. `code = ""` gives an
    untyped error, since TOML has no word for nothing.

    Args:
        path: The file.

    Returns:
        The faults in the order of the file.

    Raises:
        ValueError: The file is no such plan; the message names the file, entry and field.
        OSError: The file cannot be read.

    Example:
        ```toml
        [[fault]]
        operation = "StartChatContact"
        kind = "cut_after"
        share = 0.05

        [[fault]]
        operation = "ChatFrame"
        kind = "socket_silent"
        customer_id = "0007"
        nth = 3
        ```
    """
    try:
        return tuple(_faults(Path(path).read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _faults(text: str) -> list[Fault]:
    document = tomllib.loads(text)
    for name in document:
        if name != "fault":
            raise ValueError(f"{name}: there is no such table; each fault begins with [[fault]].")
    entries = document.get("fault", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("fault: must be written as [[fault]], once for each fault.")
    return [_numbered(number, entry) for number, entry in enumerate(entries, 1)]


def _numbered(number: int, entry: dict[str, Any]) -> Fault:
    try:
        return _fault(entry)
    except ValueError as error:
        raise ValueError(f"fault {number}: {error}") from error


def _fault(entry: dict[str, Any]) -> Fault:
    for name, value in entry.items():
        _check_type(name, value)
    for name in ("operation", "kind"):
        _require(name, entry)
    kind = _kind(entry.pop("kind"))
    _check_own_fields(kind, entry)
    if kind is FaultKind.DELAY:
        _require("seconds", entry)
    if entry.get("code") == "":
        entry["code"] = None
    return Fault(kind=kind, **entry)


def _check_own_fields(kind: FaultKind, entry: Mapping[str, Any]) -> None:
    for name in _OWN_FIELDS:
        if name in entry and name not in _fields_of(kind):
            kinds = ", ".join(other for other in FaultKind if name in _fields_of(other))
            raise ValueError(f"{name}: means nothing with {kind}, only with {kinds}.")


def _fields_of(kind: FaultKind) -> tuple[str, ...]:
    """The fields that a kind has besides those that say which calls it strikes."""
    if kind in FRAME_KINDS or kind in FILE_KINDS:
        return ()
    match kind:
        case FaultKind.ERROR_BEFORE | FaultKind.ERROR_AFTER:
            return ("status", "code", "message")
        case FaultKind.DELAY:
            return ("seconds",)
        case (
            FaultKind.CUT_BEFORE
            | FaultKind.CUT_AFTER
            | FaultKind.TRUNCATED
            | FaultKind.THROTTLE
            | FaultKind.NO_SLOT
            | FaultKind.UNTYPED_429
            | FaultKind.EXPIRED_CREDENTIALS
        ):
            return ()
        case _:
            assert_never(kind)


def _check_type(name: str, value: object) -> None:
    if name not in _FIELDS:
        raise ValueError(f"{name}: there is no such field; there are {', '.join(_FIELDS)}.")
    types, words = _FIELDS[name]
    # Not isinstance: true and false are whole numbers to it.
    if type(value) not in types:
        raise ValueError(f"{name}: must be {words}, not {value!r}.")


def _require(name: str, entry: dict[str, Any]) -> None:
    if name not in entry:
        raise ValueError(f"{name}: is missing.")


def _kind(name: str) -> FaultKind:
    try:
        return FaultKind(name)
    except ValueError:
        raise ValueError(f"kind: there is no {name!r}; there are {', '.join(FaultKind)}.") from None
