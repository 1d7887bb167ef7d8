"""A spreadsheet's first sheet; read as a whole, since no sheet has more than a million rows."""

import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from connect_tasks.errors import InputError
from connect_tasks.tables.cells import EXACT
from connect_tasks.tables.files.sources import Source
from connect_tasks.tables.pieces import FramePieces
from connect_tasks.tables.unreadable_cell import UnreadableCell

__all__ = ["need_openpyxl", "open_sheet"]

_NOTHING = ("", pd.DataFrame())
_NO_RESULT = (
    "the cell is a formula, and the file does not say what it comes to: open it in a spreadsheet"
    " and save it"
)


def open_sheet(source: Source) -> FramePieces:
    """Read the first sheet of a spreadsheet that is not hidden or blank; its first row has names.

    Blank rows, and columns without a name or content, are passed over. Each cell is what it is in
    the sheet: text stays text, also if it looks like a number; a formula is what it came to, and
    where the file does not say what that is, the error of its row.

    Raises:
        InputError: If it is no such file, or `openpyxl` is not installed.
    """
    need_openpyxl()
    with source.explained(), warnings.catch_warnings():
        # openpyxl warns of what it leaves out, as drop-down lists.
        warnings.simplefilter("ignore")
        with pd.ExcelFile(source.path, engine="openpyxl") as book:
            shown = [str(s.title) for s in book.book.worksheets if s.sheet_state == "visible"]
            sheets = ((name, _sheet(book, name, source.path)) for name in shown)
            first, sheet = next((each for each in sheets if not each[1].empty), _NOTHING)
            others = [n for n in shown if n != first and not _first_row(book, n).empty]
    _need_names(sheet, source.name)
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


def _first_row(book: Any, name: str) -> pd.DataFrame:
    return _parsed(book, name, nrows=1).dropna(how="all")


def _sheet(book: Any, name: str, path: Path) -> pd.DataFrame:
    from connect_tasks.tables.files.formula_cells import unknown_results

    # Nothing else says where in the file the sheet is.
    inner = book.book[name]._worksheet_path  # noqa: SLF001
    sheet = _with_unknown(_parsed(book, name), unknown_results(path, inner))
    return sheet.dropna(how="all").map(_as_stored)


def _parsed(book: Any, name: str, **how_much: int) -> pd.DataFrame:
    parsed: pd.DataFrame = book.parse(
        name, header=None, dtype=object, keep_default_na=False, na_values=[""], **how_much
    )
    return parsed


def _with_unknown(sheet: pd.DataFrame, cells: list[tuple[int, int]]) -> pd.DataFrame:
    if not cells:
        return sheet
    rows = range(max(len(sheet), *(row + 1 for row, _ in cells)))
    columns = range(max(sheet.shape[1], *(column + 1 for _, column in cells)))
    filled = sheet.reindex(index=rows, columns=columns).astype(object)
    for row, column in cells:
        unknown: Any = UnreadableCell(_NO_RESULT)
        filled.iat[row, column] = unknown  # noqa: PD009 -- one cell
    return filled


def _as_stored(value: Any) -> Any:
    # A sheet has no integers: pandas makes some of floats, also where these are not exact.
    is_float = isinstance(value, int) and EXACT <= abs(value) <= sys.float_info.max
    return float(value) if is_float else value


def _need_names(sheet: pd.DataFrame, file: str) -> None:
    from openpyxl.utils.cell import get_column_letter

    for column, name in sheet.head(1).T.itertuples():
        if isinstance(name, UnreadableCell):
            cell = f"{get_column_letter(column + 1)}{sheet.index[0] + 1}"
            raise InputError(f"{file!r} has no name of a column in {cell}: {name.reason}.")


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
