"""The run's log: an error that says all by itself is a line in it, and no traceback.

Prefect logs an exception at each of its levels, with all frames. Our errors name what is wrong and
what to do; where they were raised concerns who works on the package, at the level DEBUG.
"""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from connect_tasks.errors import ConnectTasksError

__all__ = ["plain_errors"]

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

_LOGGERS = ("prefect.flow_runs", "prefect.task_runs")
# How Prefect calls it when somebody ends a run: Ctrl-C, a cancellation, a machine that shuts down.
_CRASH = "Crash detected! Execution was "
_ENDED_FROM_OUTSIDE = (f"{_CRASH}aborted", f"{_CRASH}cancelled")
_WORDS = "The run was ended from outside (%s); nothing is lost, and running it again goes on."


def plain_errors(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """Let Prefect's log tell this task's or flow's errors in a line each; see the module.

    With Prefect's logging level at DEBUG it stays as it is.

    Example:
        >>> @plain_errors
        ... def half(number: int) -> int:
        ...     return number // 2
        >>> half(4)
        2
    """

    @functools.wraps(function)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        # Prefect logs after the function has ended, and adding the same filter again does nothing.
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_told_plainly)
        return function(*args, **kwargs)

    return run


def _told_plainly(record: logging.LogRecord) -> bool:
    """Whether to log a record at all; it may be put in other words."""
    if logging.getLogger(record.name).isEnabledFor(logging.DEBUG):
        return True
    text = str(record.msg)
    if text.startswith(_ENDED_FROM_OUTSIDE):
        record.msg, record.levelno, record.levelname = _WORDS, logging.WARNING, "WARNING"
        record.args = (text.removeprefix(_CRASH).rstrip("."),)
    # The final state says it once more.
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectTasksError))
