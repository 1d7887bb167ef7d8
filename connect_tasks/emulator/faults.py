"""Scripted trouble: which call, which customer, which frame, and what goes wrong with it.

This module only decides. The wire does what it says.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connect_tasks.emulator.operations import OWNERS

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
    """The connection is cut without an answer; nothing happens."""
    CUT_AFTER = "cut_after"
    """The call is carried out, and the connection is cut without an answer."""
    DELAY = "delay"
    """The call is carried out, and answered `seconds` later."""
    SOCKET_DROP = "socket_drop"
    """The chat frame is sent, and its socket is cut right after it."""
    FRAME_LOST = "frame_lost"
    """The chat frame is never sent."""
    FRAME_DUPLICATED = "frame_duplicated"
    """The chat frame is sent twice."""
    FRAME_SWAPPED = "frame_swapped"
    """The chat frame is sent after the next one of its socket."""


_OF_FRAMES = {
    FaultKind.SOCKET_DROP,
    FaultKind.FRAME_LOST,
    FaultKind.FRAME_DUPLICATED,
    FaultKind.FRAME_SWAPPED,
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One scripted fault; without `nth`, `every` and `share` it strikes each matching call.

    Attributes:
        operation: Name of the operation, or `"ChatFrame"` for the frame and socket kinds.
        kind: What goes wrong.
        customer_id: Only for this customer's calls and frames.
        per_customer: Count calls apart for each customer instead of all together.
        nth: Strike this matching call only; the first is 1.
        every: Strike each time this many matching calls have come.
        share: Strike this part of the matching calls, from 0 to 1, chosen by the seed.
        status: HTTP status of the error kinds.
        code: Error code of the error kinds; `None` gives an untyped error.
        message: Message of the error kinds.
        seconds: How long `DELAY` lasts.

    Raises:
        ValueError: This kind cannot strike this operation, or there is no such operation.
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
        allowed = {CHAT_FRAME} if self.kind in _OF_FRAMES else set(OWNERS)
        if self.operation not in allowed:
            names = ", ".join(sorted(allowed))
            raise ValueError(f"{self.kind} cannot strike {self.operation!r}; it can: {names}.")

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
