"""Unnaming: customers' ids taken out of suppressions and decisions; that there were some stays.

The rules of this file:

- Each function works in the transaction in which `redaction` takes the customers' contacts out,
  after that: what others still say of them is looked up without these contacts.
- A suppression goes on under its hash, and holds for whoever is named so later. Its id stays as
  long as another campaign knows the customer by it.
- In a decision stands what stands in the contact: the same hash for a customer of a campaign.
"""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from connect_tasks.ledger.hashed_customers import hashes_of, of_hashes
from connect_tasks.ledger.schema import campaigns, contacts, decisions, ledger, suppressions

__all__ = [
    "is_suppressed",
    "named_decisions",
    "unname_decisions",
    "unname_suppressions",
]

_UNNAME_DECISIONS = (
    sa.update(decisions)
    .where(
        decisions.c.campaign == sa.bindparam("of_campaign"),
        decisions.c.customer_key == sa.bindparam("theirs"),
    )
    .values(customer_id=sa.bindparam("hash"), customer_key=sa.bindparam("hash"))
)


def unname_decisions(connection: sa.Connection, campaign: str, names: Mapping[str, str]) -> None:
    """Put another name in the place of customers in what was decided about them in a campaign.

    Args:
        connection: In the transaction.
        campaign: Whose decisions.
        names: What stands for each customer from now on, by their key.
    """
    values = [{"of_campaign": campaign, "theirs": key, "hash": name} for key, name in names.items()]
    if values and _is_any(connection, decisions):
        connection.execute(_UNNAME_DECISIONS, values)


def named_decisions(
    connection: sa.Connection, campaign: str, forgotten: str, *, most: int
) -> dict[str, str]:
    """Customers in a campaign's decisions whom it has no contact of, and did not forget yet.

    Args:
        connection: In the transaction.
        campaign: Whose decisions.
        forgotten: How the names begin of those who were forgotten.
        most: The most customers.

    Returns:
        Their ids, by their keys.
    """
    theirs = (
        contacts.c.campaign == decisions.c.campaign,
        contacts.c.customer_key == decisions.c.customer_key,
    )
    query = (
        sa.select(decisions.c.customer_key, decisions.c.customer_id)
        .where(
            decisions.c.campaign == campaign,
            # What was decided about the campaign itself is of no customer.
            decisions.c.customer_key != "",
            decisions.c.customer_key.not_like(f"{forgotten}%"),
            ~sa.exists().where(*theirs),
        )
        .distinct()
        .limit(most)
    )
    return {row.customer_key: row.customer_id for row in connection.execute(query)}


def unname_suppressions(connection: sa.Connection, customer_keys: Collection[str]) -> int:
    """Take ids, and where they came from, out of suppressions of customers whom nobody knows now.

    Args:
        connection: In the transaction.
        customer_keys: Whose; some thousands at most.

    Returns:
        How many suppressions have lost their id.
    """
    if not customer_keys or not _is_any(connection, suppressions):
        return 0
    hashes = _hashes(connection, customer_keys)
    is_named = suppressions.c.customer_id.is_not(None)
    query = of_hashes(set(hashes.values()), connection.dialect.name, is_named)
    named = {row.customer_hash for row in connection.execute(query)}
    # Two keys may be one customer's: see `customer_hash`.
    theirs = [key for key in hashes if hashes[key] in named]
    gone = named - {hashes[key] for key in _still_known(connection, theirs)}
    update = sa.update(suppressions).where(suppressions.c.customer_hash.in_(gone), is_named)
    return connection.execute(update.values(customer_id=None, source="")).rowcount if gone else 0


def is_suppressed(connection: sa.Connection, customer_keys: Collection[str]) -> bool:
    """Whether any of these customers is or was on a list, by whichever name."""
    theirs = suppressions.c.customer_hash.in_(_hashes(connection, customer_keys).values())
    return connection.scalar(sa.select(sa.literal(1)).where(theirs).limit(1)) is not None


def _still_known(connection: sa.Connection, customer_keys: Collection[str]) -> set[str]:
    """Those of whom any campaign has a contact that still bears their name."""
    # Campaign by campaign, as the index has them.
    query = sa.select(contacts.c.customer_key).where(
        contacts.c.campaign.in_(sa.select(campaigns.c.campaign)),
        contacts.c.customer_key.in_(customer_keys),
    )
    return set(connection.scalars(query))


def _hashes(connection: sa.Connection, customer_keys: Collection[str]) -> dict[str, str]:
    return hashes_of(str(connection.scalar(sa.select(ledger.c.hash_key))), customer_keys)


def _is_any(connection: sa.Connection, table: sa.Table) -> bool:
    return connection.scalar(sa.select(sa.literal(1)).select_from(table).limit(1)) is not None
