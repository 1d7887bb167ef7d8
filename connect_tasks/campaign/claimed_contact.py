"""A claimed contact: its record while it is worked on, on disk before each next step."""

import json
from collections.abc import Sequence
from typing import Any

from connect_tasks.aws.transcript import Item
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.errors import AmazonError
from connect_tasks.ledger.changes import Heard, Progress
from connect_tasks.ledger.contact import Contact, Status

__all__ = ["ClaimedContact"]


class ClaimedContact:
    """A claimed contact, and how it is brought forward.

    Its steps come one after another, from the one pipeline that works on it: concurrent ones would
    each start from the same status, and the ledger would refuse the second. Cancelling a step gives
    up the waiting and not the write, so what is on disk may be one step ahead of `contact`; nothing
    may be done with the contact after that, and the next run starts from the ledger.

    Args:
        context: The campaign's.
        contact: The contact, as claimed.
    """

    def __init__(self, context: CampaignContext, contact: Contact) -> None:
        self._context = context
        self.contact = contact
        self.request: dict[str, Any] = json.loads(contact.request)
        self.attempts = contact.attempts

    @property
    def instance_id(self) -> str:
        """The instance that the request names."""
        return str(self.request["InstanceId"])

    @property
    def contact_id(self) -> str:
        """Amazon's id of the contact, once it is started."""
        return str(self.contact.contact_id)

    @property
    def token_is_valid(self) -> bool:
        """Whether sending the client token again surely starts no second chat."""
        now, sent_at = self._context.clock.now(), self.contact.sent_at
        return sent_at is None or now - sent_at < self._context.token_validity

    async def step(self, status: Status, *, release: bool = False, **changes: Any) -> None:
        """Write a step to the ledger, and wait until it is there.

        Never concurrently; what cancelling does is said at the class.
        """
        changes["attempts"] = self.attempts
        was, contact = self.contact.status, self.contact.advance(status, **changes)
        await self._context.group_commit.write(Progress(contact, was, release=release))
        self.contact = contact
        self._context.counter.step(was, contact)

    async def fail(self, error: AmazonError) -> None:
        """Amazon refused the request for good.

        A `step`, also where it is cancelled or concurrent.
        """
        await self.step(Status.FAILED, ended_at=self._context.clock.now(), **told(error))

    async def leave_unknown(self, error: AmazonError) -> None:
        """Nobody knows what came of the request; a later run may find out.

        A `step`, also where it is cancelled or concurrent.
        """
        await self.step(Status.UNKNOWN, release=True, **told(error))

    async def complete(
        self, reason: EndReason, error: Exception | None = None, **changes: Any
    ) -> None:
        """The conversation is over; with an error, because of it.

        A `step`, also where it is cancelled or concurrent.
        """
        why = told(error) if error else {"error_code": None, "error_message": None}
        ended_at = self._context.clock.now()
        await self.step(Status.COMPLETED, end_reason=reason, ended_at=ended_at, **why, **changes)

    async def hear(self, items: Sequence[Item]) -> None:
        """Store transcript items, and when the other side spoke first.

        Again with the same items, it stores nothing. Never concurrently, as the first reply is a
        `step`. Cancelled, the items may be stored without that step; who reads the transcript next
        makes up for it.
        """
        await self._context.group_commit.write(Heard(self.contact, items))
        replied = any(item.is_spoken and not item.is_ours for item in items)
        if replied and self.contact.first_reply_at is None:
            await self.step(self.contact.status, first_reply_at=self._context.clock.now())
            self._context.counter.reply()


def told(error: Exception) -> dict[str, Any]:
    """What the record says of an error."""
    if not isinstance(error, AmazonError):
        return {"error_code": type(error).__name__, "error_message": str(error)}
    return {
        "error_code": error.code,
        "error_message": error.message,
        "request_id": error.request_id,
    }
