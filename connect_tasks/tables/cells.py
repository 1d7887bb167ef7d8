"""A cell as a plain Python value: whatever it is stored in, and whatever stands beside it.

What a cell is never depends on its column. `columns` does the same for many cells at once.
"""

import datetime as dt
import decimal
import fractions
import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from connect_tasks.tables.unreadable_cell import UnreadableCell

__all__ = ["EXACT", "MOST_CHARACTERS", "UnreadableCell", "plain_value", "too_long", "unreadable"]

MOST_CHARACTERS = 100_000
"""How long a cell may be: more than any field of a request takes."""

EXACT = 2.0**53
"""From here on a float no longer tells every integer from the next."""

# Python prints no longer ones.
_MOST_DIGITS = 4_300
_LARGEST = 10**_MOST_DIGITS
_MIDNIGHT = dt.time()
_NUL = "the cell holds the character NUL (U+0000), which is no text: take it out"
_STANDS_FOR = (pa.DictionaryScalar, pa.RunEndEncodedScalar, pa.UnionScalar)
_NARROW = {pa.float16(): np.float16, pa.float32(): np.float32}
_ITEMS = (
    *(list, tuple, set, frozenset, deque, np.ndarray, pd.Series, pd.Index),
    *(pd.api.extensions.ExtensionArray, pa.Array, pa.ChunkedArray),
)


def plain_value(value: object) -> object:
    """One cell as text, number, truth value, date, time or None, for what is missing.

    An integral number is an `int`, whatever it is stored in; a time without zone at midnight is a
    date; bytes that are UTF-8 are text. Lists and mappings are gone through. What Python cannot
    hold, or is longer than `MOST_CHARACTERS`, is an `UnreadableCell`.

    Example:
        >>> plain_value(1.0), plain_value(1.5), plain_value(float("nan")), plain_value(b"Ada")
        (1, 1.5, None, 'Ada')
    """
    try:
        return _plain(value)
    except _InnerError as error:
        return UnreadableCell(str(error))
    # A cell may be an object of any library, and none of them may stop the other rows.
    except Exception as error:  # noqa: BLE001
        return unreadable(error)


def unreadable(error: Exception) -> UnreadableCell:
    """What stands for a cell that a library cannot convert; its words may hold the content."""
    if isinstance(error, RecursionError):
        return UnreadableCell("the cell holds itself, or too many lists in lists")
    return UnreadableCell(f"the cell is beyond what Python can hold ({type(error).__name__})")


def too_long(characters: int) -> UnreadableCell:
    """What stands for a cell of so many characters."""
    return UnreadableCell(
        f"the cell has {characters:,} characters, at most {MOST_CHARACTERS:,} can be used"
    )


class _InnerError(Exception):
    """A value within a cell is unreadable, and so the whole cell is."""


def _plain(value: Any) -> object:
    if own := _OWN.get(type(value)):
        return own(value)
    # Arrow's structs and maps are mappings, too, also those that are missing.
    if isinstance(value, pa.Scalar):
        return _arrow(value)
    if isinstance(value, Mapping):
        return {key: _inner(item) for key, item in value.items()}
    return _items(value) if isinstance(value, _ITEMS) else _scalar(value)


def _inner(value: object) -> object:
    plain = _plain(value)
    if isinstance(plain, UnreadableCell):
        raise _InnerError(plain.reason)
    return plain


def _items(value: Any) -> object:
    if value is np.ma.masked:
        return None
    if isinstance(value, np.ndarray) and not value.ndim:
        return _plain(value[()])
    items = [_inner(item) for item in value]
    # Texts in sets have another order in each process.
    return sorted(items, key=repr) if isinstance(value, set | frozenset) else items


