"""Customers' ids: from a file, a pipe or a person, and never from a shell's words.

What is typed behind a command's name stays in the shell's history, and is seen by everybody who
lists processes.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TextIO

from connect_tasks.errors import InputError

__all__ = ["PIPE", "customers_from", "ids_of"]

PIPE = "-"
"""What means standard input."""

_NO_ARGUMENT = (
    "Customers are named by a file (its column customer_id), or by `-` for ids on standard input, "
    "one a line; without either you are asked. Ids are no arguments: the shell would keep them in "
    "its history."
)


def customers_from(
    source: str | None,
    *,
    stdin: TextIO | None = None,
    ask: Callable[[], str] = input,
) -> str | list[str]:
    """The customers that a command is about: a table's place, or ids.

    Args:
        source: What was typed: a path or URI, `-`, or nothing.
        stdin: Where a pipe or a person is; that of the process if None.
        ask: Waits for a person's next line.

    Raises:
        InputError: It is none of these, or no id was given.
    """
    from connect_tasks.campaign.suppression_rows import names_table

    there = stdin or sys.stdin
    if source is not None and source != PIPE:
        if not names_table(source):
            # Not repeated: it may be an id.
            raise InputError(_NO_ARGUMENT)
        return source
    if source is None and not there.isatty():
        raise InputError(_NO_ARGUMENT)
    lines = there if source == PIPE else _asked(ask)
    ids = [line.strip() for line in lines if line.strip()]
    if not ids:
        raise InputError("No customer was named.")
    return ids


def ids_of(customers: str | list[str]) -> list[str]:
    """The ids of customers that `customers_from` gave.

    Raises:
        InputError: The table cannot be read, or a row of it names nobody.
    """
    from connect_tasks.campaign.suppression_rows import read_rows
    from connect_tasks.ledger.suppression_lists import ALL
    from connect_tasks.ledger.verdicts import Suppression

    rows = read_rows(customers, Suppression(ALL, "person", "", datetime.now(UTC)))
    rows.check()
    return [customer_id for piece in rows.pieces() for customer_id, _ in piece]


def _asked(ask: Callable[[], str]) -> Iterator[str]:
    print("Customers' ids, one a line; an empty line ends:", file=sys.stderr, flush=True)
    while line := _answer(ask):
        yield line


def _answer(ask: Callable[[], str]) -> str:
    try:
        return ask().strip()
    except EOFError:
        return ""
