"""Look after campaigns: which there are, how one stands, pause, go on, stop, decide."""

from functools import partial
from typing import TYPE_CHECKING, Any

from prefect.runtime import flow_run

from connect_tasks.blocks import InstanceParameter
from connect_tasks.campaign import manage
from connect_tasks.campaign.hand_over.started_chat import function_of
from connect_tasks.campaign.manage import Decision
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.run import WhenDeferred, way_of
from connect_tasks.flows.approval import with_approvals
from connect_tasks.flows.run_texts import keeping_ids
from connect_tasks.flows.table_flow import HandOverParameter, table_flow
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks import collect_responses, start_chats
from connect_tasks.tasks.artifacts import ArtifactKind, publish_table
from connect_tasks.tasks.monitor import publish_result
from connect_tasks.tasks.run_context import (
    SharedLedger,
    may_tell_ids,
    open_existing,
    run_logger,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["campaigns", "pause", "resolve", "resume", "status", "stop", "withdraw"]


@table_flow(name="campaigns", flow_run_name="campaigns")
def campaigns(ledger: str | None = None) -> "pd.DataFrame":
    """List the campaigns of a ledger, each with how many of its customers wait.

    Args:
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.

    Returns:
        One row a campaign, the latest first, as of `connect_tasks.campaign.manage.campaigns`.
    """
    table = manage.campaigns(ledger)
    rows = [dict(zip(table.columns, map(str, row), strict=True)) for row in table.to_numpy()]
    publish_table("all", ArtifactKind.CAMPAIGNS, rows, "Campaigns of this ledger")
    run_logger().info("%d campaigns", len(table))
    return table


@table_flow(name="campaign-status", flow_run_name="status of {campaign}")
def status(campaign: str, ledger: str | None = None) -> dict[str, Any]:
    """Show how a campaign stands, and who was refused, failed or stayed unknown.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.

    Returns:
        The state and the counts of the campaign.
    """
    with open_existing(ledger) as opened:
        result = CampaignResult(opened.existing_campaign(campaign), opened.url)
        with result.read_from(opened):
            publish_result(result)
            told = (campaign, result.state, result.conclusion.message)
        run_logger().info("campaign %s is %s: %s", *told)
        return manage.status(campaign, opened, summary=result.summary)


@table_flow(name="campaign-pause", flow_run_name="pause {campaign}")
def pause(campaign: str, ledger: str | None = None) -> None:
    """Start no more chats; those that are open are held to their end.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL of the ledger.
    """
    manage.pause(campaign, ledger)
    run_logger().info("campaign %s is paused", campaign)


@table_flow(name="campaign-stop", flow_run_name="stop {campaign}")
def stop(campaign: str, ledger: str | None = None) -> None:
    """Start no more chats, and close those that are open.

    Runs close theirs within some seconds. People's chats, by invitation or handed over, are closed
    by an `invitation_app` of the instance, which begins within some seconds; where none runs, by
    the next `collect`.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL of the ledger.
    """
    manage.stop(campaign, ledger)
    run_logger().info("campaign %s is stopped", campaign)


@table_flow(name="campaign-resume", flow_run_name="resume {campaign}")
def resume(
    campaign: str,
    connect: InstanceParameter,
    ledger: str | None = None,
    save_to: str | None = None,
    hand_over: HandOverParameter = None,
    when_deferred: WhenDeferred = "end",
) -> CampaignResult:
    """Go on with a campaign that was paused, stopped or interrupted; no table is needed.

    Of an invitation nothing is started: its links work again, and a chat starts when its customer
    presses the button.

    Args:
        campaign: The campaign's name.
        connect: A saved Amazon Connect instance, or its name; in Python also one that is not saved.
        ledger: SQLAlchemy URL of the ledger.
        save_to: Folder or `s3://` URI for `contacts.csv`, `messages.csv`, `replies.csv`,
            `attributes.csv`, `decisions.csv` and `report.html`; or the URL of a database for its
            tables, see `CampaignResult.to_database`.
        hand_over: Of a campaign that hands chats over: the function that gives each to its
            customer, or where it is, as `package.module:function`.
        when_deferred: What to do when only those are left who have to wait by the campaign's
            policy: `end`, and say from when on to run it again, or `wait` for them.

    Returns:
        The campaign's tables.

    Raises:
        InputError: There is no such campaign, it is run in another way, or the hand-over is no
            function. The campaign stays as it was.
    """
    if hand_over is not None:
        function_of(hand_over)
    with SharedLedger(ledger) as shared:
        opened = shared.open()
        way = _way(campaign, opened, hand_over)
        manage.resume(campaign, opened)
        if way is CampaignMode.INVITATION:
            run_logger().info(
                "campaign %s is run by invitation: its links work again, and nothing was started",
                campaign,
            )
        else:
            goes_on = partial(
                start_chats,
                campaign,
                connect=connect,
                ledger=shared,
                hand_over=hand_over,
                outbound=way is CampaignMode.OUTBOUND,
                when_deferred=when_deferred,
            )
            with_approvals(opened.existing_campaign(campaign), opened, goes_on)
        return collect_responses(campaign, ledger=shared, save_to=save_to)


def _way(campaign: str, ledger: Ledger, hand_over: object) -> CampaignMode:
    """How a campaign goes on; one that needs a function for that must be given it, no other may."""
    name = ledger.existing_campaign(campaign)
    mode = ledger.mode(name)
    if hand_over is None and mode in {CampaignMode.INVITATION, CampaignMode.OUTBOUND}:
        return mode
    way = way_of(hand_over=hand_over)
    ledger.check_mode(name, way)
    return way


@table_flow(name="campaign-withdraw", flow_run_name="withdraw customers of {campaign}")
def withdraw(
    campaign: str, customers: list[str], reason: str = "", ledger: str | None = None
) -> int:
    """Take customers out of a campaign before anybody contacts them.

    Args:
        campaign: The campaign's name.
        customers: Their ids. Prefect records those of a deployment's run, not those of a call.
        reason: Why, for the record.
        ledger: SQLAlchemy URL of the ledger.

    Returns:
        How many were taken out; the others were contacted already, or taken out before.
    """
    with keeping_ids(*customers):
        taken = manage.withdraw(campaign, customers, ledger, reason=reason)
    run_logger().info("campaign %s: %d of %d customers withdrawn", campaign, taken, len(customers))
    return taken


def _resolve_name() -> str:
    given = flow_run.parameters or {}
    who = given.get("customer_id") if may_tell_ids() else "a contact"
    return f"resolve {who} of {given.get('campaign')}"


@table_flow(name="campaign-resolve", flow_run_name=_resolve_name)
def resolve(campaign: str, customer_id: str, decision: Decision, ledger: str | None = None) -> None:
    """Settle a contact whose outcome stayed unknown, after a look at Amazon Connect.

    Args:
        campaign: The campaign's name.
        customer_id: Whose contact.
        decision: `was_contacted`, or `contact_again` for a new contact with a new token.
        ledger: SQLAlchemy URL of the ledger.
    """
    with keeping_ids(customer_id):
        manage.resolve(campaign, customer_id, decision, ledger)
    run_logger().info("campaign %s: a contact was resolved as %s", campaign, decision)
