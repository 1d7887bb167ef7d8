"""Files that a spreadsheet opens: nothing in them is carried out, and all of it can be read."""

import csv
import datetime as dt
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from connect_tasks.errors import InputError
from connect_tasks.tables import workbook
from connect_tasks.tables.formulas import neutralised_text
from connect_tasks.tables.layouts import CONTACTS, MESSAGES, attributes_layout
from connect_tasks.tables.result_files import ResultFiles, ResultTable, checked_formats
from connect_tasks.tables.workbook import write_workbook

MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=1)))


@pytest.mark.parametrize(
    "text",
    [
        *("=cmd|'/C calc'!A0", "+cmd|x", "-2+3+cmd|x", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\tx"),
        *(" =1", '"=1', "'=1", "\u00a0=1", "\u200b=1", "\ufeff=1", "\uff1d1", "\x00=1", "=", "-x"),
        *("Hi;=1", "Hi\t@SUM(1)", "Hi\n=1", 'Hi; "+cmd|x', "+49 30 abc", "-1;=2"),
    ],
)
def test_a_formula_is_carried_out_by_no_spreadsheet(text: str) -> None:
    cells = [cell for part in neutralised_text(text).split(";") for cell in part.split("\n")]

    assert neutralised_text(text).replace("'", "") == text.replace("'", "")
    assert not any(cell[:1] in set("=+@\t\r\uff1d") for cell in cells if not is_number(cell))
    assert not any(cell.lstrip('"\t\r \xa0\ufeff\u200b\x00')[:1] in set("=@") for cell in cells)


def is_number(cell: str) -> bool:
    return cell.lstrip("+-").replace(" ", "").isdigit()


@pytest.mark.parametrize(
    "text", ["", "Hello", "-5", "+4930123456", "-1,234.50", "+49 30 123", "a=b", "1 - 2", "x, -y"]
)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert neutralised_text(text) == text


RECORDS: list[dict[str, Any]] = [
    {"customer_id": "0042", "content": "=HYPERLINK(1)", "absolute_time": MOMENT},
    {"customer_id": "Zoë", "content": "#N/A", "absolute_time": None},
    {"customer_id": None, "content": "a\x00\ud7ff\ufffe" + "x" * 40_000},
]


def test_csv_for_people_has_a_mark_and_no_formulas(tmp_path: Path) -> None:
    MESSAGES.write_csv(RECORDS, tmp_path / "m.csv", neutralise=True)
    data = (tmp_path / "m.csv").read_bytes()
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))

    assert data.startswith(b"\xef\xbb\xbf")
    assert [row["customer_id"] for row in rows[:2]] == ["0042", "Zoë"]
    assert [row["content"] for row in rows[:2]] == ["'=HYPERLINK(1)", "#N/A"]


def test_a_column_that_a_flow_has_named_is_no_formula_either(tmp_path: Path) -> None:
    layout = attributes_layout(["=cmd|x", "score"])
    for neutralise, header in ((True, "'=cmd|x"), (False, "=cmd|x")):
        layout.write_csv([{"score": "9"}], tmp_path / "a.csv", neutralise=neutralise)
        first = (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()[0]

        assert first == f"customer_id,contact_id,{header},score"


def test_csv_for_programs_has_exactly_the_text(tmp_path: Path) -> None:
    MESSAGES.write_csv(RECORDS, tmp_path / "m.csv", neutralise=False)
    data = (tmp_path / "m.csv").read_bytes()

    assert data.startswith(b"customer_id,")
    assert b",=HYPERLINK(1)" in data


@pytest.fixture
def files() -> ResultFiles:
    contacts: list[dict[str, Any]] = [{"customer_id": "0042", "attempts": 2, "planned_at": MOMENT}]
    tables = {
        "contacts": ResultTable(CONTACTS, contacts),
        "messages": ResultTable(MESSAGES, RECORDS),
    }
    return ResultFiles(tables)


def test_a_workbook_holds_both_tables_as_they_are(tmp_path: Path, files: ResultFiles) -> None:
    pytest.importorskip("openpyxl")
    files.write(tmp_path, ["xlsx"], neutralise=True)
    book = pd.read_excel(
        tmp_path / "results.xlsx", sheet_name=None, dtype=object, keep_default_na=False
    )
    contacts, messages = book["contacts"], book["messages"]

    assert list(book) == ["contacts", "messages"]
    times = CONTACTS.frame([]).select_dtypes("datetimetz").columns
    assert list(contacts.columns) == [f"{n} (UTC)" if n in times else n for n in COLUMNS]
    assert contacts["planned_at (UTC)"][0] == dt.datetime(2026, 1, 2, 2, 4, 5)  # noqa: DTZ001 -- as a sheet has it
    assert contacts["attempts"][0] == 2
    assert list(messages["customer_id"]) == ["0042", "Zoë", ""]
    assert list(messages["content"][:2]) == ["=HYPERLINK(1)", "#N/A"]
    assert messages["content"][2] == "a\ufffd\ud7ff\ufffd" + "x" * 32_762 + "…"


COLUMNS = list(CONTACTS.frame([]).columns)


def test_a_formula_in_a_workbook_is_text_also_when_somebody_edits_it(
    tmp_path: Path, files: ResultFiles
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    files.write_workbook(tmp_path / "r.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "r.xlsx")["messages"]["J2"]

    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=HYPERLINK(1)", "s", True)


def test_more_rows_than_a_sheet_has_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openpyxl")
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)

    write_workbook(tmp_path / "r.xlsx", {"all": (["a"], [["x"], ["y"]])})
    with pytest.raises(InputError, match="all has more than the 2 rows"):
        write_workbook(tmp_path / "r.xlsx", {"all": (["a"], [["x"], ["y"], ["z"]])})


def test_without_openpyxl_it_is_told(
    tmp_path: Path, files: ResultFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    with pytest.raises(InputError, match=r"pip install 'connect-tasks\[excel\]'"):
        files.write(tmp_path, ["xlsx"], neutralise=True)
    assert list(tmp_path.iterdir()) == []


def test_each_format_asked_for_is_written(tmp_path: Path, files: ResultFiles) -> None:
    files.write(tmp_path, ["csv", "parquet"], neutralise=True)

    assert {path.name for path in tmp_path.iterdir()} == {
        *("contacts.csv", "messages.csv"),
        *("contacts.parquet", "messages.parquet"),
    }
    assert pd.read_parquet(tmp_path / "messages.parquet")["content"][0] == "=HYPERLINK(1)"


def test_an_unknown_format_is_told() -> None:
    assert checked_formats("csv") == ["csv"]
    with pytest.raises(InputError, match="formats holds pdf: give csv, parquet or xlsx"):
        checked_formats(["csv", "pdf"])
