"""Quotas: what an Amazon Connect instance grants, in calls per second and open chats."""

import math
from datetime import timedelta

from pydantic import Field, model_validator

from connect_tasks.aws.pacing.token_bucket import usable_burst
from connect_tasks.aws.strict_model import StrictModel

__all__ = ["LEAST_THREADS", "Quotas", "threads_for"]

# By API: the quotas of its rate and its burst.
_RATES = {
    "StartChatContact": ("starts_per_second", "start_burst"),
    "StartOutboundChatContact": ("outbound_starts_per_second", "outbound_start_burst"),
    "StopContact": ("stops_per_second", "stop_burst"),
    "DescribeContact": ("describes_per_second", "describe_burst"),
    "SearchContacts": ("searches_per_second", "search_burst"),
    "ListInstanceStorageConfigs": ("storage_lists_per_second", "storage_list_burst"),
    "CreateParticipantConnection": ("connections_per_second", "connection_burst"),
    "SendMessage": ("messages_per_second", "message_burst"),
    "GetTranscript": ("transcripts_per_second", "transcript_burst"),
    "DisconnectParticipant": ("disconnects_per_second", "disconnect_burst"),
}

# From Amazon's answers over the open internet, generously; on the way to a local instance, less.
ANSWER_SECONDS = 0.2
LEAST_THREADS = 16
MOST_THREADS = 64

# Of the time in which Amazon wants a new chat connected.
_WINDOW_SHARE = 0.5

_SOURCE = "Default: Amazon Connect service quotas, 2026."


def _rate(default: float, what: str) -> float:
    value: float = Field(default=default, gt=0, description=f"{what} per second. {_SOURCE}")
    return value


def _burst(default: int, what: str) -> int:
    value: int = Field(default=default, ge=1, description=f"{what} at once. {_SOURCE}")
    return value


class Quotas(StrictModel):
    """What an Amazon Connect instance grants; the defaults are those of a new account.

    Rates of the Connect service count for a whole account and Region, those of the participant
    service for one instance (Amazon Connect administrator guide, service quotas).

    Example:
        ```python
        from connect_tasks import Quotas

        Quotas(starts_per_second=20, start_burst=30, open_chats=2_000)
        ```
    """

    starts_per_second: float = _rate(5, "StartChatContact calls")
    start_burst: int = _burst(8, "StartChatContact calls")
    outbound_starts_per_second: float = _rate(2, "StartOutboundChatContact calls")
    outbound_start_burst: int = _burst(5, "StartOutboundChatContact calls")
    open_chats: int = _burst(500, "Open chats of the instance, idle ones included,")
    stops_per_second: float = _rate(10, "StopContact calls")
    stop_burst: int = _burst(15, "StopContact calls")
    describes_per_second: float = _rate(10, "DescribeContact calls")
    describe_burst: int = _burst(15, "DescribeContact calls")
    searches_per_second: float = _rate(0.5, "SearchContacts calls")
    search_burst: int = _burst(1, "SearchContacts calls")
    storage_lists_per_second: float = _rate(2, "ListInstanceStorageConfigs calls")
    storage_list_burst: int = _burst(5, "ListInstanceStorageConfigs calls")
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
    outbound_token_validity: timedelta = Field(
        default=timedelta(days=7),
        description="How long a client token of StartOutboundChatContact returns the same contact. "
        "Amazon documents 7 days.",
    )
    connect_window: timedelta = Field(
        default=timedelta(minutes=5),
        description="How long a chat that was started waits for its first connection before it "
        "ends by itself. Amazon documents 5 minutes.",
    )

    def rate_of(self, api: str) -> tuple[float, int]:
        """Calls per second and calls at once that an API grants.

        Example:
            >>> Quotas().rate_of("StartChatContact")
            (5, 8)
        """
        rate_name, burst_name = _RATES[api]
        return getattr(self, rate_name), getattr(self, burst_name)

    def usable_rate_of(self, api: str) -> tuple[float, int]:
        """Calls per second and calls at once to use of what an API grants: see `usable_burst`.

        Example:
            >>> Quotas().usable_rate_of("StartChatContact")
            (5, 7)
        """
        rate, burst = self.rate_of(api)
        return rate, usable_burst(rate, burst)

    def most_unconnected(self, connections_per_second: float | None = None) -> int:
        """How many chats may be started and not connected at one time.

        As many as can be connected in half of the time that Amazon gives them. The other half is
        for what comes in between: reconnects, which go first, a throttle, a process that dies.

        Args:
            connections_per_second: The pace that CreateParticipantConnection really has; by
                default the quota's.

        Example:
            >>> Quotas().most_unconnected(), Quotas().most_unconnected(1.5)
            (900, 225)
        """
        pace = connections_per_second or self.connections_per_second
        return max(1, int(pace * self.connect_window.total_seconds() * _WINDOW_SHARE))

    @model_validator(mode="after")
    def _times_are_positive(self) -> "Quotas":
        for name in ("token_validity", "outbound_token_validity", "connect_window"):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name} must be longer than nothing")
        return self


def threads_for(quotas: Quotas) -> int:
    """How many calls to make at a time, so that the quotas can be used fully.

    Example:
        >>> threads_for(Quotas()), threads_for(Quotas(starts_per_second=50, stops_per_second=100))
        (16, 39)
    """
    rates = (quotas.rate_of(api)[0] for api in _RATES)
    return min(MOST_THREADS, max(LEAST_THREADS, math.ceil(sum(rates) * ANSWER_SECONDS)))
