"""Outcomes: what became of each customer of a campaign so far, and of their link."""

from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger import counts
from connect_tasks.ledger.answers import beside_contacts
from connect_tasks.ledger.schema import contacts, invitations

__all__ = ["outcomes"]

_OF_CONTACT = (
    "customer_id",
    "customer_key",
    "status",
    "error_code",
    "end_reason",
    "started_at",
    "connected_at",
    "first_reply_at",
)
_OF_LINK = ("not_before", "opened_at", "revoked_at", "taken_out")


def outcomes(campaign: str, *, with_requests: bool) -> sa.Select[Any]:
    """The latest contact of each customer, in the order of planning, without who was forgotten.

    Args:
        campaign: Its name in the ledger.
        with_requests: Whether the requests are read, too, which are most of what there is.

    Returns:
        A query for customer_id, customer_key, status, error_code, end_reason, disconnect_reason,
        started_at, connected_at and first_reply_at; of the link, if they have one, `link_` and
        not_before, opened_at, revoked_at and taken_out; and request, if it is asked for.
    """
    disconnect_reason, _ = beside_contacts()
    own = (*_OF_CONTACT, *(("request",) if with_requests else ()))
    links = (invitations.c[name].label(f"link_{name}") for name in _OF_LINK)
    theirs = (
        invitations.c.campaign == contacts.c.campaign,
        invitations.c.customer_key == contacts.c.customer_key,
    )
    return (
        sa.select(*(contacts.c[name] for name in own), disconnect_reason, *links)
        .select_from(contacts)
        .outerjoin(invitations, sa.and_(*theirs))
        # An empty fingerprint is the mark of a contact without content.
        .where(contacts.c.campaign == campaign, contacts.c.fingerprint != "", counts.is_latest())
        .order_by(contacts.c.id)
    )
