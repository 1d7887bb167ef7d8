"""Crashed runs: what died with its machine is marked in Prefect, since the ledger knows.

A worker keeps its share of an instance's open chats by asking for it every second. When it stops
asking, whoever works on the instance next finds out, and marks its run in Prefect as crashed.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed

from connect_tasks.errors import LedgerError
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks.run_context import Logger, attempt_of_run, in_run, retries

__all__ = ["CrashedRuns"]

_MESSAGE = (
    "Its process died: it stopped renewing its lease in the ledger. Nothing is lost; another run "
    "of the same campaign goes on."
)


class CrashedRuns:
    """Marks runs of Prefect as crashed whose workers on an instance died.

    Without Prefect, or where its server cannot be asked, the campaign goes on all the same.

    Args:
        ledger: Where workers hold their shares.
        instance_id: The instance.
        logger: Where each run that was found is told.
        monotonic: Tells the time.
    """

    LOOK_SECONDS = 30.0

    def __init__(
        self,
        ledger: Ledger,
        instance_id: str,
        logger: Logger,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._instance_id = instance_id
        self._logger = logger
        self._monotonic = monotonic
        self._look_at = self._reliable_at = float("-inf")

    def look(self) -> None:
        """Look for dead workers, if that was not tried in the last 30 seconds."""
        if self._monotonic() >= self._look_at:
            self._look_at = self._monotonic() + self.LOOK_SECONDS
            self.mark()

    def mark(self) -> None:
        """Mark what has died since somebody looked last; outside a run, nothing."""
        if in_run() and self._monotonic() >= self._reliable_at:
            for attempt in self._lost():
                self._mark(attempt)

    def _lost(self) -> list[str]:
        try:
            lost = self._ledger.take_lost_runs(self._instance_id, now=datetime.now(UTC))
        except LedgerError:
            # The campaign waits for its ledger. When it is back, everybody gets time to renew.
            self._reliable_at = self._monotonic() + self.LOOK_SECONDS
            return []
        # We ourselves may have been asleep.
        return [attempt for attempt in lost if attempt != attempt_of_run()]

    def _mark(self, attempt: str) -> None:
        try:
            self._set_crashed(attempt)
        except Exception as error:  # noqa: BLE001 - whatever Prefect says, the campaign goes on
            self._logger.warning(
                "run %s died and cannot be marked as crashed: %s", attempt, type(error).__name__
            )

    def _set_crashed(self, attempt: str) -> None:
        run_id, _, number = attempt.partition(".")
        with retries(0), get_client(sync_client=True) as client:
            run = client.read_flow_run(UUID(run_id))
            if _is_that_attempt(run, int(number)):
                client.set_flow_run_state(run.id, Crashed(message=_MESSAGE), force=True)
                self._logger.warning(
                    "run %s (%s) died and is marked as crashed; what it left is done here",
                    run.name,
                    run.id,
                )


def _is_that_attempt(run: FlowRun, number: int) -> bool:
    """Whether the run still looks as if the dead process worked on it."""
    return run.run_count == number and run.state is not None and not run.state.is_final()
