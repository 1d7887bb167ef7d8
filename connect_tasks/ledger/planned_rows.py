"""Planned rows: many at once into the table of contacts, as each database takes them fastest.

SQLAlchemy would convert every value of every row by itself, which takes longer than the database
does. Here it converts what all rows share, once.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from operator import itemgetter
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

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
    binds, names = compiled.binds.items(), tuple(compiled.positiontup or ())
    converted = {
        name: as_sent(bind, shared.get(name, bind.value), compiled.dialect) for name, bind in binds
    }
    insert, conflict, otherwise = str(compiled).partition(" ON CONFLICT")
    places = insert.count("?")
    insert, row_text = insert[: insert.rindex("(")], f"({', '.join('?' * places)})"
    own, said = itemgetter(*names[:places]), [converted[name] for name in names[places:]]
    values = ({**converted, **_own_values(row)} for row in rows)
    written = 0
    while some := list(islice(values, (_MOST_VALUES - len(names)) // places)):
        many = f"{insert}{', '.join([row_text] * len(some))}{conflict}{otherwise}"
        sent = (*chain.from_iterable(map(own, some)), *said)
        written += connection.exec_driver_sql(many, sent).rowcount
    return written


def _as_document(
    connection: sa.Connection, statement: Insert, shared: Mapping[str, Any], rows: Sequence[Planned]
) -> int:
    """One statement for all rows, which PostgreSQL takes out of one document.

    `COPY` would need a temporary table, which not every role may make.
    """
    values = [{"number": number, **_own_values(row)} for number, row in enumerate(rows)]
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


def _own_values(row: Planned) -> dict[str, Any]:
    return {
        "customer_id": row.customer_id,
        "customer_key": row.customer_key,
        "generation": row.generation,
        "client_token": row.client_token,
        "request": row.request,
        "fingerprint": row.fingerprint,
        "messages": json.dumps(written_messages(row.messages)),
        "time_zone": row.time_zone,
        "variant": row.variant,
        "endpoint": row.endpoint,
        "error_code": str(row.withheld[0].rule) if row.withheld else None,
        "error_message": reasons(row.withheld) if row.withheld else None,
    }
