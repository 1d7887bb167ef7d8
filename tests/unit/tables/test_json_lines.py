"""JSON lines: each line is what it is, and a bad one is its own row's error."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_tasks.errors import InputError
from connect_tasks.tables.cells import UnreadableCell
from connect_tasks.tables.reading import open_table


def read(source: Any) -> list[dict[str, Any]]:
    return [row for chunk in open_table(source).chunks(chunk_rows=2) for row in chunk]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "customers.jsonl"


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return {n: v.reason if isinstance(v, UnreadableCell) else v for n, v in row.items()}


def test_objects_in_objects_are_columns_with_a_dot(path: Path) -> None:
    path.write_text(
        '{"customer_id": "007", "attributes": {"plan": "gold", "of": {"x": 1}}, "tags": ["a", 1]}\n'
        "\n"
        '{"customer_id": 8, "attributes": null, "late": true}\n'
    )

    assert read(path) == [
        {
            "customer_id": "007",
            "attributes.plan": "gold",
            "attributes.of.x": 1,
            "tags": ["a", 1],
            "late": None,
        },
        {
            "customer_id": 8,
            "attributes.plan": None,
            "attributes.of.x": None,
            "tags": None,
            "late": True,
        },
    ]


@pytest.mark.parametrize("suffix", [".ndjson", ".jsonl.gz", ".NDJSON.GZ"])
def test_other_names_are_json_lines_too(tmp_path: Path, suffix: str) -> None:
    text = b'\xef\xbb\xbf{"customer_id": "Zo\xc3\xab"}\r\n'
    path = tmp_path / f"c{suffix}"
    path.write_bytes(gzip.compress(text) if suffix.lower().endswith("gz") else text)

    assert read(path) == [{"customer_id": "Zoë"}]


NUMBERS = {
    "1.0": 1,
    "1.50": 1.5,
    "0.1": 0.1,
    "9007199254740993": 9007199254740993,
    "9007199254740993.0": 9007199254740993,
    "0.1000000000000000055511151231257827": Decimal("0.1000000000000000055511151231257827"),
    "1e400": 10**400,
    "-0": 0,
}


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_a_number_is_the_one_that_stands_there(path: Path, text: str, value: Any) -> None:
    path.write_text(f'{{"n": {text}}}')
    (row,) = read(path)

    assert row["n"] == value
    assert type(row["n"]) is type(value)


BAD = {
    "no JSON": (b'{"customer_id": }', "line 2 is no JSON: Expecting value, column 17"),
    "cut": (b'{"customer_id": "1', "line 2 is no JSON: Unterminated string starting at, column 17"),
    "a list": (b"[1]", "line 2 is no JSON object but a list"),
    "a text": (b'"Ada"', "line 2 is no JSON object but a text"),
    "null": (b"null", "line 2 is no JSON object but null"),
    "a name twice": (b'{"a": {"b": 1}, "a.b": 2}', "line 2 has two values for 'a.b'"),
    "no UTF-8": (b'{"customer_id": "\xff"}', "line 2 is not UTF-8 (byte 18 of it)"),
    "a name that is none": (
        b'{"customer_id": "2", "\\u0000": 1}',
        "line 2 has a name that is no text, or too long",
    ),
    "deep": (b"[" * 100_000, "line 2 has too many objects or lists in each other"),
}


@pytest.mark.parametrize(("line", "reason"), BAD.values(), ids=BAD)
def test_a_bad_line_is_its_own_rows_error(path: Path, line: bytes, reason: str) -> None:
    path.write_bytes(b'{"customer_id": "1"}\n' + line + b'\n{"customer_id": "3"}')
    rows = [shown(row) for row in read(path)]

    assert [row["customer_id"] for row in rows] == ["1", reason, "3"]


def test_a_number_of_too_many_digits_is_its_own_cells_error(path: Path) -> None:
    path.write_text('{"a": "x", "n": ' + "9" * 5_000 + "}")

    assert [shown(row) for row in read(path)] == [
        {"a": "x", "n": "the cell is a number of more than 4,300 digits"}
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('[{"customer_id": "1"},\n {"customer_id": "2"}]', "line 1 is no JSON: .*; write one obj"),
        ('[{"customer_id": "1"}]', "line 1 is no JSON object but a list; write one object in"),
        ("{\n", "line 1 is no JSON"),
    ],
)
def test_a_file_without_an_object_is_told(path: Path, content: str, told: str) -> None:
    path.write_text(content)

    with pytest.raises(InputError, match=rf"customers\.jsonl' cannot be read: {told}"):
        open_table(path)


def test_a_file_of_another_encoding_is_told(path: Path) -> None:
    path.write_bytes('{"customer_id": "1"}'.encode("utf-16"))

    with pytest.raises(InputError, match="it is UTF-16; save it as UTF-8"):
        open_table(path)


def test_a_compressed_file_that_is_cut_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 1_000)[:-12])

    with pytest.raises(InputError, match="what was compressed is damaged"):
        open_table(path)


def test_files_of_a_folder_may_leave_out_what_lines_may(tmp_path: Path) -> None:
    folder = tmp_path / "date=2026-11-01"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"customer_id": "1"}')
    (folder / "b.jsonl").write_text('{"customer_id": "2", "plan": "gold"}')

    assert read(tmp_path) == [
        {"customer_id": "1", "plan": None, "date": "2026-11-01"},
        {"customer_id": "2", "plan": "gold", "date": "2026-11-01"},
    ]


names = st.text(st.characters(codec="utf-8", exclude_characters=".\0"), max_size=4)
values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
)
lines = st.lists(st.dictionaries(names, values, max_size=3) | st.just(None), min_size=1, max_size=6)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(lines)
def test_what_was_written_is_read_and_a_bad_line_changes_no_other(
    tmp_path: Path, written: list[dict[str, Any] | None]
) -> None:
    path = tmp_path / "any.jsonl"
    text = "\n".join("{" if row is None else json.dumps(row, ensure_ascii=False) for row in written)
    path.write_text(text, encoding="utf-8", newline="")
    columns = list(dict.fromkeys(name for row in written if row for name in row))
    if not columns:
        with pytest.raises(InputError):
            open_table(path)
        return
    rows = read(path)

    for row, wanted in zip(rows, written, strict=True):
        if wanted is not None:
            assert row == {name: wanted.get(name) for name in columns}
        else:
            assert all(isinstance(value, UnreadableCell) for value in row.values())
