"""Slots that people's chats fill: noticing that one is free again, for a run that waits for it.

Nobody of us hears a person's chat end. As long as somebody waits for a slot, Amazon is asked; as
long as nobody does, it is not.
"""

import logging
import math
from typing import Protocol

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.errors import AmazonError, CampaignWideError

__all__ = ["Looks", "PeoplesSlots", "Queue"]

_log = logging.getLogger(__name__)


class Looks(Protocol):
    """Asks Amazon about people's chats; `describing.Describer` fits."""

    async def look(self, instance_id: str, *, campaign: str | None, most: int) -> int:
        """Ask about so many, and bring the ledger up to date; how many were over.

        Concurrent calls may ask the same. Cancelled, nothing of it is kept.
        """
        ...


class Queue(Protocol):
    """Those who wait for a slot; a `SlotPool` fits."""

    @property
    def waiting(self) -> int:
        """How many there are."""
        ...


class PeoplesSlots:
    """Has people's chats asked about while a worker is short of slots.

    Args:
        describer: Asks.
        slots: Tell whether somebody waits for one.
        instance_id: Whose chats.
        describes_per_second: How many questions the instance permits.
        clock: Waits.
    """

    LOOK_SECONDS = 1.0
    REFUSED_SECONDS = 60.0
    """How long it lets be what Amazon does not permit: a person may mend it meanwhile."""

    def __init__(
        self,
        describer: Looks,
        slots: Queue,
        instance_id: str,
        *,
        describes_per_second: float,
        clock: Clock,
    ) -> None:
        self._describer = describer
        self._slots = slots
        self._instance_id = instance_id
        self._most = max(1, math.ceil(describes_per_second * self.LOOK_SECONDS))
        self._clock = clock
        self._told = False

    async def keep(self) -> None:
        """Have them asked about whenever somebody waits; never returns.

        Once for a worker, concurrently with all else. Cancelled, it asks no more.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        while True:
            permitted = not self._slots.waiting or await self._look()
            await self._clock.sleep(self.LOOK_SECONDS if permitted else self.REFUSED_SECONDS)

    async def _look(self) -> bool:
        """Ask once; whether that is permitted."""
        try:
            await self._describer.look(self._instance_id, campaign=None, most=self._most)
        except CampaignWideError as error:
            self._tell(error)
            return False
        except AmazonError:
            # Not answered this time: the chats are where they were.
            pass
        return True

    def _tell(self, error: AmazonError) -> None:
        if not self._told:
            self._told = True
            _log.warning(
                "chats wait for slots that people's chats may have given up, and Amazon does not "
                "say which of those are over: %s. Permit connect:DescribeContact.",
                error.code,
            )
