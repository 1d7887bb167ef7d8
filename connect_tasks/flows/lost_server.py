"""The lost server: a run of a flow goes on without Prefect's server, and returns what it has.

Prefect asks its server at the end of a run how the run may end. When the server has died, what the
flow returned or raised is lost in the error about that. Here it is kept, and the server's death is
told in a sentence.
"""

import functools
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import httpx
from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Completed

from connect_tasks.tasks.run_context import retries

__all__ = ["kept", "with_or_without_server"]

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

_log = logging.getLogger(__name__)

# Six seconds in all, where Prefect would wait for more than two minutes.
_RETRIES_AT_END = 2
_SECONDS_BETWEEN = 60.0
_SERVICES = (EventsWorker, APILogWorker)
_LOGGERS = ("prefect._internal.concurrency", "prefect.events.clients", "prefect.flow_runs")


@dataclass(slots=True)
class _Run:
    """What became of a flow's function, whatever its server says of it."""

    returned: Any = None
    error: Exception | None = None
    is_over: bool = False
    lost: bool = False
    settings: ExitStack = field(default_factory=ExitStack)

    def result(self, *, return_state: bool) -> Any:
        """What the flow would have given."""
        if self.error is not None:
            raise self.error
        return Completed(data=self.returned) if return_state else self.returned


_run: ContextVar[_Run | None] = ContextVar("run", default=None)


def _present_run() -> _Run | None:
    return _run.get()


def kept(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """Keep what a flow's function returns or raises, for `with_or_without_server`."""

    @functools.wraps(function)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        # Not `_run` itself: Dask pickles this function with all that it names.
        run = _present_run()
        if run is None:
            return function(*args, **kwargs)
        try:
            run.returned = function(*args, **kwargs)
        except Exception as error:
            run.error = error
            raise
        finally:
            run.is_over = True
            _hurry_if_gone(run)
        returned: Returned = run.returned
        return returned

    return call


def with_or_without_server(call: Callable[[], Returned], *, return_state: bool = False) -> Returned:
    """Run a flow whose function is `kept`; return or raise what that does if the server is lost.

    Args:
        call: Calls the flow.
        return_state: Whether a state is wanted instead of the result.

    Raises:
        httpx.HTTPError: The server could not be reached before the function had ended.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_seldom)
    run, context = _Run(), copy_context()
    try:
        return context.run(_in_run, run, call)
    except httpx.HTTPError as error:
        if not run.is_over:
            raise
        _log.warning(
            "Prefect's server cannot be reached any more (%s), so it does not know how this run "
            "ended. The ledger does: nothing is lost.",
            type(error).__name__,
        )
    finally:
        context.run(run.settings.close)
    _give_up_sending()
    result: Returned = run.result(return_state=return_state)
    return result


def _in_run(run: _Run, call: Callable[[], Returned]) -> Returned:
    _run.set(run)
    return call()


def _hurry_if_gone(run: _Run) -> None:
    """Do not wait for a server that is gone, or what follows in this context would, twice."""
    try:
        with retries(_RETRIES_AT_END), get_client(sync_client=True) as client:
            client.hello()
    except httpx.HTTPError:
        run.lost = True
        run.settings.enter_context(temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}))


class _Seldom(logging.Filter):
    """Lets what Prefect says of a lost server pass once a minute, and without what it has lost.

    By itself it is a line every few seconds, each with an event and what that holds, or all frames
    of a request.
    """

    def __init__(self) -> None:
        super().__init__()
        self._next_at = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if logging.getLogger(record.name).isEnabledFor(logging.DEBUG):
            return True
        if record.name == "prefect.flow_runs":
            return not _is_about_lost_server(record)
        if not str(record.msg).startswith(("Service %r failed", "Unable to connect")):
            return True
        record.msg, record.args = "Prefect's server does not answer; the run goes on.", ()
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        is_due = time.monotonic() >= self._next_at
        self._next_at = time.monotonic() + _SECONDS_BETWEEN if is_due else self._next_at
        return is_due


_seldom = _Seldom()


def _is_about_lost_server(record: logging.LogRecord) -> bool:
    run = _run.get()
    if run is None or not run.is_over:
        return False
    finished = run.lost and str(record.msg).startswith("Finished in state")
    return finished or bool(record.exc_info and isinstance(record.exc_info[1], httpx.HTTPError))


def _give_up_sending() -> None:
    """Prefect would try for minutes, when the process ends, to send events that nobody takes."""
    running: dict[int, Any] = EventsWorker._instances  # type: ignore[misc]  # noqa: SLF001
    for service in list(running.values()):
        task, loop = service._task, service._loop  # noqa: SLF001
        if isinstance(service, _SERVICES) and task is not None and loop is not None:
            loop.call_soon_threadsafe(task.cancel)
