"""Standing: how a customer stands to their link, and whether it would open anything."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from connect_tasks.aws.contact_record import NEVER_JOINED
from connect_tasks.ledger.contact import Status, Withdrawal

__all__ = ["MOST_CHATS", "Standing", "standing_of", "unreachable"]

MOST_CHATS = 3
"""How many chats a customer's link makes at most, each after one that nobody joined."""


class Standing(StrEnum):
    """How a customer stands to their link, after it was to be issued."""

    NEW = "new"
    KEPT = "kept"
    RENEWED = "renewed"
    """Another one, since the key of the one before is gone."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    OVER = "over"
    """Their conversation is over, or Amazon refused it: a link would open nothing."""
    WITHDRAWN = "withdrawn"
    FORGOTTEN = "forgotten"

    @property
    def works(self) -> bool:
        """Whether there is a link that can be given out."""
        return self in {Standing.NEW, Standing.KEPT, Standing.RENEWED}


def standing_of(record: Mapping[str, Any], *, key_ids: Collection[str], now: datetime) -> Standing:
    """How a customer stands to their link, as `Invitations.records` gives it.

    Args:
        record: The link, with its customer's latest contact.
        key_ids: The keys that there are. Without its key a link has come to its end.
        now: The present time.
    """
    if record["revoked_at"] is not None:
        return Standing.REVOKED
    if standing := unreachable(record if record["status"] else None, record["taken_out"]):
        return standing
    is_alive = record["key_id"] in key_ids and now < record["expires_at"]
    return Standing.KEPT if is_alive else Standing.EXPIRED


def unreachable(contact: Mapping[Any, Any] | None, taken_out: str | None) -> Standing | None:
    """Why a link of this customer would open nothing, whatever else is true; None if it would.

    Args:
        contact: Status and error_code of their latest contact, if they have one, and `chats`, how
            many of theirs were made.
        taken_out: Who lets them have no further chat.
    """
    if contact is None:
        return Standing.FORGOTTEN
    status, code = contact["status"], contact["error_code"]
    if status == Status.FAILED:
        return Standing.WITHDRAWN if code in set(Withdrawal) else Standing.OVER
    again = code == NEVER_JOINED and contact["chats"] < MOST_CHATS
    if status == Status.COMPLETED and not again:
        return Standing.OVER
    return Standing.WITHDRAWN if taken_out else None
