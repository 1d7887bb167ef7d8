"""A case: one conversation with a flow, and what has to come of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_tasks.campaign.answers.said import INTERACTIVE, said
from connect_tasks.chat.template.utterance import After
from connect_tasks.emulator.flows.rehearsal import Line
from connect_tasks.testing.expected_file import ExpectedEnd, StandsFor
from connect_tasks.testing.script import Script

__all__ = ["SPEAKERS", "Case", "ExpectedLine", "Turn", "shown"]

SPEAKERS = ("FLOW", "PROMPT", "BOT", "AGENT")
"""Who the other side can be. The text of a bot's block is PROMPT, and goes for FLOW and BOT."""

_ONE_SIDE = frozenset({"FLOW", "PROMPT", "BOT"})


def shown(text: str) -> str:
    """A line as people read it: of buttons, lists and views what they ask.

    Example:
        >>> shown('{"templateType": "QuickReply", "data": {"content": {"title": "Why?"}}}')
        'Why?'
    """
    if not text.startswith("{") or '"templateType"' not in text:
        return text
    return said({"type": "MESSAGE", "content_type": INTERACTIVE, "content": text}) or text


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedLine:
    """A line that the other side has to say; all that is given must hold of the same line.

    Attributes:
        speaker: Who says it; anybody if None.
        equals: The whole text.
        contains: A part of the text.
        matches: A pattern that is found in it.
        within_seconds: At most so long after the customer's last message, or the beginning.
        row: The table's row that says so.
    """

    speaker: str | None = None
    equals: str | None = None
    contains: str | None = None
    matches: After | None = None
    within_seconds: float | None = None
    row: int | None = None

    def is_met_by(self, line: Line) -> bool:
        """Whether it is this line, whenever that came."""
        return self._is_said_by(line.speaker) and any(
            map(self._fits, {line.text, shown(line.text)})
        )

    def _is_said_by(self, speaker: str) -> bool:
        if self.speaker in {None, speaker}:
            return True
        return "PROMPT" in {self.speaker, speaker} and {self.speaker, speaker} <= _ONE_SIDE

    def _fits(self, text: str) -> bool:
        return (
            (self.equals is None or text == self.equals)
            and (self.contains is None or self.contains in text)
            and (self.matches is None or self.matches.is_met_by(None, text))
        )

    def __str__(self) -> str:
        parts = [
            self.equals,
            self.contains and f"contains {self.contains!r}",
            self.matches and f"matches {self.matches.pattern!r}",
            self.within_seconds is not None and f"within {self.within_seconds:g} s",
        ]
        told = " and ".join(part for part in parts if part) or "anything"
        return f"{self.speaker}: {told}" if self.speaker else told


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the customer says, and what they have to hear then.

    Attributes:
        said: Their message or action; None before they have said anything.
        expected: The lines that must come until they speak again, in order; others may come
            between them.
    """

    said: Any = None
    expected: tuple[ExpectedLine, ...] = ()

    @property
    def text(self) -> str | None:
        """What they say, as the transcript has it."""
        return (
            self.said
            if self.said is None or isinstance(self.said, str)
            else json.dumps(self.said, ensure_ascii=False)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One conversation, and what has to come of it.

    Attributes:
        name: What people call it; each is there once.
        script: What is put into it.
        turns: What is said in it, beginning with what comes before the customer speaks.
        end: How it has to stand at its end; None is not compared.
        attributes_after: Contact attributes afterwards, of those that are compared: texts,
            `CONTACT_ID` and `UNSET`.
        rows: The rows of the table that it was read from.
    """

    name: str
    script: Script
    turns: tuple[Turn, ...] = ()
    end: ExpectedEnd | None = None
    attributes_after: Mapping[str, str | StandsFor] = field(default_factory=dict)
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.name
