"""Faults of a text: what a template or a row does that no customer may read, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2.exceptions import FilterArgumentError, TemplateRuntimeError

__all__ = [
    "TURN_INTO",
    "Attempt",
    "EmptyColumnError",
    "GapError",
    "LimitError",
    "Place",
    "TextError",
    "UnfitIdError",
    "UnprintableError",
    "in_words",
]

_LONGEST_KEY = 40
_MOST_COLUMNS = 5
#: What to write where a value is of the wrong kind.
TURN_INTO = "turn texts into numbers with | int or | float, and numbers into texts with | string"
# What Python says itself is for programmers, and may repeat a customer's text.
_IN_WORDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (ZeroDivisionError, "{} divides by zero: provide for that with if"),
    ((ArithmeticError, MemoryError), "{} comes to a number that is too large: use smaller ones"),
    (RecursionError, "{} calls itself too often, or holds lists too deep: use fewer levels"),
    (UnicodeError, "{} holds half of a character (a surrogate): write the character itself"),
    (
        (TypeError, AttributeError, FilterArgumentError),
        "{} is given values of the wrong kind, or too many or too few: " + TURN_INTO,
    ),
)
_ODD = "{} cannot work with one of its values: correct it, or provide for it with if"
# How Python begins to say so.
_UNPACKING = ("cannot unpack", "too many values to unpack", "not enough values to unpack")
_UNPACKED = "there are more names than items, or fewer: a struct's pairs are in {{ x.items() }}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in the row.

    Args:
        column: Its column.
        path: How a template reaches it: `address.city`, `row['First name'][0]`.

    Example:
        >>> Place.of("First name").below("a").path
        "row['First name'].a"
    """

    column: str
    path: str

    @classmethod
    def of(cls, column: str) -> "Place":
        """The place of a whole cell."""
        return cls(column, column if column.isidentifier() else f"row[{column!r}]")

    def below(self, key: object) -> "Place":
        """The place of one item or member."""
        if isinstance(key, str) and key.isidentifier():
            return Place(self.column, f"{self.path}.{key[:_LONGEST_KEY]}")
        return Place(self.column, f"{self.path}[{repr(key)[:_LONGEST_KEY]}]")

    @property
    def is_nested(self) -> bool:
        """Whether it is within a cell."""
        return self.path not in {self.column, f"row[{self.column!r}]"}

    def __str__(self) -> str:
        within = f" at {self.path}" if self.is_nested else ""
        return f"column {self.column!r}{within}"


class TextError(TemplateRuntimeError):
    """Something is wrong with a text, told in words that need no others.

    Args:
        message: What is wrong, and what to write.
        is_placed: Whether the message names the column; if not, it gets the part's columns.

    Attributes:
        whereabouts: The columns in the part of the text, and how it reaches the value.
    """

    def __init__(self, message: str, *, is_placed: bool = False) -> None:
        super().__init__(message)
        self._is_placed = is_placed
        self.whereabouts: tuple[Sequence[str], str] = ((), "")

    def __str__(self) -> str:
        columns = self.whereabouts[0]
        told = super().__str__()
        return told if self._is_placed or not columns else f"{_named_columns(columns)}: {told}"


class EmptyColumnError(TextError):
    """A template prints a column that is empty in this row."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message, is_placed=True)
        self.column = column


class GapError(TextError):
    """A template uses something that is not there: an item, a member, a result.

    Args:
        message: What is not there, and where.
        is_placed: Whether the message names the column.
        key: What was looked for, as it stands in the message.
    """

    def __init__(self, message: str, *, is_placed: bool = False, key: str = "") -> None:
        super().__init__(message, is_placed=is_placed)
        self._key = key

    def told_by(self, source: str) -> "GapError":
        """The same without a key that the template does not say itself: it is the row's own."""
        if self._key.strip("'") in source:
            return self
        message = str(self.args[0]).replace(self._key, "such item")
        return GapError(message, is_placed=self._is_placed)


class LimitError(TextError):
    """A text would be too long, too deep or too much work."""


class UnprintableError(TextError):
    """A value is nothing that a customer can read.

    Args:
        what: What it is: `a list`.
        advice: What to write, with `@` for the place of the value: `write {{ @ | length }}`.
        short_advice: The same where nobody knows the place.
        place: Where in the row it stands, if that is known.
    """

    def __init__(
        self, what: str, advice: str, short_advice: str = "", place: Place | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.short_advice = short_advice or advice
        self.place = place

    def __str__(self) -> str:
        if self.place is not None and not self.advice:
            return f"{self.place}: {self.what}"
        columns, path = self.whereabouts
        holder = f"{_named_columns(columns)} gives" if columns else "the text gives"
        place = self.place
        if place is None and len(columns) == 1 and path == Place.of(columns[0]).path:
            place = Place.of(columns[0])
        if place is not None:
            holder, path = f"{place} holds", place.path
        # Twice for the owner of a method: name in name.title.
        advice = self.advice.replace("@@", path.rpartition(".")[0]).replace("@", path)
        return f"{holder} {self.what}: {advice if path else self.short_advice}"


class UnfitIdError(UnprintableError):
    """A number is no id: another customer's may print the same."""

    def __init__(self, value: object, what: str) -> None:
        super().__init__(what, "read this column as text, then the id is the one that was written")
        self.value = value


def _named_columns(columns: Sequence[str]) -> str:
    """Name the columns of a part of a text; the first few, if there are many."""
    word = "column" if len(columns) == 1 else "one of the columns"
    more = ", …" if len(columns) > _MOST_COLUMNS else ""
    return f"{word} {', '.join(map(repr, columns[:_MOST_COLUMNS]))}{more}"


def in_words(error: Exception, what: str = "a step of the template") -> TextError:
    """Say what an error of Python means for those who write texts.

    Args:
        error: The error; one that is told in words already is passed on.
        what: What failed: a filter, a method, an operator.

    Example:
        >>> str(in_words(ZeroDivisionError("division by zero"), "/"))
        '/ divides by zero: provide for that with if'
    """
    if isinstance(error, TextError):
        return error
    if isinstance(error, TemplateRuntimeError) and not isinstance(error, FilterArgumentError):
        # Jinja's own is about the template, and speaks its language.
        return TextError(str(error))
    if str(error).startswith(_UNPACKING):
        return TextError(_UNPACKED)
    rules = (rule for kinds, rule in _IN_WORDS if isinstance(error, kinds))
    return TextError(next(rules, _ODD).format(what))


class Attempt:
    """A step with values, as a context: whatever fails in it is told in words.

    Args:
        what: What is done: a filter, a method, an operator.

    Raises:
        TextError: It failed.
    """

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, TextError):
            raise in_words(error, self._what) from error
