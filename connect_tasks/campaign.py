"""A campaign from a plain Python program: plan it, run it, run it again to go on."""

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random, SystemRandom

from connect_tasks.aws import ConnectApi
from connect_tasks.calls import PacedCalls
from connect_tasks.clock import Clock, SystemClock
from connect_tasks.context import CampaignContext
from connect_tasks.engine import Engine, EngineSettings
from connect_tasks.errors import CampaignHaltedError, LedgerError
from connect_tasks.ledger import Ledger
from connect_tasks.pacing import ChatSlots, Quotas, SlotGate
from connect_tasks.recorder import Recorder
from connect_tasks.retry import RetryPolicy
from connect_tasks.tally import Funnel, Tally
from connect_tasks.template import Conversation

__all__ = ["GRACE_SECONDS", "Instance", "run_campaign"]

GRACE_SECONDS = 10.0
"""How long conversations may go on after a cancellation, before their chats are closed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The Amazon Connect instance that a campaign runs on.

    Args:
        api: Makes the calls.
        quotas: What the instance grants.
        policy: How often failed calls are repeated.
        threads: The most calls at one time.
    """

    api: ConnectApi
    quotas: Quotas = field(default_factory=Quotas)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    threads: int = 16


def run_campaign(
    ledger: Ledger,
    campaign: str,
    instance: Instance,
    *,
    conversation: Conversation,
    report: Callable[[Funnel], None] = lambda _: None,
    lease_seconds: float = 30,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Funnel:
    """Start, hold and close the chats of all contacts of a campaign that are not settled.

    Returns when nothing is left to do. A second call goes on with what is left; for a finished
    campaign it does nothing. Several processes may run one campaign: they share the contacts.

    It works in a thread and event loop of its own, so it may be called from a notebook. Ctrl-C
    stops it; chats that are open stay open, and the next call goes on with them. Any other
    exception that is thrown into it, such as Prefect's when a run is cancelled, stops admission
    and closes open chats within `GRACE_SECONDS`. A campaign that is paused or stopped
    (`connect_tasks.manage`) starts nothing.

    Args:
        ledger: Holds the planned contacts.
        campaign: Its name.
        instance: Where the chats are started, and how fast.
        conversation: When a conversation is over, and how it is closed.
        report: Called a few times a second with the funnel, and once at the end.
        lease_seconds: How long the contacts of a killed process stay reserved for it.
        clock: Tells the time and waits; the machine's by default.
        random: Where the jitter of retries comes from.

    Returns:
        The funnel at the end.

    Raises:
        CampaignHaltedError: Something concerns every contact (credentials, permissions, an
            unknown instance or flow). Nothing more was started; what was under way was finished.
        LedgerError: The ledger cannot be used any more; no chat was started since, but for calls
            that were under way.

    Example:
        ```python
        from connect_tasks import Conversation
        from connect_tasks.aws import ConnectApi
        from connect_tasks.campaign import Instance, run_campaign
        from connect_tasks.ledger import Ledger

        with Ledger("sqlite:///.connect_tasks/ledger.db") as ledger:
            instance = Instance(api=ConnectApi())
            run_campaign(ledger, "renewals-2026-11", instance, conversation=Conversation())
        ```
    """
    runner = _Runner(
        ledger,
        campaign,
        instance,
        conversation=conversation,
        report=report,
        lease_seconds=lease_seconds,
        clock=clock or SystemClock(),
        random=random or SystemRandom(),
    )
    runner.run()
    funnel = runner.tally.funnel()
    if isinstance(runner.failure, LedgerError):
        raise runner.failure
    if runner.failure is not None:
        raise CampaignHaltedError(
            f"Campaign {campaign!r} halted after {funnel.started} of {funnel.valid} chats: "
            f"{runner.failure}. Mend that and run the same campaign again: it goes on from here "
            "and contacts nobody twice."
        ) from runner.failure
    return funnel


class _Runner:
    """Runs an engine in a thread of its own and listens for Ctrl-C meanwhile."""

    POLL_SECONDS = 0.2

    def __init__(
        self,
        ledger: Ledger,
        campaign: str,
        instance: Instance,
        *,
        conversation: Conversation,
        report: Callable[[Funnel], None],
        lease_seconds: float,
        clock: Clock,
        random: Random,
    ) -> None:
        self._ledger = ledger
        self._campaign = campaign
        self._instance = instance
        self._conversation = conversation
        self._report = report
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._random = random
        self._engine: Engine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False
        self._finished = threading.Event()
        self.tally = Tally(ledger.counts(campaign))
        self.failure: Exception | None = None

    def run(self) -> None:
        threading.Thread(target=self._in_thread, name="connect-tasks", daemon=True).start()
        # Not Thread.join: Ctrl-C in the middle of it makes Python take the thread for finished.
        try:
            while not self._finished.wait(self.POLL_SECONDS):
                self._report(self.tally.funnel())
            self._report(self.tally.funnel())
        except BaseException as signal:
            self._stop(at_once=isinstance(signal, KeyboardInterrupt))
            self._finished.wait()
            _log.warning(
                "campaign %s stopped; run the same campaign again to go on: nobody is contacted "
                "twice",
                self._campaign,
            )
            raise

    def _in_thread(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            self.failure = error
        finally:
            self._finished.set()

    def _stop(self, *, at_once: bool) -> None:
        self._stopped = True
        if self._loop is None or self._engine is None:
            return
        stop = self._engine.stop if at_once else partial(self._engine.wind_down, GRACE_SECONDS)
        # The loop may have finished a moment ago; then there is nothing to stop.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(stop)

    async def _main(self) -> None:
        with ExitStack() as stack:
            calls = stack.enter_context(ThreadPoolExecutor(self._instance.threads, "amazon"))
            writes = stack.enter_context(ThreadPoolExecutor(1, "ledger"))
            self._loop = asyncio.get_running_loop()
            # A first call that waits for its client would arrive together with later ones.
            await self._loop.run_in_executor(calls, self._instance.api.make_clients)
            self._engine = engine = self._make_engine(calls, writes)
            if self._stopped:
                return
            await engine.run()
            self.failure = engine.halted_by

    def _make_engine(self, calls: ThreadPoolExecutor, writes: ThreadPoolExecutor) -> Engine:
        worker = uuid.uuid4().hex
        return Engine(
            self._campaign,
            worker,
            ledger=self._ledger,
            ledger_executor=writes,
            context=self._make_context(calls, Recorder(self._ledger, worker, writes)),
            settings=EngineSettings(
                most_at_once=self._instance.quotas.open_chats, lease_seconds=self._lease_seconds
            ),
        )

    def _make_context(self, calls: ThreadPoolExecutor, recorder: Recorder) -> CampaignContext:
        instance = self._instance
        return CampaignContext(
            conversation=self._conversation,
            calls=PacedCalls(
                instance.api,
                instance.quotas,
                instance.policy,
                executor=calls,
                clock=self._clock,
                random=self._random,
            ),
            recorder=recorder,
            slots=SlotGate(ChatSlots(instance.quotas.open_chats), self._clock),
            policy=instance.policy,
            token_validity=instance.quotas.token_validity,
            tally=self.tally,
            clock=self._clock,
            random=self._random,
        )
