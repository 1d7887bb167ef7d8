"""A workbook: tables as the sheets of one `.xlsx` file, written row by row."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from connect_tasks.errors import InputError
from connect_tasks.tables.files.spreadsheet import need_openpyxl
from connect_tasks.tables.formulas import is_formula

__all__ = ["MOST_ROWS", "write_workbook"]

MOST_ROWS = 1_048_576
"""How many rows a sheet of Excel has, its header included."""

_MOST_CHARACTERS = 32_767
# What XML cannot hold.
_NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_workbook(path: Path, sheets: "Mapping[str, tuple[Sequence[str], Iterable[Any]]]") -> None:
    """Write tables to a file that Excel opens.

    Text is text, whatever it begins with; characters that no sheet can hold become U+FFFD, and what
    is longer than a cell can be is cut, with an ellipsis. Times are UTC, without a zone, which a
    sheet cannot hold.

    Args:
        path: The file.
        sheets: For each sheet its first row, and its rows of text, integers, times and None.

    Raises:
        InputError: `openpyxl` is not installed, or a sheet would have more than `MOST_ROWS` rows.
    """
    need_openpyxl()
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, (header, rows) in sheets.items():
        _fill(book.create_sheet(name), _with(header, rows))
    book.save(path)


def _fill(sheet: Any, rows: Iterable[Any]) -> None:
    # A sheet is a half-written file until it is closed.
    with closing(sheet):
        for number, row in enumerate(rows, start=1):
            if number > MOST_ROWS:
                raise InputError(
                    f"{sheet.title} has more than the {MOST_ROWS - 1:,} rows that a sheet of Excel"
                    " can have: take CSV or Parquet."
                )
            sheet.append([_cell(sheet, value) for value in row])


def _with(header: Sequence[str], rows: Iterable[Any]) -> Iterator[Any]:
    yield header
    yield from rows


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return _text(sheet, value) if isinstance(value, str) else value


def _text(sheet: Any, value: str) -> Any:
    text = _NO_CHARACTER.sub("\ufffd", str.__str__(value))
    if len(text) > _MOST_CHARACTERS:
        text = text[: _MOST_CHARACTERS - 1] + "…"
    if not is_formula(text) and text[:1] not in {"=", "#"}:
        return text
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=text)
    # By itself it makes a formula or an error of it.
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell
