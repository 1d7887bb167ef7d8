"""Tables that Prefect knows the way to: a query over a saved SQLAlchemy connector."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from connect_tasks.errors import InputError
from connect_tasks.tables.sql_query import SqlQuery
from connect_tasks.tables.streams import kept

__all__ = ["CONNECTOR_SCHEME", "given_table"]

CONNECTOR_SCHEME = "connector"
"""What a table's place begins with that is a query: `connector://warehouse/queries/due.sql`."""


def given_table(customers: Any, *, of: str = "customers") -> Any:
    """What was given as a table, so that it can be opened, and gone through more than once.

    Args:
        customers: Any table. Of `connector://NAME/PATH`, NAME is that of a `SqlAlchemyConnector`
            saved in Prefect, and PATH the file with the query, from where the flow runs.
        of: What its rows are, for messages.

    Returns:
        A `SqlQuery` with its connector, an Arrow stream in a file, all else as it was given.

    Raises:
        InputError: There is no such connector or file, prefect-sqlalchemy is not installed, or a
            stream breaks.
    """
    if isinstance(customers, str) and customers.startswith(f"{CONNECTOR_SCHEME}://"):
        customers = _query_at(customers)
    if isinstance(customers, SqlQuery) and isinstance(customers.connector, str):
        return replace(customers, connector=_connector(customers.connector))
    return kept(customers, of=of)


def _query_at(place: str) -> SqlQuery:
    name, _, path = map(unquote, place.partition("://")[2].partition("?")[0].partition("/"))
    if not name or not path:
        raise InputError(f"{place!r} names no query: write connector://NAME/path/to/query.sql.")
    try:
        query = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(f"The query {path!r} cannot be read: {reason}.") from error
    return SqlQuery(query, connector=name)


def _connector(name: str) -> Any:
    try:
        blocks = import_module("prefect_sqlalchemy")
    except ImportError as error:
        raise InputError(
            f"The connector {name!r} needs Prefect's SQLAlchemy blocks: pip install "
            "prefect-sqlalchemy."
        ) from error
    try:
        return blocks.SqlAlchemyConnector.load(name, _sync=True)
    except ValueError as error:
        raise InputError(
            f"There is no SQLAlchemy Connector saved under the name {name!r}: `prefect block ls` "
            "lists what is saved."
        ) from error
    # What is saved breaks the block's rules; its words may hold the URL.
    except RuntimeError:
        raise InputError(
            f"The SQLAlchemy Connector {name!r} cannot be used as it is saved: correct it in "
            "Prefect's UI, under Blocks."
        ) from None
