"""Suppressions: whom nobody is to contact, by list; kept under a hash, whoever is forgotten.

The rules of this file:

- A customer is known by a hash of their key, made with the ledger's own key: who was forgotten is
  known when they are named again, and without the ledger nobody tells whom a hash stands for.
- What earlier versions called 42.0 is customer 42, as everywhere in the ledger.
- A suppression holds from when it was added until it ends or a person takes it away. That they did
  is remembered: what was said before does not bring it back.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.database import insert_into
from connect_tasks.ledger.hashed_customers import customer_hash, hashes_of, of_hashes
from connect_tasks.ledger.schema import campaigns, contacts, ledger, suppressions
from connect_tasks.ledger.verdicts import Suppression

__all__ = [
    "Suppressions",
    "add_suppressions",
    "customer_hash",
    "in_force",
    "of_hashes",
    "suppressions_of",
]

_Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]

_COLUMNS = suppressions.c
_NAMES = ("list", "reason", "source", "added_at", "expires_at")
_COUNTING = {"preserve_rowcount": True}


class Suppressions:
    """The suppressions in a ledger. Each method is one transaction; safe from many threads.

    Args:
        reading: Opens a connection for questions.
        writing: Opens one whose transaction is on disk when the block ends.
    """

    def __init__(self, reading: _Connect, writing: _Connect) -> None:
        self._reading = reading
        self._writing = writing

    def add(self, entries: Sequence[tuple[str, Suppression]]) -> int:
        """Put customers on lists, as a person says: also those who were taken off before.

        A second call changes nothing: who is on a list stays there as they came to it, unless what
        is said now lasts longer. Two at the same time add each once.

        Args:
            entries: Each customer's id, and what is to hold of them; some thousands at a time.

        Returns:
            How many are new on their list, or longer.
        """
        if not entries:
            return 0
        with self._writing() as connection:
            _begin(connection)
            return add_suppressions(connection, entries, was_said=False)

    def remove(self, names: Sequence[tuple[str, str]], *, now: datetime) -> int:
        """Take customers off lists; what was said before this does not bring them back.

        A second call changes nothing.

        Args:
            names: Customers' ids, each with a list; some thousands at a time.
            now: The present time.

        Returns:
            How many were taken off; the others were not on their list.
        """
        if not names:
            return 0
        with self._writing() as connection:
            _begin(connection)
            hash_key = _hash_key(connection)
            values = [
                {"theirs": customer_hash(hash_key, canonical_key(customer)), "of_list": name}
                for customer, name in names
            ]
            ordered = sorted(values, key=lambda value: (value["theirs"], value["of_list"]))
            removal = _removal(now)
            removed = connection.execute(removal, ordered, execution_options=_COUNTING).rowcount
            connection.execute(_judged_anew({canonical_key(customer) for customer, _ in names}))
            return removed

    def of(self, customer_keys: Iterable[str], now: datetime) -> dict[str, tuple[Suppression, ...]]:
        """What is in force for customers (some thousands at a time), of whichever list."""
        with self._reading() as connection:
            return suppressions_of(connection, customer_keys, None, now)

    def records(self, name: str | None = None, *, now: datetime) -> Iterator[Mapping[str, Any]]:
        """All that are in force, by list and time; nothing of them is held in memory.

        Args:
            name: Only of this list.
            now: The present time.

        Yields:
            customer_id (None where they were forgotten), list, reason, source, added_at,
            expires_at.
        """
        theirs = (_COLUMNS.customer_id, *(_COLUMNS[name] for name in _NAMES))
        query = sa.select(*theirs).where(in_force(now))
        if name is not None:
            query = query.where(_COLUMNS.list == name)
        query = query.order_by(_COLUMNS.list, _COLUMNS.added_at, _COLUMNS.customer_hash)
        with self._reading() as connection:
            for row in connection.execute(query).yield_per(1_000).mappings():
                yield {str(name): value for name, value in row.items()}

    def lists(self) -> list[str]:
        """The names of all lists that anybody is or was on, sorted."""
        with self._reading() as connection:
            return _lists(connection)


def in_force(now: datetime | sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
    """Suppressions that hold at a time: not ended (the end itself is after it), not taken away."""
    lasts = sa.or_(_COLUMNS.expires_at.is_(None), _COLUMNS.expires_at > now)
    return sa.and_(lasts, _is_there())


def _is_there() -> sa.ColumnElement[bool]:
    """Suppressions that no person took away since they were added."""
    return sa.or_(_COLUMNS.removed_at.is_(None), _COLUMNS.removed_at < _COLUMNS.added_at)


def suppressions_of(
    connection: sa.Connection,
    customer_keys: Iterable[str],
    lists: Collection[str] | None,
    now: datetime,
) -> dict[str, tuple[Suppression, ...]]:
    """What of some lists is in force for each customer; those of whom nothing is are not in it.

    Where nobody is on these lists it costs one short question. Otherwise one more, by the table's
    key: it costs the same with a thousand suppressions and with millions.

    Args:
        connection: To the ledger.
        customer_keys: Whose; some thousands at most.
        lists: Which lists count; all if None.
        now: The present time.

    Returns:
        By key, as it was given; each customer's in the order of the lists' names.
    """
    keys = set(customer_keys)
    of_lists = sa.true() if lists is None else _COLUMNS.list.in_(sorted(lists))
    hash_key = _hash_key_if_any(connection, of_lists) if keys else None
    if hash_key is None:
        return {}
    hashes = hashes_of(hash_key, keys)
    found: dict[str, list[Suppression]] = defaultdict(list)
    for row in _in_force(connection, set(hashes.values()), lists, now):
        found[row["customer_hash"]].append(_suppression(row))
    return {key: tuple(found[one]) for key, one in hashes.items() if one in found}


def _in_force(
    connection: sa.Connection, hashes: Collection[str], lists: Collection[str] | None, now: datetime
) -> Iterable[Mapping[Any, Any]]:
    rows = connection.execute(of_hashes(hashes, connection.dialect.name, in_force(now))).mappings()
    # Chosen and sorted here: asked for it, SQLite would look once for each list, or walk through
    # all who are on them.
    theirs = [row for row in rows if lists is None or row["list"] in lists]
    return sorted(theirs, key=lambda row: str(row["list"]))


def _hash_key_if_any(connection: sa.Connection, which: sa.ColumnElement[bool]) -> str | None:
    """The ledger's key, if there are such suppressions."""
    anybody = sa.select(sa.literal(1)).select_from(suppressions).where(which)
    return connection.scalar(sa.select(ledger.c.hash_key).where(anybody.exists()))


