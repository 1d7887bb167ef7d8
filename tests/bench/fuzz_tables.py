"""Any table at all: `python -m tests.bench.fuzz_tables [rows] [seed]`.

Tables of every pandas and Arrow dtype with odd values go through a template that prints each
column, from memory, CSV, Parquet and a spreadsheet. Each ends in rows, valid or refused with
reasons, or in one `InputError`; and each cell is what it is alone, in a table of one row.
"""

import contextlib
import datetime as dt
import decimal
import enum
import fractions
import gzip
import sys
import tempfile
import uuid
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from connect_tasks.campaign.planning import look_over
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.errors import InputError
from connect_tasks.tables.cells import UnreadableCell, plain_value
from connect_tasks.tables.reading import describe, open_table

MOST_ROWS = 400
# A table for each cell takes its time; after these it is the same function.
ALONE_ROWS = 20
_DAY = 86_400


class _Colour(str, enum.Enum):  # noqa: UP042 -- its str() is not its text
    RED = "red"


class _Rude:
    """An object that answers nothing."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __hash__ = __len__ = __iter__ = __eq__ = __str__  # type: ignore[assignment]


def _loop() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


ODD: tuple[Any, ...] = (
    True,
    False,
    *(None, np.nan, pd.NA, pd.NaT, float("inf"), -float("inf"), 0.0, -0.0, 1.0, 2.5, 0.1),
    *(2.0**53, 2.0**53 - 1, 1e300, 5e-324, 0, 7, -1, 2**63, 10**50, 10**5_000),
    *(np.float32(0.1), np.float16(0.1), np.longdouble("0.1"), np.longdouble("1e4000")),
    *(np.int8(3), np.uint64(2**64 - 1), np.True_, np.str_("a"), np.bytes_(b"b")),
    *("", " ", "0042", "Zoë", "\ud800", "a\x00b", "=1+1", "x" * 100_001, "{{ 1 }}", "a\nb"),
    *(b"", b"text", b"\xff\xfe", bytearray(b"ab"), memoryview(b"cd"), 1j, 1 + 0j, np.complex64(1j)),
    *(decimal.Decimal("1.00"), decimal.Decimal("1.50"), decimal.Decimal("NaN")),
    *(decimal.Decimal("sNaN"), decimal.Decimal("Infinity"), decimal.Decimal("1E+99999")),
    *(fractions.Fraction(4, 2), fractions.Fraction(1, 3), uuid.UUID(int=7), _Colour.RED, _Rude()),
    *(dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.time(1, 2), dt.timedelta(days=1)),
    *(dt.datetime(2026, 1, 2), dt.datetime(2026, 1, 2, 3), dt.datetime(1, 1, 1, tzinfo=dt.UTC)),  # noqa: DTZ001 -- no zone
    *(np.datetime64("NaT"), np.datetime64("20000-01-01"), np.timedelta64(10**15, "s")),
    *(pd.Timestamp("1969-12-31 23:59:59.999999999"), pd.Timestamp(0, tz="Europe/Berlin")),
    *(pd.Timedelta(1_501, "ns"), pd.Period("2026-01"), pd.Interval(0.0, 1.5), _loop(), {"a": 1.0}),
    *([1.0, None], (1, 2), {"b", "a"}, frozenset(), np.array([1.0, 2.5]), np.array(5), object()),
    *(np.array([[1, 2]]), pd.Series([1.0]), pa.scalar(1.5, pa.float32()), np.ma.masked, range(3)),
)

_PANDAS = (
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"),
    *("float16", "float32", "float64", "longdouble", "complex64", "complex128"),
    *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "boolean"),
    *("Float32", "Float64", "str", "string", "string[python]", "string[pyarrow]", "object"),
    *("category", "Sparse[float64]", "Sparse[int64]", "Sparse[bool]", "Period[M]", "Period[s]"),
    *("interval[float64]", "interval[int64]", "S5", "U5"),
    *(f"datetime64[{unit}]" for unit in ("s", "ms", "us", "ns")),
    *(
        f"datetime64[{unit}, {zone}]"
        for unit in ("s", "us", "ns")
        for zone in ("UTC", "Europe/Berlin", "+05:30")
    ),
    *(f"timedelta64[{unit}]" for unit in ("s", "ms", "us", "ns")),
)

_TIMES = [pa.timestamp(u, z) for u in ("s", "ms", "us", "ns") for z in (None, "UTC", "Asia/Tokyo")]
_PLAIN_ARROW = (
    *(pa.null(), pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8()),
    *(pa.uint16(), pa.uint32(), pa.uint64(), pa.float16(), pa.float32(), pa.float64()),
    *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary()),
    *(pa.binary_view(), pa.binary(4), pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms")),
    *(pa.time64("us"), pa.time64("ns"), *_TIMES, pa.timestamp("s", "Nowhere/Land")),
    *(pa.duration(unit) for unit in ("s", "ms", "us", "ns")),
    *(pa.decimal32(7, 2), pa.decimal64(12, 2), pa.decimal128(12, 2), pa.decimal256(60, 3)),
    pa.month_day_nano_interval(),
)
_NESTED_ARROW = (
    *(pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.timestamp("ns"))),
    *(pa.list_(pa.int64(), 2), pa.list_view(pa.string_view()), pa.map_(pa.string(), pa.float32())),
    *(pa.struct([("a", pa.float16()), ("b", pa.list_(pa.binary()))]), pa.list_(pa.date32())),
    *(pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.float32())),
    *(pa.dictionary(pa.int8(), pa.timestamp("ns")), pa.run_end_encoded(pa.int32(), pa.float64())),
    *(pa.uuid(), pa.json_(), pa.bool8(), pa.opaque(pa.float32(), "share", "none")),
    *(pa.large_list_view(pa.float32()), pa.run_end_encoded(pa.int32(), pa.float32())),
    pa.fixed_shape_tensor(pa.float32(), [2]),
    pa.struct([("a", pa.map_(pa.string(), pa.decimal64(9, 2)))]),
)
ARROW = (*_PLAIN_ARROW, *_NESTED_ARROW)
DTYPES: tuple[Any, ...] = (*_PANDAS, *ARROW)


def arrow_array(kind: pa.DataType, rows: int, random: Random) -> pa.Array:
    """An array of any Arrow type, gaps included."""
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, arrow_array(kind.storage_type, rows, random))
    if pa.types.is_dictionary(kind):
        values = arrow_array(kind.value_type, 5, random)
        places = [random.choice([None, 0, 1, 2, 3, 4]) for _ in range(rows)]
        return pa.DictionaryArray.from_arrays(pa.array(places, kind.index_type), values)
    if pa.types.is_run_end_encoded(kind):
        ends = pa.array(range(1, rows + 1), kind.run_end_type)
        return pa.RunEndEncodedArray.from_arrays(ends, arrow_array(kind.value_type, rows, random))
    return pa.array([_arrow_value(kind, random) for _ in range(rows)], kind)


def _arrow_value(kind: pa.DataType, random: Random) -> Any:
    if pa.types.is_null(kind) or random.random() < 0.1:
        return None
    if pa.types.is_struct(kind):
        return {field.name: _arrow_value(field.type, random) for field in kind}
    if pa.types.is_map(kind):
        return [("k", _arrow_value(kind.item_type, random))]
    if pa.types.is_nested(kind):
        fixed = getattr(kind, "list_size", None)
        return [_arrow_value(kind.value_type, random) for _ in range(fixed or random.randrange(3))]
    return random.choice(_arrow_values(kind))


def _arrow_values(kind: pa.DataType) -> Sequence[Any]:
    if pa.types.is_boolean(kind):
        return (True, False)
    if pa.types.is_integer(kind):
        bits = kind.bit_width - pa.types.is_signed_integer(kind)
        return (0, 1, 7, 2**bits - 1)
    if pa.types.is_floating(kind):
        narrow = {16: np.float16, 32: np.float32, 64: np.float64}[kind.bit_width]
        return [narrow(v) for v in (0.1, 1.0, 2.5, -0.0, np.nan, np.inf, 60_000.0)]
    if pa.types.is_fixed_size_binary(kind):
        return (b"abcdefghijklmnop"[: kind.byte_width], b"\xff" * kind.byte_width)
    if any(is_of(kind) for is_of in (pa.types.is_binary, pa.types.is_large_binary)):
        return (b"", b"text", b"\xff", "Zoë".encode(), b"x" * 100_001)
    return _moments(kind) or _other_arrow_values(kind)


def _moments(kind: pa.DataType) -> Sequence[Any]:
    if pa.types.is_date(kind):
        scale = 1 if pa.types.is_date32(kind) else _DAY * 1_000
        return [days * scale for days in (0, -1, 20_000, 2_932_896, 2_932_897, -719_163)]
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return (0, -1, 1_501, _DAY * 10**6, -_DAY * 10**9, 253_402_300_799, 2**62, -(2**62))
    return (0, 1_001, 40_000) if pa.types.is_time(kind) else ()


def _other_arrow_values(kind: pa.DataType) -> Sequence[Any]:
    if pa.types.is_decimal(kind):
        return [decimal.Decimal(text) for text in ("1.00", "1.50", "-3.00", "0.01", "12345.60")]
    if pa.types.is_binary_view(kind):
        return (b"", b"text", b"\xff")
    if pa.types.is_interval(kind):
        return (pa.MonthDayNano([1, 2, 3]),)
    return ("", " ", "0042", "Zoë", "a\nb", "=1", "null", "x" * 100_001)


def pandas_column(dtype: str, rows: int, random: Random) -> "pd.Series[Any]":
    """A column of any of pandas' dtypes, with whatever of the odd values it takes."""
    if dtype.startswith(("datetime64", "timedelta64")):
        naive = dtype.partition(",")[0].rstrip("]") + "]"
        numbers = [random.choice((0, -1, 1_501, 10**9, 2**33, 2**61)) for _ in range(rows)]
        column = pd.Series(np.array(numbers, "int64").view(naive.replace("datetime64", "M8")))
        zone = dtype.partition(", ")[2].rstrip("]")
        return column.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else column
    if dtype.startswith("interval"):
        return pd.Series(pd.arrays.IntervalArray.from_tuples([(n, n + 1.0) for n in range(rows)]))
    anchor = random.choice([value for value in ODD if _takes(dtype, [value])])
    together = [value for value in ODD if _takes(dtype, [anchor, value])]
    cells = [random.choice(together) for _ in range(rows)]
    return pd.Series(cells if _takes(dtype, cells) else [anchor] * rows, dtype=dtype)


