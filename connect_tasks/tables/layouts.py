"""Layouts: tables out, as DataFrames and files, piece by piece.

Their columns and dtypes are always the same, also for no rows at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, repeat
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from connect_tasks.tables.formulas import neutralised, neutralised_text

__all__ = [
    "CAMPAIGNS",
    "CONTACTS",
    "DECISIONS",
    "INVITATIONS",
    "LINKS",
    "MESSAGES",
    "REPLIES",
    "SUPPRESSIONS",
    "TableLayout",
    "attributes_layout",
    "customers_layout",
]

_Index: TypeAlias = "pd.Index[Any] | list[Any] | range | None"
_Records: TypeAlias = Iterable[Mapping[str, Any]]

# How many rows are Python objects at once, and how many a row group of a file has.
_PIECE_ROWS = 20_000
_TEXT, _COUNT, _TIME = "string", "Int64", "datetime64[us, UTC]"
_TRUTH, _SECONDS = "boolean", "Float64"
# Large: a column may hold more than the 2 GiB of text that the other kind ends at.
_KINDS = {
    _TEXT: pa.large_string(),
    _COUNT: pa.int64(),
    _TIME: pa.timestamp("us", tz="UTC"),
    _TRUTH: pa.bool_(),
    _SECONDS: pa.float64(),
}
# Text as pandas keeps it by itself takes several times the memory.
_DTYPES = {
    _KINDS[_TEXT]: pd.StringDtype("pyarrow"),
    _KINDS[_COUNT]: pd.Int64Dtype(),
    _KINDS[_TRUTH]: pd.BooleanDtype(),
    _KINDS[_SECONDS]: pd.Float64Dtype(),
}


class TableLayout:
    """A kind of table: its columns, and how it is made of records.

    A record gives values by column name: text, numbers, times with a zone, None. What it lacks is
    missing, what it has beyond the columns is left out. Only some thousands are held at once.

    Args:
        columns: The name of each column and its dtype.

    Example:
        >>> CONTACTS.frame([{"customer_id": "0042", "attempts": 1}]).dtypes["attempts"]
        Int64Dtype()
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        schema = pa.schema([(name, _KINDS[dtype]) for name, dtype in columns.items()])
        empty = schema.empty_table().to_pandas(types_mapper=_DTYPES.get)
        # With what pandas needs to read the same dtypes from a file.
        self._schema = pa.Schema.from_pandas(empty, preserve_index=False)

    def frame(self, records: _Records, *, index: _Index = None) -> pd.DataFrame:
        """The records as a DataFrame, in the order given.

        Args:
            records: One for each row.
            index: The index of the result, as long as the records; 0, 1, … if None.

        Raises:
            ValueError: If the index is of another length.
        """
        table = pa.Table.from_batches(self._batches(records), schema=self._schema)
        frame: pd.DataFrame = table.to_pandas(types_mapper=_DTYPES.get)
        if index is not None:
            frame.index = pd.Index(index)
        return frame

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
            for batch in self._batches(records):
                piece = batch.to_pandas(types_mapper=_DTYPES.get)
                piece = piece.apply(self._neutralised) if neutralise else piece
                piece.to_csv(file, index=False, header=False)

    def write_parquet(self, records: _Records, path: Path) -> None:
        """Write the records to a Parquet file, in the order given; pandas reads the same dtypes."""
        with parquet.ParquetWriter(path, self._schema) as file:
            for batch in self._batches(records):
                file.write_batch(batch)

    def sheet(self, records: _Records) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """The records as `write_workbook` takes them: the first row, and the others."""
        header = [f"{f.name} (UTC)" if f.type == _KINDS[_TIME] else f.name for f in self._schema]
        return header, (tuple(map(record.get, self._schema.names)) for record in records)

    def _neutralised(self, column: "pd.Series[Any]") -> "pd.Series[Any]":
        is_text = self._schema.field(str(column.name)).type == _KINDS[_TEXT]
        return neutralised(column) if is_text else column

    def _batches(self, records: _Records) -> Iterator[pa.RecordBatch]:
        names = self._schema.names
        rows = (tuple(map(record.get, names)) for record in records)
        while (batch := self._next_batch(rows)).num_rows:
            yield batch

    def _next_batch(self, rows: Iterator[tuple[Any, ...]]) -> pa.RecordBatch:
        """The next piece of the table; without rows at the end."""
        piece = list(islice(rows, _PIECE_ROWS))
        columns = zip(*piece, strict=True) if piece else repeat(())
        arrays = list(map(pa.array, columns, self._schema.types))
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


