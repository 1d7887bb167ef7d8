"""The store: what is written to the ledger, the record of what was sent.

SQLite (write-ahead log, every commit on disk before it returns) or PostgreSQL, by URL.
Nothing in here is a secret that opens a chat: bearer tokens never reach the ledger.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from connect_tasks.aws.pacing.concurrency import SlotDemand
from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits
from connect_tasks.aws.problems import shortened
from connect_tasks.aws.quotas import Quotas
from connect_tasks.aws.stored_text import LONGEST_KEY, why_not_stored
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import ClaimLostError, InputError
from connect_tasks.ledger import claims, redaction, shared_limits
from connect_tasks.ledger.changes import Change, Heard, Planned, Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import CampaignState, Contact, Refusal, Status, Withdrawal
from connect_tasks.ledger.database import explained, insert_into
from connect_tasks.ledger.reader import LedgerReader
from connect_tasks.ledger.rows import (
    CONTACT_COLUMNS,
    SAVE_PROGRESS,
    as_contact,
    insert_planned,
    item_values,
    plan_values,
    progress,
    progress_values,
    refusal_values,
    was_made,
)
from connect_tasks.ledger.schema import campaigns, contacts, items, refusals
from connect_tasks.ledger.unwritable import blaming_values

__all__ = ["Ledger", "default_url", "opened"]


# As long as the reasons why a table refuses a row.
LONGEST_REASON = 10_000

_KEY_COLUMNS = [contacts.c.customer_key, contacts.c.generation]
_TIME = contacts.c.claimed_until.type
_NOT_SURELY_CONTACTED = (Status.PLANNED, Status.STARTING, Status.UNKNOWN)


def default_url(environ: Mapping[str, str]) -> str:
    """The ledger's URL when none is given: `$CONNECT_TASKS_LEDGER`, else a file in this folder."""
    return environ.get("CONNECT_TASKS_LEDGER") or "sqlite:///.connect_tasks/ledger.db"


