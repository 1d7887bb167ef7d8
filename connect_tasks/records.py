"""Between the ledger's rows and our values, both ways; and its longer statements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.contact import SETTLED, Contact, EndReason, Refusal, Status
from connect_tasks.protocol import Item
from connect_tasks.schema import contacts

__all__ = [
    "CONTACT_COLUMNS",
    "SAVE_PROGRESS",
    "Change",
    "Heard",
    "Known",
    "Planned",
    "Progress",
    "contact",
    "count_by_status",
    "funnel",
    "is_latest",
    "item_values",
    "known",
    "plan_values",
    "progress",
    "progress_values",
    "refusal",
    "refusal_values",
]

CONTACT_COLUMNS = [contacts.c[field.name] for field in fields(Contact)]

_PROGRESS = (
    "status",
    "attempts",
    "sent_at",
    "end_reason",
    "contact_id",
    "participant_id",
    "error_code",
    "error_message",
    "request_id",
    "started_at",
    "connected_at",
    "first_reply_at",
    "ended_at",
)
"""What changes after planning; the rest of a contact never does."""

SAVE_PROGRESS = (
    sa.update(contacts)
    .where(
        contacts.c.id == sa.bindparam("key"),
        contacts.c.claimed_by == sa.bindparam("worker"),
        contacts.c.claimed_until.is_not(None),
        contacts.c.status == sa.bindparam("was"),
    )
    .values(
        {name: sa.bindparam(name) for name in _PROGRESS}
        | {
            "claimed_until": sa.case(
                (sa.bindparam("release", type_=sa.Boolean), sa.null()),
                else_=contacts.c.claimed_until,
            )
        }
    )
)
"""One contact one step further, if the worker still holds it and it is where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A valid row, ready to be written: the exact request and what our side will say."""

    customer_id: str
    generation: int
    client_token: str
    request: str
    fingerprint: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger already holds of a customer: the latest generation."""

    generation: int
    status: Status
    fingerprint: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """A contact one step further; `was` is the status that the ledger must hold until now."""

    contact: Contact
    was: Status
    release: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """Items of a contact's transcript; those already stored are not stored again."""

    contact: Contact
    items: Sequence[Item]


Change = Progress | Heard


def known(row: Mapping[Any, Any]) -> Known:
    """What the ledger holds of a customer, from a row."""
    return Known(
        generation=row["generation"],
        status=Status(row["status"]),
        fingerprint=row["fingerprint"],
        messages=tuple(row["messages"]),
    )


def contact(row: Mapping[Any, Any]) -> Contact:
    """A contact, from a row with `CONTACT_COLUMNS`."""
    end_reason = row["end_reason"]
    return Contact(
        **{
            **row,
            "status": Status(row["status"]),
            "messages": tuple(row["messages"]),
            "end_reason": EndReason(end_reason) if end_reason else None,
        }
    )


def refusal(row: Mapping[Any, Any]) -> Refusal:
    """A refused row, from a row of its table."""
    values = {field.name: row[field.name] for field in fields(Refusal)}
    return Refusal(**{**values, "status": Status(row["status"])})


def refusal_values(campaign: str, row: Refusal) -> dict[str, Any]:
    """A refused row, for its table."""
    values = {field.name: getattr(row, field.name) for field in fields(Refusal)}
    return {"campaign": campaign, **values}


def plan_values(campaign: str, row: Planned, now: datetime) -> dict[str, Any]:
    """A valid row, for the table of contacts."""
    values = {field.name: getattr(row, field.name) for field in fields(Planned)}
    return {
        "campaign": campaign,
        **values,
        "messages": list(row.messages),
        "status": Status.PLANNED,
        "planned_at": now,
    }


def progress(step: Contact) -> dict[str, Any]:
    """What may have changed of a contact since it was planned."""
    return {name: getattr(step, name) for name in _PROGRESS}


def progress_values(worker: str, change: Progress) -> dict[str, Any]:
    """Parameters of `SAVE_PROGRESS`. A contact that is settled is also released."""
    return {
        **progress(change.contact),
        "key": change.contact.id,
        "worker": worker,
        "was": change.was,
        "release": change.release or change.contact.status in SETTLED,
    }


def item_values(change: Heard) -> Iterator[dict[str, Any]]:
    """Transcript items, for their table."""
    for item in change.items:
        yield {
            "campaign": change.contact.campaign,
            "customer_id": change.contact.customer_id,
            "contact_id": change.contact.contact_id,
            **{field.name: getattr(item, field.name) for field in fields(Item)},
        }


def funnel(campaign: str) -> sa.Executable:
    """How many contacts came how far, and when the first and the last step was."""
    columns = contacts.c
    return sa.select(
        sa.func.count().label("valid"),
        sa.func.count(columns.started_at).label("reached_started"),
        sa.func.count(columns.connected_at).label("reached_connected"),
        sa.func.count(columns.first_reply_at).label("replied"),
        sa.func.min(columns.planned_at).label("planned_at"),
        sa.func.max(columns.ended_at).label("ended_at"),
    ).where(columns.campaign == campaign, is_latest())


def count_by_status(table: sa.Table, campaign: str) -> sa.Select[Any]:
    """How many rows of a table are in which status."""
    where = table.c.campaign == campaign
    return sa.select(table.c.status, sa.func.count()).where(where).group_by(table.c.status)


def is_latest() -> sa.ColumnElement[bool]:
    """Whether a contact is its customer's latest generation: the one that counts."""
    newer = contacts.alias("newer")
    same_customer = (
        newer.c.campaign == contacts.c.campaign,
        newer.c.customer_id == contacts.c.customer_id,
    )
    later = newer.c.generation > contacts.c.generation
    return ~sa.exists().where(*same_customer, later).correlate(contacts)
