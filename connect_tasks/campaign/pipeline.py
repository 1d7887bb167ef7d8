"""The pipeline of one customer: claim, slot, rate, start, connect, converse, close, record.

Amazon forgets a chat that is not connected within five minutes, so each customer goes the whole
way at once, and no more are started than can be connected in time. A place among those that wait
for their connection is taken first, then a slot, then the rate: who waits for one of them holds
nothing that somebody needs who has it already.

What is about to happen is on disk before it happens: a process that dies at any point leaves a
contact from which the next one goes on.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from pydantic import SecretStr

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.pacing.slot_pool import Slot
from connect_tasks.aws.pacing.turns import Turn
from connect_tasks.aws.transcript import Connection, Item
from connect_tasks.campaign.claimed_contact import ClaimedContact
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.campaign.open_chat import OpenChat
from connect_tasks.campaign.start import Start
from connect_tasks.chat.dialogue import Dialogue, EndReason
from connect_tasks.chat.participant import Participant
from connect_tasks.chat.session import ChatSession
from connect_tasks.chat.session_settings import SessionSettings, last_of_several
from connect_tasks.errors import AmazonError, ChatEndedError, ChatLostError
from connect_tasks.ledger.contact import OPEN, Contact, Status

__all__ = ["Pipeline"]

_log = logging.getLogger(__name__)


class Pipeline:
    """Takes one claimed contact as far as it goes.

    Args:
        context: The campaign's.
        contact: The contact, as claimed.
        on_started: Called once the chat exists: from there on it is worth finishing.
    """

    def __init__(
        self, context: CampaignContext, contact: Contact, *, on_started: Callable[[], None]
    ) -> None:
        self._context = context
        self._claimed = ClaimedContact(context, contact)
        self._on_started: Callable[[], None] | None = on_started
        self._start: Start | None = None
        self._session_of: ChatSession | None = None
        self._slot = Slot(context.slots, is_occupied=contact.status in OPEN)
        self._unconnected = Slot(context.unconnected, is_occupied=contact.status in OPEN)
        self._resumed = contact.status is not Status.PLANNED
        self._conversation = context.conversation_of(contact)
        self._is_opened = "InitialMessage" in self._claimed.request
        self._dialogue = Dialogue(
            self._conversation, contact.messages, opening=int(self._is_opened)
        )

    @property
    def contact(self) -> Contact:
        """The contact as it is now."""
        return self._claimed.contact

    @property
    def may_be_repeated(self) -> bool:
        """Whether nobody knows what came of its start, and the same token may be sent again."""
        return self._claimed.may_be_repeated

    async def run(self) -> None:
        """Go on from the contact's status to its end.

        Raises:
            CampaignWideError: No contact of the campaign can be started.
            LedgerError: The ledger cannot be written, or the contact is another worker's now.
            asyncio.CancelledError: Stopped; the contact can be resumed.

        Called once, and not concurrently for one contact: its claim has one holder. Cancelled, it
        ends where it is; a start under way is waited for, and an open chat stays open.
        """
        async with self._unconnected, self._slot:
            conversation = await self._started()
            if conversation is None:
                return
            try:
                # Here chats spend their time: each value and each frame would be there in each.
                reason = await conversation
            except (ChatLostError, AmazonError) as error:
                await self._abandon(error)
            else:
                await self._close(reason)
            self._leave()

    def withdraw(self) -> bool:
        """Start no chat any more; whether a call is under way that may still make one."""
        return self._start is not None and self._start.withdraw()

    def finish_by(self, deadline: float) -> None:
        """End the conversation by this time, in monotonic seconds, and close the chat."""
        self._dialogue.finish_by(deadline)

    async def _started(self) -> Awaitable[EndReason] | None:
        """The conversation in its chat; None if there is none, or nobody can join it."""
        contact = self._claimed.contact
        if contact.status is Status.CONNECTED:
            self._unconnected.release()
        if contact.status in OPEN and await self._open_chat().ask_whether_alive() is None:
            return None
        self._start = Start(self._context, self._claimed, self._slot)
        response = await self._start.run()
        if response is None:
            return None
        self._chat_exists()
        token = response.participant_token
        if token is None:
            await self._close(EndReason.LOST)
            return None
        self._session_of = self._session(token)
        return self._session_of.run(_ready_connection(response))

    def _chat_exists(self) -> None:
        if self._on_started is not None:
            self._on_started()
        # Chats live long, and nothing more is started.
        self._on_started = self._start = None

    def _leave(self) -> None:
        session, self._session_of = self._session_of, None
        if session is not None and session.odd:
            _log.warning(
                "contact %s: %d frames or items were passed over, as they are another contact's "
                "or cannot be read",
                self.contact.id,
                session.odd,
            )

    def _open_chat(self) -> OpenChat:
        return OpenChat(self._context, self._claimed)

    async def _close(self, reason: EndReason) -> None:
        if self._claimed.contact.connected_at is None:
            # The token was remembered, but its chat was dead before anybody joined it.
            why, heard = await self._open_chat().why_dead(), self._heard(is_lost=True)
            await self._claimed.complete(EndReason.LOST, why, started_at=None, **heard)
            return
        is_lost = reason is EndReason.LOST
        missing = self._session_of.missing if self._session_of else ""
        error = ChatEndedError(missing, code="ChatEnded") if is_lost else None
        await self._claimed.complete(reason, error, **self._heard(is_lost=is_lost))

    def _heard(self, *, is_lost: bool) -> dict[str, Any]:
        """What the record says of the transcript."""
        if self._session_of is None:
            return {"transcript_complete": False}
        is_complete = False if is_lost else self._session_of.transcript_complete
        return {"transcript_complete": is_complete, "items_skipped": self._session_of.odd}

    def _session(self, participant_token: SecretStr) -> ChatSession:
        claimed, conversation = self._claimed, self._conversation
        return ChatSession(
            Participant(
                self._context.calls,
                participant_token,
                instance_id=claimed.instance_id,
                contact_id=claimed.contact_id,
                client_token=claimed.contact.client_token,
                close=conversation.close,
                turn=self._turn,
            ),
            self._dialogue,
            clock=self._context.clock,
            on_connected=self._connected,
            on_items=self._hear,
            on_closing=self._closing,
            # What comes after the end is listened for without holding others up.
            on_ended=self._slot.release,
            settings=SessionSettings(
                contact_id=claimed.contact_id,
                leave_open=conversation.close == "leave_open",
                catch_up=self._is_opened or self._resumed,
                beat_seconds=self._context.beat_seconds,
                checks=conversation.check_transcript,
                check_before=last_of_several(claimed.contact.messages),
            ),
        )

    def _turn(self) -> Turn:
        return self._claimed.turn

    async def _connected(self) -> None:
        self._unconnected.release()
        if self._claimed.contact.status is Status.STARTED:
            await self._claimed.step(Status.CONNECTED, connected_at=self._context.clock.now())

    def _hear(self, items: Sequence[Item]) -> Coroutine[Any, Any, None]:
        is_first = self._claimed.contact.first_reply_at is None
        are_answer = is_first and self._dialogue.is_answered_by(items)
        return self._claimed.hear(items, are_answer=are_answer)

    async def _closing(self, reason: EndReason) -> None:
        """Remember why, so that a kill in the middle of closing does not make the chat lost."""
        await self._claimed.step(
            self._claimed.contact.status, end_reason=reason, **self._heard(is_lost=False)
        )

    async def _abandon(self, error: ChatLostError | AmazonError) -> None:
        """Nothing more can be said or read: free the slot and close the record."""
        # If that fails it ends by itself; what a person needs to see is the chat's own error.
        with contextlib.suppress(AmazonError):
            await self._context.calls.stop(self._claimed.instance_id, self._claimed.contact_id)
        await self._claimed.complete(EndReason.LOST, error, **self._heard(is_lost=True))


def _ready_connection(response: StartChatContactResponse) -> Connection | None:
    """The connection that came with the start, if the request asked for both its parts."""
    credentials, websocket = response.connection_credentials, response.websocket
    if credentials is None or websocket is None:
        return None
    return Connection(token=credentials.connection_token, url=websocket.url)
