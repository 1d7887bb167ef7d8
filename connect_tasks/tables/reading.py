"""Reading: any table in, as rows of plain Python values, some thousands at a time."""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from connect_tasks.errors import InputError
from connect_tasks.tables.column_names import (
    MOST_COLUMNS,
    column_name,
    named_levels,
    refuse_repeated,
)
from connect_tasks.tables.columns import plain_values
from connect_tasks.tables.files.opening import open_file
from connect_tasks.tables.fingerprint import describe
from connect_tasks.tables.pieces import FramePieces, TablePieces
from connect_tasks.tables.sql_query import QueryPieces, SqlQuery
from connect_tasks.tables.streams import StreamPieces, is_stream

__all__ = ["Table", "describe", "open_table"]

_LOOK_ROWS = 10_000
_OR_A_FILE = ", or the path or URI of a CSV or Parquet file."


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of customers that is read in pieces.

    Attributes:
        columns: The names of its columns, after those of its index.
        index: Its own index; None for a CSV file, whose rows are counted from 0.
    """

    columns: list[str]
    index: "pd.Index[Any] | None" = field(repr=False)
    _read: TablePieces = field(repr=False)
    _levels: "Mapping[str, pd.Index[Any]]" = field(repr=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What looks odd in the rows that were read last, in sentences without cells' content.

        Complete when `chunks` has been gone through.
        """
        return tuple(self._read.warnings)

    def chunks(
        self, *, chunk_rows: int = 10_000, columns: Collection[str] | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Go through the rows as plain Python values; None for what is missing.

        A second call starts at the first row again. What a cell is, is up to that cell alone:
        see `connect_tasks.tables.cells.plain_value`.

        Args:
            chunk_rows: How many rows to hold at once.
            columns: Only these columns, as far as the table has them; all if None.

        Yields:
            Lists of at most `chunk_rows` rows, in the table's order.

        Raises:
            InputError: If the file turns out to be broken further down.

        Example:
            >>> table = open_table(pd.DataFrame({"id": [7.0, 8.5], "visits": [3, None]}))
            >>> next(table.chunks())
            [{'id': 7, 'visits': 3}, {'id': 8.5, 'visits': None}]
        """
        levels = {n: level for n, level in self._levels.items() if columns is None or n in columns}
        names = self.columns[len(self._levels) :]
        places = [p for p, name in enumerate(names) if columns is None or name in columns]
        chosen = [*levels, *(names[place] for place in places)]
        start = 0
        for piece in self._read.pieces(chunk_rows, places):
            stop = start + piece.rows
            cells = [plain_values(pd.Series(level[start:stop])) for level in levels.values()]
            cells += map(plain_values, piece.columns)
            yield _rows(chosen, cells, piece.rows)
            start = stop


def open_table(
    source: Any,
    *,
    of: str = "customers",
    may_be_empty: bool = False,
) -> Table:
    """Open the customers' table, or one of something else; it is read later, in pieces.

    What a cell prints is up to that cell alone, and not to its column's dtype or to other rows: an
    integral number is an integer whatever it is stored in, a time without zone at midnight is a
    date, bytes that are UTF-8 are text. An index with a name is a column, too.

    Args:
        source: A DataFrame; anything with `__arrow_c_stream__`, as the tables of polars, pyarrow
            and DuckDB; a `SqlQuery`; or the path or URI (`file://`, `https://`, `s3://`) of a CSV,
            Parquet or JSON lines file or a spreadsheet, a folder or glob of such. CSV is read as
            text throughout: IDs keep their leading zeros.
        of: What its rows are, for messages.
        may_be_empty: Whether columns without rows are a table, too.

    Returns:
        The table, with text for column names. A given frame is never changed.

    Raises:
        InputError: If there is no such file, it can't be read, or the table is empty, has two
            columns of one name, or too many.

    Example:
        >>> open_table(pd.DataFrame({"customer_id": ["0042"]})).columns
        ['customer_id']
    """
    table = _pieces(source, of)
    names = [column_name(label) for label in table.names]
    _refuse_too_many(len(names))
    refuse_repeated(names)
    levels = named_levels(table.index, names)
    has_rows = may_be_empty or next(table.pieces(_LOOK_ROWS, ()), None) is not None
    if not has_rows or not (names or levels):
        read_before = " A stream that was read before is empty, too." if is_stream(source) else ""
        raise InputError(
            f"The table is empty: it needs one row per {of.removesuffix('s')}.{read_before}"
        )
    return Table([*levels, *names], table.index, table, levels)


def _pieces(source: Any, of: str) -> TablePieces:
    if isinstance(source, pd.DataFrame):
        return FramePieces(source)
    if isinstance(source, SqlQuery):
        return QueryPieces(source)
    if isinstance(source, StreamPieces):
        return source
    return StreamPieces(source, of=of) if is_stream(source) else open_file(_path(source, of))


def _path(source: object, of: str) -> str:
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"{of} is a {type(source).__name__}: {_way(source, of)}{_OR_A_FILE}")
    path = os.fsdecode(source)
    if not path or "\n" in path:
        # Not quoted: it may be the table itself.
        raise InputError(f"{of} is a text and no path: give a DataFrame{_OR_A_FILE}")
    return path


def _way(source: object, of: str) -> str:
    """How to make a table of what is none."""
    if hasattr(source, "collect") and not hasattr(source, "to_pandas"):
        return f"give {of}.collect()"
    has_own = hasattr(source, "to_pandas")
    way = f"{of}.to_pandas()" if has_own else f"pandas.DataFrame({of})"
    return f"give a DataFrame, such as {way}"


def _refuse_too_many(columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise InputError(
            f"The table has {columns:,} columns, at most {MOST_COLUMNS:,} can be read: leave out"
            " those that no template names."
        )


def _rows(names: list[str], cells: list[list[Any]], rows: int) -> list[dict[str, Any]]:
    if not names:
        return [{} for _ in range(rows)]
    return [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
