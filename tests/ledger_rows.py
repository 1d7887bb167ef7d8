"""Rows of a ledger, written and read past its rules: contacts as they are left by others."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.store import Ledger

__all__ = ["INSTANCE", "enter", "enter_many", "table"]

INSTANCE = "11111111-2222-3333-4444-555555555555"
_LONG_AGO = datetime(2026, 11, 26, 11, tzinfo=UTC)


def enter(
    ledger: Ledger,
    customer: str,
    *,
    mode: str,
    campaign: str = "renewals",
    instance_id: str = INSTANCE,
    **more: Any,
) -> None:
    """A contact that was started at eleven, whose id at Amazon is `c-` and the customer's."""
    enter_many(ledger, [customer], mode=mode, campaign=campaign, instance_id=instance_id, **more)


def enter_many(
    ledger: Ledger,
    customers: Sequence[str],
    *,
    mode: str,
    campaign: str = "renewals",
    instance_id: str = INSTANCE,
    **more: Any,
) -> None:
    """Many such contacts."""
    ledger.open_campaign(campaign, instance_id, now=_LONG_AGO, mode=CampaignMode(mode))
    with ledger._writing() as connection:
        values = [{**_contact(campaign, customer), **more} for customer in customers]
        connection.execute(sa.insert(contacts), values)


def _contact(campaign: str, customer: str) -> dict[str, Any]:
    return {
        "campaign": campaign,
        "customer_id": customer,
        "customer_key": customer,
        "generation": 1,
        "status": "started",
        "client_token": f"{campaign}-{customer}",
        "request": "{}",
        "fingerprint": "f",
        "messages": [],
        "planned_at": _LONG_AGO,
        "sent_at": _LONG_AGO,
        "started_at": _LONG_AGO,
        "contact_id": f"c-{customer}",
    }


def table(ledger: Ledger, which: sa.Table) -> list[dict[str, Any]]:
    """All rows of a table, by its primary key."""
    query = sa.select(which).order_by(*which.primary_key.columns)
    with ledger._reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
