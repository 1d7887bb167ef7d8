"""The database that remembers each contact of each campaign; the record of what was sent.

SQLite (write-ahead log, every commit on disk before it returns) or PostgreSQL, by URL.
Nothing in here is a secret that opens a chat: bearer tokens never reach the ledger.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from connect_tasks import claims, records
from connect_tasks.claims import ClaimTerms
from connect_tasks.contact import CampaignState, Contact, Refusal, Status
from connect_tasks.database import create_or_check, explained, make_engine
from connect_tasks.errors import ClaimLostError, InputError
from connect_tasks.records import Change, Heard, Known, Planned, Progress
from connect_tasks.schema import campaigns, contacts, items, refusals

__all__ = ["Change", "ClaimTerms", "Heard", "Known", "Ledger", "Planned", "Progress", "default_url"]


def default_url(environ: Mapping[str, str]) -> str:
    """The ledger's URL when none is given: `$CONNECT_TASKS_LEDGER`, else a file in this folder."""
    return environ.get("CONNECT_TASKS_LEDGER") or "sqlite:///.connect_tasks/ledger.db"


class Ledger:
    """One ledger, open.

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

    def __init__(self, url: str) -> None:
        self.url = url
        with explained(url):
            self._engine = make_engine(url)
            create_or_check(self._engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the database connections back."""
        self._engine.dispose()

    def open_campaign(
        self,
        campaign: str,
        instance_id: str,
        *,
        now: datetime,
        conversation: Mapping[str, Any] | None = None,
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
        if not campaign.strip():
            raise InputError("A campaign needs a name: nobody is contacted twice under it.")
        row = {"campaign": campaign, "instance_id": instance_id, "created_at": now}
        where = campaigns.c.campaign == campaign
        with self._writing() as connection:
            connection.execute(self._insert(campaigns).on_conflict_do_nothing(), row)
            owner = connection.scalar(sa.select(campaigns.c.instance_id).where(where))
            if conversation is not None and owner == instance_id:
                update = sa.update(campaigns).where(where)
                connection.execute(update.values(conversation=dict(conversation)))
        if owner != instance_id:
            raise InputError(
                f"Campaign {campaign!r} belongs to instance {owner}, not {instance_id}: "
                "use another campaign name for another instance."
            )

    def conversation(self, campaign: str) -> dict[str, Any] | None:
        """How the campaign's chats are held, as it was last entered; None if nobody said."""
        found: dict[str, Any] | None = self._of_campaign(campaign, campaigns.c.conversation)
        return found

    def state(self, campaign: str) -> CampaignState:
        """What a person wants of the campaign; running unless somebody said otherwise."""
        return CampaignState(self._of_campaign(campaign, campaigns.c.state) or "running")

    def set_state(self, campaign: str, state: CampaignState) -> None:
        """Say what is wanted of the campaign; its workers notice within a second or two.

        Raises:
            InputError: There is no such campaign in this ledger.
        """
        statement = sa.update(campaigns).where(campaigns.c.campaign == campaign)
        with self._writing() as connection:
            if not connection.execute(statement.values(state=state)).rowcount:
                raise InputError(f"There is no campaign {campaign!r} in the ledger.")

    def known(self, campaign: str, customer_ids: Sequence[str]) -> dict[str, Known]:
        """What is known of these customers in a campaign (at most some thousands at a time)."""
        columns = contacts.c
        query = (
            sa.select(
                columns.customer_id,
                columns.generation,
                columns.status,
                columns.fingerprint,
                columns.messages,
            )
            .where(columns.campaign == campaign, columns.customer_id.in_(customer_ids))
            .order_by(columns.generation)
        )
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["customer_id"]: records.known(row) for row in rows}

    def plan(self, campaign: str, rows: Sequence[Planned], *, now: datetime) -> None:
        """Write valid rows as `planned`; rows that are past that, or claimed, stay as they are."""
        values = [records.plan_values(campaign, row, now) for row in rows]
        insert = self._insert(contacts)
        changed = {n: insert.excluded[n] for n in ("request", "fingerprint", "messages")}
        # A worker sends what it read when it claimed: the record must not say anything else. A
        # claim that ran out is ended, so that a worker that only slept cannot send the old request.
        ended = {"claimed_by": sa.null(), "claimed_until": sa.null()}
        statement = insert.on_conflict_do_update(
            index_elements=["campaign", "customer_id", "generation"],
            set_=changed | ended,
            where=(contacts.c.status == Status.PLANNED) & claims.unclaimed(now),
        )
        if values:
            with self._writing() as connection:
                _lock_out_writers(connection, contacts)
                connection.execute(statement, values)

    def replace_refusals(self, campaign: str, rows: Iterable[Refusal]) -> None:
        """Remember which rows of the present table are refused, instead of those before."""
        values = [records.refusal_values(campaign, row) for row in rows]
        with self._writing() as connection:
            _lock_out_writers(connection, refusals)
            connection.execute(sa.delete(refusals).where(refusals.c.campaign == campaign))
            if values:
                connection.execute(sa.insert(refusals), values)

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
        for status in claims.CLAIM_ORDER:
            if wanted := most - len(claimed):
                free = claims.free(campaign, worker, status, now, terms).limit(wanted)
                claimed += self._claim(free, worker, now + terms.lease)
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
            sa.update(contacts)
            .where(*claims.held_by(campaign, worker), contacts.c.claimed_until.is_not(None))
            .values(claimed_until=until)
        )
        with self._writing() as connection:
            connection.execute(statement)

    def release(self, campaign: str, worker: str) -> None:
        """Give up all the worker's claims, so that another may go on at once."""
        statement = (
            sa.update(contacts).where(*claims.held_by(campaign, worker)).values(claimed_until=None)
        )
        with self._writing() as connection:
            connection.execute(statement)

    def next_expiry(
        self, campaign: str, worker: str, *, now: datetime, terms: ClaimTerms
    ) -> datetime | None:
        """When the first claim of another worker runs out; None when there is none to wait for."""
        wanted = [
            claims.wanted(campaign, worker, status, now, terms) for status in claims.CLAIM_ORDER
        ]
        # One that nobody has claimed is being claimed, or planned, in this moment.
        until = sa.func.coalesce(contacts.c.claimed_until, now)
        query = sa.select(sa.func.min(until)).where(sa.or_(*wanted))
        with self._reading() as connection:
            expiry: datetime | None = connection.scalar(query)
        return expiry

    def apply(self, worker: str, changes: Sequence[Change]) -> None:
        """Write changes of claimed contacts, all or none.

        Raises:
            ClaimLostError: A contact is not the worker's any more, or not in the status it was.
        """
        progress = [records.progress_values(worker, c) for c in changes if isinstance(c, Progress)]
        heard = [row for c in changes if isinstance(c, Heard) for row in records.item_values(c)]
        with self._writing() as connection:
            if progress:
                written = connection.execute(records.SAVE_PROGRESS, progress).rowcount
                if written != len(progress):
                    raise ClaimLostError("another worker has taken over a contact of this one")
            if heard:
                connection.execute(self._insert(items).on_conflict_do_nothing(), heard)

    def _claim(self, free: sa.Select[Any], worker: str, until: datetime) -> list[Contact]:
        # Chosen once and for all: PostgreSQL might choose anew for each row of a subquery.
        chosen = free.cte("chosen")
        statement = (
            sa.update(contacts)
            .where(contacts.c.id.in_(sa.select(chosen.c.id)))
            .values(claimed_by=worker, claimed_until=until)
            .returning(*records.CONTACT_COLUMNS)
        )
        with self._writing() as connection:
            rows = connection.execute(statement).mappings().all()
        return sorted((records.contact(row) for row in rows), key=lambda contact: contact.id)

    def counts(self, campaign: str) -> dict[str, Any]:
        """The campaign in numbers: the funnel, the refused rows, and when it ran."""
        latest = records.count_by_status(contacts, campaign).where(records.is_latest())
        with self._reading() as connection:
            funnel = connection.execute(records.funnel(campaign)).mappings().one()
            by_status = connection.execute(latest).all()
            refused = connection.execute(records.count_by_status(refusals, campaign)).all()
        counts = {str(status): 0 for status in Status}
        counts.update({row[0]: row[1] for row in (*by_status, *refused)})
        return {**counts, **funnel}

    def refused_rows(self, campaign: str) -> list[Refusal]:
        """The refused rows of the table that was planned last, in its order."""
        where = refusals.c.campaign == campaign
        query = sa.select(refusals).where(where).order_by(refusals.c.position)
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [records.refusal(row) for row in rows]

    def contact_records(
        self, campaign: str, *, latest_only: bool = False
    ) -> Iterator[Mapping[str, Any]]:
        """All contacts of a campaign, one mapping a contact, in the order of planning.

        Args:
            campaign: The campaign's name.
            latest_only: Only each customer's latest generation.
        """
        query = sa.select(*records.CONTACT_COLUMNS).where(contacts.c.campaign == campaign)
        if latest_only:
            query = query.where(records.is_latest())
        return self._stream(query.order_by(contacts.c.id))

    def contacts_of(
        self, campaign: str, customer_ids: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        """The latest contact of each of these customers (at most some thousands at a time)."""
        columns = contacts.c
        query = (
            sa.select(*records.CONTACT_COLUMNS)
            .where(columns.campaign == campaign, columns.customer_id.in_(customer_ids))
            .order_by(columns.generation)
        )
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["customer_id"]: dict(row) for row in rows}

    def message_records(self, campaign: str) -> Iterator[Mapping[str, Any]]:
        """All transcript items of a campaign, contact by contact, each in order of time."""
        query = (
            sa.select(items)
            .join(contacts, contacts.c.contact_id == items.c.contact_id)
            .where(items.c.campaign == campaign, contacts.c.campaign == campaign)
            .order_by(contacts.c.id, items.c.absolute_time, items.c.message_id)
        )
        return self._stream(query)

    def unknown_contacts(self, campaign: str) -> list[Contact]:
        """Contacts of which nobody knows whether they were made, in the order of planning."""
        where = (contacts.c.campaign == campaign, contacts.c.status == Status.UNKNOWN)
        query = sa.select(*records.CONTACT_COLUMNS).where(*where).order_by(contacts.c.id)
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [records.contact(row) for row in rows]

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
                sa.update(contacts).where(*where).values(records.progress(contact))
            )
            if not changed.rowcount:
                raise InputError("A worker has found out about this contact in the meantime.")
            if again is not None:
                values = records.plan_values(contact.campaign, again, now)
                connection.execute(sa.insert(contacts), values)

    def _of_campaign(self, campaign: str, column: sa.Column[Any]) -> Any:
        query = sa.select(column).where(campaigns.c.campaign == campaign)
        with self._reading() as connection:
            return connection.scalar(query)

    def _stream(self, query: sa.Select[Any]) -> Iterator[Mapping[str, Any]]:
        with self._reading() as connection:
            for row in connection.execute(query).yield_per(1_000).mappings():
                yield {str(name): value for name, value in row.items()}

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        # Only the dialects know "on conflict"; both spell it alike.
        if self._engine.dialect.name == "sqlite":
            return sqlite.insert(table)
        return postgresql.insert(table)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with explained(self.url), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with explained(self.url), self._engine.connect() as connection:
            yield connection


def _lock_out_writers(connection: sa.Connection, table: sa.Table) -> None:
    """Keep other writers of a table waiting until the transaction ends.

    Two that change many rows, each in its own order, would end in a deadlock on PostgreSQL;
    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")
