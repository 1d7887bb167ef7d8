"""A contact as Amazon describes it: what is kept of DescribeContact's and SearchContacts' answers.

Whatever comes is read without an error: a member that is missing, or of another kind than Amazon
documents, says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connect_tasks.aws.stored_text import as_stored

__all__ = ["NEVER_JOINED", "UNKNOWN_CONTACT", "ContactRecord", "read_contact"]

NEVER_JOINED = "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
"""The disconnect reason of a chat that its customer never joined."""

UNKNOWN_CONTACT = "ResourceNotFoundException"
"""What DescribeContact answers of a contact that is not, or no more, in the instance."""

# Amazon's limit for all attributes of a contact together, and for ids.
_LONGEST_VALUE = 32_768
_LONGEST_NAME = 256
# In contact events a time that is not set is one of this day's.
_UNSET_UNTIL = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """One contact.

    Args:
        contact_id: Its id.
        initial_contact_id: The first contact of those that it is one of; None if Amazon names none.
        previous_contact_id: The one before it.
        initiation_method: How it began, such as `API`, `TRANSFER`, `DISCONNECT`.
        started_at: When it began.
        connected_at: When its customer joined; None if they did not yet.
        ended_at: When it was over; None while it goes on.
        disconnect_reason: Amazon's word for why.
        messages_sent: How many messages its customer sent.
        attributes: What the flow stored; None if Amazon did not tell.
        transcripts: Where its transcript is in S3, as `bucket/key`.
    """

    contact_id: str
    initial_contact_id: str | None = None
    previous_contact_id: str | None = None
    initiation_method: str | None = None
    started_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    disconnect_reason: str | None = None
    messages_sent: int | None = None
    attributes: Mapping[str, str] | None = None
    transcripts: tuple[str, ...] = ()


def read_contact(answer: Mapping[str, Any], contact_id: str) -> ContactRecord:
    """Read a contact.

    Args:
        answer: DescribeContact's `Contact`, or one of SearchContacts' `Contacts`.
        contact_id: Which contact was asked for, or is told of.

    Example:
        >>> read_contact({"InitiationMethod": "API"}, "c-1").initiation_method
        'API'
    """
    return ContactRecord(
        contact_id=contact_id,
        initial_contact_id=_name(answer.get("InitialContactId")),
        previous_contact_id=_name(answer.get("PreviousContactId")),
        initiation_method=_name(answer.get("InitiationMethod")),
        started_at=_time(answer.get("InitiationTimestamp")),
        connected_at=_time(answer.get("ConnectedToSystemTimestamp")),
        ended_at=_time(answer.get("DisconnectTimestamp")),
        disconnect_reason=_name(answer.get("DisconnectReason")),
        messages_sent=_messages_sent(answer),
        attributes=_attributes(answer.get("Attributes")),
        transcripts=tuple(_transcripts(answer.get("Recordings"))),
    )


def _name(value: object) -> str | None:
    return as_stored(value, most=_LONGEST_NAME) if isinstance(value, str) and value else None


def _time(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    try:
        time = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        # At the edges of the calendar another zone's time is no time any more.
        return None
    return time if time >= _UNSET_UNTIL else None


def _messages_sent(answer: Mapping[str, Any]) -> int | None:
    found: Any = answer
    for name in ("ChatMetrics", "CustomerMetrics", "MessagesSent"):
        found = found.get(name) if isinstance(found, Mapping) else None
    is_count = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**31
    return found if is_count else None


def _attributes(value: object) -> dict[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    return {
        as_stored(str(name), most=_LONGEST_VALUE): as_stored(str(text), most=_LONGEST_VALUE)
        for name, text in value.items()
    }


def _transcripts(recordings: object) -> list[str]:
    """The processed ones alone: what stands in `UnprocessedTranscriptLocation` is not redacted."""
    found = []
    for one in recordings if isinstance(recordings, list) else ():
        location = one.get("Location") if isinstance(one, Mapping) else None
        if isinstance(location, str) and one.get("StorageType") == "S3" and _is_there(one):
            found.append(location.removeprefix("s3://"))
    return [location for location in found if location.endswith(".json") and "/" in location]


def _is_there(recording: Mapping[str, Any]) -> bool:
    return bool(recording.get("Status", "AVAILABLE") == "AVAILABLE")
