"""A chat's connection: websockets' own, with a lighter way to wait for what comes.

Thousands of chats wait at once, each for its next message or for its next heartbeat. The rules of
this file:

- What comes is taken in the order in which it came, and none is lost between two waits, however the
  first one ended.
- Who reads slowly holds the other side up: reading pauses while many messages wait.
- A chat has one timer, which is left to run while messages come: a timer for each wait would cost
  more than the wait.
- Once it is open it keeps nothing of its opening, and nothing of websockets' own ways to receive:
  each full garbage collection looks at every object of every chat.
- Once it is lost, nothing in it leads back to it: it goes with whoever held it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, Self, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response

from connect_tasks.aws.proxies import socket_proxy
from connect_tasks.aws.quiet_logs import socket_logger

__all__ = ["ChatConnection"]

_OF_MESSAGES = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})


class _UnusedQueue:
    """In place of websockets' queue of frames, which would get none."""

    def close(self) -> None:
        """Nobody waits for it."""


class ChatConnection(ClientConnection):
    """A client's web socket whose messages are waited for by `take`.

    Its own ways to receive know of no message.

    Args:
        protocol: The connection without I/O.
        settings: As of `ClientConnection`.
    """

    MOST_WAITING = 16
    FEW_WAITING = 4

    # What each has in place of its own once it is open.
    _UNUSED: ClassVar = _UnusedQueue()

    # Beside websockets' own attributes they would be more than Python keeps in short form.
    __slots__ = (
        "_is_lost",
        "_is_paused",
        "_messages",
        "_parts",
        "_timer",
        "_waiter",
        "_waits_until",
    )

    def __init__(self, protocol: ClientProtocol, **settings: Any) -> None:
        logger = protocol.logger
        super().__init__(protocol, **settings)
        # Lists, as there is seldom more than one: a deque takes 0.7 KiB when it is empty.
        self.drain_waiters = cast("Any", [])
        self._messages: list[bytes] = []
        self._parts: list[bytes] | None = None
        # Theirs gives each record the connection; ours says nothing of one.
        self.logger = protocol.logger = logger
        self._is_paused = self._is_lost = False
        self._waiter: asyncio.Future[None] | None = None
        self._waits_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open one.

        Concurrent calls open one each. Cancelled, none is open.

        Args:
            url: Where; by the proxy that the environment names for it.

        Raises:
            OSError: It cannot be reached, or not in time.
            WebSocketException: What is there is no web socket.
        """
        # Amazon's own heartbeats replace pings; compression would cost 40 KiB a chat. Awaited, and
        # not entered: what has opened it is let go.
        opened: Any = await connect(
            url,
            compression=None,
            ping_interval=None,
            close_timeout=1,
            proxy=socket_proxy(url),
            logger=socket_logger(),
            create_connection=cls,
        )
        opened._forget_opening()  # noqa: SLF001 - one of ours
        return cast("Self", opened)

    async def take(self, seconds: float) -> bytes | None:
        """The next message, as it came; None if none comes in time.

        Never concurrently. Cancelled, it takes none: the next call has it.

        Args:
            seconds: How long to wait; for what is on its way in this moment even where it is 0.

        Raises:
            ConnectionClosed: The connection is closed, and all that came before was taken.
        """
        if not self._messages and not self._is_lost:
            await self._woken_within(max(0.0, seconds))
        if self._messages:
            return self._next()
        if self._is_lost:
            raise self.protocol.close_exc from self.recv_exc
        return None

    async def send_together(self, texts: Sequence[str]) -> None:
        """Send messages, one behind the other.

        Concurrent calls do not mix. Cancelled while the other side does not read, all may be sent.

        Raises:
            ConnectionClosed: The connection is closed.
        """
        async with self.send_context():
            for text in texts:
                self.protocol.send_text(text.encode())

    def process_event(self, event: Any) -> None:
        """Take in what the other side sent; called by websockets."""
        if isinstance(event, Response) or event.opcode not in _OF_MESSAGES:
            super().process_event(event)
            return
        self._take_in(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that nothing more comes; called by the event loop."""
        super().connection_lost(exc)
        self._is_lost = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # It has nothing more to read, and holds the protocol that holds it; so does the place where
        # an error was met.
        self.protocol.parser.close()
        if self.protocol.parser_exc is not None:
            self.protocol.parser_exc.__traceback__ = None
        self._wake()

    def _forget_opening(self) -> None:
        self.request = None
        # The parser keeps the response itself.
        if self.response is not None:
            self.response.headers.clear()
        self.recv_messages = cast("Any", self._UNUSED)
        # Of its address the longer part is a signature.
        del self.response_rcvd, self.protocol.uri

    def _take_in(self, frame: Frame) -> None:
        data = bytes(frame.data)
        if not frame.fin or self._parts:
            self._parts = self._parts or []
            self._parts.append(data)
            if not frame.fin:
                return
            data, self._parts = b"".join(self._parts), None
        self._messages.append(data)
        if not self._is_paused and len(self._messages) > self.MOST_WAITING:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def _next(self) -> bytes:
        message = self._messages.pop(0)
        if self._is_paused and not self._is_lost and len(self._messages) <= self.FEW_WAITING:
            self._is_paused = False
            self.transport.resume_reading()
        return message

    def _woken_within(self, seconds: float) -> asyncio.Future[None]:
        """Done when a message is there, the connection is lost, or the time is over."""
        self._waits_until = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._waits_until:
            self._set_timer()
        self._waiter = self.loop.create_future()
        return self._waiter

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(self._waits_until, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self.loop.time() >= self._waits_until:
            self._wake()
        else:
            self._set_timer()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
