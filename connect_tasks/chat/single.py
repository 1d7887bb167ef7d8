"""Single chats, without a campaign: started, held to their end, stopped.

All chats of a process keep one bucket for each API of an instance. There is no ledger: what nobody
keeps is forgotten, and who was contacted is for the caller to remember.
"""

import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from random import SystemRandom
from typing import TYPE_CHECKING, Any, TypeVar

from connect_tasks.aws.idempotency import canonical_json
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.models import StartChatContactRequest, StartChatContactResponse
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits, TokenBucket
from connect_tasks.aws.quotas import Quotas
from connect_tasks.aws.transcript import Item
from connect_tasks.chat.dialogue import Dialogue, EndReason
from connect_tasks.chat.own_loop import finish
from connect_tasks.chat.participant import Participant
from connect_tasks.chat.session import ChatSession
from connect_tasks.chat.session_settings import SessionSettings, last_of_several
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.expression import is_template
from connect_tasks.chat.template.utterance import OwnMessage
from connect_tasks.errors import AmazonError, ChatLostError, InputError
from connect_tasks.tables.layouts import MESSAGES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HeldChat", "StartedChat", "hold", "start", "stop", "texts"]

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_BEARER = ("participant_token", "connection_credentials", "websocket")


class StartedChat(StartChatContactResponse):
    """What Amazon answered to a start, and what else is needed to hold the chat.

    Its bearer tokens stay in the process that got them. What is pickled may be written to disk, as
    Prefect's results and Dask's spilled memory are, so a copy made by pickling has none.

    Attributes:
        instance_id: Where it is.
        client_token: The request's; the tokens of our messages follow from it.
        customer_id: The request's.
        has_initial_message: Whether the customer's side has spoken with the start.

    Example:
        >>> import pickle
        >>> answer = {"contact_id": "c-1", "participant_token": "secret"}
        >>> chat = StartedChat(**answer, instance_id="i-1", client_token="t-1")
        >>> pickle.loads(pickle.dumps(chat)).participant_token is None
        True
    """

    instance_id: str
    client_token: str
    customer_id: str | None = None
    has_initial_message: bool = False

    def __getstate__(self) -> dict[Any, Any]:
        """The chat without its bearer tokens."""
        state = super().__getstate__()
        return {**state, "__dict__": {**state["__dict__"], **dict.fromkeys(_BEARER)}}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldChat:
    """What came of a conversation.

    Args:
        contact_id: Amazon's id of the chat.
        customer_id: Whose chat, if the request said so.
        end_reason: Why the conversation was over.
        messages: One row for each item of the transcript, in order of time, with the columns of a
            campaign's `messages`.
        transcript_complete: Whether that is the whole transcript; False where something is missing,
            or may be, and None where nobody can say, as the other side ended the chat.
    """

    contact_id: str
    customer_id: str | None
    end_reason: EndReason
    messages: "pd.DataFrame" = field(repr=False)
    transcript_complete: bool | None = None


def start(instance: Instance, request: StartChatContactRequest, client_token: str) -> StartedChat:
    """Start a chat with one call, when it is its turn.

    Args:
        instance: Where.
        request: The request.
        client_token: Its token, unless it has one of its own. The same again starts no second chat.

    Raises:
        AmazonError: Amazon refused it, or its answer was lost.
    """
    wire = {"ClientToken": client_token, **request.to_wire()}

    async def call(calls: PacedCalls) -> StartChatContactResponse:
        await calls.starts.acquire()
        return await calls.start_chat(canonical_json(wire))

    response = _at_pace(instance, request.instance_id, call)
    return StartedChat(
        **dict(response),
        instance_id=request.instance_id,
        client_token=wire["ClientToken"],
        customer_id=request.customer_id,
        has_initial_message=request.initial_message is not None,
    )