def _suppression(row: Mapping[Any, Any]) -> Suppression:
    return Suppression(**{name: row[name] for name in _NAMES})


def add_suppressions(
    connection: sa.Connection, entries: Iterable[tuple[str, Suppression]], *, was_said: bool
) -> int:
    """Put customers on lists, in the transaction of the caller; see `Suppressions.add`.

    Args:
        connection: In a transaction.
        entries: Each customer's id, and what is to hold of them.
        was_said: Whether they said so themselves at `added_at`: a person who took them off later
            than that has the last word.

    Returns:
        How many are new on their list, or longer.
    """
    hash_key = _hash_key(connection)
    rows = [_row(hash_key, customer_id, entry) for customer_id, entry in entries]
    # In one order: two at a time would wait for each other in a circle.
    rows.sort(key=lambda row: (row["customer_hash"], row["list"]))
    insert = _insert(connection.dialect.name, was_said=was_said)
    return connection.execute(insert, rows, execution_options=_COUNTING).rowcount if rows else 0


def _row(hash_key: str, customer_id: str, entry: Suppression) -> dict[str, Any]:
    return {
        "customer_hash": customer_hash(hash_key, canonical_key(customer_id)),
        "customer_id": customer_id,
        **{name: getattr(entry, name) for name in _NAMES},
    }


def _insert(dialect: str, *, was_said: bool) -> Any:
    """Insert what is new, and put what lasts longer in the place of what was there."""
    insert = insert_into(suppressions, dialect)
    new, ends_at = insert.excluded, _COLUMNS.expires_at
    lasts_longer = sa.or_(new.expires_at.is_(None), new.expires_at > ends_at)
    changes = sa.or_(sa.not_(_is_there()), sa.and_(ends_at.is_not(None), lasts_longer))
    came_after = _COLUMNS.removed_at < new.added_at
    if was_said:
        changes = sa.and_(changes, sa.or_(_COLUMNS.removed_at.is_(None), came_after))
    # A person's word counts also where another machine's clock went before ours when they took it
    # back.
    removed_at = sa.case((came_after, _COLUMNS.removed_at), else_=sa.null())
    given = {name: new[name] for name in ("customer_id", *_NAMES) if name != "list"}
    return insert.on_conflict_do_update(
        index_elements=["customer_hash", "list"],
        set_={**given, "removed_at": removed_at},
        where=changes,
    )


def _judged_anew(customer_keys: Collection[str]) -> sa.Update:
    """Let nobody go on waiting for the end of what does not hold any more."""
    columns = contacts.c
    return (
        sa.update(contacts)
        .where(
            # By the index of keys, which begins with the campaign.
            columns.campaign.in_(sa.select(campaigns.c.campaign)),
            columns.customer_key.in_(sorted(customer_keys)),
            columns.status.in_([Status.PLANNED, Status.STARTING]),
            columns.not_before.is_not(None),
        )
        .values(not_before=None)
    )


def _removal(now: datetime) -> sa.Update:
    at = sa.literal(now, _COLUMNS.removed_at.type)
    return (
        sa.update(suppressions)
        .where(
            _COLUMNS.customer_hash == sa.bindparam("theirs"),
            _COLUMNS.list == sa.bindparam("of_list"),
            in_force(now),
        )
        # It was added by a clock that goes before ours.
        .values(removed_at=sa.case((_COLUMNS.added_at > at, _COLUMNS.added_at), else_=at))
    )


def _lists(connection: sa.Connection) -> list[str]:
    """One short question for each list: a distinct would walk through all that are on them."""
    found: list[str] = []
    query = sa.select(sa.func.min(_COLUMNS.list))
    while name := connection.scalar(query.where(_COLUMNS.list > found[-1]) if found else query):
        found.append(name)
    return found


def _begin(connection: sa.Connection) -> None:
    # What begins with a question could not go on to write.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _hash_key(connection: sa.Connection) -> str:
    return str(connection.scalar(sa.select(ledger.c.hash_key)))
