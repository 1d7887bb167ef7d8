"""Opening: which ledger is meant when none is named, and one that must be there already."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from connect_tasks.databases.addresses import hide_password
from connect_tasks.errors import InputError
from connect_tasks.ledger.database import file_is_missing
from connect_tasks.ledger.store import Ledger

__all__ = ["default_url", "opened"]


def default_url(environ: Mapping[str, str]) -> str:
    """The ledger's URL when none is given: `$CONNECT_TASKS_LEDGER`, else a file in this folder."""
    return environ.get("CONNECT_TASKS_LEDGER") or "sqlite:///.connect_tasks/ledger.db"


@contextmanager
def opened(ledger: Ledger | str | None) -> Iterator[Ledger]:
    """A ledger that is open already, or one that is there, for as long as the block lasts.

    Args:
        ledger: The open ledger, a URL, or None for what the environment says (`default_url`).

    Raises:
        InputError: There is no ledger at the URL. None is made.
        LedgerError: It cannot be opened.
    """
    if isinstance(ledger, Ledger):
        yield ledger
        return
    url = default_url(os.environ) if ledger is None else ledger
    if file_is_missing(url):
        raise InputError(
            f"There is no ledger at {hide_password(url)!r}: give the one in which the campaign was "
            "planned, by its URL or in $CONNECT_TASKS_LEDGER. A path in a URL of SQLite counts "
            "from the folder in which you are."
        )
    with Ledger(url) as own:
        yield own
