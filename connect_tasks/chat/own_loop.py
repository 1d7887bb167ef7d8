"""An event loop of one's own: asynchronous work, done by whoever calls a plain function."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.util import find_spec
from typing import Any, TypeVar

__all__ = ["finish", "new_loop", "run_on_own_loop"]

Result = TypeVar("Result")


def new_loop() -> asyncio.AbstractEventLoop:
    """Make an event loop: uvloop's, which costs less, where the extra `fast` is installed.

    Example:
        >>> with closing(new_loop()) as loop:
        ...     loop.run_until_complete(asyncio.sleep(0, "done"))
        'done'
    """
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def run_on_own_loop(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it to its end as `asyncio.run` does, on a loop of `new_loop`.

    Args:
        work: What to do.

    Returns:
        What it returns; what it raises is raised.
    """
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)


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
        return run_on_own_loop(work)
    loop = new_loop()
    with closing(loop), ThreadPoolExecutor(1, "chat") as thread:
        task = loop.create_task(work)
        done = thread.submit(loop.run_until_complete, task)
        try:
            return done.result()
        except BaseException:
            # Ctrl-C reaches only the thread that waits.
            loop.call_soon_threadsafe(task.cancel)
            raise
