"""Tables of other libraries, by what they all offer: an Arrow stream."""

import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv

from connect_tasks.errors import InputError
from connect_tasks.tables import streams
from connect_tasks.tables.choosing import chosen_rows
from connect_tasks.tables.fingerprint import describe, is_table
from connect_tasks.tables.reading import open_table
from connect_tasks.tables.streams import StreamPieces, kept


class Stream:
    """What only has a stream, as any library's table: each time the same, or once."""

    def __init__(self, table: pa.Table, *, times: int = 1) -> None:
        self._table = table
        self._left = times

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        self._left -= 1
        assert self._left >= 0, "it was asked once more"
        return self._table.__arrow_c_stream__(requested_schema)


def read(source: Any) -> list[dict[str, Any]]:
    return [row for chunk in open_table(source).chunks() for row in chunk]


NOON = dt.datetime(2026, 11, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
TYPES: dict[str, tuple[pa.Array, list[Any]]] = {
    "ids as text": (pa.array(["007", None]), ["007", None]),
    "views of texts": (pa.array(["007", None], pa.string_view()), ["007", None]),
    "large integers": (pa.array([2**63 + 1, None], pa.uint64()), [2**63 + 1, None]),
    "decimals": (
        pa.array([Decimal("12345678901234567890.50"), None], pa.decimal128(38, 2)),
        [Decimal("12345678901234567890.50"), None],
    ),
    "hugeint of DuckDB": (pa.array([Decimal(2**100), None], pa.decimal128(38, 0)), [2**100, None]),
    "times with a zone": (
        pa.array([NOON, None], pa.timestamp("us", "Europe/Berlin")),
        [NOON, None],
    ),
    "days": (pa.array([dt.date(2026, 11, 1), None]), [dt.date(2026, 11, 1), None]),
    "dictionaries": (pa.array(["gold", None]).dictionary_encode(), ["gold", None]),
    "truth values": (pa.array([True, None]), [True, None]),
    "structs": (pa.array([{"plan": "gold"}, None]), [{"plan": "gold"}, None]),
    "nothing": (pa.nulls(2), [None, None]),
}


@pytest.mark.parametrize(("column", "plain"), TYPES.values(), ids=TYPES)
def test_types_keep_their_meaning(column: pa.Array, plain: list[Any]) -> None:
    for source in (pa.table({"c": column}), Stream(pa.table({"c": column}))):
        found = [row["c"] for row in read(source)]

        assert found == plain
        assert list(map(type, found)) == list(map(type, plain))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=3), st.none() | st.integers(-(2**63), 2**63 - 1))),
    st.lists(st.integers(0, 9), max_size=4),
    st.integers(1, 4),
)
def test_how_a_stream_is_cut_does_not_matter(
    rows: list[tuple[str, int | None]], cuts: list[int], chunk_rows: int
) -> None:
    ids = [name.replace("\0", "") for name, _ in rows] or ["x"]
    numbers = [n for _, n in rows] or [None]
    whole = pa.table({"customer_id": pa.array(ids), "n": pa.array(numbers, pa.int64())})
    places = sorted({0, *(cut for cut in cuts if cut < len(ids)), len(ids)})
    parts = [whole.slice(a, b - a) for a, b in pairwise(places)]
    cut = Stream(pa.concat_tables(parts))
    frame = pd.DataFrame({"customer_id": ids, "n": pd.array(numbers, "Int64")})

    table = open_table(cut)
    chunks = list(table.chunks(chunk_rows=chunk_rows))

    assert [row for chunk in chunks for row in chunk] == read(frame)
    assert max(map(len, chunks)) <= chunk_rows
    assert describe(pa.concat_tables(parts)) == describe(frame)


def test_a_stream_is_asked_once_and_its_table_read_as_often_as_one_likes() -> None:
    table = kept(Stream(pa.table({"customer_id": ["1", "2"]})))

    assert isinstance(table, StreamPieces)
    assert kept(table) is table
    assert len(table) == 2
    assert read(table) == read(table) == [{"customer_id": "1"}, {"customer_id": "2"}]
    assert describe(table) == describe(pd.DataFrame({"customer_id": ["1", "2"]}))
    assert pa.table(table).to_pydict() == {"customer_id": ["1", "2"]}


def test_the_file_of_a_stream_is_gone_with_its_table() -> None:
    table = StreamPieces(Stream(pa.table({"customer_id": ["1"]})))
    path = table._path
    assert path is not None
    assert path.exists()
    assert path.stat().st_mode & 0o077 == 0

    del table
    assert not path.exists()


