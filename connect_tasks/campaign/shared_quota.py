"""A worker's dealings with what all workers of an instance share: calls, and open chats."""

import logging
from datetime import timedelta

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.token_bucket import Demand, Lot, Purchase
from connect_tasks.campaign.funnel import Tally
from connect_tasks.ledger.async_ledger import PatientLedger

__all__ = ["Buyer"]

_log = logging.getLogger(__name__)


class Buyer:
    """Buys calls and slots in the ledger, and tells where the instance grants less than its quota.

    Args:
        ledger: Where they are sold.
        instance_id: Whose they are.
        worker: Who buys.
        open_chats: The quota of open chats.
        lease: How long slots stay ours when we are killed.
        tally: Is told what was learnt.
        clock: Tells the time.
    """

    WORTH_TELLING = 0.9

    def __init__(
        self,
        ledger: PatientLedger,
        instance_id: str,
        worker: str,
        *,
        open_chats: int,
        lease: timedelta,
        tally: Tally,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._instance_id = instance_id
        self._worker = worker
        self._open_chats = open_chats
        self._lease = lease
        self._tally = tally
        self._clock = clock
        self._told: set[str] = set()

    async def buy(self, purchase: Purchase) -> Lot:
        """Buy the next calls of an API."""
        lot = await self._ledger.run(
            lambda ledger: ledger.trade(self._instance_id, purchase, now=self._clock.now())
        )
        slow = lot.rate < purchase.full_rate * self.WORTH_TELLING
        self._tally.learn(purchase.api, lot.rate if slow else None)
        if slow:
            self._tell_once(
                purchase.api,
                "%s is throttled: %.1f of %.1f calls per second go through",
                purchase.api,
                lot.rate,
                purchase.full_rate,
            )
        return lot

    async def share_slots(self, demand: Demand, *, refused: bool) -> int:
        """Tell how many chats we have and want, and get how many we may have."""
        granted, ceiling = await self._ledger.run(
            lambda ledger: ledger.share_slots(
                self._instance_id,
                self._worker,
                demand,
                quota=self._open_chats,
                refused=refused,
                now=self._clock.now(),
                lease=self._lease,
            )
        )
        low = ceiling < self._open_chats
        self._tally.learn("open_chats", ceiling if low else None)
        if low:
            self._tell_once(
                "open_chats",
                "the instance has slots for %d of %d chats: others use "
                "it too, or its quota is lower",
                ceiling,
                self._open_chats,
            )
        return granted

    async def leave(self) -> None:
        """Give our slots back."""
        await self._ledger.run(lambda ledger: ledger.leave_slots(self._instance_id, self._worker))

    def _tell_once(self, what: str, text: str, *numbers: object) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.warning(text, *numbers)
