"""Collected: what one call of collecting brought, what is left, and when to come back."""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Collected"]


@dataclass(slots=True, kw_only=True)
class Collected:
    """What one call brought, and what is left.

    Attributes:
        described: Contacts that Amazon was asked about.
        ended: People's chats that were found to be over.
        followers: Contacts that followed from others and were not known.
        transcripts: Files that were read.
        messages: Items that are new in the ledger.
        unusable: Files that could not be used.
        open: Contacts that go on.
        awaited: Transcripts that Amazon has not written yet, or not so that they can be read whole.
        absent: Contacts without a transcript, for which nobody looks any more.
        problems: What kept something from being collected, one sentence each.
        again_at: When there is something to collect again; None if all is collected.
    """

    described: int = 0
    ended: int = 0
    followers: int = 0
    transcripts: int = 0
    messages: int = 0
    unusable: int = 0
    open: int = 0
    awaited: int = 0
    absent: int = 0
    problems: list[str] = field(default_factory=list)
    again_at: datetime | None = None

    def __str__(self) -> str:
        parts = (
            f"{self.ended:,} chats found over",
            f"{self.transcripts:,} transcripts read, {self.messages:,} items new",
            f"{self.awaited:,} transcripts awaited",
            f"{self.open:,} contacts open",
            f"{self.absent:,} without a transcript",
        )
        again = f"; collect again at {self.again_at:%Y-%m-%d %H:%M} UTC" if self.again_at else ""
        return ", ".join(parts) + again
