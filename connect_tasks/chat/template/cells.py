"""Cells: a row's values as templates see them, each aware of where it stands.

What is missing is *undefined* at any depth, what cannot be printed says so wherever it is used, and
nothing but plain values gets in.
"""

from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NoReturn

from jinja2.exceptions import TemplateRuntimeError, UndefinedError
from jinja2.runtime import Undefined
from jinja2.utils import missing

from connect_tasks.chat.template.faults import EmptyColumnError, GapError, LimitError, Place
from connect_tasks.chat.template.limits import DEEPEST, LONGEST_TEXT, kept
from connect_tasks.chat.template.printing import unprintable
from connect_tasks.tables.unreadable_cell import UnreadableCell

__all__ = ["CellList", "CellStruct", "Empty", "Row", "Unusable", "cell", "gap", "is_missing"]

# Singletons of pandas, told by name: this module must work, and import, without pandas.
_MISSING_KINDS = {"NAType", "NaTType"}
_PLACED_GAP: Any = partial(GapError, is_placed=True)
_PLAIN = (str, int, float, Decimal, date, time, timedelta)


class Empty(Undefined):
    """A missing value: nothing can be done with it but to ask for it.

    Between jinja's kinds: people ask `{% if nickname %}` and `plan == 'gold'` of empty cells, but
    printing one is an error.
    """

    __slots__ = ()
    __str__ = __iter__ = __len__ = __contains__ = Undefined._fail_with_undefined_error  # noqa: SLF001 -- as jinja's own StrictUndefined
    __abs__ = __round__ = __trunc__ = __index__ = Undefined._fail_with_undefined_error  # noqa: SLF001 -- the same

    def __init__(
        self,
        hint: str | None = None,
        obj: object = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, GapError if exc is UndefinedError else exc)
        if hint is None and obj is missing:
            self._undefined_hint = f"column {name!r} is empty"
            self._undefined_exception = partial(EmptyColumnError, str(name))  # type: ignore[assignment]


def gap(hint: str, *, is_placed: bool = False, key: str = "") -> Empty:
    """Something that is not there, and what to say when it is used."""
    raised: Any = partial(GapError, is_placed=is_placed, key=key)
    return Empty(hint, exc=raised)


class CellList(list[Any]):
    """A list in a cell."""

    __slots__ = ("place",)

    def __init__(self, items: list[Any], place: Place) -> None:
        super().__init__(items)
        self.place = place


class CellStruct(dict[Any, Any]):
    """A struct in a cell."""

    __slots__ = ("place",)

    def __init__(self, members: dict[Any, Any], place: Place) -> None:
        super().__init__(members)
        self.place = place


class Unusable:
    """A value of a kind that no template can do anything with: bytes, objects of a program."""

    __slots__ = ("_value", "place")

    def __init__(self, value: object, place: Place) -> None:
        self._value = value
        self.place = place

    def in_words(self) -> tuple[str, str, str]:
        """What it is, and what to write."""
        if isinstance(self._value, UnreadableCell):
            return self._value.reason, "", ""
        error = unprintable(self._value)
        return error.what, error.advice, error.short_advice

    def fail(self, *_: object) -> NoReturn:
        """Say what it is."""
        raise unprintable(self)

    __str__ = __iter__ = __len__ = __contains__ = __getitem__ = __call__ = fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = fail
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = (
        fail
    )
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __index__ = __abs__ = fail
    __round__ = __trunc__ = fail

    def __bool__(self) -> bool:
        return not self._is_unreadable() or self.fail()

    def __eq__(self, other: object) -> bool:
        return self is other if not self._is_unreadable() else self.fail()

    __hash__ = object.__hash__

    def _is_unreadable(self) -> bool:
        # Nobody knows what is in it: neither whether it is true, nor whether it is equal.
        return isinstance(self._value, UnreadableCell)


