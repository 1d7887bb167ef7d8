"""A token bucket that learns: how fast one API may be called, without waiting for anything.

The ledger keeps one for each API of an instance, so that all workers share it. Permits are granted
several at a time: a worker knows from them when it may make each call, and asks again when they
are used up.
"""

import math
from dataclasses import dataclass, replace

__all__ = ["PermitRequest", "Permits", "TokenBucket", "usable_burst"]

JITTER_SECONDS = 0.1

# Clocks of machines that share a ledger may differ by this.
CLOCK_SECONDS = 5.0

AHEAD_SECONDS = 0.5
PERMIT_SECONDS = 0.25

# Chosen by simulation, see ADR 0030. Calls are those of the full rate, so that one set of numbers
# fits every rate; the seconds keep rates of hundreds a second from doing it between two answers.
CUT = 0.75
CUT_SECONDS = 0.25
HOLD_CALLS, HOLD_SECONDS = 20, 0.25
RETURN_CALLS, RETURN_SECONDS = 50, 2.5
RETURN_TO, RETURN_TO_FULL = 0.88, 0.98
PROBE_CALLS, PROBE_SECONDS = 190, 9.0
RECOVERY_SECONDS = 170.0
SLOWEST = 0.02
# From the slowest to the full rate: exp(PROBED ** 3) is more than that.
PROBED = 1.7


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
        throttled: Whether a call was throttled since the last request.
        knew: The `slowed_at` of the permits under which that call was made; of several, the latest.
            One that was made before all slowed down says nothing about the rate since. None if
            nothing was known that could be old by now.
    """

    api: str
    wanted: int
    urgent: int = 0
    unused: int = 0
    throttled: bool = False
    knew: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """Calls that may be made: one in `first_seconds`, then one each `interval_seconds`.

    Those whose time is past may be made at once. A count of none says in `first_seconds` when to
    ask again.

    What is refused under them is told with their `slowed_at`: a mark of the bucket's, to compare
    and not a time to reckon with.
    """

    count: int
    first_seconds: float
    interval_seconds: float
    slowed_at: float = 0.0

    @property
    def rate(self) -> float:
        """Calls per second at present, of all workers together."""
        return 1 / self.interval_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucket:
    """Pure arithmetic over the times that it is told; its fields are a row of the ledger.

    Throttled, all who share it slow down to three quarters, at most four times a second, and once
    for all calls that were made before they knew of it. Time wins it back: soon almost up to where
    it was, for what refused may have been a moment's; then slowly, to find out whether there is
    more. After three calm minutes all of it is back, so that what was learnt from others' calls is
    also forgotten.

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
        bucket = replace(bucket, credit=credit)
        if _is_news(bucket, request):
            bucket = _slowed(bucket)
        return _granted(bucket, request)

    def at(self, now: float) -> "TokenBucket":
        """The bucket as it has become by this time."""
        # A time far ahead is somebody's wrong clock, which would silence everybody else.
        if self.seen_at > now + CLOCK_SECONDS:
            return replace(self, seen_at=now, slowed_at=min(self.slowed_at, now))
        passed = max(0.0, now - self.seen_at)
        credit = min(float(self.burst), self.credit + passed * self.rate)
        calm = self.seen_at - self.slowed_at
        gained = self._gained(calm, calm + passed)
        forgotten = _forgotten(calm + passed) - _forgotten(calm)
        return replace(
            self,
            credit=credit,
            seen_at=self.seen_at + passed,
            rate=min(self.full_rate, self.rate * gained + self.full_rate * forgotten),
        )

    def _gained(self, calm: float, until: float) -> float:
        """How many times the rate grows between two moments, in seconds since it was cut."""
        # Cut from the full rate, it was perhaps one moment's refusal; it is where nobody can be who
        # was cut from less.
        once = self.full_rate * CUT * self._grown(calm, RETURN_TO_FULL)
        to = RETURN_TO_FULL if self.rate >= 0.999 * once else RETURN_TO
        return self._grown(until, to) / self._grown(calm, to)

    def _grown(self, calm: float, to: float) -> float:
        """How many times the rate has grown since it was cut: soon up to a part of what it was."""
        hold = max(HOLD_SECONDS, HOLD_CALLS / self.full_rate)
        back = max(RETURN_SECONDS, RETURN_CALLS / self.full_rate)
        probe = max(PROBE_SECONDS, PROBE_CALLS / self.full_rate)
        returned = min(1.0, max(0.0, (calm - hold) / (back - hold)))
        beyond = min(PROBED, max(0.0, (calm - back) / probe))
        return math.pow(to / CUT, returned) * math.exp(beyond**3)


def _is_news(bucket: TokenBucket, request: PermitRequest) -> bool:
    """Whether a request tells of a call that was throttled in spite of the last slowing down.

    By the bucket's own times, so that workers' clocks need not agree.
    """
    knew_of_it = request.knew is None or request.knew >= bucket.slowed_at
    calm = bucket.seen_at - bucket.slowed_at
    return request.throttled and knew_of_it and calm >= CUT_SECONDS


def _slowed(bucket: TokenBucket) -> TokenBucket:
    rate = max(bucket.rate * CUT, bucket.full_rate * SLOWEST)
    return replace(bucket, rate=rate, credit=min(bucket.credit, 0.0), slowed_at=bucket.seen_at)


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
    return Permits(
        count=count,
        first_seconds=first_seconds,
        interval_seconds=1 / bucket.rate,
        slowed_at=bucket.slowed_at,
    )


def _forgotten(calm_seconds: float) -> float:
    """How much of the full rate comes back by calm alone: little at first, all of it in the end."""
    return min(1.0, max(0.0, calm_seconds / RECOVERY_SECONDS) ** 3)
