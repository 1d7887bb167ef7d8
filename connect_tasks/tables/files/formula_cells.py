"""Formulas of a sheet whose results are not in the file: nobody has ever worked them out."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET
from zipfile import ZipFile

from openpyxl.utils.cell import coordinate_to_tuple

__all__ = ["unknown_results"]

_CHUNK_BYTES = 2**20
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def unknown_results(book: Path, sheet: str) -> list[tuple[int, int]]:
    """Where the formulas without a result are, as rows and columns from 0.

    A program that writes a workbook leaves results out; a spreadsheet puts them in when it saves.

    Args:
        book: The file.
        sheet: The path of the sheet's XML in it.
    """
    with ZipFile(book) as archive:
        with archive.open(sheet) as xml:
            if not _has_formulas(xml):
                return []
        with archive.open(sheet) as xml:
            return list(_found(xml))


def _has_formulas(xml: IO[bytes]) -> bool:
    before = b""
    for chunk in iter(partial(xml.read, _CHUNK_BYTES), b""):
        if _FORMULA.search(before + chunk):
            return True
        before = chunk[-16:]
    return False


def _found(xml: IO[bytes]) -> Iterator[tuple[int, int]]:
    # What reads the sheet itself has gone through the same file by now.
    for _, element in ET.iterparse(xml):  # noqa: S314
        if element.tag == f"{_SPACE}c":
            is_formula = element.find(f"{_SPACE}f") is not None
            # An empty text is a result, too, and is said to be one.
            if is_formula and element.get("t") != "str" and not element.findtext(f"{_SPACE}v"):
                row, column = coordinate_to_tuple(element.get("r", ""))
                yield row - 1, column - 1
        if element.tag == f"{_SPACE}row":
            element.clear()
