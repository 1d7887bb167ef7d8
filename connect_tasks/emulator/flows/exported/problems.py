"""What is wrong with a file of a flow or its world: every fault at once, each with its place."""

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["FlowFileError", "Problem", "kind_of", "nearest", "shown"]

_MOST_LISTED = 1_000
_LONGEST = 60
_MOST_NAMED = 30
_KINDS = {bool: "true or false", dict: "an object", list: "a list", str: "a text"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or that somebody should know.

    Attributes:
        file: The file.
        identifier: Where in it: the Identifier of an action, or the path of a member; empty if it
            is the file as a whole.
        text: What it is, and what to do.
    """

    file: str
    identifier: str
    text: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.identifier, self.text) if part)


class FlowFileError(ValueError):
    """A file of a flow, or of what stands around it, cannot be used.

    Attributes:
        problems: All that is wrong; at least one.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        # Each once: two members may name the same file.
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:_MOST_LISTED]]
        more = len(self.problems) - len(lines)
        return "\n".join([*lines, f"and {more} more"] if more else lines)


def kind_of(value: Any) -> str:
    """What a value of a document is, in words: "a list"."""
    if value is None:
        return "null"
    return _KINDS.get(type(value), "a number")


def shown(value: Any, *, longest: int = _LONGEST) -> str:
    """A value as messages show it: on one line, and short.

    Args:
        value: The value.
        longest: Characters that are shown at most.
    """
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= longest else f"{text[:longest]}..."


def nearest(name: str, known: Iterable[str]) -> str:
    """What may have been meant by a name that is not known, as the end of a message.

    Args:
        name: The name.
        known: All that are known; they are listed, if they are few.
    """
    names = sorted(known)
    by_fold = {other.casefold(): other for other in names}
    found = difflib.get_close_matches(name[:200].casefold(), by_fold, n=1)
    if found:
        return f"did you mean {by_fold[found[0]]!r}?"
    if len(names) > _MOST_NAMED:
        return "it is none of those that are known here."
    return f"there are {', '.join(names)}." if names else "there are none."
