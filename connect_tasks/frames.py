"""Tables in and out: any table becomes rows of plain Python values, results become tables.

The columns and dtypes of the tables that come out are always the same, also for no rows at all.
"""

import decimal
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionArray

from connect_tasks.errors import InputError
from connect_tasks.sources import read_file

__all__ = ["contacts_table", "describe", "messages_table", "read_table", "rows"]

_Index: TypeAlias = "pd.Index[Any] | list[Any] | range | None"

_TIME = "datetime64[us, UTC]"
_CONTACTS = {
    "campaign": "string",
    "customer_id": "string",
    "status": "string",
    "end_reason": "string",
    "contact_id": "string",
    "participant_id": "string",
    "client_token": "string",
    "generation": "Int64",
    "attempts": "Int64",
    "error_code": "string",
    "error_message": "string",
    "request_id": "string",
    "planned_at": _TIME,
    "started_at": _TIME,
    "connected_at": _TIME,
    "first_reply_at": _TIME,
    "ended_at": _TIME,
}
_MESSAGES = {
    "customer_id": "string",
    "contact_id": "string",
    "message_id": "string",
    "absolute_time": _TIME,
    "participant_role": "string",
    "participant_id": "string",
    "display_name": "string",
    "type": "string",
    "content_type": "string",
    "content": "string",
}
# Beyond this a float no longer holds every integer.
_EXACT = 2.0**53
_NAMES_AN_ID = re.compile(r"(?:^|[^A-Za-z])(?:id|ID|Id)$|[a-z]I[Dd]$")
_BY_VALUE = (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)


def read_table(source: "pd.DataFrame | str | os.PathLike[str]") -> pd.DataFrame:
    """Read the customers' table, or check the one that is given.

    Args:
        source: A DataFrame, or the path or URI (`file://`, `https://`, `s3://`) of a CSV or
            Parquet file. CSV is read as text throughout: IDs keep their leading zeros.

    Returns:
        The table with text for column names, at least one row and no column name twice; the
        index is kept. A given frame is never changed.

    Raises:
        InputError: If there is no such file, or the table is empty or ambiguous.

    Example:
        >>> len(read_table(pd.DataFrame({"customer_id": ["0042"]})))
        1
    """
    frame = source if isinstance(source, pd.DataFrame) else read_file(_path(source))
    names = _column_names(frame)
    if frame.empty:
        raise InputError("The table is empty: it needs one row per customer.")
    if names == list(frame.columns):
        return frame
    return frame.set_axis(names, axis="columns")


def rows(frame: pd.DataFrame, *, chunk_rows: int = 10_000) -> Iterator[list[dict[str, Any]]]:
    """Go through a table in chunks of rows of plain Python values; None for what is missing.

    Whole columns are looked at first, so that chunks agree with each other:

    - floats with gaps that are all whole numbers become integers, as pandas makes floats of
      integers with gaps; so do whole floats in columns named like an ID (`customer_id`, `id`);
    - times without zone that are all midnight become dates.

    Args:
        frame: The table; it is not changed.
        chunk_rows: How many rows to hold as Python objects at once.

    Yields:
        Lists of at most `chunk_rows` rows, in the table's order.

    Raises:
        InputError: If two columns have the same name.

    Example:
        >>> next(rows(pd.DataFrame({"customer_id": [7.0, 8.0], "visits": [3, None]})))
        [{'customer_id': 7, 'visits': 3}, {'customer_id': 8, 'visits': None}]
    """
    names = _column_names(frame)
    columns = [_settled(frame.iloc[:, i], name) for i, name in enumerate(names)]
    for start in range(0, len(frame), chunk_rows):
        chunk = [_plain_values(column.iloc[start : start + chunk_rows]) for column in columns]
        yield [dict(zip(names, values, strict=True)) for values in zip(*chunk, strict=True)]


def describe(frame: pd.DataFrame) -> dict[str, Any]:
    """Summarise a table without any of its values, for records that others may read.

    Returns:
        `rows`, `columns` (their names) and `fingerprint`, the SHA-256 of the content in its order.

    Example:
        >>> summary = describe(pd.DataFrame({"customer_id": ["0042"]}))
        >>> summary["rows"], summary["columns"], len(summary["fingerprint"])
        (1, ['customer_id'], 64)
    """
    names = [_name(column) for column in frame.columns]
    digest = hashlib.sha256()
    for position, name in enumerate(names):
        encoded = name.encode(errors="surrogatepass")
        digest.update(b"%d:%b" % (len(encoded), encoded))
        digest.update(_hashes(frame.iloc[:, position]).tobytes())
    return {"rows": len(frame), "columns": names, "fingerprint": digest.hexdigest()}


def contacts_table(records: Iterable[Mapping[str, Any]], *, index: "_Index" = None) -> pd.DataFrame:
    """Make the table of contacts: one row per record, in the order given.

    Args:
        records: The contacts by column name; what a record lacks is missing.
        index: The index of the result, as long as the records; 0, 1, … if None.

    Example:
        >>> contacts_table([{"customer_id": "0042", "attempts": 1}]).dtypes["attempts"]
        Int64Dtype()
    """
    return _table(records, _CONTACTS, index)


