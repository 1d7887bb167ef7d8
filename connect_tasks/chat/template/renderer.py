"""The renderer: a template compiled once and filled in row by row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ValidationError

from connect_tasks.aws.models import LIST_FIELDS, StartChatContactRequest
from connect_tasks.aws.problems import CONFLICT, REQUIRED, Problem, problems, shortened
from connect_tasks.chat.template.expression import (
    ABSENT,
    EmptyColumnError,
    Expression,
    RowContext,
    is_template,
    row_context,
)

__all__ = ["Rendered", "RowRenderer"]

_LONGEST_MESSAGE = 1_024
# Singletons of pandas, told by name: this module must work, and import, without pandas.
_MISSING_KINDS = {"NAType", "NaTType"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one row became.

    Args:
        request: The validated request; None if anything is wrong with the row.
        messages: What our side will say in the conversation.
        problems: Everything that is wrong with the row.
    """

    request: StartChatContactRequest | None
    messages: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Filling:
    """One row being filled in."""

    values: Mapping[str, Any]
    context: RowContext
    problems: list[Problem] = field(default_factory=list)


class _Node(Protocol):
    """A part of the template: what it becomes in a row, and what is known of it beforehand."""

    def fill(self, row: _Filling) -> object: ...
    def constant(self) -> object: ...
    def expressions(self) -> Iterator[tuple[str, Expression]]: ...


class _Constant:
    def __init__(self, value: object) -> None:
        self._value = value

    def fill(self, _row: _Filling) -> object:
        return self._value

    def constant(self) -> object:
        return self._value

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        return iter(())


class _Text:
    def __init__(self, source: str, where: str) -> None:
        self._where = where
        self._expression = Expression(source)

    def fill(self, row: _Filling) -> object:
        try:
            return self._expression.render(row.context)
        except Exception as error:  # noqa: BLE001 -- a template may raise anything; it is this row's error
            row.problems.extend(self._problems(error, row.values))
            return ABSENT

    def constant(self) -> object:
        return ABSENT

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        yield self._where, self._expression

    def _problems(self, error: Exception, values: Mapping[str, Any]) -> Iterator[Problem]:
        if not isinstance(error, EmptyColumnError):
            rule = f"the template fails: {str(error) or type(error).__name__}"
            yield Problem(self._where, shortened(self._expression.source), rule)
            return
        for column in self._expression.empty_columns(values):
            yield Problem(self._where, "", f"column {column!r} is empty")


class _Listing(_Text):
    """A text that stands for a list: its items, between commas."""

    def fill(self, row: _Filling) -> object:
        text = super().fill(row)
        if text is ABSENT or not isinstance(text, str):
            return ABSENT
        return [item.strip() for item in text.split(",") if item.strip()]


class _Members:
    def __init__(self, members: Mapping[str, _Node]) -> None:
        self._members = tuple((name, node.fill) for name, node in members.items())
        self._nodes = members
        self._variable = frozenset(n for n, node in members.items() if _is_variable(node))

    def fill(self, row: _Filling) -> dict[str, object] | str:
        filled: dict[str, object] = {}
        for name, fill in self._members:
            if (value := fill(row)) is not ABSENT:
                filled[name] = value
        # A message whose content is left out is no message, whatever its constant type says.
        if self._variable and self._variable.isdisjoint(filled):
            return ABSENT
        return filled

    def constant(self) -> dict[str, object]:
        known = ((name, node.constant()) for name, node in self._nodes.items())
        return {name: value for name, value in known if value is not ABSENT}

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        for node in self._nodes.values():
            yield from node.expressions()


class _Items:
    def __init__(self, items: Sequence[_Node]) -> None:
        self._items = items

    def fill(self, row: _Filling) -> object:
        filled = [node.fill(row) for node in self._items]
        return [value for value in filled if value is not ABSENT] or ABSENT

    def constant(self) -> object:
        known = [node.constant() for node in self._items]
        return ABSENT if ABSENT in known else known

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        for node in self._items:
            yield from node.expressions()


def _compiled(value: object, where: str) -> _Node:
    if isinstance(value, Mapping):
        return _Members({str(k): _compiled(v, f"{where}.{k}") for k, v in value.items()})
    if isinstance(value, list | tuple):
        return _Items([_compiled(item, f"{where}[{i}]") for i, item in enumerate(value)])
    if isinstance(value, str) and (where in LIST_FIELDS or is_template(value)):
        return _Listing(value, where) if where in LIST_FIELDS else _Text(value, where)
    return _Constant(value)


