"""What is said of a result's file: as many rows and the columns that whoever reads it finds."""

import csv
import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connect_tasks.tables.file_facts import csv_facts
from connect_tasks.tables.table_layout import TEXT, TableLayout

CELLS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6), st.sampled_from(["sheet", "program"]))
@example([('say "no",\r\nthen', "\n")], "sheet")
@example([("0042", "a\rb"), (None, "\r"), ("\r", None)], "program")
@example([("0042", None), (None, None)], "program")
def test_rows_and_columns_are_those_that_were_written(
    rows: list[tuple[str | None, str | None]], reader: str
) -> None:
    layout = TableLayout({"customer_id": TEXT, 'said, as "text"\nhere': TEXT})
    names = ["customer_id", 'said, as "text"\nhere']
    records = [dict(zip(names, row, strict=True)) for row in rows]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "said.csv"
        layout.write_csv(records, path, neutralise=reader == "sheet")
        facts = csv_facts(path)
        content = path.read_bytes()

    assert facts == {
        "rows": len(rows),
        "columns": names,
        "fingerprint": hashlib.sha256(content).hexdigest(),
    }


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
@example([("0042", "a\rb"), ("0043", "\r")])
def test_a_program_reads_as_many_rows_as_there_are_and_each_text_as_it_was(
    rows: list[tuple[str | None, str | None]],
) -> None:
    layout = TableLayout({"customer_id": TEXT, "content": TEXT})
    records = [dict(zip(("customer_id", "content"), row, strict=True)) for row in rows]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "said.csv"
        layout.write_csv(records, path, neutralise=False)
        with path.open(encoding="utf-8", newline="") as file:
            read = list(csv.reader(file))

    assert read[1:] == [[cell or "" for cell in row] for row in rows]


@pytest.mark.parametrize("rows", [0, 1, 300_000])
def test_a_table_of_any_length_is_counted(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "contacts.csv"
    text = "customer_id,error_message\n" + "0042,'" + "x" * 60 + "\n"
    path.write_text(text[:26] + text[26:] * rows, encoding="utf-8")

    assert csv_facts(path)["rows"] == rows
