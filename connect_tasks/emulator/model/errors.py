"""The refusals of the services, as Amazon words them."""

__all__ = ["STATUS", "RefusedError", "access_denied", "expired", "not_found"]

STATUS = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "BadRequestException": 400,
    "ConflictException": 409,
    "ContactNotFoundException": 410,
    "EntityTooLarge": 400,
    "ExpiredToken": 400,
    "ExpiredTokenException": 403,
    "ForbiddenException": 403,
    "InternalError": 500,
    "InternalServerException": 500,
    "InternalServiceException": 500,
    "InvalidArgument": 400,
    "InvalidParameterException": 400,
    "InvalidRange": 416,
    "InvalidRequestException": 400,
    "LimitExceededException": 429,
    "MethodNotAllowed": 405,
    "MissingAuthenticationTokenException": 403,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
    "RequestTimeoutException": 408,
    "RequestTooLargeException": 413,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 402,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
    "UnknownOperationException": 404,
    "ValidationException": 400,
}
"""HTTP status of each error code that the local Amazon Connect can answer with."""


class RefusedError(Exception):
    """A request was refused; nothing was changed by it.

    Attributes:
        code: The error code, as in the `x-amzn-ErrorType` header.
        status: The HTTP status that goes with it.
        message: What the body says.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.status = STATUS[code]
        self.message = message


def access_denied() -> RefusedError:
    """The participant service's answer to a wrong, stale or missing bearer token."""
    return RefusedError("AccessDeniedException", "Access denied")


def expired() -> RefusedError:
    """The answer to a call that was signed with credentials of yesterday."""
    message = "The security token included in the request is expired"
    return RefusedError("ExpiredTokenException", message)


def not_found() -> RefusedError:
    """The answer of `connect` to an id of nothing that it has."""
    return RefusedError("ResourceNotFoundException", "Resource not found")
