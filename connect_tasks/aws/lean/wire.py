"""The wire: boto3's own requests and answers, without its sending.

botocore prepares a call, and stops before it is sent; later it is given the answer, as if it came
from its own connection. So whatever botocore does to requests and answers, it does here, too.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.credentials import Credentials
from botocore.handlers import generate_idempotent_uuid

from connect_tasks.aws.lean.answer import Answer
from connect_tasks.aws.lean.known import is_unheard
from connect_tasks.aws.lean.plain import NotPlainError, PlainOutput
from connect_tasks.aws.lean.request import Request
from connect_tasks.aws.lean.stamp import Stamp

__all__ = ["Wire"]


_TRIES = 3
"""How many requests of an operation to try to take its stamp from: credentials may have changed in
the middle of one."""


class _Stopped(Exception):  # noqa: N818 - nothing went wrong
    """botocore is about to send."""

    def __init__(self, model: Any, request: dict[str, Any], context: dict[str, Any]) -> None:
        super().__init__()
        self.parts = model, request, context


def _stop(model: Any, request: dict[str, Any], context: dict[str, Any]) -> Any:
    raise _Stopped(model, request, context)


def _copied(thing: Any) -> Any:
    """A copy that shares all parts; botocore's clients do not survive `copy.copy`."""
    made = object.__new__(type(thing))
    made.__dict__.update(thing.__dict__)
    return made


class Wire:
    """The requests and answers of one client of boto3's.

    Args:
        client: The client; it is not changed.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._stopping = _copied(client)
        self._stopping._make_request = _stop  # noqa: SLF001 - botocore's own seam
        self._signer = client._request_signer  # noqa: SLF001 - the same
        self._stamps: dict[str, Stamp] = {}
        self._tried: Counter[str] = Counter()
        self._answers: dict[str, PlainOutput | None] = {}

    @property
    def may_block(self) -> bool:
        """Whether preparing a request may ask somebody for new credentials first."""
        credentials = self._signer._credentials  # noqa: SLF001 - the same
        if credentials is None or type(credentials) is Credentials:
            return False
        refresh_needed = getattr(credentials, "refresh_needed", None)
        return refresh_needed is None or refresh_needed()

    def prepare(self, operation: str, arguments: Mapping[str, Any]) -> Request:
        """Make the request that boto3 would send, signed as of now.

        Raises:
            BotoCoreError: Something is wrong with arguments, credentials or Region.
        """
        stamp, given = self._stamps.get(operation), dict(arguments)
        generate_idempotent_uuid(given, self._model(operation) if stamp is None else stamp.model)
        request = stamp.fill(given) if stamp is not None else None
        return request or self._by_botocore(operation, given)

    def _by_botocore(self, operation: str, arguments: dict[str, Any]) -> Request:
        try:
            self._stopping._make_api_call(operation, dict(arguments))  # noqa: SLF001 - the same
        except _Stopped as stopped:
            model, parts, context = stopped.parts
        else:
            raise RuntimeError(f"{operation} was answered before it was sent")
        endpoint = self._client._endpoint  # noqa: SLF001 - the same
        endpoint._update_retries_context(parts["context"], 1)  # noqa: SLF001 - the same
        request = Request(parts, endpoint.create_request(parts, model), model, context)
        if self._tried[operation] < _TRIES:
            self._take_stamp(request, arguments)
        return request

    def _take_stamp(self, request: Request, arguments: dict[str, Any]) -> None:
        serializer, credentials = self._client._serializer, self._signer._credentials  # noqa: SLF001 - the same
        stamp = Stamp.of(request, arguments, serializer, credentials)
        if stamp is None:
            self._tried[request.model.name] += 1
            self._stamps.pop(request.model.name, None)
        else:
            self._stamps[request.model.name] = stamp

    def _model(self, operation: str) -> Any:
        return self._client.meta.service_model.operation_model(operation)

    def understand(self, request: Request, answer: Answer) -> dict[str, Any]:
        """Take an answer as boto3 would.

        Returns:
            What boto3 would give; without `ResponseMetadata` where botocore need not be asked.

        Raises:
            ClientError: Amazon refuses, by the class that boto3 has for it.
            ResponseParserError: It makes no sense.
        """
        plain = self._plain_output(request.model)
        if plain is not None and answer.status == HTTPStatus.OK:
            with suppress(NotPlainError):
                return plain.read(answer.body)
        return self._understood_by_botocore(request, answer.for_botocore())

    def _plain_output(self, model: Any) -> PlainOutput | None:
        name = model.name
        if name not in self._answers:
            factory = self._client._endpoint._response_parser_factory  # noqa: SLF001 - the same
            parser = factory.create_parser(model.service_model.resolved_protocol)
            is_ours = is_unheard(self._client, name)
            self._answers[name] = PlainOutput.of(model, parser) if is_ours else None
        return self._answers[name]

    def _understood_by_botocore(self, request: Request, answer: AWSResponse) -> dict[str, Any]:
        endpoint = _copied(self._client._endpoint)  # noqa: SLF001 - the same
        endpoint._send = lambda _: answer  # noqa: SLF001 - the same
        got, error = endpoint._get_response(  # noqa: SLF001 - the same
            request.prepared, request.model, request.context
        )
        # Retries are off, and yet it is noted in a refusal that there are no more of them.
        endpoint._needs_retry(1, request.model, request.parts, got, error)  # noqa: SLF001 - the same
        if error is not None:
            raise error
        parsed: dict[str, Any] = got[1]
        parsed.get("ResponseMetadata", {})["RetryAttempts"] = 0
        self._tell(request, answer, parsed)
        if answer.status_code >= 300:  # noqa: PLR2004 - botocore's own line
            raise self._refusal(request, parsed)
        return parsed

    def _tell(self, request: Request, answer: AWSResponse, parsed: dict[str, Any]) -> None:
        model = request.model
        service = model.service_model.service_id.hyphenize()
        self._client.meta.events.emit(
            f"after-call.{service}.{model.name}",
            http_response=answer,
            parsed=parsed,
            model=model,
            context=request.context,
        )

    def _refusal(self, request: Request, parsed: dict[str, Any]) -> Exception:
        code = request.context.get("error_code_override") or parsed.get("Error", {}).get("Code")
        error: Exception = self._client.exceptions.from_code(code)(parsed, request.model.name)
        return error
