"""A query's rows, some thousands at a time, over a cursor of the server's."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from connect_tasks.databases.opening import Database
from connect_tasks.errors import InputError

__all__ = ["QueryRows", "queried"]

# What SQLite says where `_allowed` says no.
_NOT_ALLOWED = ("not authorized", "authorization denied")
_READING_PRAGMAS = {
    *("table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"),
    *("foreign_key_list", "data_version"),
}


@dataclass(frozen=True, slots=True)
class QueryRows:
    """What a query gives, while it is open.

    Args:
        names: The names of its columns.
        pieces: Its rows, some thousands at a time; gone through once.
    """

    names: Sequence[str]
    pieces: Iterator[Sequence[Sequence[Any]]] = field(repr=False)


@contextmanager
def queried(
    database: Database, query: str, parameters: Mapping[str, Any] | None, *, piece_rows: int
) -> Iterator[QueryRows]:
    """Run a query once, in a transaction that changes nothing and is rolled back.

    Args:
        database: Where.
        query: One statement that gives rows; with *parameters*, these are `:name` in it.
        parameters: By their names; None if there are none, and a colon is a colon.
        piece_rows: How many rows a piece has at most; no more are held here.

    Raises:
        InputError: There is no such database, it refuses the query, or that gives no rows.
    """
    if database.file and not database.file.is_file():
        raise InputError(f"There is no file {str(database.file)!r}: check {database.name}.")
    with database.explained("The query cannot be read from"), _reading(database) as connection:
        connection.execution_options(stream_results=True, max_row_buffer=piece_rows)
        result = _executed(connection, query, parameters)
        if not result.returns_rows:
            raise InputError("The query gives no rows: write a SELECT.")
        yield QueryRows(list(result.keys()), result.partitions(piece_rows))


def _executed(
    connection: sa.Connection, query: str, parameters: Mapping[str, Any] | None
) -> sa.CursorResult[Any]:
    try:
        if parameters is not None:
            return connection.execute(sa.text(query), dict(parameters))
        # Drivers take % for a place where values go in, unless they get none at all.
        connection.execution_options(no_parameters=True)
        return connection.exec_driver_sql(query)
    except exc.DatabaseError as error:
        if str(error.orig) not in _NOT_ALLOWED:
            raise
        raise InputError("The query does more than read: write a SELECT.") from None


def _allowed(action: int, name: str | None, *_: str | None) -> int:
    """SQLite's mode for reading lets a statement make files and end the mode itself."""
    is_pragma = action == sqlite3.SQLITE_PRAGMA and name not in _READING_PRAGMAS
    if is_pragma or action in {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


@contextmanager
def _reading(database: Database) -> Iterator[sa.Connection]:
    """A connection that may only read, as far as the database knows of that."""
    with database.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(postgresql_readonly=True)
        if connection.dialect.name != "sqlite":
            yield connection
            return
        connection.exec_driver_sql("PRAGMA query_only=ON")
        driver: Any = connection.connection.driver_connection
        driver.set_authorizer(_allowed)
        try:
            yield connection
        finally:
            driver.set_authorizer(None)
            # The connection may be of a pool that others use.
            connection.exec_driver_sql("PRAGMA query_only=OFF")
