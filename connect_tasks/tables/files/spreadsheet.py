"""A spreadsheet's first sheet; read as a whole, since no sheet has more than a million rows."""

import warnings
from typing import Any

import pandas as pd

from connect_tasks.errors import InputError
from connect_tasks.tables.files.sources import Source
from connect_tasks.tables.pieces import FramePieces

__all__ = ["need_openpyxl", "open_sheet"]


def open_sheet(source: Source) -> FramePieces:
    """Read the first sheet of a spreadsheet; its first row has the names.

    Blank rows, and columns without a name or content, are passed over. Each cell is what it is in
    the sheet: text stays text, also if it looks like a number.

    Raises:
        InputError: If it is no such file, or `openpyxl` is not installed.
    """
    need_openpyxl()
    with source.explained(), warnings.catch_warnings():
        # openpyxl warns of what it leaves out, as drop-down lists.
        warnings.simplefilter("ignore")
        with pd.ExcelFile(source.path, engine="openpyxl") as book:
            sheets = [_sheet(book, name) for name in book.sheet_names[:1]]
            others = [str(n) for n in book.sheet_names[1:] if not _sheet(book, n, rows=1).empty]
            first = str(book.sheet_names[0])
    return FramePieces(_with_names(sheets[0]), warnings=_unread(source.name, first, others))


def need_openpyxl() -> None:
    """Make sure that spreadsheets can be read and written.

    Raises:
        InputError: `openpyxl` is not installed.
    """
    try:
        import openpyxl  # noqa: F401
    except ImportError as error:
        raise InputError(
            "Spreadsheets need openpyxl: pip install 'connect-tasks[excel]', or use CSV."
        ) from error


def _sheet(book: Any, name: Any, rows: int | None = None) -> pd.DataFrame:
    sheet: pd.DataFrame = book.parse(
        name, header=None, dtype=object, keep_default_na=False, na_values=[""], nrows=rows
    )
    return sheet.dropna(how="all")


def _with_names(sheet: pd.DataFrame) -> pd.DataFrame:
    if sheet.empty:
        return sheet
    names, rows = sheet.iloc[0], sheet.iloc[1:]
    used = (names.notna() | rows.notna().any()).to_numpy()
    named = rows.loc[:, used].reset_index(drop=True)
    labels = [f"Unnamed: {n}" if pd.isna(name) else name for n, name in enumerate(names)]
    named.columns = pd.Index(
        [lb for lb, keep in zip(labels, used, strict=True) if keep], dtype=object
    )
    return named


def _unread(file: str, first: str, others: list[str]) -> list[str]:
    if not others:
        return []
    names = ", ".join(map(repr, others))
    return [f"Only the first sheet of {file!r}, {first!r}, is read; there are also {names}."]
