"""Next chats: what a link may bring after a chat that was sent, and may be one that nobody joined.

The rules of this file:

- What was sent keeps its request, and what a person or a table says after that is no step of its
  contact. It stands beside the customer's link, which alone can bring another chat.
- Whoever is taken out gets no further chat. One that is open goes on, and its page may be loaded
  again.
- What a table says counts for the next chat, if it is not what was sent last.
- Both are written while no contact can be, so that a press comes before or after: the customer's
  next contact is either seen here, or made of what was written here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.aws.contact_record import NEVER_JOINED
from connect_tasks.ledger.changes import MAY_BE_UNJOINED
from connect_tasks.ledger.contact import Status, Withdrawal
from connect_tasks.ledger.database import lock_out_writers
from connect_tasks.ledger.schema import contacts, invitations

__all__ = ["NextChat", "NextChats", "count_chats", "take_out"]

_Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]
_LINK = (
    invitations.c.campaign == sa.bindparam("of_campaign"),
    invitations.c.customer_key == sa.bindparam("theirs"),
)


@dataclass(frozen=True, slots=True)
class NextChat:
    """What stands beside a link: who took its customer out, and another row than was sent."""

    taken_out: Withdrawal | None = None
    row: str | None = None


class NextChats:
    """What is said of customers' next chats. Each method is one transaction.

    Args:
        reading: Opens a connection for questions.
        writing: Opens one whose transaction is on disk when the block ends.
    """

    def __init__(self, reading: _Connect, writing: _Connect) -> None:
        self._reading = reading
        self._writing = writing

    def of(self, campaign: str, customer_keys: Collection[str]) -> dict[str, NextChat]:
        """What is said of these customers (some thousands at most), by their keys.

        Of whom nothing is said is left out.
        """
        columns = invitations.c
        query = sa.select(columns.customer_key, columns.taken_out, columns.next_row).where(
            columns.campaign == campaign,
            columns.customer_key.in_(customer_keys),
            sa.or_(columns.taken_out.is_not(None), columns.next_row.is_not(None)),
        )
        with self._reading() as connection:
            return {key: NextChat(_by(code), row) for key, code, row in connection.execute(query)}

    def say(self, campaign: str, rows: Mapping[str, str | None]) -> None:
        """Say what a table has right of customers; again, it changes nothing.

        Whom a table had taken out is back; whom a person had stays out. Who has no link is passed
        over.

        Args:
            campaign: Whose customers.
            rows: By customers' keys, the row of the next chat as `rows.written_row` has it; None if
                it is to be as the one before.
        """
        taken_out = invitations.c.taken_out
        stays = sa.case((taken_out == Withdrawal.BY_PERSON, taken_out), else_=sa.null())
        row = sa.bindparam("row", type_=sa.Text)
        update = sa.update(invitations).where(*_LINK).values(next_row=row, taken_out=stays)
        values = [
            {"of_campaign": campaign, "theirs": key, "row": row}
            for key, row in sorted(rows.items())
        ]
        with self._writing() as connection:
            lock_out_writers(connection, contacts, invitations)
            connection.execute(update, values)


def take_out(
    connection: sa.Connection, campaign: str, latest: Mapping[str, int], by: Withdrawal
) -> int:
    """Let no further chat follow one that was sent, and that nobody joined as far as is known.

    Args:
        connection: In a transaction that keeps other writers of contacts and links out.
        campaign: Whose customers.
        latest: By customers' keys, the generation of their latest contact.
        by: Who takes them out: a person also whom a table took out before.

    Returns:
        How many were taken out; the others have no link, have joined their chat, or are out.
    """
    links, columns = invitations.c, contacts.c
    may_be_followed = sa.exists().where(
        columns.campaign == links.campaign,
        columns.customer_key == links.customer_key,
        columns.generation == sa.bindparam("latest"),
        _may_be_followed(),
    )
    ways: list[sa.ColumnElement[bool]] = [links.taken_out.is_(None)]
    if by is Withdrawal.BY_PERSON:
        ways.append(links.taken_out == Withdrawal.BY_TABLE)
    update = sa.update(invitations).where(*_LINK, sa.or_(*ways), may_be_followed)
    values: Sequence[dict[str, Any]] = [
        {"of_campaign": campaign, "theirs": key, "latest": generation}
        for key, generation in sorted(latest.items())
    ]
    return connection.execute(update.values(taken_out=by), values).rowcount


def count_chats() -> sa.ScalarSelect[int]:
    """How many chats of a link's customer exist, or did, at Amazon."""
    others = contacts.alias()
    theirs = (
        others.c.campaign == invitations.c.campaign,
        others.c.customer_key == invitations.c.customer_key,
    )
    return sa.select(sa.func.count(others.c.contact_id)).where(*theirs).scalar_subquery()


def _may_be_followed() -> sa.ColumnElement[bool]:
    columns = contacts.c
    unjoined = sa.and_(columns.status == Status.COMPLETED, columns.error_code == NEVER_JOINED)
    # Not `in_`: that cannot be said for many rows at once.
    return sa.or_(unjoined, *(columns.status == status for status in sorted(MAY_BE_UNJOINED)))


def _by(code: str | None) -> Withdrawal | None:
    return None if code is None else Withdrawal(code)
