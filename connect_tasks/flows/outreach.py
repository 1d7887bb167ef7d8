"""Contact every customer of a table once, hold the conversations, bring the answers back."""

from typing import Annotated, Any

from prefect.futures import wait
from pydantic import Field

from connect_tasks.blocks import InstanceParameter
from connect_tasks.blocks.policy import PolicyParameter
from connect_tasks.blocks.written import ConversationParameter, TemplateParameter
from connect_tasks.campaign.hand_over.started_chat import check_alone, function_of
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.run import WhenDeferred
from connect_tasks.flows.approval import with_approvals
from connect_tasks.flows.run_texts import named_after_table
from connect_tasks.flows.settings_parts import SettingsParameter, parts
from connect_tasks.flows.table_flow import TABLE_FORM, HandOverParameter, table_flow
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tasks import collect_responses, preview, start_chats, validate_customers
from connect_tasks.tasks.run_context import SharedLedger

__all__ = ["outreach"]


@table_flow(name="outreach", flow_run_name=named_after_table)
def outreach(  # noqa: PLR0913 - the parameters of a flow are its form
    customers: Annotated[Any, TABLE_FORM],
    template: TemplateParameter = None,
    *,
    campaign: Annotated[str, Field(min_length=1)],
    connect: InstanceParameter,
    settings: SettingsParameter = None,
    conversation: ConversationParameter = None,
    ledger: str | None = None,
    save_to: str | None = None,
    workers: Annotated[int, Field(ge=1)] = 1,
    dry_run: bool = False,
    hand_over: HandOverParameter = None,
    policy: PolicyParameter = None,
    when_deferred: WhenDeferred = "end",
) -> CampaignResult:
    """Start one chat per customer, converse, and return the answers as tables.

    With `hand_over` nobody of ours converses: each chat is given to its customer, who speaks in
    your own app; `collect` brings what they said. A campaign keeps its way: what was started with
    `hand_over` is never run without it, nor the other way round.

    Nobody is contacted twice under one campaign name: a second run goes on with what is left, and
    for a finished campaign returns the same tables. Rows that are wrong are refused, each with its
    reasons, and stop nobody else.

    Only customers of this table are contacted. Who was planned before and is refused now is taken
    out; who is not in the table any more is left alone and told of: `resume` contacts the rest,
    `withdraw` takes customers out.

    Args:
        customers: The path or URI of a table with one row per customer (CSV, Parquet, JSON lines, a
            spreadsheet), or `connector://NAME/query.sql`; in Python also a DataFrame, anything with
            `__arrow_c_stream__`, or a `SqlQuery`. Prefect records a summary of it, never its
            content.
        template: Makes a request of each row; each text is a Jinja2 template over the columns.
            Without it, columns are named like the request's fields.
        campaign: The name under which each customer is contacted at most once.
        connect: A saved Amazon Connect instance, or its name; in Python also one that is not saved.
        settings: Instead of template, conversation and policy, all of them as one TOML text, as
            `connect-tasks.toml` has them, or the name of a Prefect variable that holds it. What is
            also given by itself counts. No secrets: Prefect keeps it.
        conversation: What our side says, and when a conversation is over.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.
        save_to: Folder or `s3://` URI for `contacts.csv`, `messages.csv`, `replies.csv`,
            `attributes.csv`, `decisions.csv` and `report.html`; or the URL of a database for its
            tables, see `CampaignResult.to_database`.
        workers: How many long tasks share the campaign. More than one is of use only where the
            flow's task runner runs tasks on other machines or processes, as Dask does.
        dry_run: Only say how many would be contacted, how long it would take and what they would
            be sent. Nothing is sent, and nothing is written.
        hand_over: Gives each started chat to its customer, in place of a conversation: a function
            that takes a `connect_tasks.campaign.hand_over.StartedChat`, or where it can be imported
            from, as `package.module:function`. It may be async, and may be called again for the
            same `contact_id` after a crash.
        policy: Who may be contacted when, how often and never: a saved outreach policy, or its
            fields; in Python an `OutreachPolicy`, or the path of its TOML file. The campaign keeps
            it; left out, it stays as it was.
        when_deferred: What to do when only those are left who have to wait by the policy: `end`,
            and say from when on to run the campaign again, or `wait` for them.

    Returns:
        `contacts`, one row per input row; `messages`, one row per transcript item; `summary`. Of
        a dry run instead the `Forecast`, as `connect_tasks.tasks.preview` gives it.

    Raises:
        InputError: The table, the template or the policy as a whole cannot be used, the campaign is
            run in another way, or the hand-over is no function; nothing was sent.
        CampaignHaltedError: Something concerns every contact, or too much went wrong in a step of
            the policy's ramp; all is resumable.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        import pandas as pd
        from connect_tasks import Conversation
        from connect_tasks.emulator import LocalConnect
        from connect_tasks.flows.outreach import outreach

        customers = pd.DataFrame({"customer_id": ["0042"], "display_name": ["Ada"]})
        with LocalConnect(flow="echo") as local:
            result = outreach(
                customers,
                campaign="hello",
                connect=local.instance(),
                conversation=Conversation(max_replies=1),
            )
        print(result.contacts)
        ```
    """
    part = parts(settings, template=template, conversation=conversation, policy=policy)
    check_alone(hand_over, part.conversation)
    way = CampaignMode.SIMULATION
    if hand_over is not None:
        # Looked up before anything is planned; what travels on is what was given.
        function_of(hand_over)
        way = CampaignMode.HAND_OVER
    if dry_run:
        # A type of both results would make everybody else tell the two apart.
        return preview(  # type: ignore[return-value]
            customers,
            part.template,
            connect,
            part.conversation,
            campaign=campaign,
            ledger=ledger,
            mode=way,
            policy=part.policy,
        )
    with SharedLedger(ledger) as shared:
        plan = validate_customers(
            customers,
            part.template,
            campaign=campaign,
            connect=connect,
            conversation=part.conversation,
            ledger=shared,
            mode=way,
            policy=part.policy,
        )
        # Only whom this table names: who was planned before and is not in it is left alone.
        work: dict[str, Any] = {
            "connect": connect,
            "table_id": plan.table_id,
            "hand_over": hand_over,
            "when_deferred": when_deferred,
        }

        def go_on() -> None:
            if workers > 1:
                _share(workers, campaign, ledger=ledger, **work)
            # The one worker there is, or whoever does what several have left: nothing, as a rule.
            start_chats(campaign, ledger=shared, **work)

        with_approvals(plan.campaign, shared.open(), go_on)
        return collect_responses(campaign, ledger=shared, plan=plan, save_to=save_to)


def _share(workers: int, campaign: str, **options: Any) -> None:
    """Work on a campaign in several tasks; one that fails or is lost is no reason to stop."""
    wait([start_chats.submit(campaign, **options) for _ in range(workers)])
