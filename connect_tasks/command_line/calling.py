"""Calling flows: with Prefect or without, on the instance that the settings name."""

import importlib
from typing import Any

from connect_tasks.command_line.options import Options

__all__ = ["call_flow"]


def call_flow(where: str, options: Options, /, *arguments: Any, **parameters: Any) -> Any:
    """Run a flow of the package, and return what it returns.

    Args:
        where: Which, as `module:flow` in `connect_tasks.flows`.
        options: Say whether Prefect is there.
        arguments: The flow's.
        parameters: The flow's.

    Raises:
        ConnectTasksError: What the flow raises.
        KeyboardInterrupt: Somebody pressed Ctrl-C.
    """
    module, _, name = where.partition(":")
    flow = getattr(importlib.import_module(f"connect_tasks.flows.{module}"), name)
    if not options.no_prefect:
        return flow(*arguments, **parameters)
    from connect_tasks.command_line.without_prefect import WHAT_IS_MISSING, plain

    options.output.say(WHAT_IS_MISSING)
    return plain(flow)(*arguments, **parameters)
