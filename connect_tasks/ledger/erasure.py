"""Erasure: a customer, or all of a campaign, taken out; that they were contacted stays.

What stays is a contact without content: campaign, generation, status, times and client token,
with a hash in the place of the customer's id. It keeps a later run from contacting them again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.errors import InputError
from connect_tasks.ledger import claims, redaction
from connect_tasks.ledger.contact import OPEN, Status
from connect_tasks.ledger.database import explained
from connect_tasks.ledger.keys import is_whole, legacy_id
from connect_tasks.ledger.overwriting import overwrite as overwrite_ledger
from connect_tasks.ledger.peoples_chats import are_peoples
from connect_tasks.ledger.reader import LedgerReader
from connect_tasks.ledger.schema import contacts, refusals
from connect_tasks.ledger.unnaming import is_suppressed, unname_decisions, unname_suppressions

__all__ = ["Erased", "erase", "forget", "overwrite_deleted"]

# How many contacts share a transaction, for which others have to wait.
_PIECE = 2_000
# As much of a customer's id as a refused row has.
_REFUSED_ID = 128

_UNDER_WAY = (
    "their chat is under way: wait for its end, or stop the campaign and run it once more, which "
    "closes open chats."
)
_WITH_A_PERSON = (
    "their chat goes on, as far as the ledger knows: `collect` the campaign first, which asks "
    "Amazon. If it does go on, wait for its end, or `stop` the campaign and `collect` it, which "
    "closes all its chats."
)
_UNREAD = (
    "their conversation is over and was not read yet, and they may have said in it that they want "
    "no more, which nobody would know then: `collect` the campaign first, or give unread=True "
    "(`--unread`) to forget them with it."
)
_TO_CLOSE = "wait for its end, or stop it and run it once more, which closes open chats"
_TO_CLOSE_PEOPLES = (
    "`collect` it first, which asks Amazon which of people's chats are over; else wait for their "
    "end, or `stop` it and `collect` it, which closes them"
)
_HINDRANCES = {
    Status.STARTING: (
        "they are being contacted, or a run broke off while they were: wait for its end, or run "
        "the campaign once more."
    ),
    Status.UNKNOWN: "nobody knows whether they were contacted: decide with `resolve` first.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What one call took out of a ledger.

    Args:
        contacts: Contacts that have no content any more.
        messages: Transcript items that are gone.
        refusals: Refused rows that have lost the customer's id and the reasons.
        suppressions: Suppressions that have lost the customer's id, and hold on under a hash.
        overwritten: Whether the database wrote itself anew, so that deleted rows are out of its
            files too. False where that was not wanted, or somebody else read or wrote all the
            time: the same call again makes up for it.
    """

    contacts: int = 0
    messages: int = 0
    refusals: int = 0
    suppressions: int = 0
    overwritten: bool = False


def forget(
    customer_id: str,
    ledger_url: str,
    *,
    campaign: str | None = None,
    unread: bool = False,
    overwrite: bool = True,
    busy_seconds: float = 10,
    clock: Clock | None = None,
) -> Erased:
    """Take one customer out of the ledger, in every campaign or in one: all of it or nothing.

    Messages, request, names, error texts and Amazon's ids are gone, and a hash stands for the
    customer's id. A later run of a campaign knows the customer by it and does not contact them
    again; for a new campaign they are a customer like any other, whose suppressions hold on. A
    customer who was planned and not contacted is `failed`. To delete the chats at Amazon as well,
    note their contact ids before.

    A second call takes nothing out and only overwrites again. A customer who was never more than
    a refused row is then not known any more.

    Args:
        customer_id: Whom to forget.
        ledger_url: SQLAlchemy URL.
        campaign: Only in this campaign.
        unread: Forget them also where their conversation is over and its transcript was not read
            yet: an opt-out in it is lost.
        overwrite: Have the database write itself anew. Nobody else can write to a SQLite ledger
            meanwhile, some seconds for each gigabyte: of many calls, only the last needs it.
        busy_seconds: How long to wait for others who read or write a SQLite ledger, before it is
            left as it is.
        clock: Tells the time; the machine's by default.

    Raises:
        InputError: The ledger does not know the customer or the campaign, a contact is under way
            or `unknown`, or a conversation is unread. Nothing was changed.
        LedgerError: The ledger cannot be written.

    Example:
        ```python
        from connect_tasks.ledger import forget

        forget("0042", "sqlite:///.connect_tasks/ledger.db").messages
        ```
    """
    with _Eraser(ledger_url) as eraser:
        campaign = None if campaign is None else eraser.campaign_name(campaign)
        now = (clock or SystemClock()).now()
        erased = eraser.forget(customer_id, campaign, now, unread=unread)
        return replace(erased, overwritten=overwrite and eraser.overwrite(busy_seconds))


