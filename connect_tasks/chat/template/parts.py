"""The parts of a template: constants, texts to fill in, and what holds them, as in the request."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connect_tasks.aws.models import LIST_FIELDS
from connect_tasks.aws.problems import Problem, shortened
from connect_tasks.chat.template.expression import (
    ABSENT,
    EmptyColumnError,
    Expression,
    RowContext,
    is_template,
)
from connect_tasks.chat.template.faults import TextError, UnfitIdError

__all__ = ["ID", "Filling", "Members", "Part", "TextAt", "compiled_part"]

#: The field whose numbers must be exact: a customer is known by it.
ID = "customer_id"


_LONGEST_ID_SHOWN = 60


@dataclass(frozen=True, slots=True)
class TextAt:
    """A text of the template.

    Args:
        where: The field where it stands.
        source: The text.
        expression: The same compiled; None if it is a constant.
    """

    where: str
    source: str
    expression: Expression | None


@dataclass(slots=True)
class Filling:
    """One row being filled in; `given` are its texts by their fields, where they are known."""

    values: Mapping[str, Any]
    context: RowContext
    problems: list[Problem] = field(default_factory=list)
    given: Mapping[str, str] | None = None


class Part(Protocol):
    """A part of the template: what it becomes in a row, and what is known of it beforehand."""

    def fill(self, row: Filling) -> object:
        """Fill in one row; `ABSENT` for what is left out."""
        ...

    def constant(self) -> object:
        """What it is in every row; `ABSENT` if that depends on the row."""
        ...

    def texts(self) -> Iterator[TextAt]:
        """Go through the texts in it."""
        ...


class _Constant:
    def __init__(self, value: object, where: str) -> None:
        self._value = value
        self._where = where

    def fill(self, _row: Filling) -> object:
        return self._value

    def constant(self) -> object:
        return self._value

    def texts(self) -> Iterator[TextAt]:
        if isinstance(self._value, str):
            yield TextAt(self._where, self._value, None)


class _Text:
    def __init__(self, source: str, where: str) -> None:
        self._where = where
        self._expression = Expression(source, is_id=where == ID)

    def fill(self, row: Filling) -> object:
        if row.given is not None and self._where in row.given:
            return row.given[self._where]
        try:
            return self._expression.render(row.context)
        except TextError as error:
            row.problems.extend(self._problems(error, row.values))
            return ABSENT

    def constant(self) -> object:
        return ABSENT

    def texts(self) -> Iterator[TextAt]:
        yield TextAt(self._where, self._expression.source, self._expression)

    def _problems(self, error: TextError, values: Mapping[str, Any]) -> Iterator[Problem]:
        if isinstance(error, EmptyColumnError):
            for column in self._expression.empty_columns(values):
                yield Problem(self._where, "", f"column {column!r} is empty")
            return
        # What is wrong with an id is told with the id; else it is the template that is shown.
        given = shortened(self._expression.source)
        if isinstance(error, UnfitIdError):
            given = str(error.value)[:_LONGEST_ID_SHOWN]
        yield Problem(self._where, given, str(error))


class _Listing(_Text):
    """A text that stands for a list: its items, between commas."""

    def fill(self, row: Filling) -> object:
        text = super().fill(row)
        if text is ABSENT or not isinstance(text, str):
            return ABSENT
        return [item.strip() for item in text.split(",") if item.strip()]


class Members:
    """A part that holds others by name, as the request does.

    Args:
        members: The others.
        is_whole: Whether it is there even if nothing of it could be filled in, as the request is.
    """

    def __init__(self, members: Mapping[str, Part], *, is_whole: bool = False) -> None:
        self._members = tuple((name, node.fill) for name, node in members.items())
        self._nodes = members
        # A message whose content is left out is no message, whatever its constant type says.
        self._variable = frozenset(
            name for name, node in members.items() if not is_whole and _is_variable(node)
        )

    def fill(self, row: Filling) -> dict[str, object] | str:
        """Fill in one row; `ABSENT` if nothing is left."""
        filled: dict[str, object] = {}
        for name, fill in self._members:
            if (value := fill(row)) is not ABSENT:
                filled[name] = value
        if self._variable and self._variable.isdisjoint(filled):
            return ABSENT
        return filled

    def constant(self) -> dict[str, object]:
        """What is the same in every row."""
        known = ((name, node.constant()) for name, node in self._nodes.items())
        return {name: value for name, value in known if value is not ABSENT}

    def texts(self) -> Iterator[TextAt]:
        """Go through the texts in it."""
        for node in self._nodes.values():
            yield from node.texts()


class _Items:
    def __init__(self, items: Sequence[Part]) -> None:
        self._items = items

    def fill(self, row: Filling) -> object:
        filled = [node.fill(row) for node in self._items]
        return [value for value in filled if value is not ABSENT] or ABSENT

    def constant(self) -> object:
        known = [node.constant() for node in self._items]
        return ABSENT if ABSENT in known else known

    def texts(self) -> Iterator[TextAt]:
        for node in self._items:
            yield from node.texts()


def compiled_part(value: object, where: str) -> Part:
    """Compile a part of the template.

    Args:
        value: A text, a number, or what holds them.
        where: The field where it stands.
    """
    if isinstance(value, Mapping):
        return Members({str(k): compiled_part(v, f"{where}.{k}") for k, v in value.items()})
    if isinstance(value, list | tuple):
        return _Items([compiled_part(item, f"{where}[{i}]") for i, item in enumerate(value)])
    if isinstance(value, str) and (where in LIST_FIELDS or is_template(value)):
        return _Listing(value, where) if where in LIST_FIELDS else _Text(value, where)
    return _Constant(value, where)


def _is_variable(part: Part) -> bool:
    return any(text.expression is not None for text in part.texts())
