"""Filled texts: a template's texts compiled once, whatever request they are for.

The renderers of requests (`renderer`, `outbound_renderer`) fill them in row by row.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connect_tasks.aws.problems import REQUIRED, Problem, problems
from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.chat.template.cells import is_missing
from connect_tasks.chat.template.expression import Expression, RowContext, row_context
from connect_tasks.chat.template.limits import MOST_TEXTS
from connect_tasks.chat.template.parts import ID, Filling, Members, Part, TextAt, compiled_part
from connect_tasks.chat.template.remarks import remarks
from connect_tasks.errors import InputError

__all__ = ["FilledTexts", "filling_of", "given_id", "validated"]

Request = TypeVar("Request", bound=BaseModel)

_LONGEST_ID = 128


class FilledTexts:
    """The texts of a template; safe to share by threads.

    Args:
        fields: The request's fields, nested as in the request; texts may be templates.
        messages: Further texts that rows fill in, and where they stand.
        table: The table's columns, as far as they are known.

    Raises:
        InputError: There are more texts to fill in than any request has.

    Attributes:
        columns: The columns that they read; None if they may read any.
    """

    def __init__(
        self,
        fields: Mapping[str, Any],
        messages: Sequence[Part] = (),
        table: Iterable[str] = (),
    ) -> None:
        self._table = tuple(table)
        parts = {name: compiled_part(v, name) for name, v in fields.items()}
        self._request = Members(parts, is_whole=True)
        self._id = parts.get(ID)
        self._id_columns = _columns_of([] if self._id is None else self._id.texts())
        self._messages = list(messages)
        _check_number(len(list(self.expressions())))
        self.columns = _columns_of(self._texts())

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Go through the texts to fill in, each with the field where it stands."""
        for text in self._texts():
            if text.expression is not None:
                yield text.where, text.expression

    def warnings(self) -> tuple[str, ...]:
        """Say what is no error and yet looks like a slip, before anything is sent.

        Returns:
            Sentences: no text names a column, so that every customer gets the same; a text holds
            single braces, as `{name}`, which are sent as they are.

        Example:
            >>> renderer = FilledTexts({"customer_id": "{{ id }}", "attributes": {"a": "{name}"}})
            >>> renderer.warnings()
            ('attributes.a holds {name}, which is sent as it is: write {{ name }} for a column',)
        """
        return remarks(self._texts(), self._table)

    def _texts(self) -> Iterator[TextAt]:
        for part in (self._request, *self._messages):
            yield from part.texts()

    def customer_id(self, row: Mapping[str, Any]) -> str | None:
        """Make a row's id, and nothing else of its request; None where that cannot be made.

        Args:
            row: The row by column names, None, NaN, pandas' NA and blank texts count as missing.

        Example:
            >>> FilledTexts({"customer_id": "{{ id }}"}).customer_id({"id": 42})
            '42'
        """
        if self._id is None:
            return None
        return given_id({ID: self._id.fill(filling_of(row, self._id_columns))})

    def _context(self, row: Mapping[str, Any]) -> RowContext:
        return filling_of(row, self.columns).context


def given_id(fields: dict[str, object] | str) -> str | None:
    """The id that a row gives, as much of it as is kept; None if that cannot be kept."""
    given = fields.get(ID) if isinstance(fields, dict) else None
    # What cannot be written to a database is no id.
    if not isinstance(given, str) or why_not_stored(given):
        return None
    return given[:_LONGEST_ID] or None


def _columns_of(texts: Iterable[TextAt]) -> frozenset[str] | None:
    """The columns that texts read; None if they may read any."""
    expressions = [text.expression for text in texts if text.expression is not None]
    if any(expression.reads_whole_row for expression in expressions):
        return None
    return frozenset[str]().union(*(expression.columns for expression in expressions))


def filling_of(row: Mapping[str, Any], columns: Iterable[str] | None) -> Filling:
    """A row to be filled in, with these columns; with all it has if None."""
    names: Iterable[str] = row if columns is None else columns
    values = {name: row[name] for name in names if name in row and not is_missing(row[name])}
    return Filling(values, row_context(values))


def _check_number(texts: int) -> None:
    if texts > MOST_TEXTS:
        raise InputError(
            f"The template has {texts:,} texts with places for columns, and may have"
            f" {MOST_TEXTS:,}: a request holds far fewer. Name only the columns that it needs."
        )


def validated(
    model: type[Request],
    defaults: Mapping[str, Any],
    fields: dict[str, object] | str,
    filling: Filling,
    *,
    apart: Collection[str] = (),
) -> Request | None:
    """The request that filled fields make; None if anything is wrong, which `filling` then tells.

    Args:
        model: The request's.
        defaults: Fields of the request, where the row has none of its own.
        fields: What the row has; an empty text, if every one of them is left out.
        filling: The row.
        apart: Fields that are no part of the request.
    """
    filled = dict(fields) if isinstance(fields, dict) else {}
    failed = [problem.field for problem in filling.problems]
    request = None
    try:
        sent = {name: value for name, value in filled.items() if name not in apart}
        request = model.model_validate({**defaults, **sent})
    except ValidationError as error:
        follow = (problem for problem in problems(error) if not _follows(problem, failed))
        filling.problems.extend(follow)
    if ID not in filled and ID not in failed:
        rule = "is required: a campaign knows its customers by it"
        filling.problems.append(Problem(ID, "", rule))
    return None if filling.problems else request


def _follows(problem: Problem, failed: Sequence[str]) -> bool:
    """Whether a problem is only that a field is not there which could not be filled in."""
    lacking = f"{problem.field}."
    return problem.rule == REQUIRED and any(f"{field}.".startswith(lacking) for field in failed)
