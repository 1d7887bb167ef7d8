"""A chat's transcript: its items as Amazon gives them, and a participant's connection to it.

The rules of this file:

- Whatever comes is read without an error: into an item that every database takes, into `Odd`, or
  into nothing. It concerns one chat, and no other may notice.
- An item is of the chat that its ids name. What names another contact is never taken for ours.
- A time or an id that cannot be relied on is not replaced by a guess: the item is passed over and
  counted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeGuard

from pydantic import SecretStr

from connect_tasks.aws.stored_text import LONGEST_KEY, as_stored, why_not_stored

__all__ = ["Connection", "Item", "Odd", "Page", "parse_item", "read_page", "read_time"]

_ENDED = "application/vnd.amazonaws.connect.event.chat.ended"
_TYPING = "application/vnd.amazonaws.connect.event.typing"

# Four times what Amazon allows for a message; for names, Amazon's own limit.
_LONGEST_CONTENT = 65_536
_LONGEST_NAME = 256
# Amazon writes some thirty characters. No chat is older than the service, and what pandas and
# spreadsheets make of times ends in 2262.
_LONGEST_TIME = 100
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

_OWN_IDS = ("ContactId", "InitialContactId")
# Only on a persistent chat's transcript: its own customer's earlier chat.
_PAST_ID = "RelatedContactId"


@dataclass(frozen=True, slots=True)
class Connection:
    """What a participant needs to talk and to listen. Both parts are bearer secrets."""

    token: SecretStr
    url: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a transcript: a message, an event or an attachment.

    A persistent chat's transcript begins with the chat that it goes on with: what is past is kept,
    and says nothing of this chat's turns, replies or end.
    """

    message_id: str
    absolute_time: datetime
    type: str
    content_type: str | None = None
    content: str | None = None
    participant_role: str | None = None
    participant_id: str | None = None
    display_name: str | None = None
    is_past: bool = False

    @property
    def is_end(self) -> bool:
        """Whether this item says that the chat is over."""
        return self.type == "EVENT" and self.content_type == _ENDED and not self.is_past

    @property
    def is_spoken(self) -> bool:
        """Whether somebody said or sent something in this chat, as opposed to an event."""
        return self.type in {"MESSAGE", "ATTACHMENT"} and not self.is_past

    @property
    def record(self) -> dict[str, Any]:
        """What is kept of it, by the names of the columns of `messages`."""
        return dict(zip(_RECORDED, _values_of(self), strict=True))

    @property
    def is_typing(self) -> bool:
        """Whether somebody is writing a message."""
        return self.content_type == _TYPING

    @property
    def is_ours(self) -> bool:
        """Whether the customer's side, which we speak for, made it."""
        return self.participant_role == "CUSTOMER"


_RECORDED = tuple(field.name for field in fields(Item) if field.name != "is_past")
_values_of = attrgetter(*_RECORDED)


@dataclass(frozen=True, slots=True)
class Odd:
    """Something came that is no item of this chat.

    Args:
        why: What is wrong with it, without anything of its content.
        is_gap: Whether it may have been an item of ours, which then is missing.
    """

    why: str
    is_gap: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One page of GetTranscript.

    Args:
        items: Its items, oldest first.
        odd: What was passed over.
        following: The token of the next page; None for the last one.
    """

    items: Sequence[Item] = ()
    odd: Sequence[Odd] = ()
    following: str | None = None


def read_page(answer: Mapping[str, Any], contact_id: str) -> Page:
    """Read a page of GetTranscript; what is no item of the contact is counted and passed over.

    Args:
        answer: The answer with Amazon's names.
        contact_id: Whose transcript it is.
    """
    raw = answer.get("Transcript")
    parsed = [parse_item(one, contact_id) for one in (raw if isinstance(raw, list) else [])]
    following = answer.get("NextToken")
    return Page(
        items=[one for one in parsed if isinstance(one, Item)],
        odd=[one for one in parsed if isinstance(one, Odd)],
        following=following if isinstance(following, str) and following else None,
    )


def parse_item(
    raw: object, contact_id: str | None = None, *, from_socket: bool = False
) -> Item | Odd | None:
    """Read an item of the socket or of GetTranscript; both have the same members.

    Text that is longer than Amazon permits is cut, and what no database takes is replaced.

    Args:
        raw: The item with Amazon's names; `AbsoluteTime` in ISO 8601.
        contact_id: Whose it must be; anybody's if None. One of its ids must name this contact, if
            it has any: after a transfer the other one does not.
        from_socket: A socket brings no items of earlier chats, which a transcript may hold.

    Returns:
        The item; None for what is no part of a transcript: receipts, and unfinished chunks of a
        message that is still being written; `Odd` for what is another contact's, or cannot be read.
    """
    if not isinstance(raw, Mapping):
        return Odd("it is no item")
    if contact_id is not None and _is_foreign(raw, contact_id, from_socket=from_socket):
        return Odd("it is of another contact", is_gap=False)
    if _is_no_part(raw):
        return None
    message_id, absolute_time = raw.get("Id"), read_time(raw.get("AbsoluteTime"))
    if not _is_id(message_id):
        return Odd("its id cannot be read")
    if not absolute_time:
        return Odd("its time cannot be read")
    return Item(
        message_id=message_id,
        absolute_time=absolute_time,
        type=_name(raw.get("Type")) or "EVENT",
        content_type=_name(raw.get("ContentType")),
        content=_content(raw.get("Content")) or _content(raw.get("Attachments") or None),
        participant_role=_name(raw.get("ParticipantRole")),
        participant_id=_name(raw.get("ParticipantId")),
        display_name=_name(raw.get("DisplayName")),
        is_past=_is_past(raw, contact_id),
    )


def _is_foreign(raw: Mapping[str, Any], contact_id: str, *, from_socket: bool) -> bool:
    names = (*_OWN_IDS, _PAST_ID) if from_socket else _OWN_IDS
    named = [raw[name] for name in names if raw.get(name) is not None]
    return bool(named) and contact_id not in named


def _is_past(raw: Mapping[str, Any], contact_id: str | None) -> bool:
    """Whether it is of the chat that this one goes on with: such items name that one alone."""
    named = any(raw.get(name) is not None for name in _OWN_IDS)
    return raw.get(_PAST_ID) not in (None, contact_id) and not named


def _is_no_part(raw: Mapping[str, Any]) -> bool:
    metadata = raw.get("MessageMetadata")
    is_chunk = isinstance(metadata, Mapping) and metadata.get("MessageCompleted") is False
    return is_chunk or raw.get("Type") == "MESSAGEMETADATA"


def _is_id(value: object) -> TypeGuard[str]:
    # Bytes, as an index counts them; an id that is changed could not be read on from.
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_KEY
        and not why_not_stored(value)
        and len(value.encode()) <= LONGEST_KEY
    )


def _name(value: object) -> str | None:
    return as_stored(value, most=_LONGEST_NAME) if isinstance(value, str) else None


def _content(value: object) -> str | None:
    """A text as it is; what Amazon never sends there as JSON, so that nothing is lost."""
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        text = "(content that cannot be read)"
    return as_stored(text, most=_LONGEST_CONTENT)


def read_time(value: object) -> datetime | None:
    """An AbsoluteTime in UTC; None if it is no time that a chat could have."""
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        return None
    try:
        time = datetime.fromisoformat(value)
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        # The second at the edges of the calendar, where another zone's time is no time any more.
        return None
    return time if _FIRST <= time < _LAST else None
