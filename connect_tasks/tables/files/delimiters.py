"""The delimiter of a CSV: the one under which its first lines make a table."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

__all__ = ["Layout", "find_layout"]

_DELIMITERS = ",;\t|"
_LOOK_ROWS = 100
# What Excel reads first: `sep=;`.
_SAID = re.compile(r'\A"?sep=(.)"?[ \t]*(?:\r\n|\r|\n)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a CSV is laid out.

    Args:
        delimiter: What is between two cells.
        header: The names in its first row.
        skipped: How many lines stand before the first row and are no part of the table.
    """

    delimiter: str
    header: tuple[str, ...]
    skipped: int = 0


def find_layout(beginning: str, *, whole: bool, delimiter: str | None = None) -> Layout:
    r"""Find out how a CSV is laid out.

    Each delimiter is tried: the right one gives every row as many cells as the first, with no
    quotes or blanks left where a cell begins.

    Args:
        beginning: The file's first characters.
        whole: Whether that is all of it.
        delimiter: The delimiter, if it is known.

    Raises:
        ValueError: There is no row, or two delimiters fit equally well.

    Example:
        >>> find_layout('id;"Name, first"\n1;"Ada, L."\n', whole=True).delimiter
        ';'
    """
    said = _SAID.match(beginning)
    if said:
        beginning, delimiter = beginning[said.end() :], said[1]
    tries = [_Try(each, beginning, whole=whole) for each in delimiter or _DELIMITERS]
    if not any(each.rows for each in tries):
        raise ValueError(_nothing_in(beginning))
    best = max(tries, key=lambda each: each.fitness)
    _refuse_a_tie([each for each in tries if each.fitness == best.fitness])
    return Layout(best.delimiter, tuple(best.rows[0]), 1 if said else 0)


def _nothing_in(beginning: str) -> str:
    if not beginning.strip():
        return "it is empty"
    most = f"{csv.field_size_limit():,}"
    return f"its first line holds a name of more than {most} characters, or a quote that is odd"


def _refuse_a_tie(best: "list[_Try]") -> None:
    if len(best) > 1 and len(best[0].rows[0]) > 1:
        kinds = " and ".join(repr(each.delimiter) for each in best)
        raise ValueError(
            f"its cells could be separated by {kinds}: put a line before the first that says which,"
            f" as sep={best[0].delimiter}"
        )


class _Try:
    """The first rows as a delimiter makes them."""

    def __init__(self, delimiter: str, beginning: str, *, whole: bool) -> None:
        self.delimiter = delimiter
        rows = list(islice(_rows(beginning, delimiter), _LOOK_ROWS + 1))
        # The last one may be cut.
        complete = whole or len(rows) > _LOOK_ROWS
        self.rows = rows[: _LOOK_ROWS if complete else max(1, len(rows) - 1)]

    @property
    def fitness(self) -> tuple[bool, float, float]:
        """How well it fits; the more, the better."""
        if not self.rows:
            return False, 0, 0
        width = len(self.rows[0])
        even = sum(len(row) == width for row in self.rows) / len(self.rows)
        odd = sum(any(map(_looks_cut, row)) for row in self.rows) / len(self.rows)
        return width > 1, even - odd, even


def _looks_cut(cell: str) -> bool:
    return '"' in cell or cell[:1] == " "


def _rows(beginning: str, delimiter: str) -> Iterator[list[str]]:
    try:
        for row in csv.reader(io.StringIO(beginning, newline=""), delimiter=delimiter):
            if len(row) > 1 or any(cell.strip() for cell in row):
                yield row
    except csv.Error:
        # A broken row further down is told when it is reached.
        return
