"""The layout of a row: where its texts stand in the wire form, and which texts surely fit there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final, TypeAlias

from connect_tasks.aws.field_types import (
    MOST_OF_ATTRIBUTE,
    MOST_OF_CUSTOMER_ID,
    MOST_OF_SHORT_TEXT,
)
from connect_tasks.aws.rules import MAX_ATTRIBUTE_BYTES, MAX_INITIAL_MESSAGE_BYTES
from connect_tasks.chat.template.limits import LONGEST_MESSAGE
from connect_tasks.chat.template.utterance import OwnMessage

__all__ = ["Fill", "FilledField", "Pieces", "RowLayout", "filler", "room_of"]

Fill: TypeAlias = Callable[[Sequence[str]], str]

Pieces: TypeAlias = tuple[str | int, ...]
"""A text in pieces: constants, and the numbers of a row's texts."""

# In bytes, though most of Amazon's limits count characters: what passes is surely within both.
# What does not is looked at again by characters, and at last by pydantic.
_MOST: Final = {
    "customer_id": MOST_OF_CUSTOMER_ID,
    "participant_details.display_name": MOST_OF_SHORT_TEXT,
    "initial_message.content": MAX_INITIAL_MESSAGE_BYTES,
}
_ATTRIBUTES: Final = "attributes."


@dataclass(frozen=True, slots=True)
class FilledField:
    """A field that a row fills in.

    Args:
        where: Its name.
        pieces: Its text.
    """

    where: str
    pieces: Pieces
    fill: Fill = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fill", filler(self.pieces))

    @property
    def is_attribute(self) -> bool:
        """Whether it shares its limit with others."""
        return self.where.startswith(_ATTRIBUTES)

    @property
    def most(self) -> int:
        """How much it may hold."""
        if self.is_attribute:
            return MOST_OF_ATTRIBUTE
        return _MOST.get(self.where, LONGEST_MESSAGE)

    def fits(self, text: str) -> bool:
        """Whether a text without NUL and halves of characters surely is right here."""
        if self.is_attribute:
            return len(text) <= self.most
        size = len(text.encode()) if self.where == "initial_message.content" else len(text)
        return bool(text.strip()) and size <= self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLayout:
    """How rows are written of which the same fields are there.

    Args:
        before: The wire form up to the client token, of texts escaped for JSON.
        after: The rest of it.
        customer_id: The customer's id.
        messages: What our side says.
        opens: Whether the chat opens with a message.
        connects: Whether the start brings the chat's connection, too.
        fields: What rows fill in.
        attribute_bytes: What the attributes' names and constant values take.
        room: How many bytes a row's texts may have in all, so that they fit wherever they stand.
    """

    before: Fill
    after: Fill
    customer_id: Fill
    messages: tuple[Callable[[Sequence[str]], OwnMessage], ...]
    opens: bool
    connects: bool
    fields: Sequence[FilledField]
    attribute_bytes: int
    room: int

    def fits(self, texts: Sequence[str]) -> bool:
        """Whether texts without NUL and halves of characters surely are right, each in its field.

        An empty field may be right, and is not surely: some of them mean something else.
        """
        left = MAX_ATTRIBUTE_BYTES - self.attribute_bytes
        for one in self.fields:
            text = one.fill(texts)
            if not one.fits(text):
                return False
            left -= len(text.encode()) if one.is_attribute else 0
        return left >= 0


def filler(pieces: Iterable[str | int]) -> Fill:
    """Compile a text in pieces.

    Example:
        >>> filler(["100 % ", 1, "!"])(["a", "b"])
        '100 % b!'
    """
    parts = list(pieces)
    places = [part for part in parts if isinstance(part, int)]
    if not places:
        constant = "".join(map(str, parts))
        return lambda _: constant
    form = "".join("%s" if isinstance(part, int) else part.replace("%", "%%") for part in parts)
    if form == "%s":
        return itemgetter(*places)
    pick = itemgetter(*places)
    return lambda texts: form % pick(texts)


def room_of(fields: Sequence[FilledField], attribute_bytes: int) -> int:
    """How many bytes a row's texts may have in all, so that they fit in each field.

    Example:
        >>> room_of([FilledField("customer_id", ("a-", 0, 0))], 0)
        63
    """
    return min(_rooms(fields, attribute_bytes), default=0)


def _rooms(fields: Sequence[FilledField], attribute_bytes: int) -> Iterator[int]:
    shared: list[str | int] = []
    for one in fields:
        yield _room(one.pieces, one.most)
        shared += one.pieces if one.is_attribute else ()
    yield _room(shared, MAX_ATTRIBUTE_BYTES - attribute_bytes)


def _room(pieces: Sequence[str | int], most: int) -> int:
    constant = sum(len(part.encode()) for part in pieces if isinstance(part, str))
    times = max((pieces.count(part) for part in pieces if isinstance(part, int)), default=1)
    return (most - constant) // times
