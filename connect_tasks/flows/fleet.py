"""A fleet: several runs of a deployment at one campaign, started and waited for.

The runs share nothing but the ledger, so nothing here decides who is contacted. If a run is never
picked up, or its machine dies, waiting ends; whoever waited does what is left.
"""

import logging
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any
from uuid import UUID

from httpx import TransportError
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from connect_tasks.errors import InputError
from connect_tasks.tasks.run_context import Logger

__all__ = ["Fleet"]

_NOT_BEGUN = {StateType.SCHEDULED, StateType.PENDING}


class Fleet:
    """The runs of a deployment that work on one campaign.

    Args:
        deployment: Its name, `flow/deployment`.
        logger: Where it says how the runs fare.
        monotonic: Tells the time.
        sleep: Waits.

    Raises:
        InputError: There is no such deployment, or it has no work pool.
    """

    POLL_SECONDS = 2.0
    SECONDS_TO_END = 15.0
    """How long a run may take to end when nothing is left to do."""

    def __init__(
        self,
        deployment: str,
        logger: Logger,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.deployment = deployment
        self.work_pool = _work_pool_of(deployment)
        self._logger = logger
        self._monotonic = monotonic
        self._sleep = sleep
        self._runs: dict[UUID, FlowRun] = {}

    def start(self, count: int, *, name: str, key: str, parameters: Mapping[str, Any]) -> None:
        """Start runs, and do not wait for them. Again with the same key, it starts no others.

        Args:
            count: How many.
            name: What they are called in Prefect, with a number each.
            key: What makes them the same runs in a second call.
            parameters: What each of them is given.
        """
        try:
            for number in range(1, count + 1):
                self._start_one(
                    f"{name} · worker {number} of {count}", f"{key}-{number}", parameters
                )
        except TransportError as error:
            self._logger.warning(
                "Prefect cannot be asked for more runs (%s): this run goes on by itself",
                type(error).__name__,
            )
        self._logger.info(
            "started %d runs of %s on work pool %s",
            len(self._runs),
            self.deployment,
            self.work_pool,
        )

    def _start_one(self, name: str, key: str, parameters: Mapping[str, Any]) -> None:
        run: Any = run_deployment(
            self.deployment,
            parameters=dict(parameters),
            timeout=0,
            flow_run_name=name,
            idempotency_key=key,
            _sync=True,  # type: ignore[call-arg]
        )
        self._runs[run.id] = run

    def wait(self, progress: Callable[[], Hashable | None], *, patience_seconds: float) -> None:
        """Wait until all runs have ended, nothing is left to do, or nothing moves any more.

        Args:
            progress: How far the work has come; None when nothing is left. Asked when a run's
                state changes, and four times in `patience_seconds`.
            patience_seconds: How long nothing may move before waiting ends.
        """
        moved_at = asked_at = self._monotonic()
        states, done = self._look(), progress()
        while self._open_runs() and done is not None:
            self._sleep(self.POLL_SECONDS)
            before, states = (states, done), self._look()
            if states != before[0] or self._monotonic() >= asked_at + patience_seconds / 4:
                done, asked_at = progress(), self._monotonic()
            if (states, done) != before:
                moved_at = self._monotonic()
            elif self._monotonic() > moved_at + patience_seconds:
                self._complain(patience_seconds)
                return

    def finish(self, *, is_done: bool) -> None:
        """Let runs end, end in Prefect what will not, and say how each ended.

        Args:
            is_done: Nothing is left to do. Then a run that nobody has begun is cancelled, and one
                that does not end within `SECONDS_TO_END` is marked as crashed: its machine is
                gone, or Prefect has lost sight of it.
        """
        deadline = self._monotonic() + self.SECONDS_TO_END
        self._look()
        while is_done and self._working_runs() and self._monotonic() < deadline:
            self._sleep(self.POLL_SECONDS)
            self._look()
        for run in self._open_runs() if is_done else ():
            self._end(run)
        for run in self._runs.values():
            self._tell(run)

    def _look(self) -> Hashable:
        """The present states, or what is known of them while Prefect cannot be asked."""
        try:
            with get_client(sync_client=True) as client:
                self._runs = {id_: client.read_flow_run(id_) for id_ in self._runs}
        except Exception as error:  # noqa: BLE001 - without Prefect the campaign goes on
            self._logger.warning("Prefect cannot be asked for runs: %s", type(error).__name__)
        return tuple(run.state_type for run in self._runs.values())

    def _open_runs(self) -> list[FlowRun]:
        return [run for run in self._runs.values() if not _state(run).is_final()]

    def _working_runs(self) -> list[FlowRun]:
        return [run for run in self._open_runs() if run.state_type not in _NOT_BEGUN]

    def _complain(self, seconds: float) -> None:
        for run in self._open_runs():
            if run.state_type in _NOT_BEGUN:
                self._logger.warning(
                    "%s: no worker has begun it in %.0f seconds. Start one with `prefect worker "
                    "start --pool %s`; until then this run goes on alone.",
                    run.name,
                    seconds,
                    self.work_pool,
                )
            else:
                self._logger.warning(
                    "%s: nothing has moved for %.0f seconds; this run goes on beside it.",
                    run.name,
                    seconds,
                )

    def _end(self, run: FlowRun) -> None:
        state: State[Any] = Crashed(message="It did not end when its campaign was done.")
        if run.state_type in _NOT_BEGUN:
            state = Cancelled(message="Its campaign was done before a worker began it.")
        try:
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(run.id, state, force=True)
                self._runs[run.id] = client.read_flow_run(run.id)
        except Exception as error:  # noqa: BLE001 - without Prefect the campaign goes on
            self._logger.warning("%s cannot be ended: %s", run.name, type(error).__name__)

    def _tell(self, run: FlowRun) -> None:
        state = _state(run)
        level = logging.INFO if state.is_completed() else logging.WARNING
        words = f": {state.message}" if state.message else ""
        verb = "ended as" if state.is_final() else "is still"
        self._logger.log(level, "%s %s %s%s", run.name, verb, state.name, words)


def _work_pool_of(deployment: str) -> str:
    try:
        with get_client(sync_client=True) as client:
            found = client.read_deployment_by_name(deployment)
    except (ObjectNotFound, ValueError):
        raise InputError(
            f"There is no deployment {deployment!r} in Prefect. `prefect deployment ls` lists "
            "them; docs/many-machines.md shows how to make it."
        ) from None
    if not found.work_pool_name:
        raise InputError(
            f"The deployment {deployment!r} has no work pool, so no worker would run it: deploy "
            "it with `--pool NAME`."
        )
    return found.work_pool_name


def _state(run: FlowRun) -> State[Any]:
    return run.state or State(type=StateType.PENDING)
