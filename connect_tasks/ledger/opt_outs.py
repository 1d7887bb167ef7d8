"""Opt-outs in what people said: written with the items in which they stand, or not at all.

The rules of this file:

- Only people opt out: in a simulation our side says all, and what our request says for a person
  (its initial message) nobody said.
- An opt-out counts from when it was said. Read again, it is on record already; a person who took it
  away later than that has the last word.
- Nothing is written of a customer who was forgotten in the meantime.
- What is on record already is looked through when a campaign's words change, and once in a ledger
  of an earlier version, which looked for none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.aws.transcript import Item
from connect_tasks.ledger.changes import Heard
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.openings import opening_of
from connect_tasks.ledger.schema import campaigns, collected, contacts, items
from connect_tasks.ledger.suppressions import add_suppressions
from connect_tasks.ledger.verdicts import Suppression

__all__ = ["BY_WORD", "FindOptOuts", "OptOut", "OptOuts", "note_heard", "note_opt_outs"]

_Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]

BY_WORD = "word"
"""The reason of a suppression that somebody asked for in a chat."""

_OF_ITEM = (
    *("message_id", "absolute_time", "type", "content_type", "content"),
    *("participant_role", "participant_id", "display_name"),
)


@dataclass(frozen=True, slots=True)
class OptOut:
    """That a customer said they want no more of this.

    Args:
        message_id: In which message.
        said_at: When.
        list: Of what they want no more: the list on which they are put.
    """

    message_id: str
    said_at: datetime
    list: str


FindOptOuts: TypeAlias = Callable[[Mapping[str, Any] | None, Sequence[Item]], Sequence[OptOut]]
"""Finds them in items of one chat, in order of time, by the policy of its campaign as stored."""


class OptOuts:
    """Opt-outs in what a ledger has on record. Safe to use from many threads.

    Args:
        reading: Opens a connection for questions.
        writing: Opens one whose transaction is on disk when the block ends.
    """

    def __init__(self, reading: _Connect, writing: _Connect) -> None:
        self._reading = reading
        self._writing = writing

    def look_through(self, campaign: str, find: FindOptOuts, *, words: str) -> int:
        """Look through all that was said in a campaign, unless that was done with these words.

        Nothing of it is held in memory. A second call does nothing; killed, the next one does all
        of it, and writes nothing twice.

        Args:
            campaign: Its name, as it was entered.
            find: Which items are opt-outs.
            words: By which words, as `find` calls them.

        Returns:
            How many lists customers are on by this, on which they were not.
        """
        with self._reading() as connection:
            here = campaigns.c.campaign == campaign
            columns = (campaigns.c.looked_for, campaigns.c.policy, campaigns.c.mode)
            done, policy, mode = connection.execute(sa.select(*columns).where(here)).one()
        if done == words or mode == CampaignMode.SIMULATION:
            return 0
        new = sum(self._note(chat, find) for chat in self._chats(campaign) if find(policy, chat[2]))
        with self._writing() as connection:
            connection.execute(sa.update(campaigns).where(here).values(looked_for=words))
        return new

    def _note(self, chat: tuple[int, str, Sequence[Item]], find: FindOptOuts) -> int:
        key, customer_id, found = chat
        with self._writing() as connection:
            lock = sa.update(contacts).where(contacts.c.id == key)
            # It changes nothing, and whoever forgets the customer waits.
            connection.execute(lock.values(customer_key=contacts.c.customer_key))
            return note_opt_outs(connection, key, customer_id, found, find)

    def _chats(self, campaign: str) -> Iterator[tuple[int, str, Sequence[Item]]]:
        with self._reading() as connection:
            rows = connection.execute(_on_record(campaign)).yield_per(1_000).mappings()
            for (key, customer_id, _), chat in groupby(rows, key=_whose):
                yield key, customer_id, [_item(row) for row in chat]


def note_heard(connection: sa.Connection, changes: Iterable[object], find: FindOptOuts) -> None:
    """Note the opt-outs in what was heard (`Heard`), in the transaction that stores it."""
    for change in changes:
        if isinstance(change, Heard):
            contact = change.contact
            note_opt_outs(connection, contact.id, contact.customer_id, change.items, find)


def note_opt_outs(
    connection: sa.Connection,
    contact_key: int,
    customer_id: str,
    found: Sequence[Item],
    find: FindOptOuts,
) -> int:
    """Put a customer on the list that they asked for, in the transaction that stores the items.

    A second call with the same items changes nothing.

    Args:
        connection: In a transaction, in which the items were written.
        contact_key: The ledger's number of the customer's own contact.
        customer_id: Whose it must be still.
        found: The items, in order of time.
        find: Which of them are opt-outs.

    Returns:
        How many lists the customer is on by this, on which they were not.
    """
    if not any(item.is_ours and item.type == "MESSAGE" for item in found):
        return 0
    query = _contact(contact_key, customer_id, connection.dialect.name)
    contact = connection.execute(query).mappings().one_or_none()
    if contact is None or not (opt_outs := find(contact["policy"], found)):
        return 0
    entries = [
        (customer_id, Suppression(one.list, BY_WORD, one.message_id, one.said_at))
        for one in opt_outs
        if not _is_opening(connection, contact, one)
    ]
    return add_suppressions(connection, entries, was_said=True)


def _on_record(campaign: str) -> sa.Select[Any]:
    """What customers said, and what offered them a choice, chat by chat in order of time."""
    follows = sa.and_(
        collected.c.campaign == items.c.campaign, collected.c.contact_id == items.c.contact_id
    )
    first = sa.func.coalesce(collected.c.initial_contact_id, items.c.contact_id)
    is_customers = items.c.participant_role == "CUSTOMER"
    return (
        sa.select(items, contacts.c.id.label("key"))
        .outerjoin(collected, follows)
        .join(contacts, sa.and_(contacts.c.campaign == campaign, contacts.c.contact_id == first))
        .where(
            items.c.campaign == campaign,
            items.c.type == "MESSAGE",
            sa.or_(is_customers, items.c.content_type.not_in(["text/plain", "text/markdown"])),
        )
        .order_by(contacts.c.id, items.c.contact_id, items.c.absolute_time, items.c.message_id)
    )


def _whose(row: Mapping[Any, Any]) -> tuple[int, str, str]:
    return row["key"], row["customer_id"], row["contact_id"]


def _item(row: Mapping[Any, Any]) -> Item:
    return Item(**{name: row[name] for name in _OF_ITEM})


def _contact(contact_key: int, customer_id: str, dialect: str) -> sa.Select[Any]:
    """A person's contact, if it is still theirs."""
    opening = opening_of(contacts.c, dialect).label("opening")
    return (
        sa.select(contacts.c.campaign, contacts.c.contact_id, campaigns.c.policy, opening)
        .join(campaigns, campaigns.c.campaign == contacts.c.campaign)
        .where(
            contacts.c.id == contact_key,
            contacts.c.customer_id == customer_id,
            campaigns.c.mode != CampaignMode.SIMULATION,
        )
    )


def _is_opening(connection: sa.Connection, contact: Mapping[Any, Any], one: OptOut) -> bool:
    """Whether it is what our request said for them: the first that a customer says in a chat."""
    if contact["opening"] is None:
        return False
    query = (
        sa.select(items.c.message_id, items.c.content)
        .where(
            items.c.campaign == contact["campaign"],
            items.c.contact_id == contact["contact_id"],
            items.c.participant_role == "CUSTOMER",
            items.c.type.in_(["MESSAGE", "ATTACHMENT"]),
        )
        .order_by(items.c.absolute_time, items.c.message_id)
        .limit(1)
    )
    first = connection.execute(query).one_or_none()
    return first is not None and tuple(first) == (one.message_id, contact["opening"])
