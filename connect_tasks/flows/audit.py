"""Answer for who was contacted and who was not, by the record of what was decided."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field

from connect_tasks.campaign import audit as campaign_audit
from connect_tasks.errors import InputError
from connect_tasks.flows.run_texts import keeping_ids
from connect_tasks.flows.table_flow import table_flow
from connect_tasks.tasks.run_context import run_logger

__all__ = ["audit", "prune_decisions"]


@table_flow(name="audit", flow_run_name="audit of decisions")
def audit(
    save_to: str,
    campaign: str | None = None,
    customer_id: str | None = None,
    since: AwareDatetime | None = None,
    ledger: str | None = None,
) -> int:
    """Write who was contacted and who was not, when, and by which rule of which policy.

    Args:
        save_to: The file: a path or `s3://` URI that ends in `.csv` or `.parquet`.
        campaign: Only in this campaign; in all when left out.
        customer_id: Only about this customer. Prefect records the id in a deployment's run.
        since: Only from this time on, with a zone.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.

    Returns:
        How many decisions were written.
    """
    with keeping_ids(*([customer_id] if customer_id else [])):
        written = campaign_audit.write_decisions(
            save_to, ledger, campaign=campaign, customer_id=customer_id, since=since
        )
    run_logger().info("%d decisions were written", written)
    return written


@table_flow(name="prune-decisions", flow_run_name="prune decisions")
def prune_decisions(
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None,
    before: AwareDatetime | None = None,
    ledger: str | None = None,
) -> int:
    """Remove decisions that are older than they are to be kept; nothing else ever removes them.

    Args:
        keep_days: How many days back they are kept, of 24 hours each: for a schedule.
        before: Instead of that, which is the first time that is kept, with a zone.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.

    Returns:
        How many decisions were removed.

    Raises:
        InputError: Neither or both of `keep_days` and `before` are given, or there is no ledger.
    """
    first = _first_kept(keep_days, before, datetime.now(UTC))
    removed = campaign_audit.prune_decisions(before=first, ledger=ledger)
    run_logger().info("%d decisions from before %s UTC were removed", removed, _written(first))
    return removed


def _first_kept(keep_days: int | None, before: datetime | None, now: datetime) -> datetime:
    if (keep_days is None) == (before is None):
        raise InputError("Say how long decisions are kept: give one of keep_days and before.")
    return before or now - timedelta(days=keep_days or 0)


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
