"""The forecast of a campaign, and what a table is to one: of these, nothing is written."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from prefect import task

from connect_tasks.blocks import AmazonConnectInstance, load_policy
from connect_tasks.blocks.notebooks import awaited
from connect_tasks.blocks.policy import PolicyLike
from connect_tasks.blocks.tables import given_table
from connect_tasks.campaign.forecast import Forecast, forecast, hand_over_forecast
from connect_tasks.campaign.invitation_forecast import invitation_forecast
from connect_tasks.campaign.link_judge import LinkJudge
from connect_tasks.campaign.outbound_forecast import outbound_forecast
from connect_tasks.campaign.outlook import Outlook
from connect_tasks.campaign.planned_verdicts import PlannedVerdicts
from connect_tasks.campaign.planning import CHUNK_ROWS, look_over
from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy_in_force import stored_policy
from connect_tasks.campaign.policy_lists import lists_not_there
from connect_tasks.campaign.ramp_steps import ramp_words
from connect_tasks.campaign.row_check import Intake
from connect_tasks.campaign.row_policy import RowPolicy
from connect_tasks.campaign.variant_renderer import EitherRenderer
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.ledger.changes import Known
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.database import ledger_exists
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.reading import Table, open_table
from connect_tasks.tasks.artifacts import ArtifactKind, publish_markdown
from connect_tasks.tasks.progress import watching_rows
from connect_tasks.tasks.row_templates import GivenTemplate, held_minutes, renderer_of
from connect_tasks.tasks.run_context import NO_RECORD, ledger_url, run_logger
from connect_tasks.tasks.run_log import plain_errors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["chunks_of", "expected_of", "preview", "row_count"]

_WhatIsKnown: TypeAlias = Callable[[Sequence[str]], Mapping[str, Known]]


@task(task_run_name="preview", **NO_RECORD)
@plain_errors
def preview(  # noqa: PLR0913 - a campaign's, and what only some ways of it need
    customers: "pd.DataFrame | str | os.PathLike[str]",
    template: GivenTemplate,
    connect: AmazonConnectInstance,
    conversation: Conversation | None = None,
    *,
    campaign: str | None = None,
    ledger: str | None = None,
    samples: int = 3,
    mean_chat_seconds: float | None = None,
    mode: CampaignMode = CampaignMode.SIMULATION,
    policy: PolicyLike | None = None,
    expires_after: timedelta | None = None,
    shared_numbers: bool = False,
) -> Forecast:
    """Say what a campaign would come to: nothing is sent, and nothing is written anywhere.

    Args:
        customers: A DataFrame or another table, see `connect_tasks.tables.reading.open_table`, or
            the path or URI of a file; one row per customer.
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
        policy: Who may be contacted when: an `OutreachPolicy`, its block or the name of one, or the
            path of its TOML file. If None, as the campaign was planned last.
        expires_after: How long links would work, in an invitation: those that would end before the
            policy lets them be sent are none. If None, they work long enough.
        shared_numbers: Whether customers who are written to on their phones may share a number.

    Returns:
        Counts, reasons, rendered messages, the duration and what limits it, calls of Amazon's API;
        by the policy how many may be contacted now, later and never, and why. Of an invitation, how
        long the last would wait if all came at once.

    Raises:
        InputError: The table, the template or the policy as a whole cannot be used, or the campaign
            is run in another way.
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
    given = load_policy(policy)
    table = open_table(given_table(customers))
    watched = watching_rows(campaign or "preview", run_logger(), total=row_count(table))
    with _past(ledger_url(ledger), campaign, connect.instance_id, mode) as past, watched as show:
        rules = past.policy if given is None else given
        slips = lists_not_there(rules, past.ledger.suppressions.lists() if past.ledger else ())
        renderer = renderer_of(table, template, connect, conversation, mode, rules)
        verdicts = PlannedVerdicts(
            _judge(rules, expires_after), past.ledger, datetime.now(UTC), past.campaign
        )
        intake = look_over(
            chunks_of(table, renderer, rules),
            renderer,
            samples=samples,
            known=past.known,
            policy=rules,
            verdicts=verdicts,
            numbers_taken=past.numbers_taken,
            shared_numbers=shared_numbers,
            on_progress=show,
        )
        intake = replace(intake, warnings=(*slips, *intake.warnings))
    expected = expected_of(
        intake,
        connect,
        conversation or Conversation(),
        mode,
        policy=rules,
        outlook=verdicts.outlook,
        given_seconds=mean_chat_seconds,
        measured_seconds=past.chat_seconds,
        most_minutes=held_minutes(template),
    )
    run_logger().info("%s: %s", campaign or "preview", expected.summary)
    for sentence in (*table.warnings, *renderer.warnings(), *intake.warnings):
        run_logger().warning("%s: %s", campaign or "preview", sentence)
    publish_markdown(
        campaign or "preview", ArtifactKind.FORECAST, f"```text\n{expected.outline}\n```"
    )
    return expected


