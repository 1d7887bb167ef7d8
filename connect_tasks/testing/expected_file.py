"""Expected files: conversations with a flow, and what has to come of each.

What a file leaves out is not compared, and members that are not known here are passed over, but
for slips of the pen: a file may say more than this version understands. What cannot be read is
told, all at once, with its place; a conversation that cannot be read keeps no other from being
played.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any

from connect_tasks.testing.members import Members, as_text
from connect_tasks.testing.script import Script

__all__ = [
    "CONTACT_ID",
    "UNSET",
    "ExpectedConversation",
    "ExpectedEnd",
    "ExpectedFile",
    "StandsFor",
    "read_expected",
]


class StandsFor(Enum):
    """What stands in a file or table for what cannot be written there."""

    CONTACT_ID = "contact id"
    UNSET = "unset"


CONTACT_ID = StandsFor.CONTACT_ID
"""Stands for the contact's own id, which nobody knows beforehand."""

UNSET = StandsFor.UNSET
"""Stands for an attribute that must not be set."""

_STATES = ("ended", "queued", "open")
_MEMBERS = (
    "name",
    "displayName",
    "attributes",
    "initialMessage",
    "now",
    "draws",
    "worldPatch",
    "customer",
    "lines",
    "end",
    "attributesAfter",
    "inferred",
)
_CLOSE = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEnd:
    """How a conversation has to stand at its end; None is not compared.

    Attributes:
        state: `ended`, `queued` or `open`.
        reasons: DisconnectReasons, one of which it must be.
        queue: The name of the queue that it came to.
    """

    state: str | None = None
    reasons: tuple[str, ...] | None = None
    queue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedConversation:
    """One conversation and what has to come of it; None is not compared.

    Attributes:
        name: What people call it.
        script: What is put into it.
        lines: Speaker and text of every line, in order.
        end: How it stands at the end.
        attributes_after: All contact attributes afterwards: texts, or `CONTACT_ID`.
        problems: Why it cannot be played; empty as a rule.
    """

    name: str
    script: Script
    lines: tuple[tuple[str, str], ...] | None = None
    end: ExpectedEnd | None = None
    attributes_after: Mapping[str, str | StandsFor] | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFile:
    """A file of expected conversations.

    Attributes:
        path: Where it is.
        flow: The file of the flow.
        world: The file of the world; None if there is none.
        conversations: Its conversations, in order.
        problems: What is wrong with the file as a whole; nothing of it can be played then.
    """

    path: Path
    flow: Path | None = None
    world: Path | None = None
    conversations: tuple[ExpectedConversation, ...] = ()
    problems: tuple[str, ...] = ()


