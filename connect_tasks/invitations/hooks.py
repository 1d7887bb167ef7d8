"""Hooks: who is told of a chat that a press started. What they do delays nobody's answer.

A call that takes too long is waited for no more. In its thread it goes on, as Python cannot end
one: of those there is a limit, and none of them keeps the server from ending.
"""

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
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


class _RaisedError(Exception):
    """The function raised; it says what kind of error."""


OnStarted: TypeAlias = Callable[[StartedByPress], object]
"""Is told of each chat that was started; may be async. What it returns is ignored."""


class Hook:
    """Calls a function of the user's own, a few at a time, beside everything else.

    Args:
        function: It; None tells nobody.
    """

    MOST_AT_ONCE = 4
    MOST_WAITING = 1_000
    MOST_THREADS = 50
    CALL_SECONDS = 60.0
    END_SECONDS = 5.0

    def __init__(self, function: OnStarted | None) -> None:
        self._function = function
        self._places = asyncio.Semaphore(self.MOST_AT_ONCE)
        self._calls: set[asyncio.Task[None]] = set()
        self._threads = 0

    def tell(self, contact: Contact) -> None:
        """Tell of a chat that was started, once, and wait for nothing.

        If a thousand are waiting to be told, or fifty of its calls hang, the function is too slow,
        and this one is left out.
        """
        if self._function is None:
            return
        if len(self._calls) >= self.MOST_WAITING:
            _left_out(contact)
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
            if late:
                _log.warning("on_started is too slow: %d calls are not waited for", len(late))

    async def _call(self, function: OnStarted, contact: Contact) -> None:
        async with self._places:
            if self._threads >= self.MOST_THREADS:
                _left_out(contact)
                return
            try:
                async with asyncio.timeout(self.CALL_SECONDS):
                    await self._called(function, StartedByPress.of(contact))
            except _RaisedError as error:
                _log.warning("on_started failed for %s: %s", contact.id, error)
            except Exception as error:  # noqa: BLE001 - what a user's function raises is not the customer's fault
                # Without its text, which may hold what the function was doing.
                _log.warning("on_started failed for %s: %s", contact.id, type(error).__name__)

    async def _called(self, function: OnStarted, started: StartedByPress) -> None:
        call = _Call(function, started, self._ended)
        self._threads += 1
        # Not a pool's: a process that ends waits for a pool's threads, and would for ever.
        threading.Thread(target=call.run, name="on_started", daemon=True).start()
        result = await call.returned
        if inspect.isawaitable(result):
            await result

    def _ended(self) -> None:
        self._threads -= 1


def _left_out(contact: Contact) -> None:
    _log.warning("on_started is too slow: it is not told of contact %s", contact.id)


class _Call:
    """One call, in a thread: a function that is not async may take its time."""

    def __init__(
        self, function: OnStarted, started: StartedByPress, ended: Callable[[], None]
    ) -> None:
        self._function = function
        self._started = started
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self.returned: asyncio.Future[object] = self._loop.create_future()

    def run(self) -> None:
        result, error = None, ""
        try:
            result = self._function(self._started)
        except BaseException as raised:  # noqa: BLE001 - SystemExit is its failure too, not our end
            error = type(raised).__name__
        # The server may have ended long ago, and its loop with it.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, result, error)

    def _tell(self, result: object, error: str) -> None:
        self._ended()
        if self.returned.done():
            return
        if error:
            self.returned.set_exception(_RaisedError(error))
        else:
            self.returned.set_result(result)
