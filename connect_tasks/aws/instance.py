"""An Amazon Connect instance as its callers need it: calls, quotas, and when to repeat."""

from dataclasses import dataclass, field

from connect_tasks.aws.client import ConnectApi
from connect_tasks.aws.pacing.rate_limiter import StartLimit
from connect_tasks.aws.quotas import LEAST_THREADS, Quotas
from connect_tasks.aws.retry import RetryPolicy

__all__ = ["Instance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The Amazon Connect instance that a campaign runs on.

    Args:
        api: Makes the calls.
        quotas: What the instance grants.
        policy: How often failed calls are repeated.
        threads: The most calls at one time; `threads_for` tells how many the quotas keep busy.
        start_limit: Something of your own that permits starts, beside the quotas.
        beat_seconds: How often a chat's socket is asked whether it lives. One that has not
            answered by the next time is replaced.
    """

    api: ConnectApi
    quotas: Quotas = field(default_factory=Quotas)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    threads: int = LEAST_THREADS
    start_limit: StartLimit | None = None
    beat_seconds: float = 10
