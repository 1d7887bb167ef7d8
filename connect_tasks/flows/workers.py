"""One campaign on many machines: runs of a deployment that share it through the ledger."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

from prefect.runtime import flow_run
from pydantic import Field, WithJsonSchema

from connect_tasks.blocks import block_name, load_instance
from connect_tasks.blocks.policy import PolicyParameter
from connect_tasks.blocks.written import ConversationParameter, TemplateParameter
from connect_tasks.campaign.funnel import Funnel, FunnelCounter
from connect_tasks.campaign.hand_over.started_chat import CANNOT_TRAVEL, check_alone, function_of
from connect_tasks.campaign.manage import status
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.run import WhenDeferred
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.databases.addresses import has_secret
from connect_tasks.errors import InputError
from connect_tasks.flows.approval import with_approvals
from connect_tasks.flows.fleet import Fleet
from connect_tasks.flows.settings_parts import SettingsParameter, parts
from connect_tasks.flows.table_flow import TABLE_FORM, HandOverParameter, table_flow
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
    when_deferred: WhenDeferred = "end",
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
        when_deferred: What to do when only those are left who have to wait by the campaign's
            policy: `end`, or `wait` for them.

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
        # Of these there is one way to run them: what was planned is sent, and nothing else.
        mode = opened.mode(opened.existing_campaign(campaign))
        return start_chats(
            campaign,
            connect=instance,
            ledger=shared,
            table_id=table_id,
            hand_over=hand_over,
            outbound=mode is CampaignMode.OUTBOUND,
            when_deferred=when_deferred,
        )


@table_flow(name="outreach-on-workers", flow_run_name="{campaign} on {workers} workers")
def outreach_on_workers(  # noqa: PLR0913 - the parameters of a flow are its form
    customers: Annotated[Any, TABLE_FORM],
    template: TemplateParameter = None,
    *,
    campaign: Annotated[str, Field(min_length=1)],
    connect: BlockName,
    settings: SettingsParameter = None,
    conversation: ConversationParameter = None,
    ledger: str | None = None,
    save_to: str | None = None,
    workers: Annotated[int, Field(ge=1)] = 2,
    worker: str = "campaign-worker/campaign-worker",
    patience_seconds: Annotated[float, Field(gt=0)] = 120,
    hand_over: HandOverParameter = None,
    policy: PolicyParameter = None,
    when_deferred: WhenDeferred = "end",
) -> CampaignResult:
    """Do what `outreach` does on several machines, by runs of a deployment on a work pool.

    This run enters the table into the ledger, starts the workers and waits for them. Workers that
    fail, die or never begin lose nothing: what they leave is done here. Cancelled in Prefect, it
    takes its workers with it. A retry of the same run starts no second set of workers: it enters
    the table anew, the workers of the first attempt end with the chats that they hold, and the rest
    is done here.

    Args:
        customers: The path or URI of a table with one row per customer, or
            `connector://NAME/query.sql`; in Python also a DataFrame, an Arrow stream or a
            `SqlQuery`. Prefect records a summary of it; workers are never given rows.
        template: Makes a request of each row.
        campaign: The name under which each customer is contacted at most once.
        connect: The name of the saved Amazon Connect instance: secrets do not travel.
        settings: Instead of template, conversation and policy, all of them as one TOML text, as
            `connect-tasks.toml` has them, or the name of a Prefect variable that holds it. What is
            also given by itself counts. No secrets: Prefect keeps it.
        conversation: What our side says, and when a conversation is over.
        ledger: SQLAlchemy URL of a PostgreSQL database without a password;
            `$CONNECT_TASKS_LEDGER` of each machine when left out.
        save_to: Folder or `s3://` URI for `contacts.csv`, `messages.csv`, `replies.csv`,
            `attributes.csv`, `decisions.csv` and `report.html`; or the URL of a database for its
            tables, see `CampaignResult.to_database`.
        workers: How many runs to start.
        worker: The deployment of `campaign_worker`.
        patience_seconds: How long nothing may move before this run goes on by itself.
        hand_over: Gives each started chat to its customer, in place of a conversation: where it
            can be imported on the workers, as `package.module:function`. A function itself cannot
            travel to them.
        policy: Who may be contacted when, how often and never: a saved outreach policy, or its
            fields; in Python an `OutreachPolicy`, or the path of its TOML file. The campaign keeps
            it; left out, it stays as it was.
        when_deferred: What to do when only those are left who have to wait by the policy: `end`,
            and say from when on to run the campaign again, or `wait` for them, workers too.

    Returns:
        `contacts`, one row per input row; `messages`, one row per transcript item; `summary`.

    Raises:
        InputError: The table, the template, the policy, the ledger's URL, the hand-over or the
            deployment cannot be used, or the campaign is run in another way; nothing was sent.
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
    part = parts(settings, template=template, conversation=conversation, policy=policy)
    way = _way(hand_over, part.conversation)
    instance: Any = load_instance(block_name(connect))
    fleet = Fleet(worker, run_logger())
    with SharedLedger(ledger) as shared:
        plan = validate_customers(
            customers,
            part.template,
            campaign=campaign,
            connect=instance,
            conversation=part.conversation,
            ledger=shared,
            mode=way,
            policy=part.policy,
        )
        work = _Work(campaign, shared, plan.table_id, waits=when_deferred == "wait")
        if left := work.left():
            fleet.start(
                min(workers, left),
                name=campaign,
                key=f"{campaign}-{flow_run.id or uuid4()}",
                parameters={
                    "campaign": campaign,
                    "connect": connect,
                    "ledger": ledger,
                    "table_id": plan.table_id,
                    # Workers of earlier versions know nothing of these.
                    **({} if hand_over is None else {"hand_over": hand_over}),
                    **({} if when_deferred == "end" else {"when_deferred": when_deferred}),
                },
            )
            fleet.wait(work.progress, patience_seconds=patience_seconds)
        goes_on = partial(
            start_chats,
            campaign,
            connect=instance,
            ledger=shared,
            table_id=plan.table_id,
            hand_over=hand_over,
            when_deferred=when_deferred,
        )
        # What a person approves at the end of a ramp's step, this run does alone.
        with_approvals(plan.campaign, shared.open(), goes_on)
        fleet.finish(is_done=not work.left())
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


