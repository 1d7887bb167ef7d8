"""A plain request is read as h11 reads it; that which is not plain is left to h11."""

from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.server.plain_request import PlainRequest, read_plain

HEAD = b"PUT /contact/chat HTTP/1.1\r\nHost: x\r\n"


def read_by_h11(data: bytes) -> PlainRequest | None:
    """The one request that these bytes are, whole and without more behind it; else None."""
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(data)
    try:
        events = [reader.next_event()]
        while isinstance(events[-1], (h11.Request, h11.Data)):
            events.append(reader.next_event())
    except h11.RemoteProtocolError:
        return None
    request: Any = events[0]
    if not isinstance(events[-1], h11.EndOfMessage) or reader.trailing_data[0]:
        return None
    path, _, query = request.target.decode().partition("?")
    headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
    body = b"".join(bytes(event.data) for event in events[1:-1] if isinstance(event, h11.Data))
    return PlainRequest(request.method.decode(), path, query, headers, body)


PLAIN = {
    "no body": HEAD + b"\r\n",
    "a body": HEAD + b"Content-Length: 2\r\n\r\n{}",
    "an empty body": HEAD + b"Content-Length: 0\r\n\r\n",
    "a query": b"GET /a/b?c=d&e HTTP/1.1\r\nHost: x\r\n\r\n",
    "escapes": b"GET /%41%2Fb?%20 HTTP/1.1\r\nHost: x\r\n\r\n",
    "names in capitals": b"POST / HTTP/1.1\r\nHOST: x\r\nCONTENT-LENGTH: 1\r\n\r\na",
    "colons and spaces in a value": HEAD + b"Authorization: a: b, c  d\r\n\r\n",
    "a connection that is kept": HEAD + b"Connection: Keep-Alive\r\n\r\n",
}


@pytest.mark.parametrize("data", PLAIN.values(), ids=PLAIN)
def test_a_plain_request_is_read_as_h11_reads_it(data: bytes) -> None:
    assert read_plain(data) is not None
    assert read_plain(data) == read_by_h11(data)


NOT_PLAIN = {
    "nothing": b"",
    "an end alone": b"\r\n\r\n",
    "a part of a head": HEAD,
    "a part of a body": HEAD + b"Content-Length: 3\r\n\r\n{}",
    "more than a body": HEAD + b"Content-Length: 1\r\n\r\n{}",
    "a body without a length": HEAD + b"\r\n{}",
    "two requests": (HEAD + b"\r\n") * 2,
    "an empty line first": b"\r\n" + HEAD + b"\r\n",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    "an expectation": HEAD + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\na",
    "an upgrade": HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "a connection that is closed": HEAD + b"Connection: close\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 1\r\ncontent-length: 1\r\n\r\na",
    "two hosts": HEAD + b"host: y\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nA: b\r\n\r\n",
    "no header": b"GET / HTTP/1.1\r\n\r\n",
    "a signed length": HEAD + b"Content-Length: +1\r\n\r\na",
    "a length in other digits": HEAD + "Content-Length: \u0661\r\n\r\na".encode(),
    "a long length": HEAD + b"Content-Length: 0000000001\r\n\r\na",
    "an older version": HEAD.replace(b"1.1", b"1.0") + b"\r\n",
    "another method": HEAD.replace(b"PUT", b"HEAD") + b"\r\n",
    "an absolute target": HEAD.replace(b"/contact", b"http://x/contact") + b"\r\n",
    "a path that is not ASCII": HEAD.replace(b"chat", b"ch\xe4t") + b"\r\n",
    "lines that end otherwise": HEAD.replace(b"\r\n", b"\n") + b"\r\n\r\n",
    "a line end within a value": HEAD + b"A: b\nc\r\n\r\n",
    "a folded line": HEAD + b"A: b\r\n c\r\n\r\n",
    "a space before the colon": HEAD + b"A : b\r\n\r\n",
    "an empty value": HEAD + b"A: \r\n\r\n",
    "a value without its space": HEAD + b"A:b\r\n\r\n",
    "a control character": HEAD + b"A: b\0c\r\n\r\n",
    "a value that is not ASCII": HEAD + b"A: \xe4\r\n\r\n",
    "a long head": HEAD + b"A: " + b"a" * 9000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("data", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_plain_is_left_to_h11(data: bytes) -> None:
    assert read_plain(data) is None


PIECES = st.sampled_from(
    [
        b"GET ", b"PUT /contact/chat", b"POST", b" /", b"?a=b", b" HTTP/1.1", b" HTTP/1.0",
        b"\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" ", b": ", b":", b"Host: x", b"A: b",
        b"Content-Length: 2", b"Content-Length: 0", b"{}", b"Expect: 100-continue",
        b"Connection: close", b"Transfer-Encoding: chunked", b"\0", b"\t", b"\xff", HEAD,
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=3), max_size=12).map(b"".join))
def test_whatever_is_taken_for_plain_is_what_h11_reads(data: bytes) -> None:
    for candidate in (data, HEAD + data, HEAD + data + b"\r\n\r\n", HEAD + b"A: " + data):
        plain = read_plain(candidate)
        assert plain is None or plain == read_by_h11(candidate)
