"""Prepared statements: compiled once, with their rows handed to the driver as it takes them.

For what is written for each thing that is said: SQLAlchemy would look for how every value of every
row is converted, each time anew, which takes longer than the database does.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["Prepared", "as_sent"]

_Convert = Callable[[Any], Any]

_KEPT = 512
"""How many times, of each column, are kept as they were converted."""


class Prepared:
    """A statement for many rows, compiled once. Safe to use from many threads.

    Args:
        statement: What to do with each row.
        dialect: Of which database.
    """

    def __init__(self, statement: sa.Insert | sa.Update, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("only what is written can be prepared")
        self._sql = str(compiled)
        # SQLite takes values by position, psycopg by name.
        self._in_order = itemgetter(*compiled.positiontup) if compiled.positiontup else None
        self._own: dict[str, Any] = {}
        # With what stands for nothing, which most values of a row are.
        self._converts: list[tuple[str, _Convert, Any]] = []
        for bind, name in compiled.bind_names.items():
            if not bind.required:
                self._own[name] = as_sent(bind, bind.value, dialect)
            elif convert := _converts(bind, dialect):
                self._converts.append((name, _kept(bind, convert), convert(None)))

    def execute(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> int:
        """Do it with these rows, in the connection's transaction; how many rows it has changed.

        Args:
            connection: To the database of its dialect.
            rows: The values of each row, by the names of the statement's parameters; no member of
                an enumeration among them, of which a driver knows nothing.
        """
        sent = [self._sent(row) for row in rows]
        return connection.exec_driver_sql(self._sql, sent).rowcount if sent else 0

    def _sent(self, row: Mapping[str, Any]) -> Any:
        values = {**self._own, **row}
        for name, convert, of_nothing in self._converts:
            value = values[name]
            values[name] = of_nothing if value is None else convert(value)
        return self._in_order(values) if self._in_order else values


def as_sent(bind: sa.BindParameter[Any], value: Any, dialect: Dialect) -> Any:
    """A parameter's value in the form that the database's driver takes.

    Args:
        bind: The parameter of the compiled statement.
        value: Its value.
        dialect: Of which database.
    """
    convert = _converts(bind, dialect)
    value = convert(value) if convert else value
    # A member of an enumeration would make SQLite's driver look for an adapter in every row.
    return str(value) if isinstance(value, str) else value


def _kept(bind: sa.BindParameter[Any], convert: _Convert) -> _Convert:
    """The same; a time is converted once, as a contact's are written with each of its steps."""
    try:
        is_time = bind.type.python_type is datetime
    except NotImplementedError:
        return convert
    return lru_cache(maxsize=_KEPT)(convert) if is_time else convert


def _converts(bind: sa.BindParameter[Any], dialect: Dialect) -> _Convert | None:
    return bind.type.dialect_impl(dialect).bind_processor(dialect)
