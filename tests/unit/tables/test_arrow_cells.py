"""Arrow's arrays of every layout: the same cell is the same value, whatever it is laid out as."""

import datetime as dt
import decimal
import uuid
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from connect_tasks.tables.reading import open_table

SHORT = pa.float32()
TENTHS = pa.array([0.1, None, 1.0], SHORT)
PLACES = pa.array([0, 1, 2], pa.int8())
ENDS = pa.array([1, 2, 3], pa.int32())
TENTH_EACH = [0.1, None, 1]


def extension(kind: Any, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


LAYOUTS: dict[str, tuple[pa.Array, list[Any]]] = {
    "plain": (TENTHS, TENTH_EACH),
    "dictionary": (pa.DictionaryArray.from_arrays(PLACES, TENTHS), TENTH_EACH),
    "dictionary of views": (
        pa.DictionaryArray.from_arrays(
            pa.array([1, None, 0, 1], pa.uint32()), pa.array(["a", "b"], pa.string_view())
        ),
        ["b", None, "a", "b"],
    ),
    "run-end-encoded": (pa.RunEndEncodedArray.from_arrays(ENDS, TENTHS), TENTH_EACH),
    "sparse union": (
        pa.UnionArray.from_sparse(pa.array([0, 0, 0], pa.int8()), [TENTHS]),
        TENTH_EACH,
    ),
    "dense union": (
        pa.UnionArray.from_dense(
            pa.array([0, 1, 0], pa.int8()),
            pa.array([0, 0, 2], pa.int32()),
            [TENTHS, pa.nulls(1)],
        ),
        TENTH_EACH,
    ),
    "opaque extension": (extension(pa.opaque(SHORT, "share", "none"), TENTHS), TENTH_EACH),
    "tensor": (
        extension(
            pa.fixed_shape_tensor(SHORT, [2]), pa.array([[0.1, 1], None], pa.list_(SHORT, 2))
        ),
        [[0.1, 1], None],
    ),
    "map": (
        pa.array([[("a", 0.1)], None, []], pa.map_(pa.string(), SHORT)),
        [[["a", 0.1]], None, []],
    ),
    "struct": (
        pa.array([{"a": 0.1, "b": None}, None], pa.struct([("a", SHORT), ("b", pa.string())])),
        [{"a": 0.1, "b": None}, None],
    ),
    "struct of runs": (
        pa.StructArray.from_arrays([pa.RunEndEncodedArray.from_arrays(ENDS, TENTHS)], ["a"]),
        [{"a": 0.1}, {"a": None}, {"a": 1}],
    ),
    "dictionary of lists": (
        pa.DictionaryArray.from_arrays(PLACES[:2], pa.array([[0.1], None], pa.list_(SHORT))),
        [[0.1], None],
    ),
    **{
        str(kind): (pa.array([[0.1, None], None], kind), [[0.1, None], None])
        for kind in (
            *(pa.list_(SHORT), pa.large_list(SHORT), pa.list_(SHORT, 2)),
            *(pa.list_view(SHORT), pa.large_list_view(SHORT)),
        )
    },
    **{
        str(kind): (
            pa.array(list(map(decimal.Decimal, ("7.00", "1.50"))), kind),
            [7, decimal.Decimal("1.50")],
        )
        for kind in (
            pa.decimal32(5, 2),
            pa.decimal64(12, 2),
            pa.decimal128(9, 2),
            pa.decimal256(60, 2),
        )
    },
    "fixed binary": (
        pa.array([b"Ada ", b"\xff\xfe\xfd\xfc", None], pa.binary(4)),
        ["Ada ", b"\xff\xfe\xfd\xfc", None],
    ),
    "uuid": (
        extension(pa.uuid(), pa.array([bytes(16), None], pa.binary(16))),
        [uuid.UUID(int=0), None],
    ),
    "json": (extension(pa.json_(), pa.array(['{"a": 1.0}', None])), ['{"a": 1.0}', None]),
    "bool8": (extension(pa.bool8(), pa.array([1, 0, None], pa.int8())), [True, False, None]),
    "nothing": (pa.nulls(2), [None, None]),
    "far dates": (
        pa.array([2_932_896, 0], pa.date32()),
        [dt.date(9999, 12, 31), dt.date(1970, 1, 1)],
    ),
}


@pytest.mark.parametrize(("array", "plain"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_cell_of_any_layout_is_plain(array: pa.Array, plain: list[Any]) -> None:
    column = pd.Series(pd.arrays.ArrowExtensionArray(array))

    assert repr(read(pd.DataFrame({"c": column}))) == repr(plain)
    assert repr(read(pd.DataFrame({"c": column[1:]}))) == repr(plain[1:])
    # One by one, as in a column of anything.
    assert repr(read(pd.DataFrame({"c": pd.Series(list(array), dtype=object)}))) == repr(plain)


NOT_IN_PARQUET = {
    "run-end-encoded",
    "sparse union",
    "dense union",
    "struct of runs",
    "dictionary",
    "dictionary of views",
    "dictionary of lists",
}
IN_PARQUET = [name for name in LAYOUTS if name not in NOT_IN_PARQUET]


@pytest.mark.parametrize("name", IN_PARQUET)
def test_a_cell_of_any_layout_is_the_same_from_parquet(tmp_path: Path, name: str) -> None:
    array, plain = LAYOUTS[name]
    parquet.write_table(pa.table({"c": array}), tmp_path / "c.parquet")

    assert repr(read(tmp_path / "c.parquet")) == repr(plain)


class Once:
    """A table of a library that nobody here knows: a stream, and that only once."""

    def __init__(self, table: pa.Table) -> None:
        self._stream = iter([table])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return next(self._stream).__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(("array", "plain"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_cell_of_any_layout_is_the_same_from_a_stream(array: pa.Array, plain: list[Any]) -> None:
    table = pa.table({"c": array})

    assert repr(read(table)) == repr(plain)
    assert repr(read(Once(table))) == repr(plain)
    assert repr(read(Once(table.slice(1)))) == repr(plain[1:])


def read(source: Any) -> list[Any]:
    return [row["c"] for chunk in open_table(source).chunks() for row in chunk]