def _is_variable(node: _Node) -> bool:
    return next(node.expressions(), None) is not None


class RowRenderer:
    """A template with everything known that does not depend on the row; safe to share by threads.

    Made by `ChatTemplate.bind`.

    Args:
        fields: The request's fields, nested as in the request; texts may be templates.
        messages: What our side says; texts may be templates.
        defaults: Fields of the request for rows in which `fields` leaves them out.

    Attributes:
        columns: The columns that it reads; None if it may read any.
    """

    def __init__(
        self,
        fields: Mapping[str, Any],
        messages: Sequence[str] = (),
        defaults: Mapping[str, str] | None = None,
    ) -> None:
        self._defaults = defaults or {}
        self._request = _Members({name: _compiled(v, name) for name, v in fields.items()})
        where = "conversation.messages"
        self._messages = [_compiled(text, f"{where}[{i}]") for i, text in enumerate(messages)]
        expressions = [expression for _, expression in self.expressions()]
        named = frozenset[str]().union(*(expression.columns for expression in expressions))
        whole = any(expression.reads_whole_row for expression in expressions)
        self.columns: frozenset[str] | None = None if whole else named

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Go through the texts to fill in, each with the field where it stands."""
        for node in (self._request, *self._messages):
            yield from node.expressions()

    def constant_problems(self) -> tuple[Problem, ...]:
        """Find what is wrong with the template in every row, whatever the row holds."""
        try:
            StartChatContactRequest.model_validate({**self._defaults, **self._request.constant()})
        except ValidationError as error:
            found = problems(error, ignoring=("missing", CONFLICT))
        else:
            found = ()
        constants = enumerate(node.constant() for node in self._messages)
        said = ((n, text) for n, text in constants if text is not ABSENT and isinstance(text, str))
        return (*found, *(p for n, text in said for p in _message_problems(text, n)))

    def render(self, row: Mapping[str, Any]) -> Rendered:
        """Make one row's request; a bad row is told in `problems`, never raised.

        Args:
            row: The row by column names. None, NaN, pandas' NA and blank texts count as missing.

        Returns:
            The request and messages, or everything that is wrong with the row.
        """
        names: Iterable[str] = row if self.columns is None else self.columns
        values = {name: row[name] for name in names if name in row and not _is_missing(row[name])}
        filling = _Filling(values, row_context(values))
        fields = self._request.fill(filling)
        messages = tuple(self._said(filling))
        request = _validated(self._defaults, fields, filling)
        return Rendered(request, messages, tuple(filling.problems))

    def _said(self, filling: _Filling) -> Iterator[str]:
        for number, node in enumerate(self._messages):
            text = node.fill(filling)
            if text is not ABSENT and isinstance(text, str):
                filling.problems.extend(_message_problems(text, number))
                yield text


def _message_problems(text: str, number: int) -> Iterator[Problem]:
    if not text.strip() or len(text) > _LONGEST_MESSAGE:
        rule = f"must have 1 to {_LONGEST_MESSAGE:,} characters, has {len(text):,}"
        yield Problem(f"conversation.messages[{number}]", shortened(text), rule)


def _validated(
    defaults: Mapping[str, str], fields: dict[str, object] | str, filling: _Filling
) -> StartChatContactRequest | None:
    # Fields are ABSENT, an empty text, if every one of them is left out.
    filled = dict(fields) if isinstance(fields, dict) else {}
    failed = [problem.field for problem in filling.problems]
    request = None
    try:
        request = StartChatContactRequest.model_validate({**defaults, **filled})
    except ValidationError as error:
        follow = (problem for problem in problems(error) if not _follows(problem, failed))
        filling.problems.extend(follow)
    if "customer_id" not in filled and "customer_id" not in failed:
        rule = "is required: a campaign knows its customers by it"
        filling.problems.append(Problem("customer_id", "", rule))
    return None if filling.problems else request


def _follows(problem: Problem, failed: Sequence[str]) -> bool:
    """Whether a problem is only that a field is not there which could not be filled in."""
    lacking = f"{problem.field}."
    return problem.rule == REQUIRED and any(f"{field}.".startswith(lacking) for field in failed)


def _is_missing(value: object) -> bool:
    if type(value) is str:
        return not value or value.isspace()
    if value is None:
        return True
    if isinstance(value, float):
        return value != value  # noqa: PLR0124 -- NaN
    return type(value).__name__ in _MISSING_KINDS
