"""Contacts that have ended: whole up to a number of them; the oldest beyond it are forgotten."""

import logging
from collections import deque
from collections.abc import Callable

__all__ = ["Forgetting"]

_log = logging.getLogger(__name__)


class Forgetting:
    """Counts the contacts that have ended.

    Args:
        most: How many are kept whole.
        forget: Forgets all of a contact, by its id, but what a restart would leave of it.

    Attributes:
        count: How many have been forgotten.
    """

    def __init__(self, most: int, forget: Callable[[str], None]) -> None:
        self.count = 0
        self._most = most
        self._forget = forget
        self._ended: deque[str] = deque()

    def add(self, contact_id: str) -> None:
        """A contact has ended; if it is one too many, the one that ended first is forgotten."""
        self._ended.append(contact_id)
        while len(self._ended) > self._most:
            self._tell()
            self._forget(self._ended.popleft())
            self.count += 1

    def _tell(self) -> None:
        if self.count == 0:
            _log.warning(
                "More than %d contacts have ended. Of those that ended first, ids, times and "
                "reasons are kept, and no transcript, attribute or token; "
                "LocalLimits.ended_contacts is the number.",
                self._most,
            )