def _judge(rules: OutreachPolicy, expires_after: timedelta | None) -> PolicyJudge:
    return PolicyJudge(rules) if expires_after is None else LinkJudge(rules, expires_after)


def chunks_of(
    table: Table, renderer: EitherRenderer, policy: OutreachPolicy
) -> Iterator[list[dict[str, Any]]]:
    """A table's rows, with the columns that the template and the policy read.

    Raises:
        InputError: The table lacks a column that the policy reads.
    """
    row_policy = RowPolicy(policy)
    row_policy.check(table.columns)
    read = renderer.columns
    columns = None if read is None else (read & {*table.columns}) | row_policy.columns
    return table.chunks(chunk_rows=CHUNK_ROWS, columns=columns)


def expected_of(
    intake: Intake,
    connect: AmazonConnectInstance,
    conversation: Conversation,
    mode: CampaignMode,
    *,
    policy: OutreachPolicy,
    outlook: Outlook,
    given_seconds: float | None = None,
    measured_seconds: float | None = None,
    most_minutes: int | None = None,
) -> Forecast:
    """What a table comes to in a campaign of this way; the seconds as for `forecast`.

    The minutes are how long a conversation on a phone lasts at most, if the template says it.
    """
    if mode is CampaignMode.INVITATION:
        return invitation_forecast(intake, connect.quotas, outlook=outlook)
    seconds = {"given_seconds": given_seconds, "measured_seconds": measured_seconds}
    made: Forecast
    if mode is CampaignMode.OUTBOUND:
        made = outbound_forecast(
            intake,
            connect.quotas,
            outlook=outlook,
            given_seconds=given_seconds,
            held_minutes=most_minutes,
        )
    elif mode is CampaignMode.HAND_OVER:
        made = hand_over_forecast(intake, connect.quotas, outlook=outlook, **seconds)
    else:
        made = forecast(intake, connect.quotas, conversation, outlook=outlook, **seconds)
    return replace(made, ramp=ramp_words(policy))


def row_count(table: Table) -> int | None:
    """How many rows a table has, as far as it is known beforehand."""
    return None if table.index is None else len(table.index)


@dataclass(frozen=True, slots=True)
class _Past:
    """What a ledger knows: of a campaign's customers and its policy, and of an instance's chats."""

    ledger: Ledger | None = None
    known: _WhatIsKnown = lambda _: {}
    numbers_taken: Callable[[Mapping[str, str]], Collection[str]] = lambda _: ()
    policy: OutreachPolicy = field(default_factory=OutreachPolicy)
    chat_seconds: float | None = None
    campaign: str | None = None


@contextmanager
def _past(url: str, campaign: str | None, instance_id: str, mode: CampaignMode) -> Iterator[_Past]:
    """What a ledger knows; nothing if there is none."""
    if not ledger_exists(url):
        yield _Past()
        return
    with Ledger(url) as opened:
        if campaign is not None:
            campaign = opened.campaign_name(campaign)
            opened.check_campaign(campaign, instance_id)
            opened.check_mode(campaign, mode)
        known: _WhatIsKnown = partial(opened.recognised, campaign) if campaign else lambda _: {}
        policy = stored_policy(opened, campaign) if campaign else OutreachPolicy()
        yield _Past(
            ledger=opened,
            known=known,
            numbers_taken=partial(opened.numbers_taken, campaign) if campaign else lambda _: (),
            policy=policy,
            chat_seconds=opened.mean_chat_seconds(instance_id),
            campaign=campaign,
        )
