"""Sending: whether starts that are announced may be sent, decided where they are written down.

A worker may have waited for minutes for a slot since its claim was judged: the window may have
closed, the customer opted out, or another campaign contacted them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from connect_tasks.errors import NotAllowedError
from connect_tasks.ledger.changes import Change, Progress
from connect_tasks.ledger.contact import OPEN
from connect_tasks.ledger.judging import Court, lock_by, may_be_judged
from connect_tasks.ledger.ramps import Steps, room
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.verdicts import Judge, Moment

__all__ = ["Sending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What decides about the starts of a campaign's worker.

    Args:
        judge: Gives the campaign's policy, as it is now.
        now: Tells the time.
        token_validity: How long a client token holds.
        steps: Gives the policy's ramp, as it is now.
    """

    judge: Callable[[], Judge]
    now: Callable[[], datetime]
    token_validity: timedelta
    steps: Callable[[], Steps | None] = lambda: None

    def refusal(
        self, connection: sa.Connection, worker: str, changes: Sequence[Change]
    ) -> NotAllowedError | None:
        """Why a start that is announced may not be sent, after its contact was set aside.

        Args:
            connection: In a transaction that has written nothing.
            worker: Who holds the claims.
            changes: What is to be written; of several ones, the first refusal is told.
        """
        starts = [one for one in changes if isinstance(one, Progress) and _announces(one)]
        if not starts:
            return None
        ids, steps = [one.contact.id for one in starts], self.steps()
        judge = lock_by(connection, self.judge)
        theirs = contacts.c.claimed_by == worker
        left = room(connection, _campaign_of(changes), steps)
        unmade = {one.contact.id for one in starts if one.is_unmade}
        found = connection.execute(may_be_judged(ids).where(theirs)).mappings().all()
        # Each call until now had a clear refusal: it is as if none had been made.
        rows = [{**row, "sent_at": None} if row["id"] in unmade else row for row in found]
        if left is not None and sum(row["sent_at"] is None for row in found) > left:
            return self._turned_back(connection, ids)
        settled: list[int] = []
        allowed = self._court(connection, judge, settled.append).allowed(rows)
        if len(allowed) == len(rows):
            # Who is not this worker's any more is told of where the change is written.
            return None
        return NotAllowedError("the policy does not allow it now", is_withheld=bool(settled))

    def _turned_back(self, connection: sa.Connection, ids: Sequence[int]) -> NotAllowedError:
        """Others have begun what was left of the ramp's step, while this worker slept."""
        given_up = sa.update(contacts).where(contacts.c.id.in_(ids))
        connection.execute(given_up.values(claimed_by=None, claimed_until=None))
        return NotAllowedError("the ramp's step is full", is_withheld=False)

    def _court(
        self, connection: sa.Connection, judge: Judge, on_withheld: Callable[[int], None]
    ) -> Court:
        return Court(
            connection=connection,
            judge=judge,
            now=self.now(),
            moment=Moment.START,
            token_validity=self.token_validity,
            on_withheld=on_withheld,
        )


def _campaign_of(changes: Sequence[Change]) -> str:
    return changes[0].contact.campaign


def _announces(change: Progress) -> bool:
    return change.sends and change.contact.status not in OPEN
