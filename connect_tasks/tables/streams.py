"""Arrow streams: tables of polars, DuckDB, pyarrow and whatever else offers one, in pieces.

A stream may give its rows once, run a query each time, or hold a connection for as long as it is
open. So it is gone through at once, into a file of this machine that can be read again.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from connect_tasks.errors import InputError
from connect_tasks.tables.column_names import labels_of_levels
from connect_tasks.tables.pandas_notes import PandasNotes, pandas_notes
from connect_tasks.tables.pieces import Piece
from connect_tasks.tables.temporary_files import gone_with, temporary_file

__all__ = ["StreamPieces", "is_stream", "kept"]

# To the last quote: a cell may hold some itself. And the row that Arrow's CSV repeats without any.
_CELLS = re.compile(r"['\"`].*['\"`]|(?<=, got )\d+: .*", re.DOTALL)


def is_stream(source: object) -> bool:
    """Whether something is a table by what it offers, `__arrow_c_stream__`, and none of pandas'.

    A column alone offers the same, in any library, and is none: it may be a list of ids.
    """
    if not hasattr(source, "__arrow_c_stream__") or isinstance(source, pd.DataFrame):
        return False
    return not hasattr(source, "dtype") and not isinstance(source, pa.ChunkedArray)


def kept(source: object, *, of: str = "customers") -> object:
    """The source, in a form that can be gone through again: what is no stream as it is.

    Raises:
        InputError: It is a stream that breaks, or has no columns.
    """
    is_new = is_stream(source) and not isinstance(source, StreamPieces)
    return StreamPieces(source, of=of) if is_new else source


class StreamPieces:
    """A table from an Arrow stream, read once; each cell is what its type says.

    pyarrow's own tables stay where they are; others are copied to a temporary file, that is gone
    with this. Notes of pandas in its schema are heeded as those of a Parquet file.

    Args:
        source: Anything with `__arrow_c_stream__`.
        of: What its rows are, for messages.

    Attributes:
        names: The names of its columns.
        index: The index that pandas has noted in its schema; None if there is none.
        dtypes: What pandas makes of the columns, by their names, if it has noted anything.
        rows: How many.

    Raises:
        InputError: It breaks, or is a single column, or this machine has no room for it.
    """

    warnings: Sequence[str] = ()

    def __init__(self, source: Any, *, of: str = "customers") -> None:
        self._path: Path | None = None
        self._table = _in_memory(source)
        with _explained(source, of):
            if self._table is None:
                self._path, self._schema, self.rows = _copied(source)
                gone_with(self, self._path)
            else:
                self._schema, self.rows = self._table.schema, self._table.num_rows
            noted = self._notes()
        names = self._schema.names
        self._places = [n for n, name in enumerate(names) if name not in noted.index_columns]
        self.index = noted.index
        self.names = labels_of_levels([names[place] for place in self._places], noted.levels)
        self.dtypes: Mapping[Any, Any] = {
            label: noted.dtypes[names[place]]
            for label, place in zip(self.names, self._places, strict=True)
            if names[place] in noted.dtypes
        }

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[Piece]:
        """Read the table from its beginning.

        Args:
            rows: How many rows a piece has at most.
            columns: Only these columns, by position.
        """
        chosen = self._places if columns is None else [self._places[i] for i in columns]
        for batch in self._batches():
            for start in range(0, batch.num_rows, rows):
                cells = [batch.column(place).slice(start, rows) for place in chosen]
                yield Piece(min(rows, batch.num_rows - start), cells)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The same table, for others; as often as it is asked for."""
        reader = pa.RecordBatchReader.from_batches(self._schema, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return self.rows

    def __repr__(self) -> str:
        return f"<table of {self.rows:,} rows, {len(self.names)} columns>"

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if self._table is not None:
            yield from self._table.to_batches()
            return
        with pa.memory_map(str(self._path)) as file, pa.ipc.open_stream(file) as reader:
            yield from reader

    def _notes(self) -> PandasNotes:
        if not (self._schema.metadata or {}).get(b"pandas"):
            return PandasNotes()
        return pandas_notes(self._schema, self._read)

    def _read(self, names: Sequence[str]) -> pa.Table:
        return pa.Table.from_batches(self._batches(), schema=self._schema).select(list(names))


def _in_memory(source: object) -> pa.Table | None:
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    return source if isinstance(source, pa.Table) else None


def _copied(source: Any) -> tuple[Path, pa.Schema, int]:
    """A file with all rows of a stream, and what is in it."""
    rows = 0
    with pa.RecordBatchReader.from_stream(source) as reader, temporary_file() as (path, file):
        with pa.ipc.new_stream(file, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
        return path, reader.schema, rows


@contextmanager
def _explained(source: object, of: str) -> Iterator[None]:
    try:
        yield
    except (InputError, MemoryError):
        raise
    # Of whatever library is at the other end.
    except Exception as error:  # noqa: BLE001
        if "non-struct type" in str(error):
            raise InputError(
                f"{of} is a {type(source).__name__}, one column without a name: give a table."
            ) from None
        # What a library quotes may be a cell; so may what its own error holds.
        reason = _CELLS.sub("…", str(error)).strip().split("\n", 1)[0].removesuffix(".")
        raise InputError(
            f"The stream of the {type(source).__name__} given as {of} cannot be read: "
            f"{reason or type(error).__name__}."
        ) from None
