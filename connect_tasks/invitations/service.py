"""The service: what runs behind the app, for as long as its server does.

The rules of this file:

- Reads have a thread of their own: a press of a token that is none never waits behind a write.
- What answers presses is made once the ledger is open and Amazon's clients are made, and ended
  before they are closed: what is under way is finished, then claims, slots and permits go back.
- A duty that fails is begun anew after a pause; none of them ends the app.
"""

import asyncio
import logging
import math
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from random import Random, SystemRandom
from typing import cast

from connect_tasks.aws.instance import Instance
from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.aws.pacing.slot_pool import SlotPool
from connect_tasks.blocks.instance import AmazonConnectInstance, load_instance
from connect_tasks.campaign.collection.describing import Describer
from connect_tasks.campaign.collection.stopping import Stopper
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.campaign.funnel import FunnelCounter
from connect_tasks.campaign.links import InvitationKeys
from connect_tasks.campaign.opt_outs import FinderByPolicy
from connect_tasks.campaign.paced import paced_calls
from connect_tasks.campaign.peoples_slots import PeoplesSlots
from connect_tasks.campaign.shared_quota import SharedQuota
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import LedgerError
from connect_tasks.invitations.desk import Desk
from connect_tasks.invitations.duties import Duties
from connect_tasks.invitations.hooks import Hook, OnStarted
from connect_tasks.invitations.listener import Listener
from connect_tasks.invitations.looks import Looks
from connect_tasks.invitations.pressed_chat import URGENT, PressContext
from connect_tasks.invitations.resolver import Resolver
from connect_tasks.invitations.shortage import Shortage
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.clicks import FoundLink
from connect_tasks.ledger.contact import CampaignMode, Contact
from connect_tasks.ledger.group_commit import GroupCommit
from connect_tasks.ledger.opening import opened
from connect_tasks.ledger.shared_limits import worker_name
from connect_tasks.ledger.store import Ledger

__all__ = ["Running", "ServiceSettings", "Serving"]

_log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=10)
_SECONDS_AHEAD = 2.0
_LEAST_AHEAD = 10
_MOST_AHEAD = 500
# A tenth of the calls that DescribeContact has, and no more than that at a time.
_LOOK_SECONDS = 2.0
_LOOK_SHARE = 0.1
_MOST_LOOKED = 20
_HEALTH_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What the service is made of.

    Args:
        connect: The instance, or the name of its block.
        ledger: Where the links are; see `opened`.
        keys: Tell whether a token is genuine.
        on_started: Is told of each chat that was started.
        listen: Whether our own side listens to chats, for their transcripts.
        lease: How long what a killed process was at stays its.
        clock: Tells the time and waits.
        random: Where jitter comes from.
    """

    connect: AmazonConnectInstance | str
    ledger: Ledger | str | None
    keys: InvitationKeys
    on_started: OnStarted | None = None
    listen: bool = False
    lease: timedelta = _LEASE
    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=SystemRandom)


class _PressCounter(FunnelCounter):
    """What `campaign.start` has to know of a campaign: whether its flow was ever found."""

    def __init__(self) -> None:
        super().__init__(defaultdict(int, mode=CampaignMode.INVITATION))
        self.started_before = False

    @property
    def any_started(self) -> bool:
        """Whether any chat of the campaign was ever started."""
        return self.started_before or super().any_started


class Serving:
    """The service, begun by entering and ended by leaving; once.

    Args:
        settings: What it is made of.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Running":
        """Open the ledger, make Amazon's clients, and begin.

        Raises:
            InputError: There is no such ledger, block or start limit.
            LedgerError: The ledger cannot be opened.
            CredentialsError: There is no Region, no such profile, or the role is refused.
        """
        async with AsyncExitStack() as stack:
            running = await self._begin(stack)
            self._stack = stack.pop_all()
        return running

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _begin(self, stack: AsyncExitStack) -> "Running":
        settings, loop = self._settings, asyncio.get_running_loop()
        # In a thread: Prefect's blocks are loaded without waiting only where no loop runs.
        block = cast(
            "AmazonConnectInstance", await asyncio.to_thread(load_instance, settings.connect)
        )
        instance = await asyncio.to_thread(block.connect)
        # Before the threads that use it, so that it is closed after them.
        ledger = await asyncio.to_thread(stack.enter_context, opened(settings.ledger))
        writes = stack.enter_context(ThreadPoolExecutor(1, "ledger"))
        reads = stack.enter_context(ThreadPoolExecutor(1, "ledger-reads"))
        calls = stack.enter_context(ThreadPoolExecutor(instance.threads, "amazon"))
        await stack.enter_async_context(instance.api.connected(calls))
        await loop.run_in_executor(calls, instance.api.make_clients)
        running = Running(
            settings,
            block.instance_id,
            instance,
            calls=calls,
            writer=AsyncLedger(ledger, writes, settings.clock),
            reader=AsyncLedger(ledger, reads, settings.clock, patience_seconds=0),
        )
        stack.push_async_callback(running.end)
        running.begin()
        return running


