"""The error table: Amazon's errors in our words, looked up by code first and then by status.

Codes alone are not enough: 403 and 429 also come without one.
"""

from collections.abc import Mapping
from http import HTTPStatus

from botocore import exceptions as boto_errors
from botocore.parsers import ResponseParserError

from connect_tasks import errors

__all__ = ["FOREIGN", "MAKE_CLIENT", "translate"]

MAKE_CLIENT = "make a client"
"""The operation of errors that come before any call: no Region, no such profile, a refused role."""

FOREIGN: tuple[type[Exception], ...] = (
    boto_errors.ClientError,
    boto_errors.BotoCoreError,
    ResponseParserError,
    # An answer that was cut short lacks members that Amazon always sends; one of another shape, or
    # nested too deep for Python, must not look like a fault of ours, which would halt everybody.
    KeyError,
    ValueError,
    AttributeError,
    TypeError,
    AssertionError,
    RecursionError,
)
"""What can come out of a call: raise `translate(...)` from it."""

_CONFLICT = "ConflictException"

_BY_CODE: Mapping[str, type[errors.AmazonError]] = {
    "AccessDeniedException": errors.AccessDeniedError,
    "AccessDenied": errors.AccessDeniedError,
    "ConditionalOperationFailedException": errors.PermanentError,
    _CONFLICT: errors.PermanentError,
    "ContactFlowNotPublishedException": errors.PermanentError,
    "ContactNotFoundException": errors.ChatEndedError,
    "ExpiredToken": errors.CredentialsError,
    "ExpiredTokenException": errors.CredentialsError,
    "IdempotencyException": errors.PermanentError,
    "IncompleteSignature": errors.CredentialsError,
    "InternalServerException": errors.OutcomeUnknownError,
    "InternalServiceException": errors.OutcomeUnknownError,
    "InvalidActiveRegionException": errors.PermanentError,
    "InvalidClientTokenId": errors.CredentialsError,
    # An object of S3 that was moved to where it must be fetched from first.
    "InvalidObjectState": errors.PermanentError,
    "InvalidParameterException": errors.PermanentError,
    "InvalidRequestException": errors.PermanentError,
    "InvalidSignatureException": errors.CredentialsError,
    "LimitExceededException": errors.NoSlotError,
    "MissingAuthenticationToken": errors.CredentialsError,
    "MissingAuthenticationTokenException": errors.CredentialsError,
    "RequestExpired": errors.CredentialsError,
    "RequestLimitExceeded": errors.ThrottledError,
    "ResourceNotFoundException": errors.NotFoundError,
    "ServiceQuotaExceededException": errors.PermanentError,
    "SignatureDoesNotMatch": errors.CredentialsError,
    "Throttling": errors.ThrottledError,
    "ThrottlingException": errors.ThrottledError,
    "TooManyRequestsException": errors.ThrottledError,
    "TooManyRequests": errors.ThrottledError,
    "UnrecognizedClientException": errors.CredentialsError,
    "ValidationException": errors.PermanentError,
}

_BY_STATUS: Mapping[int, type[errors.AmazonError]] = {
    401: errors.CredentialsError,
    403: errors.AccessDeniedError,
    404: errors.NotFoundError,
    408: errors.OutcomeUnknownError,
    410: errors.ChatEndedError,
    429: errors.ThrottledError,
}

_BY_EXCEPTION: tuple[tuple[tuple[type[Exception], ...], type[errors.AmazonError]], ...] = (
    (
        (
            boto_errors.NoCredentialsError,
            boto_errors.PartialCredentialsError,
            boto_errors.CredentialRetrievalError,
            boto_errors.TokenRetrievalError,
            boto_errors.SSOError,
            boto_errors.LoginError,
            boto_errors.NoRegionError,
            boto_errors.ProfileNotFound,
            boto_errors.InvalidRegionError,
        ),
        errors.CredentialsError,
    ),
    ((boto_errors.ParamValidationError,), errors.PermanentError),
    # These fail before a byte of the request was sent.
    (
        (boto_errors.EndpointConnectionError, boto_errors.ConnectTimeoutError),
        errors.ServiceFaultError,
    ),
    ((Exception,), errors.OutcomeUnknownError),
)

