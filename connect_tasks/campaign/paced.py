"""Paced: an instance's calls at the pace of its quotas, which all who call it share."""

from concurrent.futures import Executor

from connect_tasks.aws.instance import Instance
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.rate_limiter import Acquire, WithinStartLimit
from connect_tasks.aws.retry import RandomSource
from connect_tasks.campaign.shared_quota import SharedQuota

__all__ = ["paced_calls"]


def paced_calls(
    instance: Instance,
    shared_quota: SharedQuota,
    executor: Executor,
    *,
    clock: Clock,
    random: RandomSource,
) -> PacedCalls:
    """Make the calls of one process: a second set of them would take turns of its own.

    Args:
        instance: Where they go, and a start limit of the user's own.
        shared_quota: Asks for permits.
        executor: The threads that the calls run on.
        clock: Tells the time and waits.
        random: Where the jitter of waits comes from.
    """
    return PacedCalls(
        instance.api,
        instance.policy,
        acquire=shared_quota.acquire,
        acquire_starts=_acquire_starts(instance, shared_quota, executor),
        executor=executor,
        clock=clock,
        random=random,
    )


def _acquire_starts(instance: Instance, shared_quota: SharedQuota, executor: Executor) -> Acquire:
    if instance.start_limit is None:
        return shared_quota.acquire
    return WithinStartLimit(
        shared_quota.acquire,
        instance.start_limit,
        per_second=instance.quotas.starts_per_second,
        executor=executor,
    )
