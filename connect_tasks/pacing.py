"""How fast, and how many at once: quotas, token buckets and open-chat slots.

`TokenBucket` and `ChatSlots` only decide; they are told the time and never wait.
`RateGate` and `SlotGate` are the waiting around them.
"""

import asyncio
from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connect_tasks.clock import Clock

__all__ = ["ChatSlots", "Quotas", "RateGate", "Slot", "SlotGate", "TokenBucket", "usable_burst"]

JITTER_SECONDS = 0.1

_SOURCE = "Default: Amazon Connect service quotas, 2026."


def _rate(default: float, what: str) -> float:
    value: float = Field(default=default, gt=0, description=f"{what} per second. {_SOURCE}")
    return value


def _burst(default: int, what: str) -> int:
    value: int = Field(default=default, ge=1, description=f"{what} at once. {_SOURCE}")
    return value


class Quotas(BaseModel):
    """What an Amazon Connect instance grants; the defaults are those of a new account.

    Rates of the Connect service count for a whole account and Region, those of the participant
    service for one instance (Amazon Connect administrator guide, service quotas).

    Example:
        ```python
        from connect_tasks import Quotas

        Quotas(starts_per_second=20, start_burst=30, open_chats=2_000)
        ```
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    starts_per_second: float = _rate(5, "StartChatContact calls")
    start_burst: int = _burst(8, "StartChatContact calls")
    open_chats: int = _burst(500, "Open chats of the instance, idle ones included,")
    stops_per_second: float = _rate(10, "StopContact calls")
    stop_burst: int = _burst(15, "StopContact calls")
    describes_per_second: float = _rate(10, "DescribeContact calls")
    describe_burst: int = _burst(15, "DescribeContact calls")
    connections_per_second: float = _rate(6, "CreateParticipantConnection calls")
    connection_burst: int = _burst(9, "CreateParticipantConnection calls")
    messages_per_second: float = _rate(10, "SendMessage and SendEvent calls")
    message_burst: int = _burst(15, "SendMessage and SendEvent calls")
    transcripts_per_second: float = _rate(8, "GetTranscript calls")
    transcript_burst: int = _burst(12, "GetTranscript calls")
    disconnects_per_second: float = _rate(3, "DisconnectParticipant calls")
    disconnect_burst: int = _burst(5, "DisconnectParticipant calls")
    token_validity: timedelta = Field(
        default=timedelta(hours=24),
        description="How long a client token surely returns the same contact. Amazon documents "
        "7 days for sibling calls and nothing for StartChatContact.",
    )

    @model_validator(mode="after")
    def _validity_is_positive(self) -> "Quotas":
        if self.token_validity <= timedelta(0):
            raise ValueError("token_validity must be longer than nothing")
        return self


class TokenBucket:
    """A rate with a burst: pure arithmetic over the times that it is told.

    A throttle halves the rate and empties the bucket; each later success wins back a twentieth
    of the full rate. So one throttled call slows everybody who shares the bucket.

    Args:
        rate: Tokens that come back per second.
        burst: Tokens that fit.
    """

    FLOOR = 0.05
    RECOVERY = 0.05

    def __init__(self, rate: float, burst: int) -> None:
        self.full_rate = rate
        self.rate = rate
        self.burst = burst
        self._tokens = float(burst)
        self._seen: float | None = None

    def take(self, now: float) -> float:
        """Take a token: 0 when there was one, else the seconds until there will be."""
        self._refill(now)
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.rate

    def slow_down(self, now: float) -> None:
        """The other side said "too many": halve the rate and start from an empty bucket."""
        self._refill(now)
        self.rate = max(self.rate / 2, self.full_rate * self.FLOOR)
        self._tokens = min(self._tokens, 0.0)

    def speed_up(self) -> None:
        """A call went through: win back a little of the rate."""
        if self.rate < self.full_rate:
            self.rate = min(self.full_rate, self.rate + self.full_rate * self.RECOVERY)

    def _refill(self, now: float) -> None:
        if self._seen is not None and now > self._seen:
            self._tokens = min(self.burst, self._tokens + (now - self._seen) * self.rate)
        self._seen = now if self._seen is None else max(self._seen, now)


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


class RateGate:
    """A queue before a `TokenBucket`: first come, first served.

    Args:
        bucket: Decides who may pass.
        clock: Tells the time and waits.
    """

    def __init__(self, bucket: TokenBucket, clock: Clock) -> None:
        self.bucket = bucket
        self._clock = clock
        self._queue = asyncio.Lock()

    async def pass_through(self) -> None:
        """Wait for one's turn and take a token."""
        async with self._queue:
            while wait := self.bucket.take(self._clock.monotonic()):
                await self._clock.sleep(wait)

    def throttled(self) -> None:
        """Tell that the other side refused a call for its rate."""
        self.bucket.slow_down(self._clock.monotonic())


