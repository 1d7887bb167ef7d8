"""The onlooker: our side of a chat that a person has. It says nothing, and listens to the end."""

import math
from datetime import datetime

from connect_tasks.aws.transcript import Item
from connect_tasks.chat.dialogue import EndReason, Finish, Step, Wait

__all__ = ["Onlooker"]


class Onlooker:
    """What our side does in a chat where it only listens: wait, until the chat has ended.

    In place of a `Dialogue`, for a `ChatSession` that nobody speaks in for us.
    """

    def __init__(self) -> None:
        self._ended = False

    def begin(self, now: float) -> None:
        """Our socket is there; nothing follows from it."""

    def observe(self, item: Item, now: float) -> None:  # noqa: ARG002 - as a dialogue's
        """Take an item in: each one once."""
        self._ended = self._ended or item.is_end

    def next_step(self, now: float) -> Step:  # noqa: ARG002 - as a dialogue's
        """Finish once the chat has ended, and wait until then."""
        return Finish(EndReason.CHAT_ENDED) if self._ended else Wait(math.inf)

    def sent(self, now: float, said_at: datetime | None = None) -> None:
        """Never called: it says nothing."""
