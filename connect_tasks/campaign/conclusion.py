"""The conclusion: how a run of a campaign ended, and what is to be done, in a sentence or two.

The rules of this file:

- What is left is what another run would do. A chat that people have is not left: nobody but they
  can go on with it.
- What waits for people, or for Amazon to write a transcript down, needs another collection, and no
  other run.
- Who has to wait by the policy is left for a run that begins when they may be contacted, and for no
  earlier one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connect_tasks.campaign.outlook import utc_minute
from connect_tasks.campaign.report.words import count_of, mode_of
from connect_tasks.ledger.contact import CampaignMode, CampaignState

__all__ = ["Conclusion", "conclude", "deferred_words", "outside_words"]

_SETTLED = ("completed", "failed", "withheld", "unknown", "in_hands")

_UNKNOWN = (
    " Run the same campaign again to find out about the unknown ones; those that stay unknown, a "
    "person decides with the flow campaign-resolve."
)
_UNKNOWN_CLICK = (
    " About the unknown ones the next press of their button finds out, or a person decides with "
    "the flow campaign-resolve."
)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a run of a campaign ended: a state's name and its message."""

    name: str
    message: str


def conclude(
    summary: Mapping[str, Any], state: CampaignState, *, now: datetime | None = None
) -> Conclusion:
    """Say how a run ended that was neither halted nor cancelled.

    Args:
        summary: As `summarise` gives it; `outside` says how many of those that are left are not
            in the table that was run, and `deferred` then counts only those that are in it.
        state: What a person wants of the campaign.
        now: The present time, to tell links that have expired; none has if None.

    Example:
        >>> counts = {"rows": 3, "valid": 3, "started": 3, "replied": 2, "completed": 3,
        ...           "rejected": 0, "duplicate": 0, "failed": 0, "unknown": 0}
        >>> conclude(counts, CampaignState.RUNNING)
        Conclusion(name='Completed', message='3 of 3 rows contacted, 2 replied.')
    """
    told = f"{', '.join(_told(summary))}."
    if mode_of(summary) is CampaignMode.INVITATION:
        return _of_invitations(summary, state, told, now)
    unknown = _UNKNOWN if count_of(summary, "unknown") else ""
    deferred = count_of(summary, "deferred")
    left = count_of(summary, "valid") - sum(count_of(summary, name) for name in _SETTLED) - deferred
    if left and left <= count_of(summary, "outside"):
        told, left = f"{told} {outside_words(summary['outside'])}", 0
    if left + deferred and state is not CampaignState.RUNNING:
        goes_on = f"{told} {left + deferred:,} left: the flow campaign-resume goes on with them."
        return Conclusion(state.capitalize(), goes_on + unknown)
    later = f" {deferred_words(deferred, summary['deferred_until'])}." if deferred else ""
    if left:
        again = f"{told} {left:,} left: run the same campaign again."
        return Conclusion("Unfinished", again + later + unknown)
    return _settled(told, unknown, list(_waiting(summary)), later)


def _of_invitations(
    summary: Mapping[str, Any], state: CampaignState, told: str, now: datetime | None
) -> Conclusion:
    unknown = _UNKNOWN_CLICK if count_of(summary, "unknown") else ""
    unopened = f"{count_of(summary, 'unopened'):,} of {count_of(summary, 'issued'):,} links"
    until = summary.get("unopened_until")
    is_expired = now is not None and until is not None and until <= now
    waiting = list(_waiting(summary))
    if count_of(summary, "unopened") and is_expired:
        told = f"{told} {unopened} expired unopened."
    elif count_of(summary, "unopened") and state is not CampaignState.RUNNING:
        shut = f"{unopened} not opened yet: the flow campaign-resume lets people in again."
        return Conclusion(state.capitalize(), f"{told} {shut}{unknown}")
    elif count_of(summary, "unopened"):
        waiting.insert(0, f"{unopened} not opened yet")
    return _settled(told, unknown, waiting)


def _settled(told: str, unknown: str, waiting: list[str], later: str = "") -> Conclusion:
    """Nothing is left for a run now; what waits, for others or for a time, is said."""
    if waiting:
        told = f"{told} {', '.join(waiting)}; collect again."
    if unknown:
        return Conclusion("Unresolved", f"{told}{later}{unknown}")
    if later:
        return Conclusion("Deferred", f"{told}{later}")
    return Conclusion("Waiting" if waiting else "Completed", told)


def _waiting(summary: Mapping[str, Any]) -> Iterator[str]:
    if chats := count_of(summary, "in_hands"):
        yield f"{chats:,} chat{'s' if chats > 1 else ''} still open"
    if awaited := count_of(summary, "transcripts_awaited"):
        yield f"{awaited:,} transcript{'s' if awaited > 1 else ''} not there yet"


def deferred_words(count: int, until: datetime | None) -> str:
    """What is to be done about customers whom the campaign's policy lets wait.

    Args:
        count: How many.
        until: When the first of them may be contacted.

    Example:
        >>> from datetime import UTC
        >>> deferred_words(312, datetime(2026, 11, 28, 8, tzinfo=UTC))
        '312 have to wait: run the same campaign again from 2026-11-28 08:00 UTC on'
    """
    verb = "has" if count == 1 else "have"
    when = "" if until is None else f" from {utc_minute(until)} on"
    return f"{count:,} {verb} to wait: run the same campaign again{when}"


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
    yield from _reached(summary)
    refused = count_of(summary, "rejected") + count_of(summary, "duplicate")
    for count, word in ((refused, "refused"), (count_of(summary, "failed"), "failed")):
        if count:
            yield f"{count:,} {word}"
    for word in ("withheld", "unknown", "withdrawn"):
        if count := count_of(summary, word):
            yield f"{count:,} {word}"
    if missing := count_of(summary, "transcripts_incomplete"):
        yield f"{missing:,} transcript{'s' if missing > 1 else ''} incomplete"


def _reached(summary: Mapping[str, Any]) -> Iterator[str]:
    mode = mode_of(summary)
    if mode is CampaignMode.INVITATION:
        issued = count_of(summary, "issued")
        yield f"{issued:,} link{'' if issued == 1 else 's'} issued"
        yield f"{count_of(summary, 'opened'):,} opened"
    else:
        yield f"{count_of(summary, 'started'):,} of {count_of(summary, 'rows'):,} rows contacted"
    if mode is CampaignMode.HAND_OVER:
        yield f"{count_of(summary, 'handed_over'):,} handed over"
    if mode in {CampaignMode.INVITATION, CampaignMode.HAND_OVER}:
        yield f"{count_of(summary, 'joined'):,} joined"
    yield f"{count_of(summary, 'replied'):,} replied"
