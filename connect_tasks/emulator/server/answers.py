"""Answers of Amazon's shape: each with a request id, errors with their type in a header."""

import itertools
import json
from collections.abc import Mapping

from starlette.responses import Response

from connect_tasks.emulator.model.errors import RefusedError

__all__ = ["Answers"]

_EVERYWHERE = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-allow-methods", b"*"),
    (b"access-control-expose-headers", b"x-amzn-RequestId, x-amzn-ErrorType"),
)
_JSON = b"content-type", b"application/json"
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


class _JsonResponse(Response):
    """A response whose headers are mostly known beforehand: it is made for every call."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        named = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        length = b"content-length", str(len(self.body)).encode()
        self.raw_headers = [*named, *_EVERYWHERE, length, _JSON]


class Answers:
    """Makes the answers of one instance, and numbers them."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def reply(
        self, status: int, body: object, headers: Mapping[str, str] | None = None
    ) -> Response:
        """An answer with a JSON body."""
        named = {"x-amzn-requestid": self.next_id(), **(headers or {})}
        return _JsonResponse(_ENCODER.encode(body).encode(), status, named)

    def preflight(self) -> Response:
        """The answer to a browser that asks whether a page of another site may call."""
        return self.reply(200, {}, {"access-control-max-age": "600"})

    def error(self, status: int, code: str | None, message: str) -> Response:
        """An error; without a code it is untyped."""
        return self.reply(status, {"message": message}, {"x-amzn-ErrorType": code} if code else {})

    def refusal(self, refused: RefusedError) -> Response:
        """The answer to a request that was refused."""
        return self.error(refused.status, refused.code, refused.message)

    def next_id(self) -> str:
        """A request id that no other answer has."""
        return f"00000000-0000-4000-8000-{next(self._numbers):012x}"
