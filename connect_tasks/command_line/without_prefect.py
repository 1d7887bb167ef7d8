"""Flows without Prefect: the same functions, run without a server, as Python would without Prefect.

A flow is its function, and the tasks in it are theirs. What only Prefect has is missing: runs in
its UI, artifacts and events, approvals there, saved blocks.
"""

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

from prefect import Flow, Task

__all__ = ["WHAT_IS_MISSING", "plain"]

WHAT_IS_MISSING = (
    "Without Prefect: no run in its UI, no artifacts, events or approvals there, no saved blocks. "
    "The ledger has the record all the same."
)
"""What people are told."""


def plain(flow: Flow[Any, Any]) -> Callable[..., Any]:
    """A flow's function, with the functions of its module's tasks in place of the tasks.

    Args:
        flow: The flow.

    Returns:
        What does the same, and asks for no server.
    """
    function = cast("FunctionType", inspect.unwrap(flow.fn))
    names = {
        name: value.fn if isinstance(value, Task) else value
        for name, value in function.__globals__.items()
    }
    made = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made
