"""A SQL query as a table: run once, its rows kept in a file of this machine, read in pieces."""

import hashlib
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pandas as pd

from connect_tasks.databases.opening import Database
from connect_tasks.databases.queries import queried
from connect_tasks.errors import InputError
from connect_tasks.tables.pieces import Piece
from connect_tasks.tables.temporary_files import gone_with, temporary_file

__all__ = ["QueryPieces", "SqlQuery"]

_PIECE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """A query whose rows are the customers; `connect_tasks.flows` take it where they take a table.

    It runs in a transaction that changes nothing, and once for each run of a flow. Its rows come
    over a cursor of the server's, some thousands at a time. Neither the password nor the query, nor
    its parameters, are shown or recorded: the query's SHA-256 is.

    Args:
        query: One statement that gives rows. They come in its order: say `ORDER BY`.
        url: The SQLAlchemy URL of the database. Rather keep a password in `$PGPASSWORD`,
            `~/.pgpass` or a connector.
        connector: Instead of *url*: Prefect's `SqlAlchemyConnector` or the name of one that is
            saved, or an SQLAlchemy engine.
        parameters: Values for `:name` in the query.

    Raises:
        InputError: There is no query, or none or both of *url* and *connector* are given.

    Example:
        ```python
        import sqlite3
        from contextlib import closing

        from connect_tasks.tables.sql_query import SqlQuery

        with closing(sqlite3.connect("shop.db")) as shop, shop:
            shop.execute("CREATE TABLE buyers (customer_id TEXT, display_name TEXT, due TEXT)")
            shop.execute("INSERT INTO buyers VALUES ('0042', 'Ada', '2026-12-01')")
        query = "SELECT customer_id, display_name FROM buyers WHERE due < :day ORDER BY 1"
        SqlQuery(query, url="sqlite:///shop.db", parameters={"day": "2027-01-01"})
        ```
    """

    query: str = field(repr=False)
    url: str | None = field(default=None, repr=False)
    connector: Any = field(default=None, repr=False)
    parameters: Mapping[str, Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not str(self.query or "").strip():
            raise InputError("SqlQuery has no query: give a statement, as SELECT * FROM customers.")
        if (self.url is None) == (self.connector is None):
            raise InputError("SqlQuery needs a url or a connector, and only one of them.")

    @property
    def summary(self) -> dict[str, str]:
        """What others may know of it: which database, and the query's SHA-256."""
        is_named = isinstance(self.connector, str)
        where = self.connector if is_named else Database(self.url or self.connector).name
        fingerprint = hashlib.sha256(self.query.encode(errors="surrogatepass")).hexdigest()
        return {"database": where, "fingerprint": fingerprint}


class QueryPieces:
    """The rows of a query, each cell as the driver gave it.

    Args:
        query: It is run at once, and not again.

    Attributes:
        names: The names of its columns.
        index: None: its rows are counted from 0.

    Raises:
        InputError: The database cannot be reached, refuses the query, or that gives no rows.
    """

    index: None = None
    warnings: Sequence[str] = ()
    dtypes: Mapping[Any, Any] = {}

    def __init__(self, query: SqlQuery) -> None:
        if isinstance(query.connector, str):
            raise InputError(
                f"The connector {query.connector!r} is a name: give the block itself, as "
                f"SqlAlchemyConnector.load({query.connector!r})."
            )
        self._path, self.names = _copied(query)
        gone_with(self, self._path)

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[Piece]:
        """Read the rows from the first one.

        Args:
            rows: How many rows a piece has at most.
            columns: Only these columns, by position.
        """
        chosen = range(len(self.names)) if columns is None else columns
        for piece in _stored(self._path):
            for start in range(0, len(piece), rows):
                part = piece[start : start + rows]
                cells = [pd.Series([row[place] for row in part], dtype=object) for place in chosen]
                yield Piece(len(part), cells)


def _copied(query: SqlQuery) -> tuple[Path, list[str]]:
    database = Database(query.url or query.connector)
    with (
        queried(database, query.query, query.parameters, piece_rows=_PIECE_ROWS) as found,
        temporary_file() as (path, file),
    ):
        for piece in found.pieces:
            _store(file, [tuple(map(_plain, row)) for row in piece], found.names)
        return path, list(found.names)


def _plain(value: Any) -> Any:
    """A value that outlives its connection."""
    return bytes(value) if isinstance(value, memoryview) else value


def _store(file: IO[bytes], rows: list[tuple[Any, ...]], names: Sequence[str]) -> None:
    try:
        stored = pickle.dumps(rows, pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        raise
    # Whatever a driver's own types raise; they may repeat the value.
    except Exception:  # noqa: BLE001
        columns = zip(names, *rows, strict=True)
        unfit = next((name for name, *cells in columns if not _fits(cells)), names[0])
        raise InputError(
            f"The column {unfit!r} of the query holds what cannot be kept: cast it to text or a "
            "number in the query."
        ) from None
    file.write(stored)


def _fits(cells: list[Any]) -> bool:
    try:
        pickle.dumps(cells, pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001
        return False
    return True


def _stored(path: Path) -> Iterator[list[tuple[Any, ...]]]:
    with path.open("rb") as file:
        while file.peek(1):
            # Our own file, which nobody else can write to.
            yield pickle.load(file)  # noqa: S301
