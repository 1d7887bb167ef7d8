"""An application that says again what it hears, over HTTP and on web sockets."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import uvicorn
from starlette.types import Receive, Scope, Send

from connect_tasks.emulator.instance.schedule import Planned, Schedule
from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.server.answers import Answers
from connect_tasks.emulator.server.http_protocol import http_protocol
from connect_tasks.emulator.server.socket_life import EXPIRES_AT
from connect_tasks.emulator.server.socket_protocol import socket_protocol
from connect_tasks.emulator.server.transports import Transports, quiet_config

_LIMITS = LocalLimits(request_seconds=30, idle_socket_seconds=600)
_BEGINNING = datetime(2026, 11, 22, 7, tzinfo=UTC)


class _LoopSchedule(Schedule):
    """A schedule on the time of whichever event loop runs, which works it off."""

    def __init__(self) -> None:
        super().__init__(lambda: _BEGINNING + timedelta(seconds=asyncio.get_running_loop().time()))

    def after(self, seconds: float, action: Callable[[], None]) -> Planned:
        planned = super().after(seconds, action)
        asyncio.get_running_loop().call_later(seconds, self.run_due)
        return planned


def config(limits: LocalLimits = _LIMITS) -> uvicorn.Config:
    """What serves the application, with the protocols of the local Connect."""
    http = http_protocol(Transports(), Answers(), limits, lambda *_: None)
    socket = socket_protocol(Answers(), limits, _LoopSchedule())
    return quiet_config(_app, http, socket, limits.message_bytes)


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
    """Says again what it hears; /denied is closed to all, /fail fails, /hour expires in one.

    What is called later is said again after five minutes.
    """
    await receive()
    if scope["path"] == "/fail":
        raise ZeroDivisionError
    if scope["path"] == "/denied":
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})
        return
    expiry = {EXPIRES_AT: _LoopSchedule().now() + timedelta(hours=1)}
    await send({"type": "websocket.accept", **(expiry if scope["path"] == "/hour" else {})})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text == "enough":
            await send({"type": "websocket.close", "code": 1000, "reason": "enough"})
        elif text is not None:
            await asyncio.sleep(300 if text == "later" else 0)
            await send({"type": "websocket.send", "text": text})