class ChatSlots:
    """How many chats may be open: the quota, lowered to what the instance really grants.

    Other systems share the instance's slots, so a refusal teaches a lower ceiling. It is raised
    by one with each probe, and probes come half as often after each refusal.

    Args:
        quota: The instance's quota of open chats.
    """

    FIRST_PROBE_SECONDS = 2.0
    LAST_PROBE_SECONDS = 60.0

    def __init__(self, quota: int) -> None:
        self.quota = quota
        self.ceiling = quota
        self.open = 0
        self._probe_seconds = self.FIRST_PROBE_SECONDS
        self._probe_at: float | None = None

    def take(self, now: float) -> bool:
        """Take a slot if there is one."""
        self._probe(now)
        if self.open >= self.ceiling:
            return False
        self.open += 1
        return True

    def give_back(self) -> None:
        """A chat closed, or was not started after all."""
        self.open -= 1

    def refuse(self, now: float) -> None:
        """The instance had no slot for one that we took: give it back and learn from it."""
        self.open -= 1
        self.ceiling = min(self.ceiling, self.open)
        self._probe_at = now + self._probe_seconds
        self._probe_seconds = min(self.LAST_PROBE_SECONDS, self._probe_seconds * 2)

    def grant(self) -> None:
        """The instance had a slot: probe sooner again."""
        self._probe_seconds = self.FIRST_PROBE_SECONDS

    def seconds_to_probe(self, now: float) -> float | None:
        """How long until a higher ceiling is tried, or None when the quota is in force."""
        return None if self._probe_at is None else max(0.0, self._probe_at - now)

    def _probe(self, now: float) -> None:
        if self._probe_at is None or now < self._probe_at:
            return
        self.ceiling = min(self.quota, max(self.ceiling, self.open) + 1)
        self._probe_at = None if self.ceiling == self.quota else now + self._probe_seconds


class SlotGate:
    """A queue before `ChatSlots`: admission waits here until a chat closes.

    Args:
        slots: Decides who may pass.
        clock: Tells the time.
    """

    def __init__(self, slots: ChatSlots, clock: Clock) -> None:
        self.slots = slots
        self._clock = clock
        self._queue = asyncio.Lock()
        self._closed = asyncio.Event()

    async def pass_through(self) -> None:
        """Wait for a slot and take it."""
        async with self._queue:
            while not self.slots.take(self._clock.monotonic()):
                await self._close_or_probe()

    def give_back(self) -> None:
        """A chat closed."""
        self.slots.give_back()
        self._closed.set()

    def refuse(self) -> None:
        """The instance had no slot."""
        self.slots.refuse(self._clock.monotonic())
        # Whoever waits for a close may wait in vain; from now on there is a probe to wait for.
        self._closed.set()

    async def _close_or_probe(self) -> None:
        self._closed.clear()
        patience = self.slots.seconds_to_probe(self._clock.monotonic())
        try:
            await asyncio.wait_for(self._closed.wait(), patience)
        except TimeoutError:
            return


class Slot:
    """A slot of one's own: taken on entering, given back on leaving.

    Args:
        gate: Where it is taken.
    """

    def __init__(self, gate: SlotGate) -> None:
        self._gate = gate
        self._is_held = False

    async def __aenter__(self) -> Self:
        await self._take()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._is_held:
            self._gate.give_back()

    async def refuse(self) -> None:
        """The instance had no slot after all: wait for another one."""
        self._is_held = False
        self._gate.refuse()
        await self._take()

    async def _take(self) -> None:
        await self._gate.pass_through()
        self._is_held = True
