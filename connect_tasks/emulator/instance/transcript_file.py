"""The file that a contact's transcript is kept in after its end, as Amazon Connect writes it."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.transcript import TranscriptItem

__all__ = ["VERSION", "key_of", "write_file"]

VERSION = "2019-08-26"
"""The version of the format: the only one that was seen."""


def key_of(prefix: str, contact_id: str, moment: datetime) -> str:
    """The key of a contact's file, for example `<prefix>/2026/11/22/<id>_20261122T07:00_UTC.json`.

    Args:
        prefix: The bucket prefix of the instance's storage.
        contact_id: The contact.
        moment: What the key is dated by; only its minute counts, in UTC.
    """
    at = moment.astimezone(UTC)
    return f"{prefix}/{at:%Y/%m/%d}/{contact_id}_{at:%Y%m%dT%H:%M}_UTC.json"


def write_file(chat: Chat, instance_id: str, account_id: str, *, same_ids: bool = True) -> bytes:
    """The file of one contact: what was said in it, and in none of the others of its chat.

    Args:
        chat: The contact.
        instance_id: The instance.
        account_id: The AWS account.
        same_ids: Items keep the ids that they had on the socket.
    """
    items = chat.items
    speakers = dict.fromkeys(item.participant_id for item in items if item.participant_id)
    document = {
        "Version": VERSION,
        "AWSAccountId": account_id,
        "InstanceId": instance_id,
        "InitialContactId": chat.initial_contact_id,
        "ContactId": chat.contact_id,
        "Participants": [{"ParticipantId": participant_id} for participant_id in speakers],
        "Transcript": [_written(item, same_ids=same_ids) for item in items],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _written(item: TranscriptItem, *, same_ids: bool) -> dict[str, Any]:
    members = item.members()
    if not same_ids:
        members["Id"] = str(uuid.uuid5(uuid.UUID(item.id), "file"))
    return dict(sorted(members.items()))
