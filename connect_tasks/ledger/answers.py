"""Answers: what was said in a campaign's chats, and what their flows stored, customer by customer.

The rules of this file:

- A customer's contacts stand together, the generations in their order, and whichever followed from
  one (a transfer, a survey after the end) after it.
- Nothing is held in memory: a campaign may have millions of items.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from connect_tasks.chat.dialogue import EndReason
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
        return self._stream(_said(campaign))

    def attributes(self, campaign: str) -> Iterator[Mapping[str, Any]]:
        """What is known of the attributes of each customer's contact that was started last.

        Args:
            campaign: The campaign's name, as it was entered.

        Yields:
            customer_id and contact_id; request: as it was sent, as JSON; stored: one mapping for
            each contact that Amazon told of, those that followed after the customer's own.
        """
        rows = self._stream(_stored(campaign))
        for _, theirs in groupby(rows, key=lambda row: row["id"]):
            told = list(theirs)
            stored = [row["attributes"] for row in told if row["attributes"]]
            yield {**told[0], "stored": stored}

    def _stream(self, query: sa.Select[Any]) -> Iterator[Mapping[str, Any]]:
        with self._reading() as connection:
            for row in connection.execute(query).yield_per(_PIECE).mappings():
                yield {str(name): value for name, value in row.items()}


def _said(campaign: str) -> sa.Select[Any]:
    own = _placed(campaign)
    follows = sa.and_(
        collected.c.campaign == items.c.campaign, collected.c.contact_id == items.c.contact_id
    )
    first = sa.func.coalesce(collected.c.initial_contact_id, items.c.contact_id)
    is_own = items.c.contact_id == own.c.contact_id
    # What our side knows of an end concerns the contact that it held.
    ended = sa.case((collected.c.ended_at.is_not(None), EndReason.CHAT_ENDED.value))
    return (
        sa.select(
            own.c.customer_id,
            items.c.contact_id,
            items.c.absolute_time,
            items.c.participant_role,
            items.c.display_name,
            items.c.type,
            items.c.content_type,
            items.c.content,
            sa.case((is_own, own.c.end_reason), else_=ended).label("end_reason"),
            collected.c.disconnect_reason,
        )
        .select_from(items)
        .outerjoin(collected, follows)
        .join(own, own.c.contact_id == first)
        .where(items.c.campaign == campaign, items.c.type.in_(["MESSAGE", "ATTACHMENT"]))
        .order_by(
            own.c.place,
            own.c.id,
            ~is_own,
            *_in_order_of_start(),
            items.c.contact_id,
            items.c.absolute_time,
            items.c.message_id,
        )
    )


def _placed(campaign: str) -> sa.Subquery:
    """The campaign's contacts, each with the place of its customer in the order of planning."""
    columns = contacts.c
    place = sa.func.min(columns.id).over(partition_by=columns.customer_key).label("place")
    of_chats = (columns.id, columns.contact_id, columns.customer_id, columns.end_reason)
    # A contact without chat may still say where its customer stands.
    return sa.select(*of_chats, place).where(columns.campaign == campaign).subquery()


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
            *_in_order_of_start(),
            collected.c.contact_id,
        )
    )


def _in_order_of_start() -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    # The databases disagree about where what is missing stands.
    return collected.c.started_at.is_(None), collected.c.started_at
