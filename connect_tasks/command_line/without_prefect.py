"""Flows without Prefect: the same functions, run without a server, as Python would without Prefect.

A flow is its function, and the tasks in it are theirs. What only Prefect has is missing: runs in
its UI, artifacts and events, approvals there, saved blocks.
"""

import functools
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

    So they are in the module's other functions, too, which it calls. Its arguments are checked and
    converted as Prefect does it.

    Args:
        flow: The flow.

    Returns:
        What does the same, and asks for no server. It raises an `InputError` where an argument
        breaks a rule.
    """
    function = cast("FunctionType", inspect.unwrap(flow.fn))
    without_tasks = _without_tasks(function)

    @functools.wraps(function)
    def call(*arguments: Any, **parameters: Any) -> Any:
        bound = inspect.signature(function).bind(*arguments, **parameters)
        bound.apply_defaults()
        return without_tasks(**flow.validate_parameters(dict(bound.arguments)))

    return call


def _without_tasks(function: FunctionType) -> FunctionType:
    """The function in a module of its own, in which no name is a task."""
    module = function.__globals__
    names: dict[str, Any] = {}
    for name, value in module.items():
        is_own = isinstance(value, FunctionType) and value.__globals__ is module
        names[name] = _moved(value, names) if is_own else value
        if isinstance(value, Task):
            names[name] = value.fn
    return _moved(function, names)


def _moved(function: FunctionType, names: dict[str, Any]) -> FunctionType:
    made = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made
