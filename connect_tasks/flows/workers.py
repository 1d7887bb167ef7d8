"""One campaign on many machines: runs of a deployment that share it through the ledger."""

from typing import Annotated, Any
from uuid import uuid4

from prefect.runtime import flow_run
from pydantic import Field, WithJsonSchema

from connect_tasks.blocks import block_name, load_instance
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.hand_over.started_chat import CANNOT_TRAVEL, check_alone, function_of
from connect_tasks.campaign.manage import status
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import InputError
from connect_tasks.flows.fleet import Fleet
from connect_tasks.flows.table_flow import TABLE_FORM, HandOverParameter, table_flow
from connect_tasks.ledger.addresses import has_secret
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tasks import collect_responses, start_chats, validate_customers
from connect_tasks.tasks.run_context import SharedLedger, run_logger

__all__ = ["campaign_worker", "outreach_on_workers"]

BlockName = Annotated[
    Any, WithJsonSchema({"type": "string", "title": "Connect", "description": "A block's name."})
]
"""Checked in the flow: where Prefect checks a parameter, it logs what it was given."""


@table_flow(name="campaign-worker")
def campaign_worker(
    campaign: str,
    connect: BlockName,
    ledger: str | None = None,
    table_id: str | None = None,
    hand_over: HandOverParameter = None,
) -> Funnel:
    """Work on a campaign that is in the ledger already, beside whoever else does, to its end.

    Deploy it to a work pool. `outreach_on_workers` starts runs of it; so may anybody by hand, to
    help a campaign that is under way.

    Args:
        campaign: The campaign's name.
        connect: The name of the saved Amazon Connect instance.
        ledger: SQLAlchemy URL of the ledger without a password; `$CONNECT_TASKS_LEDGER` of the
            worker's machine when left out.
        table_id: Contact only whom one table names, as `outreach_on_workers` has it; all who wait
            when left out.
        hand_over: Where the function is that gives each started chat to its customer, as
            `package.module:function`; left out, our side speaks. As the campaign was planned.

    Returns:
        How far all contacts of the campaign have come.

    Raises:
        InputError: The ledger does not have this campaign or has it in another way, no such
            instance is saved, or the hand-over is no function.
        CampaignHaltedError: Something concerns every contact; all is resumable.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from connect_tasks.flows.workers import campaign_worker

        campaign_worker("renewals-2026-11", connect="BLOCK_NAME")
        ```
    """
    instance: Any = load_instance(block_name(connect))
    with SharedLedger(ledger) as shared:
        opened = shared.open()
        if opened.campaign_name(campaign) not in opened.campaigns():
            raise InputError(
                f"This machine's ledger does not have campaign {campaign!r}. All machines "
                "need the same one: a PostgreSQL URL as `ledger`, or as $CONNECT_TASKS_LEDGER."
            )
        return start_chats(
            campaign, connect=instance, ledger=shared, table_id=table_id, hand_over=hand_over
        )


