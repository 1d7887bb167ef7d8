"""A whole request of the plainest kind, read in one go; whatever else there is, is for h11.

What clients of AWS send is plain, and most of what a small call costs is reading it step by step.
Nothing is accepted here that h11 would refuse or understand otherwise.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PlainRequest", "read_plain"]

_HEAD = re.compile(
    rb"(GET|PUT|POST|DELETE) (/[\x21-\x7e]*) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]+: [\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?\r\n)+)\r\n"
)
_LONGEST_HEAD = 8 * 1024
_LENGTH = re.compile(r"[0-9]{1,9}")
# What asks for more than an answer to what is here already.
_OTHERS = {"transfer-encoding", "expect", "upgrade"}


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """A request that has arrived whole.

    Attributes:
        method: The method.
        path: The path as it was sent, without the query.
        query: The query as it was sent.
        headers: The headers by their names in small letters; each is there once.
        body: The body.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def read_plain(data: bytes) -> PlainRequest | None:
    """The request that some bytes are, exactly and as plainly as can be; else None."""
    size = data.find(b"\r\n\r\n") + 4
    found = _HEAD.fullmatch(data, 0, size) if 4 < size <= _LONGEST_HEAD else None  # noqa: PLR2004
    if found is None:
        return None
    method, target, lines = (part.decode("ascii") for part in found.groups())
    headers = _headers(lines)
    body = data[size:]
    if headers is None or not _is_whole(headers, body):
        return None
    path, _, query = target.partition("?")
    return PlainRequest(method, path, query, headers, body)


def _headers(lines: str) -> dict[str, str] | None:
    pairs = [line.split(": ", 1) for line in lines[:-2].split("\r\n")]
    headers = {name.lower(): value for name, value in pairs}
    is_plain = (
        len(headers) == len(pairs)
        and "host" in headers
        and headers.get("connection", "keep-alive").lower() == "keep-alive"
        and _OTHERS.isdisjoint(headers)
    )
    return headers if is_plain else None


def _is_whole(headers: Mapping[str, str], body: bytes) -> bool:
    length = headers.get("content-length", "0")
    return _LENGTH.fullmatch(length) is not None and int(length) == len(body)
