"""Redaction: which content of contacts may be taken out, doing it, keeping it out.

The rules of this file:

- A function with a connection works in a transaction that its caller has begun with the statements
  of `BEGIN` and commits. Locks are taken in one order, tables before rows.
- Every column of `contacts`, `items`, `refusals`, `invitations`, `collected`, `decisions` and
  `suppressions` is either emptied or stands in `what_stays` with the reason.
- A link is dead with the contact: its row bears no token any more that could be found.
- The client token stays. By it a later planning finds the contact, and nobody is contacted again.
- Only contacts of which nothing more will come are emptied (`is_free`): a worker that is at one
  would write its content back, or send a request that is gone.
- What a worker brings late must not come back: items are inserted only while their contact still
  bears the customer's id (`insert_heard`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key, client_token, exact_token
from connect_tasks.ledger import claims
from connect_tasks.ledger.contact import SETTLED, Status
from connect_tasks.ledger.described import TranscriptState
from connect_tasks.ledger.keys import is_whole, legacy_id
from connect_tasks.ledger.peoples_chats import are_peoples
from connect_tasks.ledger.schema import collected, contacts, invitations, items, refusals
from connect_tasks.ledger.unnaming import named_decisions, unname_decisions

__all__ = [
    "BEGIN",
    "FORGOTTEN",
    "empty_contacts",
    "empty_refusals",
    "empty_stray_decisions",
    "forgotten_id",
    "forgotten_ids",
    "insert_heard",
    "is_free",
    "is_unread",
    "lock_contacts",
    "remove_strays",
]

BEGIN: Mapping[str, Sequence[str]] = {
    # Deleted rows are overwritten with zeros, and nobody else writes meanwhile.
    "sqlite": ("PRAGMA secure_delete=ON", "BEGIN IMMEDIATE"),
    # A planning locks the table and then rows: we must not hold rows and wait for the table.
    "postgresql": ("LOCK TABLE contacts IN ROW EXCLUSIVE MODE",),
}
"""By dialect: how a transaction begins in which content is taken out."""

_Insert = TypeVar("_Insert", bound=sa.Insert)

FORGOTTEN = "forgotten-"
"""How what stands for a forgotten customer's id begins."""

_MOST_STRAYS = 2_000
_NOT_SENT = (Status.PLANNED, Status.STARTING)
_BY_A_PERSON = "ForgottenByPerson"
_WHY = "a person had the customer forgotten before anybody contacted them"


def _if_not_sent(value: Any, otherwise: Any) -> sa.Case[Any]:
    # Not `in_`: that cannot be said for many rows at once.
    not_sent = sa.or_(*(contacts.c.status == status for status in _NOT_SENT))
    return sa.case((not_sent, value), else_=otherwise)


_EMPTY = (
    sa.update(contacts)
    .where(contacts.c.id == sa.bindparam("key"))
    .values(
        customer_id=sa.bindparam("hash"),
        customer_key=sa.bindparam("hash"),
        request="{}",
        fingerprint="",
        messages=[],
        contact_id=None,
        participant_id=None,
        request_id=None,
        claimed_by=None,
        claimed_until=None,
        time_zone=None,
        status=_if_not_sent(Status.FAILED, contacts.c.status),
        error_code=_if_not_sent(_BY_A_PERSON, contacts.c.error_code),
        error_message=_if_not_sent(_WHY, sa.null()),
        ended_at=_if_not_sent(
            sa.bindparam("now", type_=contacts.c.ended_at.type), contacts.c.ended_at
        ),
    )
)
"""A contact without content. Its token stays: by it, a later planning finds the contact."""


_KILL_LINK = (
    sa.update(invitations)
    .where(
        invitations.c.campaign == sa.bindparam("of_campaign"),
        invitations.c.customer_key == sa.bindparam("theirs"),
    )
    .values(
        token_hash=sa.bindparam("hash"),
        customer_id=sa.bindparam("hash"),
        customer_key=sa.bindparam("hash"),
        next_row=None,
        revoked_at=sa.func.coalesce(
            invitations.c.revoked_at, sa.bindparam("now", type_=invitations.c.revoked_at.type)
        ),
    )
)


def forgotten_id(campaign: str, customer_id: str) -> str:
    """What stands in a contact instead of the id of a customer who was forgotten.

    It is as lasting as a client token, so that whoever names the customer again finds the contact,
    and differs from campaign to campaign.

    Raises:
        InputError: A name is empty.
    """
    return _forgotten(client_token(campaign, customer_id))


def forgotten_ids(campaign: str, customer_id: str) -> set[str]:
    """Whatever may stand for a customer who was forgotten, earlier versions included.

    Those made the token of the id exactly as it was written, and called whole numbers otherwise.

    Raises:
        InputError: A name is empty.
    """
    key = canonical_key(customer_id)
    written = {customer_id, key, *([legacy_id(key)] if is_whole(key) else ())}
    exact = {_forgotten(exact_token(campaign, name)) for name in written}
    return {forgotten_id(campaign, customer_id), *exact}


def _forgotten(token: str) -> str:
    return FORGOTTEN + token[-64:]


def is_free(now: datetime) -> sa.ColumnElement[bool]:
    """Contacts of which nothing more will come: settled, or never sent and nobody is at them."""
    columns = contacts.c
    waits = (columns.status.in_(_NOT_SENT), columns.sent_at.is_(None), claims.unclaimed(now))
    return sa.or_(columns.status.in_(SETTLED), sa.and_(*waits))


