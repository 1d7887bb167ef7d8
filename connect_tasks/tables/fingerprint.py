"""A table's fingerprint: what others may know of it, without any of its values."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

from connect_tasks.errors import InputError
from connect_tasks.tables.column_names import column_name, named_levels
from connect_tasks.tables.columns import Column, decoded, plain_values
from connect_tasks.tables.pandas_notes import WITH_GAPS
from connect_tasks.tables.pieces import FramePieces, TablePieces
from connect_tasks.tables.sql_query import SqlQuery
from connect_tasks.tables.streams import StreamPieces, is_stream, kept

__all__ = ["describe", "is_table"]


_Pieces = Iterable[Column]

_PIECE_ROWS = 100_000
# With these pandas makes nothing else of a column because a cell of it is missing.
_DTYPES: Any = {
    **WITH_GAPS,
    **dict.fromkeys((pa.string(), pa.large_string(), pa.string_view()), pd.StringDtype("pyarrow")),
}


def describe(table: Any) -> dict[str, Any]:
    """Summarise a table without any of its values, for records that others may read.

    Args:
        table: A DataFrame, anything with `__arrow_c_stream__`, or a `SqlQuery`, which is not run.

    Returns:
        `rows`, `columns` (their names, after those of its index) and `fingerprint`, the SHA-256 of
        the content in its order. That of an Arrow stream is the same however it is cut in batches,
        whether its texts are large, views or in a dictionary; and for texts, numbers and truth
        values that of a DataFrame with the same content. Of a query `database` and
        `fingerprint`, of its text.

    Raises:
        InputError: It is none of these, or a column's name is no text.

    Example:
        >>> summary = describe(pd.DataFrame({"customer_id": ["0042"]}))
        >>> summary["rows"], summary["columns"], len(summary["fingerprint"])
        (1, ['customer_id'], 64)
    """
    if isinstance(table, SqlQuery):
        return dict(table.summary)
    table = kept(table)
    if isinstance(table, pd.DataFrame):
        return _described(len(table), FramePieces(table), whole=len(table))
    if not isinstance(table, StreamPieces):
        raise InputError(f"customers is a {type(table).__name__}: give a DataFrame.")
    return _described(table.rows, table, whole=_PIECE_ROWS)


def is_table(value: object) -> bool:
    """Whether something is a table by itself, and neither the place of one nor a list of ids."""
    return isinstance(value, pd.DataFrame | SqlQuery) or is_stream(value)


def _described(rows: int, table: TablePieces, *, whole: int) -> dict[str, Any]:
    digest = hashlib.sha256()
    names = []
    for name, pieces in _columns(table, max(1, whole)):
        encoded = name.encode(errors="surrogatepass")
        digest.update(b"%d:%b" % (len(encoded), encoded))
        for piece in pieces:
            digest.update(_content(piece))
        names.append(name)
    return {"rows": rows, "columns": names, "fingerprint": digest.hexdigest()}


def _columns(table: TablePieces, piece_rows: int) -> Iterator[tuple[str, _Pieces]]:
    names = [column_name(label) for label in table.names]
    for name, level in named_levels(table.index, names).items():
        yield name, [pd.Series(level)]
    for place, name in enumerate(names):
        yield name, (piece.columns[0] for piece in table.pieces(piece_rows, [place]))


def _content(column: Column) -> bytes:
    if not isinstance(column, pd.Series):
        return _content_of_arrow(column)
    try:
        return _hashes(column)
    # Cells that hold lists or objects of any library, or dtypes that pandas only carries.
    except Exception:  # noqa: BLE001
        return hashlib.sha256(_as_text(column)).digest()


def _content_of_arrow(column: Any) -> bytes:
    if pa.types.is_dictionary(column.type):
        column = decoded(column)
    kind = column.type
    dtype = _DTYPES.get(kind)
    if dtype is None and not pa.types.is_floating(kind) and not pa.types.is_timestamp(kind):
        # What a piece comes to may not depend on where it was cut.
        return _as_text(column)
    return _hashes(column.to_pandas(types_mapper=lambda _: dtype))


def _hashes(column: "pd.Series[Any]") -> bytes:
    return pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes()


def _as_text(column: Column) -> bytes:
    shown = (_shown(value).encode(errors="surrogatepass") for value in plain_values(column))
    return b"".join(text + b"\n" for text in shown)


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 -- as above
        return type(value).__name__
