"""uvicorn's web socket for clients of all kinds: an end to silence, and errors with a reason."""

import logging
import sys
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request, Response
from websockets.protocol import State

from connect_tasks.emulator.instance.schedule import Schedule
from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.server.answers import Answers
from connect_tasks.emulator.server.socket_life import EXPIRES_AT, SocketLife

__all__ = ["socket_protocol"]

_log = logging.getLogger(__name__)


class _SocketProtocol(WebSocketsSansIOProtocol):
    """One web socket.

    Args:
        arguments: What uvicorn gives.
        answers: Makes the errors of the opening hand-shake.
        limits: How long a socket may live, and how large frames may be.
        schedule: Where the end of its life is planned.
    """

    def __init__(
        self, *, answers: Answers, limits: LocalLimits, schedule: Schedule, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self._answers = answers
        self._frame_bytes = sys.maxsize if limits.frame_bytes is None else limits.frame_bytes
        self._life = SocketLife(schedule, limits, self._end)
        self._is_over = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._life.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._life.touch()
        if self._is_over:
            return
        try:
            super().data_received(data)
        except Exception:  # noqa: BLE001 - whatever it is, it concerns this client alone
            _log.exception("Could not handle what came from %s.", self.transport)
            self._part()
        if self.conn.handshake_exc is not None and not self._is_over:
            self._refuse(HTTPStatus.BAD_REQUEST)

    async def send(self, message: Any) -> None:
        self._life.touch()
        await super().send(message)
        if EXPIRES_AT in message:
            self._life.expire_at(message[EXPIRES_AT])
        # uvicorn forgets it where an application refuses with an answer of its own.
        self.handshake_complete = self.handshake_complete or self.close_sent

    def shutdown(self) -> None:
        # uvicorn means to say goodbye, which cannot be said twice: a silent socket's client may
        # have begun the closing, and its answer does not come.
        self.close_sent = self.close_sent or self.conn.state is State.CLOSING
        super().shutdown()

    def handle_connect(self, event: Request) -> None:
        if event.headers.get_all("Sec-WebSocket-Version") != ["13"]:
            self._refuse(HTTPStatus.UPGRADE_REQUIRED)
            return
        response = self.conn.accept(event)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            super().handle_connect(event)
        else:
            self._refuse(HTTPStatus(response.status_code))

    def handle_text(self, event: Frame) -> None:
        if self._fits(event):
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        if self._fits(event):
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        if self._fits(event):
            super().handle_cont(event)

    def handle_ping(self) -> None:
        pong = self.conn.data_to_send()
        # RFC 6455 asks for the latest pong only; who does not read gets none for the moment.
        if self.writable.is_set():
            self.transport.write(b"".join(pong))

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            self.frames = []
            self._leave(CloseCode.INVALID_DATA, "a text frame is not UTF-8")
        else:
            super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        # The closing frame has been written by the parser.
        self._say_goodbye(str(self.conn.parser_exc))

    def _fits(self, frame: Frame) -> bool:
        fits = len(frame.data) <= self._frame_bytes
        if not (fits or self._is_over):
            reason = f"a frame has more than {self._frame_bytes} bytes"
            self._leave(CloseCode.MESSAGE_TOO_BIG, reason)
        return fits

    def _end(self, reason: str) -> None:
        if not self.transport.is_closing():
            self._leave(CloseCode.GOING_AWAY, reason)

    def _leave(self, code: int, reason: str) -> None:
        # The client's own closing may stand behind what was wrong.
        if self.conn.state is State.OPEN:
            self.conn.send_close(code, reason)
        self._say_goodbye(reason)

    def _say_goodbye(self, reason: str) -> None:
        _log.warning("The web socket of %s is closed: %s.", self.transport, reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._part()

    def _refuse(self, status: HTTPStatus) -> None:
        _log.warning("Refused %s with %d: no opening hand-shake.", self.transport, status)
        self.handshake_complete = self.close_sent = True
        message = "This is no opening hand-shake of a web socket."
        answer = self._answers.error(status, "BadRequestException", message)
        pairs = [(name.decode(), value.decode()) for name, value in answer.raw_headers]
        headers = Headers([*pairs, *_UPGRADES.get(status, ()), ("connection", "close")])
        self.transport.write(
            Response(status, status.phrase, headers, bytes(answer.body)).serialize()
        )
        self._part()

    def _part(self) -> None:
        self._is_over = True
        self.transport.part()  # type: ignore[attr-defined] # it is a line


# RFC 6455 (4.4) wants the version named, RFC 9110 (15.5.22) the protocol.
_UPGRADES = {
    HTTPStatus.UPGRADE_REQUIRED: (("upgrade", "websocket"), ("sec-websocket-version", "13"))
}


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def socket_protocol(answers: Answers, limits: LocalLimits, schedule: Schedule) -> type[Any]:
    """The class that uvicorn makes one of for each web socket."""

    class Protocol(_SocketProtocol):
        def __init__(self, **arguments: Any) -> None:
            super().__init__(answers=answers, limits=limits, schedule=schedule, **arguments)

    return Protocol
