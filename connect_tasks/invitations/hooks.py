"""Hooks: who is told of a chat that a press started. What they do delays nobody's answer."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from connect_tasks.ledger.contact import Contact

__all__ = ["Hook", "OnStarted", "StartedByPress"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedByPress:
    """A chat that a press of a link's button started.

    Args:
        campaign: The campaign's name.
        customer_id: The row's id.
        contact_id: Amazon's id of the chat.
        generation: 1, and one more for each chat before that nobody joined.
        started_at: When Amazon's answer came, in UTC.
    """

    campaign: str
    customer_id: str
    contact_id: str
    generation: int
    started_at: datetime | None

    @classmethod
    def of(cls, contact: Contact) -> "StartedByPress":
        """What is told of a contact that was started."""
        return cls(
            campaign=contact.campaign,
            customer_id=contact.customer_id,
            contact_id=str(contact.contact_id),
            generation=contact.generation,
            started_at=contact.started_at,
        )


OnStarted: TypeAlias = Callable[[StartedByPress], object]
"""Is told of each chat that was started; may be async. What it returns is ignored."""


class Hook:
    """Calls a function of the user's own, a few at a time, beside everything else.

    Args:
        function: It; None tells nobody.
    """

    MOST_AT_ONCE = 4
    MOST_WAITING = 1_000
    END_SECONDS = 5.0

    def __init__(self, function: OnStarted | None) -> None:
        self._function = function
        self._places = asyncio.Semaphore(self.MOST_AT_ONCE)
        self._calls: set[asyncio.Task[None]] = set()

    def tell(self, contact: Contact) -> None:
        """Tell of a chat that was started, once, and wait for nothing.

        If a thousand are waiting to be told, the function is too slow, and this one is left out.
        """
        if self._function is None:
            return
        if len(self._calls) >= self.MOST_WAITING:
            _log.warning("on_started is too slow: contact %s is not told", contact.id)
            return
        call = asyncio.ensure_future(self._call(self._function, contact))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def end(self) -> None:
        """Wait a little for those under way; a second or concurrent call does nothing more.

        Cancelled, they go on.
        """
        if self._calls:
            _, late = await asyncio.wait(self._calls, timeout=self.END_SECONDS)
            for call in late:
                call.cancel()

    async def _call(self, function: OnStarted, contact: Contact) -> None:
        async with self._places:
            try:
                # In a thread: one that is not async may take its time.
                result = await asyncio.to_thread(function, StartedByPress.of(contact))
                if inspect.isawaitable(result):
                    await result
            except Exception as error:  # noqa: BLE001 - what a user's function raises is not the customer's fault
                # Without its text, which may hold what the function was doing.
                _log.warning("on_started failed for %s: %s", contact.id, type(error).__name__)
