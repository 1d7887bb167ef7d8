"""Leases on contacts: which ones a worker may claim, and until when.

The rules of this file:

- A contact has one holder at most. Claiming is one statement that finds and marks (`Ledger.claim`);
  whoever writes names itself as the holder, and a write of anybody else changes nothing.
- A lease runs out by the clock of whoever wants the contact next, so it must be much longer than
  clocks differ, and its holder must renew it well before (a third of it).
- A worker is not given a contact twice: having given it up, it has no more to try with it.
- A contact that is `unknown` stays with its holder, who comes back to it. Given up at the end of a
  run (`claimed_until` is null), it is for a worker that begins after that, or two workers would
  hand it to each other for ever. One whose holder died or was interrupted (`claimed_until` is
  past) is for any.
- What was sent longer ago than a client token holds is claimed by nobody: sent again, the token
  could start a second chat. A person decides.
- Whom a policy lets wait is claimed when their time has come, and judged again then (`judging`).
- A run that was given a table claims nobody whom the table does not name, or has wrong.
- People's chats are claimed, waited for and counted by nobody: those that were handed over, and all
  of a campaign whose customers start theirs by their links. Our side has no part in them.
- Open chats come first, planned contacts last: a chat that waits dies after five minutes and holds
  its slot until then, a customer who waits loses nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import OPEN, CampaignMode, Status
from connect_tasks.ledger.judging import CANDIDATE_COLUMNS
from connect_tasks.ledger.schema import campaigns, contacts

__all__ = [
    "CLAIM_ORDER",
    "ClaimTerms",
    "campaign_is_ours",
    "free",
    "held_by",
    "unclaimed",
    "wanted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTerms:
    """How long a claim holds without being renewed, and a client token without being trusted.

    With a table, a chat is started only for customers whom this table named last and had right.
    Chats that are open are held to their end, whoever started them. `takes_given_up` is whether the
    worker begins, and so may try what an earlier run has tried to its end.
    """

    lease: timedelta
    token_validity: timedelta
    table_id: str | None = None
    takes_given_up: bool = True


# Open chats hold slots and forget us after five minutes, so they come first.
CLAIM_ORDER = (
    Status.CONNECTED,
    Status.STARTED,
    Status.STARTING,
    Status.UNKNOWN,
    Status.PLANNED,
)

LONGEST_LEASE = timedelta(hours=1)
"""What ends later than after this, nobody holds."""


def held_by(campaign: str, worker: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Contacts that a worker has claimed and not given up."""
    return (
        contacts.c.campaign == campaign,
        contacts.c.claimed_by == worker,
        contacts.c.claimed_until.is_not(None),
    )


def unclaimed(now: datetime) -> sa.ColumnElement[bool]:
    """Contacts that nobody holds at this time."""
    return unclaimed_between(now, now + LONGEST_LEASE)


def unclaimed_between(now: Any, latest: Any) -> sa.ColumnElement[bool]:
    """The same, where `latest` is the present time and `LONGEST_LEASE`; both may be parameters."""
    until = contacts.c.claimed_until
    # No claim lasts so long: somebody's clock was wrong when it was made.
    return sa.or_(until.is_(None), until < now, until > latest)


def free(
    campaign: str, worker: str, status: Status, now: datetime, terms: ClaimTerms
) -> list[sa.Select[Any]]:
    """Contacts in a status that this worker may claim now, with `CANDIDATE_COLUMNS`.

    In several questions, one after the other: each has its index, all of them together have none.
    """
    return [
        sa.select(*CANDIDATE_COLUMNS)
        .where(which, unclaimed(now))
        # As the index has them, or all would be sorted who were let in by the same hour.
        .order_by(contacts.c.not_before, contacts.c.id)
        .with_for_update(skip_locked=True)
        for which in wanted(campaign, worker, status, now, terms)
    ]


def campaign_is_ours(campaign: str) -> sa.ColumnElement[bool]:
    """Whether runs start a campaign's chats, and not its customers."""
    columns = campaigns.c
    by_link = (columns.campaign == campaign, columns.mode == CampaignMode.INVITATION)
    return ~sa.exists().where(*by_link)


def wanted(
    campaign: str, worker: str, status: Status, now: datetime, terms: ClaimTerms
) -> list[sa.ColumnElement[bool]]:
    """Contacts in a status that this worker would claim if nobody else held them.

    First those who had to wait and may be contacted by now, then those who never had to.
    """
    condition = _wanted(campaign, worker, status, now, terms)
    if status in OPEN:
        return [condition]
    not_before = contacts.c.not_before
    return [condition & when for when in (not_before <= now, not_before.is_(None))]


def _wanted(
    campaign: str, worker: str, status: Status, now: datetime, terms: ClaimTerms
) -> sa.ColumnElement[bool]:
    columns = contacts.c
    not_had_before = sa.or_(columns.claimed_by.is_(None), columns.claimed_by != worker)
    condition = sa.and_(
        columns.campaign == campaign,
        columns.status == status,
        not_had_before,
        columns.handed_over_at.is_(None),
        campaign_is_ours(campaign),
    )
    if status not in OPEN:
        # Below 1 are contacts of an earlier version, for whom another one stands.
        condition &= columns.generation > 0
        if terms.table_id is not None:
            condition &= columns.table_id == terms.table_id
    if status is Status.UNKNOWN and not terms.takes_given_up:
        condition &= columns.claimed_until.is_not(None)
    if status in {Status.STARTING, Status.UNKNOWN}:
        # An older token could start a second chat; a person has to decide.
        sent_at = columns.sent_at
        return condition & sa.or_(sent_at.is_(None), sent_at > now - terms.token_validity)
    return condition
