"""The scope of one text in one row: which names it knows, how values print, what work is left."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from jinja2 import Environment
from jinja2.runtime import Context, Undefined
from jinja2.utils import missing

from connect_tasks.chat.template.cells import Row, Unusable
from connect_tasks.chat.template.faults import LimitError
from connect_tasks.chat.template.limits import (
    LONGEST_TEXT,
    MOST_WORK,
    STEP,
    kept,
    too_large,
    weight,
)
from connect_tasks.chat.template.printing import (
    fit_for_id,
    printed,
    printed_id,
    unprintable,
    wrong_kind,
)

__all__ = ["CALLED_WORDS", "ROW", "Scope", "Word"]

#: The name by which a text reaches columns whose names are no identifiers: row['First name'].
ROW = "row"
#: Names that the template language has for what is called; anywhere else they are columns.
CALLED_WORDS = ("range", "dict", "namespace")
# A cell holds no more; a list of some cells may hold a little.
_HEAVIEST = 2 * LONGEST_TEXT


class Word:
    """A name of the template language that is called, as `range(3)`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


_WORDS = {name: Word(name) for name in CALLED_WORDS}


class Scope(Context):
    """What one text sees while it is filled in.

    Args:
        environment: The sandbox.
        row: The row.
        is_id: Whether the text is a customer's id, for which numbers must be exact.
    """

    def __init__(self, environment: Environment, row: Row, *, is_id: bool = False) -> None:
        super().__init__(environment, {}, None, {})
        self.row = row
        self.left = MOST_WORK
        self._is_id = is_id
        self._print = printed_id if is_id else printed

    def resolve_or_missing(self, key: str) -> Any:
        """Find what a name stands for: what the template set, then the row's columns."""
        if key in self.vars:
            return self.vars[key]
        # A word that is not called is a column: the syntax tree sees to that.
        word = self.row if key == ROW else _WORDS.get(key)
        return self.row.get(key, missing) if word is None else word

    def spend(self, amount: int) -> None:
        """Take work off what is left.

        Raises:
            LimitError: Nothing is left.
        """
        self.left -= amount
        if self.left < 0:
            raise LimitError(
                "the text takes more work than one text may: loop over less, or write it shorter",
                is_placed=True,
            )

    def text(self, value: object) -> str:
        """What a value prints, and the work of that.

        Raises:
            TextError: It cannot be printed, or is missing.
        """
        text = value if type(value) is str else self._print(value)
        self.spend(len(text) + 1)
        return text

    def number(self, value: object) -> Any:
        """A value that is to be reckoned with: a number, or a text that may be one.

        Raises:
            TextError: It is something else, or missing, or no number that an id may come from.
        """
        self.usable(value)
        if not isinstance(value, str | int | float | Decimal | timedelta | None):
            raise wrong_kind(value, "only numbers can be reckoned with, and texts that hold one")
        self.exact(value)
        self.spend(STEP)
        return value

    def exact(self, *values: object) -> None:
        """Refuse, where an id is made, what no id may come from.

        Raises:
            UnfitIdError: One of the values is such a number.
        """
        if self._is_id:
            for value in values:
                fit_for_id(value)

    def sequence(self, value: Any) -> Sequence[Any]:
        """What a loop or filter goes through, and the work of that.

        Raises:
            TextError: There is nothing to go through.
        """
        self.usable(value)
        if not isinstance(value, str | list | tuple | dict):
            raise wrong_kind(value, "only texts, lists and structs have items")
        self.spend(len(value) + 1)
        return list(value) if isinstance(value, str | dict) else value

    def weigh(self, *values: object) -> None:
        """Take the work of comparing values off what is left.

        Raises:
            LimitError: There is more in them than work left.
        """
        for value in values:
            if isinstance(value, str):
                self.spend(len(value) + 1)
                continue
            found = weight(value, _HEAVIEST)
            if found > _HEAVIEST:
                raise too_large("what is compared", _HEAVIEST, "characters and items")
            self.spend(found)

    def keep(self, value: Any) -> Any:
        """Let a result pass unless it is too large, and take its work off what is left.

        Raises:
            LimitError: It is too large.
        """
        if isinstance(value, str | list | tuple):
            self.spend(len(value) + 1)
        return kept(value)

    @staticmethod
    def usable(*values: object) -> None:
        """Refuse what is missing, and what no template can do anything with.

        Raises:
            TextError: One of the values is such.
        """
        for value in values:
            if isinstance(value, Undefined | Unusable):
                str(value)

    def arguments(self, args: Iterable[object]) -> None:
        """Refuse arguments that are missing or no plain values.

        Raises:
            TextError: One of them is such.
        """
        for value in args:
            self.usable(value)
            self.spend(len(value) + 1 if isinstance(value, str | list | tuple) else 1)
            if isinstance(value, list | dict):
                raise unprintable(value)
