"""A CSV file, read piece by piece as text."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pyarrow as pa

from connect_tasks.tables.column_names import refuse_repeated
from connect_tasks.tables.files.csv_text import CsvText
from connect_tasks.tables.files.delimiters import Layout, find_layout
from connect_tasks.tables.files.sources import Source
from connect_tasks.tables.files.swallowed_rows import swallowed_rows
from connect_tasks.tables.pieces import Piece

__all__ = ["CsvFile"]

_LOOK_CHARACTERS = 2**17
_LONGEST_LINE = 2**24
_MOST_WARNINGS = 10
_SURPLUS = re.compile(r"fields in line (\d+), saw (\d+)")
_OPEN_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")


class CsvFile:
    """A CSV file.

    UTF-8, or UTF-16 with its mark; all columns as text, so that IDs keep their leading zeros; only
    an empty cell is missing, so that people called "Null" and the country "NA" are not; comma,
    semicolon, tab or bar, whichever makes a table of the first lines, or what `sep=` says there.

    Attributes:
        names: The names of its columns.
        index: None: its rows are counted from 0.

    Raises:
        InputError: If it is no such file.
    """

    index: None = None

    def __init__(self, source: Source) -> None:
        self._source = source
        self._odd = _OddCells()
        with source.explained():
            self._layout = self._found_layout()
            with self._open() as text, _told(self._layout.delimiter):
                self.names: list[str] = list(self._read(text, nrows=0).columns)

    @property
    def dtypes(self) -> dict[str, Any]:
        """All columns are text."""
        return dict.fromkeys(self.names, pd.StringDtype())

    @property
    def warnings(self) -> tuple[str, ...]:
        """The cells of what was read last that look as if other rows were in them."""
        return tuple(self._odd.sentences(self._source.name, self.names))

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[Piece]:
        """Read the table from its beginning.

        Args:
            rows: How many rows a piece has at most.
            columns: Only these columns, by position.

        Raises:
            InputError: If it is no such file; for a broken row, when its piece is reached.
        """
        self._odd = odd = _OddCells()
        positions = range(len(self.names)) if columns is None else columns
        with self._source.explained(), self._open() as text:
            reader = self._read(text, chunksize=rows)
            while (piece := self._next(reader)) is not None:
                if piece.empty:
                    continue
                cells = [pa.array(column.array) for _, column in piece.items()]
                odd.look(cells, self._layout.delimiter)
                yield Piece(len(piece), [cells[position] for position in positions])

    def _open(self) -> CsvText:
        return CsvText(self._source.path, gzipped=self._source.suffix.endswith(".gz"))

    def _next(self, reader: Any) -> pd.DataFrame | None:
        with _told(self._layout.delimiter):
            return next(reader, None)

    def _read(self, text: CsvText, **how_much: int) -> Any:
        return pd.read_csv(
            text,
            sep=self._layout.delimiter,
            skiprows=self._layout.skipped,
            dtype="string",
            keep_default_na=False,
            na_values=[""],
            index_col=False,
            **how_much,  # type: ignore[call-overload]
        )

    def _found_layout(self) -> Layout:
        delimiter = "\t" if self._source.suffix.startswith(".tsv") else None
        with self._open() as text:
            beginning, whole = _beginning(text)
        layout = find_layout(beginning, whole=whole, delimiter=delimiter)
        if any("\0" in name for name in layout.header):
            raise ValueError("it is UTF-16 without a mark, or no text; save it as CSV UTF-8")
        # pandas would rename the second one without a word.
        refuse_repeated([name for name in layout.header if name], of=f"{self._source.name!r}")
        return layout


def _beginning(text: CsvText) -> tuple[str, bool]:
    """The first characters, a line at least, and whether they are all there are."""
    beginning = ""
    while "\n" not in beginning and "\r" not in beginning and len(beginning) < _LONGEST_LINE:
        more = text.read(_LOOK_CHARACTERS)
        beginning += more
        if len(more) < _LOOK_CHARACTERS:
            return beginning, True
    return beginning, False


class _OddCells:
    """The cells that look as if other rows were in them, as far as a file has been read."""

    def __init__(self) -> None:
        self._found: list[tuple[int, int]] = []
        self._rows = 0
        self._more = 0

    def look(self, cells: Sequence[Any], delimiter: str) -> None:
        """Take the next rows in."""
        for row, column in swallowed_rows(cells, delimiter):
            if len(self._found) < _MOST_WARNINGS:
                self._found.append((self._rows + row, column))
            else:
                self._more += 1
        self._rows += len(cells[0])

    def sentences(self, file: str, names: Sequence[str]) -> Iterator[str]:
        """What to say of them, without their content."""
        for row, column in self._found:
            yield (
                f"Row {row} of {file!r} (from 0) has line breaks in the column {names[column]!r},"
                " and what looks like other rows: see whether a quote is missing there, or is left"
                " over."
            )
        if self._more:
            yield f"{self._more:,} more cells of {file!r} look like that."


@contextmanager
def _told(delimiter: str) -> Iterator[None]:
    """Turn what pandas says of broken rows into words that say what to do."""
    with warnings.catch_warnings():
        # pandas would drop surplus cells of the first rows with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            yield
        except (pd.errors.ParserWarning, pd.errors.ParserError) as error:
            raise ValueError(_in_words(str(error), delimiter)) from error


def _in_words(error: str, delimiter: str) -> str:
    if opened := _OPEN_QUOTE.search(error):
        return (
            f"a quote opens in line {int(opened[1]) + 1} and is never closed: see what is odd there"
        )
    surplus = _SURPLUS.search(error)
    # Of the first row pandas does not say it.
    first = "the first row below the names has more cells"
    where = f"line {surplus[1]} has {surplus[2]} cells, more" if surplus else first
    return f"{where} than the first line has names: put quotes around what holds {delimiter!r}"
