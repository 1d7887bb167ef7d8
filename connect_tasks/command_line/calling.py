"""Calling flows: as runs of Prefect's, or as the functions that they are."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from connect_tasks.command_line.output import Output
from connect_tasks.errors import ConnectTasksError

if TYPE_CHECKING:
    from connect_tasks.command_line.settings import Settings

__all__ = ["PrefectUnreachableError", "call_flow", "unreachable_told"]

# How Prefect begins to say, in errors without a type of their own, that no server answers.
_SAYS_SO = ("Failed to reach API", "Timed out while attempting to connect to ephemeral")


class PrefectUnreachableError(ConnectTasksError):
    """Prefect's server does not answer, so no run of a flow can begin."""


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
        PrefectUnreachableError: Prefect's server does not answer, and nothing was begun.
        KeyboardInterrupt: Somebody pressed Ctrl-C.
    """
    module, _, name = where.partition(":")
    flow = getattr(importlib.import_module(f"connect_tasks.flows.{module}"), name)
    if settings.campaign.prefect:
        with unreachable_told():
            return flow(*arguments, **parameters)
    from connect_tasks.command_line.without_prefect import WHAT_IS_MISSING, plain

    output.say(WHAT_IS_MISSING)
    return plain(flow)(*arguments, **parameters)


@contextmanager
def unreachable_told() -> Iterator[None]:
    """Say in a sentence that Prefect's server does not answer.

    Raises:
        PrefectUnreachableError: It does not.
    """
    import httpx

    try:
        yield
    except (httpx.HTTPError, RuntimeError) as error:
        if not isinstance(error, httpx.HTTPError) and not str(error).startswith(_SAYS_SO):
            raise
        raise PrefectUnreachableError(
            f"Prefect's server does not answer ({type(error).__name__}). Look at PREFECT_API_URL "
            "and whether that server runs; or do without, by --no-prefect."
        ) from error
