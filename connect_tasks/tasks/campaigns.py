"""The tasks of a campaign: validate, start, collect; and the forecast of one."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from prefect import task

from connect_tasks.aws.problems import checked
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.blocks.notebooks import awaited
from connect_tasks.campaign.forecast import Forecast, forecast
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.invitation_forecast import invitation_forecast
from connect_tasks.campaign.inviting import chat_minutes
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.planning import CHUNK_ROWS, look_over, plan_campaign
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.row_check import Intake
from connect_tasks.campaign.run import run_campaign
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.renderer import RowRenderer
from connect_tasks.ledger.changes import Known
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.database import ledger_exists
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.reading import Table, open_table
from connect_tasks.tasks.artifacts import ArtifactKind, publish_markdown
from connect_tasks.tasks.monitor import CampaignMonitor, publish_result
from connect_tasks.tasks.plan_log import tell_plan
from connect_tasks.tasks.progress import watching_rows
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

__all__ = ["collect_responses", "preview", "start_chats", "validate_customers"]

_WhatIsKnown: TypeAlias = Callable[[Sequence[str]], Mapping[str, Known]]


@task(task_run_name="validate-{campaign}", **NO_RECORD)
@plain_errors
def validate_customers(
    customers: "pd.DataFrame | str | os.PathLike[str]",
    template: ChatTemplate | dict[str, Any] | None = None,
    *,
    campaign: str,
    connect: AmazonConnectInstance,
    conversation: Conversation | None = None,
    ledger: str | SharedLedger | None = None,
    mode: CampaignMode = CampaignMode.SIMULATION,
) -> Plan:
    """Check every row of a table and enter the valid ones into a campaign. Nothing is sent.

    A second call with the same table changes nothing.

    Args:
        customers: A DataFrame, or the path or URI of a CSV or Parquet file; one row per customer.
        template: Makes a request of each row. Without it, columns are named like the request's
            fields (`customer_id`, `display_name`, `attributes.plan`).
        campaign: The name under which each customer is contacted at most once.
        connect: The instance that will be used.
        conversation: What our side will say.
        ledger: SQLAlchemy URL; `$CONNECT_TASKS_LEDGER` or a file in `.connect_tasks` if None.
        mode: Who will speak as the customers. A campaign keeps its way: what comes later in
            another one is refused, before anything of it is written.

    Returns:
        How many rows are valid, refused and known already.

    Raises:
        InputError: The table or the template as a whole cannot be used, or the campaign is run in
            another way.
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
    table = open_table(customers)
    renderer = _bound(table, template, connect, conversation, mode)
    now = datetime.now(UTC)
    chunks = table.chunks(chunk_rows=CHUNK_ROWS, columns=renderer.columns)
    watched = watching_rows(campaign, run_logger(), total=_length(table))
    with open_ledger(ledger) as opened, watched as show:
        campaign = opened.campaign_name(campaign)
        opened.open_campaign(
            campaign,
            connect.instance_id,
            now=now,
            conversation=conversation,
            mode=mode,
        )
        plan = plan_campaign(opened, campaign, chunks, renderer, now=now, on_progress=show)
        said = (*table.warnings, *renderer.warnings(), *plan.warnings)
        plan = replace(plan, index=table.index, warnings=said)
        expected = _expected(
            plan.intake,
            connect,
            conversation or opened.conversation(campaign),
            mode,
            measured_seconds=opened.mean_chat_seconds(connect.instance_id),
        )
    tell_plan(plan, expected)
    return plan


@task(task_run_name="preview", **NO_RECORD)
@plain_errors
def preview(
    customers: "pd.DataFrame | str | os.PathLike[str]",
    template: ChatTemplate | dict[str, Any] | None,
    connect: AmazonConnectInstance,
    conversation: Conversation | None = None,
    *,
    campaign: str | None = None,
    ledger: str | None = None,
    samples: int = 3,
    mean_chat_seconds: float | None = None,
    mode: CampaignMode = CampaignMode.SIMULATION,
) -> Forecast:
    """Say what a campaign would come to: nothing is sent, and nothing is written anywhere.

    Args:
        customers: A DataFrame, or the path or URI of a CSV or Parquet file; one row per customer.
        template: Makes a request of each row. None: columns are named like the request's fields.
        connect: The instance that would be used; its quotas decide how fast.
        conversation: What our side would say.
        campaign: The campaign, to leave out customers whom it has contacted before.
        ledger: SQLAlchemy URL; `$CONNECT_TASKS_LEDGER` or a file in `.connect_tasks` if None. One
            that is not there is not made.
        samples: How many customers' messages to show.
        mean_chat_seconds: How long a chat takes. If None, as long as the ledger's latest chats on
            this instance; without any, every answer counts as long as we wait for it.
        mode: Who would speak as the customers.

    Returns:
        Counts, reasons, rendered messages, the duration and what limits it, calls of Amazon's API.
        Of an invitation, how long the last would wait if all came at once.

    Raises:
        InputError: The table or the template as a whole cannot be used, or the campaign is run in
            another way.
        LedgerError: There is a ledger and it cannot be used.

    Example:
        ```python
        from connect_tasks.blocks import AmazonConnectInstance
        from connect_tasks.tasks import preview
        from connect_tasks import ChatTemplate, Conversation

        template = ChatTemplate(display_name="{{ name }}")
        conversation = Conversation(messages=["Is {{ date }} still right?"])
        instance = AmazonConnectInstance(instance_id="i-1", contact_flow_id="f-1")
        print(preview.fn("customers.csv", template, instance, conversation))
        ```
    """
    awaited(connect, "connect")
    table = open_table(customers)
    renderer = _bound(table, template, connect, conversation, mode)
    chunks = table.chunks(chunk_rows=CHUNK_ROWS, columns=renderer.columns)
    watched = watching_rows(campaign or "preview", run_logger(), total=_length(table))
    with (
        _past(ledger_url(ledger), campaign, connect.instance_id, mode) as (known, seconds),
        watched as show,
    ):
        intake = look_over(chunks, renderer, samples=samples, known=known, on_progress=show)
    expected = _expected(
        intake,
        connect,
        conversation or Conversation(),
        mode,
        given_seconds=mean_chat_seconds,
        measured_seconds=seconds,
    )
    run_logger().info("%s: %s", campaign or "preview", expected.summary)
    for sentence in (*table.warnings, *renderer.warnings(), *intake.warnings):
        run_logger().warning("%s: %s", campaign or "preview", sentence)
    publish_markdown(
        campaign or "preview", ArtifactKind.FORECAST, f"```text\n{expected.outline}\n```"
    )
    return expected


