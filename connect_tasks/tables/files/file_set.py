"""A set of files that are one table, as Spark writes them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from connect_tasks.errors import InputError
from connect_tasks.tables.column_names import column_name, named_levels
from connect_tasks.tables.pieces import Piece, TablePieces

__all__ = ["FileSet", "Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a set.

    Args:
        table: What it holds.
        source: Where it is.
        of_folders: The columns that stand in the names of its folders, as `country=DE`.
    """

    table: TablePieces = field(repr=False)
    source: str
    of_folders: Mapping[str, str | None]


class FileSet:
    """Files with the same columns, one after the other.

    Args:
        parts: The files, at least one.

    Attributes:
        names: The names of the columns; those that stand in the folders' names come last.
        index: The files' own indexes after each other; None if they have none.

    Raises:
        InputError: One of them has other columns than the first.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._places = [_places(part, parts[0]) for part in parts]
        inner = parts[0].table.names
        self._folders = [
            name for name in parts[0].of_folders if name not in map(column_name, inner)
        ]
        self.names: list[Any] = [*inner, *self._folders]
        self.index = _index([part.table for part in parts])

    @property
    def dtypes(self) -> Mapping[Any, Any]:
        """Those of the first file."""
        return self._parts[0].table.dtypes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What looked odd in any of them."""
        return tuple(text for part in self._parts for text in part.table.warnings)

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[Piece]:
        """Read the files, one after the other.

        Args:
            rows: How many rows a piece has at most.
            columns: Only these columns, by position.
        """
        chosen = range(len(self.names)) if columns is None else columns
        for part, places in zip(self._parts, self._places, strict=True):
            inner = [places[position] for position in chosen if position < len(places)]
            for piece in part.table.pieces(rows, inner):
                cells = iter(piece.columns)
                folders = self._of_folders(part, piece.rows)
                columns_here = [
                    next(cells) if position < len(places) else folders[position - len(places)]
                    for position in chosen
                ]
                yield Piece(piece.rows, columns_here)

    def _of_folders(self, part: Part, rows: int) -> list[pa.Array]:
        values = (part.of_folders[name] for name in self._folders)
        return [pa.repeat(pa.scalar(value, pa.string()), rows) for value in values]


def _places(part: Part, first: Part) -> list[int]:
    """Where a file has the columns of the first."""
    own = {column_name(name): place for place, name in enumerate(part.table.names)}
    names = [column_name(name) for name in first.table.names]
    if own.keys() != set(names) or _beside(part) != _beside(first):
        raise InputError(
            f"{part.source!r} has other columns than {first.source!r}: one table needs the same."
        )
    return [own[name] for name in names]


def _beside(part: Part) -> tuple[set[str], set[str]]:
    """The columns that are no columns of the file: those of its folders, and of its index."""
    return set(part.of_folders), set(named_levels(part.table.index, ()))


def _index(tables: Sequence[TablePieces]) -> "pd.Index[Any] | None":
    indexes = [table.index for table in tables if table.index is not None]
    counted = all(isinstance(index, pd.RangeIndex) and index.name is None for index in indexes)
    if counted or len(indexes) < len(tables) or len({index.nlevels for index in indexes}) > 1:
        return None
    levels = [
        _appended([index.get_level_values(level) for index in indexes])
        for level in range(indexes[0].nlevels)
    ]
    return levels[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)


def _appended(levels: "Sequence[pd.Index[Any]]") -> "pd.Index[Any]":
    if len({str(level.dtype) for level in levels}) > 1:
        # By itself pandas would take floats for integers of which some files have gaps.
        levels = [level.astype(object) for level in levels]
    return levels[0].append(list(levels[1:]))
