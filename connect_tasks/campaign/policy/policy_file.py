"""Policy files: an outreach policy's fields, read from TOML."""

import tomllib
from pathlib import Path
from typing import Any

from connect_tasks.errors import InputError

__all__ = ["read_fields"]

_LARGEST = 1_000_000


def read_fields(path: str | Path) -> dict[str, Any]:
    """The fields that a TOML file has.

    Args:
        path: The file.

    Raises:
        InputError: It cannot be read, or is no TOML; it says where.
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"The policy {str(path)!r} cannot be read: {why}.") from None
    if len(text) > _LARGEST:
        raise InputError(f"The policy {str(path)!r} is larger than 1 MB: give a policy's TOML.")
    try:
        return tomllib.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = text[: error.start].count(b"\n") + 1
        raise InputError(
            f"The policy {str(path)!r} is not UTF-8 (line {line}): save it as UTF-8."
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"The policy {str(path)!r} is no TOML: {error}. Mend it there.") from None
