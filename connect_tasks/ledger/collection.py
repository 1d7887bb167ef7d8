"""The collection: what Amazon knows of contacts, kept beside what this package knows of them.

The rules of this file:

- A contact that a worker may hold, or still has to hold, is described and never changed. What is
  changed is a person's own chat (`are_peoples`), which belongs to no worker, in one statement
  that finds it as it was left.
- What is known of a contact only grows: a look that found less, or came later than another, takes
  nothing back. So two collections at a time, and one that was killed, do no harm.
- Nothing is kept of a customer who was forgotten in the meantime: a row is written only while
  their contact bears its id.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.claims import unclaimed
from connect_tasks.ledger.contact import CampaignState, Status
from connect_tasks.ledger.described import Asked, Described, write_descriptions
from connect_tasks.ledger.peoples_chats import are_peoples
from connect_tasks.ledger.schema import HAS_OPEN_CHAT, campaigns, collected, contacts

__all__ = ["Collection"]

Transaction = Callable[[], AbstractContextManager[sa.Connection]]
"""Begins one, and ends it with the block."""


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
        state: CampaignState | None = None,
        most: int,
    ) -> list[Asked]:
        """People's chats that may still go on, those that were asked about longest ago first.

        Args:
            instance_id: Whose chats.
            campaign: Only this campaign's; all of the instance if None.
            now: The present time.
            before: Only those that nobody has asked about since then.
            among: Only those of these ids.
            state: Only those of campaigns of which this is wanted.
            most: The most contacts.
        """
        where: list[Any] = [
            campaigns.c.instance_id == instance_id,
            sa.text(HAS_OPEN_CHAT),
            are_peoples(),
            unclaimed(now),
            _not_since(before),
        ]
        if campaign is not None:
            where.append(contacts.c.campaign == campaign)
        if state is not None:
            where.append(campaigns.c.state == state)
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
            .where(_HAS_CHAT, *where)
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
            write_descriptions(connection, looked, now)

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
            *_open(campaign), contacts.c.started_at.is_not(None), are_peoples()
        )
        with self._reading() as connection:
            found = connection.execute(query).yield_per(1_000).scalars()
            return Counter(began.date() for began in found if began is not None)

    def count_open(self, campaign: str) -> int:
        """How many contacts may still go on: people's chats, and what followed from any."""
        theirs = sa.select(sa.func.count()).where(*_open(campaign), are_peoples())
        is_open = sa.exists().where(*_open(campaign), _of_contact()).correlate(collected)
        others = sa.select(sa.func.count()).where(
            collected.c.campaign == campaign, collected.c.ended_at.is_(None), ~is_open
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
    are_peoples().label("is_persons"),
    contacts.c.connected_at.is_not(None).label("joined"),
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


# Not the column itself: SQLite would take its index, and walk past all that are over.
_HAS_CHAT = sa.func.coalesce(contacts.c.contact_id, "") != ""


def _open(campaign: str) -> tuple[Any, ...]:
    return contacts.c.campaign == campaign, sa.text(HAS_OPEN_CHAT), _HAS_CHAT


def _not_since(before: datetime | None) -> sa.ColumnElement[bool]:
    if before is None:
        return sa.true()
    asked_at = collected.c.described_at
    return sa.or_(asked_at.is_(None), asked_at < before)
