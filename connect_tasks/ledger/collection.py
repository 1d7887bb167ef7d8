"""The collection: what Amazon knows of contacts, kept beside what this package knows of them.

The rules of this file:

- A contact that a worker may hold, or still has to hold, is described and never changed. What is
  changed is a person's own chat (`peoples_chats`), which belongs to no worker, in one statement
  that finds it as it was left.
- What is known of a contact only grows: a look that found less, or came later than another, takes
  nothing back. So two collections at a time, and one that was killed, do no harm.
- Nothing is kept of a customer who was forgotten in the meantime: a row is written only while
  their contact bears its id.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from connect_tasks.aws.contact_record import NEVER_JOINED, UNKNOWN_CONTACT, ContactRecord
from connect_tasks.ledger.claims import unclaimed
from connect_tasks.ledger.contact import OPEN, CampaignMode, Status
from connect_tasks.ledger.database import insert_into
from connect_tasks.ledger.schema import HAS_OPEN_CHAT, campaigns, collected, contacts

__all__ = [
    "Asked",
    "Collection",
    "Described",
    "TranscriptState",
    "peoples_chats",
]

Transaction = Callable[[], AbstractContextManager[sa.Connection]]
"""Begins one, and ends it with the block."""


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


def peoples_chats() -> sa.ColumnElement[bool]:
    """Contacts with which no worker has to do: a person speaks in them, or will."""
    by_invitation = sa.select(campaigns.c.campaign).where(
        campaigns.c.mode == CampaignMode.INVITATION
    )
    return sa.or_(contacts.c.handed_over_at.is_not(None), contacts.c.campaign.in_(by_invitation))


class Collection:
    """What of a ledger's contacts Amazon was asked, and is still to be. Safe from many threads.

    Args:
        reading: Begins a transaction that reads.
        writing: Begins one that writes.
    """

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def peoples_open(
        self,
        instance_id: str,
        *,
        campaign: str | None,
        now: datetime,
        before: datetime | None = None,
        among: Iterable[str] | None = None,
        most: int,
    ) -> list[Asked]:
        """People's chats that may still go on, those that were asked about longest ago first.

        Args:
            instance_id: Whose chats.
            campaign: Only this campaign's; all of the instance if None.
            now: The present time.
            before: Only those that nobody has asked about since then.
            among: Only those of these ids.
            most: The most contacts.
        """
        where: list[Any] = [
            campaigns.c.instance_id == instance_id,
            sa.text(HAS_OPEN_CHAT),
            peoples_chats(),
            unclaimed(now),
            _not_since(before),
        ]
        if campaign is not None:
            where.append(contacts.c.campaign == campaign)
        if among is not None:
            where.append(contacts.c.contact_id.in_(list(among)))
        return self._own(where, most)

    def ended_here(self, campaign: str, *, before: datetime, most: int) -> list[Asked]:
        """Contacts that we hold for ended and of whose end Amazon was not asked since a time."""
        where = [
            contacts.c.campaign == campaign,
            contacts.c.status == Status.COMPLETED,
            collected.c.ended_at.is_(None),
            _not_since(before),
        ]
        return self._own(where, most)

    def _own(self, where: Sequence[sa.ColumnElement[bool]], most: int) -> list[Asked]:
        query = (
            sa.select(*_ASKED, contacts.c.contact_id, contacts.c.started_at)
            .join(campaigns, campaigns.c.campaign == contacts.c.campaign)
            .outerjoin(collected, _of_contact())
            .where(contacts.c.contact_id.is_not(None), *where)
            .order_by(collected.c.described_at.is_not(None), collected.c.described_at)
            .order_by(contacts.c.id)
            .limit(most)
        )
        return self._asked(query)

    def following_open(self, campaign: str, *, before: datetime, most: int) -> list[Asked]:
        """Contacts that followed, may still go on, and were not asked about since a time."""
        query = (
            sa.select(*_ASKED, collected.c.contact_id, collected.c.started_at)
            .join(campaigns, campaigns.c.campaign == contacts.c.campaign)
            .join(collected, _of_family())
            .where(
                contacts.c.campaign == campaign,
                collected.c.contact_id != collected.c.initial_contact_id,
                collected.c.ended_at.is_(None),
                collected.c.described_at < before,
            )
            .order_by(collected.c.described_at, collected.c.contact_id)
            .limit(most)
        )
        return self._asked(query)

    def _asked(self, query: sa.Select[Any]) -> list[Asked]:
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [Asked(**{**row, "status": Status(row["status"])}) for row in rows]

    def note(self, looked: Sequence[Described], *, now: datetime) -> None:
        """Keep what Amazon told, and bring people's chats as far as it says they are.

        Nothing is lost where others did the same, or a worker took a contact meanwhile.
        """
        if not looked:
            return
        with self._writing() as connection:
            if connected := [_step(one) for one in looked if _has_joined(one)]:
                connection.execute(_progress(now, _CONNECTED, {Status.STARTED}), connected)
            if over := [_step(one) for one in looked if _is_over(one)]:
                connection.execute(_progress(now, _COMPLETED, OPEN), over)
            statement = _keep(connection.dialect.name)
            connection.execute(statement, [_row(one, now) for one in looked])

    def to_follow(self, campaign: str) -> tuple[datetime, datetime] | None:
        """In which time contacts may have followed that nobody has looked for.

        Returns:
            Since when, and until when to look again; None if all were looked for.
        """
        began = sa.func.coalesce(collected.c.started_at, collected.c.ended_at)
        query = sa.select(sa.func.min(began), sa.func.max(collected.c.follow_until)).where(
            collected.c.campaign == campaign, collected.c.follow_until.is_not(None)
        )
        with self._reading() as connection:
            since, until = connection.execute(query).one()
        return None if since is None else (since, until)

    def note_followed(self, campaign: str, *, at: datetime) -> None:
        """Keep that all that had followed by a time was looked for."""
        statement = (
            sa.update(collected)
            .where(collected.c.campaign == campaign, collected.c.follow_until <= at)
            .values(follow_until=None)
        )
        with self._writing() as connection:
            connection.execute(statement)

    def owners(self, campaign: str, contact_ids: Iterable[str]) -> dict[str, Asked]:
        """The customers' own contacts, by their ids and by those of what is known to follow."""
        ids = list(contact_ids)
        own = sa.select(*_ASKED, contacts.c.contact_id, contacts.c.started_at).where(
            contacts.c.campaign == campaign, contacts.c.contact_id.in_(ids)
        )
        family = (
            sa.select(*_ASKED, collected.c.contact_id, contacts.c.started_at)
            .join(collected, _of_family())
            .where(contacts.c.campaign == campaign, collected.c.contact_id.in_(ids))
        )
        return {one.contact_id: one for one in (*self._asked(family), *self._asked(own))}

    def known(self, campaign: str, contact_ids: Iterable[str]) -> set[str]:
        """Of which of these contacts Amazon was asked already."""
        query = sa.select(collected.c.contact_id).where(
            collected.c.campaign == campaign, collected.c.contact_id.in_(list(contact_ids))
        )
        with self._reading() as connection:
            return set(connection.scalars(query))

    def open_days(self, campaign: str) -> Counter[date]:
        """On which days people's chats began that may still go on."""
        query = sa.select(contacts.c.started_at).where(
            contacts.c.contact_id.in_(_open_ids(campaign)),
            contacts.c.campaign == campaign,
            contacts.c.started_at.is_not(None),
            peoples_chats(),
        )
        with self._reading() as connection:
            found = connection.execute(query).yield_per(1_000).scalars()
            return Counter(began.date() for began in found if began is not None)

    def count_open(self, campaign: str) -> int:
        """How many contacts may still go on: people's chats, and what followed from any."""
        theirs = sa.select(sa.func.count()).where(
            contacts.c.campaign == campaign,
            contacts.c.status.in_(OPEN),
            contacts.c.contact_id.is_not(None),
            peoples_chats(),
        )
        others = sa.select(sa.func.count()).where(
            collected.c.campaign == campaign,
            collected.c.ended_at.is_(None),
            collected.c.contact_id.not_in(_open_ids(campaign)),
        )
        with self._reading() as connection:
            return int(connection.scalar(theirs) or 0) + int(connection.scalar(others) or 0)


