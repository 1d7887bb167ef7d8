"""Look after a campaign: how it stands, pause, go on, stop, decide what stayed open."""

from typing import Annotated, Any

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact
from pydantic import BeforeValidator

from connect_tasks import manage
from connect_tasks.artifacts import artifact_key, publish_summary
from connect_tasks.blocks import AmazonConnectInstance, load_instance
from connect_tasks.flow import table_flow
from connect_tasks.manage import Decision
from connect_tasks.results import CampaignResult
from connect_tasks.runs import ledger_url
from connect_tasks.tasks import collect_responses, start_chats

__all__ = ["pause", "resolve", "resume", "status", "stop"]


@table_flow(name="campaign-status", flow_run_name="status of {campaign}")
def status(campaign: str, ledger: str | None = None) -> dict[str, Any]:
    """Show how a campaign stands, and list the contacts that a person has to decide about.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.

    Returns:
        The state and the counts of the campaign.
    """
    summary = manage.status(campaign, ledger_url(ledger))
    publish_summary(campaign, summary)
    unknown = manage.unknown_contacts(campaign, ledger_url(ledger))
    create_table_artifact(
        table=[{name: str(value) for name, value in row.items()} for row in unknown[:100]],
        key=artifact_key(campaign, "unknown"),
        description=f"{len(unknown)} contacts of campaign {campaign} whose outcome is not known",
        _sync=True,  # type: ignore[call-arg]
    )
    return summary


@table_flow(name="campaign-pause", flow_run_name="pause {campaign}")
def pause(campaign: str, ledger: str | None = None) -> None:
    """Start no more chats; those that are open are held to their end.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL of the ledger.
    """
    manage.pause(campaign, ledger_url(ledger))
    get_run_logger().info("campaign %s is paused", campaign)


@table_flow(name="campaign-stop", flow_run_name="stop {campaign}")
def stop(campaign: str, ledger: str | None = None) -> None:
    """Start no more chats, and close those that are open within some seconds.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL of the ledger.
    """
    manage.stop(campaign, ledger_url(ledger))
    get_run_logger().info("campaign %s is stopped", campaign)


@table_flow(name="campaign-resume", flow_run_name="resume {campaign}")
def resume(
    campaign: str,
    connect: Annotated[AmazonConnectInstance, BeforeValidator(load_instance)],
    ledger: str | None = None,
) -> CampaignResult:
    """Go on with a campaign that was paused, stopped or interrupted; no table is needed.

    Args:
        campaign: The campaign's name.
        connect: The Amazon Connect instance, or the name of its saved block.
        ledger: SQLAlchemy URL of the ledger.

    Returns:
        The campaign's tables.
    """
    manage.resume(campaign, ledger_url(ledger))
    start_chats(campaign, connect=connect, ledger=ledger)
    return collect_responses(campaign, ledger=ledger)


@table_flow(name="campaign-resolve", flow_run_name="resolve {customer_id} of {campaign}")
def resolve(campaign: str, customer_id: str, decision: Decision, ledger: str | None = None) -> None:
    """Settle a contact whose outcome stayed unknown, after a look at Amazon Connect.

    Args:
        campaign: The campaign's name.
        customer_id: Whose contact.
        decision: `was_contacted`, or `contact_again` for a new contact with a new token.
        ledger: SQLAlchemy URL of the ledger.
    """
    manage.resolve(campaign, customer_id, decision, ledger_url(ledger))
    get_run_logger().info("campaign %s: a contact was resolved as %s", campaign, decision)
