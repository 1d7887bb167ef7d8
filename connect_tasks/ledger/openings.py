"""Openings: the message that our request says for a person, and their own first one after it.

The rules of this file:

- `InitialMessage` stands in a chat as its customer's first message. Where a person has the chat
  they never said it: it is no reply, and answers nothing. In a simulation our side says all.
- It is known by its place and its text: only a customer's first message can be it. Whoever says
  the same again has said it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.schema import campaigns

__all__ = ["first_own", "opening_of", "without_openings"]

_CUSTOMER = "CUSTOMER"


def opening_of(own: Any, dialect: str) -> sa.ColumnElement[Any]:
    """What a contact's request says for its customer; NULL if nothing, or in a simulation.

    Args:
        own: The columns of `contacts`, or of an alias of it.
        dialect: Of the database.
    """
    by_our_side = sa.select(campaigns.c.campaign).where(campaigns.c.mode == CampaignMode.SIMULATION)
    if dialect == "postgresql":
        request = sa.cast(own.request, sa.JSON)
        said = sa.func.json_extract_path_text(request, "InitialMessage", "Content")
    else:
        said = sa.func.json_extract(own.request, "$.InitialMessage.Content")
    return sa.case((own.campaign.not_in(by_our_side), said))


def without_openings(rows: Iterable[Mapping[Any, Any]]) -> Iterator[dict[str, Any]]:
    """Items without those that no person said.

    Args:
        rows: By the names of the columns of `messages`, and `opening` of their contact. A
            contact's stand together and in order of time.
    """
    for _, chat in groupby(rows, key=lambda row: row["contact_id"]):
        is_first = True
        for row in chat:
            opening, item = row["opening"], {**row}
            del item["opening"]
            is_customers = row["participant_role"] == _CUSTOMER
            if not (is_first and is_customers and _is_opening(row, opening)):
                yield item
            is_first = is_first and not is_customers


def first_own(
    contact_id: str, opening: str | None, first: Sequence[Mapping[Any, Any]]
) -> datetime | None:
    """When a person said something themselves for the first time; None if they did not.

    Args:
        contact_id: Of the customer's own contact.
        opening: What its request said for them.
        first: The first two items that the customer said, by the columns of `messages`.
    """
    opens = bool(first) and first[0]["contact_id"] == contact_id and _is_opening(first[0], opening)
    own = first[1:] if opens else first
    return own[0]["absolute_time"] if own else None


def _is_opening(item: Mapping[Any, Any], opening: str | None) -> bool:
    is_message = opening is not None and item["type"] == "MESSAGE"
    return is_message and bool(item["content"] == opening)
