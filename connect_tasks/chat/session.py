"""The session: one chat over a real web socket, the shell around protocol and dialogue.

All decisions are theirs; this module moves bytes and time, opens a new socket when one breaks,
and reads the transcript for what a socket may have missed.
"""

import math
from collections.abc import Awaitable, Callable, Sequence

from websockets.exceptions import WebSocketException

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.transcript import Connection, Item, Odd
from connect_tasks.chat.chat_connection import ChatConnection
from connect_tasks.chat.dialogue import EndReason, Finish, Say, Wait
from connect_tasks.chat.gaps import Gaps
from connect_tasks.chat.hearing import Hearing
from connect_tasks.chat.participant_calls import ParticipantCalls
from connect_tasks.chat.protocol import Broken, ChatSocket, Received, Subscribed
from connect_tasks.chat.session_settings import SessionSettings
from connect_tasks.chat.side import Side
from connect_tasks.errors import ChatEndedError, ChatLostError

__all__ = ["ChatSession"]


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
        on_ended: Called once when the chat's end was heard.
        settings: How it is held.
    """

    DRAIN_SECONDS = 2.0
    MOST_FRAMES_HERE = 100
    RECONNECT_SECONDS = 1.0
    LAST_WORDS_SECONDS = 0.5
    """How long to listen after the chat's end: frames are not sent in order, and what its end has
    overtaken comes within the time that a frame takes, not within that of a person."""

    def __init__(
        self,
        calls: ParticipantCalls,
        dialogue: Side,
        *,
        clock: Clock,
        on_connected: Callable[[], Awaitable[None]],
        on_items: Callable[[Sequence[Item]], Awaitable[None]],
        on_closing: Callable[[EndReason], Awaitable[None]],
        on_ended: Callable[[], None] = lambda: None,
        settings: SessionSettings,
    ) -> None:
        self._calls = calls
        self._dialogue = dialogue
        self._clock = clock
        self._on_connected = on_connected
        self._on_closing = on_closing
        self._on_ended = on_ended
        self._settings = settings
        self._catch_up = settings.catch_up
        self._connected = False
        self._failures = 0
        self._subscribed_at = math.inf
        self._items_before = 0
        self._gaps = Gaps(checks=settings.checks)
        self._hearing = Hearing(calls, dialogue, self._gaps, clock=clock, on_items=on_items)

    @property
    def transcript_complete(self) -> bool | None:
        """Whether all that was said was heard; None where nobody can say.

        True: the transcript was read right before our side closed the chat. None: the other side
        ended it, and nothing is known to be missing.
        """
        return self._gaps.is_complete

    @property
    def missing(self) -> str:
        """What is missing, or may be, in words; empty if nothing is known to be."""
        return self._gaps.why

    @property
    def odd(self) -> int:
        """How much came that was passed over: another contact's, or not to be read."""
        return self._hearing.odd

    async def run(self, connection: Connection | None = None) -> EndReason:
        """Hold the conversation, close the chat, and say why it was over.

        Args:
            connection: The first connection, if there is one already.

        Returns:
            `lost` when the chat ended before what we had missed could be read: while we were not
            connected, or right after a socket had broken. `missing` says so in words.

        Raises:
            ChatLostError: The connection could not be restored; the chat may still be open.
            AmazonError: A call was refused.

        Called once, and not concurrently. Cancelling closes the socket and nothing else: the chat
        stays open at Amazon, and another session of it goes on from its transcript.
        """
        while True:
            try:
                connection = connection or await self._calls.connect()
                return self._told(await self._over_socket(connection))
            except ChatEndedError:
                return self._told(EndReason.CHAT_ENDED)
            except (OSError, WebSocketException, _BrokenSocketError) as error:
                if self._hearing.has_ended:
                    return self._told(EndReason.CHAT_ENDED)
                # It may have broken after the flow began, with the confirmation still unread.
                connection, self._catch_up = None, True
                self._gaps.broke()
                await self._back_off(error)

    def _told(self, reason: EndReason) -> EndReason:
        """The reason, unless the end was not heard, or something before it was surely missed."""
        if reason is not EndReason.CHAT_ENDED:
            return reason
        if not self._hearing.has_ended:
            self._gaps.broke()
        return EndReason.LOST if self._gaps.owes_reading else reason

    async def _back_off(self, error: Exception) -> None:
        if self._was_of_use():
            self._failures = 0
        if self._failures == self._settings.reconnects:
            raise ChatLostError(
                f"the socket could not be opened again in {self._failures} attempts: "
                f"{type(error).__name__}"
            ) from error
        if self._failures:
            await self._clock.sleep(self.RECONNECT_SECONDS * 2 ** (self._failures - 1))
        self._failures += 1

    def _was_of_use(self) -> bool:
        """Whether the last socket held, or brought something new; else it costs others' quota."""
        before, self._items_before = self._items_before, self._hearing.items
        held = self._clock.monotonic() - self._subscribed_at >= self._settings.beat_seconds
        self._subscribed_at = math.inf
        return held or self._hearing.items > before

    async def _over_socket(self, connection: Connection) -> EndReason:
        socket = await ChatConnection.open(connection.url.get_secret_value())
        try:
            return await self._converse(socket, connection)
        except ChatEndedError:
            await self._drain(socket, self._new_wire())
            raise
        finally:
            await socket.close()

    async def _converse(self, socket: ChatConnection, connection: Connection) -> EndReason:
        wire = self._new_wire()
        while True:
            if wire.next_due <= self._clock.monotonic():
                await self._send_due(socket, wire, connection)
            step = self._next_step(wire)
            match step:
                case Say():
                    await self._say(connection, step)
                case Finish(EndReason.CHAT_ENDED):
                    await self._drain(socket, wire)
                    return EndReason.CHAT_ENDED
                case Finish():
                    # The transcript dies with the chat. What a socket lost may change our mind.
                    found = await self._hearing.read(connection)
                    # Once the time is over, only an end does: others may never fall silent.
                    is_over_time = step.reason is EndReason.TIME_LIMIT
                    if not found or (is_over_time and not self._hearing.has_ended):
                        return await self._finish(socket, wire, connection, step.reason)
                case Wait() if wire.subscribed and self._gaps.due_at <= self._clock.monotonic():
                    await self._hearing.check(connection)
                case Wait():
                    # Here chats spend their time: each frame and each value would be there in each.
                    seconds = step.until - self._clock.monotonic()
                    await self._take_in(await socket.take(seconds), wire, connection)

    def _new_wire(self) -> ChatSocket:
        return ChatSocket(
            self._clock.monotonic(),
            beat_seconds=self._settings.beat_seconds,
            contact_id=self._settings.contact_id,
        )

    async def _say(self, connection: Connection, step: Say) -> None:
        if self._settings.checks and step.number == self._settings.check_before:
            await self._hearing.check(connection)
        said_at = await self._calls.say(connection, step)
        self._dialogue.sent(self._clock.monotonic(), said_at)
        self._gaps.said(self._clock.monotonic())

    def _next_step(self, wire: ChatSocket) -> Say | Finish | Wait:
        if not wire.subscribed:
            return Wait(wire.next_due)
        step = self._dialogue.next_step(self._clock.monotonic())
        if not isinstance(step, Wait):
            return step
        return Wait(min(step.until, wire.next_due, self._gaps.due_at))

    async def _send_due(
        self, socket: ChatConnection, wire: ChatSocket, connection: Connection
    ) -> None:
        frames = wire.due(self._clock.monotonic())
        if any(isinstance(frame, Broken) for frame in frames):
            # What answers it may be here already, unread while a call of ours waited for its turn.
            await self._listen_to_what_is_here(socket, wire, connection)
            frames = wire.due(self._clock.monotonic())
        texts = [frame for frame in frames if isinstance(frame, str)]
        if texts:
            await socket.send_together(texts)
        for frame in frames:
            if isinstance(frame, Broken):
                raise _BrokenSocketError(frame.reason)

    async def _listen_to_what_is_here(
        self, socket: ChatConnection, wire: ChatSocket, connection: Connection
    ) -> None:
        for _ in range(self.MOST_FRAMES_HERE):
            if not await self._take_in(await socket.take(0), wire, connection):
                return

    async def _take_in(self, data: bytes | None, wire: ChatSocket, connection: Connection) -> bool:
        """Take the next frame in; whether there was one."""
        # As bytes: what is no UTF-8 is odd, and not the socket's end.
        for event in wire.feed(data) if data else ():
            match event:
                case Received() | Odd():
                    await self._hearing.hear(event)
                case Subscribed():
                    await self._subscribed(connection)
                case Broken(reason):
                    raise _BrokenSocketError(reason)
        return data is not None

    async def _subscribed(self, connection: Connection) -> None:
        self._subscribed_at = self._clock.monotonic()
        if not self._connected:
            self._dialogue.begin(self._clock.monotonic())
            await self._on_connected()
        if self._catch_up:
            # Without what was said before we were there, our side might begin anew.
            await self._hearing.read(connection, must_work=not self._connected)
        self._connected = self._catch_up = True

    async def _finish(
        self,
        socket: ChatConnection,
        wire: ChatSocket,
        connection: Connection,
        reason: EndReason,
    ) -> EndReason:
        if self._settings.leave_open:
            return EndReason.LEFT_OPEN
        self._gaps.closed()
        await self._on_closing(reason)
        await self._calls.close(connection)
        await self._drain(socket, wire)
        return reason

    async def _drain(self, socket: ChatConnection, wire: ChatSocket) -> None:
        """Take in what is still on the way: until the chat's end, and a moment longer."""
        until, has_ended = self._clock.monotonic() + self.DRAIN_SECONDS, False
        try:
            while True:
                now = self._clock.monotonic()
                if self._hearing.has_ended and not has_ended:
                    has_ended, until = True, now + self.LAST_WORDS_SECONDS
                    self._on_ended()
                data = await socket.take(until - now)
                if data is None:
                    return
                for event in wire.feed(data):
                    if isinstance(event, Received | Odd):
                        await self._hearing.hear(event)
        except (OSError, WebSocketException):
            return
