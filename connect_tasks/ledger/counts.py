"""Counts: a campaign in numbers, each customer counted once.

Only a customer's latest generation counts. Who was withdrawn is neither valid nor failed; whom the
policy withheld is valid, and nothing else. A chat is in people's hands from when an invitation
started it, or a hand-over gave it away, to its end.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import OPEN, SETTLED, CampaignMode, Status, Withdrawal
from connect_tasks.ledger.schema import campaigns, collected, contacts, invitations, refusals

__all__ = ["all_campaigns", "counted", "is_latest", "outside"]


def counted(connection: sa.Connection, campaign: str) -> dict[str, Any]:
    """The campaign in numbers: its way, the funnel, the links, the refused rows, when it ran."""
    query = sa.select(campaigns.c.mode).where(campaigns.c.campaign == campaign)
    mode = CampaignMode(connection.scalar(query) or CampaignMode.SIMULATION)
    funnel = connection.execute(_funnel(campaign, mode)).mappings().all()
    refused = connection.execute(_count_refused(campaign)).all()
    links = connection.execute(_links(campaign)).mappings().one()
    awaited = connection.scalar(_awaited(campaign))
    counts = {str(status): 0 for status in Status}
    counts.update({row[0]: row[1] for row in refused})
    told = {**counts, **_summed(funnel), **links}
    return {"mode": mode, **told, "transcripts_awaited": awaited}


def all_campaigns() -> sa.Select[Any]:
    """Each campaign with its customers, how many of them wait and how many are `unknown`."""
    columns, theirs = contacts.c, campaigns.c
    waiting = columns.status.not_in(list(SETTLED))
    return (
        sa.select(
            theirs.campaign,
            theirs.instance_id,
            theirs.mode,
            theirs.state,
            theirs.created_at,
            sa.func.count(columns.id).label("customers"),
            sa.func.count(sa.case((waiting, 1))).label("waiting"),
            sa.func.count(sa.case((columns.status == Status.UNKNOWN, 1))).label("unknown"),
        )
        .select_from(campaigns)
        .outerjoin(contacts, sa.and_(columns.campaign == theirs.campaign, is_latest()))
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
    same_customer = (
        newer.c.campaign == contacts.c.campaign,
        newer.c.customer_key == contacts.c.customer_key,
    )
    later = newer.c.generation > contacts.c.generation
    return ~sa.exists().where(*same_customer, later).correlate(contacts)


def _funnel(campaign: str, mode: CampaignMode) -> sa.Executable:
    """By status: how many contacts came how far, and when the first and the last step was."""
    columns = contacts.c
    return (
        sa.select(
            columns.status,
            sa.func.count().label("all"),
            sa.func.count(sa.case((_is_withdrawn(), 1))).label("withdrawn"),
            sa.func.count(columns.started_at).label("reached_started"),
            sa.func.count(columns.connected_at).label("reached_connected"),
            sa.func.count(columns.first_reply_at).label("replied"),
            sa.func.count(columns.handed_over_at).label("handed_over"),
            sa.func.count(sa.case((_in_hands(mode), 1))).label("in_hands"),
            sa.func.count(sa.case((_is_incomplete(), 1))).label("transcripts_incomplete"),
            sa.func.count(sa.case((_is_unchecked(), 1))).label("transcripts_unchecked"),
            sa.func.coalesce(sa.func.sum(columns.items_skipped), 0).label("items_skipped"),
            sa.func.min(columns.planned_at).label("planned_at"),
            sa.func.max(columns.ended_at).label("ended_at"),
        )
        .where(columns.campaign == campaign, is_latest())
        .group_by(columns.status)
    )


def _summed(rows: Sequence[Mapping[Any, Any]]) -> dict[str, Any]:
    """The rows of `_funnel` as one: counts by status, how many came how far, and when."""
    reached = (
        "withdrawn",
        "reached_started",
        "reached_connected",
        "replied",
        "handed_over",
        "in_hands",
        "transcripts_incomplete",
        "transcripts_unchecked",
        "items_skipped",
    )
    return {
        **{row["status"]: row["all"] - row["withdrawn"] for row in rows},
        **{name: sum(row[name] for row in rows) for name in reached},
        "valid": sum(row["all"] - row["withdrawn"] for row in rows),
        "planned_at": min((row["planned_at"] for row in rows), default=None),
        "ended_at": max((row["ended_at"] for row in rows if row["ended_at"]), default=None),
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


def _in_hands(mode: CampaignMode) -> sa.ColumnElement[bool]:
    """Whether a person has the chat, and our side only asks what became of it."""
    is_open = contacts.c.status.in_(list(OPEN))
    invited = mode is CampaignMode.INVITATION
    return is_open if invited else sa.and_(is_open, contacts.c.handed_over_at.is_not(None))


def _is_incomplete() -> sa.ColumnElement[bool]:
    """Whether something is missing of the transcript, or may be."""
    return sa.and_(_has_transcript(), contacts.c.transcript_complete.is_(sa.false()))


def _is_unchecked() -> sa.ColumnElement[bool]:
    """Whether nobody can say that the transcript is whole, or that it is not."""
    return sa.and_(_has_transcript(), contacts.c.transcript_complete.is_(None))


def _has_transcript() -> sa.ColumnElement[bool]:
    columns = contacts.c
    return sa.and_(columns.status == Status.COMPLETED, columns.connected_at.is_not(None))


def _is_withdrawn() -> sa.ColumnElement[bool]:
    return sa.and_(contacts.c.status == Status.FAILED, contacts.c.error_code.in_(list(Withdrawal)))


def _count_refused(campaign: str) -> sa.Executable:
    """How many rows of the table were refused, by status."""
    where = refusals.c.campaign == campaign
    return sa.select(refusals.c.status, sa.func.count()).where(where).group_by(refusals.c.status)
