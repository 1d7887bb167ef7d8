"""Ramps: how many contacts a campaign may begin before its next step, exactly, whoever asks.

The rules of this file:

- A contact is begun when it is written down that its start will be sent, and counts from then on.
  What workers hold and have not sent counts beside it when contacts are claimed, and only there: a
  claim may end unsent.
- Who is about to send is counted once more in the transaction that writes it down: a worker that
  slept past the end of its claims does not bring a step above its number.
- Of one campaign these transactions wait for each other. Without a ramp, or after its last step,
  nothing is counted and nobody waits.
- What is counted are a step's contacts, by an index, and never the customers who wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from connect_tasks.ledger.claims import unclaimed
from connect_tasks.ledger.contact import Status, Withdrawal
from connect_tasks.ledger.schema import campaigns, contacts

__all__ = [
    "RampDecision",
    "StepCounts",
    "StepVerdict",
    "Steps",
    "allowance",
    "begun",
    "cap_of",
    "customers_of",
    "lock_ramp",
    "room",
]

# With the campaign's number as the second one. Locks of two numbers are apart from those of one.
_LOCK = sa.text("SELECT pg_advisory_xact_lock(72746317, hashtext(:campaign))")
_NOT_SENT = (Status.PLANNED, Status.STARTING)


class RampDecision(StrEnum):
    """What was decided about a campaign at the end of a step."""

    GO_ON = "go_on"
    ASK = "ask"
    HALT = "halt"
    RESUME = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCounts:
    """What became of the contacts of one step, all of them settled.

    Args:
        step: Which step it is, from 1.
        steps: How many there are.
        contacts: How many contacts the step has begun.
        errors: Chats that were lost, and starts of which nobody knows what came of them.
        opt_outs: Customers who have opted out since.
        refusals: Chats that Amazon refused.
    """

    step: int
    steps: int
    contacts: int
    errors: int = 0
    opt_outs: int = 0
    refusals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepVerdict:
    """What is decided at the end of a step: by which rule, and why in sentences."""

    decision: RampDecision
    rule: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A ramp as the ledger asks it.

    Args:
        caps: How many contacts may be begun in all, by step; after the last one any number.
        lists: Suppression lists whose entries are opt-outs.
        judge: Decides at the end of a step. Pure.
        policy: The fingerprint of the policy that it is of.
    """

    caps: tuple[int, ...]
    lists: frozenset[str]
    judge: Callable[[StepCounts], StepVerdict]
    policy: str


def lock_ramp(connection: sa.Connection, campaign: str) -> None:
    """Wait until nobody else begins contacts of the campaign, or decides about its next step.

    After `judging.lock` and before all else in a transaction that is going to write; in SQLite it
    has nothing to do, since that lets nobody else write anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"campaign": campaign})


def cap_of(connection: sa.Connection, campaign: str, steps: Steps) -> int | None:
    """How many contacts the campaign may have begun in its present step; None if any number."""
    passed = connection.scalar(
        sa.select(campaigns.c.ramp_step).where(campaigns.c.campaign == campaign)
    )
    return dict(enumerate(steps.caps)).get(passed or 0)


def allowance(
    connection: sa.Connection, campaign: str, steps: Steps | None, now: datetime
) -> int | None:
    """How many new contacts may be claimed; None if any number. The ramp stays locked.

    Args:
        connection: In the transaction that claims them.
        campaign: Whose contacts.
        steps: The campaign's ramp; None if it has none.
        now: The present time.
    """
    cap = _locked_cap(connection, campaign, steps)
    if cap is None:
        return None
    left = cap - begun(connection, campaign, most=cap)
    return max(0, left - _held_unsent(connection, campaign, now)) if left > 0 else 0


def room(connection: sa.Connection, campaign: str, steps: Steps | None) -> int | None:
    """How many starts that were never sent may be sent; None if any number. Locks the ramp."""
    cap = _locked_cap(connection, campaign, steps)
    return None if cap is None else cap - begun(connection, campaign, most=cap)


def _locked_cap(connection: sa.Connection, campaign: str, steps: Steps | None) -> int | None:
    if steps is None or cap_of(connection, campaign, steps) is None:
        return None
    lock_ramp(connection, campaign)
    # Who had the lock may have gone on to the next step.
    return cap_of(connection, campaign, steps)


def begun(connection: sa.Connection, campaign: str, *, most: int) -> int:
    """How many contacts were begun; counted up to a number, which is enough to know."""
    columns = contacts.c
    sent = (columns.campaign == campaign, columns.sent_at.is_not(None))
    some = sa.select(sa.literal(1)).select_from(contacts).where(*sent).limit(most).subquery()
    return connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def _held_unsent(connection: sa.Connection, campaign: str, now: datetime) -> int:
    columns = contacts.c
    theirs = (columns.campaign == campaign, columns.claimed_until.is_not(None))
    held = (*theirs, columns.sent_at.is_(None), columns.status.in_(_NOT_SENT), ~unclaimed(now))
    return connection.scalar(sa.select(sa.func.count()).select_from(contacts).where(*held)) or 0


def customers_of(connection: sa.Connection, campaign: str) -> int:
    """Of how many customers a share is reckoned: all who are in, and were not taken out.

    It walks through the campaign once: ask it once.
    """
    columns = contacts.c
    out = sa.or_(
        columns.status == Status.WITHHELD,
        sa.and_(columns.status == Status.FAILED, columns.error_code.in_(list(Withdrawal))),
    )
    theirs = (columns.campaign == campaign, columns.generation > 0, ~out)
    return connection.scalar(sa.select(sa.func.count()).select_from(contacts).where(*theirs)) or 0
