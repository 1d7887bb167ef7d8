"""The store: what is written to the ledger, the record of what was sent.

SQLite (write-ahead log, every commit on disk before it returns) or PostgreSQL, by URL.
Nothing in here is a secret that opens a chat: bearer tokens never reach the ledger.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from connect_tasks.aws.pacing.concurrency import SlotDemand
from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits
from connect_tasks.aws.quotas import Quotas
from connect_tasks.errors import ClaimLostError, InputError, NotAllowedError
from connect_tasks.ledger import claims, endpoints, redaction, shared_limits
from connect_tasks.ledger.arms import Arms
from connect_tasks.ledger.audit import Audit
from connect_tasks.ledger.changes import Change, Heard, Planned, Progress
from connect_tasks.ledger.claiming import Claim
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.clicks import Clicks
from connect_tasks.ledger.collection import Collection
from connect_tasks.ledger.contact import Contact, Status
from connect_tasks.ledger.invitations import Invitations
from connect_tasks.ledger.judging import Court, lock, lock_by
from connect_tasks.ledger.next_chats import NextChats
from connect_tasks.ledger.opt_outs import FindOptOuts, OptOuts, note_heard
from connect_tasks.ledger.prepared import Prepared
from connect_tasks.ledger.ramp_steps import RampSteps
from connect_tasks.ledger.ramps import Steps, allowance
from connect_tasks.ledger.roster import Roster
from connect_tasks.ledger.rows import (
    SAVE_PROGRESS,
    item_values,
    plan_values,
    progress,
    progress_values,
    was_made,
)
from connect_tasks.ledger.schema import contacts, items
from connect_tasks.ledger.sending import Sending
from connect_tasks.ledger.suppressions import Suppressions
from connect_tasks.ledger.transcripts import Transcripts
from connect_tasks.ledger.unwritable import blaming_values
from connect_tasks.ledger.verdicts import Judge, Moment

__all__ = ["Ledger"]


_TIME = contacts.c.claimed_until.type


class Ledger(Roster):
    """One ledger, open for writing.

    What can be asked of it is in `LedgerReader`, who is entered and taken out in `Roster`. Every
    method is one transaction and returns once it is on disk. Safe to use from many threads. A
    contact that was sent is changed only by the worker whose claim on it is in force.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database.

    Raises:
        LedgerError: It cannot be opened, is no ledger, or was written by a newer version.

    Example:
        ```python
        from connect_tasks.ledger import Ledger

        with Ledger("sqlite:///.connect_tasks/ledger.db") as ledger:
            print(ledger.counts("renewals-2026-11"))
        ```
    """

    @property
    def invitations(self) -> Invitations:
        """The links of its campaigns' customers."""
        return Invitations(self._reading, self._writing)

    @property
    def clicks(self) -> Clicks:
        """What presses of links' buttons find, claim and note."""
        return Clicks(self._reading, self._writing)

    @property
    def next_chats(self) -> NextChats:
        """What links may bring after a chat that nobody joined."""
        return NextChats(self._reading, self._writing)

    @property
    def arms(self) -> Arms:
        """Whom its campaigns compare."""
        return Arms(self._reading)

    @property
    def audit(self) -> Audit:
        """What was decided about whom, by which policy."""
        return Audit(self._reading, self._writing)

    @property
    def collection(self) -> Collection:
        """What Amazon knows of its contacts."""
        return Collection(self._reading, self._writing)

    @property
    def opt_outs(self) -> OptOuts:
        """Who said on record that they want no more."""
        return OptOuts(self._reading, self._writing)

    @property
    def ramp(self) -> RampSteps:
        """How the ramps of its campaigns stand."""
        return RampSteps(self._reading, self._writing)

    @property
    def suppressions(self) -> Suppressions:
        """Whom nobody is to contact."""
        return Suppressions(self._reading, self._writing)

    @property
    def transcripts(self) -> Transcripts:
        """What of its transcripts comes from files."""
        return Transcripts(self._reading, self._writing)

    def claim(
        self,
        campaign: str,
        worker: str,
        *,
        most: int,
        now: datetime,
        terms: ClaimTerms,
        judge: Callable[[], Judge] | None = None,
        on_withheld: Callable[[int], None] = lambda _: None,
        steps: Steps | None = None,
    ) -> list[Contact]:
        """Claim unfinished contacts: open chats first, then open outcomes, then planned ones.

        A worker is given each contact once; a contact that another worker holds is left to it
        until its lease runs out.

        Args:
            campaign: Whose contacts.
            worker: Who claims; unique to a run.
            most: The most contacts to claim.
            now: The present time.
            terms: How long claims and client tokens hold.
            judge: Reads the campaign's policy, if it has one. Whom it does not allow to be called
                now is not claimed, but set aside, with the reasons on record.
            on_withheld: Told how many contacts were settled by that.
            steps: The policy's ramp, if it has one: no more are claimed than its step has.
        """
        with self._writing() as connection:
            if judge is None:
                lock(connection, None)
                return Claim(connection, campaign, worker, now, terms).take(most)
            decides = lock_by(connection, judge)
            most_new = allowance(connection, campaign, steps, now)
            court = Court(
                connection=connection,
                judge=decides,
                now=now,
                moment=Moment.CLAIM,
                token_validity=terms.token_validity,
                on_withheld=on_withheld,
            )
            return Claim(connection, campaign, worker, now, terms, court, most_new).take(most)

    def expire_tokens(self, campaign: str, *, now: datetime, terms: ClaimTerms) -> int:
        """Make `unknown` what was sent so long ago that its token may not be sent again.

        Returns:
            How many contacts that were.
        """
        statement = (
            sa.update(contacts)
            .where(
                contacts.c.campaign == campaign,
                contacts.c.status == Status.STARTING,
                # Not the column itself: SQLite would take its index, of all that were begun.
                sa.func.coalesce(contacts.c.sent_at, now) <= now - terms.token_validity,
                claims.unclaimed(now),
            )
            .values(status=Status.UNKNOWN)
        )
        with self._writing() as connection:
            return connection.execute(statement).rowcount

    def renew(self, campaign: str, worker: str, *, until: datetime) -> None:
        """Prolong the worker's claims."""
        statement = (
            sa.update(contacts).where(*claims.held_by(campaign, worker)).values(claimed_until=until)
        )
        with self._writing() as connection:
            connection.execute(statement)

    def release(
        self, campaign: str, worker: str, *, interrupted_at: datetime | None = None
    ) -> None:
        """Give up all the worker's claims, so that another may go on at once.

        Args:
            campaign: Whose contacts.
            worker: Who gives them up.
            interrupted_at: Since when the worker does no more, if it did not come to its end:
                then any other worker may go on with contacts that are `unknown`, and not only
                one that begins after this.
        """
        until = sa.case(
            (contacts.c.status == Status.UNKNOWN, sa.literal(interrupted_at, _TIME)),
            else_=sa.null(),
        )
        statement = (
            sa.update(contacts).where(*claims.held_by(campaign, worker)).values(claimed_until=until)
        )
        with self._writing() as connection:
            connection.execute(statement)

    def apply(
        self,
        worker: str,
        changes: Sequence[Change],
        *,
        sending: Sending | None = None,
        find: FindOptOuts | None = None,
    ) -> None:
        """Write changes of claimed contacts, all or none; those that are written already stay so.

        Args:
            worker: Who holds the claims.
            changes: What to write.
            sending: By what it is decided, in the same transaction, whether calls may be made that
                are announced (`Progress.sends`).
            find: Finds opt-outs in what people said, which are written with it.

        Raises:
            NotAllowedError: The policy does not allow one of the calls now. Of several changes none
                was written then; a single one's contact was set aside.
            ClaimLostError: A contact is not the worker's any more, or not in the status it was.
            UnwritableError: The database cannot hold one of the values.
        """
        with blaming_values():
            if refused := self._apply(worker, changes, sending, find):
                raise refused

    def _apply(
        self,
        worker: str,
        changes: Sequence[Change],
        sending: Sending | None,
        find: FindOptOuts | None,
    ) -> NotAllowedError | None:
        progress = [progress_values(worker, c) for c in changes if isinstance(c, Progress)]
        heard = [row for c in changes if isinstance(c, Heard) for row in item_values(c)]
        with self._writing() as connection:
            if sending and (refused := sending.refusal(connection, worker, changes)):
                if len(changes) > 1:
                    raise refused
                return refused
            if progress:
                written = self._save_progress.execute(connection, progress)
                if written != len(progress) and not _all_made(connection, progress):
                    raise ClaimLostError("another worker has taken over a contact of this one")
            self._keep_heard.execute(connection, heard)
            if find:
                note_heard(connection, changes, find)
        return None

    @cached_property
    def _save_progress(self) -> Prepared:
        return Prepared(SAVE_PROGRESS, self._engine.dialect)

    @cached_property
    def _keep_heard(self) -> Prepared:
        insert = redaction.insert_heard(self._insert(items)).on_conflict_do_nothing()
        return Prepared(insert, self._engine.dialect)

    def grant_permits(
        self, instance_id: str, request: PermitRequest, *, quota: tuple[float, int], now: datetime
    ) -> Permits:
        """Permit a worker the next calls of an API, out of what all workers may make.

        Args:
            instance_id: Whose calls.
            request: What the worker asks for, and what it has to tell.
            quota: Calls per second and calls at once that may be used.
            now: The present time.
        """
        with self._writing() as connection:
            return shared_limits.grant_permits(
                connection, instance_id, request, quota=quota, now=now.timestamp()
            )

    def share_slots(
        self,
        instance_id: str,
        worker: str,
        demand: SlotDemand,
        *,
        quota: int,
        refused: bool,
        now: datetime,
        lease: timedelta,
    ) -> tuple[int, int]:
        """Give a worker its share of an instance's open chats, until its lease ends.

        Args:
            instance_id: Whose slots.
            worker: Who asks; what it was granted before is replaced.
            demand: What it has and wants.
            quota: The quota of open chats.
            refused: Whether the instance refused a chat since the worker asked last.
            now: The present time.
            lease: How long the share holds, unless the worker asks again.

        Returns:
            How many chats the worker may have open, and how many all workers together.
        """
        with self._writing() as connection:
            return shared_limits.share_slots(
                connection,
                instance_id,
                worker,
                demand,
                quota=quota,
                refused=refused,
                now=now.timestamp(),
                until=(now + lease).timestamp(),
            )

    def share_unconnected(
        self,
        instance_id: str,
        worker: str,
        demand: SlotDemand,
        *,
        quotas: Quotas,
        now: datetime,
        lease: timedelta,
    ) -> int:
        """Give a worker its share of the chats that may be started and not yet connected.

        Args:
            instance_id: Whose chats.
            worker: Who asks; what it was granted before is replaced.
            demand: How many it has and wants.
            quotas: What the instance should grant.
            now: The present time.
            lease: How long the share holds, unless the worker asks again.

        Returns:
            How many such chats the worker may have.
        """
        with self._writing() as connection:
            return shared_limits.share_unconnected(
                connection,
                instance_id,
                worker,
                demand,
                quotas=quotas,
                now=now.timestamp(),
                until=(now + lease).timestamp(),
            )

    def leave_slots(self, instance_id: str, worker: str) -> None:
        """Give back a worker's share of the open chats, and of those that are not connected."""
        with self._writing() as connection:
            shared_limits.leave(connection, instance_id, worker)

    def take_lost_runs(self, instance_id: str, *, now: datetime) -> list[str]:
        """The scheduler's runs whose workers on an instance died; each is told once.

        A worker that ends gives its share of the open chats back. One whose share ran out was
        killed, or lost its machine.
        """
        with self._writing() as connection:
            return shared_limits.take_lost_runs(connection, instance_id, now.timestamp())

    def resolve(self, contact: Contact, *, again: Planned | None, now: datetime) -> None:
        """Settle an `unknown` contact as a person decided, both in one transaction.

        Args:
            contact: The contact with its new status and reason.
            again: The customer's next generation, to be planned; None if there is none.
            now: The present time.

        Raises:
            InputError: The contact is not `unknown` any more, or a worker is at it.
        """
        where = (
            contacts.c.id == contact.id,
            contacts.c.status == Status.UNKNOWN,
            claims.unclaimed(now),
        )
        with self._writing() as connection:
            changed = connection.execute(
                sa.update(contacts).where(*where).values(progress(contact))
            )
            if not changed.rowcount:
                raise InputError(
                    "A worker is at this contact, or has found out about it in the meantime: "
                    "wait for the end of the run, or pause the campaign, and look again."
                )
            if again is not None:
                [again] = endpoints.hashed(connection, contact.campaign, [again])
                values = plan_values(contact.campaign, again, now)
                connection.execute(sa.insert(contacts), values)


def _all_made(connection: sa.Connection, progress: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all these steps are in the ledger, now or from a commit that went unanswered."""
    query = sa.select(contacts).where(contacts.c.id.in_([values["key"] for values in progress]))
    rows = {row["id"]: row for row in connection.execute(query).mappings()}
    return all(was_made(values, rows[values["key"]]) for values in progress)