CONTACTS = TableLayout(
    {
        "campaign": _TEXT,
        "customer_id": _TEXT,
        "status": _TEXT,
        "end_reason": _TEXT,
        "contact_id": _TEXT,
        "participant_id": _TEXT,
        "client_token": _TEXT,
        "generation": _COUNT,
        "attempts": _COUNT,
        "error_code": _TEXT,
        "error_message": _TEXT,
        "request_id": _TEXT,
        "planned_at": _TIME,
        "started_at": _TIME,
        "connected_at": _TIME,
        "first_reply_at": _TIME,
        "ended_at": _TIME,
        "transcript_complete": _TRUTH,
        "items_skipped": _COUNT,
        "handed_over_at": _TIME,
        "disconnect_reason": _TEXT,
        "messages_sent": _COUNT,
        "not_before": _TIME,
        "time_zone": _TEXT,
        "variant": _TEXT,
    }
)
"""One row for each contact or refused row."""

MESSAGES = TableLayout(
    {
        "customer_id": _TEXT,
        "contact_id": _TEXT,
        "message_id": _TEXT,
        "absolute_time": _TIME,
        "participant_role": _TEXT,
        "participant_id": _TEXT,
        "display_name": _TEXT,
        "type": _TEXT,
        "content_type": _TEXT,
        "content": _TEXT,
    }
)
"""One row for each transcript item."""

REPLIES = TableLayout(
    {
        "customer_id": _TEXT,
        "contact_id": _TEXT,
        "number": _COUNT,
        "question": _TEXT,
        "asked_at": _TIME,
        "asked_by": _TEXT,
        "answer": _TEXT,
        "answered_at": _TIME,
        "seconds_to_answer": _SECONDS,
        "possible_opt_out": _TRUTH,
    }
)
"""One row for each question that a customer was asked, and what they answered."""

INVITATIONS = TableLayout(
    {
        "customer_id": _TEXT,
        "url": _TEXT,
        "issued_at": _TIME,
        "not_before": _TIME,
        "not_after": _TIME,
        "expires_at": _TIME,
        "revoked_at": _TIME,
        "opened_at": _TIME,
        "opens": _COUNT,
        "contact_id": _TEXT,
        "status": _TEXT,
    }
)
"""One row for each link. Whoever has its URL speaks as the customer."""

LINKS = TableLayout(
    {
        "customer_id": _TEXT,
        "url": _TEXT,
        "not_before": _TEXT,
        "not_after": _TEXT,
        "expires_at": _TEXT,
    }
)
"""One row for each link that can be sent; times as text, in the form that senders take."""

DECISIONS = TableLayout(
    {
        "campaign": _TEXT,
        "customer_id": _TEXT,
        "decided_at": _TIME,
        "moment": _TEXT,
        "decision": _TEXT,
        "rule": _TEXT,
        "value": _TEXT,
        "until": _TIME,
        "reasons": _TEXT,
        "policy": _TEXT,
    }
)
"""One row for each time that a policy decided about a customer."""

CAMPAIGNS = TableLayout(
    {
        "campaign": _TEXT,
        "instance_id": _TEXT,
        "mode": _TEXT,
        "state": _TEXT,
        "created_at": _TIME,
        "customers": _COUNT,
        "waiting": _COUNT,
        "unknown": _COUNT,
    }
)
"""One row for each campaign of a ledger."""


SUPPRESSIONS = TableLayout(
    {
        "customer_id": _TEXT,
        "list": _TEXT,
        "reason": _TEXT,
        "source": _TEXT,
        "added_at": _TIME,
        "expires_at": _TIME,
    }
)
"""One row for each customer on each list of those whom nobody is to contact."""


def attributes_layout(names: Iterable[str]) -> TableLayout:
    """The table of what flows stored: who it is of, then a column of text for each attribute.

    Args:
        names: The attributes' columns, in their order.

    Example:
        >>> list(attributes_layout(["score"]).frame([]).columns)
        ['customer_id', 'contact_id', 'score']
    """
    return TableLayout(dict.fromkeys(("customer_id", "contact_id", *names), _TEXT))


def customers_layout(attributes: Iterable[str]) -> TableLayout:
    """The table of customers as requests have them: it can be contacted again as it is.

    Args:
        attributes: The names of the attributes, in their order.

    Example:
        >>> list(customers_layout(["plan"]).frame([]).columns)
        ['customer_id', 'display_name', 'attributes.plan']
    """
    names = (f"attributes.{name}" for name in attributes)
    return TableLayout(dict.fromkeys(("customer_id", "display_name", *names), _TEXT))