def read_expected(path: Path) -> ExpectedFile:
    """Read a file of expected conversations; nothing is raised, what is wrong is in `problems`.

    Args:
        path: The file. The paths in it are relative to its folder.

    Example:
        ```python
        for conversation in read_expected(Path("survey.expected.json")).conversations:
            print(conversation.name)
        ```
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return ExpectedFile(path=path, problems=(f"{path}: cannot be read: {error.strerror}",))
    except UnicodeDecodeError:
        return ExpectedFile(path=path, problems=(f"{path}: is no text in UTF-8",))
    except (ValueError, RecursionError) as error:
        return ExpectedFile(path=path, problems=(f"{path}: is no JSON: {error}",))
    if not isinstance(document, Mapping):
        rule = 'has no object at the top: write {"flow": …, "conversations": […]}'
        return ExpectedFile(path=path, problems=(f"{path}: {rule}",))
    return _file(path, Members(str(path), document))


def _file(path: Path, read: Members) -> ExpectedFile:
    flow, world = read.text("flow"), read.text("world")
    if flow is None and not read.problems:
        read.complain("flow", "is missing: name the flow's file")
    conversations = read.members.get("conversations")
    if not isinstance(conversations, list):
        read.complain("conversations", "is missing or no list: write at least one")
        conversations = []
    elif not conversations:
        read.complain("conversations", "is empty: write at least one")
    return ExpectedFile(
        path=path,
        flow=None if flow is None else path.parent / flow,
        world=None if world is None else path.parent / world,
        conversations=tuple(
            _conversation(path, number, one) for number, one in enumerate(conversations, 1)
        ),
        problems=tuple(read.problems),
    )


def _conversation(path: Path, number: int, document: object) -> ExpectedConversation:
    name = f"conversation {number}"
    if not isinstance(document, Mapping):
        problem = f"{path}: {name}: is no object in braces"
        return ExpectedConversation(name=name, script=Script(), problems=(problem,))
    name = as_text(document.get("name")) or name
    read = Members(f"{path}: {name!r}", document)
    script = Script(
        display_name=read.text("displayName", "Customer") or "Customer",
        attributes=read.texts("attributes"),
        initial_message=read.text("initialMessage"),
        now=read.time("now"),
        draws=read.numbers("draws"),
        world_patch=read.object("worldPatch"),
        customer=tuple(_deeds(read)),
    )
    lines, end, after = _lines(read), _end(read), _attributes_after(read)
    _look_for_slips(read)
    return ExpectedConversation(
        name=name,
        script=script,
        lines=lines,
        end=end,
        attributes_after=after,
        problems=tuple(read.problems),
    )


def _look_for_slips(read: Members) -> None:
    """What is misspelt is not compared, so that its conversation could not fail."""
    missing = {name.casefold(): name for name in _MEMBERS if name not in read.members}
    for name in read.members:
        meant = get_close_matches(name.casefold(), missing, n=1, cutoff=_CLOSE)
        if name not in _MEMBERS and meant:
            read.complain(name, f"is not known; did you mean {missing[meant[0]]!r}?")


def _deeds(read: Members) -> Sequence[Any]:
    deeds: list[Any] = []
    for item in read.items("customer"):
        text = as_text(item)
        if text is not None:
            deeds.append(text)
        elif not isinstance(item, Mapping) or not {"silence", "action", "Action"} & item.keys():
            rule = f'holds {item!r:.60}: write texts, {{"silence": 61}} or {{"action": …}}'
            read.complain("customer", rule)
        else:
            deeds.append(_deed(read, item))
    return deeds


def _deed(read: Members, item: Mapping[str, Any]) -> Mapping[str, Any]:
    if "silence" not in item:
        return item
    try:
        seconds = float(item["silence"])
    except (TypeError, ValueError, OverflowError):
        seconds = -1
    if not 0 <= seconds < float("inf"):
        read.complain("customer", f"is silent for {item['silence']!r:.60}: write seconds, as 61")
        seconds = 0
    return {"silence": seconds}


def _lines(read: Members) -> tuple[tuple[str, str], ...] | None:
    if read.members.get("lines") is None:
        return None
    lines = []
    for number, item in enumerate(read.items("lines"), 1):
        line = _line(item)
        if line is None:
            read.complain(f"lines[{number}]", 'is no line: write ["FLOW", "Hello"]')
        else:
            lines.append(line)
    return tuple(lines)


def _line(item: object) -> tuple[str, str] | None:
    if isinstance(item, Mapping):
        item = [item.get("speaker"), item.get("text")]
    if not isinstance(item, list) or len(item) != 2:  # noqa: PLR2004 - speaker and text
        return None
    speaker, text = as_text(item[0]), as_text(item[1])
    return None if speaker is None or text is None else (speaker.strip().upper(), text)


def _end(read: Members) -> ExpectedEnd | None:
    given = read.members.get("end")
    if isinstance(given, str):
        given = {"state": given}
    if given is not None and not isinstance(given, Mapping):
        read.complain("end", 'is no object in braces: write {"state": "ended"}')
    if not isinstance(given, Mapping):
        return None
    inner = Members(f"{read.place}: end", given, read.problems)
    state = inner.text("state")
    if state is not None and state not in _STATES:
        inner.complain("state", f"is {state!r}: write one of {', '.join(_STATES)}")
    reasons = [as_text(reason) for reason in inner.items("reason")]
    if None in reasons:
        inner.complain("reason", "is neither a text nor a list of texts")
    told = tuple(reason for reason in reasons if reason)
    return ExpectedEnd(state=state, reasons=told or None, queue=inner.text("queue"))


def _attributes_after(read: Members) -> Mapping[str, str | StandsFor] | None:
    given = read.object("attributesAfter")
    if given is None:
        return None
    after: dict[str, str | StandsFor] = {}
    for name, value in given.items():
        text = as_text(value)
        if text is not None:
            after[name] = text
        elif value == {"$is": "contactId"}:
            after[name] = CONTACT_ID
        else:
            read.complain(f"attributesAfter.{name}", 'is neither a text nor {"$is": "contactId"}')
    return after