def _takes(dtype: str, cells: list[Any]) -> bool:
    if dtype == "category" and any(isinstance(c, np.ndarray | pa.Scalar | _Rude) for c in cells):
        return False
    try:
        pd.Series(cells, dtype=dtype)
    except Exception:  # noqa: BLE001 -- then it does not take them
        return False
    return True


def column_of(dtype: Any, rows: int, random: Random) -> "pd.Series[Any]":
    """A column of any dtype of pandas or Arrow."""
    if isinstance(dtype, str):
        return pandas_column(dtype, rows, random)
    return pd.Series(pd.arrays.ArrowExtensionArray(arrow_array(dtype, rows, random)))


def check_table(source: Any, columns: Sequence[str]) -> Counter[str]:
    """Take a table through a template that prints each column, and count what came of its rows."""
    attributes = {f"a{n}": f"{{{{ row[{name!r}] }}}}" for n, name in enumerate(columns)}
    template = ChatTemplate(
        customer_id=f"{{{{ row[{columns[0]!r}] }}}}",
        display_name=f"{{{{ row[{columns[-1]!r}] }}}}",
        attributes={name: f"{text[:-3]} | default('-') }}}}" for name, text in attributes.items()},
    )
    try:
        table = open_table(source)
        bound = template.bind(instance_id="i-1", contact_flow_id="f-1", columns=table.columns)
        intake = look_over(table.chunks(chunk_rows=97), bound)
    except InputError as error:
        if "\n" in str(error):
            raise AssertionError(f"more than a sentence: {error}") from error
        return Counter(tables_refused=1)
    assert intake.rows == intake.valid + intake.rejected + intake.duplicate
    assert bool(intake.reasons) == bool(intake.rejected)
    return Counter(rows=intake.rows, valid=intake.valid, rejected=intake.rejected)


