"""One customer's way: claim → slot and rate → start → connect → converse → close → record.

Amazon forgets a chat that is not connected within five minutes, so each customer goes the whole
way at once. What is about to happen is on disk before it happens: a process that dies at any
point leaves a contact from which the next one goes on.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import SecretStr

from connect_tasks.calls import Chat, PacedCalls
from connect_tasks.clock import Clock
from connect_tasks.contact import OPEN, Contact, EndReason, Status
from connect_tasks.dialogue import Dialogue
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    CampaignWideError,
    ChatLostError,
    NoSlotError,
    NotFoundError,
    OutcomeUnknownError,
    PermanentError,
    ThrottledError,
)
from connect_tasks.ledger import Heard, Progress
from connect_tasks.models import StartChatContactResponse
from connect_tasks.pacing import SlotGate
from connect_tasks.protocol import Connection, Item
from connect_tasks.recorder import Recorder
from connect_tasks.retry import RandomSource, RetryPolicy
from connect_tasks.session import ChatSession
from connect_tasks.tally import Tally
from connect_tasks.template import Conversation

__all__ = ["Pipeline", "PipelineParts", "is_campaign_wide"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineParts:
    """What a pipeline works with, the same for all customers of a campaign."""

    conversation: Conversation
    calls: PacedCalls
    recorder: Recorder
    slots: SlotGate
    policy: RetryPolicy
    token_validity: timedelta
    tally: Tally
    clock: Clock
    random: RandomSource


class Pipeline:
    """Takes one claimed contact as far as it goes.

    Args:
        parts: What it works with.
        contact: The contact, as claimed.
        on_started: Called once the chat exists, from where it must not be interrupted lightly.
    """

    def __init__(
        self, parts: PipelineParts, contact: Contact, *, on_started: Callable[[], None]
    ) -> None:
        self._parts = parts
        self._contact = contact
        self._on_started = on_started
        self._request: dict[str, Any] = json.loads(contact.request)
        self._attempts = self._attempts_before = contact.attempts
        self._may_exist = contact.sent_at is not None
        self._holds_slot = False
        self._resumed = contact.status is not Status.PLANNED

    async def run(self) -> None:
        """Go on from the contact's status to its end.

        Raises:
            CampaignWideError: No contact of the campaign can be started.
            LedgerError: The ledger cannot be written, or the contact is another worker's now.
            asyncio.CancelledError: Stopped; the contact can be resumed.
        """
        try:
            await self._take_slot()
            await self._go_on()
        finally:
            if self._holds_slot:
                self._parts.slots.give_back()

    async def _take_slot(self) -> None:
        await self._parts.slots.pass_through()
        self._holds_slot = True

    async def _go_on(self) -> None:
        if self._contact.status in OPEN and await self._is_over():
            return
        response = await self._start()
        if response is None:
            return
        self._on_started()
        await self._converse(response)

    # --- an interrupted chat ---

    async def _is_over(self) -> bool:
        """Close the record of a chat that ended, or cannot be joined again, meanwhile."""
        try:
            described = await self._parts.calls.describe(self._instance_id, self._contact_id)
        except AccessDeniedError:
            return False
        except NotFoundError as error:
            await self._complete(EndReason.LOST, **_told(error))
            return True
        if described.get("DisconnectTimestamp"):
            await self._complete(EndReason.LOST, code=str(described.get("DisconnectReason") or ""))
            return True
        if self._token_is_valid():
            return False
        with contextlib.suppress(AccessDeniedError):
            await self._parts.calls.stop(self._instance_id, self._contact_id)
        await self._complete(EndReason.LOST, code="TokenTooOld")
        return True

    def _token_is_valid(self) -> bool:
        sent_at = self._contact.sent_at or self._parts.clock.now()
        return self._parts.clock.now() - sent_at < self._parts.token_validity

    # --- the start ---

    async def _start(self) -> StartChatContactResponse | None:
        """Start the chat, or get its participant token again; None when that is settled.

        Only this loop repeats a start, always with the same token and the same bytes.
        """
        began = self._parts.clock.monotonic()
        try:
            while True:
                await self._parts.calls.starts.pass_through()
                try:
                    return await _uninterrupted(self._send())
                except ThrottledError:
                    continue
                except NoSlotError:
                    await self._wait_for_slot()
                except AmazonError as error:
                    if not await self._is_worth_another_try(error, began):
                        return None
        except (CampaignWideError, asyncio.CancelledError):
            await _uninterrupted(self._set_down())
            raise

    async def _send(self) -> StartChatContactResponse:
        """Write, call, write: the token is on disk before the call, the contact id right after."""
        await self._note_sending()
        response = await self._call()
        self._parts.slots.slots.grant()
        if self._contact.status not in OPEN:
            self._attempts += 1
            await self._step(
                Status.STARTED,
                contact_id=response.contact_id,
                participant_id=response.participant_id,
                started_at=self._parts.clock.now(),
                error_code=None,
                error_message=None,
            )
        return response

    async def _call(self) -> StartChatContactResponse:
        existed, self._may_exist = self._may_exist, True
        try:
            return await self._parts.calls.start_chat(self._contact.request)
        except OutcomeUnknownError:
            raise
        except AmazonError:
            # A clear refusal: this call has made nothing.
            self._may_exist = existed
            raise

    async def _note_sending(self) -> None:
        if self._contact.sent_at is None:
            planned = self._contact.status is Status.PLANNED
            status = Status.STARTING if planned else self._contact.status
            await self._step(status, sent_at=self._parts.clock.now())

    async def _wait_for_slot(self) -> None:
        self._holds_slot = False
        self._parts.slots.refuse()
        await self._take_slot()

    async def _is_worth_another_try(self, error: AmazonError, began: float) -> bool:
        self._attempts += 1
        started_before = self._parts.tally.any_started
        match error:
            case CampaignWideError():
                raise error
            case NotFoundError() if is_campaign_wide(self._request, started_before=started_before):
                raise _as_campaign_wide(error) from error
            case PermanentError():
                await self._step(Status.FAILED, ended_at=self._parts.clock.now(), **_told(error))
                return False
        return await self._back_off(error, began)

    async def _back_off(self, error: AmazonError, began: float) -> bool:
        wait = self._parts.policy.next_wait(
            attempt=self._attempts - self._attempts_before,
            elapsed_seconds=self._parts.clock.monotonic() - began,
            random=self._parts.random,
        )
        if wait is not None:
            await self._parts.clock.sleep(wait)
            return True
        await self._give_up(error)
        return False

    async def _give_up(self, error: AmazonError) -> None:
        """Leave the contact for a later run; it may or may not exist at Amazon."""
        if self._contact.status in OPEN:
            await self._step(self._contact.status, release=True)
        elif self._may_exist:
            await self._step(Status.UNKNOWN, release=True, **_told(error))
        else:
            # Not one call got through: that is the network, not this customer.
            raise _as_campaign_wide(error) from error

    async def _set_down(self) -> None:
        """Release the contact. If surely nothing was started, its token stays unused."""
        if self._contact.status is Status.STARTING and not self._may_exist:
            await self._step(Status.STARTING, release=True, sent_at=None)

    # --- the conversation ---

    async def _converse(self, response: StartChatContactResponse) -> None:
        if response.participant_token is None:
            await self._complete(EndReason.LOST)
            return
        session = self._session(response.participant_token)
        try:
            reason = await session.run(_ready_connection(response))
        except (ChatLostError, AmazonError) as error:
            await self._abandon(error)
        else:
            await self._complete(reason)

    def _session(self, participant_token: SecretStr) -> ChatSession:
        parts = self._parts
        opening = int("InitialMessage" in self._request)
        return ChatSession(
            Chat(
                parts.calls,
                participant_token,
                instance_id=self._instance_id,
                contact_id=self._contact_id,
                client_token=self._contact.client_token,
                close=parts.conversation.close,
            ),
            Dialogue(parts.conversation, self._contact.messages, opening=opening),
            clock=parts.clock,
            on_connected=self._connected,
            on_items=self._heard,
            leave_open=parts.conversation.close == "leave_open",
            catch_up=bool(opening) or self._resumed,
        )

    async def _connected(self) -> None:
        if self._contact.status is Status.STARTED:
            await self._step(Status.CONNECTED, connected_at=self._parts.clock.now())

    async def _heard(self, items: Sequence[Item]) -> None:
        await self._parts.recorder.write(Heard(self._contact, items))
        replied = any(item.is_spoken and not item.is_ours for item in items)
        if replied and self._contact.first_reply_at is None:
            await self._step(self._contact.status, first_reply_at=self._parts.clock.now())
            self._parts.tally.reply()

    async def _abandon(self, error: ChatLostError | AmazonError) -> None:
        """Nothing more can be said or read: free the slot and close the record."""
        # If that fails it ends by itself; what a person needs to see is the chat's own error.
        with contextlib.suppress(AmazonError):
            await self._parts.calls.stop(self._instance_id, self._contact_id)
        told = _told(error) if isinstance(error, AmazonError) else {"error_message": str(error)}
        await self._complete(EndReason.LOST, **told)

    async def _complete(self, reason: EndReason, *, code: str | None = None, **told: Any) -> None:
        now = self._parts.clock.now()
        await self._step(
            Status.COMPLETED, end_reason=reason, ended_at=now, **{"error_code": code, **told}
        )

    # --- the record ---

    async def _step(self, status: Status, *, release: bool = False, **changes: Any) -> None:
        changes["attempts"] = self._attempts
        was, contact = self._contact.status, self._contact.advance(status, **changes)
        await self._parts.recorder.write(Progress(contact, was, release=release))
        self._contact = contact
        self._parts.tally.step(was, contact)

    @property
    def _instance_id(self) -> str:
        return str(self._request["InstanceId"])

    @property
    def _contact_id(self) -> str:
        return str(self._contact.contact_id)


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


def _told(error: AmazonError) -> dict[str, Any]:
    return {
        "error_code": error.code,
        "error_message": error.message,
        "request_id": error.request_id,
    }


def _ready_connection(response: StartChatContactResponse) -> Connection | None:
    """The connection that came with the start, if the request asked for both its parts."""
    credentials, websocket = response.connection_credentials, response.websocket
    if credentials is None or websocket is None:
        return None
    return Connection(token=credentials.connection_token, url=websocket.url)


async def _uninterrupted(step: Awaitable[Result]) -> Result:
    """Await a step to its end even when cancelled in the middle, then be cancelled."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # Or asyncio would complain that nobody looked.
        raise
