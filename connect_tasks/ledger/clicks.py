"""Clicks: what a press of a link's button finds in the ledger, and how its contact is claimed.

The rules of this file:

- A look is the same few questions for many links at once; it changes nothing, and costs the same
  whether a link is found or not, and whether its customer is on a list or not.
- What was decided by a look is made sure of again where it is written: the claim itself asks
  whether the link still works and the campaign still runs, and once it is made whether the customer
  has opted out in between. A chat that exists goes on.
- A contact that is claimed in this moment by somebody else is passed over, never waited for, and
  so is a link that somebody writes: nobody waits for another in a circle.
- A customer's next contact is planned with the end of the one before it, in one transaction.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.ledger.changes import Planned
from connect_tasks.ledger.claims import LONGEST_LEASE
from connect_tasks.ledger.click_statements import (
    CLAIM,
    FREE,
    GIVE_UP,
    LOOK,
    MAKE_SURE,
    NOTE,
    RENEW,
    SETTLE,
    THERE,
)
from connect_tasks.ledger.contact import (
    OPEN,
    CampaignMode,
    CampaignState,
    Contact,
    Status,
    Withdrawal,
)
from connect_tasks.ledger.counting_lists import counting_lists, lists_in_force, opted_out
from connect_tasks.ledger.database import insert_into
from connect_tasks.ledger.rows import CONTACT_COLUMNS, as_contact, plan_values, progress
from connect_tasks.ledger.schema import contacts, ledger

__all__ = ["Clicks", "FoundLink", "Opened", "Succession"]

_Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLink:
    """A link as a press finds it, with its campaign and its customer's latest contact.

    `chats` is how many of its customer's chats exist, or did, at Amazon; `taken_out` and `next_row`
    say what comes after the latest (`next_chats`). `opted_out` is whether the customer is on a list
    that counts for the campaign.
    """

    token_hash: str
    campaign: str
    customer_id: str
    key_id: str
    expires_at: datetime
    revoked_at: datetime | None
    mode: CampaignMode
    state: CampaignState
    instance_id: str
    contact: Contact | None
    chats: int = 0
    taken_out: Withdrawal | None = None
    next_row: str | None = None
    opted_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """How often a link's button was pressed since it was noted last, and when first."""

    token_hash: str
    first_at: datetime
    presses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """A contact that is over, and its customer's next one.

    `was` is the status that the ledger must hold of it until now; with `over.status` the same,
    nothing of it changes. `next_row` is what the link must still say of the next one, of which
    `again` was made.
    """

    over: Contact
    was: Status
    again: Planned
    next_row: str | None = None


class Clicks:
    """What the app that serves links asks and writes. Safe to use from many threads.

    Each method is one transaction.

    Args:
        reading: Opens a connection for questions.
        writing: Opens one whose transaction is on disk when the block ends.
    """

    def __init__(self, reading: _Connect, writing: _Connect) -> None:
        self._reading = reading
        self._writing = writing

    def check(self) -> None:
        """Ask something that every ledger can answer.

        Raises:
            LedgerError: It cannot.
        """
        with self._reading() as connection:
            connection.scalar(sa.select(ledger.c.schema_version))

    def find(self, token_hashes: Collection[str], *, now: datetime) -> dict[str, FoundLink]:
        """The links of these hashes (at most some hundreds), by hash; who has none is left out.

        Args:
            token_hashes: Of the links' tokens.
            now: The present time: whether somebody has opted out.
        """
        with self._reading() as connection:
            rows = connection.execute(LOOK, {"hashes": list(token_hashes)}).mappings().all()
            keys = {row["token_hash"]: row["of_key"] for row in rows}
            # Of a link that is none it is asked as well, of nobody.
            on_lists = lists_in_force(connection, [keys.get(h, h) for h in token_hashes], now)
        return {row["token_hash"]: _found(row, on_lists[row["of_key"]]) for row in rows}

    def has_started(self, campaign: str) -> bool:
        """Whether a chat of the campaign was ever started."""
        ever = (*OPEN, Status.COMPLETED)
        query = sa.select(sa.literal(1)).where(
            contacts.c.campaign == campaign, contacts.c.status.in_(ever)
        )
        with self._reading() as connection:
            return connection.scalar(query.limit(1)) is not None

    def claim(
        self,
        worker: str,
        ids: Collection[int],
        *,
        opened: Sequence[Opened] = (),
        given_up: Collection[int] = (),
        now: datetime,
        until: datetime,
    ) -> tuple[dict[int, Contact], set[str]]:
        """Claim contacts for presses, give others up, and note what was opened.

        A second call claims nothing that the worker holds already.

        Args:
            worker: Who claims.
            ids: The contacts. One that somebody holds, whose link works no more, or whose campaign
                may not start anybody is left as it is, and so is who has opted out; a chat that
                exists may be claimed then, and while the campaign is paused.
            opened: Presses to be noted.
            given_up: Contacts of this worker's that it does not work on any more.
            now: The present time.
            until: How long the claims hold.

        Returns:
            The claimed contacts by their ids, and the hashes of the links that are still to be
            noted, as somebody else writes them in this moment.
        """
        with self._writing() as connection:
            if given_up:
                connection.execute(GIVE_UP, {"worker": worker, "ids": list(given_up)})
            claimed = _claim(connection, worker, ids, now, until) if ids else {}
            return claimed, _note(connection, opened)

    def renew(self, worker: str, ids: Collection[int], *, until: datetime) -> None:
        """Prolong the worker's claims on contacts."""
        with self._writing() as connection:
            connection.execute(RENEW, {"worker": worker, "ids": list(ids), "until": until})

    def succeed(
        self,
        worker: str,
        token_hash: str,
        succession: Succession,
        *,
        now: datetime,
        until: datetime,
    ) -> Contact | None:
        """Plan a customer's next contact, with the end of the one before, and claim it.

        Args:
            worker: Who claims; it holds the contact before, unless that is settled.
            token_hash: The link that was pressed; it must still work.
            succession: What ends, and what begins.
            now: The present time.
            until: How long the claim holds.

        Returns:
            The next contact; None if the one before was changed meanwhile, another has planned
            it, or the customer has opted out: then a new look tells.
        """
        over, again = succession.over, succession.again
        with self._writing() as connection:
            _begin(connection)
            if opted_out(connection, [over], now):
                return None
            row = _end(connection, worker, token_hash, succession, now)
            if row is None:
                return None
            values = plan_values(over.campaign, again, now, row.table_id)
            claim = {"claimed_by": worker, "claimed_until": until}
            insert = insert_into(contacts, connection.dialect.name).on_conflict_do_nothing()
            planned = connection.execute(
                insert.values({**values, **claim}).returning(*CONTACT_COLUMNS)
            ).mappings()
            found = planned.one_or_none()
            return None if found is None else as_contact(found)


