"""What is said of a result's file: as many rows and the columns that whoever reads it finds."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connect_tasks.tables.file_facts import csv_facts

CELLS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6), st.sampled_from(["utf-8", "utf-8-sig"]))
@example([('say "no",\r\nthen', "\n")], "utf-8-sig")
@example([("0042", None), (None, None)], "utf-8")
def test_rows_and_columns_are_those_that_were_written(
    rows: list[tuple[str | None, str | None]], encoding: str
) -> None:
    frame = pd.DataFrame(rows, columns=["customer_id", 'said, as "text"\nhere'], dtype="string")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "said.csv"
        frame.to_csv(path, index=False, encoding=encoding)
        facts = csv_facts(path)
        content = path.read_bytes()

    assert facts == {
        "rows": len(rows),
        "columns": list(frame.columns),
        "fingerprint": hashlib.sha256(content).hexdigest(),
    }


@pytest.mark.parametrize("rows", [0, 1, 300_000])
def test_a_table_of_any_length_is_counted(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "contacts.csv"
    text = "customer_id,error_message\n" + "0042,'" + "x" * 60 + "\n"
    path.write_text(text[:26] + text[26:] * rows, encoding="utf-8")

    assert csv_facts(path)["rows"] == rows
