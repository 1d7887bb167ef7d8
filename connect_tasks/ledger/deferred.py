"""Deferred: who of a campaign has to wait by its policy, as the last run found out."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.counts import is_latest
from connect_tasks.ledger.schema import contacts

__all__ = ["DEFERRABLE", "Deferred", "deferred"]

DEFERRABLE = (Status.PLANNED, Status.STARTING)
"""Who is so may have to wait; of all others nobody asks the policy any more."""


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
    columns = contacts.c
    waits = [columns.campaign == campaign, columns.not_before > now, is_latest()]
    if table_id is not None:
        waits.append(columns.table_id == table_id)
    query = sa.select(
        sa.func.count(), sa.func.min(columns.not_before), sa.func.max(columns.not_before)
    )
    # One query a status: each has its index, both together have none.
    found = [
        connection.execute(query.where(*waits, columns.status == status)).one()
        for status in DEFERRABLE
    ]
    return Deferred(
        count=sum(row[0] for row in found),
        first=min((row[1] for row in found if row[1]), default=None),
        last=max((row[2] for row in found if row[2]), default=None),
    )
