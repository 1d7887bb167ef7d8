"""Overwriting: a database writes itself anew, so that what was taken out is out of its files too.

Nothing here runs within a transaction that takes content out: it comes after its commit.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from connect_tasks.ledger.schema import (
    collected,
    contacts,
    decisions,
    invitations,
    items,
    refusals,
    suppressions,
)

__all__ = ["overwrite"]

_TABLES = (contacts, items, refusals, invitations, collected, decisions, suppressions)
_BLANKS: Mapping[type[Any], object] = {
    str: "",
    int: 0,
    bool: False,
    datetime: datetime.fromtimestamp(0, UTC),
    # JSON, which may be anything.
    object: {},
}


def overwrite(engine: sa.Engine, *, busy_seconds: float = 10) -> bool:
    """Have the database write itself anew, outside any transaction.

    Args:
        engine: Of the database.
        busy_seconds: How long to wait for others who read or write a SQLite file.

    Returns:
        Whether it did. A SQLite file is left as it is when somebody else reads or writes for so
        long on end.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return _overwrite_file(connection, busy_seconds)
    _overwrite_tables(engine)
    return True


def _overwrite_file(connection: sa.Connection, busy_seconds: float) -> bool:
    """A file keeps what was deleted or has moved, and its log every change, until this."""
    connection.exec_driver_sql(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
    try:
        connection.exec_driver_sql("VACUUM")
    except exc.OperationalError as error:
        if "locked" in str(error.orig):
            return False
        raise
    is_busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    return not is_busy


def _overwrite_tables(engine: sa.Engine) -> None:
    """PostgreSQL's statistics hold samples of the columns' values: they are taken anew."""
    names = ", ".join(table.name for table in _TABLES)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM (ANALYZE) {names}")
    for table in _TABLES:
        with engine.begin() as connection:
            _replace_samples(connection, table)


def _replace_samples(connection: sa.Connection, table: sa.Table) -> None:
    """An empty table keeps the samples of what it held: a row that nobody sees makes new ones."""
    if connection.scalar(sa.select(sa.exists(sa.select(table)))):
        return
    blank = {column.name: _BLANKS[column.type.python_type] for column in table.columns}
    connection.execute(sa.insert(table).values(blank))
    connection.exec_driver_sql(f"ANALYZE {table.name}")
    # That one alone: others may have written meanwhile.
    its_key = [column == blank[column.name] for column in table.primary_key]
    connection.execute(sa.delete(table).where(*its_key))
