import datetime as dt
import gzip
import http.server
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from connect_tasks.errors import InputError
from connect_tasks.frames import contacts_table, describe, messages_table, read_table, rows

# How long it takes says nothing on a busy machine.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PLAIN = (str, int, float, bool, type(None), dt.date, dt.time, dt.timedelta, Decimal, bytes, complex)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def column(values: Any, name: str = "x", dtype: Any = None) -> list[Any]:
    """One column's values as the rows have them."""
    frame = pd.DataFrame({name: pd.Series(values, dtype=dtype)})
    return [row[name] for chunk in rows(frame) for row in chunk]


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
    (found,) = rows(frame)

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
    chunks = list(rows(frame, chunk_rows=1))

    assert [len(chunk) for chunk in chunks] == [1, 1, 1, 1]
    assert [row for chunk in chunks for row in chunk] == next(rows(frame))
    assert repr(chunks[0][0]["n"]) == "1.0"


def test_chunks_keep_the_order_and_lose_no_row() -> None:
    frame = pd.DataFrame({"n": range(25)}, index=[0] * 25)
    chunks = list(rows(frame, chunk_rows=10))

    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    assert [row["n"] for chunk in chunks for row in chunk] == list(range(25))


def test_the_callers_frame_is_never_changed() -> None:
    frame = pd.DataFrame({"id": [1.0, None], 5: ["a", "b"], "o": [[1], {"a": 1}]}, index=["x", "y"])
    before = frame.copy(deep=True)

    list(rows(frame))
    describe(frame)
    read_table(frame)

    pd.testing.assert_frame_equal(frame, before)


def test_names_that_are_no_text_become_text() -> None:
    assert next(rows(pd.DataFrame([[1, 2]], columns=[5, "a"]))) == [{"5": 1, "a": 2}]


def test_names_of_several_levels_are_dotted() -> None:
    names = pd.MultiIndex.from_tuples([("attributes", "plan"), ("attributes", "tier")])

    assert list(read_table(pd.DataFrame([[1, 2]], columns=names)).columns) == [
        "attributes.plan",
        "attributes.tier",
    ]


@pytest.mark.parametrize("names", [["a", "a"], [1, "1"]], ids=["equal", "equal as text"])
def test_two_columns_of_one_name_are_refused(names: list[Any]) -> None:
    frame = pd.DataFrame([[1, 2]], columns=names)

    with pytest.raises(InputError, match="same name"):
        read_table(frame)
    with pytest.raises(InputError, match="same name"):
        next(rows(frame))


# -- files


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(source: Any) -> list[dict[str, Any]]:
    return [row for chunk in rows(read_table(source)) for row in chunk]


def test_ids_of_a_csv_keep_their_leading_zeros(written: Any) -> None:
    path = written("c.csv", "customer_id,amount\n0042,1.50\n1e3,\n")

    assert read(path) == [
        {"customer_id": "0042", "amount": "1.50"},
        {"customer_id": "1e3", "amount": None},
    ]


def test_only_an_empty_cell_of_a_csv_is_missing(written: Any) -> None:
    path = written("c.csv", 'customer_id,name\n1,Null\n2,NA\n3,nan\n4,""\n')

    assert [row["name"] for row in read(path)] == ["Null", "NA", "nan", None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(written: Any, delimiter: str) -> None:
    path = written("c.csv", f"customer_id{delimiter}name\n1{delimiter}Ada\n")

    assert read(path) == [{"customer_id": "1", "name": "Ada"}]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("\ufeffcustomer_id,name\r\n1,Ä\r\n", id="as Excel writes it"),
        pytest.param('"customer_id","name"\n"1","Ä"\n', id="quoted"),
        pytest.param("customer_id,name\n1,Ä", id="without a last line end"),
    ],
)
def test_common_kinds_of_csv_are_read(written: Any, content: str) -> None:
    assert read(written("c.csv", content)) == [{"customer_id": "1", "name": "Ä"}]


def test_a_cell_may_hold_lines_and_delimiters(written: Any) -> None:
    assert read(written("c.csv", 'customer_id,t\n1,"a\n,b"\n'))[0]["t"] == "a\n,b"


def test_a_compressed_csv_is_read(written: Any) -> None:
    path = written("C.CSV.GZ", gzip.compress(b"customer_id\n007\n"))

    assert read(path) == [{"customer_id": "007"}]


@pytest.mark.parametrize("suffix", ["parquet", "pq"])
def test_parquet_keeps_its_types(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["007", "008"],
            "n": pd.array([2**60 + 1, None], dtype="Int64"),
            "due": [dt.date(2026, 1, 2), None],
            "kinds": [["a", "b"], None],
        },
        index=["x", "y"],
    )
    path = tmp_path / f"c.{suffix}"
    frame.to_parquet(path)

    assert list(read_table(path).index) == ["x", "y"]
    assert read(str(path)) == [
        {"customer_id": "007", "n": 2**60 + 1, "due": dt.date(2026, 1, 2), "kinds": ["a", "b"]},
        {"customer_id": "008", "n": None, "due": None, "kinds": None},
    ]


