"""A Parquet file, read piece by piece, as Arrow has it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype
from pyarrow import parquet

from connect_tasks.tables.column_names import labels_of_levels
from connect_tasks.tables.files.sources import Source
from connect_tasks.tables.pieces import Piece

__all__ = ["ParquetFile"]

# Without these Arrow holds a row group's columns whole, and many files have one row group.
_IN_PASSING = {"buffer_size": 2**18, "pre_buffer": False}
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)


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
            noted = _noted_by_pandas(file)
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


@dataclass(frozen=True, slots=True)
class _Noted:
    """What pandas has noted in a file.

    Its index, how many levels its columns' names have, and what it makes of each column.
    """

    index: "pd.Index[Any] | None" = None
    index_columns: Sequence[str] = ()
    levels: int = 1
    dtypes: Mapping[str, Any] = field(default_factory=dict)


def _noted_by_pandas(file: parquet.ParquetFile) -> _Noted:
    try:
        noted = file.schema_arrow.pandas_metadata or {}
        columns = [name for name in noted.get("index_columns", ()) if isinstance(name, str)]
        index = file.read(columns=columns).to_pandas(types_mapper=_dtype).index
        dtypes = _dtypes(file.schema_arrow)
        return _Noted(index, columns, len(noted.get("column_indexes", ())), dtypes)
    # Some of what pandas notes, it cannot read itself; then all columns are plain ones.
    except _UNREADABLE:
        return _Noted()


def _dtypes(schema: pa.Schema) -> dict[str, Any]:
    try:
        frame = schema.empty_table().to_pandas()
    # As for the index.
    except _UNREADABLE:
        return {}
    return dict(zip(map(str, frame.columns), frame.dtypes, strict=True))


def _dtype(kind: pa.DataType) -> ExtensionDtype | None:
    """Arrow's own type where pandas' would lose something; None for pandas' type."""
    is_pandas_own = pa.types.is_floating(kind) or pa.types.is_timestamp(kind)
    if is_pandas_own or pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return None
    if isinstance(kind, pa.BaseExtensionType):
        dtype = kind.to_pandas_dtype()
        return dtype if isinstance(dtype, ExtensionDtype) else None
    return pd.ArrowDtype(kind)
