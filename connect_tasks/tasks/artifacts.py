"""Artifacts: what Prefect's UI shows of a campaign, its progress, summary and refusals.

Artifacts hold counts, ids and reasons, never names, messages or tokens. A Prefect server that
cannot be reached is no reason to stop a campaign, nor to wait: what it cannot be told now is told
later, and all of it is in the ledger.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.runtime import flow_run

from connect_tasks.campaign.funnel import Funnel
from connect_tasks.tasks.run_context import in_run, retries

__all__ = [
    "ArtifactKind",
    "LiveSummary",
    "ProgressArtifact",
    "UpdateInterval",
    "artifact_key",
    "publish_markdown",
    "publish_table",
]

_log = logging.getLogger(__name__)

# Six seconds in all: long enough for a server that is busy, short enough for one that is gone.
_RETRIES_AT_END = 2


class ArtifactKind(StrEnum):
    """The artifacts of a campaign; each is the last word of its key, which people look for."""

    PROGRESS = "progress"
    SUMMARY = "summary"
    NOT_CONTACTED = "not-contacted"
    FORECAST = "forecast"
    CAMPAIGNS = "campaigns"


def artifact_key(*words: str) -> str:
    """A key as Prefect wants it: lower case, digits and dashes.

    Example:
        >>> artifact_key("Renewals 2026/11", "progress")
        'renewals-2026-11-progress'
    """
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


class UpdateInterval:
    """Says when it is time again.

    The pause is what it was made with at first, then a hundredth of the time that has passed, and
    never more than a minute: what goes on for days needs no second hand.

    Args:
        seconds: The shortest pause.
        monotonic: Tells the time.

    Example:
        >>> times = iter([0, 0, 0, 9, 10])
        >>> interval = UpdateInterval(10, lambda: next(times))
        >>> interval.is_due, interval.done(), interval.is_due, interval.is_due
        (True, None, False, True)
    """

    SHARE = 0.01
    MOST_SECONDS = 60.0
    SECONDS_AFTER_FAILURE = 15.0

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._began_at = monotonic()
        self._next_at = self._began_at

    @property
    def is_due(self) -> bool:
        """Whether it is time."""
        return self._monotonic() >= self._next_at

    def done(self) -> None:
        """It was done now."""
        now = self._monotonic()
        share = (now - self._began_at) * self.SHARE
        self._next_at = now + min(max(self._seconds, share), self.MOST_SECONDS)

    def failed(self) -> None:
        """It could not be done now."""
        self._next_at = self._monotonic() + self.SECONDS_AFTER_FAILURE


class _Shown:
    """One artifact of a run that goes on; outside a run it is not shown."""

    def __init__(self, what: str, seconds: float, monotonic: Callable[[], float]) -> None:
        self._what = what
        self._interval = UpdateInterval(seconds, monotonic)
        self._in_run = in_run()
        self._failed = False

    @property
    def is_due(self) -> bool:
        return self._in_run and self._interval.is_due

    def show(self, send: Callable[[], None]) -> None:
        if not self._in_run:
            return
        try:
            with retries(0):
                send()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with Prefect, the campaign goes on
            self._interval.failed()
            if not self._failed:
                _log.warning("%s cannot be shown in Prefect: %s", self._what, type(error).__name__)
            self._failed = True
        else:
            self._interval.done()
            self._failed = False


class ProgressArtifact:
    """A progress bar in Prefect's UI; outside a run it does nothing.

    Args:
        campaign: Its name.
        monotonic: Tells the time, to update at most once a second.
    """

    SECONDS = 1.0

    def __init__(self, campaign: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._campaign = campaign
        self._shown = _Shown("progress", self.SECONDS, monotonic)
        self._artifact: UUID | None = None

    def show(self, funnel: Funnel) -> None:
        """Show the present funnel, at most once a second."""
        if self._shown.is_due:
            self.finish(funnel)

    def finish(self, funnel: Funnel) -> None:
        """Show the last funnel."""
        self._shown.show(lambda: self._send(_percent(funnel)))

    def _send(self, percent: float) -> None:
        # `_sync`: inside Jupyter's event loop these would return coroutines that nobody awaits.
        if self._artifact is None:
            self._artifact = create_progress_artifact(  # type: ignore[assignment]
                progress=percent,
                key=artifact_key(self._campaign, ArtifactKind.PROGRESS),
                description=f"Contacts of campaign {self._campaign} that are settled",
                _sync=True,  # type: ignore[call-arg]
            )
        else:
            update_progress_artifact(self._artifact, progress=percent, _sync=True)  # type: ignore[call-arg]


class LiveSummary:
    """The campaign's summary in Prefect's UI while it runs; outside a run it does nothing.

    Args:
        campaign: Its name.
        monotonic: Tells the time, to update at most every ten seconds.
    """

    SECONDS = 10.0

    def __init__(self, campaign: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._campaign = campaign
        self._shown = _Shown("the summary", self.SECONDS, monotonic)

    def show(self, markdown: Callable[[], str]) -> None:
        """Show the present summary, at most every ten seconds."""
        if self._shown.is_due:
            self._shown.show(
                lambda: _put_markdown(self._campaign, ArtifactKind.SUMMARY, markdown())
            )


def publish_markdown(campaign: str, kind: ArtifactKind, markdown: str) -> None:
    """Write a text about a campaign, in place of an earlier one of this flow run.

    Outside a run it does nothing. Where Prefect's server cannot be reached it only says so: the
    campaign's results are in the ledger, whatever becomes of the run.

    Args:
        campaign: Its name.
        kind: What the text is.
        markdown: What Prefect may keep: no names, messages or tokens.
    """
    if in_run():
        with _or_say(campaign):
            _put_markdown(campaign, kind, markdown)


def publish_table(
    campaign: str, kind: ArtifactKind, rows: Sequence[dict[str, str]], description: str
) -> None:
    """Write a table about a campaign, in place of an earlier one of this flow run.

    Outside a run it does nothing.

    Args:
        campaign: Its name.
        kind: What the rows are.
        rows: What Prefect may keep: no names, messages or tokens.
        description: What it is, in a sentence.
    """

    def create(key: str) -> None:
        create_table_artifact(table=list(rows), key=key, description=description, _sync=True)  # type: ignore[call-arg]

    if in_run():
        with _or_say(campaign):
            _put(artifact_key(campaign, kind), json.dumps(rows), description, create)


def _put_markdown(campaign: str, kind: ArtifactKind, markdown: str) -> None:
    description = f"{kind.capitalize()} of campaign {campaign}"

    def create(key: str) -> None:
        create_markdown_artifact(markdown, key=key, description=description, _sync=True)  # type: ignore[call-arg]

    _put(artifact_key(campaign, kind), markdown, description, create)


def _put(key: str, data: str, description: str, create: Callable[[str], None]) -> None:
    """Change the artifact of this flow run, or make it if there is none."""
    if (artifact := _of_this_run(key)) is None:
        create(key)
        return
    with get_client(sync_client=True) as client:
        client.update_artifact(artifact, ArtifactUpdate(data=data, description=description))


def _of_this_run(key: str) -> UUID | None:
    if not flow_run.id:
        return None
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[UUID(flow_run.id)])),
            limit=1,
        )
    return found[0].id if found else None


@contextmanager
def _or_say(campaign: str) -> Iterator[None]:
    """Without a server, say where everything is."""
    try:
        with retries(_RETRIES_AT_END):
            yield
    except Exception as error:  # noqa: BLE001 - a finished campaign must not fail for its summary
        _log.warning(
            "the summary of campaign %s cannot be shown in Prefect: %s. All of it is in the "
            "ledger; if this run fails, run the same campaign again for its tables.",
            campaign,
            type(error).__name__,
        )


def _percent(funnel: Funnel) -> float:
    return 100 * funnel.settled / funnel.valid if funnel.valid else 100.0
