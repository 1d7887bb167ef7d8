"""Web sockets of participants: frames to a chat, and a chat's frames to all who listen."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.frames import CloseCode

from connect_tasks.emulator.faults.plan import Fault
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.connections import SOCKET_PATH
from connect_tasks.emulator.instance.seats import Seat
from connect_tasks.emulator.server.answers import Answers
from connect_tasks.emulator.server.outbox import Outbox
from connect_tasks.emulator.server.socket_life import EXPIRES_AT
from connect_tasks.emulator.server.sockets import ChatFrames, ParticipantSocket
from connect_tasks.emulator.server.transports import Transports, name_of

__all__ = ["SocketWire"]

_log = logging.getLogger(__name__)


class SocketWire:
    """Serves the web sockets of one instance.

    Args:
        backend: The instance.
        strike: Names the fault that strikes a frame of a customer.
        lock: Held while state changes, because other threads look at it.
        transports: The TCP connections, to cut or silence them.
        answers: Makes the errors.
        unread: Characters that may wait for a client to read them.
    """

    def __init__(
        self,
        backend: Backend,
        strike: Callable[[str, str | None], Fault | None],
        *,
        lock: AbstractContextManager[Any],
        transports: Transports,
        answers: Answers,
        unread: int,
    ) -> None:
        self._backend = backend
        self._strike = strike
        self._lock = lock
        self._transports = transports
        self._answers = answers
        self._unread = unread

    async def serve(self, socket: WebSocket) -> None:
        """Serve one socket from its hand-shake until it is gone.

        Called once for each socket, concurrently for many. Cancelling leaves the chat as it is.
        """
        seat = self._enter(socket)
        try:
            if seat is None:
                await self._deny(socket)
            else:
                await self._accept(socket)
                await self._converse(socket, seat)
        except WebSocketDisconnect:
            # It was gone before the first word.
            return
        finally:
            if seat is not None:
                seat.chat.sockets.pop(socket, None)

    async def _deny(self, socket: WebSocket) -> None:
        _log.warning("Refused %s: its socket URL opens nothing.", name_of(socket.client))
        denial = self._answers.error(403, "ForbiddenException", "Forbidden")
        await socket.send_denial_response(denial)

    async def _accept(self, socket: WebSocket) -> None:
        expiry = self._backend.connections.expiry(_key(socket))
        await socket.receive()
        await socket.send({"type": "websocket.accept", EXPIRES_AT: expiry})

    def _enter(self, socket: WebSocket) -> Seat | None:
        if socket.url.path != SOCKET_PATH:
            return None
        with self._lock:
            self._backend.schedule.run_due()
            return self._backend.connections.enter(_key(socket), socket)

    async def _converse(self, socket: WebSocket, seat: Seat) -> None:
        loop = asyncio.get_running_loop()

        def hang_up() -> None:
            # Whoever spoke may be in another thread, and a connection is the loop's.
            loop.call_soon_threadsafe(self._hang_up, socket)

        outbox = Outbox(self._unread, hang_up)
        frames = ChatFrames(
            lambda kind: self._strike(kind, seat.chat.customer_id),
            outbox.put,
            cut=partial(outbox.put, self._transports.cut),
            silence=partial(outbox.put, self._transports.silence),
        )
        number = self._answers.next_id()
        participant = ParticipantSocket(
            self._backend, seat, number, send=outbox.put, send_chat=frames.send
        )
        sender = asyncio.create_task(_send_all(socket, outbox))
        try:
            await self._receive_all(socket, participant)
        finally:
            participant.close()
            sender.cancel()

    async def _receive_all(self, socket: WebSocket, participant: ParticipantSocket) -> None:
        is_polite = True
        while (message := await socket.receive())["type"] == "websocket.receive":
            text = message.get("text")
            if text is None:
                # As API Gateway does.
                _log.warning(
                    "The web socket of %s is closed: it got a binary frame.", name_of(socket.client)
                )
                # The protocol may have closed it meanwhile, for what came right behind.
                with suppress(RuntimeError):
                    await socket.close(CloseCode.UNSUPPORTED_DATA, "no binary frames")
                return
            with self._lock:
                self._backend.schedule.run_due()
                is_understood = participant.receive(text)
            if is_polite and not is_understood:
                # Once for each socket, however often it happens.
                _log.warning("Refused a frame of %s: it is none.", name_of(socket.client))
                is_polite = False

    def _hang_up(self, socket: WebSocket) -> None:
        _log.warning(
            "The web socket of %s is cut: its client does not read.", name_of(socket.client)
        )
        self._transports.cut(socket.scope)


def _key(socket: WebSocket) -> str:
    return socket.query_params.get("key", "")


async def _send_all(socket: WebSocket, outbox: Outbox) -> None:
    try:
        while isinstance(outgoing := await outbox.take(), str):
            await socket.send_text(outgoing)
    except (WebSocketDisconnect, RuntimeError):
        return
    outgoing(socket.scope)
