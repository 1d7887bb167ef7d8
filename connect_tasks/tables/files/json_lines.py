"""JSON lines: a file with one object in each line, read piece by piece; a bad line is its own."""

import codecs
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import IO, Any, cast

import pandas as pd

from connect_tasks.tables.cells import MOST_CHARACTERS, plain_value
from connect_tasks.tables.column_names import MOST_COLUMNS
from connect_tasks.tables.files.sources import Source
from connect_tasks.tables.pieces import Piece
from connect_tasks.tables.unreadable_cell import UnreadableCell

__all__ = ["JsonLines", "say_the_same"]

_LONGEST_LINE = 2**24
_MOST_SHOWN = 40
_OTHER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ONE_A_LINE = "write one object in each line, as `jq -c '.[]'` does"


class JsonLines:
    """A file of JSON lines, UTF-8.

    An object in an object makes columns whose names have a dot, as `attributes.plan`; a list is a
    cell. What a line does not have, and null, is missing; blank lines are passed over. A line that
    is no object is a row whose every cell says so, with the line's number: it stops no other row.

    Attributes:
        names: The names of its columns, in the order in which the lines bring them.
        index: None: its rows are counted from 0.

    Raises:
        InputError: No line of it is an object, or a line is too long.
    """

    index: None = None
    warnings: Sequence[str] = ()

    def __init__(self, source: Source) -> None:
        self._source = source
        with source.explained():
            self.names: list[str] = self._found_names()

    @property
    def dtypes(self) -> dict[str, Any]:
        """A column may hold anything."""
        return dict.fromkeys(self.names, object)

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[Piece]:
        """Read the table from its beginning.

        Args:
            rows: How many rows a piece has at most.
            columns: Only these columns, by position.

        Raises:
            InputError: If it cannot be read.
        """
        names = self.names if columns is None else [self.names[place] for place in columns]
        with self._source.explained():
            lines = self._rows()
            while piece := list(islice(lines, rows)):
                cells = [[_cell(row, name) for row in piece] for name in names]
                yield Piece(len(piece), [pd.Series(column, dtype=object) for column in cells])

    def _found_names(self) -> list[str]:
        names: dict[str, bool] = {}
        bad: UnreadableCell | None = None
        for row in self._rows():
            if isinstance(row, UnreadableCell):
                bad = row if bad is None else bad
                continue
            for name, value in row.items():
                names[name] = names.get(name, False) or value is not None
            if len(names) > MOST_COLUMNS:
                raise ValueError(f"it has more than {MOST_COLUMNS:,} columns")
        if bad is not None and not names:
            raise ValueError(f"{bad.reason}; {_ONE_A_LINE}")
        return _without_null_objects(names)

    def _rows(self) -> Iterator["Mapping[str, Any] | UnreadableCell"]:
        with self._open() as file:
            try:
                yield from (_row(n, line) for n, line in _lines(file) if line.strip())
            except (EOFError, zlib.error) as error:
                raise OSError(f"what was compressed is damaged: {error}") from error

    def _open(self) -> IO[bytes]:
        if self._source.suffix.endswith(".gz"):
            return cast("IO[bytes]", gzip.open(self._source.path))
        return self._source.path.open("rb")


def say_the_same(files: Sequence[JsonLines]) -> None:
    """Give files of one table the columns of all: what a line may leave out, so may a file."""
    names = list(dict.fromkeys(name for file in files for name in file.names))
    for file in files:
        file.names = names


def _without_null_objects(names: Mapping[str, bool]) -> list[str]:
    """The names without those that are null wherever they are no object."""
    outer = {name[:at] for name in names for at, sign in enumerate(name) if sign == "."}
    return [name for name, has_values in names.items() if has_values or name not in outer]


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if number == 1:
            if line.startswith(_OTHER_MARKS):
                raise ValueError("it is UTF-16; save it as UTF-8")
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) == _LONGEST_LINE:
            raise ValueError(f"line {number} has more than {_LONGEST_LINE:,} bytes; {_ONE_A_LINE}")
        yield number, line.rstrip(b"\r\n")


def _row(number: int, line: bytes) -> "dict[str, Any] | UnreadableCell":
    try:
        return _columns(_parsed(line))
    except _BadLineError as error:
        reason = str(error)
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 (byte {error.start + 1} of it)"
    except json.JSONDecodeError as error:
        reason = f"is no JSON: {error.msg}, column {error.colno}"
    except RecursionError:
        reason = "has too many objects or lists in each other"
    return UnreadableCell(f"line {number} {reason}")


class _BadLineError(Exception):
    """What is wrong with a line, in words that follow its number."""


def _parsed(line: bytes) -> Any:
    return json.loads(
        line.decode(), parse_float=_float, parse_int=_integer, object_pairs_hook=_Pairs
    )


def _columns(value: Any) -> dict[str, Any]:
    if not isinstance(value, _Pairs):
        raise _BadLineError(f"is no JSON object but {_kind(value)}")
    row: dict[str, Any] = {}
    for name, cell in _flat(value, ""):
        if "\0" in name or len(name) > MOST_CHARACTERS:
            raise _BadLineError("has a name that is no text, or too long")
        if name in row:
            raise _BadLineError(f"has two values for {name[:_MOST_SHOWN]!r}")
        row[name] = cell
    return row


class _Pairs(list[tuple[str, Any]]):
    """An object as it stands in the file: a name may be in it twice."""


def _flat(pairs: _Pairs, before: str) -> Iterator[tuple[str, Any]]:
    for name, value in pairs:
        if isinstance(value, _Pairs):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, _inner(value)


def _inner(value: Any) -> Any:
    """A list's own objects are mappings, if no name is in one twice."""
    if isinstance(value, _Pairs):
        if len(Counter(name for name, _ in value)) < len(value):
            return UnreadableCell("an object in a list has two values for one name")
        return {name: _inner(item) for name, item in value}
    return [_inner(item) for item in value] if isinstance(value, list) else value


def _float(text: str) -> Any:
    """Exact: a float where its shortest form is the number that stands there."""
    number, exact = float(text), Decimal(text)
    return number if Decimal(repr(number)) == exact else exact


def _integer(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        # More digits than Python makes a number of.
        return plain_value(Decimal(text))


def _cell(row: "Mapping[str, Any] | UnreadableCell", name: str) -> Any:
    return row if isinstance(row, UnreadableCell) else row.get(name)


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")
