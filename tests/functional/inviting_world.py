"""A campaign by invitation in a ledger, without Prefect and without a chat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connect_tasks import ChatTemplate, Quotas
from connect_tasks.campaign.invitation_rows import invitation_records, links_to_send
from connect_tasks.campaign.inviting import DEFAULT_EXPIRY, Invited, chat_minutes, issue_links
from connect_tasks.campaign.links import InvitationKeys, link_url
from connect_tasks.campaign.planning import Plan, plan_campaign
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.schema import contacts, invitations
from connect_tasks.ledger.standing import Standing
from connect_tasks.ledger.store import Ledger

__all__ = ["BASE", "CAMPAIGN", "FIRST", "KEYS", "NEXT", "NOON", "Inviting", "counted", "rows"]

CAMPAIGN = "renewals"
BASE = "https://chat.example.com"
FIRST, NEXT = "Hx0kJ2mQ7vLr5TnWc8YpZd3Fb6Gs9Ae1", "q8XbN1fVtZ0uDgR4oKiS7cPwE5yMhL2a"
KEYS = InvitationKeys(FIRST)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def rows(*customers: str, name: str = "Ada") -> list[dict[str, str]]:
    return [{"customer_id": customer, "display_name": name} for customer in customers]


@dataclass
class Inviting:
    ledger: Ledger
    keys: InvitationKeys = KEYS
    base_url: str = BASE
    now: datetime = NOON
    plan: Plan | None = None
    policy: OutreachPolicy | None = None
    campaign: str = CAMPAIGN

    def invite(
        self, table: Sequence[Mapping[str, Any]], *, expires_after: timedelta = DEFAULT_EXPIRY
    ) -> Invited:
        """What `invite` does with a table, at the present time and with the present keys."""
        self.plan = self.entered(table)
        return self.issue(self.plan, expires_after=expires_after)

    def entered(self, table: Sequence[Mapping[str, Any]]) -> Plan:
        policy = self.policy
        self.ledger.open_campaign(
            self.campaign,
            "i-1",
            now=self.now,
            mode=CampaignMode.INVITATION,
            policy=None if policy is None else policy.model_dump(mode="json"),
            limits_group=None if policy is None else policy.group,
        )
        renderer = ChatTemplate().bind(
            instance_id="i-1", contact_flow_id="f-1", chat_minutes=chat_minutes(Quotas())
        )
        return plan_campaign(self.ledger, self.campaign, [table], renderer, now=self.now)

    def issue(self, plan: Plan, *, expires_after: timedelta = DEFAULT_EXPIRY) -> Invited:
        return issue_links(
            self.ledger,
            plan,
            self.keys,
            base_url=self.base_url,
            expires_after=expires_after,
            now=self.now,
        )

    def later(self, **spans: float) -> None:
        self.now += timedelta(**spans)

    def records(self, keys: InvitationKeys | None = None) -> dict[str, Mapping[str, Any]]:
        found = invitation_records(self.ledger, self.campaign, keys or self.keys)
        return {record["customer_id"]: record for record in found}

    def links(self) -> dict[str, str | None]:
        return {customer: record["url"] for customer, record in self.records().items()}

    def to_send(self) -> dict[str, str]:
        """What a sender is given of the last table."""
        return {customer: row["url"] for customer, row in self.sent().items()}

    def sent(self) -> dict[str, Mapping[str, str]]:
        """The same, with when it may be sent."""
        assert self.plan
        sent = links_to_send(self.ledger, self.plan, self.keys, now=self.now)
        return {row["customer_id"]: row for row in sent}

    def link(self, customer: str, key: str = FIRST) -> str:
        """The link that a customer has by this key."""
        return link_url(self.base_url, InvitationKeys(key).token(CAMPAIGN, customer))

    def stored(self) -> list[dict[str, Any]]:
        """The rows of the table of links, as they are on disk."""
        query = sa.select(invitations).order_by(invitations.c.customer_key)
        with self.ledger._reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def becomes(self, customer: str, **columns: Any) -> None:
        """What the app, or Amazon, has made of a customer's contact or link."""
        for name, value in columns.items():
            table = invitations if name in {"opened_at", "opens"} else contacts
            where = (table.c.campaign == CAMPAIGN, table.c.customer_key == customer)
            with self.ledger._writing() as connection:
                connection.execute(sa.update(table).where(*where).values({name: value}))


def counted(**standings: int) -> dict[Standing, int]:
    return {Standing(name): count for name, count in standings.items()}
