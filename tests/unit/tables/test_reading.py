import datetime as dt
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.errors import InputError
from connect_tasks.tables.cells import UnreadableCell
from connect_tasks.tables.reading import describe, open_table

PLAIN = (str, int, float, bool, type(None), dt.date, dt.time, dt.timedelta, Decimal, bytes, complex)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def column(values: Any, name: str = "x", dtype: Any = None) -> list[Any]:
    """One column's values as the rows have them."""
    frame = pd.DataFrame({name: pd.Series(values, dtype=dtype)})
    return [row[name] for chunk in open_table(frame).chunks() for row in chunk]


def is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    return (
        isinstance(value, PLAIN)
        and type(value).__module__ in {"builtins", "datetime", "decimal"}
        and value == value  # noqa: PLR0124 -- NaN
    )


# -- rows


DTYPES = {
    "numpy integers": ([1, 2], "int32", [1, 2]),
    "large unsigned": ([2**64 - 1], "uint64", [2**64 - 1]),
    "numpy floats": ([1.5, np.nan], "float64", [1.5, None]),
    "short floats": ([0.1, 2.5], "float32", [0.1, 2.5]),
    "half floats": ([0.1, 2.5], "float16", [0.1, 2.5]),
    "infinite": ([np.inf, np.nan], "float64", [float("inf"), None]),
    "numpy booleans": ([True, False], "bool", [True, False]),
    "nullable integers": ([1, None], "Int64", [1, None]),
    "nullable booleans": ([True, None], "boolean", [True, None]),
    "nullable floats": ([1.5, None], "Float64", [1.5, None]),
    "strings": (["a", None], "string", ["a", None]),
    "pandas 3 strings": (["a", None], "str", ["a", None]),
    "arrow integers": ([1, None], "int64[pyarrow]", [1, None]),
    "arrow strings": (["a", None], "string[pyarrow]", ["a", None]),
    "arrow floats with NaN": ([1.5, np.nan], "double[pyarrow]", [1.5, None]),
    "categories of text": (["a", None, "a"], "category", ["a", None, "a"]),
    "categories of all kinds": (["a", 1, None], "category", ["a", 1, None]),
    "categories of integers": ([1, 2, None], "category", [1, 2, None]),
    "mixed objects": ([1, "a", 2.5, None], object, [1, "a", 2.5, None]),
    "whole and broken numbers": ([1, 2.5], object, [1, 2.5]),
    "missing objects": ([None, np.nan, pd.NA, pd.NaT, Decimal("NaN")], object, [None] * 5),
    "numpy scalars": ([np.int64(1), np.float32(0.5), np.str_("a")], object, [1, 0.5, "a"]),
    "decimals": ([Decimal("1.10")], object, [Decimal("1.10")]),
    "lists": ([[np.int64(1), np.nan], None], object, [[1, None], None]),
    "mappings": ([{"a": np.int64(1)}], object, [{"a": 1}]),
    "sparse": ([1, 0], "Sparse[int64]", [1, 0]),
    "sparse floats": ([1.5, np.nan], "Sparse[float64]", [1.5, None]),
    "short arrow floats": ([0.1, None], "float[pyarrow]", [0.1, None]),
    "complex": ([1j], "complex128", [1j]),
    "durations": (pd.to_timedelta(["1s", None]), None, [dt.timedelta(seconds=1), None]),
    "periods": (pd.period_range("2026-01", periods=2, freq="M"), None, ["2026-01", "2026-02"]),
    "dates": ([dt.date(2026, 1, 2), None], object, [dt.date(2026, 1, 2), None]),
    "bytes that are text": ([b"Zo\xc3\xab", b"\xff"], object, ["Zoë", b"\xff"]),
}


@pytest.mark.parametrize(("values", "dtype", "plain"), DTYPES.values(), ids=DTYPES)
def test_every_dtype_becomes_plain_values(values: Any, dtype: Any, plain: list[Any]) -> None:
    found = column(values, dtype=dtype)

    assert found == plain
    assert [type(value) for value in found] == [type(value) for value in plain]


cells = (
    st.none()
    | st.text(st.characters(exclude_characters="\0"), max_size=5)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.datetimes(at("1700-01-01"), at("2200-01-01"))
    | st.dates()
    | st.decimals()
    | st.sampled_from([pd.NA, pd.NaT, np.nan, np.int8(1), np.float64(2.5), np.datetime64("NaT")])
    | st.lists(st.integers(), max_size=2)
)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6))
def test_any_mix_of_cells_becomes_plain_values_row_by_row(table: list[tuple[Any, Any]]) -> None:
    frame = pd.DataFrame({"a": pd.Series([a for a, _ in table], dtype=object)})
    frame["b"] = [b for _, b in table]
    (found,) = open_table(frame).chunks()

    assert len(found) == len(table)
    assert all(is_plain(value) for row in found for value in row.values())


