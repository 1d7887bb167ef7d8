"""The assembly of a run: its worker, with everything that it needs."""

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from connect_tasks.aws.instance import Instance
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.rate_limiter import Acquire, WithinStartLimit
from connect_tasks.aws.pacing.slot_pool import ShareSlots, SlotPool
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.campaign.funnel import FunnelCounter
from connect_tasks.campaign.shared_quota import SharedQuota
from connect_tasks.campaign.worker import Worker, WorkerSettings
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.group_commit import GroupCommit
from connect_tasks.ledger.store import Ledger

__all__ = ["Assembly"]

SECONDS_AHEAD = 2.0
LEAST_WAITING = 10
MOST_WAITING = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """One run of a campaign: what it works on and with."""

    ledger: Ledger
    campaign: str
    table_id: str | None
    instance: Instance
    conversation: Conversation
    lease: timedelta
    patience_seconds: float
    clock: Clock
    random: Random
    worker_name: str

    def worker(self, calls: Executor, writes: Executor, counter: FunnelCounter) -> Worker:
        """What does the work, with everything that it needs."""
        ledger = AsyncLedger(
            self.ledger, writes, self.clock, patience_seconds=self.patience_seconds
        )
        return Worker(
            self.campaign,
            self.worker_name,
            ledger=ledger,
            context=self._context(ledger, calls, counter),
            settings=WorkerSettings(
                most_waiting=self._most_waiting,
                lease_seconds=self.lease.total_seconds(),
                table_id=self.table_id,
            ),
        )

    def _context(
        self, ledger: AsyncLedger, calls: Executor, counter: FunnelCounter
    ) -> CampaignContext:
        shared_quota = self._shared_quota(ledger, counter)
        context = CampaignContext(
            conversation=self.conversation,
            calls=self._calls(shared_quota, calls),
            shared_quota=shared_quota,
            group_commit=GroupCommit(
                lambda changes: ledger.run(lambda opened: opened.apply(self.worker_name, changes))
            ),
            slots=self._pool(shared_quota.share_slots),
            unconnected=self._pool(shared_quota.share_unconnected),
            policy=self.instance.policy,
            token_validity=self.instance.quotas.token_validity,
            connect_window=self.instance.quotas.connect_window,
            beat_seconds=self.instance.beat_seconds,
            counter=counter,
            clock=self.clock,
            random=self.random,
        )
        counter.limit = context.limit
        return context

    def _pool(self, share: ShareSlots) -> SlotPool:
        return SlotPool(
            share,
            most_ahead=self._most_waiting,
            keep_seconds=min(1.0, self.lease.total_seconds() / 3),
        )

    def _shared_quota(self, ledger: AsyncLedger, counter: FunnelCounter) -> SharedQuota:
        return SharedQuota(
            ledger,
            self.ledger.instance_id(self.campaign),
            self.worker_name,
            quotas=self.instance.quotas,
            lease=self.lease,
            counter=counter,
            clock=self.clock,
        )

    def _calls(self, shared_quota: SharedQuota, executor: Executor) -> PacedCalls:
        instance = self.instance
        return PacedCalls(
            instance.api,
            instance.policy,
            acquire=shared_quota.acquire,
            acquire_starts=self._acquire_starts(shared_quota, executor),
            executor=executor,
            clock=self.clock,
            random=self.random,
        )

    def _acquire_starts(self, shared_quota: SharedQuota, executor: Executor) -> Acquire:
        if self.instance.start_limit is None:
            return shared_quota.acquire
        return WithinStartLimit(
            shared_quota.acquire,
            self.instance.start_limit,
            per_second=self.instance.quotas.starts_per_second,
            executor=executor,
        )

    @property
    def _most_waiting(self) -> int:
        """Enough for a moment: what waits here, another worker cannot have."""
        quotas = self.instance.quotas
        ahead = max(LEAST_WAITING, math.ceil(quotas.starts_per_second * SECONDS_AHEAD))
        return min(MOST_WAITING, quotas.open_chats, ahead)