@table_flow(name="outreach-on-workers", flow_run_name="{campaign} on {workers} workers")
def outreach_on_workers(  # noqa: PLR0913 - the parameters of a flow are its form
    customers: Annotated[Any, TABLE_FORM],
    template: ChatTemplate | None = None,
    *,
    campaign: Annotated[str, Field(min_length=1)],
    connect: BlockName,
    conversation: Conversation | None = None,
    ledger: str | None = None,
    save_to: str | None = None,
    workers: Annotated[int, Field(ge=1)] = 2,
    worker: str = "campaign-worker/campaign-worker",
    patience_seconds: Annotated[float, Field(gt=0)] = 120,
    hand_over: HandOverParameter = None,
) -> CampaignResult:
    """Do what `outreach` does on several machines, by runs of a deployment on a work pool.

    This run enters the table into the ledger, starts the workers and waits for them. Workers that
    fail, die or never begin lose nothing: what they leave is done here. Cancelled in Prefect, it
    takes its workers with it. A retry of the same run starts no second set of workers: it enters
    the table anew, the workers of the first attempt end with the chats that they hold, and the rest
    is done here.

    Args:
        customers: The path or URI of a CSV or Parquet file with one row per customer; in Python
            also a DataFrame. Prefect records a summary of it; workers are never given rows.
        template: Makes a request of each row.
        campaign: The name under which each customer is contacted at most once.
        connect: The name of the saved Amazon Connect instance: secrets do not travel.
        conversation: What our side says, and when a conversation is over.
        ledger: SQLAlchemy URL of a PostgreSQL database without a password;
            `$CONNECT_TASKS_LEDGER` of each machine when left out.
        save_to: Folder or `s3://` URI for `contacts.csv`, `messages.csv`, `replies.csv`,
            `attributes.csv`, `decisions.csv` and `report.html`.
        workers: How many runs to start.
        worker: The deployment of `campaign_worker`.
        patience_seconds: How long nothing may move before this run goes on by itself.
        hand_over: Gives each started chat to its customer, in place of a conversation: where it
            can be imported on the workers, as `package.module:function`. A function itself cannot
            travel to them.

    Returns:
        `contacts`, one row per input row; `messages`, one row per transcript item; `summary`.

    Raises:
        InputError: The table, the template, the ledger's URL, the hand-over or the deployment
            cannot be used, or the campaign is run in another way; nothing was sent.
        CampaignHaltedError: Something concerns every contact; all is resumable.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from connect_tasks.flows.workers import outreach_on_workers

        outreach_on_workers(
            "s3://tables/customers.parquet",
            campaign="renewals-2026-11",
            connect="BLOCK_NAME",
            ledger="postgresql://campaigns@database/ledger",
            workers=4,
        )
        ```
    """
    _refuse_password(ledger)
    way = _way(hand_over, conversation)
    instance: Any = load_instance(block_name(connect))
    fleet = Fleet(worker, run_logger())
    with SharedLedger(ledger) as shared:
        plan = validate_customers(
            customers,
            template,
            campaign=campaign,
            connect=instance,
            conversation=conversation,
            ledger=shared,
            mode=way,
        )
        if left := _left(campaign, shared, plan):
            fleet.start(
                min(workers, left),
                name=campaign,
                key=f"{campaign}-{flow_run.id or uuid4()}",
                parameters={
                    "campaign": campaign,
                    "connect": connect,
                    "ledger": ledger,
                    "table_id": plan.table_id,
                    # A worker of an earlier version knows nothing of it.
                    **({} if hand_over is None else {"hand_over": hand_over}),
                },
            )
            fleet.wait(
                lambda: _progress(campaign, shared, plan),
                patience_seconds=patience_seconds,
            )
        start_chats(
            campaign, connect=instance, ledger=shared, table_id=plan.table_id, hand_over=hand_over
        )
        fleet.finish(is_done=not _left(campaign, shared, plan))
        return collect_responses(campaign, ledger=shared, plan=plan, save_to=save_to)


def _way(hand_over: Any, conversation: Conversation | None) -> CampaignMode:
    check_alone(hand_over, conversation)
    if hand_over is None:
        return CampaignMode.SIMULATION
    if not isinstance(hand_over, str):
        raise InputError(CANNOT_TRAVEL)
    function_of(hand_over)
    return CampaignMode.HAND_OVER


def _refuse_password(ledger: str | None) -> None:
    if ledger and has_secret(ledger):
        raise InputError(
            "The ledger's URL holds a password, and Prefect would store it with every worker's "
            "run. Set CONNECT_TASKS_LEDGER where this flow and the workers run and leave the "
            "ledger out, or keep the password in ~/.pgpass there."
        )


def _left(campaign: str, ledger: SharedLedger, plan: Plan) -> int:
    """How many contacts of the table are not settled yet, and how many chats are open."""
    counts = status(campaign, ledger.open())
    settled = ("completed", "failed", "unknown", "in_hands")
    left = counts["valid"] - sum(counts[name] for name in settled)
    outside = ledger.open().outside(plan.campaign, plan.table_id) if plan.table_id else 0
    return int(left - outside)


def _progress(campaign: str, ledger: SharedLedger, plan: Plan) -> tuple[Any, ...] | None:
    """Something that changes while the campaign moves; None when nothing is left."""
    if not _left(campaign, ledger, plan):
        return None
    # What was learnt of the instance changes by time alone.
    counts = status(campaign, ledger.open())
    return tuple(value for value in counts.values() if isinstance(value, int))
