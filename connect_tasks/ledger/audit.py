"""The audit: what was decided about whom, read by whoever has to answer for it.

The rules of this file:

- Nothing is ever changed, and nothing removed but what is older than its user wants to keep. Who
  is forgotten has another name in it (`unnaming`).
- It is read in the order of deciding, and nothing of it is held in memory.
- Who is asked for is found by whatever stands for them: by their key, by what an earlier version
  called them, and by the hash that is left of who was forgotten.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.ledger.keys import is_whole, legacy_id
from connect_tasks.ledger.redaction import forgotten_ids
from connect_tasks.ledger.schema import campaigns, decisions
from connect_tasks.ledger.verdicts import Moment

__all__ = ["Audit"]

# How many decisions share a transaction, for which others have to wait.
_PIECE = 10_000
_TOLD = (
    "campaign",
    "customer_id",
    "decided_at",
    "moment",
    "decision",
    "rule",
    "value",
    "until",
    "reasons",
    "policy",
)


class Audit:
    """The record of decisions in a ledger. Safe to use from many threads.

    Args:
        reading: Opens a connection for questions.
        writing: Opens one whose transaction is on disk when the block ends.
    """

    def __init__(
        self,
        reading: Callable[[], AbstractContextManager[sa.Connection]],
        writing: Callable[[], AbstractContextManager[sa.Connection]],
    ) -> None:
        self._reading = reading
        self._writing = writing

    def records(
        self,
        *,
        campaign: str | None = None,
        customer_id: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """What was decided, in the order of deciding.

        Args:
            campaign: Only in this one, by its name in the ledger.
            customer_id: Only about this customer, also one who was forgotten.
            since: Only from this time on.

        Yields:
            campaign, customer_id, decided_at, moment, decision, rule, value, until, reasons (all of
            them, the decisive one first, divided by semicolons) and policy.
        """
        where = [] if campaign is None else [decisions.c.campaign == campaign]
        if since is not None:
            where.append(decisions.c.decided_at >= since)
        with self._reading() as connection:
            if customer_id is not None:
                where.append(_about(connection, campaign, customer_id))
            query = sa.select(*(decisions.c[name] for name in _TOLD)).where(*where)
            found = connection.execute(query.order_by(decisions.c.id)).yield_per(1_000)
            for row in found.mappings():
                yield {**row, "reasons": "; ".join(row["reasons"])}

    def prune(self, before: datetime) -> int:
        """Remove what was decided before a time, in pieces; a call that was killed is made again.

        What was decided about a campaign itself stays: its next step is reckoned from it.

        Returns:
            How many decisions that were.
        """
        removed = last = 0
        while True:
            with self._writing() as connection:
                ids = _next_old(connection, before, last)
                if not ids:
                    return removed
                # What was removed meanwhile, by another call, is not counted twice.
                old = sa.delete(decisions).where(decisions.c.id.in_(ids))
                removed += connection.execute(old).rowcount
                last = ids[-1]


def _about(
    connection: sa.Connection, campaign: str | None, customer_id: str
) -> sa.ColumnElement[bool]:
    if why_not_stored(customer_id) or not (key := canonical_key(customer_id)):
        return sa.false()  # Nobody of that name can be in here.
    names = {key, *([legacy_id(key)] if is_whole(key) else ())}
    every = sa.select(campaigns.c.campaign)
    for name in connection.scalars(every) if campaign is None else [campaign]:
        names |= forgotten_ids(name, customer_id)
    return decisions.c.customer_key.in_(names)


def _next_old(connection: sa.Connection, before: datetime, last: int) -> Sequence[int]:
    if connection.dialect.name == "sqlite":
        # What is removed is overwritten with zeros: it is about people.
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    theirs = decisions.c
    query = (
        sa.select(theirs.id)
        .where(theirs.id > last, theirs.decided_at < before, theirs.moment != Moment.RAMP)
        .order_by(theirs.id)
        .limit(_PIECE)
    )
    return connection.scalars(query).all()
