"""The monitor: what people and Prefect see of a campaign while a run works on it."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.conclusion import deferred_words
from connect_tasks.campaign.funnel import Funnel, FunnelCounter
from connect_tasks.campaign.outlook import utc_minute
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.summary import pace_now, summary_markdown
from connect_tasks.databases.addresses import hide_password
from connect_tasks.databases.opening import is_database
from connect_tasks.errors import ConnectTasksError
from connect_tasks.ledger.contact import CampaignMode, CampaignState
from connect_tasks.ledger.deferred import Deferred
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.destinations import as_uri
from connect_tasks.tasks.artifacts import (
    ArtifactKind,
    LiveSummary,
    ProgressArtifact,
    publish_markdown,
    publish_table,
)
from connect_tasks.tasks.crashed_runs import CrashedRuns
from connect_tasks.tasks.events import Ending, tell_campaign, tell_unknown
from connect_tasks.tasks.progress import watching
from connect_tasks.tasks.pulse import Pulse
from connect_tasks.tasks.run_context import Logger, in_run, may_tell_ids, run_logger

__all__ = ["CampaignMonitor", "publish_result"]

_AS_ENDED: Mapping[CampaignState, Ending] = {
    CampaignState.PAUSED: "paused",
    CampaignState.STOPPED: "stopped",
}


def publish_result(result: CampaignResult, *, saved_to: str | None = None) -> None:
    """Show in Prefect how a campaign ended, and who was not contacted; outside a run, nothing.

    Args:
        result: The campaign's.
        saved_to: Where its files are.
    """
    if not in_run():
        return
    conclusion, experiment = result.conclusion, result.summary.get("experiment")
    if experiment:
        run_logger().info("campaign %s: experiment: %s", result.campaign, experiment)
    names = "contacts.csv, messages.csv, replies.csv, attributes.csv, decisions.csv, report.html"
    files = _saved(names, saved_to) if saved_to else ""
    notes = (
        f"{conclusion.name}: {conclusion.message}",
        f"experiment: {experiment}" if experiment else "",
        f"saved: {files}" if files else "",
        f"ledger: `{hide_password(result.ledger_url)}`",
    )
    publish_markdown(
        result.campaign,
        ArtifactKind.SUMMARY,
        summary_markdown(result.campaign, result.summary, *notes),
    )
    if rows := [_may_be_told(row) for row in result.not_contacted()]:
        publish_table(
            result.campaign,
            ArtifactKind.NOT_CONTACTED,
            rows,
            f"Refused, failed and unknown rows of campaign {result.campaign}, the first 100; all "
            "of them are in contacts.csv",
        )


def _saved(names: str, place: str) -> str:
    if is_database(place):
        return f"tables in `{hide_password(place)}`"
    return f"[{names}]({as_uri(place)})"


def _may_be_told(row: Mapping[str, str]) -> dict[str, str]:
    hidden = () if may_tell_ids() else ("customer_id",)
    return {name: value for name, value in row.items() if name not in hidden}


def _waits(funnel: Funnel) -> str:
    return f"waiting until {utc_minute(funnel.waits_until)}" if funnel.waits_until else ""


class CampaignMonitor:
    """Shows a run of a campaign: to its terminal or log, in Prefect's UI and as events.

    It also looks for runs that died with work of the same instance in hand. Nothing of it can
    stop the campaign.

    Args:
        campaign: Its name.
        ledger: Holds the campaign.
        quotas: What the instance should grant.
        logger: Takes the lines.
        table_id: The table that the run is of; all who wait in the campaign if None.
    """

    def __init__(
        self,
        campaign: str,
        ledger: Ledger,
        quotas: Quotas,
        logger: Logger,
        *,
        table_id: str | None = None,
    ) -> None:
        self._campaign = campaign
        self._table_id = table_id
        self._ledger = ledger
        self._quotas = quotas
        self._logger = logger
        self._progress = ProgressArtifact(campaign)
        self._summary = LiveSummary(campaign)
        self._pulse = Pulse(campaign)
        self._lost = CrashedRuns(ledger, ledger.instance_id(campaign), logger)
        self._stack = ExitStack()
        self._funnel: Funnel | None = None
        self._began = False
        self._since = datetime.now(UTC)

    def __enter__(self) -> Self:
        self._line = self._stack.enter_context(watching(self._campaign, self._logger))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if self._funnel is None:
            return
        self._log_ramp()
        if error is None:
            # Others may have worked on it too: only the ledger knows how far it has come.
            self._end(FunnelCounter(self._ledger.counts(self._campaign)).funnel())
        elif isinstance(error, ConnectTasksError):
            self._halt(self._funnel, error)

    def show(self, funnel: Funnel) -> None:
        """Show how far the campaign has come; called a few times a second."""
        if self._funnel is None and self._left(funnel):
            self._began = True
            tell_campaign("started", self._campaign, funnel)
        self._funnel = funnel
        self._pulse.feel(funnel)
        self._line(funnel)
        self._progress.show(funnel)
        self._summary.show(lambda: self._markdown(funnel))
        self._lost.look()

    def _markdown(self, funnel: Funnel) -> str:
        now = datetime.now(UTC)
        return summary_markdown(
            self._campaign,
            asdict(funnel),
            _waits(funnel) or pace_now(funnel.limited_by, self._quotas, funnel.learnt),
            f"running, as of {now:%H:%M:%S} UTC",
        )

    def _end(self, funnel: Funnel) -> None:
        self._progress.finish(funnel)
        self._lost.mark()
        now, left = datetime.now(UTC), self._left(funnel)
        waits = self._ledger.deferred(self._campaign, now=now, table_id=self._table_id)
        self._log(funnel, waits)
        state = self._ledger.state(self._campaign)
        if left and state is not CampaignState.RUNNING:
            tell_campaign(_AS_ENDED[state], self._campaign, funnel)
        elif self._began and waits.first and left <= waits.count:
            until = waits.first.isoformat()
            tell_campaign("deferred", self._campaign, funnel, until=until)
        elif self._began and not left:
            tell_campaign("finished", self._campaign, funnel)
        if funnel.unknown:
            unknown = self._ledger.unknown_contacts(self._campaign)
            tell_unknown(self._campaign, [contact.customer_id for contact in unknown])

    def _left(self, funnel: Funnel) -> int:
        """How many are left for this run: whom its table does not name is no work of its own."""
        if not funnel.left or self._table_id is None:
            return funnel.left
        return funnel.left - self._ledger.outside(self._campaign, self._table_id)

    def _halt(self, funnel: Funnel, error: ConnectTasksError) -> None:
        told = {"error": type(error).__name__, "reason": str(error)}
        tell_campaign("halted", self._campaign, funnel, **told)
        halted = f"**halted**: {error}"
        text = summary_markdown(self._campaign, asdict(funnel), halted)
        publish_markdown(self._campaign, ArtifactKind.SUMMARY, text)

    def _log_ramp(self) -> None:
        for step, numbers in self._ledger.ramp.passed(self._campaign, since=self._since):
            told = "; ".join(numbers)
            self._logger.info("campaign %s went on after %s: %s", self._campaign, step, told)

    def _log(self, funnel: Funnel, waits: Deferred) -> None:
        how = "written to" if funnel.mode is CampaignMode.OUTBOUND else "handed over"
        more = [f"{funnel.handed_over} {how}"] if funnel.handed_over else []
        if funnel.withheld:
            more.append(f"{funnel.withheld} of them withheld by the policy")
        if waits.count:
            more.append(deferred_words(waits.count, waits.first))
        told = ", ".join([f"{funnel.settled} of {funnel.valid} settled", *more])
        self._logger.info("campaign %s: %s", self._campaign, told)
        for what, granted in self._funnel.learnt.items() if self._funnel else ():
            self._logger.warning(
                "campaign %s: the instance grants less than its quotas say: %s %.1f",
                self._campaign,
                what,
                granted,
            )
        if funnel.unknown:
            self._logger.warning(
                "campaign %s: whether %d customers were contacted is not known; run the campaign "
                "again to find out",
                self._campaign,
                funnel.unknown,
            )
