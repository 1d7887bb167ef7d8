"""How fast, and how many at once: decisions over what they are told, without waiting for anything.

The ledger keeps a `Pace` for each API and a `Ceiling` for the open chats of each instance, so that
all workers share them. Calls are sold in lots: a worker that has bought one knows when it may make
each call, and asks again when the lot is spent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

__all__ = [
    "Ceiling",
    "Demand",
    "Lot",
    "Pace",
    "Purchase",
    "divide",
    "usable_burst",
]

JITTER_SECONDS = 0.1

# Clocks of machines that share a ledger may differ by this.
CLOCK_SECONDS = 5.0

AHEAD_SECONDS = 0.5
LOT_SECONDS = 0.25

# Chosen by simulation at 5, 50 and 500 calls per second with half of the rate taken by others, or
# granted only by half: at least 98 % of what was left was used, at most 1.5 % of calls throttled.
CUT = 0.75
CUT_SECONDS = 0.25
GAIN_PER_CALL = 0.002
GAIN_PER_SECOND = 0.05
RECOVERY_SECONDS = 170.0
SLOWEST = 0.02


def usable_burst(rate: float, burst: int) -> int:
    """How much of a burst to use, so that calls that overtake each other are not throttled.

    Calls reach Amazon later than they are made, some by more than others. What is kept back
    covers a tenth of a second of that, at least one call; it costs nothing once the rate binds.

    Args:
        rate: Tokens that come back per second.
        burst: Tokens that Amazon's bucket holds.

    Example:
        >>> usable_burst(5, 8), usable_burst(50, 80), usable_burst(5, 1)
        (7, 75, 1)
    """
    return max(1, burst - max(1, round(rate * JITTER_SECONDS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What a worker asks of a pace, and what it has to tell.

    Args:
        api: Which API is to be called.
        full_rate: Calls per second that the quota grants.
        burst: Calls at once that may be used of the quota.
        wanted: How many calls would be made in the next moment.
        unspent: Calls bought before and not made: they are credited.
        succeeded: Calls that went through since the last purchase.
        throttled: Whether a call was throttled since the last purchase.
    """

    api: str
    full_rate: float
    burst: int
    wanted: int
    unspent: int = 0
    succeeded: int = 0
    throttled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Calls that may be made: one in `first_seconds`, then one each `interval_seconds`.

    Those whose time is past may be made at once. A lot of none says in `first_seconds` when to ask
    again.
    """

    count: int
    first_seconds: float
    interval_seconds: float

    @property
    def rate(self) -> float:
        """Calls per second at present, of all workers together."""
        return 1 / self.interval_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A token bucket that learns: pure arithmetic over the times that it is told.

    Throttled, all who share it slow down to three quarters, at most four times a second. Calls
    that go through win the rate back bit by bit, and calm does: after three minutes without a
    throttle it is whole again, so that what was learnt from others' calls is also forgotten.

    Args:
        full_rate: Tokens that come back per second when nobody is throttled.
        burst: Tokens that fit.
        rate: Tokens that come back per second now.
        credit: What was in it at `seen_at`; below zero is what was sold ahead of time.
        seen_at: When it was last changed, in seconds.
        slowed_at: When it was last slowed down.
    """

    full_rate: float
    burst: int
    rate: float
    credit: float
    seen_at: float
    slowed_at: float

    @classmethod
    def full(cls, full_rate: float, burst: int, now: float) -> "Pace":
        """A pace of which nothing is used and nothing known."""
        return cls(
            full_rate=full_rate,
            burst=burst,
            rate=full_rate,
            credit=float(burst),
            seen_at=now,
            slowed_at=0.0,
        )

    def trade(self, purchase: Purchase, now: float) -> tuple["Pace", Lot]:
        """Take in what the worker tells, and sell it what there is."""
        pace = _for_quota(self.at(now), purchase)
        credit = min(float(pace.burst), pace.credit + purchase.unspent)
        pace = _won(replace(pace, credit=credit), purchase.succeeded, now - self.seen_at)
        if purchase.throttled and now - pace.slowed_at >= CUT_SECONDS:
            pace = _slowed(pace, now)
        return _sold(pace, purchase.wanted)

    def at(self, now: float) -> "Pace":
        """The pace as it has become by this time."""
        # A time far ahead is somebody's wrong clock, which would silence everybody else.
        if self.seen_at > now + CLOCK_SECONDS:
            return replace(self, seen_at=now, slowed_at=min(self.slowed_at, now))
        passed = max(0.0, now - self.seen_at)
        credit = min(float(self.burst), self.credit + passed * self.rate)
        calm = self.seen_at - self.slowed_at
        regained = self.full_rate * (_forgotten(calm + passed) - _forgotten(calm))
        return replace(
            self,
            credit=credit,
            seen_at=self.seen_at + passed,
            rate=min(self.full_rate, self.rate + regained),
        )


