"""A Parquet file, read piece by piece, as Arrow has it."""

from collections.abc import Iterator, Sequence
from typing import Any

from pyarrow import parquet

from connect_tasks.tables.column_names import labels_of_levels
from connect_tasks.tables.files.sources import Source
from connect_tasks.tables.pandas_notes import pandas_notes
from connect_tasks.tables.pieces import Piece

__all__ = ["ParquetFile"]

# Without these Arrow holds a row group's columns whole, and many files have one row group.
_IN_PASSING = {"buffer_size": 2**18, "pre_buffer": False}


class ParquetFile:
    """A Parquet file; integers with gaps stay integers.

    Attributes:
        names: The names of its columns.
        index: The index that pandas has stored with it; None if what it has noted cannot be read.

    Raises:
        InputError: If it is no such file.
    """

    warnings: Sequence[str] = ()

    def __init__(self, source: Source) -> None:
        self._source = source
        with source.explained(), self._open() as file:
            noted = pandas_notes(file.schema_arrow, lambda names: file.read(columns=names))
            self._columns = [n for n in file.schema_arrow.names if n not in noted.index_columns]
        self.index = noted.index
        self.names = labels_of_levels(self._columns, noted.levels)
        self.dtypes: dict[Any, Any] = {
            name: noted.dtypes[column]
            for name, column in zip(self.names, self._columns, strict=True)
            if column in noted.dtypes
        }

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[Piece]:
        """Read the table from its beginning.

        Args:
            rows: How many rows a piece has at most.
            columns: Only these columns, by position.

        Raises:
            InputError: If it cannot be read.
        """
        chosen = self._columns if columns is None else [self._columns[i] for i in columns]
        with self._source.explained(), self._open() as file:
            for batch in file.iter_batches(rows, columns=chosen):
                yield Piece(batch.num_rows, [batch.column(name) for name in chosen])

    def _open(self) -> parquet.ParquetFile:
        return parquet.ParquetFile(self._source.path, **_IN_PASSING)
