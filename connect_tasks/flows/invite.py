"""Invite customers by personal links, and take links back; a chat starts when its link is opened.

Links are in the result's `invitations` and in `invitations.csv`, and nowhere in Prefect.
"""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from connect_tasks.blocks import InstanceParameter
from connect_tasks.blocks.policy import PolicyParameter
from connect_tasks.blocks.written import TemplateParameter
from connect_tasks.campaign import inviting
from connect_tasks.campaign.inviting import DEFAULT_EXPIRY, checked_expiry
from connect_tasks.campaign.links import InvitationKeys, checked_base_url
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.flows.run_texts import keeping_ids, named_after_table
from connect_tasks.flows.settings_parts import SettingsParameter, parts
from connect_tasks.flows.table_flow import TABLE_FORM, table_flow
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tasks import collect_responses, issue_invitations, preview, validate_customers
from connect_tasks.tasks.run_context import SharedLedger, ledger_url, run_logger

__all__ = ["invite", "revoke"]


@table_flow(name="invite", flow_run_name=named_after_table)
def invite(  # noqa: PLR0913 - the parameters of a flow are its form
    customers: Annotated[Any, TABLE_FORM],
    template: TemplateParameter = None,
    *,
    campaign: Annotated[str, Field(min_length=1)],
    connect: InstanceParameter,
    base_url: Annotated[str, Field(min_length=1)],
    settings: SettingsParameter = None,
    expires_after: timedelta = DEFAULT_EXPIRY,
    ledger: str | None = None,
    save_to: str | None = None,
    dry_run: bool = False,
    policy: PolicyParameter = None,
) -> CampaignResult:
    """Issue one personal link to each customer of a table. Nobody is contacted.

    Whoever opens their link at the app (`connect_tasks.invitations`) and presses its button chats
    as the customer; the chat starts then. Somebody else sends the links: `invitations.csv` is what
    such systems take.

    Run again, the links are the same: there are new ones only for new rows. Rows that are wrong are
    refused, each with its reasons, and get none; who had one and is refused now has a dead one. Who
    was taken out or forgotten, or whose conversation is over, gets no new one.

    The keys of the links are in `$CONNECT_TASKS_INVITATION_KEYS`.

    Args:
        customers: The path or URI of a table with one row per customer (CSV, Parquet, JSON lines, a
            spreadsheet), or `connector://NAME/query.sql`; in Python also a DataFrame, anything with
            `__arrow_c_stream__`, or a `SqlQuery`. Prefect records a summary of it, never its
            content.
        template: Makes a request of each row; each text is a Jinja2 template over the columns.
            Without it, columns are named like the request's fields. A chat lasts 240 minutes where
            it does not say how long, and may last 1,440.
        campaign: The name under which each customer has one link.
        connect: A saved Amazon Connect instance, or its name; in Python also one that is not saved.
        base_url: Where customers reach the app, as `https://chat.example.com`. It may change: from
            then on all links of the campaign begin with it.
        settings: Instead of template and policy, all of them as one TOML text, as
            `connect-tasks.toml` has them, or the name of a Prefect variable that holds it. What is
            also given by itself counts. No secrets: Prefect keeps it.
        expires_after: How long a link works, counted from when it was issued: 5 minutes to 366
            days, in Prefect's form as `P30D`. A later run can say it anew for its table's links.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.
        save_to: Folder or `s3://` URI for `invitations.csv`, `contacts.csv`, `messages.csv` and
            `report.html`.
        dry_run: Only say how many would be invited, and what comes if all open their link at once.
            Nothing is written.
        policy: Who may be contacted when, how often and never: a saved outreach policy, or its
            fields; in Python an `OutreachPolicy`, or the path of its TOML file. The campaign keeps
            it; left out, it stays as it was.
            It says between which times each link may be sent, and who gets none.

    Returns:
        `invitations`, one row per link; `contacts`, one row per input row; `summary`. Of a dry run
        instead the `Forecast`, as `connect_tasks.tasks.preview` gives it.

    Raises:
        InputError: There are no keys or one could be guessed, the campaign is run in another way,
            or the table, the template, the policy or an argument cannot be used. No link was
            issued.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        import os, secrets
        import pandas as pd
        from connect_tasks.emulator import LocalConnect
        from connect_tasks.flows.invite import invite

        # Kept where all your machines find it, as other secrets are.
        os.environ["CONNECT_TASKS_INVITATION_KEYS"] = secrets.token_urlsafe(32)
        customers = pd.DataFrame({"customer_id": ["0042"], "display_name": ["Ada"]})
        with LocalConnect(flow="survey") as local:
            result = invite(
                customers,
                campaign="hello-by-link",
                connect=local.instance(),
                base_url="http://127.0.0.1:8000",
            )
        print(result.contacts[["customer_id", "status"]])
        ```
    """
    part = parts(settings, template=template, policy=policy)
    InvitationKeys.from_environment()
    checked_base_url(base_url)
    checked_expiry(expires_after)
    way = CampaignMode.INVITATION
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
            expires_after=expires_after,
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
        )
        issue_invitations(
            plan, base_url=base_url, expires_after=expires_after, ledger=shared, save_to=save_to
        )
        return collect_responses(campaign, ledger=shared, plan=plan, save_to=save_to)


@table_flow(name="revoke-invitations", flow_run_name="revoke links of {campaign}")
def revoke(campaign: str, customers: list[str], ledger: str | None = None) -> int:
    """Make customers' links open nothing any more. A chat that is open goes on.

    They stay revoked, also after another `invite`; `forget` revokes as well.

    Args:
        campaign: The campaign's name.
        customers: Their ids. Prefect records those of a deployment's run, not those of a call.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.

    Returns:
        How many links were revoked; the others were before, or were never issued.

    Raises:
        InputError: There is no such campaign, it is run in another way, or it does not know one of
            the customers. No link was revoked.
    """
    with keeping_ids(*customers):
        revoked = inviting.revoke(campaign, customers, ledger_url(ledger))
    run_logger().info("campaign %s: %d of %d links revoked", campaign, revoked, len(customers))
    return revoked
