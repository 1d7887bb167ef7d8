"""The short way of a row: its wire form from a template whose constant parts were written once.

A row takes it only if it is surely right. Everything else is pydantic's to judge, in the words that
it has for it: what is not proved here to be valid goes the whole way. The constant parts are what
the whole way itself has made of them: it fills in marks instead of a row's texts, and the wire form
is cut where they stand.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any, Protocol, TypeAlias

from connect_tasks.aws.idempotency import RequestText
from connect_tasks.aws.models import StartChatContactRequest
from connect_tasks.chat.template.cells import is_missing
from connect_tasks.chat.template.expression import ABSENT, Expression, RowContext, is_template
from connect_tasks.chat.template.faults import TextError
from connect_tasks.chat.template.parts import ID, TextAt
from connect_tasks.chat.template.printing import printed, printed_id
from connect_tasks.chat.template.row_layout import (
    Fill,
    FilledField,
    Pieces,
    RowLayout,
    filler,
    room_of,
)
from connect_tasks.chat.template.utterance import OwnMessage, Utterance

__all__ = ["RowWriter", "WrittenRow"]

_WRITABLE = re.compile(
    r"customer_id|participant_details\.display_name|initial_message\.content"
    r"|attributes\.[A-Za-z0-9_-]+|conversation\.messages\[\d+\]"
)
_MARK = re.compile("\ue000([0-9]+)\ue001")
# Each optional text doubles them; a table of this many kinds of rows goes the whole way.
_MOST_LAYOUTS = 256

_Cell: TypeAlias = tuple[str, str | None, Callable[[object], str]]
# Of one row, in the order of their places.
_Texts: TypeAlias = Sequence[Any]


class Attempt(Protocol):
    """What the whole way makes of a row, as far as it is needed here."""

    @property
    def request(self) -> StartChatContactRequest | None: ...

    @property
    def messages(self) -> tuple[OwnMessage, ...]: ...


@dataclass(slots=True)
class WrittenRow:
    """A row that is surely right.

    Args:
        customer_id: Who the customer is.
        before: The request, as it is sent, up to its client token (`RequestText`).
        after: The rest of it.
        messages: What our side will say in the conversation.
        opens: Whether the chat opens with a message.
        connects: Whether the start brings the chat's connection, too.
    """

    customer_id: str
    before: str
    after: str
    messages: tuple[OwnMessage, ...]
    opens: bool
    connects: bool


class RowWriter:
    """Writes rows whose texts stand in fields that are texts of any content; safe to share.

    Args:
        texts: The template's texts, with the messages'.
        attempt: What the whole way makes of a row with these texts, by the fields where they stand.
        context: What texts that take Jinja2 read of a row.
    """

    def __init__(
        self,
        texts: Sequence[TextAt],
        attempt: Callable[[Mapping[str, str]], Attempt],
        context: Callable[[Mapping[str, Any]], RowContext],
    ) -> None:
        self._attempt = attempt
        self._context = context
        # A list between commas is compiled, too, and may be the same in every row.
        filled = [(t.where, t.expression) for t in texts if t.expression and is_template(t.source)]
        self._fields = [where for where, _ in filled]
        is_writable = all(map(_WRITABLE.fullmatch, self._fields))
        self._can = is_writable and len(set(self._fields)) == len(filled) and ID in self._fields
        self._cells: list[_Cell] = []
        self._expressions: list[Expression] = []
        parts = [self._parts(where, expression) for where, expression in filled]
        # Numbers count cells first; those of whole expressions come after all of them.
        count = len(self._cells)
        self._pieces: dict[str, Pieces] = {
            where: tuple(count - 1 - p if isinstance(p, int) and p < 0 else p for p in pieces)
            for where, pieces in zip(self._fields, parts, strict=True)
        }
        alone = [(w, p[0]) for w, p in self._pieces.items() if len(p) == 1]
        self._optional = [(w, p) for w, p in alone if isinstance(p, int) and self._may_lack(p)]
        self._layouts: dict[tuple[bool, ...], RowLayout | None] = {}

    def write(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[WrittenRow | None]:
        """Write rows; None for each that is not surely right, or that the template is not made for.

        Column by column: most of it is then one thing done many times.
        """
        if not self._can or not rows:
            yield from [None] * len(rows)
            return
        columns = [_column(rows, *cell) for cell in self._cells]
        has_blanks = any(self._may_hold_blanks(columns))
        table: Iterable[_Texts] = zip(*columns, strict=True) if columns else [()] * len(rows)
        if self._expressions:
            table = map(self._rendered, rows, table)
        for texts in table:
            yield None if None in texts else self._row(texts, has_blanks=has_blanks)

    def _may_hold_blanks(self, columns: Sequence[Sequence[str | None]]) -> Iterator[bool]:
        """Whether a text may be blank: what cells themselves hold is none of these."""
        yield bool(self._expressions)
        for (_, default, _), texts in zip(self._cells, columns, strict=True):
            yield default is not None and not default.strip() and any(t is default for t in texts)

    def _rendered(self, row: Mapping[str, Any], texts: _Texts) -> _Texts:
        """A row's texts, with those of its whole expressions after them."""
        if None in texts:
            return texts
        context = self._context(row)
        try:
            return (*texts, *[expression.render(context) for expression in self._expressions])
        except TextError:
            return (None,)

    def _row(self, texts: _Texts, *, has_blanks: bool) -> WrittenRow | None:
        key = tuple([texts[place] is ABSENT for _, place in self._optional])
        layout = self._layouts[key] if key in self._layouts else self._layout(key)
        return None if layout is None else _written(layout, texts, has_blanks=has_blanks)

    def _parts(self, where: str, expression: Expression) -> Pieces:
        """A field's constants and places; below 0 for an expression as a whole."""
        plain = expression.plain_parts
        if all(isinstance(part, str) for part in plain):
            self._expressions.append(expression)
            return (-len(self._expressions),)
        write = printed_id if where == ID else printed
        return tuple(
            part
            if isinstance(part, str)
            else self._place(part.column, part.default_text(write), write)
            for part in plain
        )

    def _place(self, column: str, default: str | None, write: Callable[[object], str]) -> int:
        for place, (name, instead, same) in enumerate(self._cells):
            # By identity: what is left out is an empty text, too.
            is_same = instead is default or (
                instead == default and ABSENT not in (instead, default)
            )
            if name == column and same is write and is_same:
                return place
        self._cells.append((column, default, write))
        return len(self._cells) - 1

    def _may_lack(self, place: int) -> bool:
        return place >= len(self._cells) or self._cells[place][1] is ABSENT

    def _layout(self, key: tuple[bool, ...]) -> RowLayout | None:
        if len(self._layouts) >= _MOST_LAYOUTS:
            return None
        left_out = {w for (w, _), is_out in zip(self._optional, key, strict=True) if is_out}
        marks = {
            where: ABSENT if where in left_out else f"\ue000{number}\ue001"
            for number, where in enumerate(self._fields)
        }
        made = self._attempt(marks)
        layout = None if made.request is None else self._cut(made.request, made.messages, left_out)
        self._layouts[key] = layout
        return layout

    def _cut(
        self,
        request: StartChatContactRequest,
        messages: Sequence[OwnMessage],
        left_out: set[str],
    ) -> RowLayout | None:
        text = RequestText.of(request.to_wire())
        said = [message if isinstance(message, str) else message.text for message in messages]
        found = [_MARK.findall(written) for written in (text.before, text.after, *said)]
        there = [number for numbers in found for number in numbers]
        wanted = [str(n) for n, where in enumerate(self._fields) if where not in left_out]
        if sorted(there) != sorted(wanted):
            return None
        fields = [FilledField(w, p) for w, p in self._pieces.items() if w not in left_out]
        attributes = request.attributes or {}
        own = [text for pair in attributes.items() for text in pair if not _MARK.search(text)]
        return RowLayout(
            before=self._filler(text.before, is_wire=True),
            after=self._filler(text.after, is_wire=True),
            customer_id=filler(self._pieces[ID]),
            messages=tuple(
                _said(self._filler(words, is_wire=False), None if isinstance(one, str) else one)
                for words, one in zip(said, messages, strict=True)
            ),
            opens=request.initial_message is not None,
            connects=request.brings_connection,
            fields=fields,
            attribute_bytes=sum(len(text.encode()) for text in own),
            room=room_of(fields, sum(len(text.encode()) for text in own)),
        )

    def _filler(self, text: str, *, is_wire: bool) -> Fill:
        """What fills a text in at its marks."""
        pieces: list[str | int] = []
        for number, part in enumerate(_MARK.split(text)):
            if number % 2 == 0:
                pieces.append(part)
                continue
            its = self._pieces[self._fields[int(part)]]
            pieces += [_escaped(p) if is_wire and isinstance(p, str) else p for p in its]
        return filler(pieces)


