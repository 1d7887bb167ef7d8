"""The participant: the calls that the holder of a participant token makes in one chat."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pydantic import SecretStr

from connect_tasks.aws.idempotency import message_token
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.turns import Turn, Urgency
from connect_tasks.aws.transcript import Connection, Page
from connect_tasks.chat.dialogue import Say

__all__ = ["Participant"]


class Participant:
    """The participant calls of one chat; what `ChatSession` needs.

    Concurrent calls, and cancelling one, are as in `PacedCalls`, which makes them.

    Args:
        calls: Makes the calls.
        participant_token: The bearer token that the start returned.
        instance_id: Where the chat is.
        contact_id: Which chat it is.
        client_token: Of the contact; each message's own token follows from it.
        close: How a chat is closed.
        turn: How urgent the chat's connection is, asked before each: more so once it lives.
        reads: How urgent its readings of the transcript are, unless nothing seems to be missing.
    """

    def __init__(
        self,
        calls: PacedCalls,
        participant_token: SecretStr,
        *,
        instance_id: str,
        contact_id: str,
        client_token: str,
        close: Literal["stop", "disconnect", "leave_open"],
        turn: Callable[[], Turn] = lambda: Turn(Urgency.LIVE),
        reads: Urgency = Urgency.LIVE,
    ) -> None:
        self._calls = calls
        self._participant_token = participant_token
        self._instance_id = instance_id
        self._contact_id = contact_id
        self._client_token = client_token
        self._close = close
        self._turn = turn
        self._reads = reads

    async def connect(self) -> Connection:
        """Get a connection; concurrent or cancelled, as `PacedCalls.connect`."""
        return await self._calls.connect(self._participant_token, self._turn())

    async def say(self, connection: Connection, message: Say) -> datetime | None:
        """Send a message of ours, and tell when by Amazon's time; after a crash, not twice.

        Nor is it by a concurrent call, or by another one after this was cancelled.
        """
        token = message_token(self._client_token, message.number)
        return await self._calls.say(connection, message.text, client_token=token)

    async def read(self, connection: Connection, after: str | None, *, quiet: bool = False) -> Page:
        """Read the transcript from an item on; concurrent or cancelled, it changes nothing.

        Args:
            connection: The present one.
            after: The item; from the beginning if None.
            quiet: Nothing seems to be missing: chats that lost their socket are read first.
        """
        turn = Turn(Urgency.QUIET if quiet else self._reads)
        return await self._calls.read(connection, after, turn, contact_id=self._contact_id)

    async def close(self, connection: Connection) -> None:
        """End the chat; concurrent or cancelled, as `PacedCalls.close`."""
        stop = self._close == "stop"
        await self._calls.close(self._instance_id, self._contact_id, connection, stop=stop)