def test_times_become_datetimes_of_microseconds() -> None:
    times = pd.Series(pd.to_datetime(["2026-01-02 10:00:00.123456789", "NaT"]))

    assert column(times.dt.as_unit("ns")) == [at("2026-01-02T10:00:00.123456"), None]


def test_times_keep_their_zone() -> None:
    times = pd.to_datetime(["2026-01-02 10:00"], utc=True).tz_convert("Europe/Berlin")
    (found,) = column(times)

    assert found.isoformat() == "2026-01-02T11:00:00+01:00"


def test_a_time_at_midnight_is_a_date_whatever_is_beside_it() -> None:
    found = column(pd.to_datetime(["2026-01-02 00:00", "2026-01-02 00:01", "NaT"]))

    assert found == [dt.date(2026, 1, 2), at("2026-01-02T00:01"), None]


def test_a_midnight_with_a_zone_stays_a_time() -> None:
    assert column(pd.to_datetime(["2026-01-02"], utc=True)) == [at("2026-01-02T00:00+00:00")]


@pytest.mark.parametrize("name", ["customer_id", "paid"])
@pytest.mark.parametrize(
    ("values", "printed"),
    [
        pytest.param([1.0, 2.0, None], ["1", "2", "None"], id="integers with a gap"),
        pytest.param([1.0, 2.0], ["1", "2"], id="without a gap"),
        pytest.param([1.0, 3.5], ["1", "3.5"], id="beside a fraction"),
        pytest.param([1.0, np.inf], ["1", "inf"], id="beside the infinite"),
        pytest.param([1.0, 2.0**53], ["1", repr(2.0**53)], id="beside what floats do not tell"),
        pytest.param([2.0**53 - 1, -0.0], [str(2**53 - 1), "0"], id="the largest"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "Float64", object, "category", "double[pyarrow]"])
def test_an_integral_number_is_an_integer_whatever_is_beside_it(
    name: str, values: list[Any], printed: list[str], dtype: Any
) -> None:
    assert list(map(repr, column(values, name, dtype))) == printed


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        (Decimal("7.00"), 7),
        (Decimal("1E+3"), 1_000),
        (Decimal("1.50"), Decimal("1.50")),
        (Fraction(4, 2), 2),
        (Fraction(1, 2), Fraction(1, 2)),
        (np.float32(3), 3),
        (np.longdouble(3), 3),
        (np.array(5.0), 5),
        ([1.0, [2.0, None]], [1, [2, None]]),
        ({"b", "a"}, ["a", "b"]),
        (pd.Interval(0.0, 1.5), "(0, 1.5]"),
        (1 + 0j, 1),
        (pd.Timestamp("1969-12-31T23:59:59.999999999"), at("1969-12-31T23:59:59.999999")),
        (pd.Timedelta(-1, "ns"), dt.timedelta(microseconds=-1)),
        (pa.scalar(0.1, pa.float32()), 0.1),
        (memoryview(b"Ada"), "Ada"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_cell_of_any_kind_is_plain(cell: Any, plain: Any) -> None:
    (found,) = column([cell], dtype=object)

    assert (type(found), found) == (type(plain), plain)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param(
            pd.Series([np.datetime64("20000-01-01"), 1], dtype=object), "beyond", id="year"
        ),
        pytest.param(
            pd.Series(np.array([10**15, 0], "M8[s]"))
            .dt.tz_localize("UTC")
            .dt.tz_convert("Asia/Tokyo"),
            "beyond",
            id="a time with a zone",
        ),
        pytest.param(pd.Series(["x" * 100_001, "a"]), "100,001 characters", id="text"),
        pytest.param(pd.Series(["a\0", "a"]), "character NUL", id="NUL"),
        pytest.param(pd.Series(["a\0", "a"], dtype=object), "character NUL", id="NUL, as object"),
        pytest.param(pd.Series([b"a\0", b"a"]), "character NUL", id="NUL in bytes"),
        pytest.param(pd.Series([b"x" * 100_001, b"a"]), "100,001 characters", id="bytes"),
        pytest.param(pd.Series([10**4_300, 1], dtype=object), "4,300 digits", id="digits"),
        pytest.param(pd.Series([Decimal("1E+9999"), 1]), "4,300 digits", id="Decimal's digits"),
        pytest.param(pd.Series([["x" * 100_001], []]), "100,001 characters", id="within a list"),
    ],
)
def test_a_cell_that_cannot_be_held_spoils_no_other(values: Any, words: str) -> None:
    odd, other = column(values)

    assert isinstance(odd, UnreadableCell)
    assert not isinstance(other, UnreadableCell)
    with pytest.raises(ValueError, match=words):
        str(odd)


