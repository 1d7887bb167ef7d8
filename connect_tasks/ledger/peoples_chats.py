"""People's chats: those that no worker holds, and that still fill the instance."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.schema import HAS_OPEN_CHAT, campaigns, contacts

__all__ = ["DEFAULT_MINUTES", "LONGEST_MINUTES", "are_peoples", "count_open", "count_query"]

DEFAULT_MINUTES = 1_500
"""How long a chat lives whose request does not say so."""
LONGEST_MINUTES = 10_080
"""How long Amazon lets any chat live."""

_DURATION = "ChatDurationInMinutes"
# Theirs from when it is on record that they have it.
_GIVEN = (CampaignMode.HAND_OVER, CampaignMode.OUTBOUND)


def are_peoples() -> sa.ColumnElement[bool]:
    """Contacts with which no worker has to do: a person speaks in them, or will."""
    by_invitation = sa.select(campaigns.c.campaign).where(
        campaigns.c.mode == CampaignMode.INVITATION
    )
    return sa.or_(contacts.c.handed_over_at.is_not(None), contacts.c.campaign.in_(by_invitation))


def count_open(connection: sa.Connection, instance_id: str, now: float) -> int:
    """How many of an instance's chats people have open, as far as the ledger knows.

    Args:
        connection: Any.
        instance_id: Whose chats.
        now: The present time in seconds since 1970.
    """
    return connection.scalar(count_query(instance_id, now, connection.dialect.name)) or 0


def count_query(instance_id: str, now: float, dialect: str) -> sa.Select[Any]:
    """The query of `count_open`.

    Campaign by campaign, so that each is answered out of the index of open chats.

    Args:
        instance_id: Whose chats.
        now: The present time in seconds since 1970.
        dialect: Of the database.
    """
    columns, theirs = contacts.c, campaigns.c
    is_persons = sa.or_(
        theirs.mode == CampaignMode.INVITATION,
        sa.and_(theirs.mode.in_(_GIVEN), columns.handed_over_at.is_not(None)),
    )
    ends_at = sa.extract("epoch", columns.started_at) + _minutes(dialect) * 60
    return (
        sa.select(sa.func.count())
        .select_from(campaigns)
        .join(contacts, columns.campaign == theirs.campaign)
        .where(
            theirs.instance_id == instance_id,
            theirs.mode != CampaignMode.SIMULATION,
            sa.text(HAS_OPEN_CHAT),
            columns.started_at > datetime.fromtimestamp(now - LONGEST_MINUTES * 60, UTC),
            is_persons,
            ends_at > now,
        )
    )


def _minutes(dialect: str) -> sa.ColumnElement[Any]:
    """How long a contact's chat lives, by its request; one that was taken out says nothing."""
    request = contacts.c.request
    if dialect == "postgresql":
        said = sa.func.json_extract_path_text(sa.cast(request, sa.JSON), _DURATION)
    else:
        said = sa.func.json_extract(request, f"$.{_DURATION}")
    return sa.func.coalesce(sa.cast(said, sa.Integer), DEFAULT_MINUTES)