def check_cells(source: Any, columns: Sequence[Sequence[Any]]) -> int:
    """Compare each cell in its column with itself alone, the first in a table of their own."""
    compared = 0
    rows = [
        list(row.values()) for chunk in open_table(source).chunks(chunk_rows=89) for row in chunk
    ]
    for number, column in enumerate(columns):
        for row, cell in enumerate(column):
            found = alone(cell) if row < ALONE_ROWS else plain_value(cell)
            assert same(rows[row][number], found), (cell, rows[row][number], found)
            compared += 1
    return compared


def alone(cell: Any) -> Any:
    """What a cell is in a table of its own."""
    column = pd.Series([None], dtype=object)
    column.array[0] = cell
    ((row,),) = open_table(pd.DataFrame({"c": column})).chunks()
    return row["c"]


def same(one: Any, other: Any) -> bool:
    """Whether two plain values print alike."""
    if isinstance(one, UnreadableCell) or isinstance(other, UnreadableCell):
        return type(one) is type(other)
    if isinstance(one, _Rude):
        return one is other
    return type(one) is type(other) and repr(one) == repr(other)


def cells_of(column: "pd.Series[Any]") -> Iterator[Any]:
    """A column's cells as they are before anybody converts them."""
    arrow = isinstance(column.dtype, pd.ArrowDtype)
    array = column.array._pa_array if arrow else column.array
    for position in range(len(column)):
        try:
            yield array[position]
        except Exception as error:  # noqa: BLE001 -- whatever cannot be taken out stays unreadable
            yield UnreadableCell(type(error).__name__)