def _for_quota(pace: Pace, purchase: Purchase) -> Pace:
    """The same pace; when somebody changed the quota, nothing is known of it yet."""
    if (pace.full_rate, pace.burst) == (purchase.full_rate, purchase.burst):
        return pace
    return replace(
        pace,
        full_rate=purchase.full_rate,
        burst=purchase.burst,
        rate=purchase.full_rate,
        credit=min(pace.credit, float(purchase.burst)),
        slowed_at=0.0,
    )


def _won(pace: Pace, calls: int, passed: float) -> Pace:
    """Calls that went through earn some of the rate back."""
    won = pace.rate * min(GAIN_PER_CALL * calls, GAIN_PER_SECOND * max(0.0, passed))
    return replace(pace, rate=min(pace.full_rate, pace.rate + won))


def _slowed(pace: Pace, now: float) -> Pace:
    rate = max(pace.rate * CUT, pace.full_rate * SLOWEST)
    return replace(pace, rate=rate, credit=min(pace.credit, 0.0), slowed_at=now)


def _sold(pace: Pace, wanted: int) -> tuple[Pace, Lot]:
    for_sale = int(pace.credit + AHEAD_SECONDS * pace.rate)
    # Smaller lots would cost many round trips where many workers ask for them.
    least = min(wanted, max(1, int(LOT_SECONDS * pace.rate)))
    if for_sale < least:
        return pace, _lot(pace, 0, (least - pace.credit) / pace.rate - AHEAD_SECONDS)
    count = min(wanted, for_sale)
    lot = _lot(pace, count, (1 - pace.credit) / pace.rate)
    return replace(pace, credit=pace.credit - count), lot


def _lot(pace: Pace, count: int, first_seconds: float) -> Lot:
    return Lot(count=count, first_seconds=first_seconds, interval_seconds=1 / pace.rate)


def _forgotten(calm_seconds: float) -> float:
    """How much of the full rate comes back by calm alone: little at first, all of it in the end."""
    return min(1.0, max(0.0, calm_seconds / RECOVERY_SECONDS) ** 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A worker's open chats: how many it has, would have, and may have."""

    open: int
    wanted: int
    granted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
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

    def for_quota(self, quota: int) -> "Ceiling":
        """The same ceiling; when somebody changed the quota, nothing is known of it yet."""
        return self if quota == self.quota else Ceiling(quota=quota, ceiling=quota)

    def refused(self, open_chats: int, now: float) -> "Ceiling":
        """The instance had no slot for one more than these."""
        return replace(
            self,
            ceiling=min(self.ceiling, open_chats),
            step=1,
            probe_at=now + self.probe_seconds,
            probe_seconds=min(self.LAST_PROBE_SECONDS, self.probe_seconds * 2),
        )

    def probed(self, now: float) -> "Ceiling":
        """Raise it if it is time to; forget it if nobody has asked for long."""
        if self.probe_at is None or now < self.probe_at <= now + self.LAST_PROBE_SECONDS:
            return self
        if now > self.probe_at + self.LAST_PROBE_SECONDS:
            return Ceiling(quota=self.quota, ceiling=self.quota)
        ceiling = min(self.quota, self.ceiling + self.step)
        return replace(
            self,
            ceiling=ceiling,
            step=self.step * 2,
            probe_at=None if ceiling == self.quota else now + self.probe_seconds,
        )


def divide(ceiling: int, mine: Demand, others: Sequence[Demand]) -> int:
    """How many chats a worker may have open: a fair share of what is not in others' hands.

    Workers that want less than their share leave the rest to the others. It may be less than are
    open: then what closes is not replaced, until others have theirs.

    Args:
        ceiling: How many chats all workers may have open.
        mine: What the worker has and wants.
        others: What the others have, want and were granted.

    Example:
        >>> divide(10, Demand(open=0, wanted=20), [Demand(open=6, wanted=20, granted=6)])
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
