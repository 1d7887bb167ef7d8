"""Collecting: bringing a campaign's contacts and messages up to date with what Amazon knows.

The rules of this file:

- It starts nothing, and ends nothing but people's chats of a campaign that is stopped. What a
  worker holds, or has yet to hold, keeps its status.
- Each step is on disk when the next one begins, and what is done is not due any more: broken off
  at any point, the next call goes on from there.
- Nobody waits for Amazon to write a transcript: what is not there yet is due later, and the call
  says when.
"""

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import TypeVar

from connect_tasks.aws.instance import Instance
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import Clock, SteadyClock, SystemClock
from connect_tasks.aws.transcript_file import contact_of
from connect_tasks.aws.transcript_store import TranscriptStore
from connect_tasks.campaign.collection.collected import Collected
from connect_tasks.campaign.collection.describing import Describer
from connect_tasks.campaign.collection.following import Follower
from connect_tasks.campaign.collection.look_schedule import GIVE_UP_AFTER
from connect_tasks.campaign.collection.stopping import Stopper
from connect_tasks.campaign.collection.transcripts import Place, TranscriptReader, sweep
from connect_tasks.campaign.funnel import FunnelCounter
from connect_tasks.campaign.opt_outs import FinderByPolicy, look_through
from connect_tasks.campaign.shared_quota import SharedQuota
from connect_tasks.chat.own_loop import finish
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    CampaignHaltedError,
    CampaignWideError,
)
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.described import Asked, Described, TranscriptState
from connect_tasks.ledger.shared_limits import worker_name
from connect_tasks.ledger.store import Ledger

__all__ = ["collect_campaign"]

Result = TypeVar("Result")

# Contacts that are asked about at a time, and then written down together.
_PIECE = 100
# More chats than these are not all asked about each time: see `_ask_about_ended`.
_MANY = 5_000
_ASK_AGAIN = timedelta(days=1)
_WHILE_OPEN = timedelta(minutes=15)
_AFTER_TROUBLE = timedelta(minutes=15)
# Longer than a call takes: it ends each chat once.
_STOP_AGAIN = timedelta(days=1)

_NOT_CLOSED = "chats of the stopped campaign cannot be closed"
_NO_PLACE = (
    "The instance keeps no transcripts: name a bucket for chat transcripts under Data storage in "
    "the Amazon Connect console. What was said before that cannot be collected."
)


