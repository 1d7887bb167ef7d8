"""Opt-outs in what people said: written with the items in which they stand, or not at all.

The rules of this file:

- Only people opt out: in a simulation our side says all, and what our request says for a person
  (its initial message) nobody said.
- An opt-out counts from when it was said. Read again, it is on record already; a person who took it
  away later than that has the last word.
- Nothing is written of a customer who was forgotten in the meantime.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.aws.transcript import Item
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.openings import opening_of
from connect_tasks.ledger.schema import campaigns, contacts, items
from connect_tasks.ledger.suppressions import add_suppressions
from connect_tasks.ledger.verdicts import Suppression

__all__ = ["BY_WORD", "FindOptOuts", "OptOut", "note_opt_outs"]

BY_WORD = "word"
"""The reason of a suppression that somebody asked for in a chat."""


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
