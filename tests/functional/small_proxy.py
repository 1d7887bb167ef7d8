"""A real small HTTP proxy: tunnels and forwards to one server, whatever host it is asked for."""

import base64
import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

__all__ = ["SmallProxy", "small_proxy"]


class SmallProxy(socketserver.ThreadingTCPServer):
    """Counts what it is asked for.

    Attributes:
        asked: The method and host of each request.
        refused: How often the user and password were missing or wrong.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, upstream: tuple[str, int], login: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.login = login and base64.b64encode(login.encode()).decode()
        self.asked: list[tuple[str, str]] = []
        self.refused = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(socketserver.BaseRequestHandler):
    server: SmallProxy

    def handle(self) -> None:
        head, body = self._read_head()
        lines = head.decode().split("\r\n")
        method, target, version = lines[0].split(" ")
        host = target if method == "CONNECT" else urlsplit(target).netloc
        self.server.asked.append((method, host.partition(":")[0]))
        if self.server.login and f"Basic {self.server.login}" not in head.decode():
            self.server.refused += 1
            self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        with socket.create_connection(self.server.upstream) as upstream:
            if method == "CONNECT":
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                # One request a connection: a later one may be for another host.
                kept = [line for line in lines[1:] if not line.startswith("Proxy-")]
                first = f"{method} {urlsplit(target).path} {version}"
                upstream.sendall("\r\n".join([first, "Connection: close", *kept]).encode())
            upstream.sendall(body)
            self._pump(upstream)

    def _read_head(self) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.request.recv(65536)
        head, end, body = data.partition(b"\r\n\r\n")
        if head.startswith(b"CONNECT"):
            return head, body
        return head + end, body

    def _pump(self, upstream: socket.socket) -> None:
        back = threading.Thread(target=_copy, args=(upstream, self.request), daemon=True)
        back.start()
        _copy(self.request, upstream)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def small_proxy(upstream: tuple[str, int], login: str | None = None) -> Iterator[SmallProxy]:
    """A proxy on a free port, all of whose ways lead to one server.

    Args:
        upstream: The server's host and port.
        login: What a client must give, as `user:password`.
    """
    with SmallProxy(upstream, login) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
