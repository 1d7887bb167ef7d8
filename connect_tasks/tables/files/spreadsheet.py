"""A spreadsheet's first sheet; read as a whole, since no sheet has more than a million rows."""

import sys
import warnings
from typing import Any

import pandas as pd

from connect_tasks.errors import InputError
from connect_tasks.tables.cells import EXACT
from connect_tasks.tables.files.sources import Source
from connect_tasks.tables.pieces import FramePieces

__all__ = ["need_openpyxl", "open_sheet"]

_NOTHING = ("", pd.DataFrame())


def open_sheet(source: Source) -> FramePieces:
    """Read the first sheet of a spreadsheet that is not hidden or blank; its first row has names.

    Blank rows, and columns without a name or content, are passed over. Each cell is what it is in
    the sheet: text stays text, also if it looks like a number; a formula is what it came to.

    Raises:
        InputError: If it is no such file, or `openpyxl` is not installed.
    """
    need_openpyxl()
    with source.explained(), warnings.catch_warnings():
        # openpyxl warns of what it leaves out, as drop-down lists.
        warnings.simplefilter("ignore")
        with pd.ExcelFile(source.path, engine="openpyxl") as book:
            shown = [str(s.title) for s in book.book.worksheets if s.sheet_state == "visible"]
            sheets = ((name, _sheet(book, name)) for name in shown)
            first, sheet = next((each for each in sheets if not each[1].empty), _NOTHING)
            others = [n for n in shown if n != first and not _sheet(book, n, rows=1).empty]
    return FramePieces(_with_names(sheet), warnings=_unread(source.name, first, others))


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
    return sheet.dropna(how="all").map(_as_stored)


def _as_stored(value: Any) -> Any:
    # A sheet has no integers: pandas makes some of floats, also where these are not exact.
    is_float = isinstance(value, int) and EXACT <= abs(value) <= sys.float_info.max
    return float(value) if is_float else value


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
    return [f"Only one sheet of {file!r}, {first!r}, is read; there are also {names}."]
