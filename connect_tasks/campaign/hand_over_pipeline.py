"""The pipeline of one customer who is to speak: claim, slot, rate, start, hand over, record.

The rules of this file:

- No more chats are started than can be given away at once: one that waits for its turn behind slow
  calls would be forgotten by Amazon.
- That a chat is in its customer's hands is on disk before its slot and its claim are given up; from
  there on nobody of us touches it. Killed in between, the next run hands it over once more.
- One that is not given away in time is stopped, unless somebody has joined it: then it is in
  somebody's hands, whatever the function says.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.pacing.slot_pool import Slot
from connect_tasks.campaign.claimed_contact import ClaimedContact, told
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.campaign.hand_over.calls import HandOverCalls
from connect_tasks.campaign.hand_over.started_chat import StartedChat
from connect_tasks.campaign.open_chat import OpenChat
from connect_tasks.campaign.start import Start
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.errors import AmazonError, ChatEndedError, NotFoundError
from connect_tasks.ledger.contact import OPEN, Contact, Status

__all__ = ["MOST_AT_ONCE", "NOT_HANDED_OVER", "HandOverPipeline"]

MOST_AT_ONCE = 64
"""How many chats of one worker may wait to be given away: so many calls run at a time."""

NOT_HANDED_OVER = "NotHandedOver"
"""The error code of a chat that was stopped because its customer never got it."""

# Of the time in which Amazon wants a chat connected; the rest is for the customer's app.
_SHARE = 0.8


class HandOverPipeline:
    """Takes one claimed contact as far as its customer's hands.

    Args:
        context: The campaign's.
        contact: The contact, as claimed.
        calls: Of the function that gives chats to their customers.
        on_started: Called once the chat exists: from there on it is worth finishing.
    """

    def __init__(
        self,
        context: CampaignContext,
        contact: Contact,
        calls: HandOverCalls,
        *,
        on_started: Callable[[], None],
    ) -> None:
        self._context = context
        self._calls = calls
        self._claimed = ClaimedContact(context, contact)
        self._chat = OpenChat(context, self._claimed)
        self._on_started = on_started
        self._start: Start | None = None
        self._slot = Slot(context.slots, is_occupied=contact.status in OPEN)
        self._place = Slot(context.unconnected, is_occupied=contact.status in OPEN)
        self._described: Mapping[str, Any] | None = None
        self._deadline = float("inf")
        self._limit: asyncio.Timeout | None = None
        self._failed_with = ""

    @property
    def contact(self) -> Contact:
        """The contact as it is now."""
        return self._claimed.contact

    @property
    def may_be_repeated(self) -> bool:
        """Whether nobody knows what came of its start, and the same token may be sent again."""
        return self._claimed.may_be_repeated

    async def run(self) -> None:
        """Go on from the contact's status until its chat is in its customer's hands.

        Raises:
            CampaignWideError: No contact of the campaign can be started or handed over.
            LedgerError: The ledger cannot be written, or the contact is another worker's now.
            asyncio.CancelledError: Stopped; the contact can be resumed.

        Called once, and not concurrently for one contact: its claim has one holder. Cancelled, it
        ends where it is; a start under way is waited for, a call of the function is not.
        """
        exists = self.contact.status in OPEN
        async with self._place, self._slot:
            if exists and not await self._can_be_given():
                return
            if not exists:
                self._calls.check()
            self._start = Start(self._context, self._claimed, self._slot)
            response = await self._start.run()
            if response is not None:
                self._on_started()
                await self._give(response, self._start.exists_since)

    def withdraw(self) -> bool:
        """Start no chat any more; whether a call is under way that may still make one."""
        return self._start is not None and self._start.withdraw()

    def finish_by(self, deadline: float) -> None:
        """Be done by this time, in monotonic seconds: a chat not given away by then is stopped."""
        self._deadline = min(self._deadline, deadline)
        if self._limit is not None:
            # It may be over in this moment, and its task not know yet.
            with contextlib.suppress(RuntimeError):
                self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds_left)

    @property
    def _seconds_left(self) -> float:
        return max(0.0, self._deadline - self._context.clock.monotonic())

    async def _can_be_given(self) -> bool:
        """Whether an earlier run's chat waits for its customer; else its record says how it is."""
        if self.contact.error_code == NOT_HANDED_OVER:
            await self._give_up(self.contact.error_message or "")
            return False
        return await self._waits_for_its_customer()

    async def _waits_for_its_customer(self) -> bool:
        try:
            self._described = await self._chat.ask()
        except (NotFoundError, ChatEndedError) as error:
            await self._claimed.complete(EndReason.LOST, error, transcript_complete=False)
            return False
        return not await self._is_joined(self._described)

    async def _is_joined(self, described: Mapping[str, Any]) -> bool:
        """Whether somebody is in the chat, who can only have it from the function."""
        joined_at = described.get("ConnectedToSystemTimestamp")
        if joined_at is None:
            return False
        await self._note_handed_over(Status.CONNECTED, connected_at=_utc(joined_at))
        return True

    async def _give(self, response: StartChatContactResponse, exists_since: float | None) -> None:
        token = response.participant_token
        if token is None:
            why = await self._chat.why_dead()
            await self._claimed.complete(EndReason.LOST, why, transcript_complete=False)
            return
        # Made by a call that went unanswered, perhaps long ago.
        is_looked_at = exists_since is not None or self._described is not None
        if not is_looked_at and not await self._waits_for_its_customer():
            return
        window = self._context.connect_window
        began = self._began() if exists_since is None else exists_since
        self._deadline = min(self._deadline, began + window.total_seconds() * _SHARE)
        trouble = await self._hand_over(self._started_chat(response, token, began))
        self._calls.ended(handed_over=not trouble)
        if trouble:
            await self._give_up(trouble)
        else:
            await self._note_handed_over(self.contact.status)

    def _began(self) -> float:
        """When the chat began at the latest that is safe to assume, in monotonic seconds."""
        said = (self._described or {}).get("InitiationTimestamp")
        known = (_utc(said) if said else self.contact.sent_at, self.contact.started_at)
        now = self._context.clock.now()
        # Clocks differ, Amazon's too: the earliest is the one that loses no chat.
        past = now - min((moment for moment in known if moment), default=now)
        return self._context.clock.monotonic() - max(0.0, past.total_seconds())

    def _started_chat(
        self, response: StartChatContactResponse, token: SecretStr, began: float
    ) -> StartedChat:
        clock, contact = self._context.clock, self.contact
        left = self._context.connect_window - timedelta(seconds=clock.monotonic() - began)
        return StartedChat(
            campaign=contact.campaign,
            customer_id=contact.customer_id,
            attributes=dict(self._claimed.request.get("Attributes") or {}),
            contact_id=self._claimed.contact_id,
            participant_id=response.participant_id,
            participant_token=token,
            connect_by=clock.now() + left,
            response=response,
        )

    async def _hand_over(self, chat: StartedChat) -> str:
        """Call the function until it returns; why it did not, if it does not in time."""
        if not self._seconds_left:
            return "no time was left to hand it over"
        try:
            async with asyncio.timeout(self._seconds_left) as self._limit:
                return await self._until_returned(chat)
        except TimeoutError:
            failed = f", after it had raised {self._failed_with}" if self._failed_with else ""
            return f"the hand-over's function did not return in time{failed}"

    async def _until_returned(self, chat: StartedChat) -> str:
        clock, attempt = self._context.clock, 0
        first = clock.monotonic()
        while failed_with := await self._calls.call(chat):
            attempt, self._failed_with = attempt + 1, failed_with
            wait = self._context.policy.next_wait(
                attempt=attempt,
                elapsed_seconds=clock.monotonic() - first,
                random=self._context.random,
            )
            if wait is None:
                times = f"{attempt} time{'' if attempt == 1 else 's'}"
                return f"the hand-over's function raised {failed_with}, asked {times}"
            await clock.sleep(wait)
        return ""

    async def _note_handed_over(self, status: Status, **changes: Any) -> None:
        now = self._context.clock.now()
        await self._claimed.step(status, release=True, handed_over_at=now, **changes)
        # From now on the ledger counts it among people's chats: nobody else may start in its slot.
        self._slot.pass_on()
        self._context.counter.hand_over()

    async def _give_up(self, why: str) -> None:
        """Stop the chat, and say so; on disk first, so that no later run gives it away."""
        error = ChatEndedError(why, code=NOT_HANDED_OVER)
        with contextlib.suppress(AmazonError):
            if await self._is_joined(await self._chat.ask()):
                return
        await self._claimed.step(self.contact.status, **told(error))
        with contextlib.suppress(AmazonError):
            await self._chat.stop()
        await self._claimed.complete(EndReason.LOST, error, transcript_complete=False)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
