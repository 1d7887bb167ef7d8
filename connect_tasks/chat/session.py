"""The session: one chat over a real web socket, the shell around protocol and dialogue.

All decisions are theirs; this module moves bytes and time, opens a new socket when one breaks,
and reads the transcript for what a socket may have missed.
"""

import asyncio
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Literal, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.transcript import Connection, Item
from connect_tasks.chat.dialogue import Dialogue, EndReason, Finish, Say, Wait
from connect_tasks.chat.protocol import Broken, ChatSocket, Event, Received, Subscribed, Transcript
from connect_tasks.errors import ChatEndedError, ChatLostError

__all__ = ["ChatSession", "ParticipantCalls"]


class ParticipantCalls(Protocol):
    """What a session needs of the participant service, for one chat."""

    async def connect(self) -> Connection:
        """Get a connection: a token and a socket URL.

        Never concurrently. Cancelled, one may have been made that nobody uses.
        """
        ...

    async def say(self, connection: Connection, message: Say) -> None:
        """Send a message of ours; the same number again sends nothing twice.

        Nor concurrently, nor after the first call was cancelled.
        """
        ...

    async def read(self, connection: Connection, after: str | None) -> list[Item]:
        """Read the transcript from an item on, or from the beginning.

        It changes nothing, concurrent or cancelled.
        """
        ...

    async def close(self, connection: Connection) -> None:
        """End the chat; fine if it is over already.

        Never concurrently. Cancelled, it may be over or not.
        """
        ...


@cache
def _proxy() -> Literal[True] | None:
    """Whether to look up the proxy for a socket: it takes a fifth of the time of a whole chat.

    Where the environment names none, as in most places, once is enough.
    """
    return True if urllib.request.getproxies().keys() - {"no"} else None


class _BrokenSocketError(Exception):
    """The socket is of no more use."""


