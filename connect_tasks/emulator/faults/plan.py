"""Scripted trouble: which call, which customer, which frame, and what goes wrong with it.

This module only decides. The wire does what it says.
"""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self, TypedDict, Unpack

from connect_tasks.emulator.model.operations import OPERATIONS, OWNERS, STORAGE_OPERATIONS
from connect_tasks.emulator.quotas import throttled

__all__ = ["Fault", "FaultKind", "FaultPlan"]

CHAT_FRAME = "ChatFrame"
"""The operation name under which each chat frame of a socket is looked up."""


class FaultKind(StrEnum):
    """What goes wrong."""

    ERROR_BEFORE = "error_before"
    """The call is refused with `status` and `code`; nothing happens."""
    ERROR_AFTER = "error_after"
    """The call is carried out, and refused with `status` and `code` all the same."""
    CUT_BEFORE = "cut_before"
    """The connection is reset without an answer; nothing happens."""
    CUT_AFTER = "cut_after"
    """The call is carried out, and the connection is reset without an answer."""
    TRUNCATED = "truncated"
    """The call is carried out, and the connection is cut in the middle of the answer's body."""
    THROTTLE = "throttle"
    """The call is refused as if its rate were used up; nothing happens."""
    NO_SLOT = "no_slot"
    """The call is refused as if too many chats were open; nothing happens."""
    UNTYPED_429 = "untyped_429"
    """The call is refused with status 429 and without a code; nothing happens."""
    EXPIRED_CREDENTIALS = "expired_credentials"
    """The call is refused as if its AWS credentials had expired; nothing happens."""
    DELAY = "delay"
    """The call is carried out, and answered `seconds` later."""
    SOCKET_DROP = "socket_drop"
    """The chat frame is sent, and its socket is cut right after it."""
    SOCKET_SILENT = "socket_silent"
    """From this chat frame on its socket stays open, and nothing is sent on it any more."""
    FRAME_LOST = "frame_lost"
    """The chat frame is never sent; its item is in the transcript."""
    FRAME_DUPLICATED = "frame_duplicated"
    """The chat frame is sent twice."""
    FRAME_SWAPPED = "frame_swapped"
    """The chat frame is sent after the next one of its socket."""
    FILE_CUT = "file_cut"
    """The transcript file is read while only its first half is written."""
    FILE_VERSION = "file_version"
    """The transcript file is of another version of the format."""
    FILE_CONTACT = "file_contact"
    """The transcript file is of another contact."""
    FILE_NO_JSON = "file_no_json"
    """The transcript file is no JSON."""
    FILE_HUGE = "file_huge"
    """The transcript file has 50 MiB more than it should, and is still JSON."""


class ErrorAnswer(NamedTuple):
    """What a struck call is answered with; without a `code` the error is untyped."""

    status: int
    code: str | None
    message: str


class When(TypedDict, total=False):
    """Which of the matching calls a fault strikes, as `Fault` describes it."""

    customer_id: str | None
    per_customer: bool
    nth: int | None
    every: int | None
    share: float | None


# Final, so that mypy knows of the others, too, that they are not among these.
FRAME_KINDS: Final = (
    FaultKind.SOCKET_DROP,
    FaultKind.SOCKET_SILENT,
    FaultKind.FRAME_LOST,
    FaultKind.FRAME_DUPLICATED,
    FaultKind.FRAME_SWAPPED,
)
"""The kinds that strike chat frames; all others strike calls."""

FILE_KINDS: Final = (
    FaultKind.FILE_CUT,
    FaultKind.FILE_VERSION,
    FaultKind.FILE_CONTACT,
    FaultKind.FILE_NO_JSON,
    FaultKind.FILE_HUGE,
)
"""The kinds that strike calls which read a transcript file: it is given out, and is not right."""

