"""The reader: what can be asked of a ledger."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self, TypeAlias

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.problems import shortened
from connect_tasks.aws.stored_text import LONGEST_KEY, why_not_stored
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import InputError
from connect_tasks.ledger import claims, redaction, shared_limits
from connect_tasks.ledger.changes import Known
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import CampaignState, Contact, Refusal, Status, Withdrawal
from connect_tasks.ledger.database import create_or_check, explained, make_engine
from connect_tasks.ledger.keys import legacy_id
from connect_tasks.ledger.rows import CONTACT_COLUMNS, as_contact, as_known, as_refusal
from connect_tasks.ledger.schema import campaigns, contacts, items, refusals

__all__ = ["LedgerReader"]

_KNOWN_COLUMNS = [
    contacts.c[name]
    for name in (
        "customer_id",
        "customer_key",
        "generation",
        "status",
        "client_token",
        "fingerprint",
        "messages",
        "error_code",
    )
]

_Rows: TypeAlias = dict[str, Mapping[Any, Any]]


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
        names, key = self.campaigns(), canonical_key(name)
        if not key:
            raise InputError("A campaign needs a name: nobody is contacted twice under it.")
        if name in names:
            return name
        if why := why_not_stored(name, most=LONGEST_KEY):
            raise InputError(f"The campaign's name {shortened(name)} cannot be used: it {why}.")
        same = [found for found in names if canonical_key(found) == key]
        if len(same) > 1:
            raise InputError(
                f"Several campaigns of the ledger are called {key!r} but for white space or "
                f"invisible characters: {', '.join(map(ascii, same))}. Name one exactly."
            )
        return same[0] if same else key

    def campaigns(self) -> list[str]:
        """The names of all campaigns, sorted."""
        query = sa.select(campaigns.c.campaign).order_by(campaigns.c.campaign)
        with self._reading() as connection:
            return list(connection.scalars(query))

    def instance_id(self, campaign: str) -> str:
        """The instance on which the campaign runs; empty if there is no such campaign."""
        return str(self._of_campaign(campaign, campaigns.c.instance_id) or "")

    def check_campaign(self, campaign: str, instance_id: str) -> None:
        """Make sure that a campaign may run on an instance.

        Raises:
            InputError: The campaign has no name, or already runs on another instance.
        """
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
        rows = self._latest(campaign, customer_ids, _KNOWN_COLUMNS)
        return {customer_id: as_known(row) for customer_id, row in rows.items()}

    def recognised(self, campaign: str, customer_ids: Sequence[str]) -> dict[str, Known]:
        """The same as `known`, and customers who were forgotten since.

        It looks a second time for each who is not found, which is slow for a new table.
        """
        rows = self._latest_or_forgotten(campaign, customer_ids, _KNOWN_COLUMNS)
        return {customer_id: as_known(row) for customer_id, row in rows.items()}

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
        wanted = [claims.wanted(campaign, worker, status, now, terms) for status in statuses]
        # One that nobody has claimed is being claimed, or planned, in this moment.
        until = sa.func.coalesce(contacts.c.claimed_until, now)
        # The conditions name the campaign and a status each; said once more, the index is used.
        query = sa.select(sa.func.min(until)).where(
            contacts.c.campaign == campaign,
            contacts.c.status.in_(statuses),
            sa.or_(*wanted),
        )
        with self._reading() as connection:
            expiry: datetime | None = connection.scalar(query)
        return expiry

    def recall(self, campaign: str, worker: str) -> list[Contact]:
        """The unfinished contacts that the worker holds, for one that may not know of some."""
        return self._contacts(*claims.held_by(campaign, worker))

    def counts(self, campaign: str) -> dict[str, Any]:
        """The campaign in numbers: the funnel, the refused rows, and when it ran."""
        with self._reading() as connection:
            funnel = connection.execute(_funnel(campaign)).mappings().all()
            refused = connection.execute(_count_refused(campaign)).all()
        counts = {str(status): 0 for status in Status}
        counts.update({row[0]: row[1] for row in refused})
        return {**counts, **_summed(funnel)}

    def outside(self, campaign: str, table_id: str) -> int:
        """How many customers wait in a campaign whom a table does not name, or has wrong."""
        columns = contacts.c
        theirs = sa.or_(columns.table_id.is_(None), columns.table_id != table_id)
        waiting = columns.status.in_([Status.PLANNED, Status.STARTING])
        query = (
            sa.select(sa.func.count())
            .select_from(contacts)
            .where(columns.campaign == campaign, waiting, theirs, _is_latest())
        )
        with self._reading() as connection:
            return connection.scalar(query) or 0

    def refused_rows(self, campaign: str, *, most: int | None = None) -> list[Refusal]:
        """The refused rows of the table that was planned last, in its order; all or the first."""
        where = refusals.c.campaign == campaign
        query = sa.select(refusals).where(where).order_by(refusals.c.position).limit(most)
        return [as_refusal(row) for row in self._rows(query)]

    def contact_records(
        self, campaign: str, *, latest_only: bool = False
    ) -> Iterator[Mapping[str, Any]]:
        """All contacts of a campaign, one mapping a contact, in the order of planning.

        Args:
            campaign: The campaign's name.
            latest_only: Only each customer's latest generation.
        """
        query = sa.select(*CONTACT_COLUMNS).where(contacts.c.campaign == campaign)
        if latest_only:
            query = query.where(_is_latest())
        return self._stream(query.order_by(contacts.c.id))

    def contacts_of(
        self, campaign: str, customer_ids: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        """The latest contact of each of these customers (at most some thousands at a time).

        A contact that was forgotten has the id by which its customer is called here.
        """
        columns = [*CONTACT_COLUMNS, contacts.c.customer_key]
        rows = self._latest_or_forgotten(campaign, customer_ids, columns)
        return {name: {**row, "customer_id": name} for name, row in rows.items()}

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
                _is_latest(),
            )
            .order_by(columns.status.desc(), columns.id)
            .limit(most)
        )
        return [as_contact(row) for row in self._rows(query)]

    def mean_chat_seconds(self, instance_id: str) -> float | None:
        """The mean time from start to end of an instance's latest chats; None if there are none."""
        columns = contacts.c
        here = sa.select(campaigns.c.campaign).where(campaigns.c.instance_id == instance_id)
        latest = (
            sa.select(columns.id)
            .where(columns.campaign.in_(here), columns.status == Status.COMPLETED)
            .order_by(columns.id.desc())
            .limit(1_000)
        )
        query = sa.select(columns.started_at, columns.ended_at).where(
            columns.id.in_(latest), columns.started_at.is_not(None), columns.ended_at.is_not(None)
        )
        with self._reading() as connection:
            times = connection.execute(query).all()
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

    def _latest_or_forgotten(
        self, campaign: str, customer_ids: Sequence[str], columns: Sequence[sa.Column[Any]]
    ) -> _Rows:
        found = self._latest(campaign, customer_ids, columns)
        missing = [name for name in customer_ids if name not in found]
        names = {word: name for name in missing for word in redaction.forgotten_ids(campaign, name)}
        if names:
            forgotten = self._latest(campaign, list(names), columns)
            found |= {names[customer_id]: row for customer_id, row in forgotten.items()}
        return found

    def _latest(
        self, campaign: str, customer_ids: Sequence[str], columns: Sequence[sa.Column[Any]]
    ) -> _Rows:
        # What no database can hold is in none, and may not be asked for either.
        keys = {canonical_key(name): name for name in customer_ids if not why_not_stored(name)}
        found = self._latest_by_key(campaign, keys, columns)
        numbers = [name for key, name in keys.items() if name not in found and _is_whole(key)]
        if numbers and self._wrote_floats(campaign):
            floats = {legacy_id(canonical_key(name)): name for name in numbers}
            found |= self._latest_by_key(campaign, floats, columns)
        return found

    def _latest_by_key(
        self, campaign: str, keys: Mapping[str, str], columns: Sequence[sa.Column[Any]]
    ) -> _Rows:
        query = (
            sa.select(*columns)
            .where(contacts.c.campaign == campaign, contacts.c.customer_key.in_(keys))
            .order_by(contacts.c.generation)
        )
        return {keys[row["customer_key"]]: row for row in self._rows(query)}

    def _wrote_floats(self, campaign: str) -> bool:
        """Whether an earlier version may have called a customer 1.0 whose number is 1."""
        if campaign not in self._has_floats:
            like = contacts.c.customer_key.like(legacy_id("%"))
            query = sa.select(contacts.c.id).where(contacts.c.campaign == campaign, like).limit(1)
            # Kept: what is written from now on is no float.
            self._has_floats[campaign] = bool(self._rows(query))
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
            for row in connection.execute(query).yield_per(1_000).mappings():
                yield {str(name): value for name, value in row.items()}

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with explained(self.url), self._engine.connect() as connection:
            yield connection


