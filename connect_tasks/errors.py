"""Every exception of the package, arranged by what a caller can do about it.

```
ConnectTasksError
├── InputError                the table, template or an argument is wrong: mend it, nothing was sent
│   └── NotSavedError             no block is saved under this name
├── AmazonError               Amazon Connect (or the way to it) answered with an error
│   ├── RetryableError        nothing happened; the same call may be made again
│   │   ├── ThrottledError        too many calls: slow down
│   │   ├── NoSlotError           too many open chats: wait until one closes
│   │   └── ServiceFaultError     a read failed on Amazon's side
│   ├── OutcomeUnknownError   it may have happened: repeat only with the same token and bytes
│   ├── PermanentError        this request will never succeed as it is
│   │   └── NotFoundError         something that the request names does not exist
│   ├── ChatEndedError        the chat is over; nothing more can be said or read
│   └── CampaignWideError     no request can succeed until a person changes something
│       ├── AccessDeniedError     the identity may not do this
│       └── CredentialsError      credentials are missing, wrong or expired
├── ChatLostError             a chat's connection broke and could not be restored
├── CampaignHaltedError       a campaign stopped early; everything is resumable
│   └── RampHaltedError           too much went wrong in a step of its ramp: a person resumes it
├── CasesFailedError          a flow does otherwise than its cases expect: look at which is right
└── LedgerError               the ledger cannot be used; nothing is sent without it
    ├── LedgerAddressError        its URL is wrong (an InputError, too)
    ├── LedgerUnreachableError    its database server does not answer; it may come back
    ├── ClaimLostError            another worker has taken a contact over
    │   └── NotAllowedError           the policy does not allow it to be contacted now
    └── UnwritableError           a value that the database cannot hold: one contact's, not all
```
"""

from typing import Any

__all__ = [
    "AccessDeniedError",
    "AmazonError",
    "CampaignHaltedError",
    "CampaignWideError",
    "CasesFailedError",
    "ChatEndedError",
    "ChatLostError",
    "ClaimLostError",
    "ConnectTasksError",
    "CredentialsError",
    "InputError",
    "LedgerAddressError",
    "LedgerError",
    "LedgerUnreachableError",
    "NoSlotError",
    "NotAllowedError",
    "NotFoundError",
    "NotSavedError",
    "OutcomeUnknownError",
    "PermanentError",
    "RampHaltedError",
    "RetryableError",
    "ServiceFaultError",
    "ThrottledError",
    "UnwritableError",
]


class ConnectTasksError(Exception):
    """Anything that connect-tasks raises on purpose.

    In a notebook it is shown as its sentence. `import traceback; traceback.print_last()` in the
    next cell shows where it was raised.
    """

    def _render_traceback_(self) -> list[str]:
        # What IPython asks an exception that knows better how to be shown.
        return [f"{type(self).__name__}: {self}"]


class InputError(ConnectTasksError, ValueError):
    """The table, the template or an argument is wrong; nothing was sent."""


class NotSavedError(InputError):
    """No block is saved under this name; it may be the name of something else."""


class LedgerError(ConnectTasksError):
    """The ledger cannot be opened, read or written; nothing is sent without it."""


class LedgerAddressError(LedgerError, InputError):
    """The ledger's URL is none, or of a database that is not supported: mend it."""


class LedgerUnreachableError(LedgerError):
    """The ledger's database server does not answer; it may come back."""


class ClaimLostError(LedgerError):
    """Another worker has taken a contact over; this one must leave it alone."""


class NotAllowedError(ClaimLostError):
    """The campaign's policy does not allow a contact now; its claim is given up.

    Attributes:
        is_withheld: Whether it is for good; else it waits for its time.
    """

    def __init__(self, message: str, *, is_withheld: bool = False) -> None:
        super().__init__(message)
        self.is_withheld = is_withheld


class UnwritableError(LedgerError):
    """The database cannot hold a value of one contact; all others can be written."""


class ChatLostError(ConnectTasksError):
    """A chat's connection broke and could not be restored."""


class CampaignHaltedError(ConnectTasksError):
    """A campaign stopped before its last row; running it again goes on from there."""


class RampHaltedError(CampaignHaltedError):
    """Too much went wrong in a step of a campaign's ramp; it is paused until a person's word."""


class CasesFailedError(ConnectTasksError, AssertionError):
    """A flow does otherwise than its cases expect; what happened is said beside what should."""


class AmazonError(ConnectTasksError):
    """Amazon Connect, or the way to it, answered with an error.

    Args:
        message: What Amazon (or the network) said.
        operation: The API operation, as Amazon names it.
        code: Amazon's error code, or the exception's name where there was no answer.
        status: The HTTP status, or None where there was no answer.
        request_id: Amazon's request id, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        code: str = "",
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.code = code
        self.status = status
        self.request_id = request_id

    def __str__(self) -> str:
        place = " ".join(str(part) for part in (self.operation, self.code, self.status) if part)
        return f"{place}: {self.message}" if place else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Prefect pickles exceptions; keyword arguments do not survive that by default.
        return _rebuild, (type(self), self.message, vars(self))


def _rebuild(kind: type[AmazonError], message: str, state: dict[str, Any]) -> AmazonError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class RetryableError(AmazonError):
    """Nothing happened; the same call may be made again later."""


class ThrottledError(RetryableError):
    """Too many calls: slow down."""


class NoSlotError(RetryableError):
    """Too many open chats in the instance: wait until one closes."""


class ServiceFaultError(RetryableError):
    """A call that changes nothing, or may be repeated freely, failed on Amazon's side."""


class OutcomeUnknownError(AmazonError):
    """The call may have taken effect: repeat it only with the same token and the same bytes."""


class PermanentError(AmazonError):
    """This request will never succeed as it is."""


class NotFoundError(PermanentError):
    """Something that the request names does not exist."""


class ChatEndedError(AmazonError):
    """The chat is over; nothing more can be said or read."""


class CampaignWideError(AmazonError):
    """No request can succeed until a person changes something."""


class AccessDeniedError(CampaignWideError):
    """The identity that calls may not do this."""


class CredentialsError(CampaignWideError):
    """Credentials are missing, wrong or expired."""
