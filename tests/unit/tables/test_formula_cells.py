"""Cells of a spreadsheet that are formulas, large numbers and days."""

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.errors import InputError
from connect_tasks.tables.cells import UnreadableCell
from connect_tasks.tables.reading import open_table

openpyxl = pytest.importorskip("openpyxl")

NO_RESULT = "the cell is a formula, and the file does not say what it comes to"


def read(path: Path) -> list[dict[str, Any]]:
    return [row for chunk in open_table(path).chunks() for row in chunk]


def written(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_formula_that_nobody_worked_out_is_its_rows_error(tmp_path: Path) -> None:
    path = written(
        tmp_path / "c.xlsx",
        ["customer_id", "amount"],
        ["1", 2],
        ["2", "=B2*2"],
        ["=A2", "=B2"],
    )
    first, second, third = read(path)

    assert first == {"customer_id": "1", "amount": 2}
    assert second["customer_id"] == "2"
    for cell in (second["amount"], *third.values()):
        assert isinstance(cell, UnreadableCell)
        assert cell.reason.startswith(NO_RESULT)


@pytest.mark.parametrize("above", [0, 2])
def test_a_formula_that_names_a_column_is_told_with_its_file_and_cell(
    tmp_path: Path, above: int
) -> None:
    blank: list[list[Any]] = [[]] * above
    path = written(tmp_path / "c.xlsx", *blank, ["customer_id", "=1+1"], ["1", "x"])
    with pytest.raises(InputError) as caught:
        open_table(path)

    assert f"c.xlsx' has no name of a column in B{above + 1}: {NO_RESULT}" in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "value"),
    [('<c r="A2"><f>1+1</f><v>2</v></c>', 2), ('<c r="A2" t="str"><f>""</f><v></v></c>', None)],
    ids=["a number", "an empty text"],
)
def test_a_formula_is_what_the_file_says_it_came_to(tmp_path: Path, cell: str, value: Any) -> None:
    path = written(tmp_path / "c.xlsx", ["a", "b"], ["=1+1", "x"])
    saved = tmp_path / "saved.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(saved, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                start = data.index(b'<c r="A2"')
                end = data.index(b"</c>", start) + len(b"</c>")
                data = data[:start] + cell.encode() + data[end:]
            new.writestr(name, data)

    assert read(saved) == [{"a": value, "b": "x"}]


def test_days_are_days_and_text_that_looks_like_a_number_is_text(tmp_path: Path) -> None:
    moment = dt.datetime(2026, 11, 1, 8, 30)  # noqa: DTZ001 -- as a sheet has it
    path = written(tmp_path / "c.xlsx", ["id", "day", "at"], ["007", dt.date(2026, 11, 1), moment])

    assert read(path) == [{"id": "007", "day": dt.date(2026, 11, 1), "at": moment}]
