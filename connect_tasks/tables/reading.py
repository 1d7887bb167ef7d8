"""Reading: any table in, as rows of plain Python values, some thousands at a time."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd

from connect_tasks.errors import InputError
from connect_tasks.tables.cells import plain_values
from connect_tasks.tables.files import open_file

__all__ = ["Table", "describe", "open_table"]

_Settle: TypeAlias = "Callable[[pd.Series[Any]], pd.Series[Any]]"

_LOOK_ROWS = 10_000
_FLOAT_BYTES = 8
# Beyond this a float no longer holds every integer.
_EXACT = 2.0**53
_NAMES_AN_ID = re.compile(r"(?:^|[^A-Za-z])(?:id|ID|Id)$|[a-z]I[Dd]$")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of customers that is read in pieces.

    Attributes:
        columns: The names of its columns.
        index: Its own index; None for a CSV file, whose rows are counted from 0.
    """

    columns: list[str]
    index: "pd.Index[Any] | None" = field(repr=False)
    _pieces: Callable[[int], Iterator[pd.DataFrame]] = field(repr=False)
    _settle: "tuple[_Settle, ...]" = field(repr=False)

    def chunks(self, *, chunk_rows: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        """Go through the rows as plain Python values; None for what is missing.

        A second call starts at the first row again.

        Args:
            chunk_rows: How many rows to hold at once.

        Yields:
            Lists of at most `chunk_rows` rows, in the table's order.

        Raises:
            InputError: If the file turns out to be broken further down.

        Example:
            >>> table = open_table(pd.DataFrame({"id": [7.0, 8.0], "visits": [3, None]}))
            >>> next(table.chunks())
            [{'id': 7, 'visits': 3}, {'id': 8, 'visits': None}]
        """
        for piece in self._pieces(chunk_rows):
            columns = [
                plain_values(settle(piece.iloc[:, position]))
                for position, settle in enumerate(self._settle)
            ]
            yield [dict(zip(self.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def open_table(source: "pd.DataFrame | str | os.PathLike[str]") -> Table:
    """Open the customers' table; what it holds is read later, in pieces.

    Whole columns are looked at first, so that pieces agree with each other:

    - floats with gaps that are all whole numbers become integers, as pandas makes floats of
      integers with gaps; so do whole floats in columns named like an ID (`customer_id`, `id`);
    - times without zone that are all midnight become dates.

    Args:
        source: A DataFrame, or the path or URI (`file://`, `https://`, `s3://`) of a CSV or
            Parquet file. CSV is read as text throughout: IDs keep their leading zeros.

    Returns:
        The table, with text for column names. A given frame is never changed.

    Raises:
        InputError: If there is no such file, it can't be read, or the table is empty or has two
            columns of one name.

    Example:
        >>> open_table(pd.DataFrame({"customer_id": ["0042"]})).columns
        ['customer_id']
    """
    file = _Frame(source) if isinstance(source, pd.DataFrame) else open_file(_path(source))
    beginning = next(file.pieces(_LOOK_ROWS), None)
    if beginning is None or beginning.empty:
        raise InputError("The table is empty: it needs one row per customer.")
    names = _column_names(beginning)
    return Table(names, file.index, file.pieces, _settled(file, names, beginning))


def describe(frame: pd.DataFrame) -> dict[str, Any]:
    """Summarise a table without any of its values, for records that others may read.

    Returns:
        `rows`, `columns` (their names) and `fingerprint`, the SHA-256 of the content in its order.

    Example:
        >>> summary = describe(pd.DataFrame({"customer_id": ["0042"]}))
        >>> summary["rows"], summary["columns"], len(summary["fingerprint"])
        (1, ['customer_id'], 64)
    """
    names = [_name(column) for column in frame.columns]
    digest = hashlib.sha256()
    for position, name in enumerate(names):
        encoded = name.encode(errors="surrogatepass")
        digest.update(b"%d:%b" % (len(encoded), encoded))
        digest.update(_hashes(frame.iloc[:, position]).tobytes())
    return {"rows": len(frame), "columns": names, "fingerprint": digest.hexdigest()}


def _path(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    raise InputError(
        f"customers is a {type(source).__name__}: give a DataFrame, such as"
        " pandas.DataFrame(customers), or the path or URI of a CSV or Parquet file."
    )


def _column_names(frame: pd.DataFrame) -> list[str]:
    names = [_name(column) for column in frame.columns]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"The table has columns of the same name: {', '.join(map(repr, repeated))}."
            " Rename or drop one of each."
        )
    return names


def _name(column: object) -> str:
    return ".".join(map(str, column)) if isinstance(column, tuple) else str(column)


class _Pieces(Protocol):
    """What a table is read from."""

    @property
    def index(self) -> "pd.Index[Any] | None": ...

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[pd.DataFrame]: ...


class _Frame:
    """A table that is in memory already."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self.index: pd.Index[Any] = frame.index

    def pieces(self, rows: int, columns: Sequence[int] | None = None) -> Iterator[pd.DataFrame]:
        frame = self._frame if columns is None else self._frame.iloc[:, list(columns)]
        for start in range(0, len(frame), rows):
            yield frame.iloc[start : start + rows]


class _Look(Protocol):
    """What a column is as a whole, piece by piece; and how to make that of a piece."""

    def take(self, column: "pd.Series[Any]") -> None: ...

    def settle(self, column: "pd.Series[Any]") -> "pd.Series[Any]": ...


class _Floats:
    """Whether floats were integers before pandas made floats of them."""

    def __init__(self, name: str) -> None:
        self._made_floats = bool(_NAMES_AN_ID.search(name))
        self._any = False
        self._whole = True

    def take(self, column: "pd.Series[Any]") -> None:
        present = _shortest(column).dropna().to_numpy("float64")
        self._made_floats |= len(present) < len(column)
        self._any |= len(present) > 0
        self._whole &= bool(((np.abs(present) < _EXACT) & (np.floor(present) == present)).all())

    def settle(self, column: "pd.Series[Any]") -> "pd.Series[Any]":
        column = _shortest(column)
        return column.astype("Int64") if self._made_floats and self._any and self._whole else column


class _Times:
    """Whether times without zone were dates before pandas made times of them."""

    def __init__(self) -> None:
        self._any = False
        self._midnight = True

    def take(self, column: "pd.Series[Any]") -> None:
        present = column.dropna()
        self._any |= len(present) > 0
        self._midnight &= bool((present == present.dt.normalize()).all())

    def settle(self, column: "pd.Series[Any]") -> "pd.Series[Any]":
        return column.dt.date if self._any and self._midnight else column


def _settled(
    file: "_Pieces", names: Sequence[str], beginning: pd.DataFrame
) -> "tuple[_Settle, ...]":
    """How to bring each column into the type that its values as a whole call for."""
    looks: dict[int, _Look] = {}
    for position, (name, dtype) in enumerate(zip(names, beginning.dtypes, strict=True)):
        if pd.api.types.is_float_dtype(dtype):
            looks[position] = _Floats(name)
        elif pd.api.types.is_datetime64_dtype(dtype):
            looks[position] = _Times()
    for piece in file.pieces(_LOOK_ROWS, list(looks)) if looks else ():
        for column, look in enumerate(looks.values()):
            look.take(piece.iloc[:, column])
    return tuple(
        looks[position].settle if position in looks else _as_it_is for position in range(len(names))
    )


def _shortest(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """0.1 in 32 bits would print as 0.10000000149011612 in 64."""
    if isinstance(column.dtype, pd.SparseDtype):
        column = pd.Series(np.asarray(column))
    size: int = column.dtype.itemsize  # type: ignore[union-attr]
    if size == _FLOAT_BYTES:
        return column
    narrow = pd.Series(column.to_numpy(f"f{size}", na_value=np.nan))
    return narrow.astype(str).astype("float64")


def _as_it_is(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column


def _hashes(column: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    try:
        return pd.util.hash_pandas_object(column, index=False).to_numpy()
    except TypeError:
        # Cells that hold lists or dicts.
        return pd.util.hash_pandas_object(column.map(repr), index=False).to_numpy()