def is_unread() -> sa.ColumnElement[bool]:
    """Contacts whose customer may have opted out in a conversation that nobody has read yet."""
    theirs = collected.c
    return sa.and_(
        are_peoples(),
        sa.exists().where(
            theirs.campaign == contacts.c.campaign,
            theirs.initial_contact_id == contacts.c.contact_id,
            theirs.transcript == TranscriptState.AWAITED,
        ),
    )


def lock_contacts(
    connection: sa.Connection,
    now: datetime,
    *where: sa.ColumnElement[bool],
    most: int | None = None,
) -> Sequence[sa.Row[Any]]:
    """Contacts with content, which nobody else changes until the transaction ends.

    Args:
        connection: In a transaction.
        now: The present time.
        where: Which contacts.
        most: The most contacts, in the order of planning.

    Returns:
        Rows with id, customer_id, customer_key, contact_id, status, is_persons, is_free and
        is_unread.
    """
    columns = (
        contacts.c.id,
        contacts.c.customer_id,
        contacts.c.customer_key,
        contacts.c.contact_id,
        contacts.c.status,
        are_peoples().label("is_persons"),
    )
    query = (
        sa.select(*columns, is_free(now).label("is_free"), is_unread().label("is_unread"))
        # An empty fingerprint is the mark of a contact without content.
        .where(contacts.c.fingerprint != "", *where)
        .order_by(contacts.c.id)
        .limit(most)
        .with_for_update()
    )
    return connection.execute(query).all()


def empty_contacts(
    connection: sa.Connection, campaign: str, rows: Sequence[sa.Row[Any]], now: datetime
) -> int:
    """Take the content out of locked contacts, with their links, and their transcripts.

    Returns:
        How many transcript items that were.
    """
    if not rows:
        return 0
    names = [forgotten_id(campaign, row.customer_id) for row in rows]
    keys = [row.id for row in rows]
    values = [{"key": key, "hash": name, "now": now} for key, name in zip(keys, names, strict=True)]
    connection.execute(_EMPTY, values)
    links = [
        {"of_campaign": campaign, "theirs": row.customer_key, "hash": name, "now": now}
        for row, name in zip(rows, names, strict=True)
    ]
    connection.execute(_KILL_LINK, links)
    keys_and_names = zip((row.customer_key for row in rows), names, strict=True)
    unname_decisions(connection, campaign, dict(keys_and_names))
    chats = [row.contact_id for row in rows if row.contact_id is not None]
    theirs = (collected.c.campaign == campaign, collected.c.initial_contact_id.in_(chats))
    followed = sa.select(collected.c.contact_id).where(*theirs)
    of_theirs = sa.or_(items.c.contact_id.in_(chats), items.c.contact_id.in_(followed))
    removed = _remove(connection, campaign, of_theirs)
    connection.execute(sa.delete(collected).where(*theirs))
    return removed


def remove_strays(connection: sa.Connection, campaign: str) -> int:
    """Delete transcripts of a campaign whose contacts are no longer there, and count the items."""
    chats = sa.select(contacts.c.contact_id).where(
        contacts.c.campaign == campaign, contacts.c.contact_id.is_not(None)
    )
    here = collected.c.campaign == campaign
    connection.execute(
        sa.delete(collected).where(here, collected.c.initial_contact_id.not_in(chats))
    )
    followed = sa.select(collected.c.contact_id).where(here)
    is_stray = sa.and_(items.c.contact_id.not_in(chats), items.c.contact_id.not_in(followed))
    return _remove(connection, campaign, is_stray)


def empty_stray_decisions(connection: sa.Connection, campaign: str) -> None:
    """Take customers' ids out of a campaign's decisions about whom it has no contact."""
    while named := named_decisions(connection, campaign, FORGOTTEN, most=_MOST_STRAYS):
        names = {key: forgotten_id(campaign, customer_id) for key, customer_id in named.items()}
        unname_decisions(connection, campaign, names)


def empty_refusals(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> int:
    """Take ids and reasons out of refused rows; they stay, for the counts.

    Returns:
        How many rows had some.
    """
    told = sa.or_(refusals.c.customer_id.is_not(None), refusals.c.error_message != "")
    empty = {"customer_id": None, "customer_key": None, "error_message": ""}
    update = sa.update(refusals).where(*where, told).values(empty)
    return connection.execute(update).rowcount


def insert_heard(insert: _Insert) -> _Insert:
    """Insert a transcript item, if its contact still belongs to the customer who said it.

    A worker that slept may bring items of a customer who was forgotten in the meantime.
    """
    names = [column.name for column in items.c]
    values = [sa.bindparam(column.name, type_=column.type) for column in items.c]
    still_theirs = (
        contacts.c.id == sa.bindparam("key"),
        contacts.c.customer_id == sa.bindparam("customer_id", type_=sa.Text),
    )
    return insert.from_select(names, sa.select(*values).where(*still_theirs))


def _remove(connection: sa.Connection, campaign: str, which: sa.ColumnElement[bool]) -> int:
    if connection.dialect.name == "postgresql":
        # Waits for workers that are writing items; later ones find the contact without its id.
        connection.exec_driver_sql("LOCK TABLE items IN SHARE ROW EXCLUSIVE MODE")
    delete = sa.delete(items).where(items.c.campaign == campaign, which)
    return connection.execute(delete).rowcount