@pytest.mark.parametrize("ask", [bool, len, list, hash, str, "{}".format, lambda c: c == "a"])
def test_an_unreadable_cell_answers_nothing(ask: Any) -> None:
    with pytest.raises(ValueError, match="too odd"):
        ask(UnreadableCell("too odd"))


def test_a_list_that_holds_itself_spoils_no_other() -> None:
    loop: list[Any] = []
    loop.append(loop)
    odd, other = column([loop, [1]], dtype=object)

    assert isinstance(odd, UnreadableCell)
    assert other == [1]


@pytest.mark.parametrize(
    "kind", [pa.string_view(), pa.large_string(), pa.binary(), pa.binary_view()]
)
def test_any_of_arrows_texts_is_text(kind: pa.DataType) -> None:
    array = pd.arrays.ArrowExtensionArray(pa.array(["Ada", None]).cast(kind))

    assert column(pd.Series(array)) == ["Ada", None]


def test_only_the_columns_asked_for_are_read() -> None:
    table = open_table(pd.DataFrame({"a": [1], "b": [2], "c": [3]}).set_index("a"))

    assert list(table.chunks(columns={"a", "c", "nowhere"})) == [[{"a": 1, "c": 3}]]
    assert list(table.chunks(columns=())) == [[{}]]


def test_a_table_of_too_many_columns_is_told() -> None:
    frame = pd.DataFrame([range(16_385)])

    with pytest.raises(InputError, match=r"16,385 columns, at most 16,384"):
        open_table(frame)
    assert len(open_table(frame.iloc[:, 1:]).columns) == 16_384


def test_a_table_can_be_gone_through_again() -> None:
    table = open_table(pd.DataFrame({"n": range(25)}))
    half = next(table.chunks(chunk_rows=10))

    assert list(table.chunks(chunk_rows=10)) == list(table.chunks(chunk_rows=10))
    assert next(table.chunks(chunk_rows=10)) == half


def test_chunks_keep_the_order_and_lose_no_row() -> None:
    frame = pd.DataFrame({"n": range(25)}, index=[0] * 25)
    chunks = list(open_table(frame).chunks(chunk_rows=10))

    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    assert [row["n"] for chunk in chunks for row in chunk] == list(range(25))


def test_the_callers_frame_is_never_changed() -> None:
    frame = pd.DataFrame({"id": [1.0, None], 5: ["a", "b"], "o": [[1], {"a": 1}]}, index=["x", "y"])
    before = frame.copy(deep=True)

    list(open_table(frame).chunks())
    describe(frame)

    pd.testing.assert_frame_equal(frame, before)


def test_names_that_are_no_text_become_text() -> None:
    assert next(open_table(pd.DataFrame([[1, 2]], columns=[5, "a"])).chunks()) == [{"5": 1, "a": 2}]


def test_names_of_several_levels_are_dotted() -> None:
    names = pd.MultiIndex.from_tuples([("attributes", "plan"), ("attributes", "tier")])

    assert open_table(pd.DataFrame([[1, 2]], columns=names)).columns == [
        "attributes.plan",
        "attributes.tier",
    ]


def test_blank_levels_are_no_part_of_a_name() -> None:
    names = pd.MultiIndex.from_tuples([("customer_id", ""), ("name", "Unnamed: 1_level_1")])

    assert open_table(pd.DataFrame([[1, 2]], columns=names)).columns == ["customer_id", "name"]


def test_names_that_are_integral_numbers_have_no_point() -> None:
    assert open_table(pd.DataFrame([[1, 2]], columns=[1.0, 2.5])).columns == ["1", "2.5"]


def test_an_index_with_a_name_is_a_column_too() -> None:
    index = pd.MultiIndex.from_tuples([("0042", 1.0)], names=["customer_id", None])
    table = open_table(pd.DataFrame({"name": ["Ada"]}, index=index))

    assert list(table.chunks()) == [[{"customer_id": "0042", "name": "Ada"}]]
    assert table.index is index


def test_a_column_goes_before_an_index_of_the_same_name() -> None:
    frame = pd.DataFrame({"customer_id": ["1"]}, index=pd.Index(["x"], name="customer_id"))

    assert list(open_table(frame).chunks()) == [[{"customer_id": "1"}]]


@pytest.mark.parametrize("names", [["a", "a"], [1, "1"]], ids=["equal", "equal as text"])
def test_two_columns_of_one_name_are_refused(names: list[Any]) -> None:
    frame = pd.DataFrame([[1, 2]], columns=names)

    with pytest.raises(InputError, match="same name"):
        open_table(frame)


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"customer_id": []})])
def test_an_empty_frame_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="empty"):
        open_table(frame)


