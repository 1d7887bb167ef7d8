"""The summary: a campaign in a few words, how its run ended, who was not contacted."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.report import stages
from connect_tasks.ledger.contact import CampaignState, Contact, Refusal, Status, Withdrawal

__all__ = [
    "Conclusion",
    "conclude",
    "not_contacted",
    "outside_words",
    "pace_now",
    "summarise",
    "summary_markdown",
]

_QUOTED_TEXT = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""
_QUOTED = re.compile(_QUOTED_TEXT, re.DOTALL)
# What a value was is the customer's; the field before it and the rule after it are ours.
_OWN_VALUE = re.compile(rf" = (?:{_QUOTED_TEXT}|[^'\":])*: ", re.DOTALL)
_FAILED_TEMPLATE = "the template fails"
_UNKNOWN = (
    " Run the same campaign again to find out about the unknown ones; those that stay unknown, a "
    "person decides with the flow campaign-resolve."
)
_LONGEST_REASON = 200
_LONGEST_ID = 60


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a run of a campaign ended: a state's name and its message."""

    name: str
    message: str


def summarise(counts: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a campaign, from the ledger's counts.

    Args:
        counts: What `Ledger.counts` says.

    Returns:
        rows, valid, rejected, duplicate; started, connected, replied (the other side has answered
        something that ours said): contacts that ever got so far; completed, failed, unknown,
        planned, starting: contacts that are so now; withdrawn: customers who were taken out before
        anybody contacted them, in none of the others;
        transcripts_incomplete: chats of which something is missing, or may be;
        transcripts_unchecked: chats that the other side ended, of which nobody can say;
        items_skipped: what came and could not be read as an item of its chat;
        started_at, finished_at (UTC) and duration_seconds, from planning to the last chat's end.
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
        "withdrawn": counts["withdrawn"],
        "unknown": counts["unknown"],
        "planned": counts["planned"],
        "starting": counts["starting"],
        "transcripts_incomplete": counts["transcripts_incomplete"],
        "transcripts_unchecked": counts["transcripts_unchecked"],
        "items_skipped": counts["items_skipped"],
        "started_at": started_at,
        "finished_at": finished_at,
        "duration_seconds": took,
    }


def conclude(summary: Mapping[str, Any], state: CampaignState) -> Conclusion:
    """Say how a run ended that was neither halted nor cancelled.

    Args:
        summary: As `summarise` gives it; `outside` says how many of those that are left are not
            in the table that was run.
        state: What a person wants of the campaign.

    Example:
        >>> counts = {"rows": 3, "valid": 3, "started": 3, "replied": 2, "completed": 3,
        ...           "rejected": 0, "duplicate": 0, "failed": 0, "unknown": 0}
        >>> conclude(counts, CampaignState.RUNNING)
        Conclusion(name='Completed', message='3 of 3 rows contacted, 2 replied.')
    """
    told = f"{', '.join(_told(summary))}."
    unknown = _UNKNOWN if summary["unknown"] else ""
    left = summary["valid"] - summary["completed"] - summary["failed"] - summary["unknown"]
    if left and left <= summary.get("outside", 0):
        told, left = f"{told} {outside_words(summary['outside'])}", 0
    if left and state is not CampaignState.RUNNING:
        return Conclusion(
            state.capitalize(),
            f"{told} {left:,} left: the flow campaign-resume goes on with them.{unknown}",
        )
    if left:
        return Conclusion(
            "Unfinished", f"{told} {left:,} left: run the same campaign again.{unknown}"
        )
    return (
        Conclusion("Unresolved", f"{told}{unknown}") if unknown else Conclusion("Completed", told)
    )


def outside_words(count: int) -> str:
    """What is to be done about customers who wait in a campaign and are not in its table.

    Example:
        >>> outside_words(2)[:46]
        '2 more customers wait in the campaign and are '
    """
    who = "1 more customer waits" if count == 1 else f"{count:,} more customers wait"
    verb = "is" if count == 1 else "are"
    return (
        f"{who} in the campaign and {verb} not in this table: `resume` contacts them, `withdraw` "
        "takes them out (as flows, campaign-resume and campaign-withdraw)."
    )


