"""The run context: Prefect's run if there is one, its logger, the ledger, the environment."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from prefect import get_run_logger
from prefect.cache_policies import NO_CACHE
from prefect.context import get_run_context
from prefect.exceptions import MissingContextError
from prefect.runtime import flow_run
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from connect_tasks.ledger.opening import default_url, opened
from connect_tasks.ledger.store import Ledger

__all__ = [
    "NO_RECORD",
    "Logger",
    "SharedLedger",
    "attempt_of_run",
    "in_run",
    "ledger_url",
    "may_tell_ids",
    "open_existing",
    "open_ledger",
    "retries",
    "run_logger",
]

Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]

NO_RECORD: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
"""Options of every task: its cache is not written when a worker dies after a call."""


def in_run() -> bool:
    """Whether Prefect runs what is calling."""
    try:
        get_run_context()
    except MissingContextError:
        return False
    return True


def attempt_of_run() -> str:
    """The flow run's id and which attempt of it this is, `id.number`; empty outside of a flow."""
    return f"{flow_run.id}.{flow_run.run_count}" if flow_run.id else ""


def may_tell_ids(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether Prefect may keep ids of customers: of rows that went wrong, of decisions.

    `$CONNECT_TASKS_IDS_IN_PREFECT` says so, and yes if it says nothing. Whatever else it says than
    yes, the ids stay in the ledger and in the files.

    Example:
        >>> may_tell_ids({}), may_tell_ids({"CONNECT_TASKS_IDS_IN_PREFECT": "no"})
        (True, False)
    """
    said = environ.get("CONNECT_TASKS_IDS_IN_PREFECT", "").strip().lower()
    return said in {"", "yes", "true", "on", "1"}


def run_logger() -> Logger:
    """Prefect's logger in a run, the package's elsewhere."""
    return get_run_logger() if in_run() else logging.getLogger("connect_tasks")


@contextmanager
def retries(count: int) -> Iterator[None]:
    """How often Prefect's client repeats a request; by itself it would try for a minute."""
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: count}):
        yield


class SharedLedger:
    """A ledger that a flow's tasks share: opened when the first of them needs it, and once.

    Args:
        ledger: Its URL; None for what the environment says.

    Example:
        ```python
        from prefect import flow
        from connect_tasks.tasks import collect_responses, start_chats
        from connect_tasks.tasks.run_context import SharedLedger

        @flow
        def go_on(campaign, instance):
            with SharedLedger(None) as ledger:
                start_chats(campaign, connect=instance, ledger=ledger)
                return collect_responses(campaign, ledger=ledger)
        ```
    """

    def __init__(self, ledger: str | None) -> None:
        self.url = ledger_url(ledger)
        self._opened: Ledger | None = None

    def open(self) -> Ledger:
        """The open ledger; the same at each call.

        Raises:
            LedgerError: It cannot be opened.
        """
        if self._opened is None:
            self._opened = Ledger(self.url)
        return self._opened

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened.close()


@contextmanager
def open_ledger(ledger: str | SharedLedger | None) -> Iterator[Ledger]:
    """The flow's ledger, or one of one's own for as long as the block lasts.

    Raises:
        LedgerError: It cannot be opened.
    """
    if isinstance(ledger, SharedLedger):
        yield ledger.open()
        return
    with Ledger(ledger_url(ledger)) as own:
        yield own


@contextmanager
def open_existing(ledger: str | SharedLedger | None) -> Iterator[Ledger]:
    """The same as `open_ledger`, of a ledger that is there; none is made.

    Raises:
        InputError: There is none.
        LedgerError: It cannot be opened.
    """
    with opened(ledger.open() if isinstance(ledger, SharedLedger) else ledger) as there:
        yield there


def ledger_url(ledger: str | SharedLedger | None) -> str:
    """The ledger's URL: the one that is given, else what the environment says."""
    if isinstance(ledger, SharedLedger):
        return ledger.url
    return ledger or default_url(os.environ)
