"""The renderer: a template compiled once and filled in row by row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from connect_tasks.aws.models import StartChatContactRequest
from connect_tasks.aws.problems import CONFLICT, REQUIRED, Problem, problems, shortened
from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.chat.template.cells import is_missing
from connect_tasks.chat.template.expression import ABSENT, Expression, RowContext, row_context
from connect_tasks.chat.template.limits import LONGEST_MESSAGE, MOST_TEXTS
from connect_tasks.chat.template.parts import ID, Filling, Members, TextAt, compiled_part
from connect_tasks.chat.template.remarks import remarks
from connect_tasks.chat.template.row_writer import RowWriter, WrittenRow
from connect_tasks.chat.template.utterance import OwnMessage
from connect_tasks.errors import InputError

__all__ = ["ChatMinutes", "Rendered", "RowRenderer"]

_LONGEST_ID = 128
_MINUTES = "chat_duration_in_minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMinutes:
    """How many minutes chats may last, where that matters.

    Args:
        default: In rows that say nothing.
        most: In any row; one that says more is refused.
        why: Why not longer, for whoever reads the refusal.
    """

    default: int
    most: int
    why: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one row became.

    Args:
        request: The validated request; None if anything is wrong with the row.
        messages: What our side will say in the conversation.
        problems: Everything that is wrong with the row.
        customer_id: The id that the template gives, at most 128 characters of it, also where the
            row is refused for other reasons; None where the id itself cannot be made.
    """

    request: StartChatContactRequest | None
    messages: tuple[OwnMessage, ...]
    problems: tuple[Problem, ...]
    customer_id: str | None = None


