"""The calls of a hand-over's function: each in a thread of its own, none in the worker's loop.

The rules of this file:

- Whatever the function does, it holds up nobody else: it may block, hang for ever, or raise what
  would end a thread, a loop or a process.
- Async functions share a loop, as they may share a client. Where one of them blocks it, those that
  have not begun yet go on in loops of their own.
- Of an error only its class's name is kept: its text may hold the customer's data.
- A call that nobody waits for any more goes on in its thread, as Python cannot end one. Of those
  there is a limit, and none of them keeps the process from ending.
"""

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, Self

from connect_tasks.campaign.hand_over.started_chat import HandOver, StartedChat
from connect_tasks.errors import CampaignWideError

__all__ = ["HandOverCalls"]

_log = logging.getLogger(__name__)

_RESPONSIVE_SECONDS = 1.0
"""How soon the loop that all share must begin a call: one that works takes milliseconds."""


class HandOverCalls:
    """Calls the function, and keeps count of how that goes.

    To be used in one event loop; all methods may be called concurrently there.

    Args:
        function: Gives a chat to its customer, or raises.
    """

    MOST_STUCK = 100
    """How many calls may go on that nobody waits for any more."""
    MOST_IN_A_ROW = 50
    """After how many failures in a row the function, and not a customer's chat, is at fault."""

    def __init__(self, function: HandOver) -> None:
        self._function = function
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._stuck = 0
        self._in_a_row = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the loop of async functions; calls that go on in threads end by themselves."""
        if self._own_loop is not None:
            self._own_loop.call_soon_threadsafe(self._own_loop.stop)
            self._own_loop = None

    def check(self) -> None:
        """Make sure that the function is worth another chat; again, it looks again.

        Raises:
            CampaignWideError: It failed too often in a row, or too many of its calls hang.
        """
        if self._in_a_row >= self.MOST_IN_A_ROW:
            raise CampaignWideError(
                f"the hand-over's function failed for {self._in_a_row} chats in a row, so it is "
                "asked no more",
                code="HandOverFails",
            )
        if self._stuck >= self.MOST_STUCK:
            raise CampaignWideError(
                f"{self._stuck} calls of the hand-over's function have never returned",
                code="HandOverHangs",
            )

    def ended(self, *, handed_over: bool) -> None:
        """A chat was given to its customer, or was not and never will be."""
        self._in_a_row = 0 if handed_over else self._in_a_row + 1

    async def call(self, chat: StartedChat) -> str | None:
        """Call the function with a chat.

        Returns:
            None if it returned; else the name of what it raised.

        Concurrent calls go on beside each other. Cancelled, nobody waits for it any more: an async
        function is cancelled too, any other goes on in its thread, and a word in the log tells when
        it returns.
        """
        call = _Call(self._function, chat, asyncio.get_running_loop(), self._loop_of_its_own)
        # Not a pool's: a process that ends waits for a pool's threads, and would for ever.
        threading.Thread(target=call.run, name="hand-over", daemon=True).start()
        try:
            return await call.outcome
        except asyncio.CancelledError:
            self._stuck += 1
            call.abandon(self._unstuck)
            raise

    def _unstuck(self) -> None:
        self._stuck -= 1

    def _loop_of_its_own(self) -> asyncio.AbstractEventLoop:
        """One loop for all async calls, so that they can share a client; not the worker's."""
        with self._lock:
            if self._own_loop is None:
                self._own_loop = _loop_in_a_thread()
            return self._own_loop


class _Call:
    """One call, in a thread; its outcome belongs to the loop of whoever waits for it."""

    def __init__(
        self,
        function: HandOver,
        chat: StartedChat,
        loop: asyncio.AbstractEventLoop,
        own_loop: Any,
    ) -> None:
        self._function = function
        self._chat = chat
        self._loop = loop
        self._own_loop = own_loop
        self._awaited: Future[str | None] | None = None
        self._abandoned: Any = None
        self.outcome: asyncio.Future[str | None] = loop.create_future()

    def run(self) -> None:
        outcome = self._outcome()
        # The run may have ended long ago, and its loop with it.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, outcome)

    def abandon(self, then: Any) -> None:
        """Nobody waits any more; `then` is called once it has ended after all."""
        self._abandoned = then
        if self._awaited is not None:
            self._awaited.cancel()

    def _outcome(self) -> str | None:
        try:
            returned = self._function(self._chat)
            return self._error_of(returned) if inspect.isawaitable(returned) else None
        except BaseException as error:  # noqa: BLE001 - SystemExit is its failure too, not our end
            return type(error).__name__

    def _error_of(self, returned: Awaitable[object]) -> str | None:
        turn = _Turn()
        self._awaited = asyncio.run_coroutine_threadsafe(
            _error_in_turn(returned, turn), self._own_loop()
        )
        if turn.is_taken_within(_RESPONSIVE_SECONDS) or not turn.take():
            return self._awaited.result()
        if self._abandoned is not None:
            if inspect.iscoroutine(returned):
                returned.close()  # Or Python would complain that nobody awaited it.
            return asyncio.CancelledError.__name__
        return self._error_alone(returned)

    def _error_alone(self, returned: Awaitable[object]) -> str | None:
        loop = _loop_in_a_thread()
        try:
            self._awaited = asyncio.run_coroutine_threadsafe(_error_of(returned), loop)
            return self._awaited.result()
        finally:
            loop.call_soon_threadsafe(loop.stop)

    def _tell(self, outcome: str | None) -> None:
        if self._abandoned is None:
            self.outcome.set_result(outcome)
            return
        self._abandoned()
        if outcome is None:
            _log.warning(
                "contact %s: the hand-over's function returned after its chat was given up",
                self._chat.contact_id,
            )


class _Turn:
    """Who works on a call: the loop of all of them, or one of its own; the first that takes it."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self._is_taken = threading.Event()

    def take(self) -> bool:
        """Take it; whether it was free."""
        is_ours = self._free.acquire(blocking=False)
        if is_ours:
            self._is_taken.set()
        return is_ours

    def is_taken_within(self, seconds: float) -> bool:
        """Wait for somebody to take it."""
        return self._is_taken.wait(seconds)


def _loop_in_a_thread() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    run = partial(_run_to_its_end, loop)
    threading.Thread(target=run, name="hand-over loop", daemon=True).start()
    return loop


def _run_to_its_end(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=1))
    loop.close()


async def _error_in_turn(awaitable: Awaitable[object], turn: _Turn) -> str | None:
    return await _error_of(awaitable) if turn.take() else None


async def _error_of(awaitable: Awaitable[object]) -> str | None:
    try:
        await awaitable
    except BaseException as error:  # noqa: BLE001 - raised on, some would end the loop of all calls
        return type(error).__name__
    return None
