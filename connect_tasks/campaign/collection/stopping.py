"""Stopping: ending people's chats of stopped campaigns, which no worker of ours holds.

The rules of this file:

- Only while a campaign is stopped: whoever lets it go on meanwhile finds open what was not reached.
  So it is looked up again for every few chats, and they are ended at once.
- Nobody's status is written here. What became of a chat is asked, as of every other.
- Several processes may do it at a time: each takes any of those that are due, and ending a chat
  twice does no harm.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.retry import RandomSource
from connect_tasks.campaign.collection.describing import Describer
from connect_tasks.errors import AmazonError, CampaignWideError, NotFoundError
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.contact import CampaignState
from connect_tasks.ledger.described import Asked

__all__ = ["Stopped", "Stopper"]

# Looked up at a time, and of them ended at a time: the others are left to other processes.
_LOOKED_UP = 100
_PIECE = 10
_LOOK_SECONDS = 2.0
_AGAIN_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What one step did.

    Args:
        chats: Those whose end Amazon was asked for.
        error: Why one of them may go on; None if none does.
    """

    chats: list[Asked]
    error: AmazonError | None = None


class Stopper:
    """Ends people's open chats of campaigns that are stopped.

    Args:
        calls: Makes the calls, at the pace that all workers share.
        ledger: Tells which chats are open, and of which campaigns.
        clock: Tells the time and waits.
        random: Which chats come first.
        again_after: When a chat's end is asked for again that goes on in the ledger.
    """

    def __init__(
        self,
        calls: PacedCalls,
        ledger: AsyncLedger,
        clock: Clock,
        random: RandomSource,
        *,
        again_after: timedelta = _AGAIN_AFTER,
    ) -> None:
        self._calls = calls
        self._ledger = ledger
        self._clock = clock
        self._random = random
        self._again_after = again_after
        self._tried: dict[str, datetime] = {}

    async def keep(self, instance_id: str, describer: Describer) -> None:
        """End them whenever there are any, and have their status follow; never returns.

        Once for a process, concurrently with all else. Cancelled, it ends no more.

        Args:
            instance_id: Whose chats, of whichever campaign.
            describer: Asks what became of them.

        Raises:
            AmazonError: Chats that are due could not be ended; called again, it tries the others.
            LedgerError: The ledger cannot be used.
        """
        while True:
            stopped = await self.stop_some(instance_id, campaign=None)
            if not stopped.chats:
                await self._clock.sleep(_LOOK_SECONDS)
                continue
            # Whoever looks after chats anyway tells of it.
            with suppress(AmazonError):
                await describer.ask(instance_id, stopped.chats)
            if stopped.error is not None:
                raise stopped.error

    async def stop_some(self, instance_id: str, *, campaign: str | None) -> Stopped:
        """End a few of them, each once until `again_after`; one that is over already is fine.

        Never concurrently. Cancelled, chats may be ended or not; the ledger says nothing of it.

        Args:
            instance_id: Whose chats.
            campaign: Only this campaign's; all of the instance if None.

        Returns:
            Which: none if nothing is due.

        Raises:
            CampaignWideError: Amazon does not permit it, or refuses the credentials.
            LedgerError: The ledger cannot be used.
        """
        chats = await self._due(instance_id, campaign)
        self._tried |= dict.fromkeys((one.contact_id for one in chats), self._clock.now())
        ended = await asyncio.gather(*(self._stop(instance_id, one) for one in chats))
        errors = [error for error in ended if error is not None]
        for error in errors:
            if isinstance(error, CampaignWideError):
                raise error
        return Stopped(chats=chats, error=errors[0] if errors else None)

    async def _stop(self, instance_id: str, chat: Asked) -> AmazonError | None:
        try:
            await self._calls.stop(instance_id, chat.contact_id)
        except NotFoundError:
            return None
        except AmazonError as error:
            return error
        return None

    async def _due(self, instance_id: str, campaign: str | None) -> list[Asked]:
        now = self._clock.now()
        tried = {one: at for one, at in self._tried.items() if now - at < self._again_after}
        self._tried = tried
        # Those that were tried were asked about since, and so come last: mostly the first will do.
        for most in (_LOOKED_UP, _LOOKED_UP + len(tried)):
            found = await self._open(instance_id, campaign, now, most)
            due = [one for one in found if one.contact_id not in tried]
            if due or len(found) < most:
                return sorted(due, key=lambda _: self._random.random())[:_PIECE]
        return []

    async def _open(
        self, instance_id: str, campaign: str | None, now: datetime, most: int
    ) -> list[Asked]:
        return await self._ledger.run(
            lambda ledger: ledger.collection.peoples_open(
                instance_id, campaign=campaign, now=now, state=CampaignState.STOPPED, most=most
            )
        )