def test_integers_with_gaps_of_any_parquet_stay_integers(tmp_path: Path) -> None:
    # Written without pandas, so that nothing in the file names pandas' types.
    parquet.write_table(pa.table({"customer_id": [2**60 + 1, None]}), tmp_path / "c.parquet")

    assert [row["customer_id"] for row in read(tmp_path / "c.parquet")] == [2**60 + 1, None]


def test_a_file_uri_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "with space.csv"
    path.write_text("customer_id\n1\n")

    assert read(path.as_uri()) == [{"customer_id": "1"}]


class _Files(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path.startswith("/c.csv")
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(b"customer_id\n007\n" if found else b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_table_is_read_from_the_web(address: str) -> None:
    assert read(f"{address}/c.csv?signature=secret") == [{"customer_id": "007"}]


def test_a_refusal_of_the_web_tells_no_signature(address: str) -> None:
    with pytest.raises(InputError, match="404") as caught:
        read_table(f"{address}/d.csv?signature=secret")

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("c.csv", "", "it is empty", id="an empty file"),
        pytest.param("c.csv", "customer_id\n", "The table is empty", id="no rows"),
        pytest.param("c.csv", "a,b\n1,2,3\n", "more cells", id="surplus cells in the first row"),
        pytest.param("c.csv", "a,b\n1,2\n1,2,3\n", "line 3", id="surplus cells later"),
        pytest.param("c.csv", "a,a\n1,2\n", "same name: 'a'", id="a name twice"),
        pytest.param("c.csv", "\ufeffa,a\n1,2\n", "same name: 'a'", id="a name twice, from Excel"),
        pytest.param("c.csv", "a\nä\n".encode("latin-1"), "not UTF-8", id="another encoding"),
        pytest.param("c.csv", 'a\n"x\n', "cannot be read", id="an open quote"),
        pytest.param("c.csv.gz", b"x", "cannot be read", id="not compressed"),
        pytest.param("c.parquet", b"x", "cannot be read", id="no Parquet"),
        pytest.param("c.xlsx", b"x", "give a .csv or .parquet", id="another suffix"),
        pytest.param("c", b"x", "give a .csv or .parquet", id="no suffix"),
    ],
)
def test_a_file_that_is_no_table_is_told_in_one_sentence(
    written: Any, name: str, content: str | bytes, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_table(written(name, content))

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere/c.csv", "There is no file 'nowhere/c.csv'"),
        ("file:///nowhere/c.csv", "There is no file"),
        ("ftp://example.org/c.csv", "give a path, file://, https:// or s3://"),
        ("C:\\nowhere\\c.csv", "There is no file"),
    ],
)
def test_a_missing_file_is_told(source: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_table(source)

    assert words in str(caught.value)


def test_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.csv").mkdir()

    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path / "c.csv")


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"customer_id": []})])
def test_an_empty_frame_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="empty"):
        read_table(frame)


def test_a_frame_keeps_its_index() -> None:
    frame = pd.DataFrame({"customer_id": ["1"]}, index=["x"])

    assert list(read_table(frame).index) == ["x"]


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


# -- tables out

TIME, TEXT, COUNT = "datetime64[us, UTC]", "string", "Int64"
CONTACTS = {
    **dict.fromkeys(["campaign", "customer_id", "status", "end_reason", "contact_id"], TEXT),
    **dict.fromkeys(["participant_id", "client_token"], TEXT),
    **dict.fromkeys(["generation", "attempts"], COUNT),
    **dict.fromkeys(["error_code", "error_message", "request_id"], TEXT),
    **dict.fromkeys(
        ["planned_at", "started_at", "connected_at", "first_reply_at", "ended_at"], TIME
    ),
}
MESSAGES = {
    **dict.fromkeys(["customer_id", "contact_id", "message_id"], TEXT),
    "absolute_time": TIME,
    **dict.fromkeys(["participant_role", "participant_id", "display_name", "type"], TEXT),
    **dict.fromkeys(["content_type", "content"], TEXT),
}


@pytest.mark.parametrize("records", [[], [{}], [{"customer_id": "1"}, {"attempts": 2}]])
def test_the_tables_always_have_the_documented_columns(records: list[dict[str, Any]]) -> None:
    contacts, messages = contacts_table(records), messages_table(records)

    assert list(contacts.dtypes.astype(str).items()) == list(CONTACTS.items())
    assert list(messages.dtypes.astype(str).items()) == list(MESSAGES.items())
    assert len(contacts) == len(messages) == len(records)


def test_what_a_record_lacks_is_missing() -> None:
    assert set(contacts_table([{}]).isna().iloc[0]) == {True}


def test_a_contacts_values_are_kept() -> None:
    planned = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    berlin = dt.timezone(dt.timedelta(hours=1))
    table = contacts_table(
        [
            {"customer_id": "007", "attempts": 2, "planned_at": planned, "surplus": 1},
            {"planned_at": planned.astimezone(berlin), "started_at": "2026-01-02T03:04:05.678Z"},
        ],
        index=pd.Index(["x", "y"]),
    )

    assert list(table.index) == ["x", "y"]
    assert list(table.loc["x", ["customer_id", "attempts"]]) == ["007", 2]
    assert list(table["planned_at"]) == [planned, planned]
    assert table["started_at"].iloc[1] == pd.Timestamp("2026-01-02T03:04:05.678Z")


def test_an_index_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        contacts_table([{}], index=[1, 2])
