"""`local`: a local Amazon Connect, by its own arguments."""

from typing import Annotated

from cyclopts import Parameter

from connect_tasks.command_line.exit_codes import ExitCode
from connect_tasks.command_line.outcome import Outcome
from connect_tasks.errors import InputError

__all__ = ["local"]


def local(
    *arguments: Annotated[str, Parameter(allow_leading_hyphen=True, show=False)],
) -> Outcome:
    """Serve a local Amazon Connect with a page of its own, until Ctrl-C.

    Args:
        arguments: As of `python -m connect_tasks.emulator`; `--help` lists them.
    """
    from connect_tasks.emulator.__main__ import main

    try:
        main(arguments, program="connect-tasks local")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            raise InputError(ended.code) from ended
        return _wrong() if ended.code else Outcome()
    return Outcome()


def _wrong() -> Outcome:
    """What is wrong with an argument was said where it was read: on standard error."""
    message = "An argument of `local` cannot be used; standard error says which."
    error = {"type": InputError.__name__, "message": message}
    return Outcome(document={"error": error}, code=ExitCode.INPUT)
