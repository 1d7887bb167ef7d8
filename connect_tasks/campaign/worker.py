"""A worker: claims contacts and runs a pipeline for each, until none is left."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from connect_tasks.campaign.context import CampaignContext
from connect_tasks.campaign.hand_over_pipeline import HandOverPipeline
from connect_tasks.campaign.outbound_pipeline import OutboundPipeline
from connect_tasks.campaign.pipeline import Pipeline
from connect_tasks.campaign.policy_in_force import PolicyInForce
from connect_tasks.campaign.unknown_starts import UnknownStarts
from connect_tasks.campaign.worker_claims import WORKED_ON, WorkerClaims
from connect_tasks.campaign.worker_ramp import WorkerRamp
from connect_tasks.errors import (
    AmazonError,
    CampaignWideError,
    ClaimLostError,
    ConnectTasksError,
    LedgerError,
    NotAllowedError,
    UnwritableError,
)
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import CampaignState, Contact, Status
from connect_tasks.ledger.ramp_steps import Stand, Standing

__all__ = ["Worker", "WorkerSettings"]

_AnyPipeline: TypeAlias = Pipeline | HandOverPipeline | OutboundPipeline

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker claims.

    Args:
        most_waiting: The most contacts that are claimed and not started.
        lease_seconds: How long a killed worker's contacts stay claimed.
        claim_size: The most contacts claimed in one transaction.
        state_seconds: How often it looks whether the campaign was paused or stopped.
        grace_seconds: How long conversations may go on when the campaign is stopped.
        comeback_seconds: The first pause before it comes back to a start whose outcome is unknown.
        longest_comeback_seconds: The longest such pause.
        table_id: The table whose customers are contacted; all that wait in the campaign if None.
        waits_for_windows: Whether it waits for those whom the policy lets wait, having done all
            else; else it comes to its end.
    """

    most_waiting: int
    lease_seconds: float
    claim_size: int = 100
    state_seconds: float = 1
    grace_seconds: float = 10
    comeback_seconds: float = 2
    longest_comeback_seconds: float = 60
    table_id: str | None = None
    waits_for_windows: bool = False


