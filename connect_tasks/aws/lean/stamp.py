"""Stamps: what is the same in each request of an operation, taken from one that botocore made.

Most of what a request costs botocore is to find out again what it found out for the one before:
endpoint, headers, who signs and how. A stamp keeps that, and fills in what differs: the body, which
botocore's own serializer validates and writes, the id of the try, the time, and the signature.

A stamp must never differ from botocore, whatever version that is. So each is taken from a request
that botocore made, and only if it makes the same one of the same arguments, to the byte.
"""

import uuid
from collections.abc import Mapping
from typing import Any, Self

from botocore.awsrequest import AWSPreparedRequest

from connect_tasks.aws.lean.plain import PlainInput
from connect_tasks.aws.lean.request import Request
from connect_tasks.aws.lean.signature import Signature

__all__ = ["Stamp"]

_TRY, _TRIES, _LENGTH = "amz-sdk-invocation-id", "amz-sdk-request", "Content-Length"


class Stamp:
    """Makes the requests of one operation, by one client of boto3's.

    Args:
        request: One that botocore made.
        serializer: botocore's, of that client.
        signature: How it is signed; None if it is not.
    """

    def __init__(self, request: Request, serializer: Any, signature: Signature | None) -> None:
        # Without what was asked, and by whom: it would stay in memory as long as the client.
        own = {"body", "headers", "query_string", "context"}
        self._parts = {name: part for name, part in request.parts.items() if name not in own}
        self._parts["query_string"] = {}
        self._context = {n: part for n, part in request.context.items() if n != "input_params"}
        self.model = request.model
        to = request.prepared
        self._method, self._url, self._is_stream = to.method, to.url, to.stream_output
        self._serializer = serializer
        self._plain = PlainInput.of(request.model, serializer)
        self._signature = signature
        headers = request.headers
        self._headers = {name: headers[name] for name in ("User-Agent", _TRIES)}

    @classmethod
    def of(
        cls, request: Request, arguments: dict[str, Any], serializer: Any, credentials: Any
    ) -> Self | None:
        """Take the stamp of a request.

        Args:
            request: What botocore made, just now.
            arguments: What of, generated tokens included.
            serializer: botocore's.
            credentials: botocore's.

        Returns:
            None if there is something about the operation that stamps do not know.
        """
        headers = request.headers
        try:
            signed = "Authorization" in headers
            signature = Signature.like(headers, credentials) if signed else None
            stamp = cls(request, serializer, signature)
            same = stamp.fill(arguments, again=headers)
        # What a stamp cannot do, botocore has just done: nothing in here may cost the call.
        except Exception:  # noqa: BLE001
            return None
        return stamp if same and _are_alike(request) and _is_same(same, request) else None

    def fill(
        self, arguments: dict[str, Any], *, again: Mapping[str, str] | None = None
    ) -> Request | None:
        """Make the request that botocore would make.

        Args:
            arguments: The operation's, with Amazon's names, generated tokens included.
            again: The headers of a try that this is to be the same as; a new one if None.

        Returns:
            None if only botocore can make it.

        Raises:
            ParamValidationError: Something is wrong with the arguments.
        """
        again = again or {}
        own, body = self._serialized(arguments)
        number = again.get(_TRY) or str(uuid.uuid4())
        headers = {**self._headers, **own, _TRY: number}
        if not self._sign(headers, body, again.get("X-Amz-Date")):
            return None
        headers[_LENGTH] = str(len(body))
        parts = {**self._parts, "headers": own, "body": body}
        return self._filled(parts, headers, {"attempt": 1, "invocation-id": number})

    def _serialized(self, arguments: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        plain = self._plain.parts(arguments) if self._plain is not None else None
        if plain is not None:
            return plain
        parts = self._serializer.serialize_to_request(arguments, self.model)
        return parts["headers"], parts["body"]

    def _sign(self, headers: dict[str, str], body: bytes, at: str | None) -> bool:
        signature = self._signature
        return signature is None or signature.sign(self._method, self._url, headers, body, at=at)

    def _filled(self, parts: dict[str, Any], headers: Any, retries: dict[str, Any]) -> Request:
        context = {**self._context, "retries": retries}
        # botocore only looks at headers now, and its own mapping of them costs more than all else.
        prepared = AWSPreparedRequest(
            self._method, self._url, headers, parts["body"] or None, self._is_stream, context
        )
        return Request({**parts, "context": context}, prepared, self.model, context)


def _are_alike(request: Request) -> bool:
    """Whether this operation's requests differ in nothing but what a stamp fills in."""
    model = request.model
    # Members in the address, or an address that members choose.
    return not (
        "{" in model.http["requestUri"]
        or request.parts["query_string"]
        or model.context_parameters
        or request.headers[_TRIES] != "attempt=1"
    )


def _is_same(ours: Request, theirs: Request) -> bool:
    # Which headers there are, too: what a function of AWS Lambda is called by is another one each
    # time, and stands in no stamp.
    ways = [(one.prepared.method, one.prepared.url, one.prepared.body) for one in (ours, theirs)]
    return ways[0] == ways[1] and ours.headers == theirs.headers
