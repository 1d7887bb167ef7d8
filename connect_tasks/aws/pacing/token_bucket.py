"""A token bucket that learns: how fast one API may be called, without waiting for anything.

The ledger keeps one for each API of an instance, so that all workers share it. Permits are granted
several at a time: a worker knows from them when it may make each call, and asks again when they
are used up.
"""

from dataclasses import dataclass, replace

__all__ = ["PermitRequest", "Permits", "TokenBucket", "usable_burst"]

JITTER_SECONDS = 0.1

# Clocks of machines that share a ledger may differ by this.
CLOCK_SECONDS = 5.0

AHEAD_SECONDS = 0.5
PERMIT_SECONDS = 0.25

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
class PermitRequest:
    """What a worker asks of a bucket, and what it has to tell.

    Args:
        api: Which API is to be called.
        wanted: How many calls would be made in the next moment.
        urgent: How many of them are of chats that live, or will soon be lost. They are permitted
            further ahead than the others: whatever the others of all workers have taken, there is
            some left for these.
        unused: Calls that were permitted before and not made: they are credited.
        succeeded: Calls that went through since the last request.
        throttled: Whether a call was throttled since the last request.
    """

    api: str
    wanted: int
    urgent: int = 0
    unused: int = 0
    succeeded: int = 0
    throttled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """Calls that may be made: one in `first_seconds`, then one each `interval_seconds`.

    Those whose time is past may be made at once. A count of none says in `first_seconds` when to
    ask again.
    """

    count: int
    first_seconds: float
    interval_seconds: float

    @property
    def rate(self) -> float:
        """Calls per second at present, of all workers together."""
        return 1 / self.interval_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucket:
    """Pure arithmetic over the times that it is told; its fields are a row of the ledger.

    Throttled, all who share it slow down to three quarters, at most four times a second. Calls
    that go through win the rate back bit by bit, and calm does: after three minutes without a
    throttle it is whole again, so that what was learnt from others' calls is also forgotten.

    Args:
        full_rate: Tokens that come back per second when nobody is throttled.
        burst: Tokens that fit.
        rate: Tokens that come back per second now.
        credit: What was in it at `seen_at`; below zero is what was granted ahead of time.
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
    def full(cls, full_rate: float, burst: int, now: float) -> "TokenBucket":
        """A bucket of which nothing is used and nothing known."""
        return cls(
            full_rate=full_rate,
            burst=burst,
            rate=full_rate,
            credit=float(burst),
            seen_at=now,
            slowed_at=0.0,
        )

    def for_quota(self, full_rate: float, burst: int) -> "TokenBucket":
        """The same bucket; when somebody changed the quota, nothing is known of it yet."""
        if (self.full_rate, self.burst) == (full_rate, burst):
            return self
        return replace(
            self,
            full_rate=full_rate,
            burst=burst,
            rate=full_rate,
            credit=min(self.credit, float(burst)),
            slowed_at=0.0,
        )

    def grant(self, request: PermitRequest, now: float) -> tuple["TokenBucket", Permits]:
        """Take in what the worker tells, and permit what can be.

        Returns:
            The bucket afterwards, and the permits.
        """
        bucket = self.at(now)
        credit = min(float(bucket.burst), bucket.credit + request.unused)
        bucket = _won(replace(bucket, credit=credit), request.succeeded, now - self.seen_at)
        if request.throttled and now - bucket.slowed_at >= CUT_SECONDS:
            bucket = _slowed(bucket, now)
        return _granted(bucket, request)

    def at(self, now: float) -> "TokenBucket":
        """The bucket as it has become by this time."""
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


def _won(bucket: TokenBucket, calls: int, passed: float) -> TokenBucket:
    """Calls that went through earn some of the rate back."""
    won = bucket.rate * min(GAIN_PER_CALL * calls, GAIN_PER_SECOND * max(0.0, passed))
    return replace(bucket, rate=min(bucket.full_rate, bucket.rate + won))


def _slowed(bucket: TokenBucket, now: float) -> TokenBucket:
    rate = max(bucket.rate * CUT, bucket.full_rate * SLOWEST)
    return replace(bucket, rate=rate, credit=min(bucket.credit, 0.0), slowed_at=now)


def _granted(bucket: TokenBucket, request: PermitRequest) -> tuple[TokenBucket, Permits]:
    free = bucket.credit + AHEAD_SECONDS * bucket.rate
    # Smaller portions would cost many round trips where many workers ask for them.
    portion = max(1, int(PERMIT_SECONDS * bucket.rate))
    # What others than live chats leave in any case: at least one portion.
    reserve = max(1.0, PERMIT_SECONDS * bucket.rate)
    urgent = _count(request.urgent, free + reserve, portion)
    count = urgent + _count(request.wanted - request.urgent, free - urgent, portion)
    if not count:
        least = min(request.urgent or request.wanted, portion)
        missing = least - free - (reserve if request.urgent else 0)
        return bucket, _permits(bucket, 0, missing / bucket.rate)
    permits = _permits(bucket, count, (1 - bucket.credit) / bucket.rate)
    return replace(bucket, credit=bucket.credit - count), permits


def _count(wanted: int, free: float, portion: int) -> int:
    """How many permits are given of those that are wanted: a portion at least, or none."""
    return min(wanted, int(free)) if int(free) >= min(wanted, portion) else 0


def _permits(bucket: TokenBucket, count: int, first_seconds: float) -> Permits:
    return Permits(count=count, first_seconds=first_seconds, interval_seconds=1 / bucket.rate)


def _forgotten(calm_seconds: float) -> float:
    """How much of the full rate comes back by calm alone: little at first, all of it in the end."""
    return min(1.0, max(0.0, calm_seconds / RECOVERY_SECONDS) ** 3)