def erase(
    campaign: str,
    ledger_url: str,
    *,
    unread: bool = False,
    overwrite: bool = True,
    busy_seconds: float = 10,
    clock: Clock | None = None,
) -> Erased:
    """Take all customers of a campaign out of the ledger, as `forget` does with one.

    What the campaign was stays: its counts and times, and that these customers were contacted.
    Contacts go in pieces; a call that was killed is made again and goes on. A second call takes
    nothing out and only overwrites again.

    Args:
        campaign: Its name.
        ledger_url: SQLAlchemy URL.
        unread: Also those whose conversation was not read yet; see `forget`.
        overwrite: Have the database write itself anew; see `forget`.
        busy_seconds: How long to wait for others meanwhile; see `forget`.
        clock: Tells the time; the machine's by default.

    Raises:
        InputError: There is no such campaign, contacts are under way or `unknown`, or
            conversations are unread. Nothing was changed, unless they came under way during the
            call: then the others are erased.
        LedgerError: The ledger cannot be written.

    Example:
        ```python
        from connect_tasks.ledger import erase

        erase("renewals-2026-11", "sqlite:///.connect_tasks/ledger.db").contacts
        ```
    """
    clock = clock or SystemClock()
    with _Eraser(ledger_url) as eraser:
        campaign = eraser.campaign_name(campaign)
        eraser.check_over(campaign, clock.now())
        if not unread:
            eraser.check_read(campaign)
        erased = eraser.erase(campaign, clock)
        eraser.check_over(campaign, clock.now())
        return replace(erased, overwritten=overwrite and eraser.overwrite(busy_seconds))


def overwrite_deleted(ledger_url: str, *, busy_seconds: float = 10) -> bool:
    """Have the database write itself anew, after calls of `forget` that did not.

    A second call does it once more.

    Args:
        ledger_url: SQLAlchemy URL.
        busy_seconds: How long to wait for others; see `forget`.

    Returns:
        Whether it did: not where others read or write a SQLite ledger for so long on end.

    Raises:
        LedgerError: The ledger cannot be written.

    Example:
        ```python
        from connect_tasks.ledger.erasure import forget, overwrite_deleted

        def forget_all(customer_ids, url):
            for customer_id in customer_ids:
                forget(customer_id, url, overwrite=False)
            return overwrite_deleted(url)
        ```
    """
    with _Eraser(ledger_url) as eraser:
        return eraser.overwrite(busy_seconds)


