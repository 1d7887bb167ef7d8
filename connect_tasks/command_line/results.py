"""The results of a campaign, as a command shows them: a sentence, counts, and a document."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connect_tasks.command_line.exit_codes import ExitCode, code_of_conclusion
from connect_tasks.command_line.outcome import Outcome
from connect_tasks.command_line.refused_rows import refused_text
from connect_tasks.command_line.tables import counts_text

if TYPE_CHECKING:
    from connect_tasks.campaign.forecast import Forecast
    from connect_tasks.campaign.results import CampaignResult

__all__ = ["outcome_of", "outcome_of_forecast"]


def outcome_of(
    result: "CampaignResult",
    *,
    save_to: str | None = None,
    may_wait: bool = True,
    of_table: bool = False,
) -> Outcome:
    """What a campaign came to.

    Args:
        result: What a flow returned.
        save_to: Where its files are.
        may_wait: See `code_of_conclusion`.
        of_table: See `refused_text`.
    """
    from connect_tasks.databases.addresses import hide_password

    ended, summary = result.conclusion, result.summary
    refused = refused_text(result, of_table=of_table)
    lines = [f"Campaign {result.campaign}: {ended.message}", *counts_text(summary), *refused]
    saved_to = hide_password(save_to) if save_to and "://" in save_to else save_to
    if saved_to:
        lines.append(f"Written to {saved_to}")
    return Outcome(
        text="\n".join(lines),
        document={
            "campaign": result.campaign,
            "state": str(result.state),
            "conclusion": ended.name,
            "message": ended.message,
            "ledger": hide_password(result.ledger_url),
            "saved_to": saved_to,
            "summary": _numbers(summary),
        },
        code=code_of_conclusion(ended.name, summary, may_wait=may_wait),
    )


def outcome_of_forecast(forecast: "Forecast") -> Outcome:
    """What a dry run came to.

    Args:
        forecast: What a flow returned.
    """
    is_wrong = forecast.rejected or forecast.duplicate
    return Outcome(
        text=str(forecast),
        document={
            "to_contact": forecast.to_contact,
            "message": forecast.summary,
            "rows": forecast.rows,
            "valid": forecast.valid,
            "rejected": forecast.rejected,
            "duplicate": forecast.duplicate,
            "contacted": forecast.contacted,
            "reasons": dict(forecast.reasons),
            "warnings": list(forecast.warnings),
            "duration_seconds": forecast.duration_seconds,
            "calls": dict(forecast.calls),
        },
        code=ExitCode.LOOK if is_wrong else ExitCode.DONE,
    )


def _numbers(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The summary as it is; what is told in words besides stays out."""
    return {name: value for name, value in summary.items() if not isinstance(value, str)}
