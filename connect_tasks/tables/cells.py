"""Cells of any column as plain Python values."""

import decimal
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

__all__ = ["plain_values"]

_BY_VALUE = (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)


def plain_values(column: "pd.Series[Any]") -> list[Any]:
    """The cells of a column, whatever its dtype; None for what is missing.

    Lists, arrays and mappings in cells are gone through, too.

    Example:
        >>> plain_values(pd.Series([1, None], dtype="Int64"))
        [1, None]
    """
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
