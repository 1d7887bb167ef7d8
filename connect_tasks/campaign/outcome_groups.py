"""Outcome groups: what a campaign's customers are called by what became of them. No I/O.

The rules of this file:

- Somebody did not open, answer or finish only once that is so: while their chat is open, and while
  nobody knows whether there is one, they are in no such group. A link that is not opened yet is
  not opened, whether it still works or not.
- Whoever was taken out, by a person or by a table, is `withdrawn` and in no other group that says
  that something is missing: whoever was taken out is not to be asked again.
- Where people speak, who has not come has not answered, and who has not answered has not finished.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connect_tasks.campaign.answers.replies import ended_by_the_other_side
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.ledger.contact import CampaignMode, Status, Withdrawal
from connect_tasks.ledger.verdicts import Rule

__all__ = ["GROUPS", "groups_of"]

_STEPS = ("unopened", "opened", "unanswered", "answered", "unfinished", "finished")
_MISSING = frozenset(name for name in _STEPS if name.startswith("un"))
_RULES = tuple(rule for rule in Rule if rule is not Rule.ALLOWED)
# Of two contacts of one customer, made by an earlier version, the one that does not count.
_ANOTHERS = "SameCustomer"
# Where our side speaks: everything was said, or the other side had enough.
_TO_THE_END = frozenset(
    {EndReason.CHAT_ENDED, EndReason.REPLIED, EndReason.HEARD, EndReason.LEFT_OPEN}
)
# Somebody stopped it.
_STOPPED = "API"

GROUPS: tuple[str, ...] = (
    *(status for status in Status if status is not Status.DUPLICATE),
    "withdrawn",
    *_STEPS,
    *_RULES,
)
"""All names of groups: the statuses of customers, who was withdrawn, how far they came, and the
rule by which the policy withheld them."""


def groups_of(row: Mapping[str, Any], mode: CampaignMode, *, now: datetime) -> frozenset[str]:
    """The groups to which a customer belongs.

    Args:
        row: As `outcomes` has it.
        mode: Who speaks as the customer.
        now: The present time: a link that is to be sent later was not left unopened.

    Example:
        >>> row = {"status": "withheld", "error_code": "held_out"}
        >>> sorted(groups_of(row, CampaignMode.SIMULATION, now=datetime.now()))
        ['held_out', 'withheld']
    """
    status, code = Status(row["status"]), row.get("error_code")
    if code == _ANOTHERS:
        return frozenset()
    if status is Status.FAILED and code in set(Withdrawal):
        return frozenset({"withdrawn"})
    steps = _steps(row, status, mode, now)
    if row.get("link_taken_out"):
        return frozenset({"withdrawn", *(set(steps) - _MISSING)})
    rule = {str(code)} if status is Status.WITHHELD and code in _RULES else set()
    return frozenset({str(status), *rule, *steps})


def _steps(
    row: Mapping[str, Any], status: Status, mode: CampaignMode, now: datetime
) -> tuple[str, ...]:
    if status is Status.PLANNED:
        return ("unopened", "unanswered", "unfinished") if _is_left(row, now) else ()
    if status not in {Status.STARTED, Status.CONNECTED, Status.COMPLETED}:
        return ()
    done = {
        "opened": _is_opened(row, mode),
        "answered": row["first_reply_at"] is not None,
        "finished": _is_finished(row, mode) if status is Status.COMPLETED else False,
    }
    return tuple(
        name if is_so else f"un{name}"
        for name, is_so in done.items()
        if is_so or status is Status.COMPLETED
    )


def _is_left(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether somebody could have had a link by now, and has not pressed its button."""
    sent = row.get("link_not_before")
    unused = row.get("link_opened_at") is None and row.get("link_revoked_at") is None
    return sent is not None and sent <= now and unused


def _is_opened(row: Mapping[str, Any], mode: CampaignMode) -> bool:
    # A chat of an invitation is made by the press of its button; nobody has to open a message.
    is_made = mode in {CampaignMode.INVITATION, CampaignMode.OUTBOUND}
    return is_made or row["connected_at"] is not None


def _is_finished(row: Mapping[str, Any], mode: CampaignMode) -> bool:
    end, amazons = row["end_reason"], row.get("disconnect_reason")
    if mode is CampaignMode.SIMULATION:
        return end in _TO_THE_END
    by_them = ended_by_the_other_side(end, amazons) and amazons != _STOPPED
    return by_them and row["first_reply_at"] is not None
