"""Counting lists: which suppression lists count for a campaign's links, and who is on them.

The rules of this file:

- A list counts if the campaign's policy names it; `all` counts always.
- At a press they count as they are then. A link is not sent if they will count when it may be.
- At a press it is two short questions at most for many customers, the same whether any of them is
  on a list, or is a customer.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.ledger.contact import Contact
from connect_tasks.ledger.schema import campaigns
from connect_tasks.ledger.suppression_lists import ALL
from connect_tasks.ledger.suppressions import suppressions_of
from connect_tasks.ledger.verdicts import Suppression

__all__ = [
    "COUNTING",
    "counting_lists",
    "in_force_when_sent",
    "lists_in_force",
    "lists_of_campaigns",
    "opted_out",
]

COUNTING = campaigns.c.policy["suppression"]
"""What a campaign's policy says of lists, as `counting_lists` takes it."""

_OF_CAMPAIGNS = sa.select(campaigns.c.campaign, COUNTING).where(
    campaigns.c.campaign.in_(sa.bindparam("names", expanding=True))
)


def counting_lists(stored: Any) -> frozenset[str]:
    """The lists that count by a campaign's policy.

    Args:
        stored: What `COUNTING` has found; None without a policy.

    Example:
        >>> sorted(counting_lists(["marketing"])), sorted(counting_lists(None))
        (['all', 'marketing'], ['all'])
    """
    return frozenset((ALL, *(stored or ())))


def lists_of_campaigns(
    connection: sa.Connection, names: Collection[str]
) -> Mapping[str, frozenset[str]]:
    """The lists that count for campaigns, by their names as the ledger has them."""
    rows = connection.execute(_OF_CAMPAIGNS, {"names": list(names)})
    return {name: counting_lists(stored) for name, stored in rows}


def lists_in_force(
    connection: sa.Connection, customer_keys: Iterable[str], now: datetime
) -> Mapping[str, frozenset[str]]:
    """On which lists customers are, some thousands at most, by their keys; nobody is left out."""
    keys = list(customer_keys)
    found = suppressions_of(connection, keys, None, now)
    return {key: frozenset(one.list for one in found.get(key, ())) for key in keys}


def opted_out(connection: sa.Connection, of_people: Collection[Contact], now: datetime) -> set[int]:
    """The numbers of contacts whose customers are on a list that counts for their campaign."""
    counting = lists_of_campaigns(connection, {contact.campaign for contact in of_people})
    keys = {contact.id: canonical_key(contact.customer_id) for contact in of_people}
    on_lists = lists_in_force(connection, keys.values(), now)
    return {one.id for one in of_people if on_lists[keys[one.id]] & counting[one.campaign]}


def in_force_when_sent(
    found: Sequence[Suppression], not_before: datetime | None, now: datetime
) -> bool:
    """Whether one of these suppressions still holds when a link may be sent for the first time.

    Args:
        found: Those that hold now.
        not_before: From when on the link may be sent, if at all.
        now: The present time.
    """
    first = max(not_before or now, now)
    return any(one.expires_at is None or one.expires_at > first for one in found)
