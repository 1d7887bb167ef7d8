"""Customers: finding those of a campaign by whatever they are called, in pieces of a table.

The rules of this file:

- Customers are compared by their key. Who is asked for in two forms is found in both.
- An earlier version called the number 1 `1.0` where its column held a gap. Where a campaign holds
  such ids, a whole number that is not in it is looked for by that, too.
- Who was forgotten has no id any more: a hash of how they were called then stands for it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.ledger import redaction
from connect_tasks.ledger.keys import is_whole, legacy_id
from connect_tasks.ledger.many_values import among
from connect_tasks.ledger.schema import contacts

__all__ = [
    "KNOWN_COLUMNS",
    "Rows",
    "find",
    "holds_floats",
    "holds_forgotten",
]

Rows: TypeAlias = dict[str, Mapping[Any, Any]]

KNOWN_COLUMNS = [
    contacts.c[name]
    for name in (
        "customer_id",
        "customer_key",
        "generation",
        "status",
        "client_token",
        "fingerprint",
        "messages",
        "error_code",
        "time_zone",
        "variant",
        "planned_at",
    )
]


def find(
    connection: sa.Connection,
    campaign: str,
    customer_ids: Sequence[str],
    columns: Sequence[sa.ColumnElement[Any]],
    *,
    has_floats: bool,
    forgotten: bool,
) -> Rows:
    """The latest contact of each customer, by the id that was asked for.

    Args:
        connection: To the ledger.
        campaign: Whose customers.
        customer_ids: Some thousands at most.
        columns: What to read, `customer_key` and `generation` among it.
        has_floats: What `holds_floats` says of the campaign.
        forgotten: Whether customers who were forgotten since are looked for, too.
    """
    names = _by_key(customer_ids)
    found = _by_keys(connection, campaign, names, columns)
    numbers = {key: called for key, called in names.items() if is_whole(key)}
    missing = {legacy_id(key): called for key, called in numbers.items() if called[0] not in found}
    if missing and has_floats:
        found |= _by_keys(connection, campaign, missing, columns)
    if forgotten and (hashes := _by_hash(campaign, customer_ids, found)):
        found |= _by_keys(connection, campaign, hashes, columns)
    return found


def holds_floats(connection: sa.Connection, campaign: str) -> bool:
    """Whether an earlier version may have called a customer 1.0 whose number is 1."""
    return _holds(connection, campaign, legacy_id("%"))


def holds_forgotten(connection: sa.Connection, campaign: str) -> bool:
    """Whether a customer of the campaign was forgotten."""
    return _holds(connection, campaign, f"{redaction.FORGOTTEN}%")


def _by_key(customer_ids: Iterable[str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    for name in customer_ids:
        # What no database can hold is in none, and may not be asked for either.
        if not why_not_stored(name):
            names[canonical_key(name)].append(name)
    return names


def _by_hash(
    campaign: str, customer_ids: Iterable[str], found: Collection[str]
) -> dict[str, list[str]]:
    hashes: dict[str, list[str]] = defaultdict(list)
    for name in customer_ids:
        if name not in found:
            for word in redaction.forgotten_ids(campaign, name):
                hashes[word].append(name)
    return hashes


def _by_keys(
    connection: sa.Connection,
    campaign: str,
    names: Mapping[str, Sequence[str]],
    columns: Sequence[sa.ColumnElement[Any]],
) -> Rows:
    query = (
        sa.select(*columns)
        .where(
            contacts.c.campaign == campaign,
            among(contacts.c.customer_key, names, connection.dialect.name),
        )
        .order_by(contacts.c.generation)
    )
    rows = connection.execute(query).mappings().all()
    return {name: row for row in rows for name in names[row["customer_key"]]}


def _holds(connection: sa.Connection, campaign: str, like: str) -> bool:
    """Whether any key of the campaign is like this; the index alone tells."""
    key = contacts.c.customer_key
    query = sa.select(sa.literal(1)).where(contacts.c.campaign == campaign, key.like(like)).limit(1)
    return connection.scalar(query) is not None
