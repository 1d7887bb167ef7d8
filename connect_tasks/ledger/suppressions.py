"""Suppressions: whom nobody is to contact, by list; kept under a hash, whoever is forgotten.

The rules of this file:

- A customer is known by a hash of their key, made with the ledger's own key: who was forgotten is
  known when they are named again, and without the ledger nobody tells whom a hash stands for.
- What earlier versions called 42.0 is customer 42, as everywhere in the ledger.
- A suppression holds from when it was added until it ends or a person takes it away. That they did
  is remembered: what was said before does not bring it back.
"""

import hmac
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.keys import is_whole, legacy_id
from connect_tasks.ledger.schema import ledger, suppressions
from connect_tasks.ledger.verdicts import Suppression

__all__ = ["customer_hash", "in_force", "suppressions_of"]

_COLUMNS = suppressions.c
_FLOAT = legacy_id("")


def customer_hash(hash_key: str, customer_key: str) -> str:
    """What stands for a customer in `suppressions`: HMAC-SHA256, in hex.

    Args:
        hash_key: The ledger's own.
        customer_key: The customer's `canonical_key`.

    Example:
        >>> customer_hash("k", "42") == customer_hash("k", "42.0") != customer_hash("k", "42.00")
        True
    """
    whole = customer_key.removesuffix(_FLOAT)
    name = whole if is_whole(whole) else customer_key
    return hmac.digest(hash_key.encode(), name.encode(errors="surrogatepass"), "sha256").hex()


def in_force(now: datetime) -> sa.ColumnElement[bool]:
    """Suppressions that hold at a time: not ended (the end itself is after it), not taken away."""
    columns = suppressions.c
    lasts = sa.or_(columns.expires_at.is_(None), columns.expires_at > now)
    return sa.and_(lasts, is_there())


def is_there() -> sa.ColumnElement[bool]:
    """Suppressions that no person took away since they were added."""
    return sa.or_(_COLUMNS.removed_at.is_(None), _COLUMNS.removed_at < _COLUMNS.added_at)


def suppressions_of(
    connection: sa.Connection, customer_keys: Iterable[str], lists: Collection[str], now: datetime
) -> dict[str, tuple[Suppression, ...]]:
    """What of some lists is in force for each customer; those of whom nothing is are not in it.

    Where nobody is on these lists it costs one short question. Otherwise one more, by the table's
    key: it costs the same with a thousand suppressions and with millions.

    Args:
        connection: To the ledger.
        customer_keys: Whose; some thousands at most.
        lists: Which lists count.
        now: The present time.

    Returns:
        By key, as it was given; each customer's in the order of the lists' names.
    """
    keys = set(customer_keys)
    hash_key = _hash_key_if_any(connection, lists) if keys else None
    if hash_key is None:
        return {}
    names = defaultdict(list)
    for key in keys:
        names[customer_hash(hash_key, key)].append(key)
    rows = connection.execute(_of_hashes(names, lists, now)).mappings().all()
    found: dict[str, list[Suppression]] = defaultdict(list)
    # Sorted here: an order by would make SQLite walk through the lists instead.
    for row in sorted(rows, key=lambda row: str(row["list"])):
        for key in names[row["customer_hash"]]:
            found[key].append(_suppression(row))
    return {key: tuple(theirs) for key, theirs in found.items()}


def _hash_key_if_any(connection: sa.Connection, lists: Collection[str]) -> str | None:
    """The ledger's key, if there is anything on these lists."""
    anybody = sa.select(sa.literal(1)).where(_COLUMNS.list.in_(sorted(lists)))
    return connection.scalar(sa.select(ledger.c.hash_key).where(anybody.exists()))


def _of_hashes(
    hashes: Iterable[str], lists: Collection[str], now: datetime
) -> sa.Select[tuple[Any, ...]]:
    names = ("customer_hash", "list", "reason", "source", "added_at", "expires_at")
    return (
        sa.select(*(_COLUMNS[name] for name in names))
        .where(_COLUMNS.customer_hash.in_(list(hashes)), _COLUMNS.list.in_(sorted(lists)))
        .where(in_force(now))
    )


def _suppression(row: Mapping[Any, Any]) -> Suppression:
    names = ("list", "reason", "source", "added_at", "expires_at")
    return Suppression(**{name: row[name] for name in names})
