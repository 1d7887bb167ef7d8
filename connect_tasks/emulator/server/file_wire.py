"""The links that chats hand out, over HTTP: files to put and to get, and places to sign in."""

import logging
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote

from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response

from connect_tasks.emulator.instance.attachments import ATTACHMENT_PATH, Attachments
from connect_tasks.emulator.instance.sign_ins import SIGN_IN_PATH, SignIns
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.objects.bucket import ObjectAnswer
from connect_tasks.emulator.server.answers import Answers
from connect_tasks.emulator.server.bodies import Drained, TooLargeError, read_body
from connect_tasks.emulator.server.transports import name_of

__all__ = ["FileWire"]

_log = logging.getLogger(__name__)
_FOUND = 302
_EVERYWHERE = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}


class FileWire:
    """Serves what the links of one instance lead to.

    Args:
        attachments: The files.
        sign_ins: Who is asked to sign in.
        lock: Held while something is looked up or kept, because other threads do so too.
        answers: Numbers the answers.
    """

    def __init__(
        self,
        attachments: Attachments,
        sign_ins: SignIns,
        *,
        lock: AbstractContextManager[Any],
        answers: Answers,
    ) -> None:
        self._attachments = attachments
        self._sign_ins = sign_ins
        self._lock = lock
        self._answers = answers

    def is_meant(self, method: str, path: str) -> bool:
        """Whether a request follows such a link."""
        if path.startswith(ATTACHMENT_PATH):
            return method in ("PUT", "GET", "HEAD")
        return path.startswith(SIGN_IN_PATH) and method in ("GET", "HEAD")

    async def respond(self, http: HttpRequest) -> Response:
        """Answer one request; concurrently with others. Cancelling loses the answer alone.

        Raises:
            GoneError: The client hung up before its request was whole.
        """
        path = http.url.path
        try:
            if path.startswith(SIGN_IN_PATH):
                return self._lead_back(path.removeprefix(SIGN_IN_PATH))
            key = path.removeprefix(ATTACHMENT_PATH)
            return await self._put(http, key) if http.method == "PUT" else self._get(key)
        except RefusedError as refused:
            _log.debug("Refused %s: %s.", name_of(http.client), refused.code)
            return self._refuse(refused)

    def _lead_back(self, state: str) -> Response:
        with self._lock:
            address = self._sign_ins.lead_back(state)
        return RedirectResponse(address, _FOUND, {"Cache-Control": "no-store"})

    async def _put(self, http: HttpRequest, key: str) -> Response:
        with self._lock:
            size = self._attachments.expected(key).size
        try:
            content = await read_body(http, size)
        except TooLargeError as error:
            answer = self._refuse(RefusedError("EntityTooLarge", f"More than {size} bytes"))
            if error.is_coming:
                return Drained(answer)
            answer.headers["connection"] = "close"
            return answer
        with self._lock:
            self._attachments.put(key, http.headers.get("content-type", ""), content)
        return Response(b"", 200, self._named())

    def _get(self, key: str) -> Response:
        with self._lock:
            upload = self._attachments.read(key)
            content = upload.content
        headers = {
            **self._named(),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(upload.name)}",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        }
        response = Response(content, 200, headers)
        # As it was put, with no charset that nobody has given.
        response.headers["content-type"] = upload.content_type
        return response

    def _refuse(self, refused: RefusedError) -> Response:
        names = self._named()
        members = [
            ("Code", refused.code),
            ("Message", refused.message),
            ("RequestId", names["x-amz-request-id"]),
        ]
        answer = ObjectAnswer.of_xml(refused.status, ("Error", members))
        return Response(answer.body.head, refused.status, {**answer.headers, **names})

    def _named(self) -> dict[str, str]:
        return {"x-amz-request-id": self._answers.next_id(), **_EVERYWHERE}
