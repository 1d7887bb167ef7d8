"""The rows of a table that were refused, as a terminal shows them: which, who, and why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connect_tasks.command_line.tables import records_of, table_text

if TYPE_CHECKING:
    from connect_tasks.campaign.results import CampaignResult

__all__ = ["refused_text"]

_REFUSED = ("rejected", "duplicate", "failed")
_MOST_SHOWN = 10
# All of a table's contacts are read for them.
_MOST_READ = 50_000
_MOST_OF_AN_ID = 40


def refused_text(result: "CampaignResult", *, of_table: bool) -> Sequence[str]:
    """The refused rows with their reasons, the first ten of them; nothing where there are none.

    Of a large table nothing is shown: the result's files have it. A customer's id is all that is
    told of one.

    Args:
        result: Of a campaign.
        of_table: Whether a table was run just now, whose rows can be named by their numbers; what
            a campaign has of all its tables is numbered by itself.
    """
    summary = result.summary
    if not any(summary.get(status) for status in _REFUSED) or summary["rows"] > _MOST_READ:
        return []
    contacts = result.contacts
    refused = contacts[contacts["status"].isin(_REFUSED)]
    if refused.empty:
        return []
    shown = refused.head(_MOST_SHOWN)
    rows = records_of(shown[["customer_id", "error_message"]])
    records = [
        {
            **({"row": str(row)} if of_table else {}),
            "customer_id": (told["customer_id"] or "")[:_MOST_OF_AN_ID],
            "why": told["error_message"] or "",
        }
        for row, told in zip(shown.index, rows, strict=True)
    ]
    more = len(refused) - len(shown)
    lines = ["Refused, by row of the table, counted from 0:" if of_table else "Refused:"]
    lines += [f"  {line}" for line in table_text(records).splitlines()]
    return [*lines, f"  and {more:,} more"] if more else lines
