"""Claiming: one claim of a worker, as one transaction makes it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connect_tasks.ledger.claims import CLAIM_ORDER, ClaimTerms, free, wanted
from connect_tasks.ledger.contact import OPEN, Contact, Status
from connect_tasks.ledger.judging import Court
from connect_tasks.ledger.rows import CONTACT_COLUMNS, as_contact
from connect_tasks.ledger.schema import contacts

__all__ = ["Claim"]

# How often to look for others in place of those whom the policy does not allow.
_ROUNDS = 10


@dataclass(slots=True)
class Claim:
    """One claim of a worker.

    Args:
        connection: In a transaction.
        campaign: Whose contacts.
        worker: Who claims.
        now: The present time.
        terms: How long it holds, and for whom.
        court: Judges whom a policy allows; all may be claimed without one.
        most_new: How many may be claimed whose start was never sent; any number if None.
    """

    connection: sa.Connection
    campaign: str
    worker: str
    now: datetime
    terms: ClaimTerms
    court: Court | None = None
    most_new: int | None = None

    def take(self, most: int) -> list[Contact]:
        """Claim contacts, at most so many: open chats first, planned ones last."""
        claimed: list[Contact] = []
        for status in CLAIM_ORDER:
            queries = free(self.campaign, self.worker, status, self.now, self.terms)
            for which, query in enumerate(queries):
                if left := most - len(claimed):
                    claimed += self._some(query, status, which, left)
        return claimed

    def _some(
        self, query: sa.Select[tuple[object, ...]], status: Status, which: int, most: int
    ) -> list[Contact]:
        if self.most_new is None or status in OPEN:
            return self._take(query, status, which, most)
        claimed: list[Contact] = []
        if status is not Status.PLANNED:
            # Those were begun before, and take nobody's place.
            claimed = self._take(query.where(contacts.c.sent_at.is_not(None)), status, which, most)
            query = query.where(contacts.c.sent_at.is_(None))
        new = self._take(query, status, which, min(self.most_new, most - len(claimed)))
        self.most_new -= len(new)
        return claimed + new

    def _take(
        self, query: sa.Select[tuple[object, ...]], status: Status, which: int, most: int
    ) -> list[Contact]:
        court = None if status in OPEN else self.court
        claimed: list[Contact] = []
        for _ in range(_ROUNDS if most else 0):
            rows = self.connection.execute(query.limit(most - len(claimed))).mappings().all()
            ids = [row["id"] for row in rows] if court is None else court.allowed(rows)
            claimed += self._mark(ids)
            if court is None or len(ids) == len(rows):
                break
            court.put_off(self._others(status, which))
        return claimed

    def _others(self, status: Status, which: int) -> sa.ColumnElement[bool]:
        return wanted(self.campaign, self.worker, status, self.now, self.terms)[which]

    def _mark(self, ids: Collection[int]) -> list[Contact]:
        if not ids:
            return []
        statement = (
            sa.update(contacts)
            .where(contacts.c.id.in_(ids))
            .values(claimed_by=self.worker, claimed_until=self.now + self.terms.lease)
            .returning(*CONTACT_COLUMNS)
        )
        rows = self.connection.execute(statement).mappings().all()
        return sorted((as_contact(row) for row in rows), key=lambda contact: contact.id)
