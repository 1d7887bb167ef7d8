"""Invitations: the links of a campaign's customers, issued once, prolonged and revoked.

The rules of this file:

- A customer has one link in a campaign, whatever is issued again; of its token the table has a
  hash. Whether it opens anything is decided by what became of the customer, at each press.
- Whom nobody is to reach gets none: who was taken out or forgotten, or whose conversation is over.
- What a person revoked stays so. A link whose key is gone is no link: its customer gets another.
- Contacts are locked before links, in the order of their numbers, and links in that of their
  customers, so that nobody waits for another in a circle; and a customer who is being forgotten
  is waited for, so that nothing of them is written after that.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.ledger import counts
from connect_tasks.ledger.database import insert_into
from connect_tasks.ledger.next_chats import count_chats
from connect_tasks.ledger.schema import campaigns, contacts, invitations
from connect_tasks.ledger.standing import Standing, unreachable

__all__ = ["MOST_LINKS", "Invitations", "Link"]


MOST_LINKS = 10_000
"""How many links are issued at a time; a database takes no more names in one question."""

_Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]
_Row: TypeAlias = Mapping[Any, Any]

_COLUMNS = invitations.c
_THEIRS = (
    _COLUMNS.campaign == sa.bindparam("of_campaign"),
    _COLUMNS.customer_key == sa.bindparam("theirs"),
    _COLUMNS.revoked_at.is_(None),
)
_PROLONG = (
    sa.update(invitations)
    .where(*_THEIRS)
    .values(expires_at=sa.bindparam("until", type_=_COLUMNS.expires_at.type))
)
_RENEW = (
    sa.update(invitations)
    .where(*_THEIRS, _COLUMNS.key_id == sa.bindparam("of_key"))
    .values(
        token_hash=sa.bindparam("new_hash"),
        key_id=sa.bindparam("new_key"),
        issued_at=sa.bindparam("at", type_=_COLUMNS.issued_at.type),
        expires_at=sa.bindparam("until", type_=_COLUMNS.expires_at.type),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link as it can be kept: whose it is, the hash of its token, and which key made it."""

    customer_key: str
    token_hash: str
    key_id: str


class Invitations:
    """The links in a ledger. Each method is one transaction; safe to use from many threads.

    Args:
        reading: Opens a connection for questions.
        writing: Opens one whose transaction is on disk when the block ends.
    """

    def __init__(self, reading: _Connect, writing: _Connect) -> None:
        self._reading = reading
        self._writing = writing

    def issue(
        self,
        campaign: str,
        links: Sequence[Link],
        *,
        key_ids: Collection[str],
        now: datetime,
        expires_after: timedelta,
    ) -> dict[str, Standing]:
        """Issue links to customers who have none; those who have keep it, with a new end.

        A second call with the same values changes nothing. Two at the same time issue each link
        once.

        Args:
            campaign: Its name in the ledger.
            links: One for each customer, `MOST_LINKS` at most.
            key_ids: The keys that there are: a link of another one is replaced.
            now: The present time.
            expires_after: How long a link works, from when it was issued.

        Returns:
            How each customer stands now, by their key.
        """
        ordered = sorted(links, key=lambda link: link.customer_key)
        keys = [link.customer_key for link in ordered]
        with self._writing() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            latest = _locked_contacts(connection, campaign, keys)
            there = _links_of(connection, campaign, keys)
            issue = _Issue(campaign, latest, there, frozenset(key_ids), now, expires_after)
            standings = {link.customer_key: issue.look(link) for link in ordered}
            issue.write(connection)
        return standings

    def revoke(self, campaign: str, customer_keys: Sequence[str], *, now: datetime) -> int:
        """Make links open nothing any more, for good. Again, it changes nothing.

        Args:
            campaign: Its name in the ledger.
            customer_keys: Whose links.
            now: The present time.

        Returns:
            How many were revoked; the others were before, or were never issued.
        """
        values = [{"of_campaign": campaign, "theirs": key} for key in sorted(set(customer_keys))]
        if not values:
            return 0
        with self._writing() as connection:
            update = sa.update(invitations).where(*_THEIRS).values(revoked_at=now)
            return connection.execute(update, values).rowcount

    def records(self, campaign: str) -> Iterator[Mapping[str, Any]]:
        """All links of a campaign in the order of planning, with what became of their customers.

        Each has the columns of `invitations`; contact_id, status, error_code and generation of the
        customer's latest contact; and how many chats of theirs were made.
        """
        query = _with_contacts(campaign).order_by(contacts.c.id, _COLUMNS.customer_key)
        with self._reading() as connection:
            for row in connection.execute(query).yield_per(1_000).mappings():
                yield {str(name): value for name, value in row.items()}

    def records_of(self, campaign: str, customer_keys: Sequence[str]) -> dict[str, _Row]:
        """The same of some customers (`MOST_LINKS` at most), by their keys."""
        query = _with_contacts(campaign).where(_COLUMNS.customer_key.in_(customer_keys))
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["customer_key"]: row for row in rows}

    def base_url(self, campaign: str) -> str | None:
        """What the campaign's links begin with, as it was said last."""
        query = sa.select(campaigns.c.base_url).where(campaigns.c.campaign == campaign)
        with self._reading() as connection:
            return connection.scalar(query)

    def set_base_url(self, campaign: str, base_url: str) -> None:
        """Say what the campaign's links begin with, those that were issued before too."""
        update = sa.update(campaigns).where(campaigns.c.campaign == campaign)
        with self._writing() as connection:
            connection.execute(update.values(base_url=base_url))


