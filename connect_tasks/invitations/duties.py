"""Duties: what goes on beside the presses while the app runs, whatever goes wrong in it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.errors import CampaignWideError, ConnectTasksError

__all__ = ["Duties"]

_log = logging.getLogger(__name__)


class Duties:
    """Runs duties, each beside the others.

    Args:
        clock: Waits.
    """

    AGAIN_SECONDS = 1.0
    REFUSED_SECONDS = 60.0
    """How long it lets be what Amazon does not permit: a person may mend it meanwhile."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, duty: Callable[[], Awaitable[None]]) -> None:
        """Run it until it returns: one that fails, whatever it raises, is begun anew in a moment.

        The log has each kind of failure once in a row. A second call runs it a second time.
        """
        task = asyncio.ensure_future(self._to_its_end(duty))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """End all of them; a second call finds none.

        Concurrent calls wait for the same. Cancelled, they end all the same.
        """
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _to_its_end(self, duty: Callable[[], Awaitable[None]]) -> None:
        told = ""
        while True:
            try:
                return await duty()
            except Exception as error:  # noqa: BLE001 - ended, nobody would miss it until presses fail
                said = _said(error)
                if said != told:
                    told = said
                    _log.warning("something is left undone for now: %s", said)
                is_refused = isinstance(error, CampaignWideError)
            await self._clock.sleep(self.REFUSED_SECONDS if is_refused else self.AGAIN_SECONDS)


def _said(error: Exception) -> str:
    """Of a foreign error only its kind: its text may hold what nobody is to read."""
    if isinstance(error, ConnectTasksError):
        return str(error)
    return f"a fault in connect-tasks: {type(error).__name__}"
