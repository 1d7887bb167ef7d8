"""A chat's transcript: its items as Amazon gives them, and a participant's connection to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

__all__ = ["Connection", "Item", "parse_item"]

_ENDED = "application/vnd.amazonaws.connect.event.chat.ended"


@dataclass(frozen=True, slots=True)
class Connection:
    """What a participant needs to talk and to listen. Both parts are bearer secrets."""

    token: SecretStr
    url: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a transcript: a message, an event or an attachment."""

    message_id: str
    absolute_time: datetime
    type: str
    content_type: str | None = None
    content: str | None = None
    participant_role: str | None = None
    participant_id: str | None = None
    display_name: str | None = None

    @property
    def is_end(self) -> bool:
        """Whether this item says that the chat is over."""
        return self.content_type == _ENDED

    @property
    def is_spoken(self) -> bool:
        """Whether somebody said or sent something, as opposed to an event."""
        return self.type in {"MESSAGE", "ATTACHMENT"}

    @property
    def is_ours(self) -> bool:
        """Whether the customer's side, which we speak for, made it."""
        return self.participant_role == "CUSTOMER"


def parse_item(raw: Mapping[str, Any]) -> Item | None:
    """Read an item of the socket or of GetTranscript; both have the same members.

    Args:
        raw: The item with Amazon's names; `AbsoluteTime` in ISO 8601.

    Returns:
        The item; None for what is not part of a transcript: receipts, unfinished chunks of a
        message that is still being written, and what has no readable id or time.
    """
    message_id, absolute_time = _text(raw.get("Id")), _time(raw.get("AbsoluteTime"))
    if not message_id or not absolute_time or raw.get("Type") == "MESSAGEMETADATA":
        return None
    metadata = raw.get("MessageMetadata")
    if isinstance(metadata, Mapping) and metadata.get("MessageCompleted") is False:
        return None
    return Item(
        message_id=message_id,
        absolute_time=absolute_time,
        type=_text(raw.get("Type")) or "EVENT",
        content_type=_text(raw.get("ContentType")),
        content=_text(raw.get("Content", _attachments(raw))),
        participant_role=_text(raw.get("ParticipantRole")),
        participant_id=_text(raw.get("ParticipantId")),
        display_name=_text(raw.get("DisplayName")),
    )


def _text(value: object) -> str | None:
    """A text that every database takes: SQLite refuses half an emoji, PostgreSQL a zero."""
    if not isinstance(value, str):
        return None
    return value.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _attachments(raw: Mapping[str, Any]) -> str | None:
    attachments = raw.get("Attachments")
    return json.dumps(attachments, ensure_ascii=False) if attachments else None
