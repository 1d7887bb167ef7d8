"""The columns of a table of cases, and how a cell of each is read."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from connect_tasks.aws.problems import problems
from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.chat.template.faults import UnprintableError
from connect_tasks.chat.template.printing import printed
from connect_tasks.chat.template.utterance import After
from connect_tasks.emulator.flows.chance import checked
from connect_tasks.emulator.flows.run.numbers import whole
from connect_tasks.tables.unreadable_cell import UnreadableCell
from connect_tasks.testing.case import SPEAKERS
from connect_tasks.testing.expected_file import CONTACT_ID, UNSET
from connect_tasks.testing.members import moment

__all__ = ["AFTER", "ATTRIBUTES", "COLUMNS", "FIELDS", "CellError", "cell", "family"]

ATTRIBUTES, AFTER, FIELDS = "attributes.", "attributes_after.", "chooses."
"""How columns begin that are followed by a name: of an attribute, or of a view's field."""

_STATES = ("ended", "queued", "open")
_WORDS = {"<unset>": UNSET, "<contact id>": CONTACT_ID}


class CellError(ValueError):
    """A cell that cannot be used; its text says why, and what to write."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: what it is for, and how its cells are read."""

    what: str
    read: Callable[[str], Any] = str


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise CellError(f"{text!r:.60} is no number of seconds: write one such as 5 or 1.5")
    return seconds


def _pattern(text: str) -> After:
    try:
        return After(pattern=text)
    except ValidationError as error:
        raise CellError(f"{text!r:.60} {problems(error)[0].rule}") from None


def _one_of(*words: str) -> Callable[[str], str]:
    by_form = {word.casefold(): word for word in words}

    def read(text: str) -> str:
        word = by_form.get(text.strip().casefold())
        if word is None:
            raise CellError(f"{text!r:.60} is none of {', '.join(words)}")
        return word

    return read


def _time(text: str) -> Any:
    read = moment(text)
    if read is None:
        raise CellError(f"{text!r:.60} is no time: write one such as 2026-03-02T08:00:00Z")
    return read


def _draws(text: str) -> tuple[int, ...]:
    words = text.replace(",", " ").split()
    try:
        return checked(whole(word.lstrip("0")) or 0 for word in words)
    except ValueError:
        told = f"{text!r:.60} are no whole numbers from 1 to 100: write them as 30 71"
        raise CellError(told) from None


def _patch(text: str) -> Mapping[str, Any]:
    try:
        patch = json.loads(text)
    except (ValueError, RecursionError):
        patch = None
    if not isinstance(patch, dict):
        raise CellError('is no JSON object: write what changes, as {"queues": null}')
    return patch


def _reasons(text: str) -> tuple[str, ...]:
    reasons = tuple(filter(None, map(str.strip, text.split("|"))))
    if not reasons:
        raise CellError(f"{text!r:.60} names no reason: write one such as CONTACT_FLOW_DISCONNECT")
    return reasons


COLUMNS: Mapping[str, _Column] = {
    "case": _Column("the name of the case; an empty cell belongs to the case above"),
    "note": _Column("anything; it is not read"),
    "display_name": _Column("the customer's name; `Customer` if empty"),
    "initial_message": _Column("what the customer says with the start of the chat"),
    "now": _Column("when it begins, such as `2026-03-02T08:00:00Z`", _time),
    "draws": _Column("what distributions by percentage draw, such as `30 71`", _draws),
    "world_patch": _Column("what is otherwise in the world, as JSON", _patch),
    "silence_seconds": _Column("how long the customer is silent, before what they say", _seconds),
    "says": _Column("what the customer says"),
    "chooses": _Column("what they choose: the title of a button, or the action of a view"),
    "speaker": _Column("who has to say it: FLOW, PROMPT, BOT or AGENT", _one_of(*SPEAKERS)),
    "equals": _Column("the whole text that has to come"),
    "contains": _Column("a part of the text that has to come"),
    "matches": _Column("a regular expression that is found in it", _pattern),
    "within_seconds": _Column("it comes so soon after the customer's last message", _seconds),
    "end_state": _Column("how it stands at the end: ended, queued or open", _one_of(*_STATES)),
    "end_reason": _Column("its DisconnectReason; several with `|` between them", _reasons),
    "queue": _Column("the name of the queue that it comes to"),
}
"""Every column but those that begin with `ATTRIBUTES`, `AFTER` or `FIELDS`."""


def family(column: str) -> str | None:
    """What a column begins with that is followed by a name; None if it is none of those.

    Example:
        >>> family("attributes.plan"), family("says")
        ('attributes.', None)
    """
    for prefix in (AFTER, ATTRIBUTES, FIELDS):
        if column.startswith(prefix) and len(column) > len(prefix):
            return prefix
    return None


def cell(column: str, value: object) -> Any:
    """Read a cell; None if it is empty.

    Args:
        column: The column's name.
        value: The cell, as a plain value.

    Raises:
        CellError: It cannot be used.

    Example:
        >>> cell("within_seconds", "5"), cell("says", 10), cell("equals", " ")
        (5.0, '10', None)
    """
    text = _text(value)
    if not text.strip():
        return None
    if why := why_not_stored(text):
        raise CellError(why)
    if family(column) == AFTER:
        return _WORDS.get(text.strip(), text)
    return COLUMNS[column].read(text) if column in COLUMNS else text


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, UnreadableCell):
        raise CellError(value.reason)
    try:
        return printed(value)
    except (UnprintableError, ValueError):
        raise CellError(f"is a {type(value).__name__}: write a text") from None
