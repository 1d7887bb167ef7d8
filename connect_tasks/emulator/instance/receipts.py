"""Who has got and read which message of a chat, and how Amazon Connect tells it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connect_tasks.emulator.instance.transcript import TranscriptItem, iso
from connect_tasks.emulator.model.rules import EVENT

__all__ = ["Receipts"]


@dataclass(frozen=True, slots=True)
class _Receipt:
    recipient_id: str
    delivered_at: datetime
    read_at: datetime | None = None

    def members(self) -> dict[str, str]:
        read = {"ReadTimestamp": iso(self.read_at)} if self.read_at else {}
        delivered = {"DeliveredTimestamp": iso(self.delivered_at)}
        return {**delivered, **read, "RecipientParticipantId": self.recipient_id}


class Receipts:
    """The receipts of one chat. What has been read has been delivered too."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, _Receipt]] = {}

    def add(self, message_id: str, event: TranscriptItem) -> bool:
        """Note down that the event's sender has got or read a message; False if that is no news."""
        recipient = event.participant_id or ""
        of_message = self._known.setdefault(message_id, {})
        before = of_message.get(recipient)
        after = before or _Receipt(recipient, event.absolute_time)
        if event.content_type == f"{EVENT}message.read" and after.read_at is None:
            after = replace(after, read_at=event.absolute_time)
        of_message[recipient] = after
        return after != before

    def metadata(self, message_id: str) -> Mapping[str, Any]:
        """The MessageMetadata of a message; empty if nobody has sent a receipt for it."""
        receipts = self._known.get(message_id)
        if not receipts:
            return {}
        return {
            "MessageId": message_id,
            "Receipts": [receipt.members() for receipt in receipts.values()],
        }

    def frame(self, message_id: str, event: TranscriptItem) -> str:
        """What the sockets of a chat get when a receipt arrives; it names no contact."""
        members = {
            "AbsoluteTime": iso(event.absolute_time),
            "ContentType": f"{EVENT}message.metadata",
            "Id": event.id,
            "Type": "MESSAGEMETADATA",
            "MessageMetadata": self.metadata(message_id),
        }
        content = json.dumps(members, separators=(",", ":"))
        frame = {"content": content, "contentType": "application/json", "topic": "aws/chat"}
        return json.dumps(frame, separators=(",", ":"))
