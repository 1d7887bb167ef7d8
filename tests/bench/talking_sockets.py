"""The other side of many chats: an Amazon that answers subscriptions and heartbeats, and talks.

It plays only the participant's socket, without a library, so that it takes less than who listens.
"""

import asyncio
import base64
import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

from connect_tasks.chat.own_loop import run_on_own_loop

__all__ = ["talking_sockets"]

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ACCEPTED = b'{"topic":"aws/subscribe","content":{"status":"success","topics":["aws/chat"]}}'
_HEARTBEAT = b'{"topic":"aws/heartbeat"}'
_PING = b'{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}'
_TICK_SECONDS = 0.005
_SHORT = 126


def talking_sockets(pipe: Connection) -> None:
    """Serve until the pipe closes; answers `where`, `count`, `cpu` and `(per_second, seconds)`."""
    run_on_own_loop(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    loop, over, crowd = asyncio.get_running_loop(), asyncio.Event(), _Crowd()
    server = await loop.create_server(lambda: _Socket(crowd), "127.0.0.1", 0, backlog=1_000)
    port = server.sockets[0].getsockname()[1]
    answers: dict[str, Callable[[], Any]] = {
        "where": lambda: f"ws://127.0.0.1:{port}",
        "count": lambda: len(crowd.listening),
        "cpu": time.process_time,
    }
    threading.Thread(target=_answer, args=(pipe, answers, crowd, loop, over), daemon=True).start()
    await over.wait()


def _answer(
    pipe: Connection,
    answers: dict[str, Callable[[], Any]],
    crowd: "_Crowd",
    loop: asyncio.AbstractEventLoop,
    over: asyncio.Event,
) -> None:
    pipe.send("ready")
    try:
        while True:
            word = pipe.recv()
            if isinstance(word, str):
                pipe.send(answers[word]())
            else:
                pipe.send(asyncio.run_coroutine_threadsafe(crowd.talk(*word), loop).result())
    except (EOFError, OSError):
        loop.call_soon_threadsafe(over.set)


class _Crowd:
    """The sockets that are subscribed, and who says something over which of them."""

    def __init__(self) -> None:
        self.listening: list[_Socket] = []
        self._said = 0

    async def talk(self, per_second: float, seconds: float) -> tuple[int, float]:
        """Say so much, over one socket after another; how many messages, and how late at most."""
        order = random.Random(17).sample(self.listening, len(self.listening))  # noqa: S311 - no secret
        began, said, latest = time.monotonic(), 0, 0.0
        while (past := time.monotonic() - began) < seconds:
            due = int(past * per_second)
            latest = max(latest, (due - said) / per_second)
            while said < due:
                order[said % len(order)].say(self._said)
                said, self._said = said + 1, self._said + 1
            await asyncio.sleep(_TICK_SECONDS)
        return said, latest


class _Socket(asyncio.Protocol):
    def __init__(self, crowd: _Crowd) -> None:
        self._crowd = crowd
        self._received = b""
        self._is_open = False
        self._contact_id = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._crowd.listening = [one for one in self._crowd.listening if one is not self]

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_open and not self._open():
            return
        while (frame := self._next_frame()) is not None:
            self._take(frame)

    def say(self, number: int) -> None:
        """One message of a bot, as Amazon sends it; its time is now."""
        content = json.dumps(
            {
                "AbsoluteTime": datetime.now(UTC).isoformat(),
                "Content": f"Thank you. This is answer number {number}; may I ask something else?",
                "ContentType": "text/plain",
                "Id": f"3f1c7c1e-8a3b-4d0e-9d44-{number:012d}",
                "Type": "MESSAGE",
                "ParticipantId": "5b2c3a1e-6a1c-4f5e-8d3f-1c2d3e4f5a6b",
                "DisplayName": "BOT",
                "ParticipantRole": "SYSTEM",
                "InitialContactId": self._contact_id,
                "ContactId": self._contact_id,
            }
        )
        frame = {"content": content, "contentType": "application/json", "topic": "aws/chat"}
        self._send(json.dumps(frame).encode())

    def _open(self) -> bool:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        line, _, fields = head.partition(b"\r\n")
        self._contact_id = line.split()[1].rpartition(b"/")[2].decode()
        key = fields.lower().partition(b"sec-websocket-key:")
        start = len(key[0]) + len(key[1])
        value = fields[start:].partition(b"\r\n")[0].strip()
        accept = base64.b64encode(hashlib.sha1(value + _MAGIC, usedforsecurity=False).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._received, self._is_open = rest, True
        return True

    def _next_frame(self) -> bytes | None:
        """The content of the next short frame of a client, which is masked."""
        data = self._received
        end = 6 + (data[1] & 0x7F) if len(data) > 1 else 0
        if not end or len(data) < end:
            return None
        self._received = data[end:]
        size = end - 6
        padded = (size + 3) // 4 * 4
        mask = int.from_bytes(data[2:6] * (padded // 4), "big")
        body = int.from_bytes(data[6:end].ljust(padded, b"\0"), "big")
        return (body ^ mask).to_bytes(padded, "big")[:size]

    def _take(self, frame: bytes) -> None:
        if b"aws/subscribe" in frame:
            self._send(_ACCEPTED)
            self._crowd.listening.append(self)
        elif b"aws/heartbeat" in frame:
            self._send(_HEARTBEAT)
        elif b"aws/ping" in frame:
            self._send(_PING)

    def _send(self, content: bytes) -> None:
        size = len(content)
        length = bytes([size]) if size < _SHORT else b"\x7e" + size.to_bytes(2, "big")
        self._transport.write(b"\x81" + length + content)
