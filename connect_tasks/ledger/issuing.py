"""Issuing: what one call gives customers a link by, and what is written for them.

The customers' contacts are locked, and their links were read after that. First each is looked at
by itself; then the policy is asked about those who are to get a link, or whose link waits to be
sent.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.counting_lists import in_force_when_sent
from connect_tasks.ledger.database import insert_into
from connect_tasks.ledger.link_windows import (
    TOO_LATE,
    LinkWindow,
    Recipient,
    judge_links,
)
from connect_tasks.ledger.schema import contacts, invitations
from connect_tasks.ledger.standing import Standing, standing_by_rule, standing_to_send, unreachable
from connect_tasks.ledger.suppressions import suppressions_of
from connect_tasks.ledger.verdicts import Customer, Judge, Verdict

__all__ = ["THEIRS", "Issue", "Link", "links_of", "locked_contacts"]

_Row = Mapping[Any, Any]

_COLUMNS = invitations.c
THEIRS = (
    _COLUMNS.campaign == sa.bindparam("of_campaign"),
    _COLUMNS.customer_key == sa.bindparam("theirs"),
    _COLUMNS.revoked_at.is_(None),
)
"""The link of a customer (`of_campaign`, `theirs`) that is not revoked."""

_WINDOW = {
    name: sa.bindparam(f"new_{name}", type_=_COLUMNS[name].type)
    for name in ("not_before", "not_after")
}
_PROLONG = (
    sa.update(invitations)
    .where(*THEIRS)
    .values(expires_at=sa.bindparam("until", type_=_COLUMNS.expires_at.type))
)
_MOVE = sa.update(invitations).where(*THEIRS).values(_WINDOW)
_RENEW = (
    sa.update(invitations)
    .where(*THEIRS, _COLUMNS.key_id == sa.bindparam("of_key"))
    .values(
        token_hash=sa.bindparam("new_hash"),
        key_id=sa.bindparam("new_key"),
        issued_at=sa.bindparam("at", type_=_COLUMNS.issued_at.type),
        expires_at=sa.bindparam("until", type_=_COLUMNS.expires_at.type),
        **_WINDOW,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link as it can be kept: whose it is, the hash of its token, and which key made it."""

    customer_key: str
    token_hash: str
    key_id: str


