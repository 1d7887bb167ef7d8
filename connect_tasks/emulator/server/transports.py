"""The server's TCP side: uvicorn's settings, and ways to cut or silence a connection."""

import asyncio
import socket
import struct
import weakref
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Transports", "listen", "quiet_config"]


def listen(host: str, port: int) -> socket.socket:
    """A bound socket for the server.

    Raises:
        OSError: The port is taken.
    """
    # asyncio switches Nagle's algorithm off only where TCP is named; without, each answer
    # waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def quiet_config(app: ASGIApp, protocol: type[asyncio.Protocol]) -> uvicorn.Config:
    """Uvicorn's settings for a guest in somebody else's process.

    Args:
        app: The application to serve.
        protocol: The class that speaks HTTP.
    """
    return uvicorn.Config(
        app,
        http=protocol,
        ws="websockets-sansio",
        ws_max_size=128 * 1024,
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


class _Line:
    """A TCP transport that can fall silent: open, and its client hears nothing any more.

    Not even the protocol's own words get out: no pong, no closing hand-shake.

    Args:
        transport: The transport to write to.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.is_silent = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, unless silent."""
        if not self.is_silent:
            self._transport.write(data)

    def close(self) -> None:
        """Close, unless silent; the client's own hanging up still ends the connection."""
        if not self.is_silent:
            self._transport.close()


class Transports:
    """The open TCP connections by the address of their client."""

    def __init__(self) -> None:
        self._open: weakref.WeakValueDictionary[Any, _Line] = weakref.WeakValueDictionary()

    def protocol(self) -> type[asyncio.Protocol]:
        """Uvicorn's protocol class, made to enter its connections here."""
        is_open = self._open

        class Protocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                line = _Line(transport)
                is_open[transport.get_extra_info("peername")] = line
                super().connection_made(line)  # type: ignore[arg-type] # it has all members

        return Protocol

    def cut(self, scope: Scope) -> None:
        """Cut the connection of a request or socket; what was written before still arrives."""
        line = self._open.get(tuple(scope["client"]))
        if line is not None:
            line.abort()

    def reset(self, scope: Scope) -> None:
        """Cut the connection of a request with a TCP reset."""
        line = self._open.get(tuple(scope["client"]))
        if line is not None:
            no_lingering = struct.pack("ii", 1, 0)
            line.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, no_lingering
            )
            line.abort()

    def silence(self, scope: Scope) -> None:
        """Keep the connection of a socket open, and send nothing on it any more."""
        line = self._open.get(tuple(scope["client"]))
        if line is not None:
            line.is_silent = True

    def cut_all(self) -> None:
        """Cut every connection."""
        for line in list(self._open.values()):
            line.abort()