class Running:
    """The service while it runs.

    Args:
        settings: What it is made of.
        instance_id: The instance that it starts chats on.
        instance: Makes the calls.
        calls: The threads of Amazon's calls.
        writer: The ledger, for what is written.
        reader: The ledger, for what is read.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        instance_id: str,
        instance: Instance,
        *,
        calls: ThreadPoolExecutor,
        writer: AsyncLedger,
        reader: AsyncLedger,
    ) -> None:
        self._settings = settings
        self._clock = settings.clock
        self._instance_id = instance_id
        self._instance = instance
        self._writer = writer
        self._reader = reader
        self._worker = worker_name("")
        self._counter = _PressCounter()
        self._quota = self._shared_quota()
        self._calls = paced_calls(
            instance, self._quota, calls, clock=self._clock, random=settings.random
        )
        self._desk = Desk(writer, self._worker, lease=settings.lease, clock=self._clock)
        self._hook = Hook(settings.on_started)
        self._looks = Looks(
            lambda hashes: reader.run(
                lambda ledger: ledger.clicks.find(list(hashes), now=self._clock.now())
            )
        )
        self._context = self._make_context()
        self._describer = Describer(self._calls, writer, self._clock, turn=URGENT)
        self._quiet = Describer(self._calls, writer, self._clock)
        self._describes_per_second, _ = instance.quotas.usable_rate_of("DescribeContact")
        self._shortage = Shortage(self._context.slots, self._clock)
        self._stopper = Stopper(self._calls, writer, self._clock, settings.random)
        self._peoples_slots = PeoplesSlots(
            self._quiet,
            self._shortage,
            instance_id,
            describes_per_second=self._describes_per_second,
            clock=self._clock,
        )
        self._listener = self._make_listener() if settings.listen else None
        self._counters: dict[str, _PressCounter] = {}
        self._duties = Duties(self._clock)
        self._health: asyncio.Task[bool] | None = None
        self.resolver = Resolver(
            instance_id=instance_id,
            keys=settings.keys,
            looks=self._looks,
            context_of=self._context_of,
            pace=self._pace,
            clock=self._clock,
            random=settings.random,
            note=self._desk.note,
        )

    @property
    def participant_url(self) -> str:
        """Where the chats of this instance take place."""
        return self._instance.api.participant_endpoint()

    def begin(self) -> None:
        """Begin the duties; once."""
        duties = [
            self._context.slots.keep,
            self._desk.keep,
            self._look_after_chats,
            self._peoples_slots.keep,
            lambda: self._stopper.keep(self._instance_id, self._quiet),
        ]
        if self._listener is not None:
            duties.append(self._listener.run)
        for duty in duties:
            self._duties.begin(duty)

    async def end(self) -> None:
        """Finish what is under way, and give everything back; a second call does nothing.

        Never concurrently. Cancelled, claims, slots and permits run out by themselves.
        """
        await self.resolver.end()
        await self._hook.end()
        await self._duties.end()
        self._writer.hurry()
        try:
            await self._desk.end()
            await self._calls.return_unused()
            await self._quota.leave()
        except LedgerError:
            _log.warning("claims could not be released; they run out by themselves")

    async def is_healthy(self) -> bool:
        """Whether the ledger can be read.

        Concurrent calls share one question. Cancelled, it is asked all the same.
        """
        if self._health is None or self._health.done():
            self._health = asyncio.ensure_future(self._can_read())
        return await asyncio.shield(self._health)

    async def _can_read(self) -> bool:
        try:
            async with asyncio.timeout(_HEALTH_SECONDS):
                await self._reader.run(lambda ledger: ledger.clicks.check())
        except (TimeoutError, LedgerError):
            return False
        return True

    def _shared_quota(self) -> SharedQuota:
        return SharedQuota(
            self._writer,
            self._instance_id,
            self._worker,
            quotas=self._instance.quotas,
            lease=self._settings.lease,
            counter=self._counter,
            clock=self._clock,
        )

    def _make_context(self) -> CampaignContext:
        instance, share = self._instance, self._quota
        find = FinderByPolicy(self._clock.now)
        commit = GroupCommit(
            lambda changes: self._writer.run(
                lambda ledger: ledger.apply(self._worker, changes, find=find)
            )
        )
        return CampaignContext(
            conversation=Conversation(),
            calls=self._calls,
            shared_quota=share,
            group_commit=commit,
            slots=SlotPool(
                share.share_slots,
                most_ahead=self._slots_ahead(),
                keep_seconds=min(1.0, self._settings.lease.total_seconds() / 3),
                rests=True,
            ),
            # People connect by themselves, at once: no call of ours is waited for.
            unconnected=SlotPool(share.share_unconnected, most_ahead=1),
            policy=instance.policy,
            token_validity=instance.quotas.token_validity,
            connect_window=instance.quotas.connect_window,
            beat_seconds=instance.beat_seconds,
            counter=self._counter,
            clock=self._clock,
            random=self._settings.random,
        )

    def _make_listener(self) -> Listener:
        return Listener(
            self._calls,
            self._context.group_commit,
            self._clock,
            instance_id=self._instance_id,
            quotas=self._instance.quotas,
            beat_seconds=self._instance.beat_seconds,
        )

    def _slots_ahead(self) -> int:
        """Enough for a moment: what waits here, another worker cannot have."""
        quotas = self._instance.quotas
        ahead = max(_LEAST_AHEAD, math.ceil(quotas.starts_per_second * _SECONDS_AHEAD))
        return min(_MOST_AHEAD, quotas.open_chats, ahead)

    def _pace(self) -> float:
        quota, _ = self._instance.quotas.usable_rate_of("StartChatContact")
        return self._counter.funnel().learnt.get("StartChatContact", quota)

    def _context_of(self, link: FoundLink) -> PressContext:
        counter = self._counters.get(link.campaign)
        if counter is None:
            counter = self._counters[link.campaign] = _PressCounter()
            self._duties.begin(partial(self._find_out, link.campaign, counter))
        return PressContext(
            campaign=replace(self._context, counter=counter),
            desk=self._desk,
            describer=self._describer,
            look=self._looks.find,
            on_started=self._started,
        )

    async def _find_out(self, campaign: str, counter: _PressCounter) -> None:
        counter.started_before = await self._reader.run(
            lambda ledger: ledger.clicks.has_started(campaign)
        )

    def _started(
        self,
        contact: Contact,
        response: StartChatContactResponse,
        is_new: bool,  # noqa: FBT001 - a callback's
    ) -> None:
        if self._listener is not None:
            self._listener.started(contact, response)
        if is_new:
            self._hook.tell(contact)

    async def _look_after_chats(self) -> None:
        """Keep the status of people's chats fresh, at a gentle pace.

        While slots are short, `PeoplesSlots` asks about the same chats, as fast as it may.
        """
        rate = self._describes_per_second * _LOOK_SHARE
        most = min(_MOST_LOOKED, max(1, int(rate * _LOOK_SECONDS)))
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            if not self._shortage.waiting:
                await self._quiet.look(self._instance_id, campaign=None, most=most)
