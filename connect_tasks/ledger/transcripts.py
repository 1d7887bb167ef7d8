"""Transcripts: which contacts still lack theirs, and what of a file is not in the ledger yet.

The rules of this file:

- An item is in the ledger once, whichever way it came: under its id, in whichever contact of the
  family it was heard. Where a file's ids are none of those that were heard, by its time, its
  speaker and its text.
- Nothing is written of a customer who was forgotten in the meantime.
- A transaction begins with its write: one that began with reading could not go on to write.
- Who looks twice, or at the same time as another, changes nothing that the first has settled.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.aws.transcript import Item
from connect_tasks.ledger.contact import SETTLED
from connect_tasks.ledger.database import insert_into
from connect_tasks.ledger.described import TranscriptState
from connect_tasks.ledger.openings import first_own, opening_of
from connect_tasks.ledger.opt_outs import FindOptOuts, note_opt_outs
from connect_tasks.ledger.peoples_chats import are_peoples
from connect_tasks.ledger.redaction import insert_heard
from connect_tasks.ledger.schema import collected, contacts, items

__all__ = ["Awaited", "Transcripts"]

Transaction = Callable[[], AbstractContextManager[sa.Connection]]

_WANTED = (TranscriptState.AWAITED, TranscriptState.PARTIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A contact whose transcript is to be looked for.

    Args:
        key: The ledger's number of the customer's own contact.
        campaign: Whose it is.
        customer_id: Whose, as the ledger calls them.
        contact_id: Amazon's id of the contact.
        initial_contact_id: Amazon's id of the customer's own contact.
        started_at: When the contact began, by which its file is found.
        ended_at: When it ended.
    """

    key: int
    campaign: str
    customer_id: str
    contact_id: str
    initial_contact_id: str
    started_at: datetime
    ended_at: datetime


class Transcripts:
    """What of a ledger's transcripts comes from files. Safe from many threads.

    Args:
        reading: Begins a transaction that reads.
        writing: Begins one that writes.
    """

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def days(self, campaign: str, *, at: datetime) -> Counter[date]:
        """On which days the contacts began whose transcript is to be looked for by a time."""
        query = sa.select(_BEGAN).where(*_due(campaign, at))
        with self._reading() as connection:
            found = connection.execute(query).yield_per(1_000).scalars()
            return Counter(began.date() for began in found)

    def among(
        self, campaign: str, contact_ids: Iterable[str], *, at: datetime | None = None
    ) -> dict[str, Awaited]:
        """Those of these contacts that lack their transcript, by their ids.

        Args:
            campaign: Whose contacts.
            contact_ids: Their ids.
            at: Only those of whom the next look is due by then.
        """
        ids = collected.c.contact_id.in_(list(contact_ids))
        return {
            one.contact_id: one for one in self._awaited(sa.select(*_AWAITED), campaign, at, ids)
        }

    def waiting(self, campaign: str, *, at: datetime, after: str, most: int) -> list[Awaited]:
        """Contacts whose transcript is to be looked for by a time, by their ids.

        Args:
            campaign: Whose contacts.
            at: By when the look is due.
            after: Only ids that come after this one.
            most: The most contacts.
        """
        query = sa.select(*_AWAITED).order_by(collected.c.contact_id).limit(most)
        return list(self._awaited(query, campaign, at, collected.c.contact_id > after))

    def _awaited(
        self,
        query: sa.Select[Any],
        campaign: str,
        at: datetime | None,
        *where: sa.ColumnElement[bool],
    ) -> Iterator[Awaited]:
        query = query.join(contacts, _of_family()).where(*_due(campaign, at), *where)
        with self._reading() as connection:
            for row in connection.execute(query).mappings().all():
                yield Awaited(**row)

    def store(
        self,
        awaited: Awaited,
        found: Sequence[Item],
        *,
        unread: int,
        look_again_at: datetime | None,
        trouble: str | None = None,
        find: FindOptOuts | None = None,
    ) -> int:
        """Put what a file holds beside what was heard.

        Args:
            awaited: Whose transcript it is.
            found: The file's items.
            unread: How many things in it are no items.
            look_again_at: When to look for a better file, if this one has such things.
            trouble: What is wrong with them.
            find: Finds opt-outs in what people said, which are written with it.

        Returns:
            How many items are new.
        """
        state = TranscriptState.PARTIAL if unread else TranscriptState.STORED
        with self._writing() as connection:
            # First of all, for it locks the contact: another would find no items and add its own,
            # and whoever forgets the customer meanwhile would leave what comes after it.
            if not connection.execute(_lock(awaited)).rowcount:
                return 0
            settled = _settled(awaited, look_again_at if unread else None, trouble, state)
            if not connection.execute(_SETTLE, settled).rowcount:
                return 0
            new = _add(connection, _new(connection, awaited, found))
            if find:
                note_opt_outs(connection, awaited.key, awaited.customer_id, found, find)
            connection.execute(_complete(awaited, unread))
            _note_first_reply(connection, awaited)
            return new

    def postpone(
        self, looks: Sequence[tuple[Awaited, datetime | None]], *, trouble: str | None = None
    ) -> None:
        """Keep that there was no file for these contacts, or none that can be used.

        Args:
            looks: The contacts, each with when to look again; None for never.
            trouble: What is wrong with their files.
        """
        if not looks:
            return
        with self._writing() as connection:
            ordered = sorted(looks, key=lambda look: look[0].contact_id)
            values = [_settled(one, again_at, trouble) for one, again_at in ordered]
            connection.execute(_SETTLE, values)

    def is_any_read(self, campaign: str) -> bool:
        """Whether a file of any contact of a campaign was read."""
        read = [str(TranscriptState.PARTIAL), str(TranscriptState.STORED)]
        # Of a chat that our side heard whole nobody has looked for the file.
        query = sa.exists().where(
            collected.c.campaign == campaign,
            collected.c.transcript.in_(read),
            collected.c.looks > 0,
        )
        with self._reading() as connection:
            return bool(connection.scalar(sa.select(query)))

    def stand(self, campaign: str) -> tuple[int, int, datetime | None]:
        """How many transcripts are still looked for, and how many not because there are none.

        Returns:
            Both, and when to look for the next one.
        """
        state, look_at = collected.c.transcript, collected.c.look_again_at
        here = collected.c.campaign == campaign
        wanted = state.in_([str(one) for one in _WANTED])
        to_look = sa.select(sa.func.count(sa.case((wanted, 1))), sa.func.min(look_at))
        gone = sa.select(sa.func.count()).where(here, state == str(TranscriptState.ABSENT))
        with self._reading() as connection:
            # Two questions: each has its index.
            awaited, following = connection.execute(to_look.where(here, look_at.is_not(None))).one()
            absent = connection.scalar(gone) or 0
        return awaited, absent, following


