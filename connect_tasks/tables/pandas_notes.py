"""What pandas notes in the schema of a table that it has written: index, labels, dtypes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype

__all__ = ["WITH_GAPS", "PandasNotes", "pandas_notes"]

WITH_GAPS: Mapping[Any, Any] = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}
"""The dtypes under which a column with missing cells stays what it is without them."""

_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class PandasNotes:
    """What pandas has noted.

    Args:
        index: The table's index; None if there is none, or what is noted cannot be read.
        index_columns: The columns that are its levels, and no columns of the table.
        levels: How many levels the columns' names have.
        dtypes: What it makes of each column.
    """

    index: "pd.Index[Any] | None" = None
    index_columns: Sequence[str] = ()
    levels: int = 1
    dtypes: Mapping[str, Any] = field(default_factory=dict)


def pandas_notes(schema: pa.Schema, read: Callable[[Sequence[str]], pa.Table]) -> PandasNotes:
    """Find out what pandas has noted in a schema.

    Args:
        schema: Of a table that pandas may have written.
        read: Reads these columns, with the schema's notes.
    """
    try:
        noted = schema.pandas_metadata or {}
        columns = [name for name in noted.get("index_columns", ()) if isinstance(name, str)]
        index = read(columns).to_pandas(types_mapper=_dtype).index
        levels = len(noted.get("column_indexes", ()))
        return PandasNotes(index, columns, levels, _dtypes(schema))
    # Some of what pandas notes, it cannot read itself; then all columns are plain ones.
    except _UNREADABLE:
        return PandasNotes()


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
