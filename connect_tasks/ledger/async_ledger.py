"""The async ledger: waits while its database is out of reach; nothing goes on unrecorded."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.errors import LedgerUnreachableError
from connect_tasks.ledger.store import Ledger

__all__ = ["AsyncLedger"]

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class AsyncLedger:
    """Makes a ledger's calls in its own thread, again and again while it cannot be reached.

    Whoever waits for a call is held up by that: a chat is started only after its record is on disk,
    however long that takes. A call may have taken effect before the connection broke, so each one
    that is made through here can be made twice.

    Args:
        ledger: The ledger.
        executor: The one thread for its calls.
        clock: Tells the time and waits.
        patience_seconds: How long to wait for the database before giving up.
    """

    FIRST_WAIT_SECONDS = 0.1
    LONGEST_WAIT_SECONDS = 5.0

    def __init__(
        self, ledger: Ledger, executor: Executor, clock: Clock, *, patience_seconds: float = 300
    ) -> None:
        self._ledger = ledger
        self._executor = executor
        self._clock = clock
        self._patience_seconds = patience_seconds
        self.outages = 0

    async def run(self, call: Callable[[Ledger], Result]) -> Result:
        """Make a call.

        Concurrent calls are made one after another, in the order in which they were asked for.
        Cancelling gives up the waiting: a call that has begun goes on to its end in its thread,
        and may have taken effect.

        Raises:
            LedgerUnreachableError: The database did not come back in time.
            LedgerError: It answered that the call cannot be done.
        """
        began, wait = self._clock.monotonic(), self.FIRST_WAIT_SECONDS
        while True:
            try:
                return await self._once(call)
            except LedgerUnreachableError as error:
                self._give_up_or_tell(error, began, first=wait == self.FIRST_WAIT_SECONDS)
            await self._clock.sleep(wait)
            wait = min(self.LONGEST_WAIT_SECONDS, wait * 2)

    def hurry(self) -> None:
        """Wait for nothing from now on: the campaign is over or was interrupted."""
        self._patience_seconds = 0

    async def _once(self, call: Callable[[Ledger], Result]) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, call, self._ledger)

    def _give_up_or_tell(self, error: LedgerUnreachableError, began: float, *, first: bool) -> None:
        if self._clock.monotonic() - began >= self._patience_seconds:
            raise error
        if first:
            self.outages += 1
            _log.warning("%s Waiting up to %.0f s.", error, self._patience_seconds)
