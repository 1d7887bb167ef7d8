"""Verdicts: what a press of a link may do, by what the ledger knows. No waiting, no I/O.

The rules of this file:

- A link opens nothing that is revoked, expired, of another way's campaign or of a stopped one, and
  nothing for whom nobody may reach any more.
- A chat that exists may be asked for again, also while its campaign is paused: that starts nothing.
- A start of which nobody knows the outcome is made again with the same token, for as long as the
  token surely finds the same chat. After that nobody can have joined what it may have made, since
  no answer ever left this house; so the customer's next chat takes its place.
- A customer's next chat comes only after one that nobody joined, and there is an end to it: chats
  are counted that Amazon has made, and not those that were only planned.
- Whoever was taken out after a chat was sent gets no further one; the one that is open goes on.
- So it is with whoever has opted out. Nothing else of the campaign's policy counts here: that they
  come at night, or often, is their own wish.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from connect_tasks.aws.contact_record import NEVER_JOINED
from connect_tasks.ledger.clicks import FoundLink
from connect_tasks.ledger.contact import OPEN, CampaignMode, CampaignState, Contact, Status
from connect_tasks.ledger.standing import MOST_CHATS

__all__ = ["Verdict", "is_alive", "judge"]

_UNSETTLED = frozenset({Status.STARTING, Status.UNKNOWN})


class Verdict(StrEnum):
    """What comes of a press."""

    NOT_VALID = "not_valid"
    OVER = "over"
    LATER = "later"
    """The campaign is paused."""
    START = "start"
    """Make the call, or make it again with the same token."""
    REPEAT = "repeat"
    """A chat exists: if it is alive, the same call finds it again."""
    NEXT = "next"
    """Nobody joined the chat before: plan the next one."""


def is_alive(link: FoundLink, now: datetime) -> bool:
    """Whether a link that was found, and is genuine, still opens something."""
    contact = link.contact
    return (
        contact is not None
        and (contact.status in OPEN or not (link.taken_out or link.opted_out))
        and link.mode is CampaignMode.INVITATION
        and link.revoked_at is None
        and now < link.expires_at
        and link.state is not CampaignState.STOPPED
        and contact.generation > 0
        and contact.status not in {Status.FAILED, Status.WITHHELD}
    )


def judge(link: FoundLink, now: datetime, token_validity: timedelta) -> Verdict:
    """Say what a press of a link may do.

    Args:
        link: The link, genuine.
        now: The present time.
        token_validity: How long a client token surely finds the same chat.
    """
    contact = link.contact
    if contact is None or not is_alive(link, now):
        return Verdict.NOT_VALID
    if contact.status in OPEN:
        return Verdict.REPEAT
    verdict = _of_contact(contact, link.chats, now, token_validity)
    starts = verdict in {Verdict.START, Verdict.NEXT}
    return Verdict.LATER if starts and link.state is CampaignState.PAUSED else verdict


def _of_contact(contact: Contact, chats: int, now: datetime, token_validity: timedelta) -> Verdict:
    code = contact.error_code
    if contact.status in _UNSETTLED and _is_too_old(contact, now, token_validity):
        code = NEVER_JOINED
    elif contact.status in {Status.PLANNED, *_UNSETTLED}:
        return Verdict.START
    return Verdict.NEXT if code == NEVER_JOINED and chats < MOST_CHATS else Verdict.OVER


def _is_too_old(contact: Contact, now: datetime, token_validity: timedelta) -> bool:
    return contact.sent_at is not None and now - contact.sent_at >= token_validity
