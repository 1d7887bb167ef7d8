"""A claimed contact: its record while it is worked on, on disk before each next step."""

import json
from collections.abc import Coroutine, Sequence
from typing import Any

from connect_tasks.aws.pacing.turns import Turn, Urgency
from connect_tasks.aws.stored_text import short_values
from connect_tasks.aws.transcript import Item
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.errors import AmazonError, ClaimLostError, UnwritableError
from connect_tasks.ledger.changes import Heard, Progress
from connect_tasks.ledger.contact import Contact, Status

__all__ = ["ClaimedContact"]

# Longer than any sentence of ours; Amazon's are cut before.
_LONGEST_WORDS = 2_000


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
        self.attempts = contact.attempts
        self._unwritten = 0

    @property
    def request(self) -> dict[str, Any]:
        """What is sent to start it, read anew each time: chats live long, and seldom need it."""
        request: dict[str, Any] = json.loads(self.contact.request)
        return request

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

    @property
    def may_be_repeated(self) -> bool:
        """Whether nobody knows what came of its start, and the same token may be sent again."""
        return self.contact.status is Status.UNKNOWN and self.token_is_valid

    @property
    def turn(self) -> Turn:
        """How urgent the calls are that bring this contact to its connection.

        A chat that waits for its first connection is as urgent as one that lives once half of the
        time is over that Amazon gives it.
        """
        contact = self.contact
        if contact.status is Status.CONNECTED:
            return Turn(Urgency.LIVE)
        since = contact.started_at or contact.sent_at
        window = self._context.connect_window
        if since is None or (past := self._context.clock.now() - since) >= window:
            return Turn(Urgency.NEW)
        left = (window / 2 - past).total_seconds()
        return Turn(Urgency.WAITING, self._context.clock.monotonic() + left)

    async def step(
        self,
        status: Status,
        *,
        release: bool = False,
        sends: bool = False,
        is_unmade: bool = False,
        heard: Sequence[Item] = (),
        **changes: Any,
    ) -> None:
        """Write a step to the ledger, and wait until it is there.

        Never concurrently; what cancelling does is said at the class.

        Args:
            status: The new one, or the same.
            release: Give the claim up with it.
            sends: A start is sent next, if the policy allows it.
            is_unmade: Nothing was made with its token until now, for sure.
            heard: Items that are stored with it, all or none.
            changes: Other fields of the contact.

        Raises:
            NotAllowedError: It does not.
        """
        changes["attempts"] = self.attempts
        was, contact = self.contact.status, self.contact.advance(status, **changes)
        step = Progress(contact, was, release=release, sends=sends, is_unmade=is_unmade)
        items = [Heard(self.contact, heard)] if heard else []
        await self._context.group_commit.write(step, *items)
        self.contact = contact
        self._context.counter.step(was, contact)

    async def fail(self, error: AmazonError) -> None:
        """Amazon refused the request for good.

        A `step`, also where it is cancelled or concurrent.
        """
        await self.step(Status.FAILED, ended_at=self._context.clock.now(), **told(error))

    async def leave_unknown(self, error: AmazonError) -> None:
        """Nobody knows what came of the request; the same token may find out, while it is valid.

        The claim is kept so long: this run comes back to the contact. A `step`, also where it is
        cancelled or concurrent.
        """
        release = not self.token_is_valid
        await self.step(Status.UNKNOWN, release=release, **told(error))

    async def complete(
        self, reason: EndReason, error: Exception | None = None, **changes: Any
    ) -> None:
        """The conversation is over; with an error, because of it.

        A `step`, also where it is cancelled or concurrent.
        """
        if self._unwritten:
            changes["transcript_complete"] = False
        changes["items_skipped"] = changes.get("items_skipped", 0) + self._unwritten
        why = told(error) if error else {"error_code": None, "error_message": None}
        ended_at = self._context.clock.now()
        await self.step(Status.COMPLETED, end_reason=reason, ended_at=ended_at, **why, **changes)

    def hear(self, items: Sequence[Item], *, are_answer: bool) -> Coroutine[Any, Any, None]:
        """Store transcript items, and when the other side first answered our side: to be awaited.

        Args:
            items: The items.
            are_answer: Whether it has, with them.

        Again with the same items, it stores nothing. Never concurrently, as the first reply is a
        `step`, in one commit with its items. Cancelled, both may be on disk.
        """
        if not are_answer or self.contact.first_reply_at is not None:
            return self._store(items)
        return self._hear_answer(items)

    async def _hear_answer(self, items: Sequence[Item]) -> None:
        try:
            await self._reply(items)
        except (ClaimLostError, UnwritableError):
            # Whichever of the two is to blame, what was said is kept as far as it can be.
            await self._store(items)
            await self._reply()

    async def _reply(self, heard: Sequence[Item] = ()) -> None:
        now = self._context.clock.now()
        await self.step(self.contact.status, heard=heard, first_reply_at=now)
        self._context.counter.reply()

    async def _store(self, items: Sequence[Item]) -> None:
        """Store items; what the database cannot hold costs one of them, and not the chat."""
        try:
            await self._context.group_commit.write(Heard(self.contact, items))
        except UnwritableError:
            if len(items) == 1:
                self._unwritten += 1
                return
            for item in items:
                await self._store([item])


def told(error: Exception) -> dict[str, Any]:
    """What the record says of an error, as every database takes it."""
    words: dict[str, Any] = {"error_code": type(error).__name__, "error_message": str(error)}
    if isinstance(error, AmazonError):
        words = {
            "error_code": error.code,
            "error_message": error.message,
            "request_id": error.request_id,
        }
    return short_values(words, most=_LONGEST_WORDS)
