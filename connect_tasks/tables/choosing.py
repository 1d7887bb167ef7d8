"""Choosing: the rows of a table whose ids are wanted, as they are."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from connect_tasks.errors import InputError
from connect_tasks.tables.column_names import column_name, named_levels
from connect_tasks.tables.columns import Column, plain_values
from connect_tasks.tables.files.opening import open_file
from connect_tasks.tables.pandas_notes import WITH_GAPS
from connect_tasks.tables.pieces import TablePieces
from connect_tasks.tables.sql_query import QueryPieces, SqlQuery
from connect_tasks.tables.streams import StreamPieces, kept

__all__ = ["chosen_rows", "ids_of", "values_of"]

_PIECE_ROWS = 10_000
_WHICH = " Say which one holds the id, as on='account'."
_Wanted = Callable[[str], bool]


def ids_of(frame: pd.DataFrame, on: str) -> list[Any]:
    """The ids of a table's rows as plain values; None where one is missing.

    Args:
        frame: The table.
        on: Its column, or level of its index, with the id.

    Raises:
        InputError: It has no such column.
    """
    return values_of(frame, on, hint=_WHICH)


def values_of(frame: pd.DataFrame, name: str, *, hint: str = "") -> list[Any]:
    """The cells of a column as plain values; None where one is missing.

    Args:
        frame: The table.
        name: Its column, or level of its index.
        hint: What to do if it has none, in words.

    Raises:
        InputError: It has no such column.
    """
    names = [column_name(label) for label in frame.columns]
    if name in names:
        return plain_values(frame.iloc[:, names.index(name)])
    return plain_values(pd.Series(_level(frame.index, names, name, hint)))


def chosen_rows(source: Any, wanted: _Wanted, *, on: str) -> pd.DataFrame:
    """The rows whose ids are wanted, in their order, with all columns.

    Args:
        source: A DataFrame; anything with `__arrow_c_stream__`, a `SqlQuery`, or the path or URI of
            a file; of these only the chosen rows are held.
        wanted: Whether a row with this id is.
        on: The table's column, or level of its index, with the id.

    Returns:
        Of a DataFrame a part, with its index and dtypes. Of a file the index that pandas stored in
        it, else the numbers of the rows from 0; a CSV is text, and of a Parquet file the dtypes are
        those of `pandas.read_parquet`, but that integers with gaps stay integers, and truth values
        what they are.

    Raises:
        InputError: There is no such column or file, or it cannot be read.

    Example:
        >>> frame = pd.DataFrame({"account": [42, 7], "plan": ["gold", "tin"]}, index=["a", "b"])
        >>> chosen_rows(frame, {"7"}.__contains__, on="account").to_dict()
        {'account': {'b': 7}, 'plan': {'b': 'tin'}}
    """
    if isinstance(source, pd.DataFrame):
        return source.iloc[_places(ids_of(source, on), wanted)]
    return _of_pieces(_opened(source), wanted, on)


def _opened(source: Any) -> TablePieces:
    if isinstance(source, SqlQuery):
        return QueryPieces(source)
    table = kept(source)
    return table if isinstance(table, StreamPieces) else open_file(os.fsdecode(source))


def _of_pieces(table: TablePieces, wanted: _Wanted, on: str) -> pd.DataFrame:
    kept: list[int] = []
    parts = [_Chosen(table.dtypes.get(name)) for name in table.names]
    for start, ids, cells in _pieces(table, on):
        places = _places(ids, wanted)
        kept += [start + place for place in places]
        for part, column in zip(parts, cells, strict=True):
            part.take(column, places)
    columns = {place: part.joined() for place, part in enumerate(parts)}
    frame = pd.DataFrame(columns, index=range(len(kept)))
    frame.columns = pd.Index(table.names)
    numbers = pd.Index(kept, dtype="int64")
    return frame.set_axis(numbers if table.index is None else table.index[kept])


def _pieces(table: TablePieces, on: str) -> Iterator[tuple[int, list[Any], Sequence[Column]]]:
    """The number of a piece's first row, its ids, its columns."""
    names = [column_name(label) for label in table.names]
    level = None if on in names else _level(table.index, names, on, _WHICH)
    start = 0
    for piece in table.pieces(_PIECE_ROWS):
        stop = start + piece.rows
        own = piece.columns[names.index(on)] if level is None else pd.Series(level[start:stop])
        yield start, plain_values(own), piece.columns
        start = stop


def _level(
    index: "pd.Index[Any] | None", names: Sequence[str], on: str, hint: str = ""
) -> "pd.Index[Any]":
    levels = named_levels(index, names)
    if on not in levels:
        listed = ", ".join(map(repr, [*levels, *names][:20]))
        raise InputError(f"The table has no column {on!r}.{hint} It has {listed}.")
    return levels[on]


def _places(ids: Iterable[Any], wanted: _Wanted) -> list[int]:
    return [place for place, value in enumerate(ids) if value is not None and wanted(str(value))]


class _Chosen:
    """What was chosen of a column, piece by piece."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype
        self._parts: list[Column] = []
        self._has_gaps = False

    def take(self, column: Column, places: Sequence[int]) -> None:
        """Choose cells of the next piece."""
        if isinstance(column, pd.Series):
            self._parts.append(column.iloc[list(places)])
        else:
            # Also where they are not chosen: what is chosen decides about no dtype.
            self._has_gaps = self._has_gaps or column.null_count > 0
            self._parts.append(column.take(pa.array(places, pa.int64())))

    def joined(self) -> "pd.Series[Any]":
        """All that was chosen."""
        if all(isinstance(part, pa.Array | pa.ChunkedArray) for part in self._parts):
            return self._of_arrow(self._parts)
        series = [p if isinstance(p, pd.Series) else self._of_arrow([p]) for p in self._parts]
        return pd.concat(series, ignore_index=True)

    def _of_arrow(self, parts: Sequence[Any]) -> "pd.Series[Any]":
        chunks = [chunk for part in parts for chunk in getattr(part, "chunks", [part])]
        if not chunks:
            return pd.Series(dtype=self._dtype)
        whole = pa.chunked_array(chunks).unify_dictionaries()
        wanted = self._wanted(whole.type)
        found: pd.Series[Any] = whole.to_pandas(types_mapper=lambda _: wanted)
        return found

    def _wanted(self, kind: pa.DataType) -> Any:
        if hasattr(self._dtype, "__from_arrow__"):
            return self._dtype
        # pandas by itself would make floats of integers where one is missing.
        return WITH_GAPS.get(kind) if self._has_gaps else None
