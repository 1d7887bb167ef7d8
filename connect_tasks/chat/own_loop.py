"""An event loop of one's own: asynchronous work, done by whoever calls a plain function."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

__all__ = ["finish"]

Result = TypeVar("Result")


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it to its end, also where an event loop runs already: in async flows and notebooks.

    Whatever is thrown into the thread that waits, Ctrl-C or the end of a scheduler's run, cancels
    the work.

    Args:
        work: What to do.

    Returns:
        What it returns; what it raises is raised.

    Example:
        >>> finish(asyncio.sleep(0, "done"))
        'done'
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    loop = asyncio.new_event_loop()
    with closing(loop), ThreadPoolExecutor(1, "chat") as thread:
        task = loop.create_task(work)
        done = thread.submit(loop.run_until_complete, task)
        try:
            return done.result()
        except BaseException:
            # Ctrl-C reaches only the thread that waits.
            loop.call_soon_threadsafe(task.cancel)
            raise
