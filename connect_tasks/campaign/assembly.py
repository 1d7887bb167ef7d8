"""The assembly of a run: its worker, with everything that it needs."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random

from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.slot_pool import ShareSlots, SlotPool, at_most
from connect_tasks.campaign.collection.describing import Describer
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.campaign.funnel import FunnelCounter
from connect_tasks.campaign.hand_over.calls import HandOverCalls
from connect_tasks.campaign.hand_over.started_chat import HandOver
from connect_tasks.campaign.hand_over_pipeline import MOST_AT_ONCE
from connect_tasks.campaign.paced import paced_calls
from connect_tasks.campaign.peoples_slots import PeoplesSlots
from connect_tasks.campaign.policy_in_force import PolicyInForce, stored_policy
from connect_tasks.campaign.shared_quota import SharedQuota
from connect_tasks.campaign.worker import Worker, WorkerSettings
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.changes import Change
from connect_tasks.ledger.group_commit import GroupCommit
from connect_tasks.ledger.sending import Sending
from connect_tasks.ledger.store import Ledger

__all__ = ["Assembly"]

SECONDS_AHEAD = 2.0
LEAST_WAITING = 10
MOST_WAITING = 500
PAUSE_SECONDS = 0.01
"""How long a commit waits for more to share it, where many wait already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """One run of a campaign: what it works on and with."""

    ledger: Ledger
    campaign: str
    table_id: str | None
    instance: Instance
    conversation: Conversation
    hand_over: HandOver | None = None
    is_outbound: bool = False
    lease: timedelta
    patience_seconds: float
    clock: Clock
    random: Random
    worker_name: str
    waits_for_windows: bool = False

    def worker(
        self,
        calls: Executor,
        writes: Executor,
        counter: FunnelCounter,
        hand_over: HandOverCalls | None = None,
    ) -> Worker:
        """What does the work, with everything that it needs.

        Args:
            calls: The threads of Amazon's calls.
            writes: The ledger's one thread.
            counter: Counts what is done.
            hand_over: Gives chats to their customers; None where our side speaks.
        """
        ledger = AsyncLedger(
            self.ledger, writes, self.clock, patience_seconds=self.patience_seconds
        )
        return Worker(
            self.campaign,
            self.worker_name,
            ledger=ledger,
            context=self._context(ledger, calls, counter, hand_over),
            settings=WorkerSettings(
                most_waiting=self._most_waiting,
                lease_seconds=self.lease.total_seconds(),
                table_id=self.table_id,
                waits_for_windows=self.waits_for_windows,
            ),
        )

    def _context(
        self,
        ledger: AsyncLedger,
        calls: Executor,
        counter: FunnelCounter,
        hand_over: HandOverCalls | None,
    ) -> CampaignContext:
        shared_quota = self._shared_quota(ledger, counter)
        paced = paced_calls(
            self.instance, shared_quota, calls, clock=self.clock, random=self.random
        )
        slots = self._pool(shared_quota.share_slots)
        policy = PolicyInForce(self.campaign)
        context = CampaignContext(
            conversation=self.conversation,
            conversations=self._conversations(),
            hand_over=hand_over,
            is_outbound=self.is_outbound,
            calls=paced,
            shared_quota=shared_quota,
            group_commit=GroupCommit(
                lambda changes: ledger.run(lambda opened: self._apply(opened, policy, changes)),
                pause=lambda: self.clock.sleep(PAUSE_SECONDS),
            ),
            policy_in_force=policy,
            slots=slots,
            peoples_slots=PeoplesSlots(
                Describer(paced, ledger, self.clock),
                slots,
                self.ledger.instance_id(self.campaign),
                describes_per_second=self.instance.quotas.describes_per_second,
                clock=self.clock,
            ),
            unconnected=self._pool(
                shared_quota.share_unconnected
                if hand_over is None
                else at_most(MOST_AT_ONCE, shared_quota.share_unconnected),
                # On a phone nobody is waited for: such a campaign never takes from it.
                rests=self.is_outbound,
            ),
            policy=self.instance.policy,
            token_validity=self._token_validity,
            connect_window=self.instance.quotas.connect_window,
            beat_seconds=self.instance.beat_seconds,
            counter=counter,
            clock=self.clock,
            random=self.random,
        )
        counter.limit = context.limit
        return context

    def _conversations(self) -> dict[str, Conversation]:
        """Those of the variants that have one of their own, as they are when the run begins."""
        variants = stored_policy(self.ledger, self.campaign).variants
        own = {name: variant.conversation for name, variant in variants.items()}
        return {name: one for name, one in own.items() if one is not None}

    def _apply(self, ledger: Ledger, policy: PolicyInForce, changes: Sequence[Change]) -> None:
        """Write changes, as far as the policy allows the calls that they announce."""
        sending = Sending(
            judge=partial(policy.judge, ledger),
            now=self.clock.now,
            token_validity=self._token_validity,
            steps=partial(policy.steps, ledger),
        )
        ledger.apply(self.worker_name, changes, sending=sending)

    def _pool(self, share: ShareSlots, *, rests: bool = False) -> SlotPool:
        return SlotPool(
            share,
            most_ahead=self._most_waiting,
            keep_seconds=min(1.0, self.lease.total_seconds() / 3),
            rests=rests,
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

    @property
    def _token_validity(self) -> timedelta:
        quotas = self.instance.quotas
        return quotas.outbound_token_validity if self.is_outbound else quotas.token_validity

    @property
    def _most_waiting(self) -> int:
        """Enough for a moment: what waits here, another worker cannot have."""
        quotas = self.instance.quotas
        api = "StartOutboundChatContact" if self.is_outbound else "StartChatContact"
        ahead = max(LEAST_WAITING, math.ceil(quotas.rate_of(api)[0] * SECONDS_AHEAD))
        return min(MOST_WAITING, quotas.open_chats, ahead)
