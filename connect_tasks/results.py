"""What came of a campaign, as tables read from the ledger: a second run returns the same."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connect_tasks.frames import contacts_table, messages_table, rows
from connect_tasks.ledger import Ledger
from connect_tasks.planning import Plan
from connect_tasks.report import render_report

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CampaignResult", "summarise"]


class CampaignResult:
    """The tables and the summary of one campaign.

    Args:
        campaign: Its name.
        ledger_url: Where it is kept.
        plan: The table to answer for, row by row; without it, all contacts and then all refused
            rows.

    Example:
        ```python
        result.contacts[["customer_id", "status", "end_reason"]]
        result.messages.query("participant_role == 'CUSTOMER'")
        result.save("out")
        ```
    """

    def __init__(self, campaign: str, ledger_url: str, plan: Plan | None = None) -> None:
        self.campaign = campaign
        self.ledger_url = ledger_url
        self._plan = plan

    @cached_property
    def contacts(self) -> "pd.DataFrame":
        """One row per input row, with the input's index.

        Columns: campaign, customer_id, status, end_reason, contact_id, participant_id,
        client_token, error_code, error_message, request_id (`string`); generation, attempts
        (`Int64`); planned_at, started_at, connected_at, first_reply_at, ended_at
        (`datetime64[us, UTC]`). Refused rows have a status and the reasons in error_message.
        """
        with Ledger(self.ledger_url) as ledger:
            contacts = {row["customer_id"]: row for row in ledger.contact_records(self.campaign)}
            refused = {row.position: asdict(row) for row in ledger.refused_rows(self.campaign)}
        if self._plan is None:
            return contacts_table([*contacts.values(), *map(self._named, refused.values())])
        return contacts_table(
            [
                self._named(refused.get(position, {})) if customer is None else contacts[customer]
                for position, customer in enumerate(self._plan.customer_ids)
            ],
            index=self._plan.index,
        )

    @cached_property
    def messages(self) -> "pd.DataFrame":
        """One row per transcript item, contact by contact, each in order of time.

        Columns: customer_id, contact_id, message_id, participant_role, participant_id,
        display_name, type, content_type, content (`string`); absolute_time
        (`datetime64[us, UTC]`, Amazon's clock).
        """
        with Ledger(self.ledger_url) as ledger:
            return messages_table(ledger.message_records(self.campaign))

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Counts of the whole campaign, and when it ran; see `summarise`.

        With a plan also request_changed: customers contacted before with another request.
        """
        with Ledger(self.ledger_url) as ledger:
            summary = summarise(ledger.counts(self.campaign))
        changed = {"request_changed": self._plan.request_changed} if self._plan else {}
        return {**summary, **changed}

    def conversations(self, most: int = 3) -> Iterator[list[tuple[str, str]]]:
        """The first few conversations, each as a list of who said what.

        Args:
            most: How many conversations.
        """
        spoken = self.messages[self.messages["content"].notna()]
        for _, chat in list(spoken.groupby("contact_id", sort=False))[:most]:
            names = chat["display_name"].fillna("").tolist()
            yield list(zip(names, chat["content"].tolist(), strict=True))

    def report(self) -> str:
        """A page for a manager, as HTML that needs nothing else."""
        return render_report(
            campaign=self.campaign,
            summary=self.summary,
            contacts=[row for chunk in rows(self.contacts) for row in chunk],
            messages=[row for chunk in rows(self.messages) for row in chunk],
        )

    def save(self, folder: str | Path) -> None:
        """Write `contacts.csv`, `messages.csv` and `report.html` to a folder; made if absent."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        self.contacts.to_csv(path / "contacts.csv", index=False)
        self.messages.to_csv(path / "messages.csv", index=False)
        (path / "report.html").write_text(self.report(), encoding="utf-8")

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {value}" for name, value in self._counts())
        return f"<CampaignResult {self.campaign!r}: {counts}>"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in self._counts()
        )
        return f"<table><caption>{escape(self.campaign)}</caption>{cells}</table>"

    def _counts(self) -> list[tuple[str, int]]:
        return [(name, value) for name, value in self.summary.items() if isinstance(value, int)]

    def _named(self, refused: Mapping[str, Any]) -> dict[str, Any]:
        return {"campaign": self.campaign, **refused}


def summarise(counts: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a campaign, from the ledger's counts.

    Args:
        counts: What `Ledger.counts` says.

    Returns:
        rows, valid, rejected, duplicate; started, connected, replied: contacts that ever got so
        far; completed, failed, unknown, planned, starting: contacts that are so now; started_at,
        finished_at (UTC) and duration_seconds, from planning to the last chat's end.
    """
    started_at, finished_at = counts["planned_at"], counts["ended_at"]
    took = (finished_at - started_at).total_seconds() if started_at and finished_at else None
    return {
        "rows": counts["valid"] + counts["rejected"] + counts["duplicate"],
        "valid": counts["valid"],
        "rejected": counts["rejected"],
        "duplicate": counts["duplicate"],
        "started": counts["reached_started"],
        "connected": counts["reached_connected"],
        "replied": counts["replied"],
        "completed": counts["completed"],
        "failed": counts["failed"],
        "unknown": counts["unknown"],
        "planned": counts["planned"],
        "starting": counts["starting"],
        "started_at": started_at,
        "finished_at": finished_at,
        "duration_seconds": took,
    }