def _found(row: Mapping[Any, Any], on_lists: frozenset[str]) -> FoundLink:
    has_contact = row["id"] is not None
    contact = {column.name: row[column] for column in CONTACT_COLUMNS}
    return FoundLink(
        token_hash=row["token_hash"],
        campaign=row["of_campaign"],
        customer_id=row["of_customer"],
        key_id=row["key_id"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        mode=CampaignMode(row["mode"]),
        state=CampaignState(row["state"]),
        instance_id=row["instance_id"],
        contact=as_contact(contact) if has_contact else None,
        chats=row["chats"],
        taken_out=Withdrawal(row["taken_out"]) if row["taken_out"] else None,
        next_row=row["next_row"],
        opted_out=bool(on_lists & counting_lists(row["counting"])),
    )


def _claim(
    connection: sa.Connection, worker: str, ids: Collection[int], now: datetime, until: datetime
) -> dict[int, Contact]:
    values = {"worker": worker, "ids": list(ids), "until": until, **_at(now)}
    rows = connection.execute(CLAIM, values).mappings().all()
    claimed = {row["id"]: as_contact(row) for row in rows}
    begins = [contact for contact in claimed.values() if contact.status not in OPEN]
    if begins and (out := opted_out(connection, begins, now)):
        connection.execute(GIVE_UP, {"worker": worker, "ids": list(out)})
        return {id_: contact for id_, contact in claimed.items() if id_ not in out}
    return claimed


def _begin(connection: sa.Connection) -> None:
    """In SQLite what begins with a question could not go on to write."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _note(connection: sa.Connection, opened: Sequence[Opened]) -> set[str]:
    """Note presses of the links that nobody writes in this moment; the hashes of the others."""
    if not opened:
        return set()
    hashes = {"hashes": [one.token_hash for one in opened]}
    free = set(connection.scalars(FREE, hashes))
    if values := [_pressed(one) for one in opened if one.token_hash in free]:
        connection.execute(NOTE, values)
    if len(free) == len(opened):
        return set()
    # One that was taken out meanwhile is nobody's any more.
    return set(connection.scalars(THERE, hashes)) - free


def _pressed(one: Opened) -> dict[str, Any]:
    return {"pressed": one.token_hash, "presses": one.presses, "first_at": one.first_at}


def _end(
    connection: sa.Connection, worker: str, token_hash: str, succession: Succession, now: datetime
) -> sa.Row[Any] | None:
    over, was = succession.over, succession.was
    values = {
        "id_": over.id,
        "theirs": succession.again.customer_key,
        "was": was,
        "hash": token_hash,
        "made_of": succession.next_row,
        **_at(now),
    }
    if was is over.status:
        return connection.execute(MAKE_SURE, values).one_or_none()
    values |= {"worker": worker, **progress(over)}
    return connection.execute(SETTLE, values).one_or_none()


def _at(now: datetime) -> dict[str, datetime]:
    return {"now": now, "latest": now + LONGEST_LEASE}
