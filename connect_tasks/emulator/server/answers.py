"""Answers of Amazon's shape: each with a request id, errors with their type in a header."""

import itertools
import json
import uuid
from collections.abc import Mapping

from starlette.responses import Response

from connect_tasks.emulator.model.errors import RefusedError

__all__ = ["Answers"]

_CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "*",
    "access-control-allow-methods": "*",
    "access-control-expose-headers": "x-amzn-RequestId, x-amzn-ErrorType",
}


class Answers:
    """Makes the answers of one instance, and numbers them."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def reply(
        self, status: int, body: object, headers: Mapping[str, str] | None = None
    ) -> Response:
        """An answer with a JSON body."""
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        named = {"x-amzn-RequestId": self.next_id(), **_CORS, **(headers or {})}
        return Response(content, status, named, media_type="application/json")

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
        return str(uuid.UUID(int=next(self._numbers), version=4))