class Row:
    """The row by column names; no mapping, so that no method hides a column of the same name."""

    __slots__ = ("_cells", "_values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._cells: dict[str, object] = {}

    def __contains__(self, column: object) -> bool:
        return column in self._values

    def get(self, column: str, default: object) -> object:
        """The cell, or something else where the row has none."""
        return self[column] if column in self._values else default

    def __getitem__(self, column: str) -> object:
        found = self._cells.get(column, missing)
        if found is missing:
            value = self._values.get(column, missing)
            found = Empty(name=column) if value is missing else cell(value, column)
            self._cells[column] = found
        return found


def is_missing(value: object) -> bool:
    """Whether a value stands for nothing: None, NaN, pandas' NA, a blank text.

    Example:
        >>> is_missing(None), is_missing(" "), is_missing(0)
        (True, True, False)
    """
    kind = type(value)
    if kind is str:
        return not value or value.isspace()  # type: ignore[attr-defined]
    if value is None:
        return True
    if kind is int:
        return False
    if isinstance(value, float):
        return value != value  # noqa: PLR0124 -- NaN
    if kind is Decimal:
        return value.is_nan()  # type: ignore[attr-defined,no-any-return]
    return kind.__name__ in _MISSING_KINDS


def cell(value: object, column: str) -> object:
    """A cell as templates see it.

    Raises:
        LimitError: It is too large, or nested too deeply.

    Example:
        >>> cell({"city": None}, "address")["city"]
        Undefined
    """
    # Most cells are such texts.
    if type(value) is str and len(value) <= LONGEST_TEXT:
        return value
    return _Reading(column).read(value, Place.of(column), DEEPEST)


class _Reading:
    """One cell being gone through."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._left = LONGEST_TEXT

    def read(self, value: object, place: Place, levels: int) -> object:
        if isinstance(value, _PLAIN):
            return self._plain(value)
        if isinstance(value, list | tuple | set | frozenset):
            self._count(len(value), levels)
            items = [self._item(item, place, key, levels) for key, item in enumerate(value)]
            return CellList(items, place)
        if isinstance(value, Mapping):
            self._count(len(value), levels)
            members = {
                self._key(key): self._item(item, place, key, levels) for key, item in value.items()
            }
            return CellStruct(members, place)
        return Unusable(value, place)

    def _item(self, item: object, place: Place, key: object, levels: int) -> object:
        if is_missing(item):
            hint = f"{place} is empty in {place.below(key).path}"
            return Empty(hint, exc=_PLACED_GAP)
        if type(item) in {str, int, bool}:
            return self._plain(item)
        if isinstance(item, float | date):
            return item
        return self.read(item, place.below(key), levels - 1)

    def _key(self, key: object) -> object:
        # Keys are printed by loops, and a tuple of tuples can be hashed for hours.
        return self._plain(key) if isinstance(key, _PLAIN) else self._refuse_key(key)

    def _refuse_key(self, key: object) -> NoReturn:
        raise LimitError(
            f"column {self._column!r} has a {type(key).__name__} as a key: use texts",
            is_placed=True,
        )

    def _plain(self, value: object) -> object:
        if isinstance(value, str):
            self._count(len(value), 1)
            # An enumeration's member is its text.
            return value if type(value) is str else str.__str__(value)
        if isinstance(value, int) and type(value) is not bool:
            self._count(value.bit_length() // 4, 1)
            return int(value)
        return kept(value) if isinstance(value, Decimal) else value

    def _count(self, amount: int, levels: int) -> None:
        self._left -= amount
        if self._left < 0:
            most = f"{LONGEST_TEXT:,} characters or items"
            raise LimitError(
                f"column {self._column!r} holds more than {most}: shorten it", is_placed=True
            )
        if levels <= 0:
            most = f"{DEEPEST} levels"
            raise LimitError(
                f"column {self._column!r} is nested more than {most} deep: flatten it",
                is_placed=True,
            )
