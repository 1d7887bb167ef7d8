"""The task that issues links to a campaign's customers.

Links are in no log, no artifact and no result of Prefect's: whoever has one speaks as the customer.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect import task

from connect_tasks.campaign.invitation_rows import links_to_send
from connect_tasks.campaign.inviting import DEFAULT_EXPIRY, Invited, issue_links
from connect_tasks.campaign.links import InvitationKeys
from connect_tasks.campaign.plan import Plan
from connect_tasks.ledger.contact import CampaignState
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.destinations import replacing
from connect_tasks.tables.layouts import LINKS
from connect_tasks.tasks.assets import save_files
from connect_tasks.tasks.run_context import (
    NO_RECORD,
    Logger,
    SharedLedger,
    open_existing,
    run_logger,
)
from connect_tasks.tasks.run_log import plain_errors

__all__ = ["issue_invitations"]

_TABLE = "invitations"
_WHILE_HALTED = {
    CampaignState.PAUSED: "its links ask for a moment's patience until it is resumed",
    CampaignState.STOPPED: "its links open nothing until it is resumed",
}


@task(task_run_name="links-of-{plan.campaign}", **NO_RECORD)
@plain_errors
def issue_invitations(
    plan: Plan,
    *,
    base_url: str,
    expires_after: timedelta = DEFAULT_EXPIRY,
    ledger: str | SharedLedger | None = None,
    save_to: str | None = None,
) -> Invited:
    """Issue a link to each customer of a table who can still be reached. No chat is started.

    By the campaign's policy, as `validate_customers` has entered it, each has a time between which
    it may be sent, and who is not to be contacted gets none.

    The keys are those of `$CONNECT_TASKS_INVITATION_KEYS`, the first signs. A second call gives the
    same links, and new ones only to customers who are new or whose key is gone.

    Args:
        plan: What `validate_customers(mode=CampaignMode.INVITATION)` returned.
        base_url: Where customers reach the app: links are `<base_url>/i/<token>`.
        expires_after: How long a link works, counted from when it was issued. Said anew, it counts
            for this table's older links too.
        ledger: SQLAlchemy URL; `$CONNECT_TASKS_LEDGER` or a file in `.connect_tasks` if None.
        save_to: A folder or an `s3://` URI into which `invitations.csv` is written, for whoever
            sends the links: those of this table that work, in its order.

    Returns:
        How many customers have which kind of link.

    Raises:
        InputError: There are no keys, one of them could be guessed, the campaign is run in another
            way, or an argument cannot be used.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from prefect import flow
        from connect_tasks.blocks import AmazonConnectInstance
        from connect_tasks.ledger.contact import CampaignMode
        from connect_tasks.tasks import issue_invitations, validate_customers

        @flow
        def invite_them(path: str):
            instance = AmazonConnectInstance.load("BLOCK_NAME")
            plan = validate_customers(
                path, campaign="renewals-by-link", connect=instance, mode=CampaignMode.INVITATION
            )
            return issue_invitations(plan, base_url="https://chat.example.com", save_to="out")
        ```
    """
    keys, now = InvitationKeys.from_environment(), datetime.now(UTC)
    with open_existing(ledger) as opened:
        invited = issue_links(
            opened, plan, keys, base_url=base_url, expires_after=expires_after, now=now
        )
        _tell(run_logger(), invited, plan)
        if save_to:
            _save(opened, plan, keys, now, save_to)
    return invited


def _tell(log: Logger, invited: Invited, plan: Plan) -> None:
    log.info("campaign %s: %s", invited.campaign, invited)
    if halted := _WHILE_HALTED.get(invited.state):
        log.warning("campaign %s is %s: %s", invited.campaign, invited.state, halted)
    if plan.intake.opened:
        log.warning(
            "campaign %s: the template has an initial message, which Amazon shows as the "
            "customer's own first words; leave it out to hear only what they write",
            invited.campaign,
        )


def _save(ledger: Ledger, plan: Plan, keys: InvitationKeys, now: datetime, place: str) -> None:
    def write(folder: Path) -> None:
        """For programs: an apostrophe before an id would be another id."""
        with replacing(folder / f"{_TABLE}.csv") as file:
            LINKS.write_csv(links_to_send(ledger, plan, keys, now=now), file, neutralise=False)

    save_files(plan.campaign, place, write, tables=[_TABLE], source=plan.source)
