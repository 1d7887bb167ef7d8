"""A scripted flow at work, asked for step after step as an exported one is."""

from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta

from connect_tasks.emulator.flows.steps import Dialogue, End, Step

__all__ = ["ScriptedRun"]


class ScriptedRun:
    """Everything that a script says and does in one chat.

    Args:
        dialogue: The script.
        patience: Seconds that it waits for the customer's next message; for ever if None.

    Attributes:
        due: When its patience ends; None while it is not waiting, or waits for ever.
        listens: Never before its first utterance: what is said by then is lost on it.
    """

    def __init__(self, dialogue: Dialogue, patience: float | None = None) -> None:
        self.due: datetime | None = None
        self.listens = False
        self._dialogue = dialogue
        self._patience = patience
        self._steps: deque[Step] = deque()
        self._has_begun = False

    def advance(self, now: datetime) -> Step | None:
        """The next step; None when the customer has to say something first."""
        if not self._has_begun:
            self._has_begun = True
            self._steps.extend(next(self._dialogue))
        if self._steps:
            return self._steps.popleft()
        if self.due is not None and self.due <= now:
            self.due = None
            return End("CONTACT_FLOW_DISCONNECT")
        if self.due is None and self._patience is not None:
            self.due = now + timedelta(seconds=self._patience)
        return None

    def hear(self, text: str) -> None:
        """The customer says something; nobody answers once the script is over."""
        self.due = None
        with suppress(StopIteration):
            self._steps.extend(self._dialogue.send(text))
