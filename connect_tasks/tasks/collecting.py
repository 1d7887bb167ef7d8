"""The task that brings a campaign up to date with what Amazon knows of its contacts."""

from datetime import timedelta

from prefect import task

from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.blocks.notebooks import awaited
from connect_tasks.campaign.collection.collected import Collected
from connect_tasks.campaign.collection.collecting import collect_campaign
from connect_tasks.tasks.run_context import (
    NO_RECORD,
    Logger,
    SharedLedger,
    attempt_of_run,
    open_existing,
    run_logger,
)
from connect_tasks.tasks.run_log import plain_errors

__all__ = ["collect_contacts"]


@task(task_run_name="contacts-of-{campaign}", **NO_RECORD)
@plain_errors
def collect_contacts(
    campaign: str,
    *,
    connect: AmazonConnectInstance,
    ledger: str | SharedLedger | None = None,
    follow: bool = True,
    give_up_after: timedelta = timedelta(days=30),
) -> Collected:
    """Ask Amazon what became of a campaign's chats, and bring what was said into the ledger.

    Nothing is started and nobody is contacted. People's open chats of a campaign that is stopped
    are ended first. What Amazon has not written yet is left for a later call; a second call does
    what is due by then. What kept something from being collected, such as a permission, is logged
    as a warning.

    Args:
        campaign: The campaign's name, of whichever way it is run.
        connect: The instance of its chats.
        ledger: SQLAlchemy URL; `$CONNECT_TASKS_LEDGER` or a file in `.connect_tasks` if None.
        follow: Whether to look for contacts that followed, such as transfers.
        give_up_after: How long after the end of a chat its transcript is looked for.

    Returns:
        What was collected, what is left, and when to collect again.

    Raises:
        InputError: There is no such campaign or ledger, or it is another instance's.
        CampaignHaltedError: Amazon cannot be asked: credentials, or a permission.
        AmazonError: Amazon does not answer.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from prefect import flow
        from connect_tasks.blocks import AmazonConnectInstance
        from connect_tasks.tasks import collect_contacts

        @flow
        def catch_up():
            instance = AmazonConnectInstance.load("BLOCK_NAME")
            return collect_contacts("renewals", connect=instance)
        ```
    """
    awaited(connect, "connect")
    with open_existing(ledger) as opened:
        name = opened.existing_campaign(campaign)
        # Another instance knows none of its contacts, and would seem to have lost them.
        opened.check_campaign(name, connect.instance_id)
        found = collect_campaign(
            opened,
            name,
            connect.connect(),
            follow=follow,
            give_up_after=give_up_after,
            scheduler_run=attempt_of_run(),
        )
    _tell(run_logger(), name, found)
    return found


def _tell(log: Logger, campaign: str, found: Collected) -> None:
    log.info("campaign %s: %s", campaign, found)
    for problem in found.problems:
        log.warning("campaign %s: %s", campaign, problem)
