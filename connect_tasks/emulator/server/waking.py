"""Waking whoever waits in an event loop, also from another thread."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

__all__ = ["from_anywhere"]


def from_anywhere(changed: asyncio.Event) -> Callable[[], None]:
    """What sets an event of the running loop, in any thread; nothing once the loop is over.

    An event that another thread sets as it is wakes nobody before the loop has something else to
    do.

    Args:
        changed: The event.
    """
    loop, own = asyncio.get_running_loop(), threading.get_ident()

    def wake() -> None:
        if threading.get_ident() == own:
            changed.set()
            return
        # It may be closed between any look at it and the call.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(changed.set)

    return wake
