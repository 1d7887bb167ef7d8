"""The roster: who is in a campaign, with which request; entering customers and taking them out.

The rules of this file:

- Nothing here touches a contact that may have been made: who is not sent yet can be written anew
  or taken out, whoever has claimed them. Their claim ends with that. A worker that holds it finds
  it lost when it writes that it will send, and does not send.
- What was sent once keeps its request, whatever a table says by now. A table can only name it, so
  that its run finds out what became of it.
- A write of many contacts locks other writers out, so that none waits for another in a circle.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from connect_tasks.aws.problems import shortened
from connect_tasks.aws.stored_text import LONGEST_REASON, why_not_stored
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import InputError
from connect_tasks.ledger import endpoints
from connect_tasks.ledger.changes import Planned
from connect_tasks.ledger.contact import (
    CampaignMode,
    CampaignState,
    Refusal,
    Status,
    Withdrawal,
)
from connect_tasks.ledger.customers import find
from connect_tasks.ledger.database import explained, insert_into, lock_out_writers
from connect_tasks.ledger.decisions import Judged, record
from connect_tasks.ledger.many_values import among
from connect_tasks.ledger.next_chats import take_out
from connect_tasks.ledger.planned_rows import insert_planned
from connect_tasks.ledger.reader import LedgerReader
from connect_tasks.ledger.rows import refusal_values
from connect_tasks.ledger.schema import campaigns, contacts, invitations, refusals
from connect_tasks.ledger.verdicts import Moment, Suppress

__all__ = ["Roster"]

_KEY_COLUMNS = [contacts.c.customer_key, contacts.c.generation]
_NOT_SURELY_CONTACTED = (Status.PLANNED, Status.STARTING, Status.UNKNOWN)
_UNCLAIMED = {"claimed_by": sa.null(), "claimed_until": sa.null()}


class Roster(LedgerReader):
    """Who is in a campaign. Every method is one transaction and returns once it is on disk.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database.

    Raises:
        LedgerError: It cannot be opened, is no ledger, or was written by a newer version.
    """

    def open_campaign(
        self,
        campaign: str,
        instance_id: str,
        *,
        now: datetime,
        conversation: Conversation | None = None,
        mode: CampaignMode = CampaignMode.SIMULATION,
        policy: Mapping[str, Any] | None = None,
        limits_group: str | None = None,
    ) -> None:
        """Enter a campaign; again, it changes only the conversation and the policy.

        Args:
            campaign: Its name; one that looks like that of a campaign in here is that campaign's.
            instance_id: Where its chats are started.
            now: The present time.
            conversation: How its chats are held, for whoever goes on without the table.
            mode: Who speaks as its customers.
            policy: Who may be contacted when, as JSON; as before if None. Whom another one lets
                wait is judged anew.
            limits_group: Of which group it is for other campaigns' limits; said with the policy.

        Raises:
            InputError: The campaign has no name, or may not run here (`check_campaign`) or in
                this way (`check_mode`).
        """
        campaign = self.campaign_name(campaign)
        self._check_own(campaign, instance_id, mode)
        row = {
            "campaign": campaign,
            "instance_id": instance_id,
            "created_at": now,
            "mode": mode,
            # With the campaign itself: killed after this, it is never one that may do more.
            "policy": dict(policy) if policy else None,
            "limits_group": limits_group,
        }
        ours = (campaigns.c.campaign == campaign, campaigns.c.instance_id == instance_id)
        with self._writing() as connection:
            connection.execute(self._insert(campaigns).on_conflict_do_nothing(), row)
            if conversation is not None:
                values = {"conversation": conversation.model_dump(mode="json")}
                connection.execute(sa.update(campaigns).where(*ours).values(values))
        if policy is not None:
            self._set_policy(campaign, dict(policy), limits_group)
        # Somebody else may have entered it in the meantime.
        self._check_own(campaign, instance_id, mode)

    def _set_policy(self, campaign: str, policy: dict[str, Any], group: str | None) -> None:
        if (self.policy(campaign) or {}) == policy:
            return
        values = {"policy": policy or None, "limits_group": group}
        waits = (contacts.c.campaign == campaign, contacts.c.status.in_(_NOT_SURELY_CONTACTED))
        judged_anew = (
            sa.update(contacts)
            .where(*waits, contacts.c.not_before.is_not(None))
            .values(not_before=None)
        )
        with self._writing() as connection:
            lock_out_writers(connection, contacts)
            connection.execute(
                sa.update(campaigns).where(campaigns.c.campaign == campaign).values(values)
            )
            connection.execute(judged_anew)

    def _check_own(self, campaign: str, instance_id: str, mode: CampaignMode) -> None:
        self.check_campaign(campaign, instance_id)
        self.check_mode(campaign, mode)

    def set_state(self, campaign: str, state: CampaignState) -> None:
        """Say what is wanted of the campaign; its workers notice within a second or two.

        Raises:
            InputError: There is no such campaign in this ledger.
        """
        where = campaigns.c.campaign == self.existing_campaign(campaign)
        statement = sa.update(campaigns).where(where)
        with self._writing() as connection:
            connection.execute(statement.values(state=state))

    def plan(
        self,
        campaign: str,
        rows: Sequence[Planned],
        *,
        now: datetime,
        table_id: str | None = None,
        policy: str = "",
        on_taken: Callable[[Planned], None] | None = None,
    ) -> int:
        """Write valid rows as `planned` or `withheld`; what may have been sent keeps its request.

        Args:
            campaign: Whose rows.
            rows: The rows, each of another customer.
            now: The present time.
            table_id: Which table they are of, for `ClaimTerms`.
            policy: Which one withholds some of them, for the record.
            on_taken: Told each row that is not written, because its number is another customer's
                of the campaign; numbers may be shared if None.

        Returns:
            How many were written or, where their request stays, are of this table now. A row that
            `known` did not find and that is neither belongs to a customer who was forgotten, or
            whom somebody else has entered since.
        """
        if not rows:
            return 0
        statement = self._insert_or_correct()
        with self._writing() as connection:
            lock_out_writers(connection, contacts)
            rows = self._with_own_numbers(connection, campaign, rows, on_taken)
            kinds = ([row for row in rows if bool(row.withheld) is kind] for kind in (False, True))
            written = sum(
                insert_planned(connection, statement, campaign, some, now, table_id)
                for some in kinds
                if some
            )
            withheld = self._there(connection, campaign, [row for row in rows if row.withheld])
            judged = [_judged(campaign, row) for row in withheld]
            record(connection, judged, moment=Moment.PLAN, policy=policy, now=now)
            return written

    def _there(
        self, connection: sa.Connection, campaign: str, rows: Sequence[Planned]
    ) -> Sequence[Planned]:
        """The rows that are in the campaign: of who was forgotten nothing is written by name."""
        if not rows:
            return rows
        key, names = contacts.c.customer_key, [row.customer_key for row in rows]
        theirs = among(key, names, connection.dialect.name)
        query = sa.select(key).where(contacts.c.campaign == campaign, theirs)
        there = set(connection.scalars(query))
        return [row for row in rows if row.customer_key in there]

    def numbers_taken(self, campaign: str, numbers: Mapping[str, str]) -> set[str]:
        """Which customers have a number that is another customer's of the campaign, as it is now.

        Args:
            campaign: Whose customers.
            numbers: Their numbers by their keys; each once.
        """
        with self._reading() as connection:
            hashes = endpoints.hashes(connection, campaign, numbers)
            return endpoints.taken(connection, campaign, hashes)

    def _with_own_numbers(
        self,
        connection: sa.Connection,
        campaign: str,
        rows: Sequence[Planned],
        on_taken: Callable[[Planned], None] | None,
    ) -> Sequence[Planned]:
        rows = endpoints.hashed(connection, campaign, rows)
        if on_taken is None:
            return rows
        wanted = {row.customer_key: row.endpoint for row in rows if row.endpoint is not None}
        taken = endpoints.taken(connection, campaign, wanted)
        for row in rows:
            if row.customer_key in taken:
                on_taken(row)
        return [row for row in rows if row.customer_key not in taken]

    def _insert_or_correct(self) -> sqlite.Insert | postgresql.Insert:
        insert, columns = self._insert(contacts), contacts.c
        # As text: PostgreSQL does not compare JSON.
        said, says = (sa.cast(row.messages, sa.Text) for row in (columns, insert.excluded))
        is_another = sa.or_(
            columns.fingerprint != insert.excluded.fingerprint,
            said != says,
            columns.time_zone.is_distinct_from(insert.excluded.time_zone),
            columns.variant.is_distinct_from(insert.excluded.variant),
        )
        is_corrected = sa.and_(columns.status == Status.PLANNED, is_another)
        names = ("request", "fingerprint", "messages", "time_zone", "variant", "endpoint")
        # A worker sends what it read when it claimed, and the record must not say anything else:
        # with a new request the claim ends, and the worker cannot send the old one.
        anew = {**_UNCLAIMED, "not_before": sa.null()}
        new = {**{name: insert.excluded[name] for name in names}, **anew}
        corrected = {
            name: sa.case((is_corrected, value), else_=columns[name]) for name, value in new.items()
        }
        return insert.on_conflict_do_update(
            # The customer who was forgotten has no id any more, but still this token.
            index_elements=["client_token"],
            set_={**corrected, "table_id": insert.excluded.table_id},
            # Not `in_`: that cannot be said for many rows at once.
            where=sa.or_(*(columns.status == status for status in _NOT_SURELY_CONTACTED)),
        )

    def name_again(
        self, campaign: str, customer_ids: Sequence[str], table_id: str, *, free: Collection[str]
    ) -> None:
        """Say that a table names customers who are in the campaign and not contacted for sure.

        Args:
            campaign: Whose customers.
            customer_ids: Who they are (at most some thousands at a time).
            table_id: Which table.
            free: The keys of those of them who have not to wait: what they waited for is gone.
        """
        found = self._find(campaign, customer_ids, _KEY_COLUMNS)
        theirs = contacts.c.customer_key.in_([key for key in free if key])
        not_before = sa.case((theirs, sa.null()), else_=contacts.c.not_before)
        statement = (
            sa.update(contacts)
            .where(
                contacts.c.campaign == campaign,
                contacts.c.customer_key.in_([row["customer_key"] for row in found.values()]),
                contacts.c.status.in_(_NOT_SURELY_CONTACTED),
            )
            .values(table_id=table_id, not_before=not_before)
        )
        with self._writing() as connection:
            lock_out_writers(connection, contacts)
            connection.execute(statement)

    def withdraw(
        self, campaign: str, reasons: Mapping[str, str], by: Withdrawal, *, now: datetime
    ) -> int:
        """Take customers out who surely were not contacted: nobody starts a chat with them.

        A worker that has claimed one and not begun to send finds its claim lost. Who has a link,
        and has not joined the chat that it brought, gets no other by it. Whom a table took out
        before, a person can take out for good.

        Args:
            campaign: Whose customers.
            reasons: Why, by customer.
            by: Who takes them out.
            now: The present time.

        Returns:
            How many were taken out; the others were contacted, may have been, or are out already.

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
                contacts.c.generation == sa.bindparam("latest"),
                _can_be_withdrawn(by),
            )
            .values(
                # The policy has settled it before; that a person does not want it either is told.
                status=sa.case(
                    (contacts.c.status == Status.WITHHELD, contacts.c.status),
                    else_=Status.FAILED,
                ),
                error_code=by,
                error_message=sa.bindparam("reason"),
                # An end that is there is none that is taken back, whatever another's clock said.
                ended_at=sa.case((contacts.c.ended_at > now, contacts.c.ended_at), else_=now),
                **_UNCLAIMED,
            )
        )
        with self._writing() as connection:
            # Before looking: a press may be planning somebody's next contact.
            lock_out_writers(connection, contacts, invitations)
            has_floats = self._holds_floats(connection, campaign)
            found = find(
                connection,
                campaign,
                list(reasons),
                _KEY_COLUMNS,
                has_floats=has_floats,
                forgotten=False,
            )
            if not found:
                return 0
            values = [
                {"key": row["customer_key"], "latest": row["generation"], "reason": reasons[name]}
                for name, row in found.items()
            ]
            latest = {row["customer_key"]: row["generation"] for row in found.values()}
            withdrawn = connection.execute(statement, values).rowcount
            return withdrawn + take_out(connection, campaign, latest, by)

    def replace_refusals(self, campaign: str, rows: Iterable[Refusal]) -> None:
        """Remember which rows of the present table are refused, instead of those before."""
        values = (refusal_values(campaign, row) for row in rows)
        with self._writing() as connection:
            lock_out_writers(connection, refusals)
            connection.execute(sa.delete(refusals).where(refusals.c.campaign == campaign))
            while some := list(islice(values, 10_000)):
                connection.execute(sa.insert(refusals), some)

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        return insert_into(table, self._engine.dialect.name)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with explained(self.url), self._engine.begin() as connection:
            yield connection


def _judged(campaign: str, row: Planned) -> Judged:
    return Judged(
        campaign=campaign,
        customer_id=row.customer_id,
        customer_key=row.customer_key,
        verdict=Suppress(row.withheld),
    )


def _can_be_withdrawn(by: Withdrawal) -> sa.ColumnElement[bool]:
    columns = contacts.c
    # Set down again after a clear refusal, such as a throttle: nothing was made with its token.
    set_down = sa.and_(columns.status == Status.STARTING, columns.sent_at.is_(None))
    out = sa.and_(columns.status == Status.FAILED, columns.error_code == Withdrawal.BY_TABLE)
    ways = (columns.status == Status.PLANNED, set_down)
    by_policy = sa.and_(columns.status == Status.WITHHELD, columns.error_code != by)
    return sa.or_(*ways, out, by_policy) if by is Withdrawal.BY_PERSON else sa.or_(*ways)
