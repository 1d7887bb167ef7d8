"""As much of S3 as an upload needs: multi-part uploads, kept in memory."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

__all__ = ["fake_s3"]

_ANSWERS = {
    "uploads": b"<InitiateMultipartUploadResult><UploadId>1</UploadId>"
    b"</InitiateMultipartUploadResult>",
    "uploadId=1": b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>",
}


def _unchunked(stream: io.BufferedIOBase) -> bytes:
    """What comes in pieces, each after its size; lines with checksums may follow the last one."""
    pieces = b""
    while count := int(stream.readline(), 16):
        pieces += stream.read(count)
        stream.readline()
    while stream.readline().strip():
        pass
    return pieces


@contextmanager
def fake_s3() -> Iterator[tuple[str, dict[str, bytes]]]:
    """The address of a store, and what was put into it by path."""
    stored: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._body()
            self._answer(_ANSWERS[urlsplit(self.path).query])

        def do_PUT(self) -> None:
            path = urlsplit(self.path).path
            stored[path] = stored.get(path, b"") + self._body()
            self._answer(b"")

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                # Amazon's client wraps what it has wrapped with checksums already.
                return _unchunked(io.BytesIO(_unchunked(self.rfile)))
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"1"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", stored
    finally:
        server.shutdown()
        server.server_close()