class Worker:
    """One worker of a campaign.

    Args:
        campaign: Its name.
        worker: This worker's name, unique to the run.
        ledger: Where contacts are claimed.
        context: What each pipeline works with.
        settings: How it claims.
    """

    def __init__(
        self,
        campaign: str,
        worker: str,
        *,
        ledger: AsyncLedger,
        context: CampaignContext,
        settings: WorkerSettings,
    ) -> None:
        self._campaign = campaign
        self._ledger = ledger
        self._context = context
        self._settings = settings
        self._claims = WorkerClaims(
            campaign=campaign,
            worker=worker,
            ledger=ledger,
            terms=ClaimTerms(
                lease=timedelta(seconds=settings.lease_seconds),
                token_validity=context.token_validity,
                table_id=settings.table_id,
            ),
            clock=context.clock,
            policy=context.policy_in_force or PolicyInForce(campaign),
            on_withheld=context.counter.withhold,
        )
        self._ramp = WorkerRamp(self._claims)
        self._unknown = UnknownStarts(
            first_seconds=settings.comeback_seconds,
            longest_seconds=settings.longest_comeback_seconds,
        )
        self._alone_since: float | None = None
        self._queue: deque[Contact] = deque()
        self._running: dict[asyncio.Task[None], _AnyPipeline] = {}
        self._not_started: set[asyncio.Task[None]] = set()
        self._admits = True
        self._stopped = False
        self._outages = 0
        self._claim_again_at = float("-inf")
        self._state = CampaignState.RUNNING
        self._changed = asyncio.Event()
        self.halted_by: ConnectTasksError | None = None

    async def run(self) -> None:
        """Work until nothing is left, the campaign is halted, or it is stopped.

        Chats that are under way when the campaign halts or is paused are finished first; when
        it is stopped they are closed soon. Claims are released either way.

        Called once, not concurrently. Cancelling ends all pipelines where they are, a start under
        way excepted: that is waited for. What is open stays open at Amazon, and the next run goes
        on with it.
        """
        # Before the first claim: what is too old must not be claimed, and a campaign that is paused
        # must not start anybody in the second until its state is looked at.
        await self._claims.expire_tokens()
        await self._obey()
        pools = (self._context.slots, self._context.unconnected)
        peoples = self._context.peoples_slots
        watches = [self._watch] if peoples is None else [self._watch, peoples.keep]
        duties = (self._claims.renew, *watches, *(pool.keep for pool in pools))
        keepers = [asyncio.ensure_future(self._or_halt(duty)) for duty in duties]
        try:
            await self._work()
        finally:
            left = (*keepers, *self._running)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            # Last: given up while its pipeline still writes, a claim would be somebody else's.
            await self._release()

    def stop(self) -> None:
        """Stop at once; everything stays resumable. Call it in the event loop's thread."""
        self._stopped = True
        self._changed.set()

    def wind_down(self, grace_seconds: float) -> None:
        """Start nothing more, and close the chats under way within this time."""
        self._close_admission()
        deadline = self._context.clock.monotonic() + grace_seconds
        for pipeline in self._running.values():
            pipeline.finish_by(deadline)

    async def _work(self) -> None:
        while not self._stopped:
            self._changed.clear()
            self._queue.extend(self._unknown.take_due(self._now()))
            await self._admit()
            if self._running:
                self._alone_since = None
                await self._until_changed(self._unknown.seconds_left(self._now()))
            elif not self._admits or not await self._wait_for_more():
                return

    async def _admit(self) -> None:
        while self._has_room:
            if not self._queue and not await self._claim():
                return
            # Claiming takes a moment, in which admission may have been closed.
            if self._has_room:
                self._launch(self._queue.popleft())

    @property
    def _has_room(self) -> bool:
        admits = self._admits and not self._stopped
        return admits and len(self._not_started) < self._settings.most_waiting

    async def _claim(self) -> bool:
        """Get further contacts; having found none, not again at every chat that ends."""
        now = self._now()
        if self._running and now < self._claim_again_at:
            return False
        most = min(self._settings.claim_size, self._settings.most_waiting)
        claimed = await self._claims.take(most)
        self._withdraw_older(claimed)
        self._queue.extend(claimed)
        if self._outages < self._ledger.outages:
            await self._recall()
        if not self._queue:
            self._claim_again_at = now + self._settings.state_seconds
        return bool(self._queue)

    def _withdraw_older(self, claimed: Sequence[Contact]) -> None:
        """Who was planned anew while they waited is claimed anew, with what to send now."""
        anew = {contact.id for contact in claimed}
        for task, pipeline in self._running.items():
            if pipeline.contact.id in anew and not pipeline.withdraw():
                task.cancel()

    async def _recall(self) -> None:
        """Take up contacts whose claim was made, and whose answer an outage swallowed."""
        self._outages = self._ledger.outages
        held = await self._claims.recall()
        at_work = (pipeline.contact for pipeline in self._running.values())
        known = {contact.id for contact in (*self._queue, *at_work, *self._unknown.contacts)}
        self._queue.extend(contact for contact in held if contact.id not in known)

    def _launch(self, contact: Contact) -> None:
        task: asyncio.Task[None]
        pipeline = self._pipeline(contact, lambda: self._started(task))
        task = asyncio.ensure_future(self._go(pipeline))
        self._running[task] = pipeline
        self._not_started.add(task)
        task.add_done_callback(self._done)

    def _pipeline(self, contact: Contact, on_started: Callable[[], None]) -> _AnyPipeline:
        if self._context.is_outbound:
            return OutboundPipeline(self._context, contact, on_started=on_started)
        calls = self._context.hand_over
        if calls is None:
            return Pipeline(self._context, contact, on_started=on_started)
        return HandOverPipeline(self._context, contact, calls, on_started=on_started)

    def _started(self, task: asyncio.Task[None]) -> None:
        self._not_started.discard(task)
        self._changed.set()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._not_started.discard(task)
        self._changed.set()

    async def _go(self, pipeline: _AnyPipeline) -> None:
        try:
            await pipeline.run()
            self._unknown.ended(pipeline.contact)
            if pipeline.may_be_repeated:
                self._unknown.leave(pipeline.contact, self._now())
        except NotAllowedError as error:
            _log.info("contact %s is not contacted now: %s", pipeline.contact.id, error)
            if error.is_withheld:
                self._context.counter.withhold(1, pipeline.contact.status)
        except ClaimLostError:
            _log.warning("contact %s was taken over by another worker", pipeline.contact.id)
        except UnwritableError as error:
            # Its own record cannot be written; everybody else's can.
            _log.error("contact %s is left as it is: %s", pipeline.contact.id, error)
        except (CampaignWideError, LedgerError) as error:
            self._halt(error)
        except AmazonError as error:
            _log.warning("contact %s is left for the next run: %s", pipeline.contact.id, error.code)
        except Exception as error:  # noqa: BLE001 - our own fault must not make contacts
            _log.exception("contact %s met a fault in connect-tasks", pipeline.contact.id)
            self._halt(ConnectTasksError(f"a fault in connect-tasks: {type(error).__name__}"))

    def _halt(self, error: ConnectTasksError) -> None:
        """Nothing more is started; chats under way go on to their end."""
        if self.halted_by is None:
            self.halted_by = error
            _log.error("campaign %s halts: %s", self._campaign, error)
        self._close_admission()

    def _close_admission(self) -> None:
        # First of all: a claim that is under way would otherwise launch what it brings.
        self._admits = False
        for task in self._not_started:
            # A chat that is being made in this moment is held: nobody else would join it in time.
            if not self._running[task].withdraw():
                task.cancel()
        self._changed.set()

    async def _watch(self) -> None:
        while True:
            await self._context.clock.sleep(self._settings.state_seconds)
            await self._obey()

    async def _obey(self) -> None:
        """Do what a person wants of the campaign, as the ledger has it."""
        state = await self._ledger.run(lambda ledger: ledger.state(self._campaign))
        if state is self._state:
            return
        self._state = state
        _log.warning("campaign %s is %s", self._campaign, state)
        if state is CampaignState.PAUSED:
            self._pause(await self._ramp.stopped_by())
            self._close_admission()
        elif state is CampaignState.STOPPED:
            self.wind_down(self._settings.grace_seconds)

    async def _wait_for_more(self) -> bool:
        """Wait a little if there may be more to do: by others' contacts, or by unknown starts."""
        if (goes_on := await self._heed_ramp()) is not None:
            return goes_on
        seconds = await self._seconds_to_more()
        if seconds is None and not self._unknown.hurry():
            if self._unknown.give_up():
                # Before it waits for others, who may wait for this one.
                await self._claims.release(interrupted=False)
            seconds = await self._claims.seconds_until_free((Status.UNKNOWN,))
            # Those of workers that live are theirs: waiting for each other would never end.
            if seconds is None or self._is_long_alone():
                return False
        own = self._unknown.seconds_left(self._now())
        soonest = min(wait for wait in (seconds, own, 1.0) if wait is not None)
        await self._until_changed(max(0.05, soonest))
        return True

    async def _heed_ramp(self) -> bool | None:
        """Whether there may be more to do, where the ramp tells; None where it lets all begin."""
        stand = await self._ramp.stand(self._unknown.hurry)
        if stand is None:
            return None
        self._alone_since = None
        if stand.standing is Standing.WAITING:
            own = self._unknown.seconds_left(self._now())
            await self._until_changed(self._settings.state_seconds if own is None else own)
        self._pause(stand)
        return stand.standing is not Standing.PAUSED

    def _pause(self, stand: Stand | None) -> None:
        if stand and (error := self._ramp.error(stand)):
            self._halt(error)

    async def _seconds_to_more(self) -> float | None:
        """Until somebody may be contacted: left by another worker or, if wished, in their time."""
        seconds = await self._claims.seconds_until_free(WORKED_ON)
        if seconds is not None or not self._settings.waits_for_windows:
            return seconds
        self._alone_since = None
        opens = await self._claims.next_window()
        self._context.counter.wait_until(opens)
        return None if opens is None else (opens - self._context.clock.now()).total_seconds()

    def _is_long_alone(self) -> bool:
        """Whether others, had they died, would have lost their claims since nothing was left."""
        if self._alone_since is None:
            self._alone_since = self._now()
        return self._now() - self._alone_since > self._settings.lease_seconds

    async def _until_changed(self, most_seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), most_seconds)

    def _now(self) -> float:
        return self._context.clock.monotonic()

    async def _or_halt(self, duty: Callable[[], Awaitable[None]]) -> None:
        try:
            await duty()
        except LedgerError as error:
            self._halt(error)

    async def _release(self) -> None:
        self._ledger.hurry()
        # What was said is written although nobody waits for it any more.
        await self._context.group_commit.finish()
        try:
            await self._context.calls.return_unused()
            # Slots after calls: `keep` has ended, so nothing takes them again.
            await self._context.shared_quota.leave()
            await self._claims.release(interrupted=self._stopped or not self._admits)
        except LedgerError:
            _log.warning("claims could not be released; they run out by themselves")
