"""The concurrency limit of open chats, and each worker's fair share of it: pure decisions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

__all__ = ["ConcurrencyLimit", "SlotDemand", "fair_share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotDemand:
    """A worker's open chats: how many it has, would have, and may have."""

    open: int
    wanted: int
    granted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrencyLimit:
    """How many chats an instance really grants: its quota, or less where others use it too.

    A refusal teaches a lower ceiling. It is raised again by probes: by one at first, by twice as
    many after each that was not refused, and half as often after each that was.

    Args:
        quota: The quota of open chats.
        ceiling: How many may be open now.
        step: By how many the next probe raises it.
        probe_at: When that is, in seconds; None while the quota is in force.
        probe_seconds: How long until the probe after a refusal.
    """

    FIRST_PROBE_SECONDS: ClassVar[float] = 2.0
    LAST_PROBE_SECONDS: ClassVar[float] = 60.0

    quota: int
    ceiling: int
    step: int = 1
    probe_at: float | None = None
    probe_seconds: float = FIRST_PROBE_SECONDS

    def for_quota(self, quota: int) -> "ConcurrencyLimit":
        """The same ceiling; when somebody changed the quota, nothing is known of it yet."""
        return self if quota == self.quota else ConcurrencyLimit(quota=quota, ceiling=quota)

    def refused(self, open_chats: int, now: float) -> "ConcurrencyLimit":
        """The instance had no slot for one more than these."""
        return replace(
            self,
            ceiling=min(self.ceiling, open_chats),
            step=1,
            probe_at=now + self.probe_seconds,
            probe_seconds=min(self.LAST_PROBE_SECONDS, self.probe_seconds * 2),
        )

    def probed(self, now: float) -> "ConcurrencyLimit":
        """Raise it if it is time to; forget it if nobody has asked for long."""
        if self.probe_at is None or now < self.probe_at <= now + self.LAST_PROBE_SECONDS:
            return self
        if now > self.probe_at + self.LAST_PROBE_SECONDS:
            return ConcurrencyLimit(quota=self.quota, ceiling=self.quota)
        ceiling = min(self.quota, self.ceiling + self.step)
        return replace(
            self,
            ceiling=ceiling,
            step=self.step * 2,
            probe_at=None if ceiling == self.quota else now + self.probe_seconds,
        )


def fair_share(ceiling: int, mine: SlotDemand, others: Sequence[SlotDemand]) -> int:
    """How many chats a worker may have open: a fair share of what is not in others' hands.

    Workers that want less than their share leave the rest to the others. It may be less than are
    open: then what closes is not replaced, until others have theirs.

    Args:
        ceiling: How many chats all workers may have open.
        mine: What the worker has and wants.
        others: What the others have, want and were granted.

    Example:
        >>> other = SlotDemand(open=6, wanted=20, granted=6)
        >>> fair_share(10, SlotDemand(open=0, wanted=20), [other])
        4
    """
    fair = _level(ceiling, [mine.wanted, *(other.wanted for other in others)])
    free = ceiling - sum(max(other.open, other.granted) for other in others)
    return max(0, min(mine.wanted, fair, free))


def _level(ceiling: int, wanted: Sequence[int]) -> int:
    """Up to how many each may have, if all that want more get the same."""
    left = ceiling
    for served, want in enumerate(sorted(wanted)):
        # Rounded up: an odd slot must not lie idle. Whoever asks first has it.
        level = math.ceil(left / (len(wanted) - served))
        if want >= level:
            return level
        left -= want
    return max(wanted)