def collect_campaign(
    ledger: Ledger,
    campaign: str,
    instance: Instance,
    *,
    follow: bool = True,
    give_up_after: timedelta = GIVE_UP_AFTER,
    scheduler_run: str = "",
    patience_seconds: float = 300,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Collected:
    """Bring a campaign's contacts and messages up to date with what Amazon knows of them.

    Where the campaign is stopped, people's chats that are open are ended first. It asks which
    chats are over and why, takes over what the flow stored and what was said, and
    finds contacts that followed. Amazon writes a transcript about a minute after its chat; what is
    not there yet is for a later call, at `again_at`. A second call does what is due by then, and
    nothing where all is collected. Several at a time, and campaigns that run meanwhile, share the
    instance's rates through the ledger, and no item is there twice. Ctrl-C, or any exception that
    is thrown into it, ends it; what was collected is kept.

    Args:
        ledger: Holds the campaign.
        campaign: Its name, of whichever way it is run.
        instance: Where its chats are, and how fast Amazon may be asked.
        follow: Whether to look for contacts that followed: transfers, and what a disconnect flow
            starts. That takes permission to search the instance's contacts.
        give_up_after: How long after the end of a chat its transcript is looked for.
        scheduler_run: What a scheduler calls this run.
        patience_seconds: How long to wait for a ledger's server that went away.
        clock: Tells the time and waits; the machine's by default.
        random: Where the jitter of retries comes from, and which chats come first.

    Returns:
        What was collected, what is left, and when to collect again.

    Raises:
        InputError: There is no such campaign.
        CampaignHaltedError: Amazon cannot be asked at all: credentials, or no permission to
            describe contacts.
        AmazonError: Amazon cannot be reached.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from connect_tasks.aws.client import ConnectApi
        from connect_tasks.aws.instance import Instance
        from connect_tasks.campaign.collection.collecting import collect_campaign
        from connect_tasks.ledger import Ledger

        with Ledger("sqlite:///.connect_tasks/ledger.db") as ledger:
            print(collect_campaign(ledger, "renewals-2026-11", Instance(api=ConnectApi())))
        ```
    """
    name = ledger.existing_campaign(campaign)
    # Set back meanwhile, it would have all asked about again and again.
    clock, random = SteadyClock(clock or SystemClock()), random or SystemRandom()
    find = FinderByPolicy(clock.now)
    look_through(ledger, name, find)
    with ExitStack() as stack:
        calls = stack.enter_context(ThreadPoolExecutor(instance.threads, "amazon"))
        writes = stack.enter_context(ThreadPoolExecutor(1, "ledger"))
        async_ledger = AsyncLedger(ledger, writes, clock, patience_seconds=patience_seconds)
        quota = SharedQuota(
            async_ledger,
            ledger.instance_id(name),
            worker_name(scheduler_run),
            quotas=instance.quotas,
            lease=timedelta(seconds=30),
            counter=FunnelCounter(ledger.counts(name)),
            clock=clock,
        )
        paced = PacedCalls(
            instance.api,
            instance.policy,
            acquire=quota.acquire,
            executor=calls,
            clock=clock,
            random=random,
        )
        reader = TranscriptReader(
            TranscriptStore.beside(instance.api),
            async_ledger,
            campaign=name,
            instance_id=ledger.instance_id(name),
            executor=calls,
            clock=clock,
            give_up_after=give_up_after,
            find=find,
        )
        collector = _Collector(
            name,
            ledger.instance_id(name),
            async_ledger,
            paced,
            reader,
            Stopper(paced, async_ledger, clock, random, again_after=_STOP_AGAIN),
            clock,
            give_up_after,
        )

        async def collect() -> Collected:
            async with instance.api.connected(calls):
                return await collector.run(follow=follow)

        return finish(collect())


class _Collector:
    """One call: ends what was stopped, asks, follows, reads, in this order."""

    def __init__(
        self,
        campaign: str,
        instance_id: str,
        ledger: AsyncLedger,
        calls: PacedCalls,
        reader: TranscriptReader,
        stopper: Stopper,
        clock: Clock,
        give_up_after: timedelta,
    ) -> None:
        self._campaign = campaign
        self._instance_id = instance_id
        self._ledger = ledger
        self._calls = calls
        self._reader = reader
        self._stopper = stopper
        self._clock = clock
        self._began = clock.now()
        self._describer = Describer(calls, ledger, clock, give_up_after=give_up_after)
        self._place: Place | None = None
        self._has_no_place = False
        self.found = Collected()

    async def run(self, *, follow: bool) -> Collected:
        try:
            await self._trying(self._find_place, "the place of transcripts cannot be looked up")
            await self._trying(self._stop, _NOT_CLOSED)
            await self._ask()
            if follow:
                await self._trying(self._follow, "contacts that followed are not looked for")
            await self._trying(self._read, "transcripts cannot be read")
        except CampaignWideError as error:
            raise CampaignHaltedError(
                f"Campaign {self._campaign!r} cannot be collected: {error}. {_advice(error)} What "
                "was collected is kept: collect again."
            ) from error
        finally:
            await self._calls.return_unused()
        return await self._stand(follow=follow)

    async def _trying(self, step: Callable[[], Awaitable[None]], otherwise: str) -> None:
        """A step without which the others still make sense."""
        try:
            await step()
        except AccessDeniedError as error:
            self.found.problems.append(f"{otherwise}: {_not_permitted(error)}")
        except CampaignWideError:
            raise
        except AmazonError as error:
            self.found.problems.append(f"{otherwise}: {error}")

    async def _find_place(self) -> None:
        places = await self._calls.transcript_places(self._instance_id)
        if places:
            self._place = Place(*places[0])
        else:
            self._has_no_place = True
            self.found.problems.append(_NO_PLACE)

    async def _stop(self) -> None:
        """End what is open of a stopped campaign: once it goes on again, nothing is."""
        while True:
            stopped = await self._stopper.stop_some(self._instance_id, campaign=self._campaign)
            if not stopped.chats:
                return
            if stopped.error is not None:
                self.found.problems.append(f"{_NOT_CLOSED}: {stopped.error}")
            await self._ask_about(stopped.chats)

    async def _ask(self) -> None:
        many = await self._run(lambda ledger: ledger.collection.count_open(self._campaign)) > _MANY
        before = self._began
        if many and self._place is not None:
            await self._ask_about_ended(self._place)
            before -= _ASK_AGAIN
        await self._ask_all(self._peoples(before))
        await self._ask_all(
            lambda ledger: ledger.collection.ended_here(
                self._campaign, before=self._began, most=_PIECE
            )
        )
        await self._ask_all(
            lambda ledger: ledger.collection.following_open(
                self._campaign, before=self._began, most=_PIECE
            )
        )

    async def _ask_about_ended(self, place: Place) -> None:
        """Of very many chats, ask first about those that have a file: they are over.

        The others are asked about once after they were started, and then once a day. A list of the
        bucket costs nobody's quota; SearchContacts would name the chats of the whole instance, at
        one call in two seconds, and not say why they ended.
        """
        days = await self._run(lambda ledger: ledger.collection.open_days(self._campaign))
        for day, wanted in sweep(days, self._began.date()):
            async for page in self._reader.pages(place, day, most=wanted):
                ids = [found for one in page.keys if (found := contact_of(one.key))]
                await self._ask_all(self._peoples(self._began, among=ids))

    def _peoples(
        self, before: datetime, among: Sequence[str] | None = None
    ) -> Callable[[Ledger], list[Asked]]:
        return lambda ledger: ledger.collection.peoples_open(
            self._instance_id,
            campaign=self._campaign,
            now=self._clock.now(),
            before=before,
            among=among,
            most=_PIECE,
        )

    async def _ask_all(self, some: Callable[[Ledger], list[Asked]]) -> None:
        """Ask about all of a kind. Whoever was asked about is not of it any more."""
        while asked := await self._run(some):
            await self._ask_about(asked)

    async def _ask_about(self, asked: Sequence[Asked]) -> None:
        looked = await self._describer.ask(self._instance_id, asked)
        self.found.described += len(looked)
        self.found.ended += sum(
            one.end_reason is not None and one.asked.is_persons and not one.asked.follows
            for one in looked
        )
        await self._trying(lambda: self._reader.fetch(_told(looked)), "transcripts cannot be read")

    async def _follow(self) -> None:
        async for new in Follower(self._calls, self._ledger, self._clock).find(
            self._instance_id, self._campaign
        ):
            self.found.followers += len(new)
            await self._ask_about(new)

    async def _read(self) -> None:
        if self._place is not None:
            await self._reader.collect(self._place)
        elif self._has_no_place:
            await self._reader.put_off()

    async def _stand(self, *, follow: bool) -> Collected:
        awaited, absent, look_at = await self._run(
            lambda ledger: ledger.transcripts.stand(self._campaign)
        )
        following = await self._run(lambda ledger: ledger.collection.to_follow(self._campaign))
        found, read = self.found, self._reader.read
        found.transcripts, found.messages = read.files, read.items
        found.unusable = read.unusable
        found.open = await self._run(lambda ledger: ledger.collection.count_open(self._campaign))
        found.awaited, found.absent = awaited, absent
        found.problems = list(dict.fromkeys(found.problems))
        now = self._clock.now()
        times = [
            look_at,
            following[1] if follow and following else None,
            now + _WHILE_OPEN if found.open else None,
        ]
        # What is due and was not done: something kept it from being done, and would at once again.
        later = (time if time > now else now + _AFTER_TROUBLE for time in times if time)
        found.again_at = min(later, default=None)
        return found

    async def _run(self, call: Callable[[Ledger], Result]) -> Result:
        return await self._ledger.run(call)


def _told(looked: Sequence[Described]) -> list[tuple[str, str]]:
    awaited = (one for one in looked if one.transcript is TranscriptState.AWAITED)
    return [(one.record.contact_id, place) for one in awaited for place in one.record.transcripts]


_ACTIONS = {
    "DescribeContact": "connect:DescribeContact",
    "StopContact": "connect:StopContact",
    "ListInstanceStorageConfigs": "connect:ListInstanceStorageConfigs",
    "SearchContacts": "connect:SearchContacts",
    "ListObjectsV2": "s3:ListBucket on the bucket of transcripts",
    "GetObject": "s3:GetObject on the transcripts, and kms:Decrypt with their key if they have one",
}


def _not_permitted(error: AmazonError) -> str:
    action = _ACTIONS.get(error.operation, error.operation)
    return f"{error.operation} is not permitted; allow {action}."


def _advice(error: AmazonError) -> str:
    if isinstance(error, AccessDeniedError):
        return f"Allow {_ACTIONS.get(error.operation, error.operation)}."
    return "Mend that first."
