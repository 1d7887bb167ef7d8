"""The bytes of a file as S3 gives them out: whole, a range of them, or spoilt."""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from connect_tasks.emulator.faults.plan import FILE_KINDS, FaultKind
from connect_tasks.emulator.model.errors import RefusedError

__all__ = ["Content", "read_range", "spoil"]

_CHUNK = 64 * 1024
_HUGE = 50 * 1024 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes, with any number of spaces among them that take no memory.

    Attributes:
        head: The bytes before the spaces.
        spaces: How many spaces.
        tail: The bytes after them.
    """

    head: bytes
    spaces: int = 0
    tail: bytes = b""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.head) + self.spaces + len(self.tail)

    @property
    def etag(self) -> str:
        """The ETag, in quotes: the MD5 of a plain file."""
        # S324: S3's ETag of a plain upload is its MD5.
        digest = hashlib.md5(self.head + self.tail)  # noqa: S324
        return f'"{digest.hexdigest()}{self.spaces or ""}"'

    def chunks(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes from one position up to another, in pieces."""
        for start in range(begin, end, _CHUNK):
            yield self._piece(start, min(end, start + _CHUNK))

    def _piece(self, begin: int, end: int) -> bytes:
        first, last = len(self.head), len(self.head) + self.spaces
        spaces = max(0, min(end, last) - max(begin, first))
        tail = self.tail[max(0, begin - last) : max(0, end - last)]
        return self.head[begin:end] + b" " * spaces + tail


def read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The bytes that a Range header asks for, from one position up to another.

    Args:
        header: The header; what is no range of bytes is ignored, as HTTP wants it.
        size: How many bytes there are.

    Returns:
        The two positions; `None` where all is asked for.

    Raises:
        RefusedError: There is nothing in this range.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if begin >= end:
        raise RefusedError("InvalidRange", "The requested range is not satisfiable")
    return begin, end


def spoil(kind: FaultKind, content: bytes) -> Content:
    """A transcript file with something wrong.

    Args:
        kind: One of the kinds that strike files.
        content: The file as it should be.

    Raises:
        ValueError: The kind strikes something else.
    """
    if kind not in FILE_KINDS:
        raise ValueError(f"{kind} strikes no files.")
    match kind:
        case FaultKind.FILE_CUT:
            return Content(content[: len(content) // 2])
        case FaultKind.FILE_VERSION:
            return _changed(content, Version="2099-01-01")
        case FaultKind.FILE_CONTACT:
            other = str(uuid.uuid5(uuid.NAMESPACE_OID, "another contact"))
            return _changed(content, ContactId=other, InitialContactId=other)
        case FaultKind.FILE_NO_JSON:
            return Content(b"<html><body>Service Unavailable</body></html>")
        case FaultKind.FILE_HUGE:
            # Still JSON: the spaces stand before the last bracket.
            return Content(content[:-1], _HUGE, content[-1:])
        case _:
            assert_never(kind)


def _changed(content: bytes, **members: str) -> Content:
    document = {**json.loads(content), **members}
    return Content(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
