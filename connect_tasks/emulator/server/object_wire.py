"""S3 on the instance's own port: which requests are meant for it, and their answers as HTTP."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from connect_tasks.emulator.faults.plan import FILE_KINDS, ErrorAnswer, Fault, FaultKind
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.objects.bucket import Bucket, ObjectAnswer, ObjectRequest
from connect_tasks.emulator.server.answers import Answers
from connect_tasks.emulator.server.bodies import read_body
from connect_tasks.emulator.server.request_log import FAULT, OPERATION
from connect_tasks.emulator.server.transports import name_of
from connect_tasks.emulator.server.trouble import Trouble
from connect_tasks.emulator.service import Service, access_key_of

__all__ = ["ObjectWire"]

_log = logging.getLogger(__name__)
_SCOPE = "/s3/aws4_request"
# The signature of a link that was signed beforehand is in its query, percent-encoded.
_SCOPE_OF_LINK = "%2Fs3%2Faws4_request"


class ObjectWire:
    """The bucket's HTTP.

    Args:
        bucket: The bucket.
        service: Counts calls and refusals, and knows which credentials have expired.
        strike: Names the fault that strikes the next call.
        lock: Held while something is looked up, because other threads look too.
        trouble: Carries faults out.
        answers: Numbers the answers.
        body_bytes: The largest body that is read.
    """

    def __init__(
        self,
        bucket: Bucket,
        service: Service,
        strike: Callable[[str, str | None], Fault | None],
        *,
        lock: AbstractContextManager[Any],
        trouble: Trouble,
        answers: Answers,
        body_bytes: int,
    ) -> None:
        self._bucket = bucket
        self._service = service
        self._strike = strike
        self._lock = lock
        self._trouble = trouble
        self._answers = answers
        self._body_bytes = body_bytes

    def is_meant(self, path: str, query: str, headers: Mapping[str, str]) -> bool:
        """Whether a request is for S3: it is signed for it, or names the bucket."""
        if _SCOPE in headers.get("authorization", "") or _SCOPE_OF_LINK in query:
            return True
        name = self._bucket.name
        first = path.removeprefix("/").partition("/")[0]
        return bool(name) and name in (first, self._host_bucket(headers))

    async def respond(self, http: HttpRequest) -> Response:
        """Answer one request; concurrently with others. Cancelling loses the answer alone.

        Raises:
            GoneError: The client hung up before its request was whole.
            TooLargeError: Its body is larger than the limit.
        """
        await read_body(http, self._body_bytes)
        request = ObjectRequest.read(
            http.method,
            http.scope["raw_path"].decode("ascii"),
            http.url.query,
            http.headers,
            self._host_bucket(http.headers),
        )
        http.scope[OPERATION] = request.operation or "S3"
        refuse = partial(self._refuse, http)
        fault = self._fault(request)
        if fault is not None:
            http.scope[FAULT] = fault.kind.value
        if fault is None or fault.kind in FILE_KINDS:
            return self._answer(request, http, fault.kind if fault else None)
        return await self._trouble.answer(
            http, fault, lambda: self._answer(request, http, None), refuse
        )

    def _fault(self, request: ObjectRequest) -> Fault | None:
        if request.operation is None:
            return None
        with self._lock:
            self._service.calls[request.operation] += 1
            return self._strike(request.operation, self._bucket.customer_id(request))

    def _answer(
        self, request: ObjectRequest, http: HttpRequest, spoilt: FaultKind | None
    ) -> Response:
        try:
            with self._lock:
                self._authorise(http)
                return self._as_response(self._bucket.answer(request, spoilt))
        except RefusedError as refused:
            if request.operation is not None:
                with self._lock:
                    self._service.refusals[request.operation, refused.code] += 1
            _log.debug("Refused %s: %s.", name_of(http.client), refused.code)
            return self._refuse(http, ErrorAnswer(refused.status, refused.code, refused.message))

    def _authorise(self, http: HttpRequest) -> None:
        key = _access_key(http)
        if not key:
            raise RefusedError("AccessDenied", "Access Denied")
        if key in self._service.expired_keys:
            raise RefusedError("ExpiredToken", "The provided token has expired.")

    def _as_response(self, answer: ObjectAnswer) -> Response:
        headers = {**answer.headers, "x-amz-request-id": self._answers.next_id()}
        if answer.body.spaces:
            body = answer.body.chunks(answer.begin, answer.end)
            return StreamingResponse(body, answer.status, headers)
        content = b"".join(answer.body.chunks(answer.begin, answer.end))
        response = Response(content, answer.status, headers)
        # The length of what a HEAD is not given.
        if "content-length" in answer.headers:
            response.headers["content-length"] = answer.headers["content-length"]
        return response

    def _refuse(self, http: HttpRequest, error: ErrorAnswer) -> Response:
        request_id = self._answers.next_id()
        headers = {"x-amz-request-id": request_id}
        # S3 says nothing more to a HEAD.
        if http.method == "HEAD" or error.code is None:
            return Response(b"", error.status, headers)
        members = [("Code", error.code), ("Message", error.message), ("RequestId", request_id)]
        answer = ObjectAnswer.of_xml(error.status, ("Error", members))
        return Response(answer.body.head, error.status, {**answer.headers, **headers})

    def _host_bucket(self, headers: Mapping[str, str]) -> str:
        name = self._bucket.name
        return name if name and headers.get("host", "").startswith(f"{name}.") else ""


def _access_key(http: HttpRequest) -> str:
    """What a request or a link was signed with: links may still be signed in the older way."""
    query = http.query_params
    signed = http.headers.get("authorization") or query.get("X-Amz-Credential", "")
    return access_key_of(signed) or query.get("AWSAccessKeyId", "")
