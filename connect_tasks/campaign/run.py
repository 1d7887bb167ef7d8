"""A run of a campaign from a plain Python program; another run goes on where it ended."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from random import Random, SystemRandom
from typing import Literal, TypeAlias

from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.campaign.assembly import Assembly
from connect_tasks.campaign.funnel import Funnel, FunnelCounter
from connect_tasks.campaign.hand_over.calls import HandOverCalls
from connect_tasks.campaign.hand_over.started_chat import HandOver, check_alone, function_of
from connect_tasks.campaign.worker import Worker
from connect_tasks.chat.own_loop import run_on_own_loop
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import CampaignHaltedError, InputError, LedgerError, RampHaltedError
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.shared_limits import worker_name
from connect_tasks.ledger.store import Ledger

__all__ = ["GRACE_SECONDS", "WhenDeferred", "run_campaign", "way_of"]

WhenDeferred: TypeAlias = Literal["end", "wait"]

GRACE_SECONDS = 10.0
"""How long conversations may go on after a cancellation, before their chats are closed."""


_log = logging.getLogger(__name__)


def run_campaign(  # noqa: PLR0913 - settings, each with a default of its own
    ledger: Ledger,
    campaign: str,
    instance: Instance,
    *,
    conversation: Conversation | None = None,
    hand_over: HandOver | str | None = None,
    outbound: bool = False,
    when_deferred: WhenDeferred = "end",
    table_id: str | None = None,
    on_progress: Callable[[Funnel], None] = lambda _: None,
    poll_seconds: float = 0.2,
    scheduler_run: str = "",
    lease_seconds: float = 30,
    patience_seconds: float = 300,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Funnel:
    """Start, hold and close the chats of all contacts of a campaign that are not settled.

    Returns when nothing is left to do. A second call goes on with what is left; for a finished
    campaign it does nothing. Several processes may run one campaign, or campaigns of one instance:
    through the ledger they share contacts, rates and open chats.

    A ledger's server that goes away is waited for: what is under way goes on when it is back, and
    nothing is sent meanwhile that is not on record.

    It works in a thread and event loop of its own, so it may be called from a notebook. Ctrl-C
    stops it; chats that are open stay open, and the next call goes on with them. Any other
    exception that is thrown into it, such as Prefect's when a run is cancelled, stops admission
    and closes open chats within `GRACE_SECONDS`. A campaign that is paused or stopped
    (`connect_tasks.campaign.manage`) starts nothing.

    Args:
        ledger: Holds the planned contacts.
        campaign: Its name.
        instance: Where the chats are started, and how fast.
        conversation: When a conversation is over, and how it is closed; as the ledger has it if
            None.
        hand_over: Gives each started chat to its customer, instead of a conversation: something
            that takes a `StartedChat`, or where it is, as `package.module:function`. The campaign
            must have been planned for it.
        outbound: Write to the customers on their phones, and hold no conversation: what they answer
            is collected. The campaign must have been planned for it.
        when_deferred: What to do when only those are left whom the campaign's policy lets wait:
            `end`, so that a later run contacts them, or `wait` for them.
        table_id: Contact only whom this table names and has right (`Plan.table_id`); all that
            wait in the campaign if None. Open chats are held to their end either way.
        on_progress: Called with the funnel at the beginning, at the end, and in between.
        poll_seconds: How often in between.
        scheduler_run: What a scheduler calls this run, for `Ledger.take_lost_runs`.
        lease_seconds: How long the contacts of a killed process stay reserved for it.
        patience_seconds: How long to wait for a ledger's server that went away.
        clock: Tells the time and waits; the machine's by default.
        random: Where the jitter of retries comes from.

    Returns:
        The funnel at the end.

    Raises:
        InputError: There is no such campaign, it is not run in this way, or the hand-over is no
            function. Nothing was claimed.
        CampaignHaltedError: Something concerns every contact (credentials, permissions, an
            unknown instance or flow), or too much went wrong in a step of the policy's ramp
            (`RampHaltedError`). Nothing more was started; what was under way was finished.
        LedgerError: The ledger cannot be used any more; no chat was started since, but for calls
            that were under way.

    Example:
        ```python
        from connect_tasks import Conversation
        from connect_tasks.aws.client import ConnectApi
        from connect_tasks.campaign import run_campaign
        from connect_tasks.aws.instance import Instance
        from connect_tasks.ledger import Ledger

        with Ledger("sqlite:///.connect_tasks/ledger.db") as ledger:
            instance = Instance(api=ConnectApi())
            run_campaign(ledger, "renewals-2026-11", instance, conversation=Conversation())
        ```
    """
    check_alone(hand_over, conversation)
    name = ledger.existing_campaign(campaign)
    # Before anything is claimed, and below all that could forget it: a run that speaks from the
    # table, on a campaign of people, would speak as all of them.
    ledger.check_mode(name, way_of(hand_over=hand_over, outbound=outbound))
    runner = _Runner(
        Assembly(
            ledger=ledger,
            campaign=name,
            table_id=table_id,
            instance=instance,
            conversation=conversation or ledger.conversation(name),
            hand_over=None if hand_over is None else function_of(hand_over),
            is_outbound=outbound,
            lease=timedelta(seconds=lease_seconds),
            patience_seconds=patience_seconds,
            clock=clock or SystemClock(),
            random=random or SystemRandom(),
            worker_name=worker_name(scheduler_run),
            waits_for_windows=when_deferred == "wait",
        ),
        on_progress,
        poll_seconds,
    )
    runner.run()
    funnel = runner.counter.funnel()
    if isinstance(runner.failure, LedgerError | RampHaltedError):
        raise runner.failure
    if runner.failure is not None:
        raise CampaignHaltedError(
            f"Campaign {campaign!r} halted after {funnel.started} of {funnel.valid} chats: "
            f"{runner.failure}. Mend that and run the same campaign again: it goes on from here "
            "and contacts nobody twice."
        ) from runner.failure
    return funnel


def way_of(*, hand_over: object = None, outbound: bool = False) -> CampaignMode:
    """Who speaks as the customer in a run with these arguments.

    Args:
        hand_over: What gives chats to their customers, if anything does.
        outbound: Whether they are written to on their phones.

    Raises:
        InputError: It is both.

    Example:
        >>> way_of(outbound=True).value
        'outbound'
    """
    if not outbound:
        return CampaignMode.SIMULATION if hand_over is None else CampaignMode.HAND_OVER
    if hand_over is None:
        return CampaignMode.OUTBOUND
    raise InputError(
        "A campaign that writes to phones has nothing to hand over: Amazon opens the conversation "
        "there. Leave the hand-over out."
    )


class _Runner:
    """Runs a worker in a thread of its own and listens for Ctrl-C meanwhile."""

    def __init__(
        self, run: Assembly, on_progress: Callable[[Funnel], None], poll_seconds: float
    ) -> None:
        self._run = run
        self._on_progress = on_progress
        self._poll_seconds = poll_seconds
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False
        self._finished = threading.Event()
        self.counter = FunnelCounter(run.ledger.counts(run.campaign))
        self.failure: Exception | None = None

    def run(self) -> None:
        threading.Thread(target=self._in_thread, name="connect-tasks", daemon=True).start()
        # Not Thread.join: Ctrl-C in the middle of it makes Python take the thread for finished.
        try:
            self._on_progress(self.counter.funnel())
            while not self._finished.wait(self._poll_seconds):
                self._on_progress(self.counter.funnel())
            self._on_progress(self.counter.funnel())
        except BaseException as signal:
            self._stop(at_once=isinstance(signal, KeyboardInterrupt))
            self._finished.wait()
            _log.warning(
                "campaign %s stopped; run the same campaign again to go on: nobody is contacted "
                "twice",
                self._run.campaign,
            )
            raise

    def _in_thread(self) -> None:
        try:
            run_on_own_loop(self._main())
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            self.failure = error
        finally:
            self._finished.set()

    def _stop(self, *, at_once: bool) -> None:
        self._stopped = True
        if self._loop is None or self._worker is None:
            return
        stop = self._worker.stop if at_once else partial(self._worker.wind_down, GRACE_SECONDS)
        # The loop may have finished a moment ago; then there is nothing to stop.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(stop)

    async def _main(self) -> None:
        instance = self._run.instance
        async with AsyncExitStack() as stack:
            calls = stack.enter_context(ThreadPoolExecutor(instance.threads, "amazon"))
            writes = stack.enter_context(ThreadPoolExecutor(1, "ledger"))
            self._loop = asyncio.get_running_loop()
            await stack.enter_async_context(instance.api.connected(calls))
            # A first call that waits for its client would arrive together with later ones.
            await self._loop.run_in_executor(calls, instance.api.make_clients)
            hand_over = None
            if self._run.hand_over is not None:
                hand_over = stack.enter_context(HandOverCalls(self._run.hand_over))
            self._worker = worker = self._run.worker(calls, writes, self.counter, hand_over)
            if self._stopped:
                return
            await worker.run()
            self.failure = worker.halted_by
