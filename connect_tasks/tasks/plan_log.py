"""The plan in the log: what became of a table, before anything is sent."""

from collections.abc import Iterator

from connect_tasks.campaign.forecast import Forecast
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.summary import outside_words
from connect_tasks.tasks.run_context import run_logger

__all__ = ["tell_plan"]


def tell_plan(plan: Plan, expected: Forecast) -> None:
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
    for sentence in (*plan.warnings, *_consequences(plan)):
        log.warning("campaign %s: %s", campaign, sentence)


def _consequences(plan: Plan) -> Iterator[str]:
    if plan.request_changed:
        yield (
            f"{plan.request_changed} customers were contacted before with another request "
            f"({plan.request_changes}); the new one is not sent: a new campaign name sends it"
        )
    if plan.withdrawn:
        yield (
            f"{plan.withdrawn} customers were planned and are refused now: nobody contacts them; "
            "a later table that has them right plans them again"
        )
    if plan.kept_out:
        yield f"{plan.kept_out} customers stay out, as a person took them out of the campaign"
    if plan.outside:
        yield outside_words(plan.outside)