_OF_SOME: Mapping[FaultKind, Sequence[str]] = {
    FaultKind.NO_SLOT: ("StartChatContact", "StartOutboundChatContact"),
    # The participant service takes bearer tokens, and does not look at credentials.
    FaultKind.EXPIRED_CREDENTIALS: (*OPERATIONS["connect"], *STORAGE_OPERATIONS),
    **dict.fromkeys(FILE_KINDS, ("GetObject", "HeadObject")),
}
_RANGES = (
    ("nth", 1, math.inf),
    ("every", 1, math.inf),
    ("share", 0, 1),
    ("status", 400, 599),
    # A day; more is a slip of the pen, and infinity cannot be slept.
    ("seconds", 0, 86_400),
)
_ANSWERS = {
    FaultKind.NO_SLOT: ErrorAnswer(
        429, "LimitExceededException", "Quota exceeded for concurrent active chats"
    ),
    FaultKind.UNTYPED_429: ErrorAnswer(429, None, "Too Many Requests"),
    FaultKind.EXPIRED_CREDENTIALS: ErrorAnswer(
        403, "ExpiredTokenException", "The security token included in the request is expired"
    ),
}
_ANSWERS_OF_STORAGE = {
    FaultKind.UNTYPED_429: _ANSWERS[FaultKind.UNTYPED_429],
    FaultKind.EXPIRED_CREDENTIALS: ErrorAnswer(
        400, "ExpiredToken", "The provided token has expired."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One scripted fault; without `nth`, `every` and `share` it strikes each matching call.

    Attributes:
        operation: Name of the operation, of S3 too, or `"ChatFrame"` for the frame and socket
            kinds.
        kind: What goes wrong.
        customer_id: Only for this customer's calls and frames.
        per_customer: Count calls apart for each customer instead of all together.
        nth: Strike this matching call only; the first is 1.
        every: Strike each time this many matching calls have come.
        share: Strike this part of the matching calls, from 0 to 1, chosen by the seed.
        status: HTTP status of `ERROR_BEFORE` and `ERROR_AFTER`.
        code: Their error code; `None` gives an untyped error.
        message: Their message.
        seconds: How long `DELAY` lasts; longer than the client's time-out, the client gives up.

    Raises:
        ValueError: This kind cannot strike this operation, or there is no such operation, or a
            number is out of its range; the message begins with the field's name.

    Example:
        ```python
        faults = [
            Fault.throttle("SendMessage", share=0.1),
            Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, every=20),
            Fault(operation="ChatFrame", kind=FaultKind.SOCKET_SILENT, nth=3, per_customer=True),
        ]
        with LocalConnect(faults=faults) as local:
            ...
        print(local.injected)
        ```
    """

    operation: str
    kind: FaultKind
    customer_id: str | None = None
    per_customer: bool = False
    nth: int | None = None
    every: int | None = None
    share: float | None = None
    status: int = 500
    code: str | None = "InternalServiceException"
    message: str = "Internal Service Error"
    seconds: float = 0.0

    def __post_init__(self) -> None:
        calls = (*OWNERS, *STORAGE_OPERATIONS)
        operations = (CHAT_FRAME,) if self.kind in FRAME_KINDS else calls
        allowed = _OF_SOME.get(self.kind, operations)
        if self.operation not in allowed:
            names = ", ".join(sorted(allowed))
            what = f"{self.kind} cannot strike {self.operation!r}; it can: {names}."
            raise ValueError(f"operation: {what}")
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                bounds = f"at least {least}" if math.isinf(most) else f"from {least} to {most}"
                raise ValueError(f"{name}: must be {bounds}, not {value!r}.")

    @classmethod
    def throttle(cls, operation: str, **when: Unpack[When]) -> Self:
        """The operation's rate is used up: 429 with the code that Amazon gives for it."""
        return cls(operation=operation, kind=FaultKind.THROTTLE, **when)

    @classmethod
    def no_slot(cls, **when: Unpack[When]) -> Self:
        """StartChatContact finds too many chats open: 429 with LimitExceededException."""
        return cls(operation="StartChatContact", kind=FaultKind.NO_SLOT, **when)

    @classmethod
    def untyped_429(cls, operation: str, **when: Unpack[When]) -> Self:
        """Something before the service says 429, and gives no code."""
        return cls(operation=operation, kind=FaultKind.UNTYPED_429, **when)

    @classmethod
    def expired_credentials(cls, operation: str, **when: Unpack[When]) -> Self:
        """The AWS credentials have expired: 403 with ExpiredTokenException."""
        return cls(operation=operation, kind=FaultKind.EXPIRED_CREDENTIALS, **when)

    @property
    def error(self) -> ErrorAnswer:
        """What a struck call is refused with.

        Raises:
            KeyError: This kind refuses nothing.
        """
        if self.kind in (FaultKind.ERROR_BEFORE, FaultKind.ERROR_AFTER):
            return ErrorAnswer(self.status, self.code, self.message)
        if self.kind is FaultKind.THROTTLE:
            refusal = throttled(self.operation)
            return ErrorAnswer(refusal.status, refusal.code, refusal.message)
        if self.operation in STORAGE_OPERATIONS:
            return _ANSWERS_OF_STORAGE[self.kind]
        return _ANSWERS[self.kind]

    def matches(self, operation: str, customer_id: str | None) -> bool:
        """Whether this fault counts a call at all."""
        return self.operation == operation and self.customer_id in (None, customer_id)

    def strikes(self, count: int, chance: float) -> bool:
        """Whether this fault strikes the matching call of this number."""
        return (
            (self.nth is None or count == self.nth)
            and (self.every is None or count % self.every == 0)
            and (self.share is None or chance < self.share)
        )


class FaultPlan:
    """The faults of one local Amazon Connect, and how far each has counted.

    Args:
        faults: The faults; where several strike one call, the first of them wins.
        seed: Decides which calls a `share` picks.
    """

    def __init__(self, faults: Sequence[Fault] = (), seed: int = 0) -> None:
        self._faults = tuple(faults)
        self._seed = seed
        self._seen: Counter[tuple[int, str | None]] = Counter()

    def __bool__(self) -> bool:
        return bool(self._faults)

    def next(self, operation: str, customer_id: str | None) -> Fault | None:
        """Count one call, and name the fault that strikes it.

        Args:
            operation: Name of the operation, or `"ChatFrame"`.
            customer_id: Whose call it is, if that is known.
        """
        struck = [
            fault
            for index, fault in enumerate(self._faults)
            if fault.matches(operation, customer_id)
            and fault.strikes(*self._count(index, fault, customer_id))
        ]
        return struck[0] if struck else None

    def _count(self, index: int, fault: Fault, customer_id: str | None) -> tuple[int, float]:
        key = (index, customer_id if fault.per_customer else None)
        self._seen[key] += 1
        count = self._seen[key]
        # S311: the chance is for repeatable tests, not for secrets.
        chance = random.Random(f"{self._seed}:{key}:{count}").random()  # noqa: S311
        return count, chance
