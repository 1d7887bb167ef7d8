"""Exit codes: what a command came to, as a number that scripts and schedulers go by.

They are promised: a number keeps its meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from connect_tasks.command_line.confirming import NotConfirmedError
from connect_tasks.errors import (
    AmazonError,
    CampaignHaltedError,
    CasesFailedError,
    ConnectTasksError,
    InputError,
    LedgerError,
)

__all__ = ["MEANINGS", "ExitCode", "code_of_conclusion", "code_of_error"]


class ExitCode(IntEnum):
    """The numbers, by their names; `MEANINGS` says what to do about each."""

    DONE = 0
    LOOK = 1
    INPUT = 2
    NOT_YET = 3
    HALTED = 4
    LEDGER = 5
    DECLINED = 6
    BROKEN = 70
    INTERRUPTED = 130


MEANINGS: Mapping[ExitCode, str] = MappingProxyType(
    {
        ExitCode.DONE: "All is done, and nothing is wrong.",
        ExitCode.LOOK: "All is done; look at what was refused, failed, missing or different.",
        ExitCode.INPUT: "An argument, the settings or the table cannot be used. Nothing was sent.",
        ExitCode.NOT_YET: "Not all is done: somebody has to wait, or the campaign is paused, "
        "stopped or unfinished. Run the same command again, later or after `resume`.",
        ExitCode.HALTED: "Amazon, Prefect's server, or the way to one of them stopped everything. "
        "Mend that, and run again.",
        ExitCode.LEDGER: "The ledger cannot be read or written. Mend that, and run again.",
        ExitCode.DECLINED: "What would have destroyed something was not confirmed. Nothing was "
        "changed.",
        ExitCode.BROKEN: "An error of connect-tasks itself: please report it.",
        ExitCode.INTERRUPTED: "Stopped by Ctrl-C. Run the same command again: it goes on.",
    }
)
"""What each number means, for people."""


@dataclass(frozen=True, slots=True)
class _Ending:
    of: type[BaseException]
    code: ExitCode


# The first that fits: a ledger's wrong address is an input, and a ledger's trouble is none.
_ENDINGS = (
    _Ending(InputError, ExitCode.INPUT),
    _Ending(CampaignHaltedError, ExitCode.HALTED),
    _Ending(AmazonError, ExitCode.HALTED),
    _Ending(LedgerError, ExitCode.LEDGER),
    _Ending(NotConfirmedError, ExitCode.DECLINED),
    _Ending(CasesFailedError, ExitCode.LOOK),
    _Ending(ConnectTasksError, ExitCode.HALTED),
    _Ending(KeyboardInterrupt, ExitCode.INTERRUPTED),
)
_TO_LOOK_AT = ("rejected", "duplicate", "failed", "unknown")


def code_of_error(error: BaseException) -> ExitCode:
    """The exit code of what a command raised.

    Example:
        >>> code_of_error(InputError("The table is empty.")).value
        2
        >>> code_of_error(ZeroDivisionError()).value
        70
    """
    codes = (ending.code for ending in _ENDINGS if isinstance(error, ending.of))
    return next(codes, ExitCode.BROKEN)


def code_of_conclusion(name: str, summary: Mapping[str, Any], *, may_wait: bool = True) -> ExitCode:
    """The exit code of a campaign's run that neither failed nor was interrupted.

    Args:
        name: The conclusion's, such as `Completed` or `Deferred`.
        summary: The campaign's counts.
        may_wait: Whether what the command was for is done though people, or Amazon, are waited
            for: so with `run` and `invite`, and not with `collect`.

    Example:
        >>> code_of_conclusion("Completed", {"rejected": 1}).name
        'LOOK'
        >>> code_of_conclusion("Deferred", {"rejected": 1}).name
        'NOT_YET'
    """
    if name not in {"Completed", "Waiting"} or (name == "Waiting" and not may_wait):
        return ExitCode.NOT_YET
    is_wrong = any(summary.get(count) for count in _TO_LOOK_AT)
    return ExitCode.LOOK if is_wrong else ExitCode.DONE