def hold(
    instance: Instance,
    chat: StartedChat,
    conversation: Conversation,
    messages: Sequence[OwnMessage],
    *,
    reconnects: int = 5,
) -> HeldChat:
    """Connect to a chat, converse, and close it. The same chat again goes on where it was.

    Args:
        instance: Where.
        chat: The chat, started in this process.
        conversation: When the conversation is over, and how the chat is closed.
        messages: What our side says, in order.
        reconnects: How often in a row to open a broken socket again, before the chat is lost.

    Raises:
        InputError: The chat has no participant token.
        AmazonError: A call was refused; the chat may be open.
    """
    token = chat.participant_token
    if token is None:
        raise InputError(
            f"Chat {chat.contact_id} cannot be held: there is no participant token with it. Either "
            "it ended long ago, or it was started in another process; bearer tokens do not "
            "travel. Start and hold a chat in one process, for example in one task of your own."
        )
    heard: list[Item] = []

    async def hear(items: Sequence[Item]) -> None:
        heard.extend(items)

    async def converse(calls: PacedCalls) -> tuple[EndReason, bool | None]:
        session = ChatSession(
            Participant(
                calls,
                token,
                instance_id=chat.instance_id,
                contact_id=chat.contact_id,
                client_token=chat.client_token,
                close=conversation.close,
            ),
            Dialogue(conversation, messages, opening=int(chat.has_initial_message)),
            clock=SystemClock(),
            on_connected=_nothing,
            on_items=hear,
            on_closing=_nothing,
            settings=SessionSettings(
                contact_id=chat.contact_id,
                leave_open=conversation.close == "leave_open",
                # Whether somebody has held it before, nobody has written down.
                catch_up=True,
                reconnects=reconnects,
                beat_seconds=instance.beat_seconds,
                checks=conversation.check_transcript,
                check_before=last_of_several(messages),
            ),
        )
        try:
            return await session.run(), session.transcript_complete
        except ChatLostError as error:
            _log.warning("contact %s is lost: %s", chat.contact_id, error)
            # If that fails it ends by itself; nothing more can be said or read either way.
            with suppress(AmazonError):
                await calls.stop(chat.instance_id, chat.contact_id)
            return EndReason.LOST, False

    reason, is_complete = _at_pace(instance, chat.instance_id, converse)
    return HeldChat(
        contact_id=chat.contact_id,
        customer_id=chat.customer_id,
        end_reason=reason,
        messages=_transcript(chat, heard),
        transcript_complete=is_complete,
    )


def stop(instance: Instance, instance_id: str, contact_id: str) -> None:
    """End a chat when it is its turn; one that is over already is fine.

    Args:
        instance: Where.
        instance_id: Its id.
        contact_id: Which chat.

    Raises:
        AmazonError: Amazon refused it, or did not answer again and again.
    """
    _at_pace(instance, instance_id, lambda calls: calls.stop(instance_id, contact_id))


def texts(conversation: Conversation, messages: Sequence[OwnMessage]) -> tuple[OwnMessage, ...]:
    """What our side says: these messages as they are, or else the conversation's.

    Args:
        conversation: Its messages must not name columns: there is no row to fill them from.
        messages: Texts, or utterances with their texts as they are; a single text counts as a
            list of one.

    Raises:
        InputError: A message of the conversation names columns.

    Example:
        >>> texts(Conversation(messages=["Hello"]), ()), texts(Conversation(), "Hi {{")
        (('Hello',), ('Hi {{',))
    """
    if messages:
        return (messages,) if isinstance(messages, str) else tuple(messages)
    for number, said in enumerate(conversation.messages, start=1):
        if is_template(said if isinstance(said, str) else said.text):
            raise InputError(
                f"Message {number} of the conversation is a template, and a single chat has no "
                "row to fill it from. Give the texts themselves as `messages`."
            )
    return conversation.messages


class _Buckets:
    """The token bucket of each API of each instance, as all threads of this process share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    def grant_permits(self, instance_id: str, request: PermitRequest, quotas: Quotas) -> Permits:
        """Permit the next calls of an API."""
        key, now = (instance_id, request.api), time.monotonic()
        quota = quotas.usable_rate_of(request.api)
        with self._lock:
            bucket = self._buckets.get(key) or TokenBucket.full(*quota, now)
            self._buckets[key], permits = bucket.for_quota(*quota).grant(request, now)
        return permits


_buckets = _Buckets()


def _at_pace(
    instance: Instance, instance_id: str, work: Callable[[PacedCalls], Awaitable[Result]]
) -> Result:
    async def acquire(request: PermitRequest) -> Permits:
        return _buckets.grant_permits(instance_id, request, instance.quotas)

    async def main() -> Result:
        with ThreadPoolExecutor(1, "amazon") as executor:
            calls = PacedCalls(
                instance.api,
                instance.policy,
                acquire=acquire,
                executor=executor,
                clock=SystemClock(),
                random=SystemRandom(),
            )
            async with instance.api.connected(executor):
                try:
                    return await work(calls)
                finally:
                    await calls.return_unused()

    return finish(main())


async def _nothing(*_: object) -> None:
    """There is nobody to tell."""


def _transcript(chat: StartedChat, heard: Sequence[Item]) -> "pd.DataFrame":
    ids = {"contact_id": chat.contact_id, "customer_id": chat.customer_id}
    ordered = sorted(heard, key=lambda item: (item.absolute_time, item.message_id))
    return MESSAGES.frame([{**item.record, **ids} for item in ordered])
