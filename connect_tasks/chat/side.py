"""Our side of a chat: what a session needs of whoever decides what our side does."""

from datetime import datetime
from typing import Protocol

from connect_tasks.aws.transcript import Item
from connect_tasks.chat.dialogue import Step

__all__ = ["Side"]


class Side(Protocol):
    """Decides what our side does in one chat, by the items and the time; it does no I/O."""

    def begin(self, now: float) -> None:
        """Our side is connected."""
        ...

    def observe(self, item: Item, now: float) -> None:
        """Take an item in: each one once."""
        ...

    def next_step(self, now: float) -> Step:
        """What to do at this time."""
        ...

    def sent(self, now: float, said_at: datetime | None = None) -> None:
        """Our message is with Amazon."""
        ...