def _scalar(value: Any) -> object:
    if _is_missing(value):
        return None
    if isinstance(value, dt.date | dt.timedelta | np.datetime64 | np.timedelta64):
        return _moment(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(bytes(value))
    if isinstance(value, pd.Period | pd.Interval):
        return str(value) if isinstance(value, pd.Period) else _interval(value)
    # Of enumerations' members, too, it is the text that a file would hold.
    return _text(str.__str__(value)) if isinstance(value, str) else _number(value)


def _arrow(value: pa.Scalar) -> object:
    """Arrow's own scalars, within which narrow floats are still known as such."""
    if not value.is_valid:
        return None
    if isinstance(value, _STANDS_FOR) or _is_as_stored(value):
        return _plain(value.value)
    if isinstance(value, pa.MapScalar):
        return [list(pair.values()) for pair in map(_inner, value.values)]  # type: ignore[attr-defined]
    if pa.types.is_struct(value.type):
        return {name: _inner(item) for name, item in value.items()}
    if pa.types.is_nested(value.type) and hasattr(value, "values"):
        return [_inner(item) for item in value.values]  # noqa: PD011 -- Arrow's
    plain = value.as_py()
    narrow = _NARROW.get(value.type)
    return _plain(plain if narrow is None or plain is None else narrow(plain))


def _is_as_stored(value: pa.Scalar) -> bool:
    # Others, as UUIDs, have a Python type of their own.
    return type(value).as_py is pa.ExtensionScalar.as_py


def _is_missing(value: Any) -> bool:
    if isinstance(value, decimal.Decimal):
        return value.is_nan()
    if value is pd.NA or value is pd.NaT:
        return True
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _text(value: str) -> object:
    if len(value) > MOST_CHARACTERS:
        return too_long(len(value))
    # Not every database can keep it, nor any person see it.
    return UnreadableCell(_NUL) if "\0" in value else value


def _bytes(value: bytes) -> object:
    try:
        return _text(value.decode())
    except UnicodeDecodeError:
        return value if len(value) <= MOST_CHARACTERS else too_long(len(value))


def _number(value: Any) -> object:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return _integer(int.__int__(value) if isinstance(value, int) else int(value))
    if isinstance(value, float | np.floating):
        return _float_of(value)
    return _complex(value) if isinstance(value, complex | np.complexfloating) else _other(value)


def _other(value: Any) -> object:
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, fractions.Fraction) and value.denominator == 1:
        return _integer(value.numerator)
    if isinstance(value, np.generic) and not isinstance(item := value.item(), np.generic):
        return _plain(item)
    return value


def _integer(value: int) -> object:
    if -_LARGEST < value < _LARGEST:
        return value
    return UnreadableCell(f"the cell is a number of more than {_MOST_DIGITS:,} digits")


def _float(value: float) -> object:
    if value != value:  # noqa: PLR0124 -- NaN
        return None
    return int(value) if -EXACT < value < EXACT and value.is_integer() else value


def _float_of(value: Any) -> object:
    """Shortest: 0.1 in 32 bits would print as 0.10000000149011612 in 64."""
    if isinstance(value, float):
        return _float(float.__float__(value))
    wide = float(value)
    if math.isinf(wide) and not np.isinf(value):
        return UnreadableCell("the cell is a number beyond what Python's floats hold")
    return int(wide) if isinstance(_float(wide), int) and wide == value else float(str(value))


def _complex(value: Any) -> object:
    if not value.imag:
        return _plain(value.real)
    if isinstance(value, complex):
        return complex(value)
    return complex(float(str(value.real)), float(str(value.imag)))


def _decimal(value: decimal.Decimal) -> object:
    if not value.is_finite():
        return value
    if value.adjusted() >= _MOST_DIGITS:
        return _integer(_LARGEST)
    return int(value) if value == value.to_integral_value() else value


def _moment(value: Any) -> object:
    """Times and spans in Python's own types, which end at microseconds."""
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    if isinstance(value, pd.Timedelta):
        # Its own conversion rounds nanoseconds, Timestamp's cuts them.
        if value.unit == "ns":
            return dt.timedelta(microseconds=value.value // 1_000)
        return value.to_pytimedelta()
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime(warn=False)
    if not isinstance(value, dt.datetime):
        return value
    if value.tzinfo is None:
        return value.date() if value.time() == _MIDNIGHT else value
    # Whoever prints it would hear of a zone that knows no hour.
    value.utcoffset()
    # Python's and the zone's by this name are one: a library gives either.
    return value.replace(tzinfo=dt.UTC) if str(value.tzinfo) == "UTC" else value


def _interval(value: "pd.Interval[Any]") -> str:
    opening, closing = "[" if value.closed_left else "(", "]" if value.closed_right else ")"
    return f"{opening}{_plain(value.left)}, {_plain(value.right)}{closing}"


# Python's own types are most cells.
_OWN: dict[type, Callable[[Any], object]] = {
    str: _text,
    int: _integer,
    float: _float,
    bool: bool,
    type(None): lambda _: None,
}