class Ledger(LedgerReader):
    """One ledger, open for writing; what can be asked of it is in `LedgerReader`.

    Every method is one transaction and returns once it is on disk. Safe to use from many
    threads. A contact is changed only by the worker whose claim on it is in force.

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

    def open_campaign(
        self,
        campaign: str,
        instance_id: str,
        *,
        now: datetime,
        conversation: Conversation | None = None,
    ) -> None:
        """Enter a campaign; again, it changes only the conversation.

        Args:
            campaign: Its name.
            instance_id: Where its chats are started.
            now: The present time.
            conversation: How its chats are held, for whoever goes on without the table.

        Raises:
            InputError: The campaign has no name, or already runs on another instance.
        """
        if why := why_not_stored(campaign, most=LONGEST_KEY):
            raise InputError(f"The campaign's name {shortened(campaign)} cannot be used: it {why}.")
        self.check_campaign(campaign, instance_id)
        row = {"campaign": campaign, "instance_id": instance_id, "created_at": now}
        ours = (campaigns.c.campaign == campaign, campaigns.c.instance_id == instance_id)
        with self._writing() as connection:
            connection.execute(self._insert(campaigns).on_conflict_do_nothing(), row)
            if conversation is not None:
                values = {"conversation": conversation.model_dump(mode="json")}
                connection.execute(sa.update(campaigns).where(*ours).values(values))
        # Somebody else may have entered it in the meantime.
        self.check_campaign(campaign, instance_id)

    def set_state(self, campaign: str, state: CampaignState) -> None:
        """Say what is wanted of the campaign; its workers notice within a second or two.

        Raises:
            InputError: There is no such campaign in this ledger.
        """
        statement = sa.update(campaigns).where(campaigns.c.campaign == campaign)
        with self._writing() as connection:
            if not connection.execute(statement.values(state=state)).rowcount:
                raise InputError(f"There is no campaign {campaign!r} in the ledger.")

    def plan(
        self,
        campaign: str,
        rows: Sequence[Planned],
        *,
        now: datetime,
        table_id: str | None = None,
    ) -> int:
        """Write valid rows as `planned`; rows that are past that, or claimed, stay as they are.

        Args:
            campaign: Whose rows.
            rows: The rows, each of another customer.
            now: The present time.
            table_id: Which table they are of, for `ClaimTerms`.

        Returns:
            How many were written. A row that `known` did not find and that is not written belongs
            to a customer who was forgotten, or whom somebody else has entered since.
        """
        insert = self._insert(contacts)
        names = ("request", "fingerprint", "messages", "table_id")
        changed = {name: insert.excluded[name] for name in names}
        # A worker sends what it read when it claimed: the record must not say anything else. A
        # claim that ran out is ended, so that a worker that only slept cannot send the old request.
        ended = {"claimed_by": sa.null(), "claimed_until": sa.null()}
        statement = insert.on_conflict_do_update(
            # The customer who was forgotten has no id any more, but still this token.
            index_elements=["client_token"],
            set_=changed | ended,
            where=(contacts.c.status == Status.PLANNED) & claims.unclaimed(now),
        )
        if not rows:
            return 0
        with self._writing() as connection:
            _lock_out_writers(connection, contacts)
            return insert_planned(connection, statement, campaign, rows, now, table_id)

    def name_again(self, campaign: str, customer_ids: Sequence[str], table_id: str) -> None:
        """Say that a table names customers who are in the campaign and not contacted for sure.

        Args:
            campaign: Whose customers.
            customer_ids: Who they are (at most some thousands at a time).
            table_id: Which table.
        """
        statement = (
            sa.update(contacts)
            .where(
                contacts.c.campaign == campaign,
                contacts.c.customer_key.in_(self._keys(campaign, customer_ids).values()),
                contacts.c.status.in_(_NOT_SURELY_CONTACTED),
            )
            .values(table_id=table_id)
        )
        with self._writing() as connection:
            _lock_out_writers(connection, contacts)
            connection.execute(statement)

    def withdraw(
        self, campaign: str, reasons: Mapping[str, str], by: Withdrawal, *, now: datetime
    ) -> int:
        """Take customers out who are planned: nobody starts a chat with them any more.

        A worker that has claimed one and not begun to send finds its claim lost.

        Args:
            campaign: Whose customers.
            reasons: Why, by customer.
            by: Who takes them out.
            now: The present time.

        Returns:
            How many were taken out; the others are not planned, or not any more.

        Raises:
            InputError: No database can hold one of the reasons. Nobody was taken out then.
        """
        for reason in set(reasons.values()):
            if why := why_not_stored(reason, most=LONGEST_REASON):
                raise InputError(f"The reason {shortened(reason)} cannot be used: it {why}.")
        statement = (
            sa.update(contacts)
            .where(
                contacts.c.campaign == campaign,
                contacts.c.customer_key == sa.bindparam("key"),
                contacts.c.status == Status.PLANNED,
            )
            .values(
                status=Status.FAILED,
                error_code=by,
                error_message=sa.bindparam("reason"),
                ended_at=now,
                claimed_by=None,
                claimed_until=None,
            )
        )
        keys = self._keys(campaign, list(reasons))
        values = [{"key": key, "reason": reasons[name]} for name, key in keys.items()]
        if not values:
            return 0
        with self._writing() as connection:
            _lock_out_writers(connection, contacts)
            return connection.execute(statement, values).rowcount

    def replace_refusals(self, campaign: str, rows: Iterable[Refusal]) -> None:
        """Remember which rows of the present table are refused, instead of those before."""
        values = (refusal_values(campaign, row) for row in rows)
        with self._writing() as connection:
            _lock_out_writers(connection, refusals)
            connection.execute(sa.delete(refusals).where(refusals.c.campaign == campaign))
            while some := list(islice(values, 10_000)):
                connection.execute(sa.insert(refusals), some)

    def claim(
        self, campaign: str, worker: str, *, most: int, now: datetime, terms: ClaimTerms
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
        """
        claimed: list[Contact] = []
        with self._writing() as connection:
            for status in claims.CLAIM_ORDER:
                if wanted := most - len(claimed):
                    free = claims.free(campaign, worker, status, now, terms).limit(wanted)
                    claimed += _claim(connection, free, worker, now + terms.lease)
        return claimed

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
                contacts.c.sent_at <= now - terms.token_validity,
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

    def apply(self, worker: str, changes: Sequence[Change]) -> None:
        """Write changes of claimed contacts, all or none; those that are written already stay so.

        Raises:
            ClaimLostError: A contact is not the worker's any more, or not in the status it was.
            UnwritableError: The database cannot hold one of the values.
        """
        with blaming_values():
            self._apply(worker, changes)

    def _apply(self, worker: str, changes: Sequence[Change]) -> None:
        progress = [progress_values(worker, c) for c in changes if isinstance(c, Progress)]
        heard = [row for c in changes if isinstance(c, Heard) for row in item_values(c)]
        with self._writing() as connection:
            if progress:
                written = connection.execute(SAVE_PROGRESS, progress).rowcount
                if written != len(progress) and not _all_made(connection, progress):
                    raise ClaimLostError("another worker has taken over a contact of this one")
            if heard:
                insert = redaction.insert_heard(self._insert(items)).on_conflict_do_nothing()
                connection.execute(insert, heard)

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
                values = plan_values(contact.campaign, again, now)
                connection.execute(sa.insert(contacts), values)

    def _keys(self, campaign: str, customer_ids: Sequence[str]) -> dict[str, str]:
        """The keys by which the campaign has these customers; who is not in it is left out."""
        rows = self._latest(campaign, customer_ids, _KEY_COLUMNS)
        return {name: row["customer_key"] for name, row in rows.items()}

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        return insert_into(table, self._engine.dialect.name)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with explained(self.url), self._engine.begin() as connection:
            yield connection


@contextmanager
def opened(ledger: Ledger | str) -> Iterator[Ledger]:
    """A ledger that is open already, or the one at a URL for as long as the block lasts."""
    if isinstance(ledger, Ledger):
        yield ledger
        return
    with Ledger(ledger) as own:
        yield own


def _claim(
    connection: sa.Connection, free: sa.Select[Any], worker: str, until: datetime
) -> list[Contact]:
    # Chosen once and for all: PostgreSQL might choose anew for each row of a subquery.
    chosen = free.cte("chosen")
    statement = (
        sa.update(contacts)
        .where(contacts.c.id.in_(sa.select(chosen.c.id)))
        .values(claimed_by=worker, claimed_until=until)
        .returning(*CONTACT_COLUMNS)
    )
    rows = connection.execute(statement).mappings().all()
    return sorted((as_contact(row) for row in rows), key=lambda contact: contact.id)


def _all_made(connection: sa.Connection, progress: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all these steps are in the ledger, now or from a commit that went unanswered."""
    query = sa.select(contacts).where(contacts.c.id.in_([values["key"] for values in progress]))
    rows = {row["id"]: row for row in connection.execute(query).mappings()}
    return all(was_made(values, rows[values["key"]]) for values in progress)


def _lock_out_writers(connection: sa.Connection, table: sa.Table) -> None:
    """Keep other writers of a table waiting until the transaction ends.

    Two that change many rows, each in its own order, would end in a deadlock on PostgreSQL;
    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")
