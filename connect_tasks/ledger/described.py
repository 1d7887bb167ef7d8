"""Descriptions: what Amazon told of contacts, and the statements that write it down.

The rules of this file stand at the top of `collection`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from connect_tasks.aws.contact_record import NEVER_JOINED, UNKNOWN_CONTACT, ContactRecord
from connect_tasks.ledger.claims import unclaimed
from connect_tasks.ledger.contact import OPEN, Status
from connect_tasks.ledger.database import insert_into
from connect_tasks.ledger.peoples_chats import are_peoples
from connect_tasks.ledger.schema import collected, contacts

__all__ = ["Asked", "Described", "TranscriptState", "write_descriptions"]


class TranscriptState(StrEnum):
    """What is known of a contact's transcript in S3."""

    OPEN = "open"
    """The contact goes on: there is none yet."""
    AWAITED = "awaited"
    """It is over, and Amazon has not written it yet, or wrote it so that nobody can read it."""
    PARTIAL = "partial"
    """What could be read of it is in the ledger."""
    STORED = "stored"
    """It is in the ledger."""
    ABSENT = "absent"
    """There is none, and nobody looks any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A contact of which Amazon is to be asked.

    Args:
        key: The ledger's number of the customer's own contact.
        campaign: Whose it is.
        contact_id: Amazon's id of the contact that is asked about.
        initial_contact_id: Amazon's id of the customer's own contact: the same, unless it follows.
        status: What became of the customer's own contact so far.
        request: With which it was started, as JSON.
        started_at: When the contact began.
        ended_at: When the customer's own contact ended, as far as the ledger knows.
        transcript_complete: Whether all of its transcript is there already.
        is_persons: Whether a person speaks in it, and no worker of ours.
        joined: Whether the ledger knows that somebody joined the customer's own contact.
    """

    key: int
    campaign: str
    contact_id: str
    initial_contact_id: str
    status: Status
    request: str
    started_at: datetime | None
    ended_at: datetime | None
    transcript_complete: bool | None
    is_persons: bool
    joined: bool = False

    @property
    def follows(self) -> bool:
        """Whether it is one that followed from the customer's own contact."""
        return self.contact_id != self.initial_contact_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What came of asking: Amazon's record, and what follows from it for us.

    Args:
        asked: The contact.
        record: What Amazon told; of a contact that could not be asked about, what we know.
        transcript: What that means for its transcript.
        look_again_at: When to look for the transcript; None if there is nothing to look for.
        end_reason: How a person's chat ended; None while it goes on.
        error_code: Amazon's word for it, where nobody joined the chat or it was lost.
        trouble: Amazon's word for why nothing could be told.
        follow_until: Until when others may follow from it, and be found; None if none can.
    """

    asked: Asked
    record: ContactRecord
    transcript: TranscriptState
    look_again_at: datetime | None = None
    end_reason: str | None = None
    error_code: str | None = None
    trouble: str | None = None
    follow_until: datetime | None = None


_LOST = {
    NEVER_JOINED: "the customer never joined the chat",
    UNKNOWN_CONTACT: "Amazon does not know the chat, which has lasted as long as it can",
}

_DESCRIPTION = (
    "initiation_method",
    "started_at",
    "connected_at",
    "ended_at",
    "disconnect_reason",
    "messages_sent",
    "attributes",
)


def write_descriptions(
    connection: sa.Connection, looked: Sequence[Described], now: datetime
) -> None:
    """Write what Amazon told, and bring people's chats as far as it says they are.

    Args:
        connection: In a transaction.
        looked: What came of asking; at least one.
        now: The present time.
    """
    by_key = sorted(looked, key=lambda one: one.asked.key)
    by_id = sorted(looked, key=lambda one: one.asked.contact_id)
    # Always in this order, or two that write, or one that forgets, wait for each other.
    connection.execute(_locked([one.asked.key for one in by_key]))
    if connected := [_step(one) for one in by_key if _has_joined(one)]:
        connection.execute(_progress(now, _CONNECTED, {Status.STARTED}), connected)
    if over := [_step(one) for one in by_key if _is_over(one)]:
        connection.execute(_progress(now, _COMPLETED, OPEN), over)
    connection.execute(_keep(connection.dialect.name), [_row(one, now) for one in by_id])


def _has_joined(one: Described) -> bool:
    is_live = one.asked.status is Status.STARTED and one.end_reason is None
    return is_live and _changes(one) and one.record.connected_at is not None


def _is_over(one: Described) -> bool:
    return _changes(one) and one.end_reason is not None


def _changes(one: Described) -> bool:
    """Whether the customer's own contact is as it is described, and nobody else's to change."""
    return one.asked.is_persons and not one.asked.follows and one.asked.status in OPEN


def _step(one: Described) -> dict[str, Any]:
    return {
        "key": one.asked.key,
        "theirs": one.asked.contact_id,
        "joined": one.record.connected_at,
        "over": one.record.ended_at,
        "reason": one.end_reason,
        "code": one.error_code,
        "why": _LOST.get(one.error_code) if one.error_code else None,
    }


_CONNECTED: Mapping[str, Any] = {
    "status": Status.CONNECTED,
    "connected_at": sa.bindparam("joined", type_=contacts.c.connected_at.type),
}

_COMPLETED: Mapping[str, Any] = {
    "status": Status.COMPLETED,
    "connected_at": sa.func.coalesce(
        contacts.c.connected_at, sa.bindparam("joined", type_=contacts.c.connected_at.type)
    ),
    "ended_at": sa.bindparam("over", type_=contacts.c.ended_at.type),
    "end_reason": sa.bindparam("reason", type_=sa.Text),
    "error_code": sa.bindparam("code", type_=sa.Text),
    "error_message": sa.bindparam("why", type_=sa.Text),
    # Of a person's chat nobody holds a claim; one that ran out would look like a lost worker's.
    "claimed_by": None,
    "claimed_until": None,
}


def _locked(keys: Iterable[int]) -> sa.Select[Any]:
    return (
        sa.select(contacts.c.id)
        .where(contacts.c.id.in_(list(keys)))
        .order_by(contacts.c.id)
        .with_for_update()
    )


def _progress(now: datetime, values: Mapping[str, Any], was: Iterable[Status]) -> sa.Update:
    return (
        sa.update(contacts)
        .where(
            contacts.c.id == sa.bindparam("key"),
            contacts.c.contact_id == sa.bindparam("theirs"),
            # Not `in_`: that cannot be said for many rows at once.
            sa.or_(*(contacts.c.status == status for status in was)),
            are_peoples(),
            unclaimed(now),
        )
        .values(values)
    )


def _row(one: Described, now: datetime) -> dict[str, Any]:
    return {
        "key": one.asked.key,
        "campaign": one.asked.campaign,
        "contact_id": one.asked.contact_id,
        "initial_contact_id": one.asked.initial_contact_id,
        **{name: getattr(one.record, name) for name in _DESCRIPTION},
        "described_at": now,
        "transcript": str(one.transcript),
        "looks": 0,
        "look_again_at": one.look_again_at,
        "trouble": one.trouble,
        "follow_until": one.follow_until,
    }


def _keep(dialect: str) -> Any:
    """Insert a description, or add it to the one that is there."""
    names = [column.name for column in collected.c]
    values = [sa.bindparam(column.name, type_=column.type) for column in collected.c]
    still_theirs = (
        contacts.c.id == sa.bindparam("key"),
        contacts.c.contact_id == sa.bindparam("initial_contact_id", type_=sa.Text),
    )
    insert = insert_into(collected, dialect).from_select(
        names, sa.select(*values).where(*still_theirs)
    )
    new, was_open = insert.excluded, collected.c.ended_at.is_(None)
    grows = {name: sa.func.coalesce(new[name], collected.c[name]) for name in _DESCRIPTION}
    once_over = {
        name: sa.case((was_open, new[name]), else_=collected.c[name])
        for name in ("transcript", "look_again_at", "trouble", "follow_until")
    }
    return insert.on_conflict_do_update(
        index_elements=["campaign", "contact_id"],
        set_={**grows, **once_over, "described_at": new.described_at},
    )
