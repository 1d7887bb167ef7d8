"""The texts of a run: its name, and what it raises without ids that Prefect may not have."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

from prefect.runtime import flow_run

from connect_tasks.campaign.manage import MOST_SHOWN
from connect_tasks.errors import InputError
from connect_tasks.tasks.run_context import may_tell_ids

__all__ = ["keeping_ids", "named_after_cases", "named_after_table"]


def named_after_table() -> str:
    """What a run is called in Prefect: its campaign, and the table's name or size."""
    parameters: dict[str, Any] = flow_run.parameters or {}
    return f"{parameters.get('campaign')} · {_size(parameters.get('customers'))}"


def named_after_cases() -> str:
    """What a run is called in Prefect that plays the cases of a table."""
    parameters: dict[str, Any] = flow_run.parameters or {}
    return f"regression · {_size(parameters.get('cases'))}"


def _size(customers: Any) -> str:
    if isinstance(customers, str | PurePath):
        return PurePath(customers).name
    # What Prefect records of a table; whatever else it is, the flow itself will say so.
    rows = customers.get("rows", 0) if isinstance(customers, dict) else _rows(customers)
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _rows(customers: Any) -> int:
    return len(customers) if hasattr(customers, "__len__") else 0


@contextmanager
def keeping_ids(*customers: str) -> Iterator[None]:
    """What is raised becomes a run's state and log: without ids where Prefect may not have them."""
    try:
        yield
    except InputError as error:
        if may_tell_ids():
            raise
        told = str(error)
        for name in sorted(customers, key=len, reverse=True):
            told = told.replace(repr(name[:MOST_SHOWN]), "'…'")
        raise InputError(told) from None
