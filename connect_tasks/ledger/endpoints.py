"""Endpoints: the numbers at which a campaign contacts its customers, each one customer's only.

The rules of this file:

- Two customers with one number may be one person, who would be contacted twice. So the number is
  the first one's, whatever came of them. Only who was taken out for a wrong row gives it back:
  nobody has contacted them, and the row may have been wrong in that.
- It is looked for in the transaction that writes, with other writers locked out: of two tables that
  are entered at the same time, one finds what the other wrote.
- Of a number there is a hash under the ledger's own key, and nothing else. It stays when a customer
  is forgotten, so that the same number is not contacted again under another name.
"""

import hmac
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from connect_tasks.ledger.changes import Planned
from connect_tasks.ledger.contact import Status, Withdrawal
from connect_tasks.ledger.schema import contacts, ledger

__all__ = ["endpoint_hash", "hashed", "hashes", "taken"]

_PIECE = 2_000


def endpoint_hash(hash_key: str, campaign: str, endpoint: str) -> str:
    """What stands for a number in `contacts`: HMAC-SHA256, in hex.

    Args:
        hash_key: The ledger's own.
        campaign: Whose customer it is: who was forgotten in one is not found by another.
        endpoint: The number as it is contacted.

    Example:
        >>> endpoint_hash("k", "a", "+4930123456") == endpoint_hash("k", "b", "+4930123456")
        False
    """
    # A number has no bar in it, so that no other campaign and number come to the same.
    text = f"endpoint|{campaign}|{endpoint}"
    return hmac.digest(hash_key.encode(), text.encode(), "sha256").hex()


def hashes(connection: sa.Connection, campaign: str, numbers: Mapping[str, str]) -> dict[str, str]:
    """The hashes of a campaign's numbers, by whatever they are of."""
    key = str(connection.scalar(sa.select(ledger.c.hash_key)))
    return {name: endpoint_hash(key, campaign, number) for name, number in numbers.items()}


def hashed(connection: sa.Connection, campaign: str, rows: Sequence[Planned]) -> Sequence[Planned]:
    """The same rows, with the hash of each number in its place; as they are if there are none."""
    numbers = {row.client_token: row.endpoint for row in rows if row.endpoint is not None}
    if not numbers:
        return rows
    theirs = hashes(connection, campaign, numbers)
    return [replace(row, endpoint=theirs.get(row.client_token)) for row in rows]


def taken(connection: sa.Connection, campaign: str, endpoints: Mapping[str, str]) -> set[str]:
    """Which customers want a number that is another customer's of the campaign.

    Who gives theirs up with the same rows, not being contacted yet, is in nobody's way: numbers may
    be exchanged.

    Args:
        connection: In the transaction that writes, with other writers locked out.
        campaign: Whose customers.
        endpoints: The numbers that they are to have, as `endpoint_hash` makes them, by their keys;
            each once.
    """
    owners = _owners(connection, campaign, set(endpoints.values()))
    found: set[str] = set()
    while True:
        stay = {
            key
            for key, endpoint in endpoints.items()
            if any(
                owner.key != key and _keeps(owner, endpoint, endpoints, found)
                for owner in owners[endpoint]
            )
        }
        if stay == found:
            return found
        # Who is refused keeps what they have, which may be what somebody else wants.
        found = stay


@dataclass(frozen=True, slots=True)
class _Owner:
    key: str
    may_change: bool


def _owners(
    connection: sa.Connection, campaign: str, endpoints: Collection[str]
) -> Mapping[str, set[_Owner]]:
    columns, wanted = contacts.c, list(endpoints)
    owners: dict[str, set[_Owner]] = defaultdict(set)
    for start in range(0, len(wanted), _PIECE):
        some = wanted[start : start + _PIECE]
        query = sa.select(columns.endpoint, columns.customer_key, columns.status).where(
            columns.campaign == campaign, columns.endpoint.in_(some), _is_kept()
        )
        for endpoint, key, status in connection.execute(query):
            owners[endpoint].add(_Owner(key, status == Status.PLANNED))
    return owners


def _keeps(
    owner: _Owner, endpoint: str, endpoints: Mapping[str, str], refused: Collection[str]
) -> bool:
    is_let_go = owner.may_change and endpoints.get(owner.key, endpoint) != endpoint
    return not is_let_go or owner.key in refused


def _is_kept() -> sa.ColumnElement[bool]:
    columns = contacts.c
    why = sa.func.coalesce(columns.error_code, "")
    return sa.not_(sa.and_(columns.status == Status.FAILED, why == Withdrawal.BY_TABLE))