def _is_whole(key: str) -> bool:
    return key.isascii() and key.removeprefix("-").isdigit()


def _funnel(campaign: str) -> sa.Executable:
    """By status: how many contacts came how far, and when the first and the last step was."""
    columns = contacts.c
    return (
        sa.select(
            columns.status,
            sa.func.count().label("all"),
            sa.func.count(sa.case((_is_withdrawn(), 1))).label("withdrawn"),
            sa.func.count(columns.started_at).label("reached_started"),
            sa.func.count(columns.connected_at).label("reached_connected"),
            sa.func.count(columns.first_reply_at).label("replied"),
            sa.func.count(sa.case((_is_incomplete(), 1))).label("transcripts_incomplete"),
            sa.func.count(sa.case((_is_unchecked(), 1))).label("transcripts_unchecked"),
            sa.func.coalesce(sa.func.sum(columns.items_skipped), 0).label("items_skipped"),
            sa.func.min(columns.planned_at).label("planned_at"),
            sa.func.max(columns.ended_at).label("ended_at"),
        )
        .where(columns.campaign == campaign, _is_latest())
        .group_by(columns.status)
    )


def _summed(rows: Sequence[Mapping[Any, Any]]) -> dict[str, Any]:
    """The rows of `funnel` as one: counts by status, how many came how far, and when.

    Who was withdrawn is neither valid nor failed.
    """
    reached = (
        "withdrawn",
        "reached_started",
        "reached_connected",
        "replied",
        "transcripts_incomplete",
        "transcripts_unchecked",
        "items_skipped",
    )
    return {
        **{row["status"]: row["all"] - row["withdrawn"] for row in rows},
        **{name: sum(row[name] for row in rows) for name in reached},
        "valid": sum(row["all"] - row["withdrawn"] for row in rows),
        "planned_at": min((row["planned_at"] for row in rows), default=None),
        "ended_at": max((row["ended_at"] for row in rows if row["ended_at"]), default=None),
    }


