"""Rows: between the ledger's tables and our values, both ways."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from connect_tasks.chat.dialogue import EndReason
from connect_tasks.chat.template.utterance import OwnMessage, Utterance
from connect_tasks.ledger.changes import Heard, Known, Planned, Progress
from connect_tasks.ledger.contact import SETTLED, Contact, Refusal, Status
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.verdicts import reasons

__all__ = [
    "CONTACT_COLUMNS",
    "PROGRESS_COLUMNS",
    "SAVE_PROGRESS",
    "as_contact",
    "as_known",
    "as_refusal",
    "item_values",
    "plan_values",
    "progress",
    "progress_values",
    "read_row",
    "refusal_values",
    "was_made",
    "written_messages",
    "written_row",
]

CONTACT_COLUMNS = [contacts.c[field.name] for field in fields(Contact)]

PROGRESS_COLUMNS = (
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
    "transcript_complete",
    "items_skipped",
    "handed_over_at",
)
"""What changes after planning; the rest of a contact never does."""

_progress_of = attrgetter(*PROGRESS_COLUMNS)

SAVE_PROGRESS = (
    sa.update(contacts)
    .where(
        contacts.c.id == sa.bindparam("key"),
        contacts.c.claimed_by == sa.bindparam("worker"),
        contacts.c.claimed_until.is_not(None),
        contacts.c.status == sa.bindparam("was"),
        # Planned anew, a contact may be this worker's again, by a second claim.
        sa.or_(contacts.c.status != Status.PLANNED, contacts.c.request == sa.bindparam("sends")),
    )
    .values(
        {name: sa.bindparam(name) for name in PROGRESS_COLUMNS}
        | {
            "claimed_until": sa.case(
                (sa.bindparam("release", type_=sa.Boolean), sa.null()),
                else_=contacts.c.claimed_until,
            )
        }
    )
)
"""One contact one step further, if the worker still holds it and it is where it was.

Before the first call it must also hold the request that the worker is about to send."""


def as_known(row: Mapping[Any, Any]) -> Known:
    """What the ledger holds of a customer, from a row."""
    return Known(
        generation=row["generation"],
        status=Status(row["status"]),
        client_token=row["client_token"],
        fingerprint=row["fingerprint"],
        messages=_read_messages(row["messages"]),
        error_code=row["error_code"],
        time_zone=row["time_zone"],
        variant=row["variant"],
        planned_at=row["planned_at"],
    )


def as_contact(row: Mapping[Any, Any]) -> Contact:
    """A contact, from a row with `CONTACT_COLUMNS`."""
    end_reason = row["end_reason"]
    return Contact(
        **{
            **row,
            "status": Status(row["status"]),
            "messages": _read_messages(row["messages"]),
            "end_reason": EndReason(end_reason) if end_reason else None,
        }
    )


def written_messages(messages: Sequence[OwnMessage]) -> list[Any]:
    """What our side says, as JSON: texts as they are, as every version has written them."""
    return [
        message if isinstance(message, str) else message.model_dump(exclude_none=True)
        for message in messages
    ]


def _read_messages(written: Sequence[Any]) -> tuple[OwnMessage, ...]:
    return tuple(
        message if isinstance(message, str) else Utterance.filled(message) for message in written
    )


def written_row(row: Planned) -> str:
    """The row of a customer's next chat, as it stands beside their link."""
    return json.dumps({"request": row.request, "messages": written_messages(row.messages)})


def read_row(written: str) -> tuple[str, tuple[OwnMessage, ...]]:
    """The request and our side's messages of what `written_row` made."""
    row = json.loads(written)
    return row["request"], _read_messages(row["messages"])


def as_refusal(row: Mapping[Any, Any]) -> Refusal:
    """A refused row, from a row of its table."""
    values = {field.name: row[field.name] for field in fields(Refusal)}
    return Refusal(**{**values, "status": Status(row["status"])})


def refusal_values(campaign: str, row: Refusal) -> dict[str, Any]:
    """A refused row, for its table."""
    values = {field.name: getattr(row, field.name) for field in fields(Refusal)}
    return {"campaign": campaign, **values, "customer_key": row.customer_key}


def plan_values(
    campaign: str, row: Planned, now: datetime, table_id: str | None = None
) -> dict[str, Any]:
    """A valid row, for the table of contacts."""
    values = {field.name: getattr(row, field.name) for field in fields(Planned)}
    withheld = values.pop("withheld")
    return {
        "campaign": campaign,
        **values,
        "messages": written_messages(row.messages),
        "status": Status.WITHHELD if withheld else Status.PLANNED,
        "error_code": withheld[0].rule if withheld else None,
        "error_message": reasons(withheld) if withheld else None,
        "ended_at": now if withheld else None,
        "planned_at": now,
        "table_id": table_id,
    }


def progress(step: Contact) -> dict[str, Any]:
    """What may have changed of a contact since it was planned."""
    return dict(zip(PROGRESS_COLUMNS, _progress_of(step), strict=True))


def progress_values(worker: str, change: Progress) -> dict[str, Any]:
    """Parameters of `SAVE_PROGRESS`. A contact that is settled is also released."""
    return {
        **progress(change.contact),
        "key": change.contact.id,
        "worker": worker,
        "was": change.was,
        "sends": change.contact.request if change.was is Status.PLANNED else "",
        "release": change.release or change.contact.status in SETTLED,
    }


def was_made(values: Mapping[str, Any], row: Mapping[Any, Any]) -> bool:
    """Whether a row is as these parameters of `SAVE_PROGRESS` make it, by the same worker."""
    same = all(row[name] == values[name] for name in PROGRESS_COLUMNS)
    return same and row["claimed_by"] == values["worker"]


def item_values(change: Heard) -> Iterator[dict[str, Any]]:
    """Transcript items, as parameters of `redaction.insert_heard`."""
    for item in change.items:
        yield {
            "key": change.contact.id,
            "campaign": change.contact.campaign,
            "customer_id": change.contact.customer_id,
            "contact_id": change.contact.contact_id,
            **item.record,
        }
