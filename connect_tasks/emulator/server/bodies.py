"""Bodies of requests, up to a limit; what is beyond it is thrown away as it comes."""

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["Drained", "GoneError", "TooLargeError", "read_body"]


class GoneError(Exception):
    """The client hung up before its request was whole."""


class TooLargeError(Exception):
    """The body is larger than the limit, or is said to be.

    Attributes:
        is_coming: Whether the client sends more of it, asked or not.
    """

    def __init__(self, *, is_coming: bool) -> None:
        super().__init__()
        self.is_coming = is_coming


async def read_body(http: HttpRequest, most: int) -> bytes:
    """Read a request's body, once; concurrent reads would share it. Cancelling leaves the rest.

    Args:
        http: The request.
        most: Bytes that it may have.

    Raises:
        GoneError: The client hung up meanwhile.
        TooLargeError: There are more bytes; nothing beyond them was kept.
    """
    if int(http.headers.get("content-length") or 0) > most:
        raise TooLargeError(is_coming="expect" not in http.headers)
    body, more = bytearray(), True
    while more:
        message = await http.receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most:
            raise TooLargeError(is_coming=more)
    return bytes(body)


class Drained(Response):
    """An answer that is there at once, while the rest of the request is still thrown away.

    Whoever sends without looking would otherwise find the connection reset, and no answer.

    Args:
        answer: The answer.
    """

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.body, answer.status_code)
        self.raw_headers = answer.raw_headers

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and read on until the request is over."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        while (message := await receive())["type"] == "http.request":
            if not message.get("more_body"):
                break
        await send({"type": "http.response.body", "body": b"", "more_body": False})
