"""The server's TCP side: uvicorn's settings, and ways to cut or silence a connection."""

import asyncio
import socket
import struct
import sys
import weakref
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Scope

__all__ = ["Line", "Transports", "listen", "name_of", "quiet_config"]


def listen(host: str, port: int) -> socket.socket:
    """A bound socket for the server.

    Args:
        host: A name or address of this machine.
        port: The port; 0 takes a free one.

    Raises:
        OSError: The port is taken, or the host is not this machine's.
    """
    family, address = _address(host, port)
    # asyncio switches Nagle's algorithm off only where TCP is named; without, each answer
    # waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _address(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return family, address


def quiet_config(
    app: ASGIApp,
    http: type[asyncio.Protocol],
    ws: type[asyncio.Protocol],
    message_bytes: int | None,
) -> uvicorn.Config:
    """Uvicorn's settings for a guest in somebody else's process.

    Args:
        app: The application to serve.
        http: The class that speaks HTTP.
        ws: The class that speaks on web sockets.
        message_bytes: The largest message of a web socket's client; any if None.
    """
    return uvicorn.Config(
        app,
        interface="asgi3",
        http=http,
        ws=ws,
        ws_max_size=sys.maxsize if message_bytes is None else message_bytes,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        # Clients keep pooled connections; one that is closed under them looks like a fault.
        timeout_keep_alive=3600,
    )


_SECONDS_TO_PART = 2


def name_of(address: tuple[str, int] | None) -> str:
    """What a client is called in the log; one that is already gone has no address."""
    return f"a client at {address[0]}:{address[1]}" if address else "a client that is gone"


class Line:
    """A TCP transport that can fall silent: open, and its client hears nothing any more.

    Not even the protocol's own words get out: no pong, no closing hand-shake.

    Args:
        transport: The transport to write to.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.is_silent = False
        self._has_parted = False

    def __str__(self) -> str:
        return name_of(self._transport.get_extra_info("peername"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, unless silent, or nobody is there any more."""
        if not (self.is_silent or self.is_closing()):
            self._transport.write(data)

    def close(self) -> None:
        """Close, unless silent; the client's own hanging up still ends the connection."""
        if not (self.is_silent or self._has_parted):
            self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing can be said any more."""
        return self._has_parted or self._transport.is_closing()

    def part(self) -> None:
        """Say nothing more, and throw away for a moment what still comes.

        Closed at once, the client would find a reset before it has read the last words.
        """
        if not self.is_silent and not self.is_closing():
            self._has_parted = True
            self._transport.resume_reading()
            self._transport.write_eof()
            loop = asyncio.get_running_loop()
            loop.call_later(_SECONDS_TO_PART, self._transport.abort)


class Transports:
    """The open TCP connections by the address of their client."""

    def __init__(self) -> None:
        self._open: weakref.WeakValueDictionary[Any, Line] = weakref.WeakValueDictionary()

    def enter(self, transport: asyncio.Transport) -> Line:
        """A new connection; from here on it is used through its line."""
        line = Line(transport)
        # An address of IPv6 has more parts, which uvicorn's scope does not tell.
        self._open[tuple(transport.get_extra_info("peername") or ())[:2]] = line
        return line

    def cut(self, scope: Scope) -> None:
        """Cut the connection of a request or socket; what was written before still arrives."""
        line = self._open.get(tuple(scope["client"] or ()))
        if line is not None:
            line.abort()

    def reset(self, scope: Scope) -> None:
        """Cut the connection of a request with a TCP reset."""
        line = self._open.get(tuple(scope["client"] or ()))
        if line is not None:
            no_lingering = struct.pack("ii", 1, 0)
            line.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, no_lingering
            )
            line.abort()

    def silence(self, scope: Scope) -> None:
        """Keep the connection of a socket open, and send nothing on it any more."""
        line = self._open.get(tuple(scope["client"] or ()))
        if line is not None:
            line.is_silent = True

    def cut_all(self) -> None:
        """Cut every connection."""
        for line in list(self._open.values()):
            line.abort()
