"""Links in a ledger whose policy is a few plain rules of the test's own: no campaign, no chat."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connect_tasks.aws.idempotency import canonical_key, client_token
from connect_tasks.ledger.changes import Planned
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.issuing import Link
from connect_tasks.ledger.schema import contacts, decisions, invitations
from connect_tasks.ledger.standing import Standing, standing_of
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import (
    Allow,
    Customer,
    Defer,
    History,
    HoldOut,
    Rule,
    Suppress,
    Suppression,
    Verdict,
    Why,
)

__all__ = ["DAY", "HOUR", "NOON", "JudgedLinks", "Rules"]

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A policy: open from an hour of the day to another, in UTC; a cap; an end; who is held out."""

    fingerprint: str = "f-1"
    lists: frozenset[str] = frozenset({"all"})
    group: str | None = None
    opens: int = 0
    closes: int = 24
    cap: int = 0
    look_back: timedelta = timedelta(0)
    expires_after: timedelta = 1_000 * DAY
    held_out: Collection[str] = ()

    def decide(self, customer: Customer, now: datetime, history: History) -> Verdict:
        no = self._never_or_later(customer, now, history)
        if no is not None:
            return no
        if customer.customer_key in self.held_out and self.opens <= now.hour < self.closes:
            return HoldOut((Why(Rule.HELD_OUT),))
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        opens, closes = midnight + self.opens * HOUR, midnight + self.closes * HOUR
        if not opens <= now < closes:
            opening = opens if now < opens else opens + DAY
            return Defer(opening, (Why(Rule.OUTSIDE_HOURS, f"{self.opens}-{self.closes}"),))
        return Allow(None if (self.opens, self.closes) == (0, 24) else closes)

    def _never_or_later(
        self, customer: Customer, now: datetime, history: History
    ) -> Suppress | Defer | None:
        for one in history.suppressions:
            why = Why(Rule.OPTED_OUT, one.list)
            if one.expires_at is None:
                return Suppress((why,))
            if one.expires_at > now:
                return Defer(one.expires_at, (why,))
        if now - customer.planned_at >= self.expires_after:
            return Suppress((Why(Rule.EXPIRED),))
        counted = sorted(at for at in history.contacts if at > now - self.look_back)
        if self.cap and len(counted) >= self.cap:
            free = counted[-self.cap] + self.look_back
            return Defer(free, (Why(Rule.FREQUENCY_CAPPED, f"{self.cap}"),))
        return None


@dataclass
class JudgedLinks:
    ledger: Ledger
    rules: Rules | None = field(default_factory=Rules)
    now: datetime = NOON
    expires_after: timedelta = 30 * DAY
    key: str = "k-1"

    def enter(
        self,
        *customers: str,
        campaign: str = "renewals",
        mode: CampaignMode = CampaignMode.INVITATION,
        generation: int = 1,
        policy: Mapping[str, Any] | None = None,
        limits_group: str | None = None,
    ) -> None:
        self.ledger.open_campaign(
            campaign, "i-1", now=self.now, mode=mode, policy=policy, limits_group=limits_group
        )
        rows = [
            Planned(
                customer_id=customer,
                customer_key=canonical_key(customer),
                generation=generation,
                client_token=client_token(campaign, customer, generation=generation),
                request="{}",
                fingerprint="f",
                messages=(),
            )
            for customer in customers
        ]
        self.ledger.plan(campaign, rows, now=self.now)

    def issue(self, *customers: str, campaign: str = "renewals") -> dict[str, Standing]:
        links = [
            Link(
                customer_key=customer,
                token_hash=f"{campaign} {customer} {self.key}",
                key_id=self.key,
            )
            for customer in customers
        ]
        return self.ledger.invitations.issue(
            campaign,
            links,
            key_ids=[self.key],
            now=self.now,
            expires_after=self.expires_after,
            judge=self.rules,
        )

    def invite(self, *customers: str, campaign: str = "renewals") -> dict[str, Standing]:
        """Enter customers, and give them links."""
        self.enter(*customers, campaign=campaign)
        return self.issue(*customers, campaign=campaign)

    def to_send(self, *customers: str, campaign: str = "renewals") -> dict[str, Standing]:
        """How those stand who have a link that a sender would be given now."""
        records = self.ledger.invitations.records_of(campaign, customers, now=self.now)
        standings = {
            key: standing_of(record, key_ids=[self.key], now=self.now)
            for key, record in records.items()
        }
        return {key: standing for key, standing in standings.items() if standing.works}

    def window(self, customer: str, campaign: str = "renewals") -> tuple[Any, Any] | None:
        columns = invitations.c
        theirs = (columns.campaign == campaign, columns.customer_key == customer)
        rows = self._rows(sa.select(columns.not_before, columns.not_after).where(*theirs))
        return (rows[0]["not_before"], rows[0]["not_after"]) if rows else None

    def links(self) -> list[Mapping[Any, Any]]:
        return self._rows(sa.select(invitations).order_by(invitations.c.token_hash))

    def contact(self, customer: str, campaign: str = "renewals") -> Mapping[Any, Any]:
        theirs = (contacts.c.campaign == campaign, contacts.c.customer_key == customer)
        return self._rows(sa.select(contacts).where(*theirs).order_by(contacts.c.generation))[-1]

    def decisions(self) -> list[Mapping[Any, Any]]:
        return self._rows(sa.select(decisions).order_by(decisions.c.id))

    def becomes(self, customer: str, campaign: str = "renewals", **values: Any) -> None:
        theirs = (contacts.c.campaign == campaign, contacts.c.customer_key == customer)
        with self.ledger._writing() as connection:
            connection.execute(sa.update(contacts).where(*theirs).values(values))

    def opt_out(
        self, customer: str, list_: str = "all", expires_at: datetime | None = None
    ) -> None:
        entry = Suppression(list_, "person", "test", self.now, expires_at)
        self.ledger.suppressions.add([(customer, entry)])

    def opt_in(self, customer: str, list_: str = "all") -> None:
        self.ledger.suppressions.remove([(customer, list_)], now=self.now)

    def _rows(self, query: sa.Select[Any]) -> list[Mapping[Any, Any]]:
        with self.ledger._reading() as connection:
            return list(connection.execute(query).mappings())
