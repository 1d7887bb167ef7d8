"""uvicorn's HTTP for clients of all kinds: an end to waiting, and errors of Amazon's shape."""

import asyncio
import logging
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeAlias

import h11
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.server.answers import Answers
from connect_tasks.emulator.server.plain_request import PlainRequest, read_plain
from connect_tasks.emulator.server.transports import Transports

__all__ = ["AtOnce", "http_protocol"]

AtOnce: TypeAlias = Callable[[PlainRequest, tuple[str, int] | None], Response | None]
"""Answers a request of a client at once; None leaves it to the application."""

_log = logging.getLogger(__name__)


class _Connection(h11.Connection):
    """h11's side of one connection, which bears empty lines before a request (RFC 9112, 2.2)."""

    @property
    def has_begun(self) -> bool:
        """Whether something has come that is not worked off."""
        # As trailing_data tells, without a copy of it.
        return bool(self._receive_buffer)

    def next_event(self) -> Any:
        if self.their_state is h11.IDLE and not self._is_at_request():
            return h11.NEED_DATA
        return super().next_event()

    def _is_at_request(self) -> bool:
        """Whether what has come goes on with something other than an empty line."""
        while (begun := self.trailing_data[0][:2]).startswith((b"\r\n", b"\n")):
            self._receive_buffer.maybe_extract_at_most(begun.index(b"\n") + 1)
        return begun != b"\r"


class _HttpProtocol(H11Protocol):
    """One connection.

    A client that does wrong gets one answer, if one can still be given, and the log one line.

    Args:
        arguments: What uvicorn gives.
        transports: Where connections are entered.
        answers: Makes the errors.
        limits: How long a request may take.
        at_once: Answers a plain request that nobody has to wait for, or gives it back.
    """

    def __init__(
        self,
        *,
        transports: Transports,
        answers: Answers,
        limits: LocalLimits,
        at_once: AtOnce,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.conn: _Connection = _Connection(h11.SERVER)
        self._transports = transports
        self._answers = answers
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._at_once = at_once
        self._is_new = True
        self._is_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._line = self._transports.enter(transport)
        super().connection_made(self._line)  # type: ignore[arg-type] # it has all members
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._has_begun() and self._can_answer():
            _log.warning("Lost %s in the middle of a request.", self._line)
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        try:
            if not (self._rests() and self._answer_at_once(data)):
                super().data_received(data)
        except Exception:  # noqa: BLE001 - whatever it is, it concerns this client alone
            _log.exception("Could not handle what came from %s.", self._line)
            self._part()
        self._watch()

    def on_response_complete(self) -> None:
        self._is_new = False
        super().on_response_complete()
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_watching()
        self._is_over = True
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        status = getattr(sys.exception(), "error_status_hint", 400)
        self._refuse(status, "BadRequestException", msg)

    def shutdown(self) -> None:
        if self._is_over:
            self._line.abort()
            return
        if self.cycle is not None:
            # The answer that is awaited is the last; uvicorn closes behind it without saying so.
            self.cycle.default_headers = [*self.cycle.default_headers, (b"connection", b"close")]
        super().shutdown()

    def _rests(self) -> bool:
        """Whether nothing is under way, in either direction."""
        is_between = self.conn.their_state is h11.IDLE and not self.conn.has_begun
        return is_between and not (self.flow.write_paused or self._line.is_closing())

    def _answer_at_once(self, data: bytes) -> bool:
        request = read_plain(data)
        answer = self._at_once(request, self.client) if request else None
        if answer is None:
            return False
        self._unset_keepalive_if_required()
        self._line.write(_written(answer, self.server_state.default_headers))
        self.on_response_complete()
        return True

    def _has_begun(self) -> bool:
        """Whether a part of a request has arrived and its end has not."""
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and self.conn.has_begun)

    def _can_answer(self) -> bool:
        return not self._is_over and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    def _watch(self) -> None:
        # Between requests a connection may rest; a new one is there to ask something.
        is_new = self._is_new and self.cycle is None
        if self._is_over or not (self._has_begun() or is_new):
            self._stop_watching()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._limits.request_seconds, self._expire)

    def _stop_watching(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        if self._has_begun():
            message = f"The request was not whole after {self._limits.request_seconds:g} s."
            self._refuse(408, "RequestTimeoutException", message)
        else:
            self._part()

    def _refuse(self, status: int, code: str, message: str) -> None:
        if self._can_answer():
            _log.warning("Refused %s with %d: %s", self._line, status, message)
            answer = self._answers.error(status, code, message)
            headers = [*answer.raw_headers, (b"connection", b"close")]
            for event in (
                h11.Response(status_code=status, headers=headers, reason=_phrase(status)),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self._line.write(self.conn.send(event))
        self._part()

    def _part(self) -> None:
        self._is_over = True
        self._stop_watching()
        self._line.part()


def _phrase(status: int) -> bytes:
    return HTTPStatus(status).phrase.encode()


def _written(answer: Response, more: list[tuple[bytes, bytes]]) -> bytes:
    status = answer.status_code
    lines = [b"%s: %s\r\n" % pair for pair in (*more, *answer.raw_headers)]
    first = b"HTTP/1.1 %d %s\r\n" % (status, _phrase(status))
    return b"".join([first, *lines, b"\r\n", bytes(answer.body)])


def http_protocol(
    transports: Transports, answers: Answers, limits: LocalLimits, at_once: AtOnce
) -> type[Any]:
    """The class that uvicorn makes one of for each connection."""

    class Protocol(_HttpProtocol):
        def __init__(self, **arguments: Any) -> None:
            super().__init__(
                transports=transports,
                answers=answers,
                limits=limits,
                at_once=at_once,
                **arguments,
            )

    return Protocol
