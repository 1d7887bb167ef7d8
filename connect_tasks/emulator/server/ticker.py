"""The real clock of a running server: what time it is, and working off what is due."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from connect_tasks.emulator.instance.schedule import Schedule

__all__ = ["steady_clock", "work_off"]

_FOREIGN_CLOCK_TICK = 0.02


def steady_clock() -> Callable[[], datetime]:
    """Wall time that never jumps: where it began, and how long that is ago."""
    began, origin = datetime.now(UTC), time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - origin)


async def work_off(
    schedule: Schedule, lock: AbstractContextManager[Any], *, has_foreign_clock: bool
) -> None:
    """Carry out what is due whenever it is, until cancelled; nothing is lost by that.

    Not concurrently with itself: only one is woken when something earlier is planned.

    Args:
        schedule: What is due.
        lock: Held while something is carried out.
        has_foreign_clock: Time moves without the machine's clock, so one has to look again.
    """
    changed = asyncio.Event()
    schedule.on_earlier = changed.set
    while True:
        changed.clear()
        with lock:
            schedule.run_due()
            seconds = schedule.seconds_left()
        # Nobody tells when a foreign clock moves.
        limit = _FOREIGN_CLOCK_TICK if has_foreign_clock else seconds
        try:
            await asyncio.wait_for(changed.wait(), limit)
        except TimeoutError:
            continue
