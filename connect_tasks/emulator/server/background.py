"""The server in a thread of its own, so that it also works where an event loop is running."""

import asyncio
import socket
import threading
import time
from contextlib import AbstractContextManager
from typing import Any

import uvicorn

from connect_tasks.emulator.instance.schedule import Schedule
from connect_tasks.emulator.server.ticker import work_off
from connect_tasks.emulator.server.transports import Transports

__all__ = ["Background"]

_SECONDS_TO_START = 10
_SECONDS_TO_CLOSE = 0.4


class Background:
    """One server and its thread, from start to stop.

    Args:
        config: What to serve, and how.
        schedule: What is to happen later, worked off meanwhile.
        lock: Held while something is carried out.
        transports: The TCP connections, cut at the end.
        has_foreign_clock: Time moves without the machine's clock.
        clock_factor: How many times as fast as the machine's the schedule's clock runs.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        schedule: Schedule,
        *,
        lock: AbstractContextManager[Any],
        transports: Transports,
        has_foreign_clock: bool,
        clock_factor: float = 1,
    ) -> None:
        self._server = uvicorn.Server(config)
        self._schedule = schedule
        self._lock = lock
        self._transports = transports
        self._has_foreign_clock = has_foreign_clock
        self._clock_factor = clock_factor
        self._thread: threading.Thread | None = None

    def start(self, listener: socket.socket) -> None:
        """Begin to serve, once.

        Raises:
            RuntimeError: It could not be started.
        """
        self._thread = threading.Thread(target=self._run, args=(listener,), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The local Amazon Connect could not be started.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop serving and cut whatever is still open; a second call does nothing."""
        if self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(_SECONDS_TO_CLOSE)
        self._server.force_exit = True
        self._thread.join()
        self._thread = None

    def _run(self, listener: socket.socket) -> None:
        asyncio.run(self._serve(listener))

    async def _serve(self, listener: socket.socket) -> None:
        ticker = asyncio.create_task(
            work_off(
                self._schedule,
                self._lock,
                has_foreign_clock=self._has_foreign_clock,
                factor=self._clock_factor,
            )
        )
        try:
            await self._server.serve(sockets=[listener])
        finally:
            ticker.cancel()
            self._transports.cut_all()
            # Calls that are held back end by themselves when they see that nobody waits.
            if tasks := self._server.server_state.tasks:
                await asyncio.wait(tasks, timeout=_SECONDS_TO_CLOSE)
