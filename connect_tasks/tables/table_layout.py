"""A table's layout: its columns and dtypes, and how it is made of records, piece by piece."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, repeat
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pandas as pd
import pyarrow as pa
from pyarrow import compute, parquet

from connect_tasks.tables.formulas import neutralised, neutralised_text

__all__ = ["COUNT", "PIECE_ROWS", "SECONDS", "TEXT", "TIME", "TRUTH", "TableLayout"]

_Index: TypeAlias = "pd.Index[Any] | list[Any] | range | None"
_Records: TypeAlias = Iterable[Mapping[str, Any]]

PIECE_ROWS = 20_000
"""How many rows are Python objects at once, and how many a row group of a file has."""

TEXT, COUNT, TIME = "string", "Int64", "datetime64[us, UTC]"
TRUTH, SECONDS = "boolean", "Float64"
# Large: a column may hold more than the 2 GiB of text that the other kind ends at.
_KINDS = {
    TEXT: pa.large_string(),
    COUNT: pa.int64(),
    TIME: pa.timestamp("us", tz="UTC"),
    TRUTH: pa.bool_(),
    SECONDS: pa.float64(),
}
# Text as pandas keeps it by itself takes several times the memory.
_DTYPES = {
    _KINDS[TEXT]: pd.StringDtype("pyarrow"),
    _KINDS[COUNT]: pd.Int64Dtype(),
    _KINDS[TRUTH]: pd.BooleanDtype(),
    _KINDS[SECONDS]: pd.Float64Dtype(),
}


class TableLayout:
    """A kind of table: its columns, and how it is made of records.

    A record gives values by column name: text, numbers, times with a zone, None. What it lacks is
    missing, what it has beyond the columns is left out. Only some thousands are held at once.

    Args:
        columns: The name of each column and its dtype.

    Attributes:
        columns: The same.

    Example:
        >>> layout = TableLayout({"customer_id": TEXT, "attempts": COUNT})
        >>> layout.frame([{"customer_id": "0042", "attempts": 1}]).dtypes["attempts"]
        Int64Dtype()
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self.columns = columns
        schema = pa.schema([(name, _KINDS[dtype]) for name, dtype in columns.items()])
        empty = schema.empty_table().to_pandas(types_mapper=_DTYPES.get)
        # With what pandas needs to read the same dtypes from a file.
        self.schema = pa.Schema.from_pandas(empty, preserve_index=False)

    def frame(self, records: _Records, *, index: _Index = None) -> pd.DataFrame:
        """The records as a DataFrame, in the order given.

        Args:
            records: One for each row.
            index: The index of the result, as long as the records; 0, 1, … if None.

        Raises:
            ValueError: If the index is of another length.
        """
        frame: pd.DataFrame = self.arrow(records).to_pandas(types_mapper=_DTYPES.get)
        if index is not None:
            frame.index = pd.Index(index)
        return frame

    def arrow(self, records: _Records) -> pa.Table:
        """The records as a table of Arrow, in the order given; pandas makes the same dtypes of it.

        Args:
            records: One for each row.
        """
        return pa.Table.from_batches(self.batches(records), schema=self.schema)

    def of_campaigns(self) -> "TableLayout":
        """The layout of the same table for many campaigns: each row says first of which it is."""
        first = dict.fromkeys(("campaign_id", "campaign"), TEXT)
        return TableLayout({**first, **self.columns})

    def write_csv(self, records: _Records, path: Path, *, neutralise: bool) -> None:
        """Write the records to a CSV file, in the order given.

        Args:
            records: One for each row.
            path: The file.
            neutralise: For spreadsheets: an apostrophe before what they would take for a formula,
                and a mark at the beginning that says UTF-8. Otherwise exactly what the records are.
        """
        encoding = "utf-8-sig" if neutralise else "utf-8"
        with path.open("w", encoding=encoding, newline="") as file:
            header = self.frame([])
            # A flow may have named a column.
            header = header.rename(columns=neutralised_text) if neutralise else header
            header.to_csv(file, index=False)
            for batch in self.batches(records):
                piece = batch.to_pandas(types_mapper=_DTYPES.get)
                piece = piece.apply(self._neutralised) if neutralise else piece
                piece.to_csv(file, index=False, header=False, quoting=_quoting(batch))

    def write_parquet(self, records: _Records, path: Path) -> None:
        """Write the records to a Parquet file, in the order given; pandas reads the same dtypes."""
        with parquet.ParquetWriter(path, self.schema) as file:
            for batch in self.batches(records):
                file.write_batch(batch)

    def sheet(self, records: _Records) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """The records as `write_workbook` takes them: the first row, and the others."""
        header = [f"{f.name} (UTC)" if f.type == _KINDS[TIME] else f.name for f in self.schema]
        return header, (tuple(map(record.get, self.schema.names)) for record in records)

    def _neutralised(self, column: "pd.Series[Any]") -> "pd.Series[Any]":
        is_text = self.schema.field(str(column.name)).type == _KINDS[TEXT]
        return neutralised(column) if is_text else column

    def batches(self, records: _Records) -> Iterator[pa.RecordBatch]:
        """The records as pieces of a table of Arrow, in the order given."""
        names = self.schema.names
        rows = (tuple(map(record.get, names)) for record in records)
        while (batch := self._next_batch(rows)).num_rows:
            yield batch

    def _next_batch(self, rows: Iterator[tuple[Any, ...]]) -> pa.RecordBatch:
        """The next piece of the table; without rows at the end."""
        piece = list(islice(rows, PIECE_ROWS))
        columns = zip(*piece, strict=True) if piece else repeat(())
        arrays = list(map(pa.array, columns, self.schema.types))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _quoting(batch: pa.RecordBatch) -> Literal[0, 1]:
    """Python leaves a lone carriage return bare, and whoever reads it ends the row there."""
    texts = (column for column in batch.columns if pa.types.is_large_string(column.type))
    returns = (compute.any(compute.match_substring(text, "\r")).as_py() for text in texts)
    return csv.QUOTE_ALL if any(returns) else csv.QUOTE_MINIMAL
