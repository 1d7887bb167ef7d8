"""One phone in one conversation: what arrives there, and what is written back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from connect_tasks.emulator.flows.answers import Answerer, read_question
from connect_tasks.emulator.phones.settings import PhoneKind

__all__ = ["Phone"]

_STOP = "STOP"


@dataclass
class Phone:
    """A phone, as far as one conversation goes.

    Attributes:
        number: Its number, in E.164.
        kind: What becomes of messages to it.
        texts: What is written back, in order; where there is none, questions are answered.
        answers: Gives the answer to a question.
        choice: What answers follow from.
        most_answers: How often something is written back.
        unread: What has arrived and was not reacted to.
        is_at_it: Whether somebody is about to react.
    """

    number: str
    kind: PhoneKind
    texts: Sequence[str]
    answers: Answerer
    choice: Random
    most_answers: int
    unread: list[dict[str, Any]] = field(default_factory=list)
    is_at_it: bool = False
    _written: int = 0
    _has_stopped: bool = False

    def write_back(self) -> str | None:
        """React to all that is unread; None where nothing is written back."""
        arrived, self.unread = self.unread, []
        text = self._text(arrived)
        self._written += text is not None
        return text

    def _text(self, arrived: Sequence[dict[str, Any]]) -> str | None:
        if self._has_stopped or self.kind not in (PhoneKind.ANSWER, PhoneKind.STOP):
            return None
        if self._written < len(self.texts):
            return self.texts[self._written]
        if self.kind is PhoneKind.STOP:
            self._has_stopped = True
            return _STOP
        if self.texts or self._written >= self.most_answers:
            return None
        question = read_question(arrived, customer_id=self.number, number=self._written + 1)
        return None if question is None else self.answers(question, self.choice)
