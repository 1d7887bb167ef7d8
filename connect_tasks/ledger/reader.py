"""The reader: what can be asked of a ledger."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self

import sqlalchemy as sa

from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import InputError
from connect_tasks.ledger import campaign_names, claims, counts, customers, shared_limits, tallies
from connect_tasks.ledger.answers import Answers, beside_contacts
from connect_tasks.ledger.changes import Known
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import CampaignMode, CampaignState, Contact, Refusal, Status
from connect_tasks.ledger.database import create_or_check, explained, make_engine
from connect_tasks.ledger.deferred import Deferred, deferred, next_window
from connect_tasks.ledger.judging import verdicts_of
from connect_tasks.ledger.outcomes import outcomes
from connect_tasks.ledger.rows import CONTACT_COLUMNS, as_contact, as_known, as_refusal
from connect_tasks.ledger.schema import campaigns, collected, contacts, items, refusals
from connect_tasks.ledger.verdicts import Customer, Judge, Verdict

__all__ = ["LedgerReader"]

_LARGE = {"request", "messages"}
_WITHOUT_REQUESTS = [column for column in CONTACT_COLUMNS if column.name not in _LARGE]

_CHATS = 1_000
"""Of how many chats a mean is told."""


class LedgerReader:
    """A ledger's contacts, transcripts and counts. Safe to use from many threads.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database.

    Raises:
        LedgerError: It cannot be opened, is no ledger, or was written by a newer version.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._has_floats: dict[str, bool] = {}
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

    @property
    def answers(self) -> Answers:
        """What was said in chats, and what their flows stored."""
        return Answers(self._reading)

    def conversation(self, campaign: str) -> Conversation:
        """How the campaign's chats are held, as it was last entered; the default if nobody said."""
        return Conversation.model_validate(
            self._of_campaign(campaign, campaigns.c.conversation) or {}
        )

    def campaign_name(self, name: str) -> str:
        """How a campaign is called in here: as it was entered, or by its key if it is new.

        Raises:
            InputError: Nothing is left of the name that a person could see, no database can hold
                it, or several campaigns of an earlier version are called like this but for white
                space.
        """
        return campaign_names.called(name, self.campaigns())

    def existing_campaign(self, name: str) -> str:
        """How a campaign that is in here was entered.

        Raises:
            InputError: There is none; names that are near are told. Or several, see
                `campaign_name`.
        """
        return campaign_names.existing(name, self.campaigns())

    def campaigns(self) -> list[str]:
        """The names of all campaigns, sorted."""
        query = sa.select(campaigns.c.campaign).order_by(campaigns.c.campaign)
        with self._reading() as connection:
            return list(connection.scalars(query))

    def campaign_records(self) -> list[Mapping[str, Any]]:
        """All campaigns, the latest first, each with its customers and how many of them wait."""
        return list(self._rows(counts.all_campaigns()))

    def instance_id(self, campaign: str) -> str:
        """The instance on which the campaign runs; empty if there is no such campaign."""
        return str(self._of_campaign(campaign, campaigns.c.instance_id) or "")

    def created_at(self, campaign: str) -> datetime:
        """When a campaign that is in here was entered."""
        found: datetime = self._of_campaign(campaign, campaigns.c.created_at)
        return found

    def mode(self, campaign: str) -> CampaignMode:
        """Who speaks as the customer in the campaign's chats."""
        return CampaignMode(self._of_campaign(campaign, campaigns.c.mode) or "simulation")

    def check_mode(self, campaign: str, mode: CampaignMode) -> None:
        """Make sure that a campaign, if it is in here, is run in its own way.

        Raises:
            InputError: It is another way's: what runs now would speak to, or as, the wrong people.
        """
        campaign_names.check_mode(campaign, mode, self._of_campaign(campaign, campaigns.c.mode))

    def check_campaign(self, campaign: str, instance_id: str) -> None:
        """Make sure that a campaign may take a table and run on an instance.

        Raises:
            InputError: The campaign has no name, already runs on another instance, or an earlier
                version made another one that is called like it but for white space.
        """
        campaign_names.check_alone(campaign, self.campaigns())
        owner = self.instance_id(campaign)
        if owner not in {"", instance_id}:
            raise InputError(
                f"Campaign {campaign!r} belongs to instance {owner}, not {instance_id}: "
                "use another campaign name for another instance."
            )

    def state(self, campaign: str) -> CampaignState:
        """What a person wants of the campaign; running unless somebody said otherwise."""
        return CampaignState(self._of_campaign(campaign, campaigns.c.state) or "running")

    def known(self, campaign: str, customer_ids: Sequence[str]) -> dict[str, Known]:
        """What is known of these customers in a campaign (at most some thousands at a time).

        Customers who were forgotten are not found; `recognised` finds them.
        """
        rows = self._find(campaign, customer_ids, customers.KNOWN_COLUMNS)
        return {customer_id: as_known(row) for customer_id, row in rows.items()}

    def requests(self, campaign: str, customer_ids: Sequence[str]) -> dict[str, str]:
        """The requests of these customers, as JSON (at most some thousands at a time)."""
        columns = [contacts.c.customer_key, contacts.c.generation, contacts.c.request]
        rows = self._find(campaign, customer_ids, columns)
        return {customer_id: row["request"] for customer_id, row in rows.items()}

    def recognised(self, campaign: str, customer_ids: Sequence[str]) -> dict[str, Known]:
        """The same as `known`, and customers who were forgotten since.

        It looks a second time for each who is not found, which is slow for a new table.
        """
        rows = self._find(campaign, customer_ids, customers.KNOWN_COLUMNS, forgotten=True)
        return {customer_id: as_known(row) for customer_id, row in rows.items()}

    def has_forgotten(self, campaign: str) -> bool:
        """Whether a customer of the campaign was forgotten, so that `known` may not find them."""
        with self._reading() as connection:
            return customers.holds_forgotten(connection, campaign)

    def next_expiry(
        self,
        campaign: str,
        worker: str,
        *,
        now: datetime,
        terms: ClaimTerms,
        statuses: Sequence[Status] = claims.CLAIM_ORDER,
    ) -> datetime | None:
        """When the first claim of another worker runs out; None when there is none to wait for.

        Args:
            campaign: Whose contacts.
            worker: Who asks.
            now: The present time.
            terms: How long claims and client tokens hold.
            statuses: Contacts in which of the statuses that can be claimed.
        """
        # One that nobody has claimed is being claimed, or planned, in this moment.
        until = sa.func.min(sa.func.coalesce(contacts.c.claimed_until, now))
        with self._reading() as connection:
            # One query a status: each has its index, all of them together have none.
            found = [
                connection.scalar(sa.select(until).where(which))
                for status in statuses
                for which in claims.wanted(campaign, worker, status, now, terms)
            ]
        return min((expiry for expiry in found if expiry is not None), default=None)

    def next_window(self, campaign: str, *, now: datetime, terms: ClaimTerms) -> datetime | None:
        """When the first customer may be contacted who has to wait by the policy; None if none has.

        Args:
            campaign: Whose customers.
            now: The present time.
            terms: Which of them a run would contact.
        """
        with self._reading() as connection:
            return next_window(connection, campaign, now, terms.table_id)

    def policy(self, campaign: str) -> dict[str, Any] | None:
        """Who may be contacted when in the campaign, as it was planned last; None if all may."""
        return self._of_campaign(campaign, campaigns.c.policy) or None

    def verdicts(
        self,
        customers: Sequence[Customer],
        judge: Judge,
        *,
        now: datetime,
        campaign: str | None = None,
    ) -> dict[str, Verdict]:
        """What a policy says of customers now (some thousands at most), by their keys.

        Nothing is written, and it may be otherwise when they are to be contacted. Links that the
        campaign has given them already do not count.
        """
        with self._reading() as connection:
            return verdicts_of(connection, customers, judge, now, campaign)

    def recall(self, campaign: str, worker: str) -> list[Contact]:
        """The unfinished contacts that the worker holds, for one that may not know of some."""
        return self._contacts(*claims.held_by(campaign, worker))

    def counts(self, campaign: str) -> dict[str, Any]:
        """The campaign in numbers: the funnel, the refused rows, and when it ran."""
        with self._reading() as connection:
            return counts.counted(connection, campaign)

    def miscounted(self) -> dict[str, dict[str, tuple[Any, Any]]]:
        """What of `counts` is kept and is not so; it walks through all contacts to find out.

        Returns:
            By campaign and name, what is kept and what there is. Empty, unless somebody has written
            to the database without its triggers.
        """
        with self._reading() as connection:
            return tallies.miscounted(connection)

    def outside(self, campaign: str, table_id: str) -> int:
        """How many customers wait in a campaign whom a table does not name, or has wrong."""
        with self._reading() as connection:
            return counts.outside(connection, campaign, table_id)

    def deferred(self, campaign: str, *, now: datetime, table_id: str | None = None) -> Deferred:
        """Who has to wait by the policy, as far as a run has tried to contact them.

        Args:
            campaign: Whose customers.
            now: The present time.
            table_id: Only of those whom this table names; of all if None.
        """
        with self._reading() as connection:
            return deferred(connection, campaign, now, table_id)

    def refused_rows(self, campaign: str, *, most: int | None = None) -> list[Refusal]:
        """The refused rows of the table that was planned last, in its order; all or the first."""
        where = refusals.c.campaign == campaign
        query = sa.select(refusals).where(where).order_by(refusals.c.position).limit(most)
        return [as_refusal(row) for row in self._rows(query)]

    def contact_records(
        self, campaign: str, *, latest_only: bool = False, with_requests: bool = True
    ) -> Iterator[Mapping[str, Any]]:
        """All contacts of a campaign, one mapping a contact, in the order of planning.

        Each has `not_before`, too, and `disconnect_reason` and `messages_sent` where Amazon was
        asked.

        Args:
            campaign: The campaign's name.
            latest_only: Only each customer's latest generation.
            with_requests: Whether request and messages are read, too, which are most of what there
                is.
        """
        own = CONTACT_COLUMNS if with_requests else _WITHOUT_REQUESTS
        query = sa.select(*own, contacts.c.not_before, *beside_contacts())
        query = query.where(contacts.c.campaign == campaign)
        if latest_only:
            query = query.where(counts.is_latest())
        return self._stream(query.order_by(contacts.c.id))

    def contacts_of(
        self, campaign: str, customer_ids: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        """The latest contact of each of these customers (at most some thousands at a time).

        As `contact_records` has them without requests. A contact that was forgotten has the id by
        which its customer is called here.
        """
        own = (*_WITHOUT_REQUESTS, contacts.c.customer_key, contacts.c.not_before)
        columns = [*own, *beside_contacts()]
        rows = self._find(campaign, customer_ids, columns, forgotten=True)
        return {name: {**row, "customer_id": name} for name, row in rows.items()}

    def outcomes(
        self, campaign: str, *, with_requests: bool = False
    ) -> Iterator[Mapping[str, Any]]:
        """What became of each customer so far, in the order of planning; see `outcomes`.

        Args:
            campaign: The campaign's name.
            with_requests: Whether the requests are read, too.
        """
        return self._stream(outcomes(campaign, with_requests=with_requests))

    def message_records(self, campaign: str) -> Iterator[Mapping[str, Any]]:
        """All transcript items of a campaign, contact by contact, each in order of time.

        A contact that followed from a customer's own (a transfer, a survey after the end) stands
        after it.
        """
        follows = sa.and_(
            collected.c.campaign == items.c.campaign,
            collected.c.contact_id == items.c.contact_id,
        )
        first = sa.func.coalesce(collected.c.initial_contact_id, items.c.contact_id)
        query = (
            sa.select(items)
            .outerjoin(collected, follows)
            .join(contacts, contacts.c.contact_id == first)
            .where(items.c.campaign == campaign, contacts.c.campaign == campaign)
            .order_by(
                contacts.c.id,
                items.c.contact_id != contacts.c.contact_id,
                collected.c.started_at,
                items.c.contact_id,
                items.c.absolute_time,
                items.c.message_id,
            )
        )
        return self._stream(query)

    def unknown_contacts(self, campaign: str) -> list[Contact]:
        """Contacts of which nobody knows whether they were made, in the order of planning."""
        columns = contacts.c
        return self._contacts(columns.campaign == campaign, columns.status == Status.UNKNOWN)

    def uncontacted(self, campaign: str, *, most: int) -> list[Contact]:
        """The first customers' contacts that are unknown, and then those that failed."""
        columns = contacts.c
        query = (
            sa.select(*CONTACT_COLUMNS)
            .where(
                columns.campaign == campaign,
                columns.status.in_([Status.FAILED, Status.UNKNOWN]),
                counts.is_latest(),
            )
            .order_by(columns.status.desc(), columns.id)
            .limit(most)
        )
        return [as_contact(row) for row in self._rows(query)]

    def mean_chat_seconds(self, instance_id: str) -> float | None:
        """The mean time from start to end of an instance's latest chats; None if there are none."""
        columns, times = contacts.c, list[Any]()
        here = campaigns.c.instance_id == instance_id
        names = sa.select(campaigns.c.campaign).where(here).order_by(campaigns.c.created_at.desc())
        latest = sa.select(columns.started_at, columns.ended_at).where(
            columns.status == Status.COMPLETED,
            columns.sent_at.is_not(None),
            columns.started_at.is_not(None),
            columns.ended_at.is_not(None),
        )
        with self._reading() as connection:
            # Campaign by campaign: each has its chats in order, all of them together have not.
            for campaign in connection.scalars(names).all():
                theirs = latest.where(columns.campaign == campaign).order_by(columns.sent_at.desc())
                times += connection.execute(theirs.limit(_CHATS - len(times))).all()
                if len(times) == _CHATS:
                    break
        seconds = [(ended - started).total_seconds() for started, ended in times]
        return sum(seconds) / len(seconds) if seconds else None

    def learnt(self, campaign: str, *, now: datetime) -> dict[str, float]:
        """What the campaign's instance grants less of than its quotas say.

        Returns:
            Calls per second by API, and `open_chats`; what is not less is left out.
        """
        instance_id = self.instance_id(campaign)
        with self._reading() as connection:
            return shared_limits.learnt(connection, instance_id, now.timestamp())

    def _find(
        self,
        campaign: str,
        customer_ids: Sequence[str],
        columns: Sequence[sa.ColumnElement[Any]],
        *,
        forgotten: bool = False,
    ) -> customers.Rows:
        with self._reading() as connection:
            return customers.find(
                connection,
                campaign,
                customer_ids,
                columns,
                has_floats=self._holds_floats(connection, campaign),
                forgotten=forgotten,
            )

    def _holds_floats(self, connection: sa.Connection, campaign: str) -> bool:
        if campaign not in self._has_floats:
            # Kept: what is written from now on is no float.
            self._has_floats[campaign] = customers.holds_floats(connection, campaign)
        return self._has_floats[campaign]

    def _contacts(self, *where: sa.ColumnElement[bool]) -> list[Contact]:
        query = sa.select(*CONTACT_COLUMNS).where(*where).order_by(contacts.c.id)
        return [as_contact(row) for row in self._rows(query)]

    def _rows(self, query: sa.Select[Any]) -> Sequence[Mapping[Any, Any]]:
        with self._reading() as connection:
            return connection.execute(query).mappings().all()

    def _of_campaign(self, campaign: str, column: sa.Column[Any]) -> Any:
        if why_not_stored(campaign):
            return None
        query = sa.select(column).where(campaigns.c.campaign == campaign)
        with self._reading() as connection:
            return connection.scalar(query)

    def _stream(self, query: sa.Select[Any]) -> Iterator[Mapping[str, Any]]:
        with self._reading() as connection:
            result = connection.execute(query).yield_per(1_000)
            names = list(map(str, result.keys()))
            for row in result:
                yield dict(zip(names, row, strict=True))

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with explained(self.url), self._engine.connect() as connection:
            yield connection