class RowRenderer:
    """A template with everything known that does not depend on the row; safe to share by threads.

    Made by `ChatTemplate.bind`.

    Args:
        fields: The request's fields, nested as in the request; texts may be templates.
        messages: What our side says; texts may be templates. What they answer is the same for
            every row.
        defaults: Fields of the request for rows in which `fields` leaves them out.
        table: The table's columns, as far as they are known.
        chat_minutes: How long chats may last, if anything is to be said about it.

    Raises:
        InputError: There are more texts to fill in than any request has.

    Attributes:
        columns: The columns that it reads; None if it may read any.
    """

    def __init__(
        self,
        fields: Mapping[str, Any],
        messages: Sequence[OwnMessage] = (),
        defaults: Mapping[str, Any] | None = None,
        table: Iterable[str] = (),
        *,
        chat_minutes: ChatMinutes | None = None,
    ) -> None:
        own = {_MINUTES: chat_minutes.default} if chat_minutes else {}
        self._defaults = {**own, **(defaults or {})}
        self._chat_minutes = chat_minutes
        self._table = tuple(table)
        parts = {name: compiled_part(v, name) for name, v in fields.items()}
        self._request = Members(parts, is_whole=True)
        self._id = parts.get(ID)
        self._id_columns = _columns_of([] if self._id is None else self._id.texts())
        where = "conversation.messages"
        self._answering = [None if isinstance(said, str) else said for said in messages]
        texts = [said if isinstance(said, str) else said.text for said in messages]
        self._messages = [compiled_part(text, f"{where}[{i}]") for i, text in enumerate(texts)]
        _check_number(len(list(self.expressions())))
        self.columns = _columns_of(self._texts())
        self._writer = RowWriter(list(self._texts()), self._rendered_of, self._context)

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
            >>> renderer = RowRenderer({"customer_id": "{{ id }}", "attributes": {"a": "{name}"}})
            >>> renderer.warnings()
            ('attributes.a holds {name}, which is sent as it is: write {{ name }} for a column',)
        """
        return remarks(self._texts(), self._table)

    def _texts(self) -> Iterator[TextAt]:
        for part in (self._request, *self._messages):
            yield from part.texts()

    def constant_problems(self) -> tuple[Problem, ...]:
        """Find what is wrong with the template in every row, whatever the row holds."""
        constant = self._request.constant()
        try:
            StartChatContactRequest.model_validate({**self._defaults, **constant})
        except ValidationError as error:
            found = problems(error, ignoring=("missing", CONFLICT))
        else:
            found = ()
        minutes = constant.get(_MINUTES)
        written = isinstance(minutes, str) and minutes.strip().isdecimal()
        found = (*found, *self._too_long(int(str(minutes)) if written else minutes))
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
        return self._rendered(_filling(row, self.columns))

    def write(self, row: Mapping[str, Any]) -> WrittenRow | None:
        """Make the wire form of a row that is surely right, in a fraction of `render`'s time.

        Args:
            row: The row by column names, as for `render`.

        Returns:
            What `render` and `RequestText` come to; None where only `render` can say.

        Example:
            >>> fields = {"customer_id": "{{ id }}", "instance_id": "i", "contact_flow_id": "f"}
            >>> fields["participant_details"] = {"display_name": "Ada"}
            >>> RowRenderer(fields).write({"id": 42}).request.after[:38]
            '"ContactFlowId":"f","CustomerId":"42",'
        """
        return self._writer.write(row)

    def _rendered_of(self, texts: Mapping[str, str]) -> Rendered:
        return self._rendered(Filling({}, row_context({}), given=texts))

    def _context(self, row: Mapping[str, Any]) -> RowContext:
        return _filling(row, self.columns).context

    def _rendered(self, filling: Filling) -> Rendered:
        fields = self._request.fill(filling)
        messages = tuple(self._said(filling))
        request = _validated(self._defaults, fields, filling)
        if request and (too_long := self._too_long(request.chat_duration_in_minutes)):
            request, filling.problems[:] = None, too_long
        return Rendered(request, messages, tuple(filling.problems), _given_id(fields))

    def customer_id(self, row: Mapping[str, Any]) -> str | None:
        """Make a row's id, and nothing else of its request; None where that cannot be made.

        Args:
            row: The row by column names, as for `render`.

        Example:
            >>> RowRenderer({"customer_id": "{{ id }}"}).customer_id({"id": 42})
            '42'
        """
        if self._id is None:
            return None
        return _given_id({ID: self._id.fill(_filling(row, self._id_columns))})

    def _too_long(self, minutes: object) -> list[Problem]:
        limit = self._chat_minutes
        if limit is None or not isinstance(minutes, int) or minutes <= limit.most:
            return []
        return [Problem(_MINUTES, str(minutes), f"may be at most {limit.most:,} here: {limit.why}")]

    def _said(self, filling: Filling) -> Iterator[OwnMessage]:
        for number, (node, said) in enumerate(zip(self._messages, self._answering, strict=True)):
            text = node.fill(filling)
            if text is not ABSENT and isinstance(text, str):
                filling.problems.extend(_message_problems(text, number))
                yield text if said is None else said.model_copy(update={"text": text})


def _columns_of(texts: Iterable[TextAt]) -> frozenset[str] | None:
    """The columns that texts read; None if they may read any."""
    expressions = [text.expression for text in texts if text.expression is not None]
    if any(expression.reads_whole_row for expression in expressions):
        return None
    return frozenset[str]().union(*(expression.columns for expression in expressions))


def _filling(row: Mapping[str, Any], columns: Iterable[str] | None) -> Filling:
    names: Iterable[str] = row if columns is None else columns
    values = {name: row[name] for name in names if name in row and not is_missing(row[name])}
    return Filling(values, row_context(values))


def _check_number(texts: int) -> None:
    if texts > MOST_TEXTS:
        raise InputError(
            f"The template has {texts:,} texts with places for columns, and may have"
            f" {MOST_TEXTS:,}: a request holds far fewer. Name only the columns that it needs."
        )


def _given_id(fields: dict[str, object] | str) -> str | None:
    given = fields.get(ID) if isinstance(fields, dict) else None
    # What cannot be written to a database is no id.
    if not isinstance(given, str) or why_not_stored(given):
        return None
    return given[:_LONGEST_ID] or None


def _message_problems(text: str, number: int) -> Iterator[Problem]:
    if not text.strip() or len(text) > LONGEST_MESSAGE:
        rule = f"must have 1 to {LONGEST_MESSAGE:,} characters, has {len(text):,}"
        yield Problem(f"conversation.messages[{number}]", shortened(text), rule)
    if rule := why_not_stored(text):
        yield Problem(f"conversation.messages[{number}]", shortened(text), rule)


def _validated(
    defaults: Mapping[str, Any], fields: dict[str, object] | str, filling: Filling
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
    if ID not in filled and ID not in failed:
        rule = "is required: a campaign knows its customers by it"
        filling.problems.append(Problem(ID, "", rule))
    return None if filling.problems else request


def _follows(problem: Problem, failed: Sequence[str]) -> bool:
    """Whether a problem is only that a field is not there which could not be filled in."""
    lacking = f"{problem.field}."
    return problem.rule == REQUIRED and any(f"{field}.".startswith(lacking) for field in failed)
