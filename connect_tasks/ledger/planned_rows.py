"""Planned rows: many at once into the table of contacts, as each database takes them fastest.

SQLAlchemy would convert every value of every row by itself, which takes longer than the database
does. Here it converts what all rows share, once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from json.encoder import encode_basestring_ascii
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from connect_tasks.chat.template.utterance import OwnMessage
from connect_tasks.ledger.changes import Planned
from connect_tasks.ledger.prepared import as_sent
from connect_tasks.ledger.rows import plan_values, written_messages
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.verdicts import reasons

__all__ = ["insert_planned"]

Insert: TypeAlias = sqlite.Insert | postgresql.Insert

_MOST_VALUES = 999
"""How many values any SQLite takes in one statement."""

_ROWS_OF_A_DOCUMENT = 2_000
"""How many rows to send in one statement: some megabytes."""

_OWN = (
    "customer_id",
    "customer_key",
    "generation",
    "client_token",
    "request",
    "fingerprint",
    "messages",
    "time_zone",
    "variant",
    "endpoint",
    "error_code",
    "error_message",
)
"""The columns of which each row has its own value; the others are the same in all."""

_TYPES = {"number": sa.Integer, "generation": sa.Integer}


def insert_planned(
    connection: sa.Connection,
    statement: Insert,
    campaign: str,
    rows: Sequence[Planned],
    now: datetime,
    table_id: str | None,
) -> int:
    """Insert many valid rows, by a statement that may say what to do about those that are there.

    They are all to be contacted, or all withheld.

    Returns:
        How many rows were written.
    """
    defaults = {"attempts": 0, "items_skipped": 0}
    shared = {**plan_values(campaign, rows[0], now, table_id), **defaults}
    if connection.dialect.name == "sqlite":
        return _some_at_a_time(connection, statement, shared, rows)
    size = _ROWS_OF_A_DOCUMENT
    pieces = (rows[at : at + size] for at in range(0, len(rows), size))
    return sum(_as_document(connection, statement, shared, piece) for piece in pieces)


def _some_at_a_time(
    connection: sa.Connection, statement: Insert, shared: Mapping[str, Any], rows: Sequence[Planned]
) -> int:
    """Some rows a statement: SQLite makes a savepoint for each one that sets off triggers."""
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(shared))
    many, written = _ManyRows(compiled, shared), 0
    for at in range(0, len(rows), many.most):
        some = rows[at : at + many.most]
        written += connection.exec_driver_sql(many.sql(len(some)), many.sent(some)).rowcount
    return written


class _ManyRows:
    """A statement that inserts many rows of SQLite's, and sends what all of them share once."""

    def __init__(self, compiled: SQLCompiler, shared: Mapping[str, Any]) -> None:
        insert, conflict, otherwise = str(compiled).partition(" ON CONFLICT")
        places, names = insert.count("?"), compiled.positiontup or []
        values = {
            name: as_sent(bind, shared.get(name, bind.value), compiled.dialect)
            for name, bind in compiled.binds.items()
        }
        self._columns = names[:places]
        self._shared = [name for name in self._columns if name not in _OWN]
        self._before = [values[name] for name in self._shared]
        self._after = [values[name] for name in names[places:]]
        self._insert, self._otherwise = insert[: insert.rindex("(")], f"{conflict}{otherwise}"
        self._texts: dict[int, str] = {}
        self.most = (_MOST_VALUES - len(names) + len(_OWN)) // len(_OWN)

    def sql(self, count: int) -> str:
        """The statement for so many rows; the same object each time, which SQLite has prepared."""
        if count not in self._texts:
            rows = ", ".join(map(self._places, range(count)))
            self._texts[count] = f"{self._insert}{rows}{self._otherwise}"
        return self._texts[count]

    def sent(self, rows: Iterable[Planned]) -> tuple[Any, ...]:
        """Its values."""
        return (*self._before, *chain.from_iterable(map(_own_values, rows)), *self._after)

    def _places(self, row: int) -> str:
        """Where a row's values stand among those that are sent, counted from 1."""
        start = len(self._shared) + row * len(_OWN)
        places = (
            start + _OWN.index(name) if name in _OWN else self._shared.index(name)
            for name in self._columns
        )
        return f"({', '.join(f'?{place + 1}' for place in places)})"


def _as_document(
    connection: sa.Connection, statement: Insert, shared: Mapping[str, Any], rows: Sequence[Planned]
) -> int:
    """One statement for all rows, which PostgreSQL takes out of one document.

    `COPY` would need a temporary table, which not every role may make.
    """
    values = [
        {"number": number, **dict(zip(_OWN, _own_values(row), strict=True))}
        for number, row in enumerate(rows)
    ]
    own = [sa.column(name, _TYPES.get(name, sa.Text)) for name in values[0]]
    document = sa.cast(sa.bindparam("rows", _text(values), sa.Text), postgresql.JSON)
    row = sa.func.json_to_recordset(document).table_valued(*own).render_derived(with_types=True)
    columns = {
        **{name: sa.literal(value, contacts.c[name].type) for name, value in shared.items()},
        **{one.name: sa.cast(row.c[one.name], contacts.c[one.name].type) for one in own[1:]},
    }
    # In the table's order, in which they are contacted.
    chosen = sa.select(*columns.values()).order_by(row.c.number)
    insert = statement.from_select(list(columns), chosen)
    return connection.execute(insert, execution_options={"preserve_rowcount": True}).rowcount


def _text(values: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _own_values(row: Planned) -> tuple[Any, ...]:
    """What is a row's own, in the order of `_OWN`."""
    return (
        row.customer_id,
        row.customer_key,
        row.generation,
        row.client_token,
        row.request,
        row.fingerprint,
        _written(row.messages),
        row.time_zone,
        row.variant,
        row.endpoint,
        str(row.withheld[0].rule) if row.withheld else None,
        reasons(row.withheld) if row.withheld else None,
    )


def _written(messages: Sequence[OwnMessage]) -> str:
    """The messages as JSON, as `json.dumps` has it, which takes several times as long for texts."""
    texts = [encode_basestring_ascii(one) for one in messages if isinstance(one, str)]
    if len(texts) < len(messages):
        return json.dumps(written_messages(messages))
    return f"[{', '.join(texts)}]"
