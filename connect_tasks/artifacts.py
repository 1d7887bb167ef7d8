"""What Prefect's UI shows of a campaign: a progress bar while it runs, a summary at the end.

Artifacts hold counts and reasons, never names, messages or tokens.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from connect_tasks.runs import in_run
from connect_tasks.tally import Funnel

__all__ = ["ProgressArtifact", "artifact_key", "publish_summary"]

_log = logging.getLogger(__name__)

# Six seconds in all: long enough for a server that is busy, short enough for one that is gone.
_SUMMARY_RETRIES = 2


def artifact_key(*words: str) -> str:
    """A key as Prefect wants it: lower case, digits and dashes.

    Example:
        >>> artifact_key("Renewals 2026/11", "progress")
        'renewals-2026-11-progress'
    """
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


class ProgressArtifact:
    """A progress bar in Prefect's UI; outside a run it does nothing.

    A Prefect server that cannot be reached is no reason to stop a campaign, nor to wait: the bar
    stands still and is tried again now and then.

    Args:
        campaign: Its name.
        monotonic: Tells the time, to update at most once a second.
    """

    SECONDS = 1.0
    SECONDS_AFTER_FAILURE = 15.0

    def __init__(self, campaign: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._campaign = campaign
        self._monotonic = monotonic
        self._next_at = float("-inf")
        self._artifact: UUID | None = None
        self._is_reached = True
        self._in_run = in_run()

    def show(self, funnel: Funnel) -> None:
        """Show the present funnel, at most once a second."""
        if self._in_run and self._monotonic() >= self._next_at:
            self._update(_percent(funnel))

    def finish(self, funnel: Funnel) -> None:
        """Show the last funnel."""
        if self._in_run:
            self._update(_percent(funnel))

    def _update(self, percent: float) -> None:
        try:
            with _retries(0):
                self._send(percent)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with Prefect, the campaign goes on
            self._next_at = self._monotonic() + self.SECONDS_AFTER_FAILURE
            if self._is_reached:
                _log.warning("progress cannot be shown in Prefect: %s", type(error).__name__)
            self._is_reached = False
        else:
            self._next_at = self._monotonic() + self.SECONDS
            self._is_reached = True

    def _send(self, percent: float) -> None:
        # `_sync`: inside Jupyter's event loop these would return coroutines that nobody awaits.
        if self._artifact is None:
            self._artifact = create_progress_artifact(  # type: ignore[assignment]
                progress=percent,
                key=artifact_key(self._campaign, "progress"),
                description=f"Contacts of campaign {self._campaign} that are settled",
                _sync=True,  # type: ignore[call-arg]
            )
        else:
            update_progress_artifact(self._artifact, progress=percent, _sync=True)  # type: ignore[call-arg]


def publish_summary(campaign: str, summary: Mapping[str, Any]) -> None:
    """Write the campaign's funnel as a markdown artifact; outside a run it does nothing.

    Where Prefect's server cannot be reached it only says so: the campaign's results are in the
    ledger, whatever becomes of the run.
    """
    if not in_run():
        return
    try:
        with _retries(_SUMMARY_RETRIES):
            _create_summary(campaign, summary)
    except Exception as error:  # noqa: BLE001 - a finished campaign must not fail for its summary
        _log.warning(
            "the summary of campaign %s cannot be shown in Prefect: %s. All of it is in the "
            "ledger; if this run fails, run the same campaign again for its tables.",
            campaign,
            type(error).__name__,
        )


def _create_summary(campaign: str, summary: Mapping[str, Any]) -> None:
    create_markdown_artifact(
        markdown=_markdown(campaign, summary),
        key=artifact_key(campaign, "summary"),
        description=f"Summary of campaign {campaign}",
        _sync=True,  # type: ignore[call-arg]
    )


@contextmanager
def _retries(count: int) -> Iterator[None]:
    """How often Prefect's client repeats a request; by itself it would try for a minute."""
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: count}):
        yield


def _markdown(campaign: str, summary: Mapping[str, Any]) -> str:
    rows = "\n".join(f"| {name} | {value} |" for name, value in summary.items())
    return f"## Campaign {campaign}\n\n| | |\n|---|---:|\n{rows}\n"


def _percent(funnel: Funnel) -> float:
    return 100 * funnel.settled / funnel.valid if funnel.valid else 100.0
