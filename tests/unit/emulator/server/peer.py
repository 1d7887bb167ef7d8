"""The client's end of a connection without a socket: bytes in, bytes out, and time by hand."""

import asyncio
import logging
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import h11
import pytest
import uvicorn
from uvicorn.server import ServerState

ADDRESS = ("127.0.0.1", 50_000)
_TURNS = 40
"""Rounds of the event loop after which nothing is left to do at the same moment."""
_Data: TypeAlias = bytes | bytearray | memoryview


class FakeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time moves only when told to."""

    now = 0.0

    def time(self) -> float:
        return self.now


@contextmanager
def fake_loop() -> Iterator[FakeLoop]:
    """A loop, in which nothing may have failed unseen at its end."""
    loop, failures = FakeLoop(), list[Any]()
    loop.set_exception_handler(lambda _, context: failures.append(context))
    try:
        yield loop
        loop.run_until_complete(_cancel(asyncio.all_tasks(loop)))
    finally:
        loop.close()
    assert failures == [], failures


async def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class FakeSocket:
    """What is asked of a transport's socket."""

    def __init__(self) -> None:
        self.options: list[tuple[int, int, bytes]] = []

    def getpeername(self) -> tuple[str, int]:
        return ADDRESS

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 80)

    def setsockopt(self, level: int, name: int, value: bytes) -> None:
        self.options.append((level, name, value))


class FakeTransport(asyncio.Transport):
    """A connection that keeps what is written; it delivers unless its reading is paused."""

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self.socket = FakeSocket()
        self.written: list[bytes] = []
        self.has_ended = self.is_closed = self.is_aborted = False
        self._protocol = protocol
        self._inbox: list[bytes] = []
        self._is_paused = False

    def deliver(self, data: bytes) -> None:
        self._inbox += [data] if data else []
        self._flush()

    def _flush(self) -> None:
        while self._inbox and not (self._is_paused or self.is_closed):
            protocol: Any = self._protocol
            protocol.data_received(self._inbox.pop(0))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ADDRESS, "socket": self.socket}.get(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def write(self, data: _Data) -> None:
        assert not self.has_ended
        self.written.append(bytes(data))

    def write_eof(self) -> None:
        self.has_ended = True

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        if self._is_paused:
            self._is_paused = False
            # As a real one: not before whoever asks for it is through.
            asyncio.get_running_loop().call_soon(self._flush)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.lose(None)

    def abort(self) -> None:
        self.is_aborted = True
        self.lose(None)

    def lose(self, error: Exception | None) -> None:
        if not self.is_closed:
            self.is_closed = True
            protocol: Any = self._protocol
            asyncio.get_running_loop().call_soon(protocol.connection_lost, error)


class Peer:
    """A client, connected to the protocol that a server would make for it."""

    def __init__(self, loop: FakeLoop, config: uvicorn.Config) -> None:
        self._loop = loop
        self._read = 0
        if not config.loaded:
            config.load()
        self.state = ServerState()
        self._do(lambda: self._connect(config))

    def _connect(self, config: uvicorn.Config) -> None:
        make: Any = config.http_protocol_class
        protocol = make(config=config, server_state=self.state, app_state={})
        self.transport = FakeTransport(protocol)
        protocol.connection_made(self.transport)

    @property
    def protocol(self) -> Any:
        """Who serves this client now."""
        return self.transport.get_protocol()

    def send(self, data: bytes) -> bytes:
        """Send something at once; what comes back."""
        return self._do(lambda: self.transport.deliver(data))

    def send_all(self, pieces: Iterable[bytes]) -> bytes:
        """Send one piece after the other; what comes back."""
        return b"".join([self.send(piece) for piece in pieces])

    def wait(self, seconds: float) -> bytes:
        """Let time pass; what comes back."""
        return self._do(lambda: setattr(self._loop, "now", self._loop.now + seconds))

    def hang_up(self, error: Exception | None = None) -> bytes:
        """Go away, with an error by a reset; what had been said until then."""
        return self._do(lambda: self.transport.lose(error))

    def shut_down(self) -> bytes:
        """Let the server end; what comes back."""
        return self._do(self.protocol.shutdown)

    def read_no_more(self) -> bytes:
        """Let what is written to this client pile up."""
        return self._do(self.protocol.pause_writing)

    def read_again(self) -> bytes:
        """Take what has piled up."""
        return self._do(self.protocol.resume_writing)

    def _do(self, what: Callable[[], object]) -> bytes:
        async def play() -> None:
            what()
            for _ in range(_TURNS):
                await asyncio.sleep(0)

        self._loop.run_until_complete(play())
        heard = self.transport.written[self._read :]
        self._read += len(heard)
        return b"".join(heard)


@dataclass
class Answer:
    """One answer, as another implementation of HTTP reads it."""

    told: list[int] = field(default_factory=list)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def answers(heard: bytes, method: str = "GET") -> list[Answer]:
    """The answers to requests of a method; one that is not whole raises."""
    found: list[Answer] = []
    while heard:
        reader = h11.Connection(h11.CLIENT)
        reader.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
        reader.send(h11.EndOfMessage())
        reader.receive_data(heard)
        reader.receive_data(b"")
        answer = Answer()
        while not isinstance(event := reader.next_event(), h11.EndOfMessage):
            _take(answer, event)
        found.append(answer)
        heard = reader.trailing_data[0]
    return found


def _take(answer: Answer, event: Any) -> None:
    match event:
        case h11.InformationalResponse():
            answer.told.append(event.status_code)
        case h11.Response():
            answer.status = event.status_code
            answer.headers = {name.decode(): value.decode() for name, value in event.headers}
        case h11.Data():
            answer.body += bytes(event.data)


def frame(
    payload: bytes, *, opcode: int = 1, is_last: bool = True, bits: int = 0, masked: bool = True
) -> bytes:
    """A frame of a web socket's client (RFC 6455, section 5.2); its mask is of zeros."""
    first, size = (0x80 if is_last else 0) | bits << 4 | opcode, len(payload)
    length = struct.pack("!B", min(size, 127))
    if size >= 126:
        length = struct.pack("!BH", 126, size) if size < 65_536 else struct.pack("!BQ", 127, size)
    if masked:
        length = bytes([length[0] | 0x80]) + length[1:] + bytes(4)
    return bytes([first]) + length + payload


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as a warning or worse, by anybody."""
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    return [record.getMessage() for record in records]