@task(task_run_name="chats-of-{campaign}", **NO_RECORD)
@plain_errors
def start_chats(
    campaign: str,
    *,
    connect: AmazonConnectInstance,
    conversation: Conversation | None = None,
    ledger: str | SharedLedger | None = None,
    table_id: str | None = None,
) -> Funnel:
    """Start, hold and close the chats of all customers of a campaign that are not settled.

    It goes as fast as the instance's quotas allow. A second call goes on with what is left.

    Args:
        campaign: A campaign that `validate_customers` has filled.
        connect: The instance to use.
        conversation: When a conversation is over, and how it is closed; as it was planned if None.
        ledger: SQLAlchemy URL; `$CONNECT_TASKS_LEDGER` or a file in `.connect_tasks` if None.
        table_id: Contact only whom one table names: the `table_id` of what `validate_customers`
            returned. All who wait in the campaign if None.

    Returns:
        How far the contacts have come.

    Raises:
        InputError: There is no such campaign.
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
        with CampaignMonitor(campaign, opened, connect.quotas, run_logger()) as monitor:
            return run_campaign(
                opened,
                campaign,
                connect.connect(),
                conversation=conversation or opened.conversation(campaign),
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
        save_to: A folder or an `s3://` URI into which `contacts.csv`, `messages.csv` and
            `report.html` are written, in place of earlier ones.

    Returns:
        `contacts` (one row per customer), `messages` (one row per transcript item), `summary`.

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
            if save_to:
                result.save(save_to)
            publish_result(result, saved_to=save_to)
    return result


def _bound(
    table: Table,
    template: ChatTemplate | dict[str, Any] | None,
    connect: AmazonConnectInstance,
    conversation: Conversation | None,
    mode: CampaignMode,
) -> RowRenderer:
    invited = mode is CampaignMode.INVITATION
    return _as_template(template, table.columns).bind(
        instance_id=connect.instance_id,
        contact_flow_id=connect.contact_flow_id,
        conversation=conversation,
        columns=table.columns,
        chat_minutes=chat_minutes(connect.quotas) if invited else None,
    )


def _expected(
    intake: Intake,
    connect: AmazonConnectInstance,
    conversation: Conversation,
    mode: CampaignMode,
    **seconds: float | None,
) -> Forecast:
    if mode is CampaignMode.INVITATION:
        return invitation_forecast(intake, connect.quotas)
    return forecast(intake, connect.quotas, conversation, **seconds)


def _length(table: Table) -> int | None:
    return None if table.index is None else len(table.index)


@contextmanager
def _past(
    url: str, campaign: str | None, instance_id: str, mode: CampaignMode
) -> Iterator[tuple[_WhatIsKnown, float | None]]:
    """What a ledger knows of customers, and of an instance's chats; nothing if there is none."""
    if not ledger_exists(url):
        yield lambda _: {}, None
        return
    with Ledger(url) as opened:
        if campaign is not None:
            campaign = opened.campaign_name(campaign)
            opened.check_campaign(campaign, instance_id)
            opened.check_mode(campaign, mode)
        known: _WhatIsKnown = partial(opened.recognised, campaign) if campaign else lambda _: {}
        yield known, opened.mean_chat_seconds(instance_id)


def _as_template(
    template: ChatTemplate | dict[str, Any] | None, columns: Iterable[str]
) -> ChatTemplate:
    if template is None:
        return ChatTemplate.from_columns(columns)
    if isinstance(template, ChatTemplate):
        return template
    return checked(ChatTemplate, template, "template")
