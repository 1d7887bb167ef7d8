"""Keys of customers and campaigns in ledgers that were written before there were any.

Until version 3 of the schema an id was compared exactly as it was written. Two contacts of one
campaign may have ids that are the same by their key. Both stay, since both may have been
contacted; the one that came furthest stands for the customer from now on. The other has a key that
no id has, and is not contacted any more if it was not yet.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.schema import contacts, refusals

__all__ = ["fill_in_keys", "legacy_id"]

_PIECE = 10_000
_NOT_SENT = (Status.PLANNED, Status.STARTING)
# How far a contact has come: the first ones stand for the customer.
_ORDER = (
    Status.COMPLETED,
    Status.CONNECTED,
    Status.STARTED,
    Status.UNKNOWN,
    Status.STARTING,
    Status.FAILED,
    Status.PLANNED,
)
_SAME_CUSTOMER = "SameCustomer"
_WHY = "its id is that of another contact but for white space or invisible characters"


def legacy_id(customer_id: str) -> str:
    """How an earlier version called a whole number that pandas had made a float of.

    Example:
        >>> legacy_id("42")
        '42.0'
    """
    return f"{customer_id}.0"


def fill_in_keys(connection: sa.Connection) -> None:
    """Give each contact and each refused row its key; part of the migration's transaction."""
    for table in (contacts, refusals):
        connection.execute(sa.update(table).values(customer_key=table.c.customer_id))
    odd = [row for row in _ids(connection) if canonical_key(row.customer_id) != row.customer_id]
    for row in odd:
        _name_anew(connection, row)
    _name_refusals(connection)


def _ids(connection: sa.Connection) -> Iterator[sa.Row[tuple[int, str, str, int]]]:
    columns = (contacts.c.id, contacts.c.campaign, contacts.c.customer_id, contacts.c.generation)
    last = 0
    while rows := _next_ids(connection, columns, last):
        yield from rows
        last = rows[-1].id


def _next_ids(
    connection: sa.Connection, columns: Sequence[sa.Column[object]], last: int
) -> Sequence[sa.Row[tuple[int, str, str, int]]]:
    query = sa.select(*columns).where(contacts.c.id > last).order_by(contacts.c.id).limit(_PIECE)
    return connection.execute(query).all()  # type: ignore[return-value]


def _name_anew(connection: sa.Connection, row: sa.Row[tuple[int, str, str, int]]) -> None:
    key = canonical_key(row.customer_id)
    same = (
        contacts.c.campaign == row.campaign,
        contacts.c.customer_key == key,
        contacts.c.generation == row.generation,
    )
    query = sa.select(contacts.c.id, contacts.c.status).where(sa.or_(sa.and_(*same), _is(row.id)))
    found = connection.execute(query).all()
    first, *others = sorted(found, key=lambda contact: (_ORDER.index(contact.status), contact.id))
    for other in others:
        _set_aside(connection, other.id, key)
    connection.execute(sa.update(contacts).where(_is(first.id)).values(customer_key=key))


def _set_aside(connection: sa.Connection, contact: int, key: str) -> None:
    unique = {"customer_key": f"{key}\N{ZERO WIDTH SPACE}{contact}"}
    connection.execute(sa.update(contacts).where(_is(contact)).values(unique))
    refused = {
        "status": Status.FAILED,
        "error_code": _SAME_CUSTOMER,
        "error_message": _WHY,
        "claimed_by": None,
        "claimed_until": None,
    }
    not_sent = (contacts.c.status.in_(_NOT_SENT), contacts.c.sent_at.is_(None))
    connection.execute(sa.update(contacts).where(_is(contact), *not_sent).values(refused))


def _name_refusals(connection: sa.Connection) -> None:
    ids = connection.scalars(sa.select(refusals.c.customer_id).distinct()).all()
    for name in ids:
        if name is not None and (key := canonical_key(name)) != name:
            which = refusals.c.customer_id == name
            connection.execute(sa.update(refusals).where(which).values(customer_key=key))


def _is(contact: int) -> sa.ColumnElement[bool]:
    return contacts.c.id == contact
