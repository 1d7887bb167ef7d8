"""Hashed customers: what stands for a customer in `suppressions`, and finding many by it."""

import hmac
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from connect_tasks.ledger.keys import is_whole, legacy_id
from connect_tasks.ledger.schema import suppressions

__all__ = ["customer_hash", "of_hashes"]

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
    whole = customer_key.removesuffix(_FLOAT)
    name = whole if is_whole(whole) else customer_key
    return hmac.digest(hash_key.encode(), name.encode(errors="surrogatepass"), "sha256").hex()


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
    if dialect == "sqlite":
        return sa.select(*columns).where(suppressions.c.customer_hash.in_(list(hashes)), *where)
    # PostgreSQL would rather read the whole table than look for thousands in its key. The offset
    # keeps it from joining the two in another way.
    given = sa.literal(list(hashes), postgresql.ARRAY(sa.Text))
    wanted = sa.func.unnest(given).table_valued("hash", name="wanted").render_derived()
    one = sa.select(*columns).where(suppressions.c.customer_hash == wanted.c.hash, *where)
    theirs = one.offset(0).lateral("theirs")
    return sa.select(*theirs.c).select_from(wanted.join(theirs, sa.true()))
