"""Steps of a segment: how many of some customers got how far, counted as the ledger counts all."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connect_tasks.campaign.report.words import mode_of
from connect_tasks.ledger.contact import CampaignMode, Status, Withdrawal

__all__ = ["segment_summary"]

# The summary's names of steps, and what a contact has that came so far.
_MOMENTS = {
    "started": "started_at",
    "handed_over": "handed_over_at",
    "connected": "connected_at",
    "joined": "connected_at",
    "replied": "first_reply_at",
}
_REFUSED = frozenset({Status.REJECTED, Status.DUPLICATE})


def segment_summary(
    summary: Mapping[str, Any],
    contacts: Sequence[Mapping[str, Any]],
    links: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """What a campaign's summary says of its steps, of some customers only.

    Args:
        summary: Of the whole campaign.
        contacts: The latest of each of these customers, and their refused rows.
        links: Theirs, if it is an invitation.

    Example:
        >>> segment_summary({}, [{"status": "planned", "started_at": None}], [])["valid"]
        1
    """
    theirs = [contact for contact in contacts if contact.get("status") not in _REFUSED]
    counts = {
        name: sum(contact.get(moment) is not None for contact in theirs)
        for name, moment in _MOMENTS.items()
    }
    return {
        "mode": mode_of(summary),
        "valid": sum(not _is_withdrawn(contact) for contact in theirs),
        **counts,
        "completed": sum(contact.get("status") == Status.COMPLETED for contact in theirs),
        **(_of_links(list(links)) if mode_of(summary) is CampaignMode.INVITATION else {}),
    }


def _is_withdrawn(contact: Mapping[str, Any]) -> bool:
    failed = contact.get("status") == Status.FAILED
    return failed and contact.get("error_code") in set(Withdrawal)


def _of_links(links: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    opened = sum(link.get("opened_at") is not None for link in links)
    return {"issued": len(links), "opened": opened}
