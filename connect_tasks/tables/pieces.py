"""A piece of a table: some thousand rows, column by column; and what gives such pieces."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from connect_tasks.tables.columns import Column

__all__ = ["FramePieces", "Piece", "TablePieces"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a table.

    Args:
        rows: How many.
        columns: Their cells, one column after the other.
    """

    rows: int
    columns: Sequence[Column] = field(repr=False)


class TablePieces(Protocol):
    """A table that is read in pieces, from its beginning each time.

    Attributes:
        names: The names of its columns; any objects, as in a frame.
        index: Its own index; None for rows that are counted from 0.
        warnings: What looked odd as far as it has been read.
        dtypes: Those that pandas gives the columns, by their names, where it is known.
    """

    @property
    def names(self) -> Sequence[Any]: ...  # noqa: D102 -- above

    @property
    def index(self) -> "pd.Index[Any] | None": ...  # noqa: D102

    @property
    def warnings(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def dtypes(self) -> Mapping[Any, Any]: ...  # noqa: D102

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[Piece]:
        """Read it.

        Args:
            rows: How many rows a piece has at most.
            columns: Only these columns, by position.
        """
        ...


class FramePieces:
    """A table that is in memory already.

    Args:
        frame: The table; it is never changed.
        index: Its own index; the frame's if None.
        warnings: What looked odd.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        index: "pd.Index[Any] | None" = None,
        warnings: Sequence[str] = (),
    ) -> None:
        self._frame = frame
        self.names: list[Any] = list(frame.columns)
        self.index: pd.Index[Any] | None = frame.index if index is None else index
        self.warnings = warnings
        self.dtypes: Mapping[Any, Any] = dict(zip(self.names, frame.dtypes, strict=True))

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[Piece]:
        """Cut it."""
        positions = range(len(self.names)) if columns is None else columns
        chosen = [self._frame.iloc[:, position] for position in positions]
        for start in range(0, len(self._frame), rows):
            cut = [column.iloc[start : start + rows] for column in chosen]
            yield Piece(min(rows, len(self._frame) - start), cut)
