"""The rows of invitations: of a whole campaign, and those links that can be sent.

A link is made again each time it is asked for; whoever has no keys gets rows without.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.inviting import pieces
from connect_tasks.campaign.links import InvitationKeys, link_url, token_hash
from connect_tasks.campaign.plan import Plan
from connect_tasks.ledger.standing import sending_end, standing_of
from connect_tasks.ledger.store import Ledger

__all__ = ["invitation_records", "links_to_send"]

_NAMES = (
    "customer_id",
    "issued_at",
    "not_before",
    "expires_at",
    "revoked_at",
    "opened_at",
    "opens",
    "contact_id",
    "status",
)


def invitation_records(
    ledger: Ledger, campaign: str, keys: InvitationKeys | None
) -> Iterator[Mapping[str, Any]]:
    """All links of a campaign, one record a customer, in the order of planning.

    Args:
        ledger: Where the links are.
        campaign: As it was called by whoever asks.
        keys: Those that the links were made with; None where there are none: then no url is told.

    Returns:
        customer_id; url, also of a link that does not work any more, or None where its key is not
        there or its customer was forgotten; issued_at; not_before and not_after, between which it
        may be sent, None where nobody may send it; expires_at, revoked_at, opened_at (when its
        button was first pressed), opens (how often); contact_id and status of the customer's latest
        contact.

    Raises:
        InputError: There is no such campaign.
    """
    name = ledger.existing_campaign(campaign)
    base_url = ledger.invitations.base_url(name)
    for record in ledger.invitations.records(name):
        url = _url(record, base_url, keys)
        columns = {column: record[column] for column in _NAMES}
        yield {"url": url, **columns, "not_after": _not_after(record)}


def links_to_send(
    ledger: Ledger, plan: Plan, keys: InvitationKeys, *, now: datetime
) -> Iterator[Mapping[str, str]]:
    """The links that work of a table's customers, in its order, as senders take them.

    Args:
        ledger: Where the links are.
        plan: The table.
        keys: Those that the links were made with.
        now: The present time.

    Returns:
        customer_id as the table has it; url; not_before and not_after (exclusive), between which
        the message may go out; expires_at. Times are UTC in ISO 8601, as 2026-11-27T09:00:00Z.
        Who has opted out by now, and whose link may not be sent any more, is left out.
    """
    base_url = ledger.invitations.base_url(plan.campaign)
    for names in pieces(plan.customer_ids):
        by_key = {canonical_key(name): name for name in names}
        records = ledger.invitations.records_of(plan.campaign, list(by_key), now=now)
        for key, customer_id in by_key.items():
            record = records.get(key)
            if record and standing_of(record, key_ids=keys.ids, now=now).works:
                url = _url(record, base_url, keys)
                yield {"customer_id": customer_id, "url": url or "", **_times(record)}


def _url(
    record: Mapping[Any, Any], base_url: str | None, keys: InvitationKeys | None
) -> str | None:
    if keys is None or base_url is None or record["key_id"] not in keys.ids:
        return None
    token = keys.token(record["campaign"], record["customer_key"], record["key_id"])
    # The link of who was forgotten is nobody's.
    return link_url(base_url, token) if token_hash(token) == record["token_hash"] else None


def _times(record: Mapping[Any, Any]) -> dict[str, str]:
    first = record["not_before"]
    if first > record["issued_at"]:
        # To the second, and never a moment too early.
        first += timedelta(seconds=1) - timedelta.resolution
    return {
        "not_before": _written(first),
        "not_after": _written(sending_end(record)),
        "expires_at": _written(record["expires_at"]),
    }


def _not_after(record: Mapping[Any, Any]) -> datetime | None:
    return sending_end(record) if record["not_before"] else None


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