class _Issue:
    """One call of `issue`: what is there, what is to be written."""

    def __init__(
        self,
        campaign: str,
        latest: Mapping[str, _Row],
        there: Mapping[str, _Row],
        key_ids: frozenset[str],
        now: datetime,
        expires_after: timedelta,
    ) -> None:
        self._campaign, self._latest, self._there = campaign, latest, there
        self._key_ids, self._now, self._expires_after = key_ids, now, expires_after
        self._new: list[dict[str, Any]] = []
        self._renewed: list[dict[str, Any]] = []
        self._prolonged: list[dict[str, Any]] = []

    def look(self, link: Link) -> Standing:
        """How the customer of a link stands, noting what is to be written for it."""
        contact = self._latest.get(link.customer_key)
        known = self._there.get(link.customer_key)
        if known is not None and known["revoked_at"] is not None:
            return Standing.REVOKED
        if standing := unreachable(contact, known["taken_out"] if known else None):
            return standing
        if known is None:
            self._new.append(self._issued(link, contact))
            return Standing.NEW
        if known["key_id"] not in self._key_ids:
            self._renewed.append(self._renewal(link, known))
            return Standing.RENEWED
        until = known["issued_at"] + self._expires_after
        if until != known["expires_at"]:
            self._prolonged.append(self._named(link, until=until))
        return Standing.KEPT if self._now < until else Standing.EXPIRED

    def write(self, connection: sa.Connection) -> None:
        """Write what was noted; new ones first, as two calls at a time must in one order."""
        if self._new:
            insert = insert_into(invitations, connection.dialect.name).on_conflict_do_nothing()
            connection.execute(insert, self._new)
        if self._renewed:
            connection.execute(_RENEW, self._renewed)
        if self._prolonged:
            connection.execute(_PROLONG, self._prolonged)

    def _issued(self, link: Link, contact: _Row | None) -> dict[str, Any]:
        return {
            "token_hash": link.token_hash,
            "campaign": self._campaign,
            "customer_id": contact["customer_id"] if contact else link.customer_key,
            "customer_key": link.customer_key,
            "key_id": link.key_id,
            "issued_at": self._now,
            "expires_at": self._now + self._expires_after,
        }

    def _renewal(self, link: Link, known: _Row) -> dict[str, Any]:
        new = {"new_hash": link.token_hash, "new_key": link.key_id, "of_key": known["key_id"]}
        until = self._now + self._expires_after
        return self._named(link, **new, at=self._now, until=until)

    def _named(self, link: Link, **values: Any) -> dict[str, Any]:
        return {"of_campaign": self._campaign, "theirs": link.customer_key, **values}


def _locked_contacts(
    connection: sa.Connection, campaign: str, customer_keys: Sequence[str]
) -> dict[str, _Row]:
    """Each customer's latest contact; nobody takes one out until the transaction ends."""
    names = ("customer_id", "customer_key", "generation", "status", "error_code", "contact_id")
    query = (
        sa.select(*(contacts.c[name] for name in names))
        .where(contacts.c.campaign == campaign, contacts.c.customer_key.in_(customer_keys))
        .order_by(contacts.c.id)
        .with_for_update(read=True, key_share=True)
    )
    latest: dict[str, _Row] = {}
    chats: Counter[str] = Counter()
    for row in connection.execute(query).mappings():
        key = row["customer_key"]
        chats[key] += row["contact_id"] is not None
        if key not in latest or latest[key]["generation"] < row["generation"]:
            latest[key] = row
    return {key: {**row, "chats": chats[key]} for key, row in latest.items()}


def _links_of(
    connection: sa.Connection, campaign: str, customer_keys: Sequence[str]
) -> dict[str, _Row]:
    names = ("customer_key", "key_id", "issued_at", "expires_at", "revoked_at", "taken_out")
    query = sa.select(*(_COLUMNS[name] for name in names)).where(
        _COLUMNS.campaign == campaign, _COLUMNS.customer_key.in_(customer_keys)
    )
    return {row["customer_key"]: row for row in connection.execute(query).mappings()}


def _with_contacts(campaign: str) -> sa.Select[Any]:
    of_contact = ("contact_id", "status", "error_code", "generation")
    theirs = (
        contacts.c.campaign == _COLUMNS.campaign,
        contacts.c.customer_key == _COLUMNS.customer_key,
        counts.is_latest(),
    )
    return (
        sa.select(
            invitations, *(contacts.c[name] for name in of_contact), count_chats().label("chats")
        )
        .select_from(invitations)
        .outerjoin(contacts, sa.and_(*theirs))
        .where(_COLUMNS.campaign == campaign)
    )
