"""The tasks of a campaign: validate, start, collect."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from prefect import task

from connect_tasks.blocks import AmazonConnectInstance, load_policy
from connect_tasks.blocks.notebooks import awaited
from connect_tasks.blocks.policy import PolicyLike
from connect_tasks.blocks.tables import given_table
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.hand_over.started_chat import HandOver
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy_in_force import stored_policy
from connect_tasks.campaign.policy_lists import lists_not_there
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.run import WhenDeferred, run_campaign
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.databases.opening import is_database
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tables.reading import open_table
from connect_tasks.tasks.assets import place_of, save_files, save_in_database
from connect_tasks.tasks.forecasts import chunks_of, expected_of, row_count
from connect_tasks.tasks.monitor import CampaignMonitor, publish_result
from connect_tasks.tasks.plan_log import tell_plan
from connect_tasks.tasks.progress import watching_rows
from connect_tasks.tasks.row_templates import GivenTemplate, held_minutes, renderer_of
from connect_tasks.tasks.run_context import (
    NO_RECORD,
    SharedLedger,
    attempt_of_run,
    ledger_url,
    open_existing,
    open_ledger,
    run_logger,
)
from connect_tasks.tasks.run_log import plain_errors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["collect_responses", "start_chats", "validate_customers"]


@task(task_run_name="validate-{campaign}", **NO_RECORD)
@plain_errors
def validate_customers(
    customers: "pd.DataFrame | str | os.PathLike[str]",
    template: GivenTemplate = None,
    *,
    campaign: str,
    connect: AmazonConnectInstance,
    conversation: Conversation | None = None,
    ledger: str | SharedLedger | None = None,
    mode: CampaignMode = CampaignMode.SIMULATION,
    policy: PolicyLike | None = None,
    shared_numbers: bool = False,
) -> Plan:
    """Check every row of a table and enter the valid ones into a campaign. Nothing is sent.

    A second call with the same table changes nothing.

    Args:
        customers: A DataFrame or another table, see `connect_tasks.tables.reading.open_table`, or
            the path or URI of a file; one row per customer.
        template: Makes a request of each row. Without it, columns are named like the request's
            fields (`customer_id`, `display_name`, `attributes.plan`).
        campaign: The name under which each customer is contacted at most once.
        connect: The instance that will be used.
        conversation: What our side will say.
        ledger: SQLAlchemy URL; `$CONNECT_TASKS_LEDGER` or a file in `.connect_tasks` if None.
        mode: Who will speak as the customers. A campaign keeps its way: what comes later in
            another one is refused, before anything of it is written.
        policy: Who may be contacted when: an `OutreachPolicy`, its block or the name of one, or the
            path of its TOML file. The campaign keeps it; None leaves it as it is, and
            `OutreachPolicy()` takes all rules away.
        shared_numbers: Whether customers who are written to on their phones may share a number;
            else the first one has it, and the rows of others are refused.

    Returns:
        How many rows are valid, refused and known already; in `outlook`, who may be contacted now,
        later and never.

    Raises:
        InputError: The table, the template or the policy as a whole cannot be used, or the campaign
            is run in another way.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from prefect import flow
        from connect_tasks.blocks import AmazonConnectInstance
        from connect_tasks.tasks import validate_customers

        @flow
        def check(path: str):
            instance = AmazonConnectInstance.load("BLOCK_NAME")
            return validate_customers(path, campaign="renewals", connect=instance)
        ```
    """
    awaited(connect, "connect")
    given = load_policy(policy)
    table = open_table(given_table(customers))
    now = datetime.now(UTC)
    watched = watching_rows(campaign, run_logger(), total=row_count(table))
    with open_ledger(ledger) as opened, watched as show:
        campaign = opened.campaign_name(campaign)
        rules = stored_policy(opened, campaign) if given is None else given
        slips = lists_not_there(rules, opened.suppressions.lists())
        renderer = renderer_of(table, template, connect, conversation, mode, rules)
        chunks = chunks_of(table, renderer, rules)
        opened.open_campaign(
            campaign,
            connect.instance_id,
            now=now,
            conversation=conversation,
            mode=mode,
            policy=None if given is None else given.model_dump(mode="json"),
            limits_group=None if given is None else given.group,
        )
        plan = plan_campaign(
            opened,
            campaign,
            chunks,
            renderer,
            now=now,
            policy=rules,
            shared_numbers=shared_numbers,
            on_progress=show,
        )
        said = (*table.warnings, *renderer.warnings(), *slips, *plan.warnings)
        source = place_of(customers)
        plan = replace(plan, index=table.index, warnings=said, source=source)
        expected = expected_of(
            plan.intake,
            connect,
            conversation or opened.conversation(campaign),
            mode,
            policy=rules,
            outlook=plan.outlook,
            measured_seconds=opened.mean_chat_seconds(connect.instance_id),
            most_minutes=held_minutes(template),
        )
    tell_plan(plan, expected, mode)
    return plan


@task(task_run_name="chats-of-{campaign}", **NO_RECORD)
@plain_errors
def start_chats(
    campaign: str,
    *,
    connect: AmazonConnectInstance,
    conversation: Conversation | None = None,
    ledger: str | SharedLedger | None = None,
    table_id: str | None = None,
    hand_over: HandOver | str | None = None,
    outbound: bool = False,
    when_deferred: WhenDeferred = "end",
) -> Funnel:
    """Start, hold and close the chats of all customers of a campaign that are not settled.

    It goes as fast as the instance's quotas allow. A second call goes on with what is left. With
    `hand_over` the chats are not held but given to their customers, as soon as they are started.
    Whom the campaign's policy does not let be contacted now is not; the log says when to come back.

    Args:
        campaign: A campaign that `validate_customers` has filled.
        connect: The instance to use.
        conversation: When a conversation is over, and how it is closed; as it was planned if None.
        ledger: SQLAlchemy URL; `$CONNECT_TASKS_LEDGER` or a file in `.connect_tasks` if None.
        table_id: Contact only whom one table names: the `table_id` of what `validate_customers`
            returned. All who wait in the campaign if None.
        hand_over: Gives each started chat to its customer: something that takes a `StartedChat`,
            or where it is, as `package.module:function`. The campaign must be planned for it.
        outbound: Write to the customers on their phones. The campaign must be planned for it.
        when_deferred: What to do when only those are left who have to wait by the policy: `end`, or
            `wait` for them.

    Returns:
        How far the contacts have come.

    Raises:
        InputError: There is no such campaign, it is run in another way, or the hand-over is no
            function. Nothing was claimed.
        CampaignHaltedError: Something concerns every contact; all is resumable.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from prefect import flow
        from connect_tasks.blocks import AmazonConnectInstance
        from connect_tasks.tasks import start_chats, validate_customers

        @flow
        def contact(path: str):
            instance = AmazonConnectInstance.load("BLOCK_NAME")
            plan = validate_customers(path, campaign="renewals", connect=instance)
            # Without the table's id, all who wait in the campaign are contacted.
            return start_chats("renewals", connect=instance, table_id=plan.table_id)
        ```
    """
    awaited(connect, "connect")
    with open_ledger(ledger) as opened:
        campaign = opened.existing_campaign(campaign)
        with CampaignMonitor(
            campaign, opened, connect.quotas, run_logger(), table_id=table_id
        ) as monitor:
            return run_campaign(
                opened,
                campaign,
                connect.connect(),
                conversation=conversation,
                hand_over=hand_over,
                outbound=outbound,
                when_deferred=when_deferred,
                table_id=table_id,
                on_progress=monitor.show,
                scheduler_run=attempt_of_run(),
            )


@task(task_run_name="responses-of-{campaign}", **NO_RECORD)
@plain_errors
def collect_responses(
    campaign: str,
    *,
    ledger: str | SharedLedger | None = None,
    plan: Plan | None = None,
    save_to: str | None = None,
) -> CampaignResult:
    """Give the tables of a campaign, as they are now. Nothing is sent.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL; `$CONNECT_TASKS_LEDGER` or a file in `.connect_tasks` if None.
        plan: What `validate_customers` returned, to get one row per input row.
        save_to: A folder or an `s3://` URI into which `contacts.csv`, `messages.csv`,
            `replies.csv`, `attributes.csv`, `decisions.csv` and `report.html` are written, in place
            of earlier ones; or the URL of a database on SQLite or PostgreSQL, see
            `CampaignResult.to_database`.

    Returns:
        `contacts` (one row per customer), `messages` (one row per transcript item), `replies` (one
        row per question of a customer), `attributes` (one row per customer), `summary`.

    Raises:
        InputError: There is no such campaign or ledger, or nothing can be written to `save_to`.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from prefect import flow
        from connect_tasks.tasks import collect_responses

        @flow
        def export():
            collect_responses("renewals").messages.to_csv("messages.csv")
        ```
    """
    with open_existing(ledger) as opened:
        result = CampaignResult(opened.existing_campaign(campaign), ledger_url(ledger), plan)
        with result.read_from(opened):
            source = plan.source if plan else None
            if save_to and is_database(save_to):
                write = partial(result.to_database, save_to)
                save_in_database(result.campaign, save_to, write, source=source)
            elif save_to:
                save_files(result.campaign, save_to, result.save, source=source)
            publish_result(result, saved_to=save_to)
    return result
