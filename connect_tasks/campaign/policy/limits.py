"""Limits: the times at which one more contact would be too many.

A limit says that no stretch of its length ever holds more than so many contacts, the begin of the
stretch in it and its end not. Contacts may lie ahead, too: links that may be sent tomorrow.
"""

from collections.abc import Iterable, Iterator, Sequence

from connect_tasks.campaign.policy.communication_limits import CommunicationLimits
from connect_tasks.campaign.policy.instants import microseconds

__all__ = ["Cap", "Limits"]


class Cap:
    """One limit: how many contacts at most in how many microseconds, and its words."""

    __slots__ = ("most", "period", "words")

    def __init__(self, most: int, period: int, words: str) -> None:
        self.most = most
        self.period = period
        self.words = words

    def blocked(self, contacts: Sequence[int]) -> Iterator[tuple[int, int]]:
        """From when until when (exclusive) a contact would be one too many.

        Args:
            contacts: Instants of past and coming contacts, in order.
        """
        for first, last in zip(contacts, contacts[self.most - 1 :], strict=False):
            if last - first < self.period:
                yield last - self.period, first + self.period


class Limits:
    """The limits of a policy.

    Args:
        limits: As the policy has them.
    """

    __slots__ = ("caps",)

    def __init__(self, limits: CommunicationLimits | None) -> None:
        self.caps = tuple(
            Cap(limit.max_count_per_recipient, microseconds(limit.period), str(limit))
            for limit in (limits.limits if limits else ())
        )

    def hit(self, contacts: Sequence[int], now: int) -> list[str]:
        """The words of the limits that forbid a contact now."""
        return [cap.words for cap in self.caps if _holds(cap.blocked(contacts), now)]

    def opens(self, contacts: Sequence[int], since: int) -> int:
        """The first instant, not before another one, at which a contact is allowed."""
        at, before = since, None
        while at != before:
            before = at
            for start, end in self._blocked(contacts):
                if start <= at < end:
                    at = end
        return at

    def closes(self, contacts: Sequence[int], now: int) -> int | None:
        """The next instant at which a contact is not allowed any more; None if none is known."""
        return min((start for start, _ in self._blocked(contacts) if start > now), default=None)

    def _blocked(self, contacts: Sequence[int]) -> Iterator[tuple[int, int]]:
        return (blocked for cap in self.caps for blocked in cap.blocked(contacts))


def _holds(blocked: Iterable[tuple[int, int]], now: int) -> bool:
    return any(start <= now < end for start, end in blocked)