@pytest.mark.parametrize("customers", [[{"customer_id": "1"}], {"customer_id": ["1"]}, None])
def test_what_is_no_table_is_told(customers: Any) -> None:
    words = f"customers is a {type(customers).__name__}: give a DataFrame"

    with pytest.raises(InputError, match=words):
        open_table(customers)
    with pytest.raises(InputError, match=words):
        describe(customers)


def test_a_frame_keeps_its_index() -> None:
    frame = pd.DataFrame({"customer_id": ["1"]}, index=["x"])
    index = open_table(frame).index

    assert index is not None
    assert list(index) == ["x"]


# -- the summary


def test_a_summary_holds_no_value() -> None:
    summary = describe(pd.DataFrame({"customer_id": ["Ada-Secret"], "n": [1]}))

    assert (summary["rows"], summary["columns"]) == (1, ["customer_id", "n"])
    assert "Secret" not in repr(summary)


@pytest.mark.parametrize("cell", ["\ud800", [1], {"a": 1}, object(), np.datetime64("20000-01-01")])
def test_a_table_of_any_cells_has_a_summary(cell: Any) -> None:
    frame = pd.DataFrame({"c": pd.Series([cell], dtype=object)})

    assert describe(frame)["rows"] == 1


BASE = {"customer_id": ["1", "2"], "n": [[1], {"a": 2}]}


def test_equal_tables_have_equal_fingerprints_whatever_their_index() -> None:
    one, other = pd.DataFrame(BASE), pd.DataFrame(BASE, index=["x", "y"])

    assert describe(one)["fingerprint"] == describe(other)["fingerprint"]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({**BASE, "n": [[1], {"a": 3}]}, id="a value"),
        pytest.param({"customer_id": ["2", "1"], "n": BASE["n"]}, id="the order of rows"),
        pytest.param({"customer": BASE["customer_id"], "n": BASE["n"]}, id="a name"),
        pytest.param({"customer_id": BASE["customer_id"]}, id="a column less"),
        pytest.param(dict(reversed(BASE.items())), id="the order of columns"),
    ],
)
def test_a_changed_table_has_another_fingerprint(changed: dict[str, Any]) -> None:
    fingerprints = {describe(pd.DataFrame(data))["fingerprint"] for data in (BASE, changed)}

    assert len(fingerprints) == 2


@pytest.mark.parametrize("name", ["id", ("id", ""), 7])
def test_an_index_with_one_name_twice_is_refused(name: Any) -> None:
    index = pd.MultiIndex.from_tuples([("1", "2")], names=[name, name])

    for ask in (open_table, describe):
        with pytest.raises(InputError, match="index has columns of the same name"):
            ask(pd.DataFrame({"x": [1]}, index=index))


@pytest.mark.parametrize("blank", ["", None, np.nan])
def test_a_level_without_a_name_is_no_part_of_a_name(tmp_path: Path, blank: Any) -> None:
    levels = pd.MultiIndex.from_tuples([("customer_id", blank), ("plan", "name")])
    frame = pd.DataFrame([["1", "gold"]], columns=levels)
    frame.to_parquet(tmp_path / "c.parquet")

    for source in (frame, tmp_path / "c.parquet"):
        assert open_table(source).columns == ["customer_id", "plan.name"]


class Nameless:
    """An object without any text."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("label", ["n" * 100_001, Nameless(), (Nameless(), "a")])
def test_a_name_that_is_no_text_is_told(label: Any) -> None:
    frame = pd.DataFrame([[1]], columns=pd.Index([label], dtype=object, tupleize_cols=False))

    for ask in (open_table, describe):
        with pytest.raises(InputError, match="a name that is no text, or too long: rename it"):
            ask(frame)


def test_a_table_of_another_library_is_told_how_to_give_it() -> None:
    class Table:
        def to_pandas(self) -> pd.DataFrame:
            return pd.DataFrame()

    class LazyFrame:
        def collect(self) -> None:
            pass

    with pytest.raises(InputError, match=r"is a Table: give a DataFrame, .* customers\.to_pandas"):
        open_table(Table())
    with pytest.raises(InputError, match=r"is a LazyFrame: give customers\.collect\(\), or"):
        open_table(LazyFrame())


@pytest.mark.parametrize("text", ["", "customer_id,name\n0042,Ada\n"])
def test_a_text_that_is_no_path_is_told_without_it(text: str) -> None:
    with pytest.raises(InputError, match="is a text and no path") as caught:
        open_table(text)

    assert "0042" not in str(caught.value)


def test_a_time_of_a_zone_that_knows_no_hour_spoils_no_other() -> None:
    zone: Any = type("Nowhere", (dt.tzinfo,), {})()
    odd, other = column([dt.datetime(2026, 1, 2, tzinfo=zone), "a"], dtype=object)

    assert isinstance(odd, UnreadableCell)
    assert other == "a"
