"""Files: CSV and Parquet, read piece by piece; no piece holds more rows than asked for."""

import csv
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from connect_tasks.errors import InputError
from connect_tasks.tables.sources import Source, find

__all__ = ["CsvFile", "ParquetFile", "open_file"]

_DELIMITERS = ",;\t|"
# As long as Python's csv lets a cell be.
_HEADER_CHARACTERS = 2**17
# Without these Arrow holds a row group's columns whole, and many files have one row group.
_IN_PASSING = {"buffer_size": 2**18, "pre_buffer": False}


def open_file(source: str) -> "CsvFile | ParquetFile":
    """Open a CSV (`.csv`, `.csv.gz`) or Parquet (`.parquet`, `.pq`) file.

    Args:
        source: A path, or a URI: `file://`, `https://`, `http://` or `s3://`.

    Raises:
        InputError: If there is no such file, or it is no Parquet file in spite of its name.

    Example:
        >>> open_file("nowhere.csv")
        Traceback (most recent call last):
        ...
        connect_tasks.errors.InputError: There is no file 'nowhere.csv': check the path.
    """
    found = find(source, (".csv", ".csv.gz", ".parquet", ".pq"))
    return ParquetFile(found) if found.suffix in {".parquet", ".pq"} else CsvFile(found)


class CsvFile:
    """A CSV file.

    UTF-8, all columns as text, so that IDs keep their leading zeros; only an empty cell is
    missing, so that people called "Null" and the country "NA" are not; comma, semicolon, tab or
    bar, whichever the first line has most of.

    Attributes:
        index: None: its rows are counted from 0.
    """

    index: None = None

    def __init__(self, source: Source) -> None:
        self._source = source

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[pd.DataFrame]:
        """Read the table from its beginning.

        Args:
            rows: How many rows a piece has at most.
            columns: Only these columns, by position.

        Raises:
            InputError: If it is no such file; for a broken row, when its piece is reached.
        """
        with self._source.explained(), self._open() as text:
            reader = pd.read_csv(
                text,
                sep=_delimiter(text, self._source.name),
                dtype="string",
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                chunksize=rows,
            )
            while (piece := _next(reader)) is not None:
                yield piece if columns is None else piece.iloc[:, list(columns)]

    def _open(self) -> "_Utf8":
        path = self._source.path
        gzipped = self._source.suffix == ".csv.gz"
        return _Utf8(cast("IO[bytes]", gzip.open(path) if gzipped else path.open("rb")))


class ParquetFile:
    """A Parquet file; integers with gaps stay integers.

    Attributes:
        index: The index that pandas has stored with it, or 0, 1, …
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        with source.explained(), self._open() as file:
            stored = file.read(columns=[], use_pandas_metadata=True)
            self._names = [n for n in file.schema_arrow.names if n not in stored.column_names]
        self.index: pd.Index[Any] = stored.to_pandas(types_mapper=_dtype).index

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[pd.DataFrame]:
        """Read the table from its beginning.

        Args:
            rows: How many rows a piece has at most.
            columns: Only these columns, by position.

        Raises:
            InputError: If it cannot be read.
        """
        names = None if columns is None else [self._names[i] for i in columns]
        with self._source.explained(), self._open() as file:
            for batch in file.iter_batches(rows, columns=names):
                yield batch.to_pandas(types_mapper=_dtype)

    def _open(self) -> parquet.ParquetFile:
        return parquet.ParquetFile(self._source.path, **_IN_PASSING)


class _Utf8(io.TextIOWrapper):
    """The text of a file; one that isn't UTF-8 is told with the byte's place in the whole file."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8-sig", newline="")
        self._file = file

    def read(self, size: int | None = -1) -> str:
        try:
            return super().read(size)
        except UnicodeDecodeError as error:
            byte = self._file.tell() - len(error.object) + error.start
            raise ValueError(f"it is not UTF-8 (byte {byte}); save it as CSV UTF-8") from error
        except (EOFError, zlib.error) as error:
            raise OSError(f"what was compressed is damaged: {error}") from error


def _delimiter(text: IO[str], source: str) -> str:
    """The delimiter of a CSV; the file is wound back to its beginning."""
    lines = re.split(r"[\r\n]+", text.read(_HEADER_CHARACTERS))
    text.seek(0)
    header = next((line for line in lines if line.strip()), None)
    if header is None:
        raise ValueError("it is empty")
    delimiter = max(_DELIMITERS, key=header.count)
    _refuse_repeats(next(csv.reader([header], delimiter=delimiter), []), source)
    return delimiter


def _refuse_repeats(names: list[str], source: str) -> None:
    # pandas would rename the second one without a word.
    if repeated := sorted({name for name in names if name and names.count(name) > 1}):
        raise InputError(
            f"{source!r} has columns of the same name: {', '.join(map(repr, repeated))}."
            " Rename or drop one of each."
        )


def _next(reader: "pd.io.parsers.TextFileReader") -> pd.DataFrame | None:
    with warnings.catch_warnings():
        # pandas would drop surplus cells of the first rows with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return next(reader, None)
        except pd.errors.ParserWarning as error:
            raise ValueError("a row has more cells than the first line has names") from error


def _dtype(kind: pa.DataType) -> pd.ArrowDtype | None:
    """Arrow's own type where pandas' would lose something; None for pandas' type."""
    as_pandas_has_it = pa.types.is_floating(kind) or pa.types.is_timestamp(kind)
    if as_pandas_has_it or isinstance(kind, pa.BaseExtensionType):
        return None
    return pd.ArrowDtype(kind)
