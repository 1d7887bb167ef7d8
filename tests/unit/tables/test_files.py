import datetime as dt
import gzip
import http.server
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from connect_tasks.errors import InputError
from connect_tasks.tables.reading import open_table


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(source: Any) -> list[dict[str, Any]]:
    return [row for chunk in open_table(source).chunks() for row in chunk]


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
    index = open_table(path).index

    assert index is not None
    assert list(index) == ["x", "y"]
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
    """Two files on the web, one of which is cut; the other is in a bucket, too."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()
        if self.path.partition("?")[0] in {"/c.csv", "/cut.csv", "/bucket/c.csv"}:
            self.wfile.write(CSV)

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        lengths = {"/c.csv": len(CSV), "/cut.csv": 1_000, "/bucket/c.csv": len(CSV)}
        self.send_response(200 if path in lengths else 404)
        self.send_header("Content-Length", str(lengths.get(path, 0)))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


CSV = b"customer_id\n007\n"


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Files) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_table_is_read_from_the_web(address: str) -> None:
    assert read(f"{address}/c.csv?signature=secret") == [{"customer_id": "007"}]


def test_a_refusal_of_the_web_tells_no_signature(address: str) -> None:
    with pytest.raises(InputError, match="404") as caught:
        open_table(f"{address}/d.csv?signature=secret")

    assert "secret" not in str(caught.value)


def test_a_table_is_read_from_a_bucket(address: str) -> None:
    bucket = "s3://KEY:SECRET@bucket"
    there = f"scheme=http&endpoint_override={address.removeprefix('http://')}"

    assert read(f"{bucket}/c.csv?{there}") == [{"customer_id": "007"}]
    with pytest.raises(InputError) as caught:
        open_table(f"{bucket}/d.csv?{there}")
    assert str(caught.value) == "There is no file 's3://bucket/d.csv': check the path."


def test_a_table_of_the_web_that_is_cut_is_told(address: str) -> None:
    with pytest.raises(InputError, match="cut after 16 of 1,000 bytes"):
        open_table(f"{address}/cut.csv")


def test_the_copy_of_a_table_of_the_web_is_gone_with_the_table(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    table = open_table(f"{address}/c.csv")

    (copy,) = tmp_path.iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert list(table.chunks()) == list(table.chunks()) == [[{"customer_id": "007"}]]

    del table
    with pytest.raises(InputError):
        open_table(f"{address}/d.csv")
    with pytest.raises(InputError):
        open_table(f"{address}/cut.csv")
    assert list(tmp_path.iterdir()) == []


# -- tables larger than a piece

# More rows than are looked at when a file is opened.
MANY = 25_000


def lines(count: int) -> str:
    return "customer_id,name\n" + "".join(f"{n:05d},Ada {n}\n" for n in range(count))


@pytest.mark.parametrize("name", ["c.csv", "c.csv.gz"])
def test_a_csv_is_read_in_pieces_and_again(written: Any, name: str) -> None:
    content = lines(MANY).encode()
    table = open_table(written(name, gzip.compress(content) if name.endswith("gz") else content))
    chunks = list(table.chunks(chunk_rows=10_000))

    assert (table.columns, table.index) == (["customer_id", "name"], None)
    assert [len(chunk) for chunk in chunks] == [10_000, 10_000, 5_000]
    assert [row["customer_id"] for chunk in chunks for row in chunk] == [
        f"{n:05d}" for n in range(MANY)
    ]
    assert list(table.chunks(chunk_rows=10_000)) == chunks


def test_the_beginning_of_a_csv_is_read_before_the_rest(written: Any) -> None:
    table = open_table(written("c.csv", lines(MANY) + "25000,Ada,surplus\n"))
    chunks = table.chunks(chunk_rows=10_000)

    assert len(next(chunks)) == len(next(chunks)) == 10_000
    with pytest.raises(
        InputError, match=r"c\.csv' cannot be read: line 25002 has 3 cells"
    ) as caught:
        next(chunks)
    assert "\n" not in str(caught.value)


def test_a_row_of_another_encoding_is_told_with_its_place(written: Any) -> None:
    before = lines(MANY).encode()
    table = open_table(written("c.csv", before + b"25000,\xc4da\n"))

    with pytest.raises(InputError, match=rf"not UTF-8 \(byte {len(before) + 6}\)"):
        list(table.chunks())


def test_a_compressed_csv_that_is_cut_is_told(written: Any) -> None:
    whole = gzip.compress(lines(200_000).encode())
    table = open_table(written("c.csv.gz", whole[: len(whole) // 2]))

    with pytest.raises(InputError, match="compressed is damaged"):
        list(table.chunks())


def test_a_compressed_csv_with_a_wrong_byte_is_told(written: Any) -> None:
    whole = bytearray(gzip.compress(lines(200_000).encode()))
    whole[len(whole) // 2 :] = b"\xff" * (len(whole) - len(whole) // 2)
    table = open_table(written("c.csv.gz", bytes(whole)))

    with pytest.raises(InputError, match="compressed is damaged"):
        list(table.chunks())


def test_the_cells_of_a_parquet_are_each_what_they_are(tmp_path: Path) -> None:
    midnight, noon = dt.datetime(2026, 1, 2), dt.datetime(2026, 1, 2, 12)  # noqa: DTZ001 -- no zone
    table = pa.table({"number": [1.0, 2.0, None, 4.5], "time": [midnight, midnight, None, noon]})
    parquet.write_table(table, tmp_path / "c.parquet", row_group_size=2)
    chunks = list(open_table(tmp_path / "c.parquet").chunks(chunk_rows=1))

    assert [list(row.values()) for (row,) in chunks] == [
        [1, midnight.date()],
        [2, midnight.date()],
        [None, None],
        [4.5, noon],
    ]
    assert type(chunks[0][0]["number"]) is int


def test_a_parquets_columns_are_told_apart_by_their_whole_names(tmp_path: Path) -> None:
    table = pa.table({"visits.last": ["May", None], "visits": [3.0, None]})
    parquet.write_table(table, tmp_path / "c.parquet")

    assert list(map(repr, read(tmp_path / "c.parquet"))) == [
        "{'visits.last': 'May', 'visits': 3}",
        "{'visits.last': None, 'visits': None}",
    ]


def test_short_floats_of_a_parquet_are_as_short_as_they_were(tmp_path: Path) -> None:
    table = pa.table({"share": pa.array([0.1], pa.float32())})
    parquet.write_table(table, tmp_path / "c.parquet")

    assert read(tmp_path / "c.parquet") == [{"share": 0.1}]


def test_a_parquet_is_never_held_as_a_whole(tmp_path: Path) -> None:
    random = Random(7)  # noqa: S311 -- text that no compression makes smaller
    table = pa.table({"customer_id": [random.randbytes(250).hex() for _ in range(100_000)]})
    parquet.write_table(table, tmp_path / "c.parquet", row_group_size=len(table))
    size = table.nbytes
    del table
    before = pa.total_allocated_bytes()
    chunks = open_table(tmp_path / "c.parquet").chunks(chunk_rows=1_000)
    held = [pa.total_allocated_bytes() - before for _ in chunks]

    assert len(held) == 100
    assert max(held) < size / 2


def test_a_parquet_without_rows_is_told(tmp_path: Path) -> None:
    parquet.write_table(
        pa.table({"customer_id": pa.array([], pa.string())}), tmp_path / "c.parquet"
    )

    with pytest.raises(InputError, match="The table is empty"):
        open_table(tmp_path / "c.parquet")


def test_two_columns_of_one_name_in_a_parquet_are_told(tmp_path: Path) -> None:
    table = pa.table([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    parquet.write_table(table, tmp_path / "c.parquet")

    with pytest.raises(InputError, match="same name: 'a'"):
        open_table(tmp_path / "c.parquet")


# -- files that are no tables


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
        pytest.param("c.csv.gz", b"x", "not what its name says", id="not compressed"),
        pytest.param("c.parquet", b"x", "cannot be read", id="no Parquet"),
        pytest.param("c.zip", b"x", "not what its name says", id="no archive"),
        pytest.param("c.json", b"x", "give a .csv, .parquet, .xlsx or .jsonl", id="another suffix"),
        pytest.param("c", b"x", "give a .csv, .parquet, .xlsx or .jsonl", id="no suffix"),
    ],
)
def test_a_file_that_is_no_table_is_told_in_one_sentence(
    written: Any, name: str, content: str | bytes, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        open_table(written(name, content))

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere/c.csv", "There is no file 'nowhere/c.csv'"),
        ("file:///nowhere/c.csv", "There is no file"),
        ("ftp://example.org/c.csv", "give a path, file://, https:// or s3://"),
        ("C:\\nowhere\\c.csv", "There is no file"),
        ("~nobody-of-this-name/c.csv", "There is no file '~nobody-of-this-name/c.csv'"),
        ("x" * 5_000 + ".csv", "…' cannot be read: File name too long."),
        ("https://[::1/c.csv?signature=secret", "the table's URI\" cannot be read: Invalid"),
    ],
)
def test_a_missing_file_is_told(source: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        open_table(source)

    assert words in str(caught.value)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.csv").mkdir()

    with pytest.raises(InputError, match="is a folder or glob without tables"):
        open_table(tmp_path / "c.csv")


@pytest.mark.parametrize(
    "place", ["mysql://ada:se/cret@host/db.csv", "http://ada:se?cret@127.0.0.1:1/c.csv"]
)
def test_a_table_that_cannot_be_fetched_is_told_without_its_password(place: str) -> None:
    with pytest.raises(InputError) as caught:
        open_table(place)

    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "place",
    ["s3://KEY:se/cret@bucket/c.csv", "s3://bucket/c.csv?nothing=cret", "s3://KEY:se[cret@b/c.csv"],
)
def test_not_even_the_cause_of_an_error_repeats_a_secret(place: str) -> None:
    with pytest.raises(InputError) as caught:
        open_table(place)

    error: BaseException | None = caught.value
    while error is not None:
        assert "cret" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
