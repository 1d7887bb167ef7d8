"""Deferred: who of a campaign has to wait by its policy, as the last run found out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.counts import is_latest
from connect_tasks.ledger.schema import contacts

__all__ = ["Deferred", "deferred", "next_window"]

# Who is so may have to wait; of all others nobody asks the policy any more.
_MAY_WAIT = (Status.PLANNED, Status.STARTING)


@dataclass(frozen=True, slots=True)
class Deferred:
    """Customers who have to wait: how many, and when the first and the last may be contacted.

    Whom nobody has tried to contact yet is not among them, whatever the policy will say.

    Args:
        count: How many.
        first: When the first of them may be contacted (UTC); None if nobody has to wait.
        last: When the last of them may be.
    """

    count: int = 0
    first: datetime | None = None
    last: datetime | None = None


def deferred(
    connection: sa.Connection, campaign: str, now: datetime, table_id: str | None
) -> Deferred:
    """Who of a campaign has to wait; of those whom a table names, if one is given."""
    not_before = contacts.c.not_before
    query = sa.select(sa.func.count(), sa.func.min(not_before), sa.func.max(not_before))
    found = [
        connection.execute(query.where(waits, is_latest())).one()
        for waits in _waiting(campaign, now, table_id)
    ]
    return Deferred(
        count=sum(row[0] for row in found),
        first=min((row[1] for row in found if row[1]), default=None),
        last=max((row[2] for row in found if row[2]), default=None),
    )


def next_window(
    connection: sa.Connection, campaign: str, now: datetime, table_id: str | None
) -> datetime | None:
    """When the first of them may be contacted; asked each second by whoever waits for it."""
    first = sa.select(sa.func.min(contacts.c.not_before))
    found = [connection.scalar(first.where(waits)) for waits in _waiting(campaign, now, table_id)]
    return min((at for at in found if at), default=None)


def _waiting(
    campaign: str, now: datetime, table_id: str | None
) -> Iterator[sa.ColumnElement[bool]]:
    """Who has to wait, status by status: each has its index, all together have none."""
    columns = contacts.c
    waits = (columns.campaign == campaign) & (columns.not_before > now)
    # Of whom nobody knows whether a call reached them: that they wait is no promise of another.
    waits &= columns.sent_at.is_(None)
    if table_id is not None:
        waits &= columns.table_id == table_id
    yield from (waits & (columns.status == status) for status in _MAY_WAIT)