@dataclass(frozen=True, slots=True)
class _Work:
    """What a campaign's table leaves to be done.

    Args:
        campaign: Its name.
        ledger: Where it is.
        table_id: The table.
        waits: Whether workers wait for those whom the policy does not let be contacted now.
    """

    campaign: str
    ledger: SharedLedger
    table_id: str | None
    waits: bool

    def left(self) -> int:
        """How many contacts are not settled and are work for a worker, open chats among them."""
        return self._now() + (self._deferred() if self.waits else 0)

    def progress(self) -> tuple[Any, ...] | None:
        """Something that changes while the campaign moves; None when nothing is left."""
        if not self.left():
            return None
        if not self._now():
            # They wait for their time, as they should: that it passes is all that moves.
            return (time.monotonic(),)
        # What was learnt of the instance changes by time alone.
        counts = status(self.campaign, self.ledger.open())
        return tuple(value for value in counts.values() if isinstance(value, int))

    def _now(self) -> int:
        opened = self.ledger.open()
        funnel = FunnelCounter(opened.counts(self._name)).funnel()
        outside = opened.outside(self._name, self.table_id) if self.table_id else 0
        return funnel.left - outside - self._deferred()

    def _deferred(self) -> int:
        now = datetime.now(UTC)
        opened = self.ledger.open()
        return opened.deferred(self._name, now=now, table_id=self.table_id).count

    @property
    def _name(self) -> str:
        return self.ledger.open().existing_campaign(self.campaign)
