"""Turns: whose call is made next when many wait for one quota. Chats that live go first.

The rules of this file:

- A more urgent turn goes before all others; those of one urgency go first come, first served.
- A turn whose own time has come is urgent as well (`Turn.urgent_at`): from then on it and the turns
  of live chats go alternately. So neither starves the other, and nobody who came later overtakes
  either of them but by that alternation.
"""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

__all__ = ["CAN_WAIT", "Ticket", "Turn", "TurnQueue", "Urgency"]


class Urgency(IntEnum):
    """What a call is for, the most urgent first."""

    LIVE = 0
    """A chat that is going on: each second without this call is missed."""
    WAITING = 1
    """A chat that exists and that nobody has joined: it ends by itself when its window is over."""
    NEW = 2
    """Nobody notices that it waits: a chat that is not started yet."""
    QUIET = 3
    """Looking whether something was missed where nothing seems to be."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody waits for in a queue.

    Args:
        urgency: What the call is for.
        urgent_at: From when on, in monotonic seconds, it is as urgent as the call of a live chat.
    """

    urgency: Urgency = Urgency.NEW
    urgent_at: float = math.inf


CAN_WAIT = Turn()
"""The turn of what nobody notices that it waits."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One's place in a queue."""

    urgency: Urgency
    number: int
    urgent_at: float
    is_open: bool = field(default=True, init=False)
    is_aged: bool = field(default=False, init=False)

    @property
    def is_urgent(self) -> bool:
        """Whether a live chat, or one that will soon be lost, waits with it."""
        return self.is_aged or self.urgency is Urgency.LIVE


class TurnQueue:
    """A queue in which live chats go first; it decides, and waits for nothing.

    Its length is how many wait in it, and `urgent` how many of them are urgent.
    """

    def __init__(self) -> None:
        self._by_urgency: list[tuple[int, int, Ticket]] = []
        self._by_age: list[tuple[float, int, Ticket]] = []
        self._aged: list[tuple[int, Ticket]] = []
        self._aged_went_last = False
        self._numbers = 0
        self._length = 0
        self.urgent = 0

    def __len__(self) -> int:
        return self._length

    def add(self, turn: Turn) -> Ticket:
        """Queue up."""
        self._numbers += 1
        ticket = Ticket(turn.urgency, self._numbers, turn.urgent_at)
        heapq.heappush(self._by_urgency, (ticket.urgency, ticket.number, ticket))
        if ticket.urgency is not Urgency.LIVE and ticket.urgent_at < math.inf:
            heapq.heappush(self._by_age, (ticket.urgent_at, ticket.number, ticket))
        self._length += 1
        self.urgent += ticket.is_urgent
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give up one's place; a second time, or once it was one's turn, it does nothing."""
        if ticket.is_open:
            self._close(ticket)

    def first(self, now: float) -> Ticket | None:
        """Whose turn it is at this time; None if nobody waits."""
        self.age(now)
        _drop_closed(self._aged)
        while self._by_urgency and not _is_in_order(self._by_urgency[0][-1]):
            heapq.heappop(self._by_urgency)
        ordered = self._by_urgency[0][-1] if self._by_urgency else None
        if not self._aged:
            return ordered
        live_is_next = ordered is not None and ordered.is_urgent and self._aged_went_last
        return ordered if live_is_next else self._aged[0][-1]

    def take(self, now: float) -> Ticket | None:
        """Let whoever's turn it is go."""
        ticket = self.first(now)
        if ticket is not None:
            self._aged_went_last = ticket.is_aged
            self._close(ticket)
        return ticket

    def pass_by(self, turn: Turn, now: float) -> None:
        """Let somebody go who has not queued up, which only an empty queue may be asked for."""
        self._aged_went_last = turn.urgency is not Urgency.LIVE and turn.urgent_at <= now

    def age(self, now: float) -> None:
        """Make urgent what has become so by this time."""
        for ticket in self._come_of_age(now):
            ticket.is_aged = True
            self.urgent += 1
            heapq.heappush(self._aged, (ticket.number, ticket))

    def _come_of_age(self, now: float) -> Iterator[Ticket]:
        while self._by_age and self._by_age[0][0] <= now:
            ticket = heapq.heappop(self._by_age)[-1]
            if ticket.is_open:
                yield ticket

    def _close(self, ticket: Ticket) -> None:
        ticket.is_open = False
        self._length -= 1
        self.urgent -= ticket.is_urgent


def _is_in_order(ticket: Ticket) -> bool:
    return ticket.is_open and not ticket.is_aged


def _drop_closed(aged: list[tuple[int, Ticket]]) -> None:
    while aged and not aged[0][-1].is_open:
        heapq.heappop(aged)
