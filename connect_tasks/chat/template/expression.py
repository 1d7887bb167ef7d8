"""An expression: one text with places for columns, in Jinja2's sandbox.

A column whose value is missing is *undefined* in the template: printing it is an error of the row,
`default()` and `or` replace it, `if` takes it for false. `none` prints nothing, and a text that is
`none` as a whole is left out.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from connect_tasks.chat.template.cells import Row
from connect_tasks.chat.template.column_uses import ColumnUses
from connect_tasks.chat.template.fast_path import ColumnText, plain_parts
from connect_tasks.chat.template.faults import (
    Attempt,
    EmptyColumnError,
    GapError,
    LimitError,
    TextError,
    in_words,
)
from connect_tasks.chat.template.limits import LONGEST_TEXT
from connect_tasks.chat.template.printing import ABSENT, printed, printed_id
from connect_tasks.chat.template.scope import Scope
from connect_tasks.chat.template.source import (
    SANDBOX,
    BadSourceError,
    compiled,
    is_template,
    parsed,
)

__all__ = [
    "ABSENT",
    "EmptyColumnError",
    "Expression",
    "RowContext",
    "is_template",
    "row_context",
    "syntax_error",
]

_NO_SUCH_COLUMN = "the column that is looked up is empty, or the table has none of this name"


def syntax_error(text: str) -> str | None:
    """Say why a text is no valid template; None if it is one.

    Places that name no column are tried, since what they cannot print they can print in no row.

    Example:
        >>> syntax_error("Hello {{ name }")
        "line 1: unexpected '}'"
    """
    try:
        expression = Expression(text)
        expression.prepare()
    except BadSourceError as error:
        return str(error)
    return _wrong_in_every_row(expression)


def _wrong_in_every_row(expression: "Expression") -> str | None:
    if expression.columns or expression.reads_whole_row or "{%" in expression.source:
        return None
    try:
        expression.render(row_context({}))
    except TextError as error:
        return str(error)
    return None


class RowContext:
    """What the expressions of one row read.

    Attributes:
        values: The row's columns; those that are missing left out.
        row: The same for jinja.
    """

    __slots__ = ("_row", "values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self._row: Row | None = None

    @property
    def row(self) -> Row:
        """The same for jinja: made when the first expression needs it, and many rows need none."""
        if self._row is None:
            self._row = Row(self.values)
        return self._row


def row_context(values: Mapping[str, Any]) -> RowContext:
    """Make what the expressions of one row read; several may share it.

    Args:
        values: The row's columns; those that are missing left out.

    Example:
        >>> Expression("{{ row['First name'] }}").render(row_context({"First name": "Ada"}))
        'Ada'
    """
    return RowContext(values)


class Expression:
    """One compiled text.

    Args:
        source: The text; its syntax must be right.
        is_id: Whether it is a customer's id, for which numbers must be exact.

    Attributes:
        columns: The columns it names.
        required: Those of them that the table must have: named without `default()` or `is defined`.
        reads_whole_row: Whether it reaches columns by names that only the row tells.

    Raises:
        BadSourceError: The syntax is wrong.

    Example:
        >>> greeting = Expression("Hello {{ first }} {{ last | default('') }}")
        >>> sorted(greeting.columns), sorted(greeting.required)
        (['first', 'last'], ['first'])
        >>> greeting.render(row_context({"first": "Ada"}))
        'Hello Ada '
    """

    def __init__(self, source: str, *, is_id: bool = False) -> None:
        tree = parsed(source)
        self.source = source
        self._is_id = is_id
        self._print = printed_id if is_id else printed
        self._parts = plain_parts(tree)
        names = ColumnUses.of(tree, self._parts)
        self.columns, self.required = names.columns, names.required
        self.reads_whole_row = names.reads_whole_row

    @property
    def plain_parts(self) -> tuple[str | ColumnText, ...]:
        """Its constants and columns, if it is nothing more; empty if it takes Jinja2."""
        return self._parts

    def prepare(self) -> None:
        """Compile what takes jinja, if it is known beforehand that something does.

        Raises:
            BadSourceError: It cannot be compiled.
        """
        if not self._parts:
            _ = self._chunks

    def render(self, context: RowContext) -> str:
        """Fill in one row.

        Args:
            context: The row, from `row_context`.

        Returns:
            The text, or `ABSENT` itself if it is `none` as a whole.

        Raises:
            EmptyColumnError: If it prints a column that is missing.
            TextError: If anything else is wrong: it prints what cannot be printed, reckons with
                what is no number, passes a limit.
        """
        filled = self._fill_parts(context.values)
        return self._by_jinja(context.row) if filled is None else filled

    def _fill_parts(self, values: Mapping[str, Any]) -> str | None:
        # Most texts only name columns; for a million rows jinja takes several times as long.
        filled: list[str] = []
        for part in self._parts:
            if type(part) is str:
                filled.append(part)
                continue
            text = values.get(part.column, part.default)  # type: ignore[union-attr]
            if type(text) is not str:
                text = part.printed(text, self._print)  # type: ignore[union-attr]
                if text is None:
                    return None
            filled.append(text)
        if not filled:
            return None
        text = _joined(filled)
        if len(text) > LONGEST_TEXT:
            return None
        try:
            return _encodable(text)
        except TextError:
            return None

    @cached_property
    def _chunks(self) -> Callable[[Scope], Iterator[str]]:
        # Most texts never come here, and compiling takes a hundred times as long as parsing.
        chunks: Callable[[Scope], Iterator[str]]
        chunks = compiled(parsed(self.source), self.columns).root_render_func
        return chunks

    def _by_jinja(self, row: Row) -> str:
        try:
            return _encodable(self._run(row))
        except Exception as failed:
            error = self._discreet(in_words(failed))
            # Within a filter nobody knows which part of the text it is.
            if not error.whereabouts[0]:
                error.whereabouts = (sorted(self.columns), error.whereabouts[1])
            raise error from failed

    def _discreet(self, error: TextError) -> TextError:
        """The error without what only the row told: a reason holds nothing of that."""
        if isinstance(error, EmptyColumnError) and not self._says(error.column):
            return GapError(_NO_SUCH_COLUMN)
        return error.told_by(self.source) if isinstance(error, GapError) else error

    def _says(self, column: str) -> bool:
        return column in self.columns or column in self.source

    def _run(self, row: Row) -> str:
        filled: list[str] = []
        length = 0
        for chunk in self._chunks(Scope(SANDBOX, row, is_id=self._is_id)):
            filled.append(chunk)
            length += len(chunk)
            if length > LONGEST_TEXT:
                raise LimitError(self._too_long(row), is_placed=True)
        return _joined(filled) if filled else ""

    def _too_long(self, row: Row) -> str:
        texts = [column for column in sorted(self.columns) if column in row]
        longest = max(texts, key=lambda column: len(str(row[column])), default=None)
        blamed = f", most of it from column {longest!r}" if longest else ""
        return f"the text has more than {LONGEST_TEXT:,} characters{blamed}: write less"

    def empty_columns(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Find every missing column that the text prints, not only the first.

        Args:
            values: The row as given to `row_context`.
        """
        found: dict[str, Any] = {}
        while True:
            try:
                self.render(row_context({**values, **found}))
            except EmptyColumnError as error:
                if error.column in found:
                    break
                found[error.column] = "?"
            except TextError:
                # The stand-in itself may not fit; enough is known.
                break
            else:
                break
        return tuple(found)


def _joined(texts: list[str]) -> str:
    # A single one is passed on as it is: it may be `ABSENT` itself.
    return texts[0] if len(texts) == 1 else "".join(texts)


def _encodable(text: str) -> str:
    # Half of a character, a surrogate, can be neither sent nor stored.
    if not text.isascii():
        with Attempt("the text"):
            text.encode()
    return text
