"""Standing: how a customer stands to their link, and whether it would open anything."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from connect_tasks.aws.contact_record import NEVER_JOINED
from connect_tasks.ledger.contact import Status, Withdrawal
from connect_tasks.ledger.verdicts import Rule

__all__ = [
    "MOST_CHATS",
    "Standing",
    "sending_end",
    "standing_by_rule",
    "standing_of",
    "standing_to_send",
    "unreachable",
]

MOST_CHATS = 3
"""How many chats a customer's link makes at most, each after one that nobody joined."""


class Standing(StrEnum):
    """How a customer stands to their link, after it was to be issued."""

    NEW = "new"
    KEPT = "kept"
    RENEWED = "renewed"
    """Another one, since the key of the one before is gone."""
    DEFERRED = "deferred"
    """New or not, it may be sent later."""
    PAST = "past"
    """It works, and may not be sent any more."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    OVER = "over"
    """Their conversation is over, or Amazon refused it: a link would open nothing."""
    WITHDRAWN = "withdrawn"
    FORGOTTEN = "forgotten"
    OPTED_OUT = "opted_out"
    """They are on a list that counts for the campaign: no link of theirs opens anything."""
    HELD_OUT = "held_out"
    WITHHELD = "withheld"
    """The policy lets nobody contact them any more."""
    TOO_LATE = "too_late"
    """The link would end before it may be sent."""

    @property
    def works(self) -> bool:
        """Whether there is a link that can be given out, to be sent now or later."""
        return self in {Standing.NEW, Standing.KEPT, Standing.RENEWED, Standing.DEFERRED}


_BY_RULE: Mapping[str, Standing] = {
    Rule.OPTED_OUT: Standing.OPTED_OUT,
    Rule.HELD_OUT: Standing.HELD_OUT,
}


def standing_of(record: Mapping[str, Any], *, key_ids: Collection[str], now: datetime) -> Standing:
    """How a customer stands to their link, as `Invitations.records` gives it.

    Args:
        record: The link, with its customer's latest contact, and whether they have `opted_out`.
        key_ids: The keys that there are. Without its key a link has come to its end.
        now: The present time.
    """
    if record["revoked_at"] is not None:
        return Standing.REVOKED
    if standing := unreachable(record if record["status"] else None, record["taken_out"]):
        return standing
    if record["key_id"] not in key_ids or now >= record["expires_at"]:
        return Standing.EXPIRED
    return Standing.OPTED_OUT if record["opted_out"] else standing_to_send(record, now)


def standing_to_send(link: Mapping[Any, Any], now: datetime) -> Standing:
    """How a link that works stands to being sent.

    Args:
        link: Its not_before (None if nobody may send it), not_after and expires_at.
        now: The present time.
    """
    end, first = sending_end(link), link["not_before"]
    if first is None or first >= end:
        return Standing.TOO_LATE
    if now >= end:
        return Standing.PAST
    return Standing.DEFERRED if now < first else Standing.KEPT


def sending_end(link: Mapping[Any, Any]) -> datetime:
    """Until when a link may be sent (exclusive): not_after, and never after it has expired."""
    end: datetime = link["expires_at"]
    return min(link["not_after"] or end, end)


def standing_by_rule(rule: str | None) -> Standing:
    """How somebody stands whom a rule of the policy keeps from being contacted."""
    return _BY_RULE.get(rule or "", Standing.WITHHELD)


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
    if status == Status.WITHHELD:
        return standing_by_rule(code)
    if status == Status.FAILED:
        return Standing.WITHDRAWN if code in set(Withdrawal) else Standing.OVER
    again = code == NEVER_JOINED and contact["chats"] < MOST_CHATS
    if status == Status.COMPLETED and not again:
        return Standing.OVER
    return Standing.WITHDRAWN if taken_out else None
