"""Unknown outcomes: contacts of which nobody knows whether they were made, and what to do."""

import json
from datetime import datetime
from typing import Any, Literal

from connect_tasks.aws.idempotency import canonical_json, canonical_key, client_token, fingerprint
from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.errors import InputError
from connect_tasks.ledger.changes import Planned
from connect_tasks.ledger.contact import Contact, Status
from connect_tasks.ledger.keys import is_whole, legacy_id
from connect_tasks.ledger.opening import opened
from connect_tasks.ledger.rows import read_row
from connect_tasks.ledger.store import Ledger

__all__ = ["Decision", "next_generation", "resolve", "unknown_contacts"]

Decision = Literal["was_contacted", "contact_again"]

_BY_A_PERSON = "ResolvedByPerson"


def unknown_contacts(campaign: str, ledger: Ledger | str | None = None) -> list[dict[str, Any]]:
    """Contacts of which nobody knows whether they were made, with what is known.

    Within the client token's validity a run finds out by itself; older ones wait for `resolve`.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.

    Returns:
        One mapping a contact: customer_id, generation, sent_at (UTC, when the token was first
        sent), attempts, error_code, error_message, request_id.
    """
    with opened(ledger) as open_ledger:
        unknown = open_ledger.unknown_contacts(open_ledger.existing_campaign(campaign))
        return [_known_of(contact) for contact in unknown]


def resolve(
    campaign: str,
    customer_id: str,
    decision: Decision,
    ledger: Ledger | str | None = None,
    *,
    clock: Clock | None = None,
) -> None:
    """Settle an unknown contact as a person decided, after a look at Amazon Connect.

    Args:
        campaign: The campaign's name.
        customer_id: Whose contact.
        decision: `was_contacted` closes the record; `contact_again` gives the contact up and
            plans a new generation with a new token, which the next run starts.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        clock: Tells the time; the machine's by default.

    Raises:
        InputError: There is no such campaign, the customer has no unknown contact in it, or a
            worker is at it.

    Example:
        ```python
        from connect_tasks.campaign.manage import resolve

        resolve("renewals", "0042", "contact_again", "sqlite:///.connect_tasks/ledger.db")
        ```
    """
    now = (clock or SystemClock()).now()
    with opened(ledger) as open_ledger:
        contact = _find_unknown(open_ledger, open_ledger.existing_campaign(campaign), customer_id)
        if decision == "was_contacted":
            open_ledger.resolve(_contacted(contact, now), again=None, now=now)
        else:
            # Below 1, in a ledger of an earlier version, another contact stands for the customer.
            key = canonical_key(contact.customer_id)
            said = open_ledger.next_chats.of(contact.campaign, [key]).get(key)
            row = said.row if said else None
            again = next_generation(contact, row) if contact.generation > 0 else None
            open_ledger.resolve(_given_up(contact, now), again=again, now=now)


def _find_unknown(ledger: Ledger, campaign: str, customer_id: str) -> Contact:
    key = canonical_key(customer_id)
    keys = {key, legacy_id(key)} if is_whole(key) else {key}
    found = [c for c in ledger.unknown_contacts(campaign) if canonical_key(c.customer_id) in keys]
    if found:
        return max(found, key=lambda contact: contact.generation)
    raise InputError(
        f"Customer {customer_id[:40]!r} has no unknown contact in campaign {campaign!r}: "
        "only those need a decision."
    )


def _contacted(contact: Contact, now: datetime) -> Contact:
    return contact.advance(
        Status.COMPLETED,
        end_reason=EndReason.LOST,
        ended_at=now,
        error_code=_BY_A_PERSON,
        error_message="a person decided that the customer was contacted",
    )


def _given_up(contact: Contact, now: datetime) -> Contact:
    return contact.advance(
        Status.FAILED,
        ended_at=now,
        error_code=_BY_A_PERSON,
        error_message="a person decided to contact the customer again",
    )


def next_generation(contact: Contact, row: str | None = None) -> Planned:
    """A contact's customer once more, with a token of its own.

    Args:
        contact: Their latest one.
        row: What a table said after it was sent, as `written_row` has it; None for the same request
            and messages.
    """
    request, messages = read_row(row) if row else (contact.request, contact.messages)
    generation = contact.generation + 1
    token = client_token(contact.campaign, contact.customer_id, generation)
    wire: dict[str, Any] = {**json.loads(request), "ClientToken": token}
    return Planned(
        customer_id=contact.customer_id,
        customer_key=canonical_key(contact.customer_id),
        generation=generation,
        client_token=token,
        request=canonical_json(wire),
        fingerprint=fingerprint(wire),
        messages=messages,
        time_zone=contact.time_zone,
        variant=contact.variant,
        endpoint=wire.get("DestinationEndpoint", {}).get("Address"),
    )


def _known_of(contact: Contact) -> dict[str, Any]:
    names = ("customer_id", "generation", "sent_at", "attempts")
    errors = ("error_code", "error_message", "request_id")
    return {name: getattr(contact, name) for name in (*names, *errors)}
