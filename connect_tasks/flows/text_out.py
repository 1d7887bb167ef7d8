"""Write to every customer of a table once, on their phone: SMS or WhatsApp. Experimental.

Made from Amazon's documentation, tried at the local Amazon Connect, and never run against Amazon.
"""

from typing import Annotated, Any

from pydantic import Field

from connect_tasks.blocks import InstanceParameter
from connect_tasks.blocks.policy import PolicyParameter
from connect_tasks.blocks.written import OutboundTemplateParameter
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.run import WhenDeferred
from connect_tasks.flows.approval import with_approvals
from connect_tasks.flows.run_texts import named_after_table
from connect_tasks.flows.settings_parts import SettingsParameter, outbound_parts
from connect_tasks.flows.table_flow import TABLE_FORM, table_flow
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tasks import collect_responses, preview, start_chats, validate_customers
from connect_tasks.tasks.run_context import SharedLedger

__all__ = ["text_out"]


@table_flow(name="text-out", flow_run_name=named_after_table)
def text_out(  # noqa: PLR0913 - the parameters of a flow are its form
    customers: Annotated[Any, TABLE_FORM],
    template: OutboundTemplateParameter = None,
    *,
    campaign: Annotated[str, Field(min_length=1)],
    connect: InstanceParameter,
    policy: PolicyParameter,
    settings: SettingsParameter = None,
    ledger: str | None = None,
    save_to: str | None = None,
    dry_run: bool = False,
    shared_numbers: bool = False,
    when_deferred: WhenDeferred = "end",
) -> CampaignResult:
    """Open one conversation per customer on their phone (experimental: never run against Amazon).

    Amazon Connect writes the first message, by SMS or WhatsApp, and the flow goes on from there;
    nobody of ours converses. `collect` brings what people answered, and puts who said STOP or the
    like on the policy's list. A campaign keeps its way: what writes to phones is never run as
    another one, nor the other way round.

    Nobody is contacted twice under one campaign name, nor is a number: a second run goes on with
    what is left. Rows that are wrong are refused, each with its reasons, and stop nobody else.

    Args:
        customers: The path or URI of a table with one row per customer (CSV, Parquet, JSON lines, a
            spreadsheet), or `connector://NAME/query.sql`; in Python also a DataFrame, anything with
            `__arrow_c_stream__`, or a `SqlQuery`. Prefect records a summary of it, never its
            content.
        template: Makes a request of each row: which of the instance's numbers writes, to whom and
            what; each text is a Jinja2 template over the columns.
        campaign: The name under which each customer is contacted at most once.
        connect: A saved Amazon Connect instance, or its name; in Python also one that is not saved.
        policy: Who may be contacted when, how often and never: a saved outreach policy, or its
            fields; in Python an `OutreachPolicy`, or the path of its TOML file. The campaign keeps
            it. It has to be said: None, written out, goes without one, unless the settings or an
            earlier run of the campaign have one.
        settings: Instead of template and policy, both of them as one TOML text, as
            `connect-tasks.toml` has them in `[text_out]` and `[policy]`, or the name of a Prefect
            variable that holds it. What is also given by itself counts. No secrets: Prefect keeps
            it.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.
        save_to: Folder or `s3://` URI for `contacts.csv`, `messages.csv`, `replies.csv`,
            `attributes.csv`, `decisions.csv` and `report.html`; or the URL of a database for its
            tables, see `CampaignResult.to_database`.
        dry_run: Only say how many would be written to, how long it would take and what they would
            be sent. Nothing is sent, and nothing is written.
        shared_numbers: Let several customers of the campaign have one number, as a family may;
            else the first one has it, and the rows of others are refused.
        when_deferred: What to do when only those are left who have to wait by the policy: `end`,
            and say from when on to run the campaign again, or `wait` for them.

    Returns:
        `contacts`, one row per input row, each with the contact's id at Amazon; `summary`. What
        people answer comes with `collect`. Of a dry run instead the `Forecast`.

    Raises:
        InputError: The table, the template or the policy as a whole cannot be used, or the campaign
            is run in another way; nothing was sent.
        CampaignHaltedError: Something concerns every contact, or too much went wrong in a step of
            the policy's ramp; all is resumable.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        import pandas as pd
        from connect_tasks import OutboundChatTemplate, OutreachPolicy
        from connect_tasks.emulator import LocalConnect
        from connect_tasks.flows.text_out import text_out

        customers = pd.DataFrame({"customer_id": ["0042"], "phone": ["+4915112345678"]})
        template = OutboundChatTemplate(
            source_endpoint="arn:aws:connect:eu-central-1:123456789012:phone-number/p-1",
            initial_system_message="Is Tuesday still right for you? Please answer yes or no.",
        )
        with LocalConnect(flow="survey") as local:
            result = text_out(
                customers,
                template,
                campaign="hello-by-sms",
                connect=local.instance(),
                policy=OutreachPolicy(),
            )
        print(result.contacts[["customer_id", "status"]])
        ```
    """
    part = outbound_parts(settings, template=template, policy=policy)
    way = CampaignMode.OUTBOUND
    if dry_run:
        # A type of both results would make everybody else tell the two apart.
        return preview(  # type: ignore[return-value]
            customers,
            part.template,
            connect,
            campaign=campaign,
            ledger=ledger,
            mode=way,
            policy=part.policy,
            shared_numbers=shared_numbers,
        )
    with SharedLedger(ledger) as shared:
        plan = validate_customers(
            customers,
            part.template,
            campaign=campaign,
            connect=connect,
            ledger=shared,
            mode=way,
            policy=part.policy,
            shared_numbers=shared_numbers,
        )

        def go_on() -> None:
            # Only whom this table names: who was planned before and is not in it is left alone.
            start_chats(
                campaign,
                connect=connect,
                ledger=shared,
                table_id=plan.table_id,
                outbound=True,
                when_deferred=when_deferred,
            )

        with_approvals(plan.campaign, shared.open(), go_on)
        return collect_responses(campaign, ledger=shared, plan=plan, save_to=save_to)
