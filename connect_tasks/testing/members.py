"""Members of a JSON file that a person wrote: read leniently, and all that is wrong is noted."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["Members", "as_text", "moment"]


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one object, and the complaints about them.

    Attributes:
        place: Which object, for the complaints.
        members: What the file has there.
        problems: What is wrong, in sentences with their place; grows as members are read.
    """

    place: str
    members: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)

    def complain(self, member: str, rule: str) -> None:
        """Note what is wrong with a member."""
        self.problems.append(f"{self.place}: {member} {rule}")

    def text(self, name: str, default: str | None = None) -> str | None:
        """A text; a number is one, too."""
        value = self.members.get(name)
        if value is None or value == "":
            return default
        text = as_text(value)
        if text is None:
            self.complain(name, f"is {_kind(value)}: write a text")
            return default
        return text

    def texts(self, name: str) -> dict[str, str]:
        """Texts by their names."""
        value = self.members.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.complain(name, f"is {_kind(value)}: write names and texts, in braces")
            return {}
        texts = {key: as_text(item) for key, item in value.items()}
        for key in (key for key, text in texts.items() if text is None):
            self.complain(f"{name}.{key}", f"is {_kind(value[key])}: write a text")
        return {key: text for key, text in texts.items() if text is not None}

    def items(self, name: str) -> list[Any]:
        """A list; what is no list is a list of that alone."""
        value = self.members.get(name)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]

    def object(self, name: str) -> Mapping[str, Any] | None:
        """An object."""
        value = self.members.get(name)
        if value is None or isinstance(value, Mapping):
            return value
        self.complain(name, f"is {_kind(value)}: write an object, in braces")
        return None

    def time(self, name: str) -> datetime | None:
        """A time; UTC if it names no zone."""
        text = self.text(name)
        if text is None:
            return None
        read = moment(text)
        if read is None:
            self.complain(name, f"is {text!r:.60}: write a time such as 2026-03-02T08:00:00Z")
        return read

    def numbers(self, name: str) -> tuple[int, ...]:
        """Whole numbers."""
        read = []
        for item in self.items(name):
            number = _whole(item)
            if number is None:
                self.complain(name, f"holds {item!r:.60}: write whole numbers, such as [30, 71]")
            else:
                read.append(number)
        return tuple(read)


def as_text(value: object) -> str | None:
    """A text, or a number or truth value as JSON writes it; None for anything else."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def moment(text: str) -> datetime | None:
    """A time as ISO 8601 writes it, in UTC if it names no zone; None if it is none.

    Example:
        >>> moment("2026-03-02T08:00:00Z") == moment("2026-03-02 08:00")
        True
    """
    try:
        read = datetime.fromisoformat(text.strip())
        # Near the first and the last year there may be no such time in another zone.
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if math.isfinite(number) and number.is_integer() else None


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", str: "a text"}
    return "null" if value is None else names.get(type(value), "a number")
