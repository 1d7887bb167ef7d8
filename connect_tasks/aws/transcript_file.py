"""The transcript file: what Amazon Connect writes into S3 after a chat, read without I/O.

The rules of this file:

- A file is taken as a whole or not at all: what is half written, of another version or of another
  contact gives no item. What cannot be read is named without anything of its content.
- Its items are those of GetTranscript, under the same ids, and are read by the same function.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from connect_tasks.aws.transcript import Item, Odd, parse_item

__all__ = ["VERSION", "TranscriptFile", "Unreadable", "contact_of", "day_prefix", "read_file"]

VERSION = "2019-08-26"
"""The one version of the file that Amazon has written so far."""

_KEY = re.compile(r"(?P<contact>[^/_]+)_\d{8}T\d\d:\d\d_UTC\.json")


@dataclass(frozen=True, slots=True)
class TranscriptFile:
    """The transcript of one contact.

    Args:
        items: Its items, in the file's order.
        odd: What is in it and cannot be read as an item.
    """

    items: Sequence[Item]
    odd: Sequence[Odd]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that says nothing of the contact.

    Args:
        why: What is wrong with it, without anything of its content.
    """

    why: str


def read_file(
    content: bytes, *, contact_id: str, instance_id: str | None = None
) -> TranscriptFile | Unreadable:
    """Read a file.

    Args:
        content: All of its bytes.
        contact_id: Whose transcript it must be.
        instance_id: Of which instance it must be; of any if None.

    Example:
        >>> read_file(b'{"Version": "2019', contact_id="c-1").why
        'it is no JSON, or not written to its end'
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return Unreadable("it is no JSON, or not written to its end")
    if not isinstance(found, Mapping) or not isinstance(found.get("Transcript"), list):
        return Unreadable("it is no transcript")
    if why := _why_not(found, contact_id, instance_id):
        return Unreadable(why)
    parsed = [parse_item(one, contact_id) for one in found["Transcript"]]
    return TranscriptFile(
        items=[one for one in parsed if isinstance(one, Item)],
        odd=[one for one in parsed if isinstance(one, Odd)],
    )


def _why_not(found: Mapping[str, Any], contact_id: str, instance_id: str | None) -> str:
    if found.get("Version") != VERSION:
        return f"it is of another version than {VERSION}"
    if found.get("ContactId") != contact_id:
        return "it is of another contact"
    if instance_id is not None and found.get("InstanceId", instance_id) != instance_id:
        return "it is of another instance"
    return ""


def day_prefix(prefix: str, day: date, contact_id: str = "") -> str:
    """How the keys of chats that began on a day begin; of one contact's, if it is given.

    Example:
        >>> day_prefix("connect/acme/ChatTranscripts", date(2026, 11, 26), "c-1")
        'connect/acme/ChatTranscripts/2026/11/26/c-1_'
    """
    place = f"{prefix}/" if prefix else ""
    return f"{place}{day:%Y/%m/%d}/{contact_id}{'_' if contact_id else ''}"


def contact_of(key: str) -> str | None:
    """Whose transcript a key names; None if it names none.

    Example:
        >>> contact_of("chats/2026/11/26/c-1_20261126T08:45_UTC.json")
        'c-1'
    """
    found = _KEY.fullmatch(key.rpartition("/")[2])
    return found["contact"] if found else None
