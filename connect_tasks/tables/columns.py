"""Columns as plain Python values: the rule for one cell, applied to thousands at once."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connect_tasks.tables.cells import (
    EXACT,
    MOST_CHARACTERS,
    plain_value,
    unreadable,
)

__all__ = ["Column", "decoded", "plain_values"]

Column: TypeAlias = "pd.Series[Any] | pa.Array | pa.ChunkedArray"
_Values: TypeAlias = "np.ndarray[Any, Any]"

_BY_VALUE = (pd.PeriodDtype, pd.IntervalDtype)
_DAY_MICROSECONDS = 86_400_000_000
# Views, which polars has, cannot be looked up in a dictionary.
_TAKEN = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


def plain_values(column: Column) -> list[Any]:
    """The cells of a column, whatever its dtype, each as `plain_value` would have it alone.

    Example:
        >>> plain_values(pd.Series([1, None, 2.5]))
        [1, None, 2.5]
    """
    if isinstance(column, pd.Series) and isinstance(column.dtype, pd.ArrowDtype):
        column = column.array.__arrow_array__()  # type: ignore[attr-defined]
    try:
        return _of_series(column) if isinstance(column, pd.Series) else _of_arrow(column)
    # One cell may be beyond what the library can convert; the others are not.
    except Exception:  # noqa: BLE001
        return _one_by_one(column)


def decoded(array: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    """The cells of a dictionary-encoded column, as they are without it; views are none then.

    Example:
        >>> decoded(pa.array(["gold", None]).dictionary_encode()).to_pylist()
        ['gold', None]
    """
    if isinstance(array, pa.ChunkedArray):
        kind = _TAKEN.get(array.type.value_type, array.type.value_type)
        return pa.chunked_array([decoded(chunk) for chunk in array.chunks], type=kind)
    values = array.dictionary
    return values.cast(_TAKEN.get(values.type, values.type)).take(array.indices)


def _one_by_one(column: Column) -> list[Any]:
    cells = column.array if isinstance(column, pd.Series) else column
    return [_cell(cells, position) for position in range(len(cells))]


def _cell(cells: Any, position: int) -> Any:
    try:
        value = cells[position]
    except Exception as error:  # noqa: BLE001 -- as in `plain_value`
        return unreadable(error)
    return plain_value(value)


def _of_series(column: "pd.Series[Any]") -> list[Any]:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _of_categories(column)
    if isinstance(dtype, pd.SparseDtype):
        return plain_values(pd.Series(np.asarray(column.array)))
    if pd.api.types.is_object_dtype(dtype) or isinstance(dtype, _BY_VALUE):
        return list(map(plain_value, column.array))
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        return _floats(column.to_numpy())
    return _of_arrow(pa.array(column))


def _of_categories(column: "pd.Series[Any]") -> list[Any]:
    # A piece of a table has all categories of the whole: only those that it uses are looked at.
    used, places = np.unique(column.cat.codes.to_numpy(), return_inverse=True)
    values = plain_values(column.cat.categories[used[used >= 0]].to_series())
    values = [None, *values] if len(used) > len(values) else values
    return [values[place] for place in places.tolist()]


def _of_arrow(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    for is_of, values in _WAYS:
        if is_of(array.type):
            return values(array)
    return list(map(plain_value, _items(array)))


def _as_they_are(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    return array.to_pylist()  # type: ignore[no-any-return]


def _items(array: "pa.Array | pa.ChunkedArray") -> Iterable[Any]:
    # Only pandas knows what its own types mean by the numbers that they store.
    if type(array.type).__module__.startswith("pandas."):
        return array.to_pandas()  # type: ignore[no-any-return]
    is_of_arrow = pa.types.is_nested(array.type) or isinstance(array.type, pa.BaseExtensionType)
    return array if is_of_arrow else _as_they_are(array)


def _texts_of_others(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    """Of bytes that are UTF-8, and of views of texts.

    Raises:
        pa.ArrowInvalid: Some of them are not.
    """
    return _texts(array.cast(pa.large_string()))


def _texts(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    values: list[Any] = array.to_pylist()
    # One text of all is gone through several times as fast as each by itself.
    is_odd = _longest(array) > MOST_CHARACTERS or "\0" in "".join(filter(None, values))
    return list(map(plain_value, values)) if is_odd else values


def _longest(array: "pa.Array | pa.ChunkedArray") -> int:
    return pc.max(pc.binary_length(array)).as_py() or 0


def _floats_of_arrow(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    whole = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return _floats(whole.to_numpy())


def _floats(values: _Values) -> list[Any]:
    if values.dtype.itemsize > np.float64().itemsize:
        return list(map(plain_value, values))
    # In 64 bits the narrower ones are the same numbers, but would print with more digits.
    wide = values.astype(np.float64)
    integral = (np.abs(wide) < EXACT) & (np.floor(wide) == wide)
    cells = np.empty(len(wide), dtype=object)
    cells[integral] = wide[integral].astype(np.int64)
    broken = ~integral & ~np.isnan(wide)
    if broken.any():
        narrow = values.dtype != np.float64
        cells[broken] = values[broken].astype("U32").astype(np.float64) if narrow else wide[broken]
    return cells.tolist()


def _times(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    """Times without zone are dates at midnight."""
    array = _whole_microseconds(array, pa.timestamp("us", array.type.tz))
    if array.type.tz is not None:
        return list(map(plain_value, array.to_pylist()))
    present = array.is_valid()
    midnight = pc.equal(_remainder(array.cast(pa.int64()), _DAY_MICROSECONDS), 0)
    if pc.all(midnight).as_py() is not False:
        return array.cast(pa.date32()).to_pylist()  # type: ignore[no-any-return]
    values: list[Any] = array.to_pylist()
    if not pc.any(pc.and_(midnight, present)).as_py():
        return values
    return [v.date() if m else v for v, m in zip(values, midnight.to_pylist(), strict=True)]


def _spans(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    return _as_they_are(_whole_microseconds(array, pa.duration("us")))


def _dictionary(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    return _of_arrow(decoded(array))


def _runs(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    return _of_arrow(pc.run_end_decode(array))


def _remainder(numbers: Any, by: int) -> Any:
    return pc.subtract(numbers, pc.multiply(pc.divide(numbers, by), by))


def _whole_microseconds(array: Any, kind: pa.DataType) -> Any:
    """Python's own times end at microseconds: down to these, also before 1970.

    Raises:
        pa.ArrowInvalid: A cell is beyond what microseconds reach.
    """
    if array.type.unit != "ns":
        return array.cast(kind)
    number = array.cast(pa.int64())
    rest = _remainder(number, 1_000)
    below = pc.subtract(pc.divide(number, 1_000), pc.cast(pc.less(rest, 0), pa.int64()))
    return below.cast(kind)


# By the first that knows the type; all else goes cell by cell.
_WAYS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any], list[Any]]], ...] = (
    (pa.types.is_large_string, _texts),
    (pa.types.is_string, _texts),
    (pa.types.is_integer, _as_they_are),
    (pa.types.is_boolean, _as_they_are),
    (pa.types.is_floating, _floats_of_arrow),
    (pa.types.is_timestamp, _times),
    (pa.types.is_date, _as_they_are),
    (pa.types.is_time, _as_they_are),
    (pa.types.is_duration, _spans),
    (pa.types.is_dictionary, _dictionary),
    (pa.types.is_run_end_encoded, _runs),
    (pa.types.is_string_view, _texts_of_others),
    (pa.types.is_binary, _texts_of_others),
    (pa.types.is_large_binary, _texts_of_others),
    (pa.types.is_binary_view, _texts_of_others),
)