# A contact of which Amazon did not tell when it began: its own start, as we know it.
_BEGAN = sa.func.coalesce(
    collected.c.started_at, collected.c.ended_at, type_=items.c.absolute_time.type
)

_AWAITED = (
    contacts.c.id.label("key"),
    contacts.c.campaign,
    contacts.c.customer_id,
    collected.c.contact_id,
    collected.c.initial_contact_id,
    _BEGAN.label("started_at"),
    collected.c.ended_at,
)


_AGAIN = sa.bindparam("again_at", type_=collected.c.look_again_at.type)
_STATE = sa.bindparam("state", type_=sa.Text)

_SETTLE = (
    sa.update(collected)
    .where(
        collected.c.campaign == sa.bindparam("of_campaign"),
        collected.c.contact_id == sa.bindparam("of_contact"),
        # Not `in_`: that cannot be said for many rows at once.
        sa.or_(*(collected.c.transcript == str(state) for state in _WANTED)),
    )
    .values(
        looks=collected.c.looks + 1,
        look_again_at=_AGAIN,
        trouble=sa.bindparam("why", type_=sa.Text),
        transcript=sa.case(
            (_STATE.is_not(None), _STATE),
            (
                sa.and_(_AGAIN.is_(None), collected.c.transcript == str(TranscriptState.AWAITED)),
                str(TranscriptState.ABSENT),
            ),
            else_=collected.c.transcript,
        ),
    )
)
"""A look that found a file, or none; what is settled already stays as it is."""


def _settled(
    awaited: Awaited,
    again_at: datetime | None,
    why: str | None,
    state: TranscriptState | None = None,
) -> dict[str, Any]:
    return {
        "of_campaign": awaited.campaign,
        "of_contact": awaited.contact_id,
        "again_at": again_at,
        "why": why,
        "state": None if state is None else str(state),
    }


def _due(campaign: str, at: datetime | None) -> list[sa.ColumnElement[bool]]:
    wanted = collected.c.transcript.in_([str(state) for state in _WANTED])
    here = [collected.c.campaign == campaign, wanted]
    if at is None:
        return here
    # Where nobody has looked, a file may be there before it is expected: the first look waits for
    # nothing.
    return [*here, sa.or_(collected.c.look_again_at <= at, collected.c.looks == 0)]


