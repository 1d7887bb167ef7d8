"""What tasks and flows find around them: Prefect's run if there is one, and the environment."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect import get_run_logger
from prefect.cache_policies import NO_CACHE
from prefect.context import get_run_context
from prefect.exceptions import MissingContextError
from prefect.runtime import flow_run
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from connect_tasks.ledger.store import default_url

__all__ = ["NO_RECORD", "Logger", "attempt_of_run", "in_run", "ledger_url", "retries", "run_logger"]

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


def run_logger() -> Logger:
    """Prefect's logger in a run, the package's elsewhere."""
    return get_run_logger() if in_run() else logging.getLogger("connect_tasks")


@contextmanager
def retries(count: int) -> Iterator[None]:
    """How often Prefect's client repeats a request; by itself it would try for a minute."""
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: count}):
        yield


def ledger_url(ledger: str | None) -> str:
    """The ledger's URL: the one that is given, else what the environment says."""
    return ledger or default_url(os.environ)