def _column(
    rows: Iterable[Mapping[str, Any]],
    column: str,
    default: str | None,
    write: Callable[[object], str],
) -> list[str | None]:
    """What rows have in one place of the template; None where they have nothing that fits there."""
    return [
        value
        if type(value := row.get(column)) is str and value and not value.isspace()
        else _other(value, default, write)
        for row in rows
    ]


def _other(value: object, default: str | None, write: Callable[[object], str]) -> str | None:
    if is_missing(value):
        return default
    try:
        text = write(value)
    except TextError:
        return None
    return text if text.strip() else None


def _written(layout: RowLayout, texts: _Texts, *, has_blanks: bool) -> WrittenRow | None:
    whole = "".join(texts)
    size = len(whole)
    if not whole.isascii():
        try:
            size = len(whole.encode())
        except UnicodeEncodeError:
            return None
    escaped = texts
    # Looking for each character that has to be escaped takes several times as long.
    if not whole.isprintable() or '"' in whole or "\\" in whole:
        if "\0" in whole:
            return None
        escaped = tuple(map(_escaped, texts))
    is_odd = size > layout.room or (has_blanks and not all(map(str.strip, texts)))
    if is_odd and not layout.fits(texts):
        return None
    return WrittenRow(
        layout.customer_id(texts),
        layout.before(escaped),
        layout.after(escaped),
        tuple([say(texts) for say in layout.messages]),
        layout.opens,
        layout.connects,
    )


def _said(fill: Fill, one: Utterance | None) -> Callable[[_Texts], OwnMessage]:
    """What fills in one message of ours."""
    if one is None:
        return fill
    return lambda texts: one.model_copy(update={"text": fill(texts)})


def _escaped(text: str) -> str:
    return encode_basestring(text)[1:-1]
