"""Answers: what was said in a campaign's chats, and what their flows stored, customer by customer.

The rules of this file:

- A customer's contacts stand together, the generations in their order, and whichever followed from
  one (a transfer, a survey after the end) after it.
- A persistent chat's transcript begins with what was said in the one before it: that is no answer
  in this one. Where nobody knows when a chat began, all that was said is of it.
- What a request says for a person is not what they said (`openings`).
- Nothing is held in memory: a campaign may have millions of items.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from connect_tasks.chat.dialogue import EndReason
from connect_tasks.ledger.openings import opening_of, without_openings
from connect_tasks.ledger.schema import collected, contacts, items

__all__ = ["FROM_AMAZON", "Answers", "beside_contacts"]

_PIECE = 1_000

FROM_AMAZON = ("disconnect_reason", "messages_sent")
"""The columns of a contact that only Amazon can tell; missing where it was not asked."""


def beside_contacts() -> list[sa.Label[Any]]:
    """What Amazon told of a contact, as columns for a query of contacts."""
    theirs = (
        collected.c.campaign == contacts.c.campaign,
        collected.c.contact_id == contacts.c.contact_id,
    )
    return [
        sa.select(collected.c[name])
        .where(*theirs)
        .correlate(contacts)
        .scalar_subquery()
        .label(name)
        for name in FROM_AMAZON
    ]


class Answers:
    """What people, flows and agents said and stored. Safe to use from many threads.

    Args:
        reading: Opens a connection to the ledger.
    """

    def __init__(self, reading: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        self._reading = reading

    def said(self, campaign: str) -> Iterator[Mapping[str, Any]]:
        """All messages and attachments, customer by customer, each contact's in order of time.

        Args:
            campaign: The campaign's name, as it was entered.

        Yields:
            customer_id, contact_id, absolute_time, participant_role, display_name, type,
            content_type and content of an item; end_reason and disconnect_reason of its contact.
        """
        with self._reading() as connection:
            query = _said(campaign, connection.dialect.name)
            yield from without_openings(connection.execute(query).yield_per(_PIECE).mappings())

    def attributes(self, campaign: str) -> Iterator[Mapping[str, Any]]:
        """What is known of the attributes of each customer's contact that was started last.

        Args:
            campaign: The campaign's name, as it was entered.

        Yields:
            customer_id and contact_id; request: as it was sent, as JSON; stored: one mapping for
            each contact that Amazon told of, those that followed after the customer's own.
        """
        with self._reading() as connection:
            rows = connection.execute(_stored(campaign)).yield_per(_PIECE).mappings()
            for _, theirs in groupby(rows, key=lambda row: row["id"]):
                told = list(theirs)
                stored = [row["attributes"] for row in told if row["attributes"]]
                yield {**told[0], "stored": stored}


def _said(campaign: str, dialect: str) -> sa.Select[Any]:
    own = _own_chats(campaign, opening_of(contacts.c, dialect))
    chats = sa.union_all(own, _chats_that_followed(campaign)).cte("chats")
    return (
        sa.select(
            chats.c.customer_id,
            items.c.contact_id,
            items.c.absolute_time,
            items.c.participant_role,
            items.c.display_name,
            items.c.type,
            items.c.content_type,
            items.c.content,
            chats.c.end_reason,
            chats.c.disconnect_reason,
            chats.c.opening,
        )
        .select_from(chats)
        .join(items, items.c.contact_id == chats.c.contact_id)
        .where(
            items.c.campaign == campaign,
            items.c.type.in_(["MESSAGE", "ATTACHMENT"]),
            sa.or_(chats.c.began.is_(None), items.c.absolute_time >= chats.c.began),
        )
        .order_by(
            chats.c.place,
            chats.c.id,
            chats.c.follows,
            # The databases disagree about where what is missing stands.
            chats.c.started_at.is_(None),
            chats.c.started_at,
            items.c.contact_id,
            items.c.absolute_time,
            items.c.message_id,
        )
    )


def _own_chats(campaign: str, opening: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The chats of the campaign's contacts, each with the place of its customer in the plan."""
    own, (disconnect_reason, _) = contacts.c, beside_contacts()
    place = sa.func.min(own.id).over(partition_by=own.customer_key).label("place")
    of_chat = (own.id, own.customer_id, own.contact_id, own.started_at, own.end_reason)
    follows = sa.literal(0).label("follows")
    told = (*of_chat, disconnect_reason, opening.label("opening"), _began(own).label("began"))
    return sa.select(place, follows, *told).where(own.campaign == campaign)


def _began(own: Any) -> sa.ScalarSelect[Any]:
    """When a customer's own contact began by Amazon's clock, by which its items are told."""
    theirs = collected.alias("theirs").c
    return (
        sa.select(theirs.started_at)
        .where(theirs.campaign == own.campaign, theirs.contact_id == own.contact_id)
        .scalar_subquery()
    )


def _chats_that_followed(campaign: str) -> sa.Select[Any]:
    """The chats that Amazon made of those; what our side knows of an end concerns its own only."""
    theirs, own = collected.c, contacts.alias("own")
    first = contacts.alias("first").c
    place = (
        sa.select(sa.func.min(first.id))
        .where(first.campaign == own.c.campaign, first.customer_key == own.c.customer_key)
        .correlate(own)
        .scalar_subquery()
    )
    ended = sa.case((theirs.ended_at.is_not(None), EndReason.CHAT_ENDED.value))
    return (
        sa.select(
            place.label("place"),
            sa.literal(1).label("follows"),
            own.c.id,
            own.c.customer_id,
            theirs.contact_id,
            theirs.started_at,
            ended.label("end_reason"),
            theirs.disconnect_reason,
            sa.null().cast(sa.Text).label("opening"),
            _began(own.c).label("began"),
        )
        .select_from(collected)
        .join(own, own.c.contact_id == theirs.initial_contact_id)
        .where(
            theirs.campaign == campaign,
            own.c.campaign == campaign,
            theirs.contact_id != theirs.initial_contact_id,
        )
    )


def _stored(campaign: str) -> sa.Select[Any]:
    columns, later = contacts.c, contacts.alias("later")
    started_later = sa.exists().where(
        later.c.campaign == columns.campaign,
        later.c.customer_key == columns.customer_key,
        later.c.generation > columns.generation,
        later.c.contact_id.is_not(None),
    )
    theirs = sa.and_(
        collected.c.campaign == columns.campaign,
        collected.c.initial_contact_id == columns.contact_id,
    )
    return (
        sa.select(
            columns.id,
            columns.customer_id,
            columns.contact_id,
            columns.request,
            collected.c.attributes,
        )
        .select_from(contacts)
        .outerjoin(collected, theirs)
        .where(columns.campaign == campaign, columns.contact_id.is_not(None), ~started_later)
        .order_by(
            columns.id,
            collected.c.contact_id != columns.contact_id,
            collected.c.started_at.is_(None),
            collected.c.started_at,
            collected.c.contact_id,
        )
    )