def from_memory(dtypes: Sequence[Any], rows: int, random: Random) -> Counter[str]:
    """A frame of some dtypes."""
    frame = pd.DataFrame({f"c{n}": column_of(d, rows, random) for n, d in enumerate(dtypes)})
    if random.random() < 0.2:
        # Not every dtype can be an index.
        with contextlib.suppress(Exception):
            frame = frame.set_index("c0", drop=False)
    described = describe(frame)
    assert (described["rows"], len(described["fingerprint"])) == (rows, 64)
    counts = check_table(frame, list(frame.columns))
    counts["cells"] += check_cells(frame, [list(cells_of(frame[name])) for name in frame.columns])
    return counts


def from_parquet(dtypes: Sequence[Any], rows: int, random: Random, folder: Path) -> Counter[str]:
    """A Parquet file of those of the dtypes that it can hold."""
    arrays: dict[str, Any] = {}
    for number, dtype in enumerate(dtypes):
        column = column_of(dtype, rows, random)
        if dtype == "object" and _holds_a_loop(column):
            continue
        try:
            array = pa.array(column)
            parquet.write_table(pa.table({"c": array}), folder / "one.parquet")
        except Exception:  # noqa: BLE001, S112 -- then nobody has such a file
            continue
        arrays[f"c{number}"] = array
    if not arrays:
        return Counter()
    path = folder / "table.parquet"
    parquet.write_table(pa.table(arrays), path, row_group_size=random.choice([7, 100, 1_000]))
    counts = check_table(path, list(arrays))
    try:
        read = parquet.read_table(path)
    except pa.ArrowException:
        return counts
    columns = [
        read[name] for name in arrays if not type(read[name].type).__module__.startswith("pandas")
    ]
    if len(columns) == len(arrays):
        counts["cells"] += check_cells(path, columns)
    return counts


def _holds_a_loop(column: "pd.Series[Any]") -> bool:
    # pyarrow 26 goes round until the process ends.
    return any(isinstance(c, list) and len(c) == 1 and c[0] is c for c in column.array)


def from_csv(rows: int, random: Random, folder: Path) -> Counter[str]:
    """A CSV file of texts, with its bytes damaged now and then."""
    delimiter = random.choice(",;\t|")
    texts = [text for text in ODD if isinstance(text, str) and "\ud800" not in text] + [
        "a;b",
        '"',
        "ü,",
    ]
    names = [f"c{n}" for n in range(random.randrange(1, 5))]
    frame = pd.DataFrame({name: random.choices(texts, k=rows) for name in names}, dtype=object)
    path = folder / random.choice(["table.csv", "table.txt", "table.csv.gz"])
    coding = random.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-16-le"])
    data = frame.to_csv(sep=delimiter, index=False).encode(coding, errors="replace")
    data = _damaged(data, random) if random.random() < 0.3 else data
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return check_table(path, names)


def _damaged(data: bytes, random: Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(random.randrange(1, 4)):
        place = random.randrange(len(damaged))
        damaged[place : place + random.randrange(3)] = random.choice(
            [b"", b'"', b"\0", b"\xff", b"\n", b",", b";"]
        )
    return bytes(damaged)


def check_some(rows: int, seed: int, folder: Path) -> Counter[str]:
    """Tables of at least so many rows in all; each dtype comes up again and again."""
    random = Random(seed)  # noqa: S311 -- to be repeated
    counts: Counter[str] = Counter()
    left: list[Any] = []
    while counts["made"] < rows:
        if len(left) < 4:
            left = random.sample(DTYPES, len(DTYPES))
        dtypes = [left.pop() for _ in range(random.randrange(1, 5))]
        size = random.randrange(1, MOST_ROWS)
        found = {
            "memory": from_memory(dtypes, size, random),
            "parquet": from_parquet(dtypes, size, random, folder),
            "csv": from_csv(size, random, folder),
        }
        for source, part in found.items():
            counts.update({f"{source} {name}": number for name, number in part.items()})
        counts["tables"] += len(found)
        counts["made"] += size * len(found)
        counts["dtypes"] = max(counts["dtypes"], len(DTYPES) - len(left))
    return counts


def main() -> None:
    """Check as many rows as are asked for, and print what came of them."""
    given = dict(enumerate(map(int, sys.argv[1:])))
    rows, seed = given.get(0, 200_000), given.get(1, 1)
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        for name, number in sorted(check_some(rows, seed, Path(folder)).items()):
            print(f"{name:<28}{number:>12,}")


if __name__ == "__main__":
    main()
