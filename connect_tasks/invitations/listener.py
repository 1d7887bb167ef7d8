"""The listener: a second socket of ours in a person's chat, for its transcript while it lives.

The rules of this file:

- It never comes first. Who connects first is the customer to Amazon: the flow would greet an empty
  room, and nobody would see that the person never came. So Amazon is asked until it says that
  somebody is connected, and only then our socket joins.
- It takes from people as little as it can: it joins one chat after the other, at a part of the pace
  that connections have, and its calls go after all others.
- What it misses is no loss: `collect` reads the whole transcript when the chat is over. So what
  fails here is let go, and a process that dies takes nothing with it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import SecretStr

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.turns import Turn, Urgency
from connect_tasks.aws.quotas import Quotas
from connect_tasks.aws.transcript import Item
from connect_tasks.chat.onlooker import Onlooker
from connect_tasks.chat.participant import Participant
from connect_tasks.chat.session import ChatSession
from connect_tasks.chat.session_settings import SessionSettings
from connect_tasks.errors import (
    AmazonError,
    ChatLostError,
    LedgerError,
    OutcomeUnknownError,
    RetryableError,
    UnwritableError,
)
from connect_tasks.ledger.changes import Heard
from connect_tasks.ledger.contact import Contact
from connect_tasks.ledger.group_commit import GroupCommit

__all__ = ["Listener"]

_log = logging.getLogger(__name__)

_QUIET = Turn(Urgency.QUIET)
# A person who comes in the last moment is seen by the next look.
_SLACK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Chat:
    contact: Contact
    token: SecretStr

    @property
    def contact_id(self) -> str:
        return str(self.contact.contact_id)


class Listener:
    """Listens to people's chats, and keeps what is said in them.

    To be used in one event loop. `run` must run; what was started before it waits for it.

    Args:
        calls: Makes the calls, at the pace that all workers share.
        group_commit: Writes what was heard.
        clock: Tells the time and waits.
        instance_id: Where the chats are.
        quotas: What the instance grants: how fast to join, and how long a person may take.
        beat_seconds: How often a socket is asked whether it lives.
        most: How many chats to listen to at once; further ones wait until one of them is over.
    """

    FIRST_LOOK_SECONDS = 2.0
    LONGEST_LOOK_SECONDS = 30.0
    SHARE = 0.25
    """How much of the pace of connections it takes: the others are people's own."""
    MOST_WAITING = 2_000

    def __init__(
        self,
        calls: PacedCalls,
        group_commit: GroupCommit,
        clock: Clock,
        *,
        instance_id: str,
        quotas: Quotas,
        beat_seconds: float = 10,
        most: int = 200,
    ) -> None:
        self._calls = calls
        self._group_commit = group_commit
        self._clock = clock
        self._instance_id = instance_id
        self._connect_window = quotas.connect_window
        self._join_seconds = 1 / (quotas.connections_per_second * self.SHARE)
        self._beat_seconds = beat_seconds
        self._places = asyncio.Semaphore(most)
        self._door = asyncio.Lock()
        self._new: asyncio.Queue[_Chat] = asyncio.Queue()
        self._known: set[str] = set()

    def started(self, contact: Contact, response: StartChatContactResponse) -> None:
        """A press started this chat, or found it: listen to it once its customer is there.

        It returns at once. Again with a chat that is being listened to, it does nothing.

        Args:
            contact: The contact, started.
            response: What Amazon answered; its token stays in memory.
        """
        token = response.participant_token
        if token is None or response.contact_id in self._known:
            return
        if len(self._known) >= self.MOST_WAITING:
            _log.warning("contact %s: too many chats to listen to it", contact.id)
            return
        self._known.add(response.contact_id)
        self._new.put_nowait(_Chat(contact, token))

    async def run(self) -> NoReturn:
        """Listen; never returns.

        Once, not concurrently. Cancelled, it closes its sockets and nothing else: the chats go on,
        and what was heard is kept.
        """
        async with asyncio.TaskGroup() as tasks:
            while True:
                chat = await self._new.get()
                tasks.create_task(self._follow(chat))

    async def _follow(self, chat: _Chat) -> None:
        try:
            if await self._is_joined(chat):
                async with self._places:
                    await self._in_turn()
                    await self._listen(chat)
        except (AmazonError, ChatLostError, LedgerError) as error:
            # The chat goes on without us, and its transcript is read when it is over.
            code = error.code if isinstance(error, AmazonError) else type(error).__name__
            _log.info("contact %s: listening ended: %s", chat.contact.id, code)
        except Exception:  # noqa: BLE001 - a fault of ours is this chat's alone
            _log.exception("contact %s: listening met a fault in connect-tasks", chat.contact.id)
        finally:
            self._known.discard(chat.contact_id)

    async def _is_joined(self, chat: _Chat) -> bool:
        """Wait until somebody is connected; whether anybody came before the chat was over."""
        until = self._clock.monotonic() + self._connect_window.total_seconds() + _SLACK_SECONDS
        pause = self.FIRST_LOOK_SECONDS
        while self._clock.monotonic() < until:
            await self._clock.sleep(pause)
            pause = min(self.LONGEST_LOOK_SECONDS, pause * 2)
            described = await self._describe(chat)
            if described.get("DisconnectTimestamp"):
                return False
            if described.get("ConnectedToSystemTimestamp"):
                return True
        return False

    async def _in_turn(self) -> None:
        """Wait for the turn to join: others of ours have just joined, and people come first."""
        async with self._door:
            await self._clock.sleep(self._join_seconds)

    async def _listen(self, chat: _Chat) -> None:
        session = ChatSession(
            Participant(
                self._calls,
                chat.token,
                instance_id=self._instance_id,
                contact_id=chat.contact_id,
                client_token=chat.contact.client_token,
                close="leave_open",
                turn=lambda: _QUIET,
                reads=Urgency.QUIET,
            ),
            Onlooker(),
            clock=self._clock,
            on_connected=_nothing,
            on_items=lambda items: self._keep(chat.contact, items),
            on_closing=_nothing,
            settings=SessionSettings(
                contact_id=chat.contact_id,
                leave_open=True,
                catch_up=True,
                beat_seconds=self._beat_seconds,
                # What no socket lost is in the transcript's file, and costs nobody a call.
                checks=False,
            ),
        )
        await session.run()

    async def _describe(self, chat: _Chat) -> Mapping[str, Any]:
        """What Amazon says of a chat; nothing if it did not answer this time."""
        try:
            return await self._calls.describe(self._instance_id, chat.contact_id, _QUIET)
        except (RetryableError, OutcomeUnknownError):
            return {}

    async def _keep(self, contact: Contact, items: Sequence[Item]) -> None:
        """Store items; what the database cannot hold costs one of them, and not the others."""
        try:
            await self._group_commit.write(Heard(contact, items))
        except UnwritableError:
            if len(items) > 1:
                for item in items:
                    await self._keep(contact, [item])


async def _nothing(*_: object) -> None:
    """Nothing follows from it for who only listens."""
