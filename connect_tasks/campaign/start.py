"""The start of a chat: the one place that repeats a call which makes a contact.

The rules of this file:

- Write, call, write: that a call will be made, and since when its idempotency key counts, is on
  disk before the call; the contact id right after it.
- A repeated call has the same client token and the same bytes as the first, whatever the template
  says by now.
- A call is never cancelled half-way. If the process is told to stop, the answer is waited for and
  written down: it may have made a chat.
- Only a clear refusal says that nothing was made. A time-out, a cut connection and a 5xx say
  nothing at all, and neither does silence.
- Whether the policy allows the call is decided where it is written that it will be made, after all
  waiting: for a slot, for the rate, for the ledger.
- A token older than it surely holds is not sent again if it may have made a chat.
- A place among the chats that wait for their connection is held before a slot, and a slot before
  the rate is asked for: permits that wait for either would go to waste.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.pacing.rate_limiter import RateLimiter
from connect_tasks.aws.pacing.slot_pool import Slot
from connect_tasks.campaign.claimed_contact import ClaimedContact
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.errors import (
    AmazonError,
    CampaignWideError,
    NoSlotError,
    NotFoundError,
    OutcomeUnknownError,
    PermanentError,
    ThrottledError,
)
from connect_tasks.ledger.contact import OPEN, Status

__all__ = ["Start", "StartCall", "is_campaign_wide"]

Result = TypeVar("Result")


class _TokenTooOldError(AmazonError):
    """Sending the client token again could start a second chat."""


@dataclass(frozen=True, slots=True)
class StartCall:
    """The call that makes a contact.

    Args:
        turns: The pace of its quota.
        call: Makes it once, of a request as it is stored.
        gives: Whether the contact is its customer's as soon as it is there: then no worker has
            anything more to do with it, and that is in the same write.
    """

    turns: RateLimiter
    call: Callable[[str], Awaitable[StartChatContactResponse]]
    gives: bool = False


class Start:
    """The start of one chat; for an interrupted one, the way to its participant token.

    Args:
        context: The campaign's.
        claimed: The contact.
        slot: The chat's slot, taken.
        how: The call that makes it; StartChatContact if None.
    """

    def __init__(
        self,
        context: CampaignContext,
        claimed: ClaimedContact,
        slot: Slot,
        how: StartCall | None = None,
    ) -> None:
        self._context = context
        self._how = how or StartCall(context.calls.starts, context.calls.start_chat)
        self._claimed = claimed
        self._slot = slot
        self._failures = 0
        self._began = context.clock.monotonic()
        self._may_exist = claimed.contact.sent_at is not None
        self._is_sending = False
        self._is_withdrawn = False
        self._called_at: float | None = None

    @property
    def exists_since(self) -> float | None:
        """Before when its chat surely did not exist, in monotonic seconds.

        None where nobody here can say: an earlier run may have made it.
        """
        return self._called_at

    async def run(self) -> StartChatContactResponse | None:
        """Call until there is an answer.

        Returns:
            What Amazon answered; None when the contact is settled, or left for a later run.

        Raises:
            CampaignWideError: No contact of the campaign can be started.
            asyncio.CancelledError: Stopped; a call under way was waited for.

        Called once, never concurrently. Cancelling takes effect between two calls: what Amazon
        answers to one that is under way is on disk before the cancellation goes on.
        """
        try:
            # Looked at before each call and not in between: a call that has begun is finished.
            while not self._is_withdrawn:
                await self._how.turns.acquire(self._claimed.turn)
                try:
                    return await _uninterrupted(self._send())
                except ThrottledError:
                    # No attempt of the customer's: everybody slows down, and the turn comes again.
                    continue
                except NoSlotError:
                    await self._slot.refuse()
                except _TokenTooOldError as error:
                    await self._give_up(error)
                    return None
                except AmazonError as error:
                    if not await self._is_worth_another_try(error):
                        return None
            await self._set_down()
        except (CampaignWideError, asyncio.CancelledError):
            # Cancelled once more it must still be written, or the contact looks as if it was sent.
            await _uninterrupted(self._set_down())
            raise
        return None

    def withdraw(self) -> bool:
        """Make no further call.

        Returns:
            Whether one is under way. If it makes a chat, that chat is to be held.
        """
        self._is_withdrawn = True
        return self._is_sending

    async def _send(self) -> StartChatContactResponse:
        self._is_sending = True
        try:
            return await self._write_call_write()
        finally:
            self._is_sending = False

    async def _write_call_write(self) -> StartChatContactResponse:
        """The token is on disk before the call, the contact id right after."""
        # Before the call: killed in the middle of it, the next run must know that a chat may exist.
        await self._note_sending()
        # After that write, which may have waited minutes for a ledger that was away.
        await self._check_token()
        response = await self._call()
        # Nothing may come between the answer and this write: without it the chat is known to nobody
        # but Amazon, and only the same token finds it again.
        if self._claimed.contact.status not in OPEN:
            self._claimed.attempts += 1
            now = self._context.clock.now()
            given: dict[str, Any] = {"handed_over_at": now} if self._how.gives else {}
            await self._claimed.step(
                Status.STARTED,
                release=self._how.gives,
                contact_id=response.contact_id,
                participant_id=response.participant_id,
                started_at=now,
                error_code=None,
                error_message=None,
                **given,
            )
        return response

    async def _note_sending(self) -> None:
        """Before a first call, and again: others may have decided while a worker slept."""
        contact = self._claimed.contact
        if contact.sent_at is None:
            planned = contact.status is Status.PLANNED
            status = Status.STARTING if planned else contact.status
            await self._claimed.step(status, sends=True, sent_at=self._context.clock.now())
        elif contact.status not in OPEN:
            # A call that another has given up, and a person replaced, must not be made any more.
            unmade = not self._may_exist
            await self._claimed.step(contact.status, sends=True, is_unmade=unmade)

    async def _check_token(self) -> None:
        """A wait for a slot, or a machine's sleep, may have outlasted the token."""
        if self._claimed.token_is_valid:
            return
        if self._may_exist:
            raise _TokenTooOldError("its client token is too old to be sent", code="TokenTooOld")
        # Nothing was made with it, if the contact is still ours: then its time begins anew.
        await self._claimed.step(
            self._claimed.contact.status, sends=True, sent_at=self._context.clock.now()
        )

    async def _call(self) -> StartChatContactResponse:
        # Assumed before it is sent: only an answer can tell that it was not so.
        existed, self._may_exist = self._may_exist, True
        if not existed:
            self._called_at = self._context.clock.monotonic()
        try:
            return await self._how.call(self._claimed.contact.request)
        except OutcomeUnknownError:
            raise
        except AmazonError:
            # A clear refusal: this call has made nothing.
            self._may_exist = existed
            raise

    async def _is_worth_another_try(self, error: AmazonError) -> bool:
        self._failures += 1
        self._claimed.attempts += 1
        match error:
            case CampaignWideError():
                raise error
            case NotFoundError() if self._is_campaign_wide():
                raise _as_campaign_wide(error) from error
            case PermanentError() if self._claimed.contact.status in OPEN:
                # Its chat is there, whatever Amazon has against the same call now.
                await self._give_up(error)
                return False
            case PermanentError():
                await self._claimed.fail(error)
                return False
        return await self._back_off(error)

    def _is_campaign_wide(self) -> bool:
        return is_campaign_wide(
            self._claimed.request, started_before=self._context.counter.any_started
        )

    async def _back_off(self, error: AmazonError) -> bool:
        wait = self._context.policy.next_wait(
            attempt=self._failures,
            elapsed_seconds=self._context.clock.monotonic() - self._began,
            random=self._context.random,
        )
        if wait is None:
            await self._give_up(error)
            return False
        if not self._is_withdrawn:
            await self._context.clock.sleep(wait)
        return True

    async def _give_up(self, error: AmazonError) -> None:
        """Leave the contact for a later run; it may or may not exist at Amazon."""
        if self._claimed.contact.status in OPEN:
            await self._claimed.step(self._claimed.contact.status, release=True)
        elif self._may_exist:
            await self._claimed.leave_unknown(error)
        else:
            # Not one call got through: that is the network, not this customer.
            raise _as_campaign_wide(error) from error

    async def _set_down(self) -> None:
        """Release the contact. If surely nothing was started, its token counts as never sent."""
        if self._claimed.contact.status is Status.STARTING and not self._may_exist:
            await self._claimed.step(Status.STARTING, release=True, sent_at=None)


def is_campaign_wide(request: dict[str, Any], *, started_before: bool) -> bool:
    """Whether "not found" means the instance or flow, and so concerns every row.

    It does not when a chat of the campaign was started before, or when the row names a contact
    of its own that may be what is missing.
    """
    return not started_before and not {"RelatedContactId", "PersistentChat"} & request.keys()


def _as_campaign_wide(error: AmazonError) -> CampaignWideError:
    return CampaignWideError(
        error.message,
        operation=error.operation,
        code=error.code,
        status=error.status,
        request_id=error.request_id,
    )


async def _uninterrupted(step: Awaitable[Result]) -> Result:
    """Await a step to its end even when cancelled in the middle, then be cancelled."""
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            # It may come more than once: from a halt, and again when the worker ends.
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # Or asyncio would complain that nobody looked.
    raise cancelled
