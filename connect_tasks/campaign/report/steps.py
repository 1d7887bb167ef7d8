"""The report's steps: how many got how far, each way of a campaign on its own way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connect_tasks.campaign.report.words import count_of, mode_of
from connect_tasks.ledger.contact import CampaignMode

__all__ = ["WHOLE", "Stage", "stages"]

_STEPS: Mapping[CampaignMode, Mapping[str, str]] = {
    CampaignMode.SIMULATION: {
        "rows": "Rows in the table",
        "valid": "Valid customers",
        "started": "Chats started",
        "connected": "Chats connected",
        "replied": "Chats with a reply",
        "completed": "Chats completed",
    },
    CampaignMode.INVITATION: {
        "issued": "Links issued",
        "opened": "Links opened",
        "started": "Chats started",
        "joined": "Chats joined",
        "replied": "People who answered",
        "completed": "Chats that are over",
    },
    CampaignMode.HAND_OVER: {
        "started": "Chats started",
        "handed_over": "Chats handed over",
        "joined": "Chats joined",
        "replied": "People who answered",
        "completed": "Chats that are over",
    },
    CampaignMode.OUTBOUND: {
        "rows": "Rows in the table",
        "valid": "Valid customers",
        "started": "Phones written to",
        "replied": "People who answered",
        "completed": "Conversations that are over",
    },
}

WHOLE: Mapping[CampaignMode, str] = {
    CampaignMode.SIMULATION: "rows",
    CampaignMode.INVITATION: "links",
    CampaignMode.HAND_OVER: "chats",
    CampaignMode.OUTBOUND: "rows",
}
"""What each step is a share of: what the first one counts."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the way from table to answer.

    Attributes:
        name: The summary's key: rows, valid, issued, opened, started, handed_over, connected,
            joined, replied or completed.
        label: The step in plain words.
        count: How many got this far.
        share_of_previous: Against the step before; None for the first, and after an empty step.
            Above 1 where a later step doesn't need the one before: a silent chat completes, too.
        share_of_total: Against the first step; 0 where that one is empty.
    """

    name: str
    label: str
    count: int
    share_of_previous: float | None
    share_of_total: float


def stages(summary: Mapping[str, Any]) -> tuple[Stage, ...]:
    """How many got how far; a step that the summary doesn't count is left out.

    Args:
        summary: As `summarise` gives it, or the fields of a `Funnel`. Its `mode` decides which
            steps there are; without one it is a simulation.

    Example:
        >>> [(s.name, s.count, s.share_of_total) for s in stages({"rows": 4, "started": 3})]
        [('rows', 4, 1.0), ('started', 3, 0.75)]
    """
    labels = _STEPS[mode_of(summary)]
    if summary.get("joined") is None:
        # A running campaign's funnel calls it as the ledger does.
        summary = {**summary, "joined": summary.get("connected")}
    known = [name for name in labels if summary.get(name) is not None]
    counts = [count_of(summary, name) for name in known]
    previous = [None, *counts]
    return tuple(
        Stage(name, labels[name], count, _share(count, before), _share(count, counts[0]) or 0.0)
        for name, count, before in zip(known, counts, previous, strict=False)
    )


def _share(part: int, whole: int | None) -> float | None:
    return part / whole if whole else None
