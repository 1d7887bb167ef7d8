"""The renderer: a template compiled once and filled in row by row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from connect_tasks.aws.models import StartChatContactRequest
from connect_tasks.aws.problems import CONFLICT, Problem, problems, shortened
from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.chat.template.expression import ABSENT, row_context
from connect_tasks.chat.template.filled_texts import FilledTexts, filling_of, given_id, validated
from connect_tasks.chat.template.limits import LONGEST_MESSAGE
from connect_tasks.chat.template.parts import Filling, compiled_part
from connect_tasks.chat.template.row_writer import RowWriter, WrittenRow
from connect_tasks.chat.template.utterance import OwnMessage

__all__ = ["ChatMinutes", "Rendered", "RowRenderer"]

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


class RowRenderer(FilledTexts):
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
        where = "conversation.messages"
        self._answering = [None if isinstance(said, str) else said for said in messages]
        texts = [said if isinstance(said, str) else said.text for said in messages]
        said = [compiled_part(text, f"{where}[{i}]") for i, text in enumerate(texts)]
        super().__init__(fields, said, table)
        self._writer = RowWriter(list(self._texts()), self._rendered_of, self._context)

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
        return self._rendered(filling_of(row, self.columns))

    def write(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[WrittenRow | None]:
        """Make the wire form of rows that are surely right, in a fraction of `render`'s time.

        Args:
            rows: Rows by column names, as for `render`; best some thousands.

        Returns:
            For each what `render` and `RequestText` come to; None where only `render` can say.

        Example:
            >>> fields = {"customer_id": "{{ id }}", "instance_id": "i", "contact_flow_id": "f"}
            >>> fields["participant_details"] = {"display_name": "Ada"}
            >>> (row,) = RowRenderer(fields).write([{"id": 42}])
            >>> row.after[:38]
            '"ContactFlowId":"f","CustomerId":"42",'
        """
        return self._writer.write(rows)

    def _rendered_of(self, texts: Mapping[str, str]) -> Rendered:
        return self._rendered(Filling({}, row_context({}), given=texts))

    def _rendered(self, filling: Filling) -> Rendered:
        fields = self._request.fill(filling)
        messages = tuple(self._said(filling))
        request = validated(StartChatContactRequest, self._defaults, fields, filling)
        if request and (too_long := self._too_long(request.chat_duration_in_minutes)):
            request, filling.problems[:] = None, too_long
        return Rendered(request, messages, tuple(filling.problems), given_id(fields))

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


def _message_problems(text: str, number: int) -> Iterator[Problem]:
    if not text.strip() or len(text) > LONGEST_MESSAGE:
        rule = f"must have 1 to {LONGEST_MESSAGE:,} characters, has {len(text):,}"
        yield Problem(f"conversation.messages[{number}]", shortened(text), rule)
    if rule := why_not_stored(text):
        yield Problem(f"conversation.messages[{number}]", shortened(text), rule)