# "A conflict with another operation or contact state": the other one may be this very call, sent
# before and not answered, so that only the same token can tell.
_UNKNOWN_IF_IN_CONFLICT = frozenset({"StartOutboundChatContact"})

# What changed nothing, whatever happened to it.
_READS = frozenset(
    {
        MAKE_CLIENT,
        "CreateParticipantConnection",
        "DescribeContact",
        "DescribeContactFlow",
        "DescribeInstance",
        "GetCallerIdentity",
        "GetMetricData",
        "GetObject",
        "GetTranscript",
        "ListInstanceStorageConfigs",
        "ListObjectsV2",
        "SearchContacts",
    }
)

# The participant service has no permissions: "denied" means that the token died with its chat.
_BEARER = frozenset(
    {"CreateParticipantConnection", "SendMessage", "GetTranscript", "DisconnectParticipant"}
)


def translate(operation: str, error: Exception) -> errors.AmazonError:
    """Translate an exception of boto3 into ours, by code first and then by status.

    Args:
        operation: The API operation, as Amazon names it.
        error: What boto3 raised.

    Returns:
        The exception to raise instead; details stay on it as attributes.
    """
    if isinstance(error, boto_errors.ClientError):
        return _translate_answer(operation, error)
    kind = next(kind for kinds, kind in _BY_EXCEPTION if isinstance(error, kinds))
    return _for_operation(kind, operation)(
        _describe(error), operation=operation, code=type(error).__name__
    )


def _describe(error: Exception) -> str:
    # Any other exception may quote the answer or a header, and those hold bearer tokens;
    # HTTPClientError itself, unlike its subclasses, quotes whatever urllib3 raised.
    own = isinstance(error, boto_errors.BotoCoreError)
    own = own and type(error) is not boto_errors.HTTPClientError
    return _shorten(str(error)) if own else "the answer was cut short or not understood"


def _translate_answer(operation: str, error: boto_errors.ClientError) -> errors.AmazonError:
    details = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code, status = str(details.get("Code", "")), metadata.get("HTTPStatusCode")
    kind = _BY_CODE.get(code) or _by_status(status)
    if operation in _UNKNOWN_IF_IN_CONFLICT and (
        code == _CONFLICT or status == HTTPStatus.CONFLICT
    ):
        kind = errors.OutcomeUnknownError
    return _for_operation(kind, operation)(
        _shorten(_first_line(details.get("Message"))),
        operation=operation,
        code=code,
        status=status,
        request_id=metadata.get("RequestId"),
    )


def _by_status(status: int | None) -> type[errors.AmazonError]:
    if status is None or not 400 <= status < 500:  # noqa: PLR2004 - HTTP's own numbers
        return errors.OutcomeUnknownError
    return _BY_STATUS.get(status, errors.PermanentError)


def _for_operation(kind: type[errors.AmazonError], operation: str) -> type[errors.AmazonError]:
    if kind is errors.OutcomeUnknownError and operation in _READS:
        return errors.ServiceFaultError
    if kind is errors.AccessDeniedError and operation in _BEARER:
        return errors.ChatEndedError
    if operation == MAKE_CLIENT and issubclass(kind, errors.PermanentError):
        # A role that cannot be assumed is no contact's fault.
        return errors.CredentialsError
    return kind


def _first_line(message: object) -> str:
    # Of a wrong signature, Amazon goes on with the request as it was signed, session token and all.
    return str(message or "").partition("\n")[0]


def _shorten(message: str, limit: int = 300) -> str:
    return message if len(message) <= limit else message[: limit - 1] + "…"