class _Eraser(LedgerReader):
    """A ledger that is open for taking something out."""

    def forget(
        self, customer_id: str, campaign: str | None, now: datetime, *, unread: bool
    ) -> Erased:
        """Take a customer out of one or all campaigns, in one transaction."""
        names = self._campaigns(campaign)
        everywhere = campaign is None
        with self._writing() as connection:
            erased = _sum(
                [_forget(connection, name, customer_id, now, unread=unread) for name in names]
            )
            if everywhere or erased.contacts:
                lost = unname_suppressions(connection, _keys(customer_id))
                erased = replace(erased, suppressions=lost)
            on_a_list = everywhere and is_suppressed(connection, _keys(customer_id))
        known = erased != Erased() or any(self.recognised(n, [customer_id]) for n in names)
        if not (known or on_a_list):
            where = "the ledger" if campaign is None else f"campaign {campaign!r}"
            raise InputError(
                f"There is no customer {_short(customer_id)} in {where}: check the id and "
                "the ledger's URL."
            )
        return erased

    def check_over(self, campaign: str, now: datetime) -> None:
        """Make sure that nothing of a campaign is under way.

        Raises:
            InputError: Something is, or there is no such campaign.
        """
        self._campaigns(campaign)
        here = (contacts.c.campaign == campaign, contacts.c.status.in_(claims.CLAIM_ORDER))
        under_way = (*here, sa.not_(redaction.is_free(now)))
        query = (
            sa.select(contacts.c.status, sa.func.count())
            .where(*under_way)
            .group_by(contacts.c.status)
            .order_by(contacts.c.status)
        )
        open_with_people = (contacts.c.status.in_(OPEN), are_peoples())
        peoples = sa.select(sa.func.count()).where(*under_way, *open_with_people)
        with self._reading() as connection:
            counts = connection.execute(query).all()
            with_people = connection.scalar(peoples)
        if counts:
            hint = _TO_CLOSE_PEOPLES if with_people else _TO_CLOSE
            told = ", ".join(f"{count:,} {status}" for status, count in counts)
            raise InputError(
                f"Campaign {campaign!r} is not over, {told} being under way: {hint}; decide with "
                "`resolve` about those that stay unknown. Then erase it again."
            )

    def check_read(self, campaign: str) -> None:
        """Make sure that every conversation that is over was read.

        Raises:
            InputError: Some were not.
        """
        here = (contacts.c.campaign == campaign, contacts.c.fingerprint != "")
        query = sa.select(sa.func.count()).where(*here, redaction.is_unread())
        with self._reading() as connection:
            count = connection.scalar(query)
        if count:
            raise InputError(
                f"Of campaign {campaign!r} {count:,} conversations are over and were not read yet. "
                "Customers may have said in them that they want no more, which nobody would know "
                "then: `collect` it first, or give unread=True (`--unread`) to erase them with it."
            )

    def erase(self, campaign: str, clock: Clock) -> Erased:
        """Take out everything that is not under way, piece by piece."""
        pieces: list[Erased] = []
        # What others settle meanwhile may lie behind us: look again until nothing is found.
        while found := list(self._erase_pieces(campaign, clock)):
            pieces += found
        with self._writing() as connection:
            strays = redaction.remove_strays(connection, campaign)
            redaction.empty_stray_decisions(connection, campaign)
            refused = redaction.empty_refusals(connection, refusals.c.campaign == campaign)
        return _sum([*pieces, Erased(messages=strays, refusals=refused)])

    def overwrite(self, busy_seconds: float) -> bool:
        """Have the database write itself anew; whether it did."""
        with explained(self.url):
            return overwrite_ledger(self._engine, busy_seconds=busy_seconds)

    def _erase_pieces(self, campaign: str, clock: Clock) -> Iterator[Erased]:
        last = 0
        while True:
            now = clock.now()
            which = (contacts.c.campaign == campaign, contacts.c.id > last, redaction.is_free(now))
            with self._writing() as connection:
                rows = redaction.lock_contacts(connection, now, *which, most=_PIECE)
                messages = redaction.empty_contacts(connection, campaign, rows, now)
                lost = unname_suppressions(connection, {row.customer_key for row in rows})
            if not rows:
                return
            last = rows[-1].id
            yield Erased(contacts=len(rows), messages=messages, suppressions=lost)

    def _campaigns(self, campaign: str | None) -> Sequence[str]:
        return self.campaigns() if campaign is None else [self.existing_campaign(campaign)]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with explained(self.url), self._engine.begin() as connection:
            for statement in redaction.BEGIN[connection.dialect.name]:
                connection.exec_driver_sql(statement)
            yield connection


def _forget(
    connection: sa.Connection, campaign: str, customer_id: str, now: datetime, *, unread: bool
) -> Erased:
    if not (keys := _keys(customer_id)):
        return Erased()
    theirs = (contacts.c.campaign == campaign, contacts.c.customer_key.in_(keys))
    rows = redaction.lock_contacts(connection, now, *theirs)
    for row in rows:
        if not row.is_free or (row.is_unread and not unread):
            raise InputError(
                f"Customer {_short(customer_id)} cannot be forgotten yet; in campaign "
                f"{campaign!r}, {_hindrance(row)}"
            )
    messages = redaction.empty_contacts(connection, campaign, rows, now)
    # Also where there is no contact.
    name = redaction.forgotten_id(campaign, customer_id)
    unname_decisions(connection, campaign, dict.fromkeys(keys, name))
    refused = redaction.empty_refusals(
        connection,
        refusals.c.campaign == campaign,
        refusals.c.customer_key == canonical_key(customer_id[:_REFUSED_ID]),
    )
    return Erased(contacts=len(rows), messages=messages, refusals=refused)


def _keys(customer_id: str) -> list[str]:
    """By what a customer may be known; by nothing if nobody of that name can be in a ledger."""
    key = canonical_key(customer_id)
    if why_not_stored(customer_id) or not key:
        return []
    # What an earlier version called otherwise is theirs, beside a later contact too.
    return [key, legacy_id(key)] if is_whole(key) else [key]


def _hindrance(row: sa.Row[Any]) -> str:
    if row.is_free:
        return _UNREAD
    under_way = _WITH_A_PERSON if row.is_persons else _UNDER_WAY
    return _HINDRANCES.get(row.status, under_way)


def _sum(parts: Sequence[Erased]) -> Erased:
    return Erased(
        contacts=sum(part.contacts for part in parts),
        messages=sum(part.messages for part in parts),
        refusals=sum(part.refusals for part in parts),
        suppressions=sum(part.suppressions for part in parts),
    )


def _short(customer_id: str) -> str:
    """Enough to say who was meant: an error is recorded in places that forget nobody."""
    return repr(f"{customer_id[:2]}…")