class ChatSession:
    """Holds one conversation from the first connection to the end.

    Args:
        calls: The participant calls of this chat.
        dialogue: Decides what our side does.
        clock: Tells the time.
        on_connected: Awaited once, when the first subscription stands.
        on_items: Awaited with new items before anything else is done about them.
        on_closing: Awaited with the reason before the chat is closed.
        leave_open: Do not close the chat at the end.
        catch_up: Read the transcript after the first connection too: needed when something may
            have been said before.
        reconnects: How often in a row to open a broken socket again.
        beat_seconds: How often a socket is asked whether it lives.
    """

    DRAIN_SECONDS = 2.0
    RECONNECT_SECONDS = 1.0

    def __init__(
        self,
        calls: ParticipantCalls,
        dialogue: Dialogue,
        *,
        clock: Clock,
        on_connected: Callable[[], Awaitable[None]],
        on_items: Callable[[Sequence[Item]], Awaitable[None]],
        on_closing: Callable[[EndReason], Awaitable[None]],
        leave_open: bool = False,
        catch_up: bool = False,
        reconnects: int = 5,
        beat_seconds: float = 10,
    ) -> None:
        self._calls = calls
        self._dialogue = dialogue
        self._clock = clock
        self._on_connected = on_connected
        self._on_items = on_items
        self._on_closing = on_closing
        self._leave_open = leave_open
        self._catch_up = catch_up
        self._reconnects = reconnects
        self._beat_seconds = beat_seconds
        self._connected = False
        self._ended = False
        self._failures = 0
        self._transcript = Transcript()

    async def run(self, connection: Connection | None = None) -> EndReason:
        """Hold the conversation, close the chat, and say why it was over.

        Args:
            connection: The first connection, if there is one already.

        Returns:
            `lost` when the chat ended while we were not connected, so that its last items could
            not be read.

        Raises:
            ChatLostError: The connection could not be restored; the chat may still be open.
            AmazonError: A call was refused.

        Called once, and not concurrently. Cancelling closes the socket and nothing else: the chat
        stays open at Amazon, and another session of it goes on from its transcript.
        """
        while True:
            try:
                connection = connection or await self._calls.connect()
                return await self._over_socket(connection)
            except ChatEndedError:
                return EndReason.CHAT_ENDED if self._ended else EndReason.LOST
            except (OSError, WebSocketException, _BrokenSocketError) as error:
                # It may have broken after the flow began, with the confirmation still unread.
                connection, self._catch_up = None, True
                await self._back_off(error)

    async def _back_off(self, error: Exception) -> None:
        if self._failures == self._reconnects:
            raise ChatLostError(
                f"the socket could not be opened again in {self._failures} attempts: "
                f"{type(error).__name__}"
            ) from error
        if self._failures:
            await self._clock.sleep(self.RECONNECT_SECONDS * 2 ** (self._failures - 1))
        self._failures += 1

    async def _over_socket(self, connection: Connection) -> EndReason:
        # Amazon's own heartbeats replace pings; compression would cost 40 KiB a chat.
        async with connect(
            connection.url.get_secret_value(),
            compression=None,
            ping_interval=None,
            close_timeout=1,
            proxy=_proxy(),
        ) as socket:
            try:
                return await self._converse(socket, connection)
            except ChatEndedError:
                await self._drain(socket, ChatSocket(self._clock.monotonic()))
                raise

    async def _converse(self, socket: ClientConnection, connection: Connection) -> EndReason:
        wire = ChatSocket(self._clock.monotonic(), beat_seconds=self._beat_seconds)
        while True:
            await self._send_due(socket, wire)
            step = self._next_step(wire)
            match step:
                case Say():
                    await self._calls.say(connection, step)
                    self._dialogue.sent(self._clock.monotonic())
                case Finish(EndReason.CHAT_ENDED):
                    return EndReason.CHAT_ENDED
                case Finish():
                    # The transcript dies with the chat. What a socket lost may change our mind.
                    if not await self._read(connection):
                        return await self._finish(socket, wire, connection, step.reason)
                case Wait():
                    await self._listen(socket, wire, connection, step.until)

    def _next_step(self, wire: ChatSocket) -> Say | Finish | Wait:
        if not wire.subscribed:
            return Wait(wire.next_due)
        step = self._dialogue.next_step(self._clock.monotonic())
        return Wait(min(step.until, wire.next_due)) if isinstance(step, Wait) else step

    async def _send_due(self, socket: ClientConnection, wire: ChatSocket) -> None:
        for frame in wire.due(self._clock.monotonic()):
            if isinstance(frame, Broken):
                raise _BrokenSocketError(frame.reason)
            await socket.send(frame)

    async def _listen(
        self, socket: ClientConnection, wire: ChatSocket, connection: Connection, until: float
    ) -> None:
        try:
            async with asyncio.timeout(max(0.0, until - self._clock.monotonic())):
                text = await socket.recv(decode=True)
        except TimeoutError:
            return
        for event in wire.feed(text):
            await self._handle(event, connection)

    async def _handle(self, event: Event, connection: Connection) -> None:
        match event:
            case Received(item):
                await self._hear(item)
            case Subscribed():
                await self._subscribed(connection)
            case Broken(reason):
                raise _BrokenSocketError(reason)

    async def _subscribed(self, connection: Connection) -> None:
        self._failures = 0
        if not self._connected:
            self._dialogue.begin(self._clock.monotonic())
            await self._on_connected()
        if self._catch_up:
            await self._read(connection)
        self._connected = self._catch_up = True

    async def _read(self, connection: Connection) -> bool:
        """Read the transcript on; whether it held anything that no socket had brought."""
        items = await self._calls.read(connection, self._transcript.read_up_to)
        fresh = self._transcript.add_read(items)
        await self._take(fresh)
        return bool(fresh)

    async def _hear(self, item: Item) -> None:
        await self._take(self._transcript.add([item]))

    async def _take(self, fresh: Sequence[Item]) -> None:
        if not fresh:
            return
        await self._on_items(fresh)
        for item in fresh:
            self._ended = self._ended or item.is_end
            self._dialogue.observe(item, self._clock.monotonic())

    async def _finish(
        self,
        socket: ClientConnection,
        wire: ChatSocket,
        connection: Connection,
        reason: EndReason,
    ) -> EndReason:
        if self._leave_open:
            return EndReason.LEFT_OPEN
        await self._on_closing(reason)
        await self._calls.close(connection)
        await self._drain(socket, wire)
        return reason

    async def _drain(self, socket: ClientConnection, wire: ChatSocket) -> None:
        """Take in what is still on the way until the chat's end, for a moment at most."""
        try:
            async with asyncio.timeout(self.DRAIN_SECONDS):
                while not self._ended:
                    for event in wire.feed(await socket.recv(decode=True)):
                        if isinstance(event, Received):
                            await self._hear(event.item)
        except (TimeoutError, OSError, WebSocketException):
            return
