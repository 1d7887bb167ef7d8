"""Unwritable values: telling an error that one value caused from one of the whole ledger.

What a database cannot hold is kept out where it comes in (`aws/stored_text`). This is for what
slips through: it may cost one contact its write, and never a campaign its ledger.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from connect_tasks.errors import ConnectTasksError, LedgerError, UnwritableError

__all__ = ["blaming_values"]

# SQLSTATE 54: a row or an index entry that is too large, which SQLAlchemy takes for the server's
# own trouble. 22 and 23 are DataError and IntegrityError.
_TOO_LARGE = "54"


@contextmanager
def blaming_values() -> Iterator[None]:
    """Turn what a single value causes into `UnwritableError`; everything else stays as it is."""
    try:
        yield
    except LedgerError as error:
        if not _is_of_a_value(error.__context__):
            raise
        raise UnwritableError(_told(error.__context__)) from error
    except ConnectTasksError:
        raise
    except (ValueError, OverflowError, TypeError) as error:
        # A driver's own, such as half of a character that has no UTF-8.
        raise UnwritableError(_told(error)) from error


def _is_of_a_value(error: BaseException | None) -> bool:
    if isinstance(error, exc.DataError | exc.IntegrityError):
        return True
    if isinstance(error, exc.DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return state.startswith(_TOO_LARGE)
    # Before anything was sent: a value that has no form in the database.
    return isinstance(error, exc.StatementError)


def _told(error: BaseException | None) -> str:
    # The driver's own words may quote the value, which is a customer's.
    kind = type(getattr(error, "orig", None) or error).__name__
    return f"the database cannot hold a value of this contact ({kind})"
