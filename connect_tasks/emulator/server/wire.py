"""HTTP and web socket of the local Amazon Connect: bytes to requests, answers to bytes."""

import logging
from collections import Counter
from contextlib import AbstractContextManager, suppress
from typing import Any, TypeAlias

import uvicorn
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.frames import CloseCode

from connect_tasks.emulator.faults.plan import Fault, FaultPlan
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.operations import OWNERS
from connect_tasks.emulator.model.routes import Destination, find_route
from connect_tasks.emulator.objects.bucket import Bucket
from connect_tasks.emulator.server.answers import Answers
from connect_tasks.emulator.server.bodies import Drained, GoneError, TooLargeError, read_body
from connect_tasks.emulator.server.file_wire import FileWire
from connect_tasks.emulator.server.http_protocol import http_protocol
from connect_tasks.emulator.server.object_wire import ObjectWire
from connect_tasks.emulator.server.page_wire import PageWire
from connect_tasks.emulator.server.plain_request import PlainRequest
from connect_tasks.emulator.server.request_log import FAULT, OPERATION, RequestLog
from connect_tasks.emulator.server.rooms import Rooms
from connect_tasks.emulator.server.socket_protocol import socket_protocol
from connect_tasks.emulator.server.socket_wire import SocketWire
from connect_tasks.emulator.server.transports import Transports, name_of, quiet_config
from connect_tasks.emulator.server.trouble import Trouble
from connect_tasks.emulator.server.visitors import is_host_known, is_host_written
from connect_tasks.emulator.service import Request, Service

__all__ = ["Wire"]

_log = logging.getLogger(__name__)
_LONGEST_PATH = 200
Client: TypeAlias = tuple[str, int] | None


