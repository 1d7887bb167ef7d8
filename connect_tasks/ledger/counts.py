"""Counts: a campaign in numbers, each customer counted once.

Only a customer's latest generation counts. Who was withdrawn is neither valid nor failed; whom the
policy withheld is valid, and nothing else. A chat is in people's hands from when an invitation
started it, or a hand-over gave it away, to its end.

How many are how far is kept by the database (`tallies`). What is read beside it are the contacts
for which another one stands: it costs the same, however large the campaign is. When it began and
ended is told of all contacts.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import SETTLED, CampaignMode, Status
from connect_tasks.ledger.schema import (
    FIRST,
    campaigns,
    collected,
    contacts,
    invitations,
)
from connect_tasks.ledger.tallies import KEPT, TIMES, kept, taken_off

__all__ = ["all_campaigns", "counted", "is_latest", "outside"]

_REFUSED = (Status.REJECTED, Status.DUPLICATE)
_CUSTOMERS = tuple(status for status in Status if status not in _REFUSED)
_WAITING = tuple(status for status in Status if status not in SETTLED)


def counted(connection: sa.Connection, campaign: str) -> dict[str, Any]:
    """The campaign in numbers: its way, the funnel, the links, the refused rows, when it ran."""
    query = sa.select(campaigns.c.mode).where(campaigns.c.campaign == campaign)
    mode = CampaignMode(connection.scalar(query) or CampaignMode.SIMULATION)
    parts = _parts(campaign)
    sums = [sa.func.coalesce(sa.func.sum(parts.c[name]), 0).label(name) for name in KEPT]
    times = [getattr(sa.func, how)(parts.c[name]).label(name) for name, how in TIMES.items()]
    told = connection.execute(sa.select(*sums, *times)).mappings().one()
    links = connection.execute(_links(campaign)).mappings().one()
    awaited = connection.scalar(_awaited(campaign))
    return {"mode": mode, **_told(told, mode), **links, "transcripts_awaited": awaited}


def all_campaigns() -> sa.Select[Any]:
    """Each campaign with its customers, how many of them wait and how many are `unknown`."""
    theirs, parts = campaigns.c, _parts()
    numbers = {"customers": _CUSTOMERS, "waiting": _WAITING, "unknown": (Status.UNKNOWN,)}
    sums = [_sum(parts, which).label(name) for name, which in numbers.items()]
    own = (theirs.campaign, theirs.instance_id, theirs.mode, theirs.state, theirs.created_at)
    return (
        sa.select(*own, *sums)
        .select_from(campaigns)
        .outerjoin(parts, parts.c.campaign == theirs.campaign)
        .group_by(theirs.campaign)
        .order_by(theirs.created_at.desc(), theirs.campaign)
    )


def outside(connection: sa.Connection, campaign: str, table_id: str) -> int:
    """How many customers wait in a campaign whom a table does not name, or has wrong."""
    columns = contacts.c
    theirs = sa.or_(columns.table_id.is_(None), columns.table_id != table_id)
    waiting = columns.status.in_([Status.PLANNED, Status.STARTING])
    query = (
        sa.select(sa.func.count())
        .select_from(contacts)
        .where(columns.campaign == campaign, waiting, theirs, is_latest())
    )
    return connection.scalar(query) or 0


def is_latest() -> sa.ColumnElement[bool]:
    """Whether a contact is its customer's latest generation: the one that counts."""
    newer = contacts.alias("newer")
    # Of nearly all customers there is only the first: the index of the others says so at once.
    has_further = sa.exists().where(_is_newer(newer), newer.c.generation != FIRST)
    is_first_or_later = contacts.c.generation >= FIRST
    return ~has_further.correlate(contacts) & sa.or_(is_first_or_later, ~_has_newer())


def _has_newer() -> sa.ColumnElement[bool]:
    newer = contacts.alias("newer")
    return sa.exists().where(_is_newer(newer)).correlate(contacts)


def _is_newer(newer: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(
        newer.c.campaign == contacts.c.campaign,
        newer.c.customer_key == contacts.c.customer_key,
        newer.c.generation > contacts.c.generation,
    )


def _parts(campaign: str | None = None) -> sa.Subquery:
    """What is kept of a campaign, or of all, and what contacts take off that do not count."""
    further = contacts.alias("further")
    again = sa.select(further.c.campaign, further.c.customer_key).where(
        further.c.generation != FIRST
    )
    if campaign is not None:
        again = again.where(further.c.campaign == campaign)
    # Who has several contacts has one that is not the first: their index finds them.
    customer = sa.tuple_(contacts.c.campaign, contacts.c.customer_key)
    taken = sa.select(contacts.c.campaign, *taken_off()).where(customer.in_(again), _has_newer())
    # One question, or a contact could be planned anew between two.
    return sa.union_all(*kept(campaign).selects, taken).subquery("parts")


def _sum(parts: sa.Subquery, statuses: tuple[Status, ...]) -> sa.ColumnElement[int]:
    each = [sa.func.coalesce(sa.func.sum(parts.c[status]), 0) for status in statuses]
    return sum(each[1:], each[0])


def _told(found: Mapping[Any, Any], mode: CampaignMode) -> dict[str, Any]:
    """What is kept as it is told: counts by status, how many came how far, and when."""
    is_open = found[Status.STARTED] + found[Status.CONNECTED]
    told = {str(name): found[name] for name in (*KEPT, *TIMES)}
    handed_over_open = told.pop("handed_over_open")
    return {
        **told,
        Status.FAILED: found[Status.FAILED] - found["withdrawn"],
        "in_hands": is_open if mode is CampaignMode.INVITATION else handed_over_open,
        "valid": sum(found[status] for status in _CUSTOMERS) - found["withdrawn"],
    }


def _links(campaign: str) -> sa.Executable:
    """How many links were issued, how many of their buttons pressed, how many still can be."""
    theirs, columns = invitations.c, contacts.c
    same = (columns.campaign == theirs.campaign, columns.customer_key == theirs.customer_key)
    # A link is alive with its customer's contact: not of one who was taken out or forgotten.
    # Not the column itself: SQLite would take its index and walk past all who wait, for each link.
    reachable = sa.func.coalesce(columns.status, "").in_([Status.PLANNED, Status.STARTING])
    dead = (theirs.revoked_at, theirs.taken_out)
    untouched = (theirs.opened_at.is_(None), *(column.is_(None) for column in dead))
    waits = sa.and_(*untouched, sa.exists().where(*same, reachable, is_latest()))
    return sa.select(
        sa.func.count().label("issued"),
        sa.func.count(theirs.opened_at).label("opened"),
        sa.func.count(sa.case((waits, 1))).label("unopened"),
        sa.func.max(sa.case((waits, theirs.expires_at))).label("unopened_until"),
    ).where(theirs.campaign == campaign)


def _awaited(campaign: str) -> sa.Select[Any]:
    """How many chats are over and have a transcript that was looked for and is still to come."""
    theirs = collected.c
    return (
        sa.select(sa.func.count())
        .select_from(collected)
        .where(
            theirs.campaign == campaign,
            theirs.transcript.in_(["awaited", "partial"]),
            # One of which a part could not be read for good is not to come any more.
            theirs.look_again_at.is_not(None),
        )
    )
