"""The outcome: what a command came to, for people and for programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connect_tasks.command_line.exit_codes import ExitCode

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command came to.

    Args:
        text: What people read; it goes to standard output, unless JSON was asked for.
        document: What programs read, with `--json`; the command's name, the exit code and its
            name come in front of it. Times may be `datetime`s, missing values what pandas has.
        code: How the process ends.
    """

    text: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    code: ExitCode = ExitCode.DONE