class Wire:
    """The web application of one instance.

    Args:
        backend: The instance.
        service: Its operations.
        plan: The faults to inject.
        lock: Held while state changes, because other threads look at it.
        transports: The TCP connections, to cut or silence them.
        limits: What is borne from one client.
        any_host: Clients come from other machines, by whatever name: sockets are where they
            asked, and the page is shown under every name.
        log_requests: One line in the log for each request.
        flow_id: The flow that is meant unless another is named.

    Attributes:
        injected: Faults injected so far, by operation and kind.
    """

    def __init__(
        self,
        backend: Backend,
        service: Service,
        plan: FaultPlan,
        *,
        lock: AbstractContextManager[Any],
        transports: Transports,
        limits: LocalLimits,
        any_host: bool = False,
        log_requests: bool = False,
        flow_id: str = "",
    ) -> None:
        self.injected: Counter[tuple[str, str]] = Counter()
        self._backend = backend
        self._service = service
        self._plan = plan
        self._lock = lock
        self._transports = transports
        self._answers = answers = Answers()
        self._limits = limits
        self._any_host = any_host
        self._log_requests = log_requests
        self._page = PageWire(backend, lock=lock, body_bytes=limits.body_bytes, flow_id=flow_id)
        self._rooms = Rooms(backend, service, self.injected, lock=lock, answers=answers)
        self._trouble = Trouble(transports)
        self._objects = ObjectWire(
            Bucket(backend.archive),
            service,
            self._strike,
            lock=lock,
            trouble=self._trouble,
            answers=answers,
            body_bytes=limits.body_bytes,
        )
        self._files = FileWire(service.attachments, service.sign_ins, lock=lock, answers=answers)
        self._sockets = SocketWire(
            backend,
            self._strike,
            lock=lock,
            transports=transports,
            answers=answers,
            unread=limits.unread_bytes,
        )

    def config(self) -> uvicorn.Config:
        """What uvicorn serves this instance with."""
        http = http_protocol(self._transports, self._answers, self._limits, self._answer_at_once)
        socket = socket_protocol(self._answers, self._limits, self._backend.schedule)
        app = RequestLog(self.app) if self._log_requests else self.app
        return quiet_config(app, http, socket, self._limits.message_bytes)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application. What it cannot handle is logged, and ends in an error, not here.

        Called concurrently, once for each request or socket. Cancelling loses an answer, never
        what was carried out.
        """
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send))
            return
        http = HttpRequest(scope, receive)
        # Whoever hung up before the request was whole gets no answer; the protocol logged it.
        with suppress(GoneError):
            answer = await self._respond(http)
            await answer(scope, receive, send)

    async def _serve_socket(self, socket: WebSocket) -> None:
        try:
            await self._sockets.serve(socket)
        except Exception:  # noqa: BLE001 - whatever it is, it concerns this client alone
            _log.exception("The web socket of %s failed.", name_of(socket.client))
            with suppress(RuntimeError):
                await socket.close(CloseCode.INTERNAL_ERROR)

    async def _respond(self, http: HttpRequest) -> Response:
        destination = find_route(http.method, http.scope["raw_path"].decode("ascii"))
        http.scope[OPERATION] = destination.operation if destination else "unknown"
        try:
            if self._files.is_meant(http.method, http.url.path):
                http.scope[OPERATION] = "link"
                return await self._files.respond(http)
            if self._objects.is_meant(http.scope["path"], http.url.query, http.headers):
                return await self._objects.respond(http)
            if destination is None or not destination.is_served:
                return await self._look(http) or self._unknown(http, destination)
            return await self._call(destination, http)
        except GoneError:
            raise
        except TooLargeError as error:
            return self._too_large(http, error)
        except Exception:  # noqa: BLE001 - whatever it is, it concerns this client alone
            _log.exception("A request of %s failed.", name_of(http.client))
            return self._failed(destination)

    def _failed(self, destination: Destination | None) -> Response:
        of_participants = destination and OWNERS.get(destination.operation) != "connect"
        code = "InternalServerException" if of_participants else "InternalServiceException"
        return self._answers.refusal(RefusedError(code, "Internal service error"))

    def _too_large(self, http: HttpRequest, error: TooLargeError) -> Response:
        message = f"The body is larger than {self._limits.body_bytes} bytes"
        _log.warning("Refused %s: %s.", name_of(http.client), message)
        answer = self._answers.refusal(RefusedError("RequestTooLargeException", message))
        if error.is_coming:
            return Drained(answer)
        # Nobody knows whether the client still means to send it.
        answer.headers["connection"] = "close"
        return answer

    async def _call(self, destination: Destination, http: HttpRequest) -> Response:
        operation = destination.operation
        body = await read_body(http, self._limits.body_bytes)
        request = Request.read(operation, body, destination.params, http.headers, http.url.query)
        self._note(request, http.client)
        with self._lock:
            self._service.calls[operation] += 1
            fault = self._strike(operation, self._service.customer_id(request))
        host = http.headers.get("host", "")
        if fault is None:
            return self._answer(host, request)
        http.scope[FAULT] = fault.kind.value
        return await self._trouble.answer(
            http,
            fault,
            lambda: self._answer(host, request),
            lambda error: self._answers.error(*error),
        )

    def _answer_at_once(self, plain: PlainRequest, client: Client) -> Response | None:
        """Answer a call that nothing strikes, without ASGI's way there and back."""
        destination = find_route(plain.method, plain.path)
        if destination is None or not destination.is_served or self._is_for_others(plain):
            return None
        try:
            request = Request.read(
                destination.operation, plain.body, destination.params, plain.headers, plain.query
            )
            self._note(request, client)
            with self._lock:
                self._service.calls[request.operation] += 1
            return self._answer(plain.headers["host"], request)
        except Exception:  # noqa: BLE001 - whatever it is, it concerns this client alone
            _log.exception("A request of %s failed.", name_of(client))
            return self._failed(destination)

    def _is_for_others(self, plain: PlainRequest) -> bool:
        if self._plan or self._log_requests or len(plain.body) > self._limits.body_bytes:
            return True
        return self._objects.is_meant(plain.path, plain.query, plain.headers)

    def _note(self, request: Request, client: Client) -> None:
        if request.params is None:
            what = request.operation
            _log.warning("Refused %s: a body for %s that is not JSON.", name_of(client), what)

    def _answer(self, host: str, request: Request) -> Response:
        try:
            with self._lock:
                if self._any_host and is_host_written(host):
                    self._backend.connections.socket_base = f"ws://{host}"
                return self._answers.reply(200, self._service.answer(request))
        except RefusedError as refused:
            return self._answers.refusal(refused)

    def _strike(self, operation: str, customer_id: str | None) -> Fault | None:
        fault = self._plan.next(operation, customer_id) if self._plan else None
        if fault is not None:
            self.injected[operation, fault.kind.value] += 1
        return fault

    async def _look(self, http: HttpRequest) -> Response | None:
        if http.method == "OPTIONS":
            return self._answers.preflight()
        room, _, what = http.url.path.removeprefix("/").partition("/")
        is_local = http.method == "GET" and room == "_local"
        if not (is_local or self._page.is_meant(http)):
            return None
        if not (self._any_host or is_host_known(http.headers.get("host", ""))):
            message = "This is for this machine alone: ask for it as 127.0.0.1"
            return self._answers.refusal(RefusedError("ForbiddenException", message))
        http.scope[OPERATION] = "_local" if is_local else "page"
        return self._rooms.show(what) if is_local else await self._page.respond(http)

    def _unknown(self, http: HttpRequest, destination: Destination | None) -> Response:
        # The path may hold a token or a customer's data; the log does without.
        name = destination.operation if destination else "an operation that AWS does not have"
        _log.warning("Refused %s: %s is not served here.", name_of(http.client), name)
        path = http.url.path[:_LONGEST_PATH]
        asked = f"{http.method} {path}" if destination is None else destination.operation
        message = f"Unknown operation: {asked}; served are {', '.join(sorted(OWNERS))}"
        return self._answers.refusal(RefusedError("UnknownOperationException", message))
