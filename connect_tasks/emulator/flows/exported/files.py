"""Reads the files that people hand over: text within bounds, and JSON that says where it breaks."""

import codecs
import json
from pathlib import Path
from typing import Any

from connect_tasks.emulator.flows.exported.problems import FlowFileError, Problem
from connect_tasks.emulator.model.strict_json import MOST_DEPTH, read_json

__all__ = ["MOST_BYTES", "parse_json", "read_text"]

MOST_BYTES = 10 * 1024 * 1024
"""The largest file that is read; a flow has at most 250 actions, some 100 KB."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """The text of a file; a byte order mark is left out.

    Raises:
        FlowFileError: It is not there, too large, empty, or no text.
    """
    try:
        text = _decoded(_bytes(path))
    except UnicodeDecodeError as error:
        raise _refusal(path, f"is no UTF-8 at byte {error.start:,}; save it as UTF-8.") from error
    except (OSError, ValueError) as error:
        raise _refusal(path, _why(path, error)) from error
    if not text.strip():
        raise _refusal(path, "is empty.")
    return text


def parse_json(text: str, file: str, *, within: str = "") -> Any:
    """The value of a JSON text.

    Args:
        text: The text.
        file: Where it is from.
        within: Which part of the file it is; the whole of it if empty.

    Raises:
        FlowFileError: It is no JSON; says the line and column.
    """
    try:
        return read_json(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise FlowFileError(
            [Problem(file, within, f"is no JSON: {place}: {error.msg}.")]
        ) from error
    except ValueError as error:
        raise FlowFileError([Problem(file, within, f"is no JSON: {_reason(error)}.")]) from error


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        raise ValueError("is a folder; name a file in it.")
    # Not by its size first: what comes through a pipe has none.
    with path.open("rb") as file:
        given = file.read(MOST_BYTES + 1)
    if len(given) > MOST_BYTES:
        raise ValueError(f"has more than {MOST_BYTES // 1024**2} MB; that is no flow, or many.")
    return given


def _decoded(given: bytes) -> str:
    # PowerShell writes UTF-16 where a command's output is sent to a file.
    return given.decode("utf-16" if given.startswith(_UTF_16) else "utf-8-sig")


def _why(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "is not there; the path is wrong, or the file was never written."
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or type(error).__name__}."
    return "is no path." if "\0" in str(path) else str(error)


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeError):
        return "half a surrogate pair"
    text = str(error)
    if "too deep" in text:
        return f"more than {MOST_DEPTH} lists and objects within each other"
    return "a number of too many digits" if "digits" in text else f"{text} is no value of JSON"


def _refusal(path: Path, text: str) -> FlowFileError:
    return FlowFileError([Problem(str(path).replace("\0", "\\0"), "", text)])