def _of_family() -> sa.ColumnElement[bool]:
    return sa.and_(
        contacts.c.campaign == collected.c.campaign,
        contacts.c.contact_id == collected.c.initial_contact_id,
    )


def _add(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Write items down; how many are new: a file may have one twice."""
    if not rows:
        return 0
    insert = insert_heard(insert_into(items, connection.dialect.name))
    counting = {"preserve_rowcount": True}
    return connection.execute(
        insert.on_conflict_do_nothing(), rows, execution_options=counting
    ).rowcount


def _new(
    connection: sa.Connection, awaited: Awaited, found: Sequence[Item]
) -> list[dict[str, Any]]:
    """Rows of the items that are not in the ledger yet."""
    heard = _heard(connection, awaited)
    ids = {row["message_id"] for row in heard}
    known = ids
    by: Callable[[Mapping[str, Any]], Any] = _by_id
    if ids.isdisjoint(item.message_id for item in found):
        by, known = _by_what, {_by_what(row) for row in heard}
    own = {
        "key": awaited.key,
        "campaign": awaited.campaign,
        "customer_id": awaited.customer_id,
        "contact_id": awaited.contact_id,
    }
    return [{**own, **item.record} for item in found if by(item.record) not in known]


def _by_id(row: Mapping[str, Any]) -> Any:
    return row["message_id"]


def _by_what(row: Mapping[str, Any]) -> Any:
    names = ("absolute_time", "type", "content_type", "participant_role", "content")
    return tuple(row[name] for name in names)


def _heard(connection: sa.Connection, awaited: Awaited) -> Sequence[Mapping[Any, Any]]:
    query = sa.select(items).where(items.c.campaign == awaited.campaign, _in_family(awaited))
    return connection.execute(query).mappings().all()


def _in_family(awaited: Awaited) -> sa.ColumnElement[bool]:
    """Items of the customer's own contact, and of those that followed from it."""
    family = sa.select(collected.c.contact_id).where(
        collected.c.campaign == awaited.campaign,
        collected.c.initial_contact_id == awaited.initial_contact_id,
    )
    own = sa.select(sa.literal(awaited.initial_contact_id, sa.Text))
    # One list: an "or" would make a database walk through all items of the campaign.
    return items.c.contact_id.in_(sa.union_all(own, family))


def _lock(awaited: Awaited) -> sa.Update:
    """An update that changes nothing, of the customer's own contact if it is still theirs."""
    return (
        sa.update(contacts)
        .where(
            contacts.c.id == awaited.key,
            contacts.c.customer_id == awaited.customer_id,
            contacts.c.contact_id == awaited.initial_contact_id,
        )
        .values(customer_key=contacts.c.customer_key)
    )


def _complete(awaited: Awaited, unread: int) -> sa.Update:
    """Of a settled contact's own transcript; while it goes on, whoever holds it keeps count."""
    return (
        sa.update(contacts)
        .where(
            contacts.c.id == awaited.key,
            contacts.c.contact_id == awaited.contact_id,
            contacts.c.status.in_([str(status) for status in SETTLED]),
        )
        .values(transcript_complete=unread == 0, items_skipped=unread)
    )


def _note_first_reply(connection: sa.Connection, awaited: Awaited) -> None:
    """In a person's chat, what counts as the reply is their own first message."""
    opening = connection.scalar(
        sa.select(opening_of(contacts.c, connection.dialect.name)).where(
            contacts.c.id == awaited.key
        )
    )
    first = connection.execute(_first_said(awaited)).mappings().all()
    if replied_at := first_own(awaited.initial_contact_id, opening, first):
        connection.execute(
            sa.update(contacts)
            .where(contacts.c.id == awaited.key, are_peoples())
            .values(first_reply_at=replied_at)
        )


def _first_said(awaited: Awaited) -> sa.Select[Any]:
    """The customer's first two items, of which one may be what our request said for them."""
    # A persistent chat's transcript begins with what was said in the one before it.
    began = (
        sa.select(collected.c.started_at)
        .where(
            collected.c.campaign == awaited.campaign,
            collected.c.contact_id == awaited.initial_contact_id,
        )
        .scalar_subquery()
    )
    return (
        sa.select(items)
        .where(
            items.c.campaign == awaited.campaign,
            _in_family(awaited),
            items.c.type.in_(["MESSAGE", "ATTACHMENT"]),
            items.c.participant_role == "CUSTOMER",
            sa.or_(began.is_(None), items.c.absolute_time >= began),
        )
        .order_by(items.c.absolute_time, items.c.message_id)
        .limit(2)
    )
