"""Calling flows: as runs of Prefect's, or as the functions that they are."""

import importlib
from typing import TYPE_CHECKING, Any

from connect_tasks.command_line.output import Output

if TYPE_CHECKING:
    from connect_tasks.command_line.settings import Settings

__all__ = ["call_flow"]


def call_flow(
    where: str, settings: "Settings", output: Output, /, *arguments: Any, **parameters: Any
) -> Any:
    """Run a flow of the package, and return what it returns.

    Args:
        where: Which, as `module:flow` in `connect_tasks.flows`.
        settings: Say whether Prefect is there.
        output: Tells what is missing without it.
        arguments: The flow's.
        parameters: The flow's.

    Raises:
        ConnectTasksError: What the flow raises.
        KeyboardInterrupt: Somebody pressed Ctrl-C.
    """
    module, _, name = where.partition(":")
    flow = getattr(importlib.import_module(f"connect_tasks.flows.{module}"), name)
    if settings.campaign.prefect:
        return flow(*arguments, **parameters)
    from connect_tasks.command_line.without_prefect import WHAT_IS_MISSING, plain

    output.say(WHAT_IS_MISSING)
    return plain(flow)(*arguments, **parameters)
