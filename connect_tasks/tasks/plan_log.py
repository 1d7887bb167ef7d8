"""The plan in the log: what became of a table, before anything is sent."""

from collections.abc import Iterator

from connect_tasks.campaign.conclusion import outside_words
from connect_tasks.campaign.forecast import Forecast
from connect_tasks.campaign.plan import Plan
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tasks.run_context import run_logger

__all__ = ["tell_plan"]


def tell_plan(plan: Plan, expected: Forecast, mode: CampaignMode) -> None:
    """What became of the table, and all that a person should know before anything is sent."""
    log, campaign = run_logger(), plan.campaign
    log.info(
        "campaign %s: %d rows, %d new, %d known, %d rejected, %d duplicate",
        campaign,
        len(plan.customer_ids),
        plan.added,
        plan.known,
        plan.rejected,
        plan.duplicate,
    )
    log.info("campaign %s: forecast\n%s", campaign, expected.outline)
    for sentence in (*plan.warnings, *_consequences(plan, mode)):
        log.warning("campaign %s: %s", campaign, sentence)


def _consequences(plan: Plan, mode: CampaignMode) -> Iterator[str]:
    invited = mode is CampaignMode.INVITATION
    if plan.request_changed:
        yield (
            f"{plan.request_changed} customers were contacted before with another request "
            f"({plan.request_changes}); the new one is not sent: a new campaign name sends it"
        )
    if plan.withdrawn:
        out = "their links open nothing" if invited else "nobody contacts them"
        yield (
            f"{plan.withdrawn} customers were planned and are refused now: {out}; "
            "a later table that has them right plans them again"
        )
    if plan.kept_out:
        yield f"{plan.kept_out} customers stay out, as a person took them out of the campaign"
    if plan.outside and invited:
        yield (
            f"{plan.outside} customers wait in the campaign and are not in this table: their links "
            "stay as they are; `revoke` or `withdraw` ends them"
        )
    elif plan.outside:
        yield outside_words(plan.outside)
