"""Hashed customers: what stands for a customer in `suppressions`, and finding many by it."""

import hmac
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.keys import is_whole, legacy_id
from connect_tasks.ledger.many_values import among, given
from connect_tasks.ledger.schema import suppressions

__all__ = ["customer_hash", "hashes_of", "of_hashes"]

_FLOAT = legacy_id("")
_WANTED = ("customer_hash", "list", "reason", "source", "added_at", "expires_at")


def customer_hash(hash_key: str, customer_key: str) -> str:
    """What stands for a customer in `suppressions`: HMAC-SHA256, in hex.

    Args:
        hash_key: The ledger's own.
        customer_key: The customer's `canonical_key`.

    Example:
        >>> customer_hash("k", "42") == customer_hash("k", "42.0") != customer_hash("k", "42.00")
        True
    """
    return _hash(hash_key.encode(), customer_key)


def hashes_of(hash_key: str, customer_keys: Iterable[str]) -> dict[str, str]:
    """The same of many customers, by their keys."""
    key = hash_key.encode()
    return {one: _hash(key, one) for one in customer_keys}


def _hash(key: bytes, customer_key: str) -> str:
    name = customer_key
    if name.endswith(_FLOAT) and is_whole(name.removesuffix(_FLOAT)):
        name = name.removesuffix(_FLOAT)
    return hmac.digest(key, name.encode(errors="surrogatepass"), "sha256").hex()


def of_hashes(
    hashes: Collection[str], dialect: str, *where: sa.ColumnElement[bool]
) -> sa.Select[tuple[Any, ...]]:
    """A query of suppressions by their hashes, some thousands, one by one in the table's key.

    Args:
        hashes: Of which customers.
        dialect: Of the database.
        where: Which of theirs.
    """
    columns = [suppressions.c[name] for name in _WANTED]
    key = suppressions.c.customer_hash
    if dialect == "sqlite":
        return sa.select(*columns).where(among(key, hashes, dialect), *where)
    # PostgreSQL would rather read the whole table than look for thousands in its key. The offset
    # keeps it from joining the two in another way.
    wanted = given(hashes, dialect)
    theirs = sa.select(*columns).where(key == wanted.c.value, *where).offset(0).lateral("theirs")
    return sa.select(*theirs.c).select_from(wanted.join(theirs, sa.true()))
