"""The rows of a table that were refused, as a terminal shows them: which, who, and why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connect_tasks.command_line.tables import table_text

if TYPE_CHECKING:
    from connect_tasks.campaign.results import CampaignResult

__all__ = ["refused_text"]

_REFUSED = ("rejected", "duplicate", "failed")
_MOST_SHOWN = 10


def refused_text(result: "CampaignResult", *, of_table: bool) -> Sequence[str]:
    """The refused rows with their reasons, the first ten of them; nothing where there are none.

    A customer's id is all that is told of one: what stands in the cells is left out of the reasons,
    which a scheduler keeps for the eyes of many.

    Args:
        result: Of a campaign.
        of_table: Whether a table was run just now, whose rows can be named by their numbers; what
            a campaign has of all its tables is numbered by itself.
    """
    total = sum(result.summary.get(status, 0) for status in _REFUSED)
    if not total:
        return []
    # Those whose end is unknown come first among those who were not contacted.
    first = result.not_contacted(_MOST_SHOWN + result.summary.get("unknown", 0))
    shown = [told for told in first if told["status"] in _REFUSED][:_MOST_SHOWN]
    records = [
        {
            **({"row": told["row"]} if of_table else {}),
            "customer_id": told["customer_id"],
            "why": told["reason"],
        }
        for told in shown
    ]
    more = total - len(shown)
    lines = ["Refused, by row of the table, counted from 0:" if of_table else "Refused:"]
    lines += [f"  {line}" for line in table_text(records).splitlines()]
    return [*lines, f"  and {more:,} more"] if more else lines
