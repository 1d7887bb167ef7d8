"""Confirming: what destroys something asks first, and is not done where nobody can be asked."""

import sys
from collections.abc import Callable

from connect_tasks.errors import ConnectTasksError

__all__ = ["NotConfirmedError", "confirm"]

_YES = frozenset({"y", "yes"})


class NotConfirmedError(ConnectTasksError):
    """Nobody said yes to what would have destroyed something; nothing was changed."""


def confirm(
    question: str,
    *,
    yes: bool,
    is_terminal: bool | None = None,
    ask: Callable[[], str] = input,
) -> None:
    """Return where something may be done.

    Args:
        question: What is about to be done, and what is lost by it.
        yes: Whether it was confirmed beforehand, by `--yes`.
        is_terminal: Whether somebody sits there; as standard input is if None.
        ask: Waits for their answer.

    Raises:
        NotConfirmedError: They did not say yes, or nobody is there to ask.
    """
    if yes:
        return
    if not (sys.stdin.isatty() if is_terminal is None else is_terminal):
        raise NotConfirmedError(
            f"{question} Nobody can be asked, as this is no terminal: give --yes if it is meant. "
            "Nothing was changed."
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = ask()
    except EOFError:
        answer = ""
    if answer.strip().lower() not in _YES:
        raise NotConfirmedError("Nothing was changed.")
