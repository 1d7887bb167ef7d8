"""Replacing: rows of one campaign in tables of many, all or none of them, however often."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import sqlalchemy as sa

from connect_tasks.databases.opening import Database
from connect_tasks.errors import InputError

__all__ = ["NewRows", "replace_rows"]

_PIECE_ROWS = 5_000
_BUSY_MILLISECONDS = 30_000
# Held until the transaction ends. The number is any that nobody else on the server uses.
_LOCKS = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "SELECT pg_advisory_xact_lock(72746316)",
}
# PostgreSQL holds no NUL, and no database half of a character.
_UNFIT = re.compile("[\0\ud800-\udfff]")
_TYPES: Mapping[type, Any] = {
    str: sa.Text(),
    int: sa.BigInteger(),
    float: sa.Double(),
    bool: sa.Boolean(),
    dt.datetime: sa.DateTime(timezone=True),
}


@dataclass(frozen=True, slots=True)
class NewRows:
    """What a table is to hold of one campaign.

    Args:
        columns: The name of each column and which of text, `int`, `float`, `bool` and `datetime`,
            with a zone, it holds.
        rows: Values by column; what a row lacks is missing.
    """

    columns: Mapping[str, type]
    rows: Iterable[Mapping[str, Any]] = field(repr=False)


def replace_rows(
    database: Database, tables: Mapping[str, NewRows], *, key: str, value: str
) -> None:
    """Put rows into tables in place of those that have the same key, in one transaction.

    Tables and columns that are not there are made; other rows, columns and tables stay as they are.
    Whoever calls it at the same time waits. A second call with the same rows changes nothing.

    Args:
        database: On SQLite or PostgreSQL.
        tables: By their names.
        key: The column that says whose rows they are; each table has it.
        value: Whose they are.

    Raises:
        InputError: It is another kind of database, cannot be written to, or has a table of one of
            these names without the key: somebody else's.
    """
    if database.engine.dialect.name not in _LOCKS:
        raise InputError(
            f"Nothing can be written to {database.name}: give a database of SQLite or PostgreSQL."
        )
    with database.explained("The tables cannot be written to"), _writing(database) as there:
        if there.dialect.name == "sqlite":
            there.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        there.exec_driver_sql(_LOCKS[there.dialect.name])
        for name, new in tables.items():
            table = _table(name, new.columns, key)
            _make(there, table, key, database.name)
            there.execute(sa.delete(table).where(table.c[key] == value))
            values = (_values(row, new.columns) for row in new.rows)
            while piece := list(islice(values, _PIECE_ROWS)):
                there.execute(sa.insert(table), piece)


@contextmanager
def _writing(database: Database) -> Iterator[sa.Connection]:
    with database.connect() as connection, connection.begin():
        yield connection


def _table(name: str, columns: Mapping[str, type], key: str) -> sa.Table:
    made = [sa.Column(column, _TYPES[kind]) for column, kind in columns.items()]
    return sa.Table(name, sa.MetaData(), *made, sa.Index(f"{name}_of_{key}", key))


def _make(connection: sa.Connection, table: sa.Table, key: str, database: str) -> None:
    """Make a table, or what it lacks of one that an earlier version made."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name):
        table.create(connection)
        return
    there = {column["name"] for column in inspector.get_columns(table.name)}
    if key not in there:
        raise InputError(
            f"The table {table.name!r} in {database} is somebody else's: it has no column {key!r}. "
            "Give another prefix."
        )
    for column in table.columns:
        if column.name not in there:
            connection.exec_driver_sql(_added(table, column, connection.dialect))


def _added(table: sa.Table, column: sa.Column[Any], dialect: sa.Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    kind = column.type.compile(dialect)
    return f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind}"


def _values(row: Mapping[str, Any], columns: Mapping[str, type]) -> dict[str, Any]:
    return {name: _value(row.get(name)) for name in columns}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        # Of enumerations' members it is the text.
        return _UNFIT.sub("\ufffd", str.__str__(value))
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value
