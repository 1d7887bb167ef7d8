"""The refusals of the two services, as Amazon Connect words them."""

__all__ = ["STATUS", "RefusedError", "access_denied", "expired"]

STATUS = {
    "AccessDeniedException": 403,
    "BadRequestException": 400,
    "ContactNotFoundException": 410,
    "ExpiredTokenException": 403,
    "ForbiddenException": 403,
    "InternalServerException": 500,
    "InternalServiceException": 500,
    "InvalidParameterException": 400,
    "InvalidRequestException": 400,
    "LimitExceededException": 429,
    "MissingAuthenticationTokenException": 403,
    "RequestTimeoutException": 408,
    "RequestTooLargeException": 413,
    "ResourceNotFoundException": 404,
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
