"""The shared quota: permits to call and slots for open chats, from the ledger."""

import logging
from dataclasses import replace
from datetime import timedelta

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.concurrency import SlotDemand
from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits
from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.funnel import FunnelCounter
from connect_tasks.ledger.async_ledger import AsyncLedger

__all__ = ["SharedQuota"]

_log = logging.getLogger(__name__)


class SharedQuota:
    """Asks the ledger for permits and slots, and tells where an instance grants less than that.

    Args:
        ledger: Where they are kept.
        instance_id: Whose they are.
        worker: Who asks.
        quotas: What the instance should grant.
        lease: How long slots stay ours when we are killed.
        counter: Is told what was learnt.
        clock: Tells the time.
    """

    WORTH_TELLING = 0.9
    UNSEEN_SHARE = 0.25

    def __init__(
        self,
        ledger: AsyncLedger,
        instance_id: str,
        worker: str,
        *,
        quotas: Quotas,
        lease: timedelta,
        counter: FunnelCounter,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._instance_id = instance_id
        self._worker = worker
        self._quotas = quotas
        self._lease = lease
        self._counter = counter
        self._clock = clock
        self._connected_before = counter.connected
        self._told: set[str] = set()

    async def acquire(self, request: PermitRequest) -> Permits:
        """Ask for permits to call an API.

        Concurrent calls are answered in any order. Cancelled, what was granted is lost to us and
        comes back to all with the rate.
        """
        quota = self._quotas.usable_rate_of(request.api)
        permits = await self._ledger.run(
            lambda ledger: ledger.grant_permits(
                self._instance_id, request, quota=quota, now=self._clock.now()
            )
        )
        slow = permits.rate < quota[0] * self.WORTH_TELLING
        self._counter.learn(request.api, permits.rate if slow else None)
        if slow:
            self._tell_once(
                request.api,
                "%s is throttled: %.1f of %.1f calls per second go through",
                request.api,
                permits.rate,
                quota[0],
            )
        return permits

    async def share_slots(self, demand: SlotDemand, *, refused: bool) -> int:
        """Tell how many chats we have and want, and get how many we may have.

        Never concurrently: the ledger keeps the last one. Cancelled, it may count or not.
        """
        quota = self._quotas.open_chats
        granted, ceiling = await self._ledger.run(
            lambda ledger: ledger.share_slots(
                self._instance_id,
                self._worker,
                demand,
                quota=quota,
                refused=refused,
                now=self._clock.now(),
                lease=self._lease,
            )
        )
        low = ceiling < quota
        self._counter.learn("open_chats", ceiling if low else None)
        if low:
            self._tell_once(
                "open_chats",
                "the instance has slots for %d of %d chats: others use "
                "it too, or its quota is lower",
                ceiling,
                quota,
            )
        return granted

    async def share_unconnected(self, demand: SlotDemand, *, refused: bool) -> int:  # noqa: ARG002 - Amazon refuses no chat for this
        """Tell how many chats wait for their first connection, and get how many may.

        A quota that is set too high shows only when connections are throttled, and what was started
        by then waits already. So it begins with a part, and each connection lets one more wait.

        Never concurrently: the ledger keeps the last one. Cancelled, it may count or not.
        """
        seen = self._counter.connected - self._connected_before
        most = max(1, int(self._quotas.most_unconnected() * self.UNSEEN_SHARE)) + seen
        modest = replace(demand, wanted=max(demand.open, min(demand.wanted, most)))
        return await self._ledger.run(
            lambda ledger: ledger.share_unconnected(
                self._instance_id,
                self._worker,
                modest,
                quotas=self._quotas,
                now=self._clock.now(),
                lease=self._lease,
            )
        )

    async def leave(self) -> None:
        """Give our slots back; a second or concurrent call does nothing.

        Cancelled, they run out by themselves.
        """
        await self._ledger.run(lambda ledger: ledger.leave_slots(self._instance_id, self._worker))

    def _tell_once(self, what: str, text: str, *numbers: object) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.warning(text, *numbers)