def _told(summary: Mapping[str, Any]) -> Iterator[str]:
    yield f"{summary['started']:,} of {summary['rows']:,} rows contacted"
    yield f"{summary['replied']:,} replied"
    refused = summary["rejected"] + summary["duplicate"]
    for count, word in ((refused, "refused"), (summary["failed"], "failed")):
        if count:
            yield f"{count:,} {word}"
    for word in ("unknown", "withdrawn"):
        if summary.get(word):
            yield f"{summary[word]:,} {word}"
    if missing := summary.get("transcripts_incomplete"):
        yield f"{missing:,} transcript{'s' if missing > 1 else ''} incomplete"


def pace_now(limited_by: str | None, quotas: Quotas, learnt: Mapping[str, float]) -> str:
    """What limits the pace at this moment, in words.

    Args:
        limited_by: Where most wait: an API's name, `open_chats`, or None.
        quotas: What the instance should grant.
        learnt: What it grants less of.

    Example:
        >>> pace_now("StartChatContact", Quotas(), {})
        'limited by StartChatContact: 5 per second'
    """
    if limited_by is None:
        return "nobody waits for a call or a slot"
    if limited_by == "open_chats":
        return (
            f"limited by open chats: {learnt.get('open_chats', quotas.open_chats):,.0f} at a time"
        )
    rate = learnt.get(limited_by, quotas.rate_of(limited_by)[0])
    throttled = ", throttled" if limited_by in learnt else ""
    return f"limited by {limited_by}: {rate:g} per second{throttled}"


def summary_markdown(campaign: str, summary: Mapping[str, Any], *notes: str) -> str:
    """A campaign's funnel as markdown.

    Args:
        campaign: Its name.
        summary: As `summarise` gives it, or the fields of a `Funnel`.
        notes: Lines below the funnel.
    """
    reached = "\n".join(
        f"| {stage.label} | {stage.count:,} | {stage.share_of_total:.0%} |"
        for stage in stages(summary)
    )
    told = ("rejected", "duplicate", "failed", "unknown", "planned", "open_chats")
    kinds = (*told, "transcripts_incomplete", "items_skipped")
    others = ", ".join(
        f"{summary[kind]:,} {kind.replace('_', ' ')}" for kind in kinds if summary.get(kind)
    )
    lines = "\n".join(f"- {note}" for note in (others, *notes) if note)
    return (
        f"## Campaign {campaign}\n\n| stage | count | of rows |\n|---|---:|---:|\n{reached}\n\n"
        f"{lines}\n"
    )


def not_contacted(
    contacts: Iterable[Contact], refusals: Iterable[Refusal]
) -> Iterator[dict[str, str]]:
    """Who is unknown, failed or was refused, as rows of a table; values are left out.

    Args:
        contacts: Contacts that failed or are unknown.
        refusals: Refused rows.

    Yields:
        row (from 0; empty for a contact), customer_id, status, reason.
    """
    for contact in contacts:
        reason = _why_not(contact)
        sent = f" (sent at {contact.sent_at:%Y-%m-%d %H:%M:%S} UTC)" if contact.sent_at else ""
        told = f"{contact.error_code}: {reason}{sent}"
        yield _row("", contact.customer_id, contact.status, told)
    for refusal in refusals:
        yield _row(str(refusal.position), refusal.customer_id, refusal.status, _reason(refusal))


def _why_not(contact: Contact) -> str:
    if contact.error_code == Withdrawal.BY_TABLE:
        # The words of the row that refused them.
        return _without_values(contact.error_message or "", "the row is not valid any more")
    # Amazon's words may repeat what it was sent.
    return _QUOTED.sub("'…'", contact.error_message or "")


def _reason(refusal: Refusal) -> str:
    return _without_values(refusal.error_message, refusal.error_code)


def _without_values(told: str, otherwise: str) -> str:
    reason = _OWN_VALUE.sub(": ", told)
    if " = " in reason:
        return otherwise
    # Jinja's errors quote what they were given.
    return _QUOTED.sub("'…'", reason) if _FAILED_TEMPLATE in reason else reason


def _row(row: str, customer_id: str | None, status: Status, reason: str) -> dict[str, str]:
    return {
        "row": row,
        "customer_id": (customer_id or "")[:_LONGEST_ID],
        "status": str(status),
        "reason": reason[:_LONGEST_REASON],
    }