class Issue:
    """One call: what is there, what is to be written.

    Args:
        campaign: Its name in the ledger.
        latest: The customers' latest contacts, as `locked_contacts` has them.
        there: Their links, as `links_of` has them.
        key_ids: The keys that there are.
        now: The present time.
        expires_after: How long a link works.
    """

    def __init__(
        self,
        campaign: str,
        latest: Mapping[str, _Row],
        there: Mapping[str, _Row],
        key_ids: Collection[str],
        now: datetime,
        expires_after: timedelta,
    ) -> None:
        self._campaign, self._latest, self._there = campaign, latest, there
        self._key_ids, self._now, self._expires_after = frozenset(key_ids), now, expires_after
        self._new: dict[str, dict[str, Any]] = {}
        self._renewed: dict[str, dict[str, Any]] = {}
        self._kept: dict[str, datetime] = {}
        self._prolonged: list[dict[str, Any]] = []
        self._moved: list[dict[str, Any]] = []

    def look(self, link: Link) -> Standing:
        """How the customer of a link stands, noting what is to be written for it."""
        contact = self._latest.get(link.customer_key)
        known = self._there.get(link.customer_key)
        if known is not None and known["revoked_at"] is not None:
            return Standing.REVOKED
        if standing := unreachable(contact, known["taken_out"] if known else None):
            return standing
        if known is None:
            self._new[link.customer_key] = self._issued(link, contact)
            return Standing.NEW
        if known["key_id"] not in self._key_ids:
            self._renewed[link.customer_key] = self._renewal(link, known)
            return Standing.RENEWED
        until = known["issued_at"] + self._expires_after
        if until != known["expires_at"]:
            self._prolonged.append(self._named(link.customer_key, until=until))
        if self._now >= until:
            return Standing.EXPIRED
        self._kept[link.customer_key] = until
        return standing_to_send({**known, "expires_at": until}, self._now)

    def ask(self, connection: sa.Connection, judge: Judge) -> dict[str, Standing]:
        """Ask the policy; how those stand of whom it had something to say.

        Once, after all were looked at; in the transaction that `write` is called in.
        """
        opted_out = self._opted_out(connection, judge)
        unsent = self._to_be_judged_again()
        keys = (*self._new, *self._renewed, *sorted(unsent | opted_out))
        recipients = [self._recipient(key) for key in keys]
        said = judge_links(connection, judge, self._campaign, recipients, self._now)
        # What was given out stays as it is, also where they are back on a day.
        standings = dict.fromkeys(opted_out - unsent, Standing.OPTED_OUT)
        return standings | {
            key: self._heed(key, *one) for key, one in said.items() if key not in standings
        }

    def write(self, connection: sa.Connection) -> None:
        """Write what was noted; new ones first, as two calls at a time must in one order."""
        if self._new:
            insert = insert_into(invitations, connection.dialect.name).on_conflict_do_nothing()
            connection.execute(insert, list(self._new.values()))
        updates = ((_RENEW, [*self._renewed.values()]), (_PROLONG, self._prolonged))
        for update, values in (*updates, (_MOVE, self._moved)):
            if values:
                connection.execute(update, values)

    def _opted_out(self, connection: sa.Connection, judge: Judge) -> set[str]:
        """Who has a link that must not be sent, as they will be on a list then."""
        found = suppressions_of(connection, self._kept, judge.lists, self._now)
        return {
            key
            for key, theirs in found.items()
            if in_force_when_sent(theirs, self._there[key]["not_before"], self._now)
        }

    def _to_be_judged_again(self) -> set[str]:
        """Whose link is there and waits, and perhaps for another time than is said by now."""
        planned = [key for key in self._kept if self._latest[key]["status"] == Status.PLANNED]
        times = {key: self._there[key]["not_before"] for key in planned}
        return {key for key, first in times.items() if first is None or first > self._now}

    def _waiting(self, key: str) -> LinkWindow | None:
        """Between when a link is to be sent that is there, and that nobody may have sent yet."""
        known = self._there.get(key)
        first = known["not_before"] if known else None
        if known is None or first is None or first <= self._now:
            return None
        return LinkWindow(first, known["not_after"])

    def _recipient(self, key: str) -> Recipient:
        contact = self._latest[key]
        return Recipient(
            customer=Customer(
                customer_key=key, planned_at=contact["planned_at"], time_zone=contact["time_zone"]
            ),
            customer_id=contact["customer_id"],
            contact=contact["id"],
            expires_at=self._kept.get(key, self._now + self._expires_after),
            waiting=self._waiting(key),
        )

    def _heed(self, key: str, verdict: Verdict, window: LinkWindow | None) -> Standing:
        """Note what the policy said of a customer's link; how they stand by that."""
        if window is None:
            self._take_back(key)
            return _without_link(verdict)
        standing = Standing.KEPT
        if key in self._new:
            standing = Standing.NEW
            self._new[key] |= _columns(window)
        elif key in self._renewed:
            standing = Standing.RENEWED
            self._renewed[key] |= _to_write(window)
        elif window != self._waiting(key):
            self._moved.append(self._named(key, **_to_write(window)))
        return Standing.DEFERRED if window.not_before > self._now else standing

    def _take_back(self, key: str) -> None:
        """Give no link; one that is there and waits to be sent is none that was given out."""
        self._new.pop(key, None)
        self._renewed.pop(key, None)
        if self._waiting(key):
            self._moved.append(self._named(key, **_to_write(None)))

    def _issued(self, link: Link, contact: _Row | None) -> dict[str, Any]:
        return {
            "token_hash": link.token_hash,
            "campaign": self._campaign,
            "customer_id": contact["customer_id"] if contact else link.customer_key,
            "customer_key": link.customer_key,
            "key_id": link.key_id,
            "issued_at": self._now,
            "expires_at": self._now + self._expires_after,
            **_columns(LinkWindow(self._now)),
        }

    def _renewal(self, link: Link, known: _Row) -> dict[str, Any]:
        new = {"new_hash": link.token_hash, "new_key": link.key_id, "of_key": known["key_id"]}
        times = {"at": self._now, "until": self._now + self._expires_after}
        return self._named(link.customer_key, **new, **times, **_to_write(LinkWindow(self._now)))

    def _named(self, key: str, **values: Any) -> dict[str, Any]:
        return {"of_campaign": self._campaign, "theirs": key, **values}


def locked_contacts(
    connection: sa.Connection, campaign: str, customer_keys: Sequence[str]
) -> dict[str, _Row]:
    """Each customer's latest contact; nobody takes one out until the transaction ends."""
    names = ("id", "customer_id", "customer_key", "generation", "status", "error_code")
    of_policy = ("planned_at", "time_zone")
    query = (
        sa.select(*(contacts.c[name] for name in (*names, "contact_id", *of_policy)))
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


def links_of(
    connection: sa.Connection, campaign: str, customer_keys: Sequence[str]
) -> dict[str, _Row]:
    """The customers' links."""
    names = ("customer_key", "key_id", "issued_at", "expires_at", "revoked_at", "taken_out")
    query = sa.select(*(_COLUMNS[name] for name in (*names, *_WINDOW))).where(
        _COLUMNS.campaign == campaign, _COLUMNS.customer_key.in_(customer_keys)
    )
    return {row["customer_key"]: row for row in connection.execute(query).mappings()}


def _columns(window: LinkWindow | None) -> dict[str, datetime | None]:
    """Nothing at all of a link that nobody may send: it does not count as given out."""
    first, last = (window.not_before, window.not_after) if window else (None, None)
    return {"not_before": first, "not_after": last}


def _to_write(window: LinkWindow | None) -> dict[str, datetime | None]:
    return {f"new_{name}": at for name, at in _columns(window).items()}


def _without_link(verdict: Verdict) -> Standing:
    first = verdict.why[0]
    return Standing.TOO_LATE if first == TOO_LATE else standing_by_rule(first.rule)
