"""The unknown starts of a worker: whom its run comes back to, and when. No waiting, no I/O.

A call that ended in silence may have made a chat, which Amazon forgets if nobody joins it. The same
token finds it again, so the run asks again and again, after longer and longer pauses, and once more
before it ends.
"""

from dataclasses import dataclass, replace

from connect_tasks.ledger.contact import Contact, Status

__all__ = ["UnknownStarts"]


@dataclass(frozen=True, slots=True)
class _Left:
    contact: Contact
    left_at: float
    due_at: float


class UnknownStarts:
    """Contacts that a worker holds though nobody knows what came of them.

    Args:
        first_seconds: The pause before it comes back to one for the first time.
        longest_seconds: The longest pause; each is twice as long as the one before.
    """

    def __init__(self, *, first_seconds: float, longest_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._left: dict[int, _Left] = {}
        self._pauses: dict[int, float] = {}
        self._is_ending = False
        self._had_last_try: set[int] = set()

    @property
    def contacts(self) -> list[Contact]:
        """Those that it will come back to, if it lasts."""
        return [left.contact for left in self._left.values()]

    def leave(self, contact: Contact, now: float) -> None:
        """A start ended without an answer, at this time in monotonic seconds."""
        pause = self._pauses.get(contact.id, self._first_seconds)
        self._pauses[contact.id] = min(self._longest_seconds, pause * 2)
        self._left[contact.id] = _Left(contact, now, now + pause)

    def ended(self, contact: Contact) -> None:
        """A pipeline has ended. If it came further, the run goes on: no try was the last one."""
        if contact.status is not Status.UNKNOWN:
            self._is_ending = False
            self._had_last_try.clear()

    def take_due(self, now: float) -> list[Contact]:
        """Those whose pause is over; they are not held here any more."""
        due = [left.contact for left in self._left.values() if left.due_at <= now]
        for contact in due:
            del self._left[contact.id]
            if self._is_ending:
                self._had_last_try.add(contact.id)
        return due

    def seconds_left(self, now: float) -> float | None:
        """Until the next pause is over; None if there is nobody to come back to."""
        due = [left.due_at for left in self._left.values()]
        return max(0.0, min(due) - now) if due else None

    def give_up(self) -> bool:
        """Leave them all to another run; whether there were any."""
        given_up = bool(self._left)
        self._left.clear()
        return given_up

    def hurry(self) -> bool:
        """Nothing else is left to do: come back to each once more, after a first pause at most.

        Again, it shortens no pause further.

        Returns:
            Whether there is anybody who has not had this last try.
        """
        self._is_ending = True
        hurried = self._left.keys() - self._had_last_try
        for id_ in hurried:
            left = self._left[id_]
            due_at = min(left.due_at, left.left_at + self._first_seconds)
            self._left[id_] = replace(left, due_at=due_at)
        return bool(hurried)