def _is_incomplete() -> sa.ColumnElement[bool]:
    """Whether something is missing of the transcript, or may be."""
    return sa.and_(_has_transcript(), contacts.c.transcript_complete.is_(sa.false()))


def _is_unchecked() -> sa.ColumnElement[bool]:
    """Whether nobody can say that the transcript is whole, or that it is not."""
    return sa.and_(_has_transcript(), contacts.c.transcript_complete.is_(None))


def _has_transcript() -> sa.ColumnElement[bool]:
    columns = contacts.c
    return sa.and_(columns.status == Status.COMPLETED, columns.connected_at.is_not(None))


def _is_withdrawn() -> sa.ColumnElement[bool]:
    return sa.and_(contacts.c.status == Status.FAILED, contacts.c.error_code.in_(list(Withdrawal)))


def _count_refused(campaign: str) -> sa.Executable:
    """How many rows of the table were refused, by status."""
    where = refusals.c.campaign == campaign
    return sa.select(refusals.c.status, sa.func.count()).where(where).group_by(refusals.c.status)


def _is_latest() -> sa.ColumnElement[bool]:
    """Whether a contact is its customer's latest generation: the one that counts."""
    newer = contacts.alias("newer")
    same_customer = (
        newer.c.campaign == contacts.c.campaign,
        newer.c.customer_key == contacts.c.customer_key,
    )
    later = newer.c.generation > contacts.c.generation
    return ~sa.exists().where(*same_customer, later).correlate(contacts)
