"""Works off what is due, by the real clock, as long as the server runs."""

import asyncio
from contextlib import AbstractContextManager
from typing import Any

from connect_tasks.emulator.instance.schedule import Schedule

__all__ = ["work_off"]

_FOREIGN_CLOCK_TICK = 0.02


async def work_off(
    schedule: Schedule, lock: AbstractContextManager[Any], *, has_foreign_clock: bool
) -> None:
    """Carry out what is due whenever it is, until cancelled.

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