def test_a_table_of_arrow_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(streams, "temporary_file")

    assert read(pa.table({"customer_id": ["1"]})) == [{"customer_id": "1"}]
    assert read(pa.record_batch({"customer_id": ["1"]})) == [{"customer_id": "1"}]


def test_the_index_that_pandas_has_noted_is_one() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="customer_id"))
    table = open_table(Stream(pa.Table.from_pandas(frame)))

    assert table.columns == ["customer_id", "n"]
    assert list(table.index) == ["a", "b"]  # type: ignore[arg-type]
    assert read(Stream(pa.Table.from_pandas(frame))) == read(frame)


def test_a_reader_that_was_read_before_is_told() -> None:
    reader = pa.table({"customer_id": ["1"]}).to_reader()
    read(reader)

    with pytest.raises(InputError, match=r"is empty: .* A stream that was read before is empty"):
        open_table(reader)


def broken() -> Iterator[pa.RecordBatch]:
    yield pa.record_batch({"customer_id": ["1"]})
    raise pa.ArrowInvalid("Conversion Error: Could not convert string 'Ada Lovelace' to INT32\nat")


def test_a_stream_that_breaks_is_told_without_its_cells() -> None:
    schema = pa.schema([("customer_id", pa.string())])
    with pytest.raises(InputError) as caught:
        open_table(pa.RecordBatchReader.from_batches(schema, broken()))

    assert str(caught.value).startswith("The stream of the RecordBatchReader given as customers ")
    assert "Could not convert string … to INT32" in str(caught.value)
    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("Ada", "invalid value …"),
        ("O'Brien Patrick", "invalid value …"),
        ("'tis \"Ada\" `x` O'Brien", "invalid value …"),
        ("3,Ada O'Brien", "Expected 2 columns, got …"),
    ],
)
def test_a_reader_of_csv_that_breaks_late_is_told_without_its_row(cell: str, told: str) -> None:
    text = "id,n\n" + "1,2\n" * 20_000 + f"2,{cell}\n"
    how = csv.ReadOptions(block_size=10_000), csv.ParseOptions(quote_char=False)
    with pytest.raises(InputError) as caught:
        open_table(csv.open_csv(io.BytesIO(text.encode()), *how))

    assert told in str(caught.value)
    for part in ("Ada", "Brien", "Patrick", "tis"):
        assert part not in str(caught.value)


@pytest.mark.parametrize("column", [pa.chunked_array([["1"]]), pd.Series(["1"])])
def test_a_column_is_no_table(column: Any) -> None:
    assert not is_table(column)
    with pytest.raises(InputError, match=r"customers is a (ChunkedArray|Series): give"):
        open_table(column)


def test_rows_are_chosen_from_a_stream() -> None:
    table = pa.table({"account": [42, None, 7], "plan": ["gold", "tin", "tin"]})
    chosen = chosen_rows(Stream(table), {"7"}.__contains__, on="account")

    assert chosen.to_dict("list") == {"account": [7], "plan": ["tin"]}
    assert list(chosen.index) == [2]


SAME = {
    "text": lambda t: t,
    "large": lambda t: t.cast(pa.schema([("c", pa.large_string())])),
    "views": lambda t: t.cast(pa.schema([("c", pa.string_view())])),
    "dictionary of views": lambda _: pa.table(
        {
            "c": pa.DictionaryArray.from_arrays(
                pa.array([0, None, 1], pa.uint32()), pa.array(["a", "b"], pa.string_view())
            )
        }
    ),
    "dictionary": lambda t: pa.table({"c": t["c"].dictionary_encode()}),
}


@pytest.mark.parametrize("way", SAME.values(), ids=SAME)
def test_how_texts_are_stored_does_not_change_the_fingerprint(way: Any) -> None:
    table = pa.table({"c": ["a", None, "b"]})

    assert describe(Stream(way(table))) == describe(pd.DataFrame({"c": ["a", None, "b"]}))


@pytest.mark.parametrize("cell", ["c", "", None, "b "])
def test_another_cell_is_another_fingerprint(cell: str | None) -> None:
    assert describe(pa.table({"c": ["a", cell]})) != describe(pa.table({"c": ["a", "b"]}))


def test_a_fingerprint_of_lists_does_not_depend_on_where_they_are_cut() -> None:
    whole = pa.table({"c": pa.array([None, ["a"], None], pa.list_(pa.string()))})
    cut = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])

    assert describe(cut) == describe(whole)
