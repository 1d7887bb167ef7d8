import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_tasks.errors import InputError
from connect_tasks.tables.reading import describe, open_table

# How long it takes says nothing on a busy machine.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

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
    "bytes": ([b"a"], object, [b"a"]),
}


@pytest.mark.parametrize(("values", "dtype", "plain"), DTYPES.values(), ids=DTYPES)
def test_every_dtype_becomes_plain_values(values: Any, dtype: Any, plain: list[Any]) -> None:
    found = column(values, dtype=dtype)

    assert found == plain
    assert [type(value) for value in found] == [type(value) for value in plain]


cells = (
    st.none()
    | st.text(max_size=5)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.datetimes(at("1700-01-01"), at("2200-01-01"))
    | st.dates()
    | st.decimals()
    | st.sampled_from([pd.NA, pd.NaT, np.nan, np.int8(1), np.float64(2.5), np.datetime64("NaT")])
    | st.lists(st.integers(), max_size=2)
)


@UNHURRIED
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


def test_times_that_are_all_midnight_become_dates() -> None:
    assert column(pd.to_datetime(["2026-01-02", "NaT"])) == [dt.date(2026, 1, 2), None]


def test_one_time_of_day_keeps_all_of_them() -> None:
    found = column(pd.to_datetime(["2026-01-02 00:00", "2026-01-02 00:01"]))

    assert found == [at("2026-01-02T00:00"), at("2026-01-02T00:01")]


@pytest.mark.parametrize(
    "name", ["customer_id", "id", "ID", "CustomerID", "account.id", "accountId"]
)
def test_an_id_of_floats_is_whole(name: str) -> None:
    assert list(map(repr, column([123.0, 4.0], name))) == ["123", "4"]


@pytest.mark.parametrize(
    ("values", "printed"),
    [
        pytest.param([5.0, None], ["5", "None"], id="integers with a gap"),
        pytest.param([5.0, 6.0], ["5.0", "6.0"], id="floats without a gap"),
        pytest.param([5.0, None, 6.5], ["5.0", "None", "6.5"], id="not all whole"),
        pytest.param([2.0**60, None], [repr(2.0**60), "None"], id="beyond what floats hold"),
        pytest.param([None, None], ["None", "None"], id="all missing"),
    ],
)
def test_floats_with_gaps_that_are_all_whole_become_integers(
    values: list[Any], printed: list[str]
) -> None:
    assert list(map(repr, column(values, "paid", "float64"))) == printed


def test_chunks_agree_on_what_a_column_is() -> None:
    frame = pd.DataFrame(
        {"n": [1.0, 2.0, None, 4.5], "d": pd.to_datetime(["2026-01-02 01:00"] * 4)}
    )
    frame.loc[0, "d"] = pd.Timestamp("2026-01-02")
    chunks = list(open_table(frame).chunks(chunk_rows=1))

    assert [len(chunk) for chunk in chunks] == [1, 1, 1, 1]
    assert [row for chunk in chunks for row in chunk] == next(open_table(frame).chunks())
    assert repr(chunks[0][0]["n"]) == "1.0"


def test_a_table_can_be_gone_through_again() -> None:
    table = open_table(pd.DataFrame({"n": range(25)}))
    half = next(table.chunks(chunk_rows=10))

    assert list(table.chunks(chunk_rows=10)) == list(table.chunks(chunk_rows=10))
    assert next(table.chunks(chunk_rows=10)) == half


def test_a_gap_in_a_later_chunk_makes_integers_of_the_earlier() -> None:
    frame = pd.DataFrame({"n": [1.0, 2.0, None]})

    assert list(map(repr, open_table(frame).chunks(chunk_rows=2))) == [
        "[{'n': 1}, {'n': 2}]",
        "[{'n': None}]",
    ]


@pytest.mark.parametrize("odd", [0, 12_345, 24_999])
def test_one_odd_row_of_many_decides_what_a_column_is(odd: int) -> None:
    frame = pd.DataFrame(
        {
            "gap": np.arange(25_000.0),
            "half": np.arange(25_000.0),
            "noon": pd.date_range("1970-01-01", periods=25_000, freq="D"),
        }
    )
    frame.loc[odd, ["gap", "half"]] = [None, 0.5]
    frame.loc[24_000, "half"] = None
    frame.loc[odd, "noon"] = pd.Timestamp("1970-01-01T12:00")
    found = [row for chunk in open_table(frame).chunks() for row in chunk]

    assert list(map(repr, found[1].values())) == ["1", "1.0", repr(at("1970-01-02T00:00"))]
    assert list(found[odd].values())[:2] == [None, 0.5]


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


@pytest.mark.parametrize("names", [["a", "a"], [1, "1"]], ids=["equal", "equal as text"])
def test_two_columns_of_one_name_are_refused(names: list[Any]) -> None:
    frame = pd.DataFrame([[1, 2]], columns=names)

    with pytest.raises(InputError, match="same name"):
        open_table(frame)


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"customer_id": []})])
def test_an_empty_frame_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="empty"):
        open_table(frame)


def test_what_is_no_table_is_told() -> None:
    customers: Any = [{"customer_id": "1"}]

    with pytest.raises(InputError, match=r"customers is a list: give a DataFrame"):
        open_table(customers)


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
