"""The summary: a campaign in numbers and in a few words, and who was not contacted."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.report import WHOLE, stages
from connect_tasks.campaign.report.words import mode_of
from connect_tasks.ledger.contact import CampaignMode, Contact, Refusal, Status, Withdrawal
from connect_tasks.ledger.deferred import Deferred

__all__ = [
    "counts_shown",
    "not_contacted",
    "pace_now",
    "summarise",
    "summary_markdown",
]

_QUOTED_TEXT = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""
_QUOTED = re.compile(_QUOTED_TEXT, re.DOTALL)
# What a value was is the customer's; the field before it and the rule after it are ours.
_OWN_VALUE = re.compile(rf" = (?:{_QUOTED_TEXT}|[^'\":])*: ", re.DOTALL)
_FAILED_TEMPLATE = "the template fails"
_LONGEST_REASON = 200
_LINKS = frozenset({"issued", "opened", "unopened"})
_PEOPLE = frozenset({"handed_over", "joined", "in_hands", "transcripts_awaited"})
# By way: the counts that are always nought there, or are there under another name.
_OF_OTHER_WAYS = {
    CampaignMode.SIMULATION: _LINKS | _PEOPLE,
    CampaignMode.INVITATION: frozenset({"connected", "handed_over"}),
    CampaignMode.HAND_OVER: _LINKS | {"connected"},
    # Amazon connects them by itself: that says nothing of anybody.
    CampaignMode.OUTBOUND: _LINKS | {"connected", "joined", "handed_over"},
}
_LONGEST_ID = 60


def summarise(counts: Mapping[str, Any], deferred: Deferred | None = None) -> dict[str, Any]:
    """The summary of a campaign, from the ledger's counts.

    Args:
        counts: What `Ledger.counts` says.
        deferred: What `Ledger.deferred` says; nobody has to wait if None.

    Returns:
        mode: who speaks as the customer (simulation, invitation, hand_over or outbound);
        rows, valid, rejected, duplicate; issued, opened: links that there are, and of which the
        button was ever pressed; unopened: of the others, those that can still be opened, and
        unopened_until, when the last of them expires (UTC); started, handed_over, joined (the same
        as connected), replied: contacts that ever got so far. In a simulation the other side
        replied to something that ours said; otherwise a person said something. completed, failed,
        unknown, planned, starting: contacts that are so now; in_hands: those of them that people
        have, and that are not over; withheld: customers whom the campaign's policy let nobody
        contact; deferred: of those who are planned, those who have to wait by it, as far as a run
        has tried to contact them, and deferred_until, when the first of them may be contacted
        (UTC); withdrawn: customers who were taken out before anybody contacted them, in none of the
        others;
        transcripts_awaited: chats that are over and whose transcript is still to come;
        transcripts_incomplete: chats of which something is missing, or may be;
        transcripts_unchecked: chats that the other side ended, of which nobody can say;
        items_skipped: what came and could not be read as an item of its chat;
        started_at, finished_at (UTC) and duration_seconds, from planning to the last chat's end.
    """
    started_at, finished_at = counts["planned_at"], counts["ended_at"]
    took = (finished_at - started_at).total_seconds() if started_at and finished_at else None
    waits = deferred or Deferred()
    return {
        "mode": str(counts["mode"]),
        "rows": counts["valid"] + counts["rejected"] + counts["duplicate"],
        "valid": counts["valid"],
        "rejected": counts["rejected"],
        "duplicate": counts["duplicate"],
        "issued": counts["issued"],
        "opened": counts["opened"],
        "unopened": counts["unopened"],
        "started": counts["reached_started"],
        "handed_over": counts["handed_over"],
        "connected": counts["reached_connected"],
        "joined": counts["reached_connected"],
        "replied": counts["replied"],
        "completed": counts["completed"],
        "failed": counts["failed"],
        "withheld": counts["withheld"],
        "withdrawn": counts["withdrawn"],
        "unknown": counts["unknown"],
        "planned": counts["planned"],
        "starting": counts["starting"],
        "deferred": waits.count,
        "deferred_until": waits.first,
        "in_hands": counts["in_hands"],
        "transcripts_awaited": counts["transcripts_awaited"],
        "transcripts_incomplete": counts["transcripts_incomplete"],
        "transcripts_unchecked": counts["transcripts_unchecked"],
        "items_skipped": counts["items_skipped"],
        "unopened_until": counts["unopened_until"],
        "started_at": started_at,
        "finished_at": finished_at,
        "duration_seconds": took,
    }


def counts_shown(summary: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The counts of a summary that say something of a campaign of its way, by their names.

    Example:
        >>> counts_shown({"mode": "simulation", "rows": 2, "opened": 0, "duration_seconds": 1.5})
        [('rows', 2)]
    """
    hidden = _OF_OTHER_WAYS[mode_of(summary)]
    counts = [(name, value) for name, value in summary.items() if isinstance(value, int)]
    return [(name, value) for name, value in counts if name not in hidden]


def pace_now(limited_by: str | None, quotas: Quotas, learnt: Mapping[str, float]) -> str:
    """What limits the pace at this moment, in words.

    Args:
        limited_by: Where most wait: an API's name, `open_chats`, `hand_over`, or None.
        quotas: What the instance should grant.
        learnt: What it grants less of.

    Example:
        >>> pace_now("StartChatContact", Quotas(), {})
        'limited by StartChatContact: 5 per second'
    """
    if limited_by is None:
        return "nobody waits for a call or a slot"
    if limited_by == "hand_over":
        return "limited by the hand-over's function: no more chats are given away at a time"
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
    told = ("rejected", "duplicate", "failed", "withheld", "unknown", "planned", "deferred")
    kept = ("open_chats", "in_hands", "transcripts_awaited", "transcripts_incomplete")
    kinds = (*told, *kept, "items_skipped")
    others = ", ".join(
        f"{summary[kind]:,} {kind.replace('_', ' ')}" for kind in kinds if summary.get(kind)
    )
    whole = WHOLE[mode_of(summary)]
    lines = "\n".join(f"- {note}" for note in (others, *notes) if note)
    return (
        f"## Campaign {campaign}\n\n| stage | count | of {whole} |\n|---|---:|---:|\n{reached}\n\n"
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
