"""The statements of clicks: made once, since making one takes longer than a database does.

Parameters: `hashes`, `hash` of links' tokens; `ids`, `id` of contacts; `worker`; `now`, the present
time, and `latest`, after which nobody holds anything (`claims.LONGEST_LEASE`); `until`, how long a
claim holds.
"""

from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.claims import unclaimed_between
from connect_tasks.ledger.contact import OPEN, CampaignMode, CampaignState, Status
from connect_tasks.ledger.counting_lists import COUNTING
from connect_tasks.ledger.next_chats import count_chats
from connect_tasks.ledger.rows import CONTACT_COLUMNS, PROGRESS_COLUMNS
from connect_tasks.ledger.schema import campaigns, contacts, invitations

__all__ = ["CLAIM", "FREE", "GIVE_UP", "LOOK", "MAKE_SURE", "NOTE", "RENEW", "SETTLE", "THERE"]

_TIME = contacts.c.claimed_until.type
_NOW = sa.bindparam("now", type_=_TIME)
_LATEST = sa.bindparam("latest", type_=_TIME)
_UNTIL = sa.bindparam("until", type_=_TIME)
_WORKER = sa.bindparam("worker", type_=sa.Text)
_IDS = contacts.c.id.in_(sa.bindparam("ids", expanding=True))
_HASHES = invitations.c.token_hash.in_(sa.bindparam("hashes", expanding=True))
_HELD = (contacts.c.claimed_by == _WORKER, contacts.c.claimed_until.is_not(None))
_UNCLAIMED = unclaimed_between(_NOW, _LATEST)

# What a press may still bring further, and what exists already.
_CLAIMABLE = (Status.PLANNED, Status.STARTING, Status.UNKNOWN, *sorted(OPEN))


def _look() -> sa.Select[Any]:
    links, others = invitations.c, contacts.alias()
    theirs = (others.c.campaign == links.campaign, others.c.customer_key == links.customer_key)
    latest = sa.select(sa.func.max(others.c.generation)).where(*theirs).scalar_subquery()
    is_latest = sa.and_(
        contacts.c.campaign == links.campaign,
        contacts.c.customer_key == links.customer_key,
        contacts.c.generation == latest,
    )
    own = (links.token_hash, links.key_id, links.expires_at, links.revoked_at)
    following = (links.taken_out, links.next_row, count_chats().label("chats"))
    whose = (links.campaign.label("of_campaign"), links.customer_id.label("of_customer"))
    named = (links.customer_key.label("of_key"), COUNTING.label("counting"))
    theirs_is = (campaigns.c.mode, campaigns.c.state, campaigns.c.instance_id)
    return (
        sa.select(*own, *following, *whose, *named, *theirs_is, *CONTACT_COLUMNS)
        .join(campaigns, campaigns.c.campaign == links.campaign)
        .outerjoin(contacts, is_latest)
        .where(_HASHES)
    )


def _works() -> sa.Exists:
    """The link of a contact's customer still opens something, if only a chat that is open."""
    links = invitations.c
    return sa.exists().where(
        links.campaign == contacts.c.campaign,
        links.customer_key == contacts.c.customer_key,
        links.revoked_at.is_(None),
        links.expires_at > _NOW,
        sa.or_(links.taken_out.is_(None), contacts.c.status.in_(OPEN)),
    )


def _goes_on(paused_too: sa.ColumnElement[bool]) -> sa.Exists:
    """The campaign is one of invitations, and runs; or is paused, for what begins nothing."""
    state = campaigns.c.state
    is_paused = sa.and_(state == CampaignState.PAUSED, paused_too)
    return sa.exists().where(
        campaigns.c.campaign == contacts.c.campaign,
        campaigns.c.mode == CampaignMode.INVITATION,
        sa.or_(state == CampaignState.RUNNING, is_paused),
    )


def _claim() -> sa.Update:
    chosen = (
        sa.select(contacts.c.id)
        .where(
            _IDS,
            contacts.c.status.in_(_CLAIMABLE),
            _UNCLAIMED,
            _works(),
            _goes_on(paused_too=contacts.c.status.in_(OPEN)),
        )
        .order_by(contacts.c.id)
        .with_for_update(skip_locked=True, of=contacts)
        # Chosen once and for all: PostgreSQL might choose anew for each row of a subquery.
        .cte("chosen")
    )
    return (
        sa.update(contacts)
        .where(contacts.c.id.in_(sa.select(chosen.c.id)))
        .values(claimed_by=_WORKER, claimed_until=_UNTIL)
        .returning(*CONTACT_COLUMNS)
    )


def _end(holder: sa.ColumnElement[bool], values: dict[str, Any]) -> sa.Update:
    """A contact that is over, if it and its link still are as they were seen."""
    columns = contacts.c
    return (
        sa.update(contacts)
        .where(
            columns.id == sa.bindparam("id_"),
            columns.customer_key == sa.bindparam("theirs"),
            columns.status == sa.bindparam("was"),
            holder,
            _works(),
            _goes_on(paused_too=sa.false()),
            sa.exists().where(
                invitations.c.token_hash == sa.bindparam("hash"),
                invitations.c.taken_out.is_(None),
                invitations.c.next_row.is_not_distinct_from(sa.bindparam("made_of", type_=sa.Text)),
            ),
        )
        .values({**values, "claimed_until": None})
        .returning(columns.table_id)
    )


LOOK = _look()
"""Links, with their campaigns and their customers' latest contacts."""

CLAIM = _claim()
"""Contacts that nobody holds, and whose link and campaign permit it."""

GIVE_UP = sa.update(contacts).where(_IDS, *_HELD).values(claimed_until=None)
RENEW = sa.update(contacts).where(_IDS, *_HELD).values(claimed_until=_UNTIL)

SETTLE = _end(sa.and_(*_HELD), {name: sa.bindparam(name) for name in PROGRESS_COLUMNS})
"""A contact of the worker's that is over now."""

MAKE_SURE = _end(_UNCLAIMED, {"attempts": contacts.c.attempts})
"""A contact that was over before: it stays as it is, as others may have written to it since."""

THERE = sa.select(invitations.c.token_hash).where(_HASHES)
FREE = THERE.with_for_update(skip_locked=True)
"""Of these links, those that nobody else writes in this moment."""

NOTE = (
    sa.update(invitations)
    .where(invitations.c.token_hash == sa.bindparam("pressed"))
    .values(
        opens=invitations.c.opens + sa.bindparam("presses"),
        opened_at=sa.func.coalesce(
            invitations.c.opened_at,
            sa.bindparam("first_at", type_=invitations.c.opened_at.type),
        ),
    )
)
"""How often a link was pressed since it was noted last, and when first."""
