"""An application that says again what it hears, over HTTP and on web sockets."""

import uvicorn
from starlette.types import Receive, Scope, Send

from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.server.answers import Answers
from connect_tasks.emulator.server.http_protocol import http_protocol
from connect_tasks.emulator.server.socket_protocol import socket_protocol
from connect_tasks.emulator.server.transports import Transports, quiet_config

_LIMITS = LocalLimits(request_seconds=30, idle_socket_seconds=600)


def config() -> uvicorn.Config:
    """What serves the application, with the protocols of the local Connect."""
    http = http_protocol(Transports(), Answers(), _LIMITS)
    return quiet_config(_app, http, socket_protocol(Answers(), _LIMITS))


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    serve = _converse if scope["type"] == "websocket" else _answer
    await serve(scope, receive, send)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what it was asked, once that is whole; /early before that, and /wait never."""
    body, more = b"", scope["path"] != "/early"
    while more or scope["path"] == "/wait":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    if scope["path"] == "/fail":
        raise ZeroDivisionError
    said = f"{scope['method']} {scope['path']} ".encode() + body
    length = (b"content-length", str(len(said)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": said})


async def _converse(scope: Scope, receive: Receive, send: Send) -> None:
    """Says again what it hears; /denied is closed to all, and /fail fails."""
    await receive()
    if scope["path"] == "/fail":
        raise ZeroDivisionError
    if scope["path"] == "/denied":
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})
        return
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text == "enough":
            await send({"type": "websocket.close", "code": 1000, "reason": "enough"})
        elif text is not None:
            await send({"type": "websocket.send", "text": text})
