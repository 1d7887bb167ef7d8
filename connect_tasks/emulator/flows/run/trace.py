"""The way that a contact takes through its flows, action by action."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["TraceEntry", "shorten"]

_FIRST, _LAST = 500, 1_500
"""Entries of a long way that are kept: how it began, and where it has come to."""


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One action that a contact came through.

    Attributes:
        flow: Name of the flow.
        identifier: The action.
        type: Its type.
        result: The branch that it took, by its label in the document; how it ended the flow where
            it did.
        next_action: The action that it led to; None where the flow is over.
        at: When it was done.
        detail: What came of it: why it failed, what was compared.
    """

    flow: str
    identifier: str
    type: str
    result: str
    next_action: str | None
    at: datetime
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.way} ({self.detail})" if self.detail else self.way

    @property
    def way(self) -> str:
        """The action and where it led, in a line that has nothing of the customer."""
        leads = f" -> {self.next_action}" if self.next_action else ""
        return f"{self.flow}: {self.identifier} ({self.type}) {self.result}{leads}"


def shorten(trace: list[TraceEntry]) -> int:
    """Leave out the middle of a trace that is too long, in place.

    Returns:
        How many entries were left out.
    """
    surplus = max(0, len(trace) - _FIRST - _LAST)
    del trace[_FIRST : _FIRST + surplus]
    return surplus
