"""HTTP and web socket of the local Amazon Connect: bytes to requests, answers to bytes."""

import asyncio
import itertools
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from functools import partial
from typing import Any, TypeAlias, assert_never

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from connect_tasks.emulator.faults.plan import FRAME_KINDS, Fault, FaultKind, FaultPlan
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat, ContactRecord
from connect_tasks.emulator.instance.connections import SOCKET_PATH
from connect_tasks.emulator.instance.transcript import iso
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.operations import OPERATIONS, route_of
from connect_tasks.emulator.server.sockets import ChatFrames, ParticipantSocket
from connect_tasks.emulator.server.transports import Transports
from connect_tasks.emulator.service import Request, Service

__all__ = ["Wire"]

_CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "*",
    "access-control-allow-methods": "*",
    "access-control-expose-headers": "x-amzn-RequestId, x-amzn-ErrorType",
}
_Outgoing: TypeAlias = str | Callable[[Scope], None]
"""What goes out on a socket: frames, and at last perhaps what is done to its connection."""


class Wire:
    """The web application of one instance.

    Args:
        backend: The instance.
        service: Its operations.
        plan: The faults to inject.
        lock: Held while state changes, because other threads look at it.
        transports: The TCP connections, to cut or silence them.

    Attributes:
        injected: Faults injected so far, by operation and kind.
        app: The ASGI application.
    """

    def __init__(
        self,
        backend: Backend,
        service: Service,
        plan: FaultPlan,
        *,
        lock: AbstractContextManager[Any],
        transports: Transports,
    ) -> None:
        self.injected: Counter[tuple[str, str]] = Counter()
        self._backend = backend
        self._service = service
        self._plan = plan
        self._lock = lock
        self._transports = transports
        self._numbers = itertools.count(1)
        self.app = Starlette(routes=list(self._routes()))

    def _routes(self) -> Iterable[BaseRoute]:
        for operation in itertools.chain(*OPERATIONS.values()):
            method, path = route_of(operation)
            yield Route(path, partial(self._call, operation), methods=[method])
        yield WebSocketRoute(SOCKET_PATH, self._socket)
        yield Route("/_local/{what}", self._look, methods=["GET"])
        yield Route("/{path:path}", self._preflight, methods=["OPTIONS"])
        every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        yield Route("/{path:path}", self._unknown, methods=every)

    async def _call(self, operation: str, http: HttpRequest) -> Response:
        request = Request.read(operation, await http.body(), http.path_params, http.headers)
        with self._lock:
            self._service.calls[operation] += 1
            fault = self._strike(operation, self._service.customer_id(request))
        if fault is None:
            return self._answer(request)
        return await self._answer_badly(request, http, fault)

    def _answer(self, request: Request) -> Response:
        try:
            with self._lock:
                return self._reply(200, self._service.answer(request))
        except RefusedError as refusal:
            return self._error(refusal.status, refusal.code, refusal.message)

    async def _answer_badly(self, request: Request, http: HttpRequest, fault: Fault) -> Response:
        kind = fault.kind
        if kind in FRAME_KINDS:
            raise ValueError(f"{kind} strikes chat frames, not calls.")
        match kind:
            case (
                FaultKind.ERROR_BEFORE
                | FaultKind.THROTTLE
                | FaultKind.NO_SLOT
                | FaultKind.UNTYPED_429
                | FaultKind.EXPIRED_CREDENTIALS
            ):
                return self._error(*fault.error)
            case FaultKind.ERROR_AFTER:
                self._answer(request)
                return self._error(*fault.error)
            case FaultKind.CUT_BEFORE:
                return await self._reset(http)
            case FaultKind.CUT_AFTER:
                self._answer(request)
                return await self._reset(http)
            case FaultKind.TRUNCATED:
                return self._truncated(http, self._answer(request))
            case FaultKind.DELAY:
                return await _delayed(http, self._answer(request), fault.seconds)
            case _:
                assert_never(kind)

    async def _reset(self, http: HttpRequest) -> Response:
        self._transports.reset(http.scope)
        await _disconnection(http)
        # Starlette wants an answer, though nobody is there to get it.
        return Response()

    def _truncated(self, http: HttpRequest, answer: Response) -> Response:
        # With the headers of the whole answer, and so with its whole length.
        body = self._half(http, bytes(answer.body))
        return StreamingResponse(body, answer.status_code, dict(answer.headers))

    async def _half(self, http: HttpRequest, body: bytes) -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        self._transports.cut(http.scope)
        await _disconnection(http)

    def _strike(self, operation: str, customer_id: str | None) -> Fault | None:
        fault = self._plan.next(operation, customer_id) if self._plan else None
        if fault is not None:
            self.injected[operation, fault.kind.value] += 1
        return fault

    async def _socket(self, socket: WebSocket) -> None:
        with self._lock:
            self._backend.schedule.run_due()
            key = socket.query_params.get("key", "")
            chat = self._backend.connections.enter(key, socket)
        if chat is None:
            # Before the hand-shake is done, this is a plain 403.
            await socket.close()
            return
        try:
            await socket.accept()
            await self._serve(socket, chat)
        finally:
            chat.sockets.discard(socket)

    async def _serve(self, socket: WebSocket, chat: Chat) -> None:
        outbox: asyncio.Queue[_Outgoing] = asyncio.Queue()
        frames = ChatFrames(
            partial(self._strike, customer_id=chat.customer_id),
            outbox.put_nowait,
            cut=partial(outbox.put_nowait, self._transports.cut),
            silence=partial(outbox.put_nowait, self._transports.silence),
        )
        participant = ParticipantSocket(
            self._backend,
            chat,
            self._request_id(),
            send=outbox.put_nowait,
            send_chat=frames.send,
        )
        sender = asyncio.create_task(self._send_all(socket, outbox))
        try:
            await self._receive_all(socket, participant)
        finally:
            participant.close()
            sender.cancel()

    async def _receive_all(self, socket: WebSocket, participant: ParticipantSocket) -> None:
        while (message := await socket.receive())["type"] == "websocket.receive":
            with self._lock:
                self._backend.schedule.run_due()
                participant.receive(message.get("text") or "")

    async def _send_all(self, socket: WebSocket, outbox: "asyncio.Queue[_Outgoing]") -> None:
        try:
            while isinstance(outgoing := await outbox.get(), str):
                await socket.send_text(outgoing)
        except (WebSocketDisconnect, RuntimeError):
            return
        outgoing(socket.scope)

    async def _look(self, http: HttpRequest) -> Response:
        with self._lock:
            views: dict[str, Callable[[], Any]] = {
                "contacts": lambda: [_plain(c.record()) for c in self._backend.chats.values()],
                "calls": lambda: dict(self._service.calls),
                "refusals": lambda: _nested(self._service.refusals),
                "injected": lambda: _nested(self.injected),
                "tokens": lambda: self._backend.connections.issued,
            }
            view = views.get(http.path_params["what"])
            return self._reply(200, view()) if view else await self._unknown(http)

    async def _preflight(self, _http: HttpRequest) -> Response:
        return self._reply(200, {})

    async def _unknown(self, _http: HttpRequest) -> Response:
        return self._error(404, "UnknownOperationException", "Unknown operation")

    def _error(self, status: int, code: str | None, message: str) -> Response:
        return self._reply(status, {"message": message}, {"x-amzn-ErrorType": code} if code else {})

    def _reply(self, status: int, body: object, headers: dict[str, str] | None = None) -> Response:
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        named = {"x-amzn-RequestId": self._request_id(), **_CORS, **(headers or {})}
        return Response(content, status, named, media_type="application/json")

    def _request_id(self) -> str:
        return str(uuid.UUID(int=next(self._numbers), version=4))


async def _disconnection(http: HttpRequest) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass


async def _delayed(http: HttpRequest, answer: Response, seconds: float) -> Response:
    """The answer after some seconds, or as soon as nobody waits for it any more."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _disconnection(http)
    return answer


def _nested(counts: "Counter[tuple[str, str]]") -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (operation, name), count in counts.items():
        nested.setdefault(operation, {})[name] = count
    return nested


def _plain(record: ContactRecord) -> dict[str, Any]:
    plain = asdict(record)
    times = ("started_at", "connected_at", "ended_at")
    plain |= {name: iso(plain[name]) if plain[name] else None for name in times}
    return plain | {"transcript": [item.members() for item in record.transcript]}
