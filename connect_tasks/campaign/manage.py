"""What a person does about a campaign: look, pause, resume, stop, take out, decide.

The ledger is the one that a run without `ledger` has, unless another is given.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.campaign.policy_in_force import stored_policy
from connect_tasks.campaign.summary import summarise
from connect_tasks.campaign.unknown_outcomes import Decision, resolve, unknown_contacts
from connect_tasks.errors import InputError
from connect_tasks.ledger.changes import Known
from connect_tasks.ledger.contact import CampaignState, Withdrawal
from connect_tasks.ledger.opening import opened
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.layouts import CAMPAIGNS

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MOST_SHOWN",
    "Decision",
    "campaigns",
    "pause",
    "resolve",
    "resume",
    "status",
    "stop",
    "unknown_contacts",
    "withdraw",
]

# How many customers are looked up at once.
_PIECE = 2_000
MOST_SHOWN = 40
"""How many characters of an id stand in an error."""


def status(
    campaign: str,
    ledger: Ledger | str | None = None,
    *,
    summary: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """The campaign in numbers, and what is wanted of it.

    Args:
        campaign: Its name.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        summary: The numbers, if they were read a moment ago; counting a large campaign takes long.
        clock: Tells the time; the machine's by default.

    Returns:
        `state` (running, paused or stopped), all that `summarise` gives, and `learnt`: what the
        instance grants less of than its quotas say, in calls per second by API and `open_chats`.

    Raises:
        InputError: There is no such campaign, or no ledger.

    Example:
        ```python
        from connect_tasks.campaign.manage import status

        status("renewals-2026-11", "sqlite:///.connect_tasks/ledger.db")["unknown"]
        ```
    """
    now = (clock or SystemClock()).now()
    with opened(ledger) as open_ledger:
        campaign = open_ledger.existing_campaign(campaign)
        if summary is None:
            waits = open_ledger.deferred(campaign, now=now)
            summary = summarise(open_ledger.counts(campaign), waits)
        return {
            "state": str(open_ledger.state(campaign)),
            **summary,
            "learnt": open_ledger.learnt(campaign, now=now),
        }


def campaigns(ledger: Ledger | str | None = None) -> "pd.DataFrame":
    """All campaigns of a ledger, one row a campaign, the latest first.

    Args:
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.

    Returns:
        Columns: campaign, instance_id, mode (simulation, invitation, hand_over or
        outbound), state (`string`); created_at (`datetime64[us, UTC]`);
        customers, waiting (planned, open or unknown: not settled), unknown (`Int64`).

    Raises:
        InputError: There is no ledger.

    Example:
        ```python
        from connect_tasks.campaign.manage import campaigns

        campaigns("sqlite:///.connect_tasks/ledger.db")
        ```
    """
    with opened(ledger) as open_ledger:
        return CAMPAIGNS.frame(open_ledger.campaign_records())


def pause(campaign: str, ledger: Ledger | str | None = None) -> None:
    """Start no more chats; those that are open are held to their end.

    Workers notice within a second or two and then end. Again, it changes nothing.

    Raises:
        InputError: There is no such campaign.
    """
    _set_state(campaign, ledger, CampaignState.PAUSED)


def stop(campaign: str, ledger: Ledger | str | None = None) -> None:
    """Start no more chats, and close those that are open.

    Our side's chats are closed by their runs within some seconds. People's chats, by invitation or
    handed over, are closed by an `invitation_app` of the instance, which begins within some
    seconds; where none runs, by the next `collect` of the campaign. Nothing is forgotten: `resume`
    and another run go on from there, and chats that are still open by then are left open.

    Raises:
        InputError: There is no such campaign.
    """
    _set_state(campaign, ledger, CampaignState.STOPPED)


def resume(
    campaign: str, ledger: Ledger | str | None = None, *, clock: Clock | None = None
) -> None:
    """Let a paused or stopped campaign go on; the next run of it does.

    In an invitation nothing else is needed: its links work again. One that its policy's ramp has
    paused goes on with the ramp's next step, whatever was counted in the last one: it is on record
    that a person decided so. Again, it changes nothing.

    Args:
        campaign: Its name.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        clock: Tells the time; the machine's by default.

    Raises:
        InputError: There is no such campaign.
    """
    now = (clock or SystemClock()).now()
    with opened(ledger) as open_ledger:
        name = open_ledger.existing_campaign(campaign)
        policy = stored_policy(open_ledger, name).fingerprint
        # First: running again before that, it would be halted once more by the same step.
        open_ledger.ramp.resume(name, policy=policy, now=now)
        open_ledger.set_state(name, CampaignState.RUNNING)


def withdraw(
    campaign: str,
    customers: Iterable[str],
    ledger: Ledger | str | None = None,
    *,
    reason: str = "",
    clock: Clock | None = None,
) -> int:
    """Take customers out of a campaign before anybody contacts them; no later table puts them back.

    Who was contacted, or is being contacted, stays: `status` and the result's tables say so. Who
    has a link, and has not joined the chat that it brought, gets no other by it; a chat that is
    open goes on. Again, it changes nothing.

    Args:
        campaign: The campaign's name.
        customers: Their ids; one text is one customer.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        reason: Why, for the record.
        clock: Tells the time; the machine's by default.

    Returns:
        How many were taken out.

    Raises:
        InputError: There is no such campaign, or it does not know one of the customers. Nobody was
            taken out then.

    Example:
        ```python
        from connect_tasks.campaign.manage import withdraw

        withdraw("renewals", ["0042"], "sqlite:///.connect_tasks/ledger.db", reason="complained")
        ```
    """
    names = [customers] if isinstance(customers, str) else list(customers)
    now = (clock or SystemClock()).now()
    with opened(ledger) as open_ledger:
        campaign = open_ledger.existing_campaign(campaign)
        found: dict[str, Known] = {}
        for start in range(0, len(names), _PIECE):
            found |= open_ledger.recognised(campaign, names[start : start + _PIECE])
        if missing := [name for name in names if name not in found]:
            raise InputError(
                f"Campaign {campaign!r} does not know {_some(missing)}: check the ids, the "
                "campaign's name and the ledger's URL."
            )
        why = reason or "a person took the customer out"
        reasons = dict.fromkeys(names, why)
        return open_ledger.withdraw(campaign, reasons, Withdrawal.BY_PERSON, now=now)


def _some(names: Sequence[str]) -> str:
    first = ", ".join(f"{name[:MOST_SHOWN]!r}" for name in names[:3])
    return f"{first} and {len(names) - 3:,} others" if len(names) > 3 else first  # noqa: PLR2004


def _set_state(campaign: str, ledger: Ledger | str | None, state: CampaignState) -> None:
    with opened(ledger) as open_ledger:
        open_ledger.set_state(campaign, state)
