"""What a person does about a campaign: look, pause, resume, stop, decide what stayed open."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from connect_tasks.aws.idempotency import canonical_json, canonical_key, client_token, fingerprint
from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.campaign.summary import summarise
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.errors import InputError
from connect_tasks.ledger.changes import Known, Planned
from connect_tasks.ledger.contact import CampaignState, Contact, Status, Withdrawal
from connect_tasks.ledger.store import Ledger, opened

__all__ = [
    "MOST_SHOWN",
    "Decision",
    "pause",
    "resolve",
    "resume",
    "status",
    "stop",
    "unknown_contacts",
    "withdraw",
]

Decision = Literal["was_contacted", "contact_again"]

_BY_A_PERSON = "ResolvedByPerson"
# How many customers are looked up at once.
_PIECE = 2_000
MOST_SHOWN = 40
"""How many characters of an id stand in an error."""


def status(campaign: str, ledger: Ledger | str, *, clock: Clock | None = None) -> dict[str, Any]:
    """The campaign in numbers, and what is wanted of it.

    Args:
        campaign: Its name.
        ledger: SQLAlchemy URL, or a ledger that is open.
        clock: Tells the time; the machine's by default.

    Returns:
        `state` (running, paused or stopped), all that `summarise` gives, and `learnt`: what the
        instance grants less of than its quotas say, in calls per second by API and `open_chats`.

    Example:
        ```python
        from connect_tasks.campaign.manage import status

        status("renewals-2026-11", "sqlite:///.connect_tasks/ledger.db")["unknown"]
        ```
    """
    with opened(ledger) as open_ledger:
        campaign = open_ledger.campaign_name(campaign)
        return {
            "state": str(open_ledger.state(campaign)),
            **summarise(open_ledger.counts(campaign)),
            "learnt": open_ledger.learnt(campaign, now=(clock or SystemClock()).now()),
        }


def pause(campaign: str, ledger: Ledger | str) -> None:
    """Start no more chats; those that are open are held to their end.

    Workers notice within a second or two and then end. Again, it changes nothing.

    Raises:
        InputError: There is no such campaign.
    """
    _set_state(campaign, ledger, CampaignState.PAUSED)


def stop(campaign: str, ledger: Ledger | str) -> None:
    """Start no more chats, and close those that are open within some seconds.

    Nothing is forgotten: `resume` and another run go on from there.

    Raises:
        InputError: There is no such campaign.
    """
    _set_state(campaign, ledger, CampaignState.STOPPED)


def resume(campaign: str, ledger: Ledger | str) -> None:
    """Let a paused or stopped campaign go on; the next run of it does.

    Raises:
        InputError: There is no such campaign.
    """
    _set_state(campaign, ledger, CampaignState.RUNNING)


def unknown_contacts(campaign: str, ledger: Ledger | str) -> list[dict[str, Any]]:
    """Contacts of which nobody knows whether they were made, with what is known.

    Within the client token's validity a run finds out by itself; older ones wait for `resolve`.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL, or a ledger that is open.

    Returns:
        One mapping a contact: customer_id, generation, sent_at (UTC, when the token was first
        sent), attempts, error_code, error_message, request_id.
    """
    with opened(ledger) as open_ledger:
        unknown = open_ledger.unknown_contacts(open_ledger.campaign_name(campaign))
        return [_known_of(contact) for contact in unknown]


def resolve(
    campaign: str,
    customer_id: str,
    decision: Decision,
    ledger: Ledger | str,
    *,
    clock: Clock | None = None,
) -> None:
    """Settle an unknown contact as a person decided, after a look at Amazon Connect.

    Args:
        campaign: The campaign's name.
        customer_id: Whose contact.
        decision: `was_contacted` closes the record; `contact_again` gives the contact up and
            plans a new generation with a new token, which the next run starts.
        ledger: SQLAlchemy URL, or a ledger that is open.
        clock: Tells the time; the machine's by default.

    Raises:
        InputError: The customer has no unknown contact in this campaign, or a worker is at it.

    Example:
        ```python
        from connect_tasks.campaign.manage import resolve

        resolve("renewals", "0042", "contact_again", "sqlite:///.connect_tasks/ledger.db")
        ```
    """
    now = (clock or SystemClock()).now()
    with opened(ledger) as open_ledger:
        contact = _find_unknown(open_ledger, open_ledger.campaign_name(campaign), customer_id)
        if decision == "was_contacted":
            open_ledger.resolve(_contacted(contact, now), again=None, now=now)
        else:
            open_ledger.resolve(_given_up(contact, now), again=_next_generation(contact), now=now)


def withdraw(
    campaign: str,
    customers: Iterable[str],
    ledger: Ledger | str,
    *,
    reason: str = "",
    clock: Clock | None = None,
) -> int:
    """Take customers out of a campaign before anybody contacts them; no later table puts them back.

    Who was contacted, or is being contacted, stays: `status` and the result's tables say so. Again,
    it changes nothing.

    Args:
        campaign: The campaign's name.
        customers: Their ids; one text is one customer.
        ledger: SQLAlchemy URL, or a ledger that is open.
        reason: Why, for the record.
        clock: Tells the time; the machine's by default.

    Returns:
        How many were taken out.

    Raises:
        InputError: There is no such campaign, or it does not know one of the customers. Nobody was
            taken out then.

    Example:
        ```python
        from connect_tasks.campaign.manage import withdraw

        withdraw("renewals", ["0042"], "sqlite:///.connect_tasks/ledger.db", reason="complained")
        ```
    """
    names = [customers] if isinstance(customers, str) else list(customers)
    now = (clock or SystemClock()).now()
    with opened(ledger) as open_ledger:
        campaign = open_ledger.campaign_name(campaign)
        found: dict[str, Known] = {}
        for start in range(0, len(names), _PIECE):
            found |= open_ledger.recognised(campaign, names[start : start + _PIECE])
        if missing := [name for name in names if name not in found]:
            raise InputError(
                f"Campaign {campaign!r} does not know {_some(missing)}: check the ids, the "
                "campaign's name and the ledger's URL."
            )
        why = reason or "a person took the customer out"
        reasons = dict.fromkeys(names, why)
        return open_ledger.withdraw(campaign, reasons, Withdrawal.BY_PERSON, now=now)


def _some(names: Sequence[str]) -> str:
    first = ", ".join(f"{name[:MOST_SHOWN]!r}" for name in names[:3])
    return f"{first} and {len(names) - 3:,} others" if len(names) > 3 else first  # noqa: PLR2004


def _set_state(campaign: str, ledger: Ledger | str, state: CampaignState) -> None:
    with opened(ledger) as open_ledger:
        open_ledger.set_state(open_ledger.campaign_name(campaign), state)


def _find_unknown(ledger: Ledger, campaign: str, customer_id: str) -> Contact:
    for contact in ledger.unknown_contacts(campaign):
        if canonical_key(contact.customer_id) == canonical_key(customer_id):
            return contact
    raise InputError(
        f"Customer {customer_id[:MOST_SHOWN]!r} has no unknown contact in campaign {campaign!r}: "
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


def _next_generation(contact: Contact) -> Planned:
    generation = contact.generation + 1
    token = client_token(contact.campaign, contact.customer_id, generation)
    wire: dict[str, Any] = {**json.loads(contact.request), "ClientToken": token}
    return Planned(
        customer_id=contact.customer_id,
        customer_key=canonical_key(contact.customer_id),
        generation=generation,
        client_token=token,
        request=canonical_json(wire),
        fingerprint=fingerprint(wire),
        messages=contact.messages,
    )


def _known_of(contact: Contact) -> dict[str, Any]:
    names = ("customer_id", "generation", "sent_at", "attempts")
    errors = ("error_code", "error_message", "request_id")
    return {name: getattr(contact, name) for name in (*names, *errors)}
