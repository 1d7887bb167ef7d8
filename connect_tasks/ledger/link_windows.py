"""Link windows: between when a link may be sent, by what the policy decides about its customer.

The rules of this file:

- Somebody else sends the link. So the policy is asked before it is given out: from when on, and
  until when. At which hour its customer opens it is their own wish.
- Who may be contacted later gets a link that may be sent later: of that time the policy is asked
  again, with the same past, as it may say no then, or for how long.
- A link that would end before it may be sent is given to nobody, and its customer stays planned: a
  link that lasts longer may be sent. Whom the policy never lets be contacted is withheld.
- Whom a press works on in this moment is left to it: their status is not written here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger import claims
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.decisions import Judged, record
from connect_tasks.ledger.history import histories
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.verdicts import (
    Allow,
    Customer,
    Defer,
    History,
    HoldOut,
    Judge,
    Moment,
    Rule,
    Suppress,
    Verdict,
    Why,
    reasons,
)

__all__ = ["TOO_LATE", "LinkWindow", "Recipient", "judge_links", "link_window"]

TOO_LATE = Why(Rule.EXPIRED, "link")
"""Why somebody gets no link that would have ended before it may be sent."""

# More than any policy has openings at which it says no once more.
_MOST_OPENINGS = 100


@dataclass(frozen=True, slots=True)
class LinkWindow:
    """From when on a link may be sent, and until when (exclusive), if that is before its end."""

    not_before: datetime
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who is to get a link that ends at a time.

    `contact` is the number of their latest contact. `waiting` is between when the link is to be
    sent that they have, if nobody may have sent it yet: it does not count against itself.
    """

    customer: Customer
    customer_id: str
    contact: int | None
    expires_at: datetime
    waiting: LinkWindow | None = None


def link_window(
    judge: Judge, customer: Customer, history: History, *, now: datetime, expires_at: datetime
) -> tuple[Verdict, LinkWindow | None]:
    """What a policy says of a link that is to be given out, and between when it may be sent.

    Args:
        judge: The policy.
        customer: Whose link.
        history: What counts of their past.
        now: The present time.
        expires_at: When the link ends.

    Returns:
        What was decided, with all reasons; the window if there is one.
    """
    at, why = now, tuple[Why, ...]()
    for _ in range(_MOST_OPENINGS):
        if at >= expires_at:
            break
        verdict = judge.decide(customer, at, history)
        if isinstance(verdict, Allow):
            return Defer(at, why) if why else verdict, LinkWindow(at, verdict.until)
        if not isinstance(verdict, Defer):
            return verdict, None
        at, why = verdict.until, why or verdict.why
    return Suppress((TOO_LATE, *why)), None


def judge_links(
    connection: sa.Connection,
    judge: Judge,
    campaign: str,
    recipients: Sequence[Recipient],
    now: datetime,
) -> dict[str, tuple[Verdict, LinkWindow | None]]:
    """Decide between when links may be sent, record it, and withhold whom nobody may contact.

    Args:
        connection: In a transaction that holds `judging.lock`.
        judge: The campaign's policy.
        campaign: Its name.
        recipients: Whose links, some thousands at most.
        now: The present time.

    Returns:
        By the customers' keys, as `link_window` has it.
    """
    keys = [one.customer.customer_key for one in recipients]
    known = histories(connection, keys, judge, now)
    said = {
        one.customer.customer_key: link_window(
            judge,
            one.customer,
            _of_others(known[one.customer.customer_key], one.waiting),
            now=now,
            expires_at=one.expires_at,
        )
        for one in recipients
    }
    verdicts = [(one, said[one.customer.customer_key][0]) for one in recipients]
    # That a link goes on waiting for the same time is no news, however often it is asked.
    new = [
        (one, verdict)
        for one, verdict in verdicts
        if one.waiting is None or one.waiting != said[one.customer.customer_key][1]
    ]
    _record(connection, judge, campaign, new, now)
    _withhold(connection, verdicts, now)
    return said


def _of_others(history: History, own: LinkWindow | None) -> History:
    if own is None or own.not_before not in history.contacts:
        return history
    others = list(history.contacts)
    others.remove(own.not_before)
    return History(tuple(others), history.suppressions)


def _record(
    connection: sa.Connection,
    judge: Judge,
    campaign: str,
    verdicts: Sequence[tuple[Recipient, Verdict]],
    now: datetime,
) -> None:
    judged = [
        Judged(
            campaign=campaign,
            customer_id=one.customer_id,
            customer_key=one.customer.customer_key,
            verdict=verdict,
        )
        for one, verdict in verdicts
        if judge.fingerprint or not isinstance(verdict, Allow)
    ]
    record(connection, judged, moment=Moment.LINK, policy=judge.fingerprint, now=now)


def _withhold(
    connection: sa.Connection, verdicts: Sequence[tuple[Recipient, Verdict]], now: datetime
) -> None:
    values = [
        {"key": one.contact, **_as_withheld(verdict)}
        for one, verdict in verdicts
        if isinstance(verdict, Suppress | HoldOut) and verdict.why[0] != TOO_LATE
    ]
    if values:
        # In the order of their numbers, so that nobody waits for another in a circle.
        values.sort(key=lambda value: value["key"] or 0)
        connection.execute(_withheld(now), values)


def _as_withheld(verdict: Suppress | HoldOut) -> Mapping[str, Any]:
    return {"code": verdict.why[0].rule, "why": reasons(verdict.why)}


def _withheld(now: datetime) -> sa.Update:
    columns = contacts.c
    of_key = columns.id == sa.bindparam("key", type_=sa.Integer)
    return (
        sa.update(contacts)
        .where(of_key, columns.status == Status.PLANNED, claims.unclaimed(now))
        .values(
            status=Status.WITHHELD,
            error_code=sa.bindparam("code", type_=sa.Text),
            error_message=sa.bindparam("why", type_=sa.Text),
            ended_at=now,
            claimed_by=None,
            claimed_until=None,
        )
    )