def messages_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Make the table of messages: one row per transcript item, in the order given.

    Args:
        records: The items by column name; what a record lacks is missing.

    Example:
        >>> str(messages_table([]).dtypes["absolute_time"])
        'datetime64[us, UTC]'
    """
    return _table(records, _MESSAGES, None)


def _path(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    raise InputError(
        f"customers is a {type(source).__name__}: give a DataFrame, such as"
        " pandas.DataFrame(customers), or the path or URI of a CSV or Parquet file."
    )


def _column_names(frame: pd.DataFrame) -> list[str]:
    names = [_name(column) for column in frame.columns]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"The table has columns of the same name: {', '.join(map(repr, repeated))}."
            " Rename or drop one of each."
        )
    return names


def _name(column: object) -> str:
    return ".".join(map(str, column)) if isinstance(column, tuple) else str(column)


def _settled(column: "pd.Series[Any]", name: str) -> "pd.Series[Any]":
    """The column in the dtype that its values as a whole call for."""
    if pd.api.types.is_float_dtype(column.dtype):
        return _whole_numbers(_shortest(column), name)
    if pd.api.types.is_datetime64_dtype(column.dtype):
        present = column.dropna()
        if len(present) and (present == present.dt.normalize()).all():
            dates: pd.Series[Any] = column.dt.date
            return dates
    return column


def _shortest(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """0.1 in 32 bits would print as 0.10000000149011612 in 64."""
    narrow = column.dtype.itemsize < np.dtype("float64").itemsize  # type: ignore[union-attr]
    return column.astype(str).astype("float64") if narrow else column


def _whole_numbers(column: "pd.Series[Any]", name: str) -> "pd.Series[Any]":
    present = column.dropna().to_numpy("float64")
    made_floats_by_pandas = len(present) < len(column) or _NAMES_AN_ID.search(name)
    if not (len(present) and made_floats_by_pandas):
        return column
    whole = (np.abs(present) < _EXACT) & (np.floor(present) == present)
    return column.astype("Int64") if whole.all() else column


def _plain_values(column: "pd.Series[Any]") -> list[Any]:
    if column.dtype == object or isinstance(column.dtype, _BY_VALUE):
        return [_plain(value) for value in column.astype(object)]
    try:
        array = pa.array(column)
    except (pa.ArrowException, TypeError, ValueError):
        return [_plain(value) for value in column.astype(object)]
    values: list[Any] = _microseconds(array).to_pylist()
    simple = pa.types.is_integer(array.type) or pa.types.is_string(array.type)
    if simple or pa.types.is_large_string(array.type):
        return values
    return [_plain(value) for value in values]


def _microseconds(array: pa.Array) -> pa.Array:
    # Python's own times end at microseconds; Arrow would answer with pandas' types instead.
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.timestamp("us", array.type.tz), safe=False)
    if pa.types.is_duration(array.type):
        return array.cast(pa.duration("us"), safe=False)
    return array


def _plain(value: object) -> object:
    if type(value) in {str, int, bool, type(None)}:
        return value
    if isinstance(value, list | tuple | set | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if _is_missing(value):
        return None
    return _plain_scalar(value)


def _is_missing(value: Any) -> bool:
    if isinstance(value, decimal.Decimal):
        return value.is_nan()
    return (
        value is pd.NA or value is pd.NaT or bool(pd.api.types.is_scalar(value) and pd.isna(value))
    )


def _plain_scalar(value: object) -> object:
    if isinstance(value, np.datetime64 | np.timedelta64):
        value = pd.Timestamp(value) if isinstance(value, np.datetime64) else pd.Timedelta(value)
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime(warn=False)
    if isinstance(value, pd.Timedelta):
        return value.to_pytimedelta()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str):
        return str(value)
    return str(value) if isinstance(value, pd.Period | pd.Interval) else value


def _hashes(column: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    try:
        return pd.util.hash_pandas_object(column, index=False).to_numpy()
    except TypeError:
        # Cells that hold lists or dicts.
        return pd.util.hash_pandas_object(column.map(repr), index=False).to_numpy()


def _table(
    records: Iterable[Mapping[str, Any]], columns: Mapping[str, str], index: "_Index"
) -> pd.DataFrame:
    listed = list(records)
    if index is not None and len(index) != len(listed):
        raise ValueError(f"The index has length {len(index)}, the table {len(listed)}.")
    values = {name: [record.get(name) for record in listed] for name in columns}
    data = {name: _array(values[name], dtype) for name, dtype in columns.items()}
    return pd.DataFrame(data, index=index, columns=list(columns))


def _array(values: list[Any], dtype: str) -> ExtensionArray:
    if dtype == _TIME:
        return (
            pd.DatetimeIndex(pd.to_datetime(values, utc=True, format="ISO8601")).as_unit("us").array
        )
    return pd.array(values, dtype=pd.StringDtype() if dtype == "string" else pd.Int64Dtype())
