"""The turns of the other side: what it has said since our last message, and whether it is done.

Pure: the present time is passed in. What came before what is told by Amazon's own times, as sockets
reorder, and what is said while our message is on its way answers nothing of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from connect_tasks.aws.transcript import Item

__all__ = ["Order", "Turns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Whether anything of the other side came after anything of ours, whatever arrived first.

    Args:
        is_opened: Whether our side has spoken with the start of the chat, before anybody else.
        said_at: When our side spoke first, by Amazon's time.
        heard_at: When the other side spoke last, by Amazon's time.
    """

    is_opened: bool = False
    said_at: datetime | None = None
    heard_at: datetime | None = None

    @property
    def is_answered(self) -> bool:
        """Whether our side has an answer; a greeting before it spoke is none."""
        if self.heard_at is None:
            return False
        return self.is_opened or (self.said_at is not None and self.heard_at > self.said_at)

    def with_said(self, said_at: datetime) -> Self:
        """The same, with a message of ours."""
        return replace(self, said_at=min(said_at, self.said_at or said_at))

    def with_items(self, items: Sequence[Item]) -> Self:
        """The same, with items in any order, also such as were there before."""
        order = self
        for item in items:
            # An answer stays one, whatever else is heard to have come before or after.
            if order.is_answered:
                break
            if item.is_spoken and item.is_ours:
                order = order.with_said(item.absolute_time)
            elif item.is_spoken:
                heard_at = max(item.absolute_time, order.heard_at or item.absolute_time)
                order = replace(order, heard_at=heard_at)
        return order


class Turns:
    """What the other side says in answer to one message of ours after another.

    Its turn is over when it has been quiet for the settle time; several messages within that are
    one turn. Typing after it spoke counts as speaking, for as long as we wait for an answer: who
    types on and says nothing more has had their turn.

    Args:
        settle_seconds: How long it must be quiet; 0 makes each message a turn of its own.
        longest_typing_seconds: How long after its last message typing may extend a turn.
    """

    def __init__(self, settle_seconds: float, longest_typing_seconds: float) -> None:
        self._settle_seconds = settle_seconds
        self._longest_typing_seconds = longest_typing_seconds
        self._heard: list[Item] = []
        self._begin_turns: list[bool] = []
        self._said_at: datetime | None = None
        self._latest: datetime | None = None
        self._spoke_at = -math.inf
        self._typed_at = -math.inf

    @property
    def heard(self) -> Sequence[Item]:
        """What the other side has said since our last message."""
        return self._heard

    @property
    def count(self) -> int:
        """How many turns that was; the last one may be going on."""
        return max(1, sum(self._begin_turns)) if self._heard else 0

    @property
    def over_at(self) -> float:
        """When the turn is over, in monotonic seconds; the past where nothing was said."""
        typing = min(self._typed_at, self._spoke_at + self._longest_typing_seconds)
        return max(self._spoke_at, typing) + self._settle_seconds

    def hear(self, item: Item, now: float) -> None:
        """Take in what the other side said.

        Args:
            item: Each one once; in order of time but for what a socket reordered or lost.
            now: When it arrived, in monotonic seconds.
        """
        if self._said_at is not None and item.absolute_time < self._said_at:
            return
        self._begin_turns.append(self._begins_turn(item, now))
        # What comes late was said before: only the latest is followed by quiet.
        latest = self._latest or item.absolute_time
        if not self._heard or item.absolute_time >= latest:
            self._spoke_at = now
        self._latest = max(latest, item.absolute_time)
        self._heard.append(item)

    def see_typing(self, item: Item, now: float) -> None:
        """Somebody of the other side types: it matters where they have spoken before."""
        if self._latest is not None and item.absolute_time >= self._latest:
            self._typed_at = now

    def speak(self) -> None:
        """It was our turn: from now on an answer to this message is listened for."""
        self._heard, self._begin_turns, self._said_at = [], [], None

    def place(self, said_at: datetime) -> None:
        """By Amazon's time of our message, what was said before it is no answer to it."""
        self._said_at = said_at
        after = [item.absolute_time >= said_at for item in self._heard]
        self._begin_turns = [b for b, keep in zip(self._begin_turns, after, strict=True) if keep]
        self._heard = [item for item, keep in zip(self._heard, after, strict=True) if keep]

    def _begins_turn(self, item: Item, now: float) -> bool:
        if not self._heard or self._latest is None or now >= self.over_at:
            return True
        # Read from a transcript, all arrives at once and nobody is seen typing.
        gap = (item.absolute_time - self._latest).total_seconds()
        return self._typed_at < self._spoke_at and gap >= self._settle_seconds
