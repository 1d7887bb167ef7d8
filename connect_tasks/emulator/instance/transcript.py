"""What a chat holds: items, their form on the wire, and GetTranscript's pages of them."""

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.rules import EVENT
from connect_tasks.emulator.model.strict_json import read_json

__all__ = ["AttachedFile", "TranscriptItem", "envelope", "iso", "read_page"]

# The events that AWS documents as kept in transcripts, and the one seen there in persistent chats.
_KEPT_EVENTS = frozenset(
    EVENT + name
    for name in (
        "participant.invited",
        "participant.joined",
        "participant.left",
        "chat.ended",
        "chat.rehydrated",
        "transfer.succeeded",
        "transfer.failed",
    )
)
_DEFAULT_RESULTS = 10


def iso(moment: datetime) -> str:
    """A time as Amazon Connect writes it, for example `2026-11-22T07:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """A file that somebody has sent.

    Attributes:
        id: What it is asked for by.
        name: Its name.
        content_type: Its media type.
    """

    id: str
    name: str
    content_type: str

    def members(self) -> dict[str, str]:
        """The file as Amazon Connect writes it; what is sent here was never found harmful."""
        return {
            "AttachmentName": self.name,
            "ContentType": self.content_type,
            "AttachmentId": self.id,
            "Status": "APPROVED",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptItem:
    """One message or event of a chat.

    Attributes:
        id: The item's id.
        absolute_time: When; rises strictly within a chat.
        type: `MESSAGE`, `EVENT` or `ATTACHMENT`.
        content_type: Media type of a message, full name of an event; files have their own.
        content: Text of a message, JSON of some events.
        participant_id: Who; `None` for events of the chat itself.
        display_name: The name they go by.
        participant_role: `CUSTOMER`, `AGENT`, `SYSTEM` or `CUSTOM_BOT`.
        attachments: The files that were sent.
    """

    id: str
    absolute_time: datetime
    type: str
    content_type: str
    content: str | None = None
    participant_id: str | None = None
    display_name: str | None = None
    participant_role: str | None = None
    attachments: tuple[AttachedFile, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether the item goes into the transcript; typing and receipts do not."""
        return self.type != "EVENT" or self.content_type in _KEPT_EVENTS

    def members(self) -> dict[str, Any]:
        """The item as Amazon Connect writes it, absent members left out."""
        members = {
            "AbsoluteTime": iso(self.absolute_time),
            "Attachments": [file.members() for file in self.attachments] or None,
            "Content": self.content,
            "ContentType": self.content_type or None,
            "Id": self.id,
            "Type": self.type,
            "ParticipantId": self.participant_id,
            "DisplayName": self.display_name,
            "ParticipantRole": self.participant_role,
        }
        return {name: value for name, value in members.items() if value is not None}


def envelope(item: TranscriptItem, contact_id: str, initial_contact_id: str) -> str:
    """An item as a chat frame of the web socket; its content is JSON within a JSON string."""
    ids = {"InitialContactId": initial_contact_id, "ContactId": contact_id}
    members = {**item.members(), **ids}
    content = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    frame = {"content": content, "contentType": "application/json", "topic": "aws/chat"}
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)


def read_page(
    items: Sequence[Mapping[str, Any]], request: Mapping[str, Any], contact_id: str
) -> tuple[list[Mapping[str, Any]], str | None]:
    """One page of GetTranscript.

    Args:
        items: The whole transcript in its order of time, as written on the wire.
        request: GetTranscript's parameters.
        contact_id: Ties page tokens to their contact.

    Returns:
        The page's items in the order that was asked for, and the token of the next page if any.

    Raises:
        RefusedError: The page token or the start position is not of this transcript.
    """
    forward, start = _position(items, request, contact_id)
    # MaxResults may be 0 in the model; AWS does not say what that means, so it is the default.
    size = request.get("MaxResults") or _DEFAULT_RESULTS
    if forward:
        page, following = list(items[start : start + size]), start + size
    else:
        page, following = list(items[max(0, start - size + 1) : start + 1]), start - size
    if request.get("SortOrder") != "ASCENDING":
        page.reverse()
    more = 0 <= following < len(items)
    return page, _write_token(contact_id, following, forward=forward) if more else None


def _position(
    items: Sequence[Mapping[str, Any]], request: Mapping[str, Any], contact_id: str
) -> tuple[bool, int]:
    if request.get("NextToken"):
        return _read_token(request["NextToken"], contact_id, len(items))
    position = {k: v for k, v in (request.get("StartPosition") or {}).items() if v is not None}
    direction = request.get("ScanDirection") or ("FORWARD" if position else "BACKWARD")
    forward = direction == "FORWARD"
    if "Id" in position:
        return forward, _index_of(items, position["Id"])
    if "AbsoluteTime" in position:
        return forward, _index_at(items, position["AbsoluteTime"], forward=forward)
    if "MostRecent" in position:
        return forward, max(0, len(items) - max(1, position["MostRecent"]))
    return forward, 0 if forward else len(items) - 1


def _index_of(items: Sequence[Mapping[str, Any]], item_id: str) -> int:
    for index, item in enumerate(items):
        if item["Id"] == item_id:
            return index
    raise RefusedError("ValidationException", "StartPosition.Id is not in the transcript")


def _index_at(items: Sequence[Mapping[str, Any]], moment: str, *, forward: bool) -> int:
    times = [datetime.fromisoformat(item["AbsoluteTime"]) for item in items]
    wanted = datetime.fromisoformat(moment)
    return bisect_left(times, wanted) if forward else bisect_right(times, wanted) - 1


def _write_token(contact_id: str, index: int, *, forward: bool) -> str:
    return base64.urlsafe_b64encode(json.dumps([contact_id, forward, index]).encode()).decode()


def _read_token(token: str, contact_id: str, count: int) -> tuple[bool, int]:
    try:
        owner, forward, index = read_json(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        owner, forward, index = None, False, 0
    is_ours = owner == contact_id and isinstance(forward, bool)
    if not is_ours or type(index) is not int or not 0 <= index < count:
        raise RefusedError("ValidationException", "NextToken is not valid")
    return forward, index