# Of the customer's own contact, with which each query begins.
_ASKED = (
    contacts.c.id.label("key"),
    contacts.c.campaign,
    contacts.c.contact_id.label("initial_contact_id"),
    contacts.c.status,
    contacts.c.request,
    contacts.c.ended_at,
    contacts.c.transcript_complete,
    peoples_chats().label("is_persons"),
)


def _of_contact() -> sa.ColumnElement[bool]:
    return sa.and_(
        collected.c.campaign == contacts.c.campaign,
        collected.c.contact_id == contacts.c.contact_id,
    )


def _of_family() -> sa.ColumnElement[bool]:
    return sa.and_(
        collected.c.campaign == contacts.c.campaign,
        collected.c.initial_contact_id == contacts.c.contact_id,
    )


def _open_ids(campaign: str) -> sa.Select[Any]:
    return sa.select(contacts.c.contact_id).where(
        contacts.c.campaign == campaign,
        contacts.c.status.in_(OPEN),
        contacts.c.contact_id.is_not(None),
    )


def _not_since(before: datetime | None) -> sa.ColumnElement[bool]:
    if before is None:
        return sa.true()
    asked_at = collected.c.described_at
    return sa.or_(asked_at.is_(None), asked_at < before)


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


def _progress(now: datetime, values: Mapping[str, Any], was: Iterable[Status]) -> sa.Update:
    return (
        sa.update(contacts)
        .where(
            contacts.c.id == sa.bindparam("key"),
            contacts.c.contact_id == sa.bindparam("theirs"),
            # Not `in_`: that cannot be said for many rows at once.
            sa.or_(*(contacts.c.status == status for status in was)),
            peoples_chats(),
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
