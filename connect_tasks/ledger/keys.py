"""Keys of customers and campaigns in ledgers that were written before there were any.

Until version 3 of the schema an id was compared exactly as it was written, so one customer may be
in a campaign under several ids that look the same. All their contacts stay, since each may have
been made. Those of the id that came furthest stand for the customer from now on; the others become
generations below 1, which nothing is started for any more.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.schema import contacts, refusals

__all__ = ["fill_in_keys", "is_whole", "legacy_id"]

_PIECE = 10_000
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
_WHY = "its id is that of another contact but for white space, invisible characters or a final .0"
_FLOAT = ".0"

_Contact = sa.Row[tuple[int, str, str, int, str]]
# By campaign and customer.
_Customers = dict[tuple[str, str], list[_Contact]]


def legacy_id(customer_id: str) -> str:
    """How an earlier version called a whole number that pandas had made a float of.

    Example:
        >>> legacy_id("42")
        '42.0'
    """
    return customer_id + _FLOAT


def is_whole(key: str) -> bool:
    """Whether an id is a whole number, so that an earlier version may have made a float of it.

    Example:
        >>> is_whole("42"), is_whole("42.0")
        (True, False)
    """
    return key.isascii() and key.removeprefix("-").isdigit()


def fill_in_keys(connection: sa.Connection) -> None:
    """Give each contact and each refused row its key; part of the migration's transaction.

    Two passes through the contacts, however many of their ids are odd.
    """
    for table in (contacts, refusals):
        connection.execute(sa.update(table).values(customer_key=table.c.customer_id))
    _name_refusals(connection)
    odd, floats = _of_odd_ids(connection)
    for (_, key), rows in odd.items():
        _name_anew(connection, key, rows)
    for rows in floats.values():
        _, *others = sorted(_parted(rows, _key_of), key=_how_far)
        _give_up(connection, [row.id for other in others for row in other])


def _of_odd_ids(connection: sa.Connection) -> tuple[_Customers, _Customers]:
    """Contacts by customer: where an id is not its own key, and where one is a number's float."""
    odd: _Customers = {}
    floats: _Customers = {}
    for row in _contacts(connection):
        if (key := _key_of(row)) != row.customer_id:
            odd[row.campaign, key] = []
        if is_whole(whole := key.removesuffix(_FLOAT)) and whole != key:
            floats[row.campaign, whole] = []
    for row in _contacts(connection):
        key = _key_of(row)
        for customers, name in ((odd, key), (floats, key), (floats, key.removesuffix(_FLOAT))):
            if (row.campaign, name) in customers:
                customers[row.campaign, name].append(row)
    return odd, floats


def _key_of(row: _Contact) -> str:
    return canonical_key(row.customer_id)


def _contacts(connection: sa.Connection) -> Iterator[_Contact]:
    names = ("id", "campaign", "customer_id", "generation", "status")
    query = sa.select(*(contacts.c[name] for name in names)).order_by(contacts.c.id).limit(_PIECE)
    last = 0
    while rows := connection.execute(query.where(contacts.c.id > last)).all():
        yield from rows
        last = rows[-1].id


def _name_anew(connection: sa.Connection, key: str, rows: Sequence[_Contact]) -> None:
    """One of the ids stands for the customer, with its generations; the others go below 1."""
    first, *others = sorted(_parted(rows, lambda row: row.customer_id), key=_how_far)
    _update(connection, [row.id for row in first], customer_key=key)
    aside = sorted((row for other in others for row in other), key=lambda row: row.id)
    for below, row in enumerate(aside):
        _update(connection, [row.id], customer_key=key, generation=-below)
    _give_up(connection, [row.id for row in aside])


def _parted(rows: Sequence[_Contact], by: Callable[[_Contact], str]) -> list[list[_Contact]]:
    parts: dict[str, list[_Contact]] = defaultdict(list)
    for row in rows:
        parts[by(row)].append(row)
    return list(parts.values())


def _how_far(rows: Sequence[_Contact]) -> tuple[int, bool, int]:
    order = min(_ORDER.index(Status(row.status)) for row in rows)
    return order, _key_of(rows[0]).endswith(_FLOAT), rows[0].id


def _give_up(connection: sa.Connection, aside: Sequence[int]) -> None:
    """Nobody is contacted for a contact that was not sent yet and does not stand."""
    waits = (contacts.c.status.in_([Status.PLANNED, Status.STARTING]), contacts.c.sent_at.is_(None))
    values = {
        "status": Status.FAILED,
        "error_code": "SameCustomer",
        "error_message": _WHY,
        "claimed_by": None,
        "claimed_until": None,
    }
    for row in aside:
        connection.execute(sa.update(contacts).where(contacts.c.id == row, *waits).values(values))


def _update(connection: sa.Connection, ids: Collection[int], **values: object) -> None:
    connection.execute(sa.update(contacts).where(contacts.c.id.in_(ids)).values(values))


def _name_refusals(connection: sa.Connection) -> None:
    ids = connection.scalars(sa.select(refusals.c.customer_id).distinct()).all()
    for name in ids:
        if name is not None and (key := canonical_key(name)) != name:
            which = refusals.c.customer_id == name
            connection.execute(sa.update(refusals).where(which).values(customer_key=key))
