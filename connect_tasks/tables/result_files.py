"""A result's files: contacts and messages as CSV, as Parquet, or as one workbook."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from connect_tasks.errors import InputError
from connect_tasks.tables.destinations import replacing
from connect_tasks.tables.layouts import CONTACTS, MESSAGES
from connect_tasks.tables.workbook import write_workbook

__all__ = ["FORMATS", "ResultFiles", "checked_formats"]

FORMATS = ("csv", "parquet", "xlsx")
"""The kinds of files that there are."""

_Read: TypeAlias = Callable[[], Iterable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """The tables of a result, to be written to files; each takes its place once it is complete.

    Args:
        contacts: Reads the records of the contacts anew.
        messages: Reads those of the messages.
    """

    contacts: _Read
    messages: _Read

    def write(self, folder: Path, formats: Collection[str], *, neutralise: bool) -> None:
        """Write files of each format, `results.xlsx` for a workbook.

        Args:
            folder: Where to.
            formats: Any of `FORMATS`.
            neutralise: Whether CSV is for spreadsheets; see `TableLayout.write_csv`.

        Raises:
            InputError: The tables do not fit into a spreadsheet, or `openpyxl` is not installed.
        """
        if "csv" in formats:
            with replacing(folder / "contacts.csv") as file:
                CONTACTS.write_csv(self.contacts(), file, neutralise=neutralise)
            with replacing(folder / "messages.csv") as file:
                MESSAGES.write_csv(self.messages(), file, neutralise=neutralise)
        if "parquet" in formats:
            with replacing(folder / "contacts.parquet") as file:
                CONTACTS.write_parquet(self.contacts(), file)
            with replacing(folder / "messages.parquet") as file:
                MESSAGES.write_parquet(self.messages(), file)
        if "xlsx" in formats:
            self.write_workbook(folder / "results.xlsx")

    def write_workbook(self, path: Path) -> None:
        """Write both tables as sheets of one file.

        Raises:
            InputError: As for `write`.
        """
        contacts, messages = CONTACTS.sheet(self.contacts()), MESSAGES.sheet(self.messages())
        with replacing(path) as file:
            write_workbook(file, {"contacts": contacts, "messages": messages})


def checked_formats(formats: Collection[str]) -> Collection[str]:
    """The formats, if all of them are known.

    Raises:
        InputError: One of them is not.
    """
    given = [formats] if isinstance(formats, str) else list(formats)
    if unknown := sorted(set(given) - set(FORMATS)):
        raise InputError(f"formats holds {', '.join(unknown)}: give csv, parquet or xlsx.")
    return given
