"""A result's files: its tables as CSV, as Parquet, or as one workbook."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connect_tasks.errors import InputError
from connect_tasks.tables.destinations import replacing
from connect_tasks.tables.table_layout import TableLayout
from connect_tasks.tables.workbook import write_workbook

__all__ = ["FORMATS", "ResultFiles", "ResultTable", "checked_formats", "checked_layout"]

FORMATS = ("csv", "parquet", "xlsx")
"""The kinds of files that there are."""


@dataclass(frozen=True, slots=True)
class ResultTable:
    """One table of a result.

    Args:
        layout: Its columns.
        records: Its rows, read anew each time they are gone through.
    """

    layout: TableLayout
    records: Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """The tables of a result, to be written to files; each takes its place once it is complete.

    Args:
        tables: The tables by the names of their files and sheets.
    """

    tables: Mapping[str, ResultTable]

    def write(self, folder: Path, formats: Collection[str], *, neutralise: bool) -> None:
        """Write files of each format, `results.xlsx` for a workbook.

        Args:
            folder: Where to.
            formats: Any of `FORMATS`.
            neutralise: Whether CSV is for spreadsheets; see `TableLayout.write_csv`.

        Raises:
            InputError: The tables do not fit into a spreadsheet, or `openpyxl` is not installed.
        """
        for name, table in self.tables.items():
            if "csv" in formats:
                with replacing(folder / f"{name}.csv") as file:
                    table.layout.write_csv(table.records, file, neutralise=neutralise)
            if "parquet" in formats:
                with replacing(folder / f"{name}.parquet") as file:
                    table.layout.write_parquet(table.records, file)
        if "xlsx" in formats:
            self.write_workbook(folder / "results.xlsx")

    def write_workbook(self, path: Path) -> None:
        """Write all tables as sheets of one file.

        Raises:
            InputError: As for `write`.
        """
        sheets = {name: table.layout.sheet(table.records) for name, table in self.tables.items()}
        with replacing(path) as file:
            write_workbook(file, sheets)


def checked_formats(formats: Collection[str]) -> Collection[str]:
    """The formats, if all of them are known.

    Raises:
        InputError: One of them is not.
    """
    given = [formats] if isinstance(formats, str) else list(formats)
    if unknown := sorted(set(given) - set(FORMATS)):
        raise InputError(f"formats holds {', '.join(unknown)}: give csv, parquet or xlsx.")
    return given


def checked_layout(layout: str, formats: Collection[str] | None, *, invitations: bool) -> str:
    """The layout, if it is known and goes with what else was asked for.

    Raises:
        InputError: It is unknown, or by date and of another kind of file than Parquet, or with
            links in it.
    """
    if layout not in {"files", "by_date"}:
        raise InputError(f"There is no layout {layout!r}: give files or by_date.")
    is_other = formats is not None and list(checked_formats(formats)) != ["parquet"]
    if layout == "by_date" and (is_other or invitations):
        raise InputError(
            "layout='by_date' writes Parquet, and no invitations: leave formats and invitations"
            " out, or call save a second time for them."
        )
    return layout
