"""Bring a campaign up to date with what Amazon knows: which chats are over, and what was said."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from connect_tasks.blocks import InstanceParameter
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.flows.table_flow import table_flow
from connect_tasks.tasks import collect_contacts, collect_responses

__all__ = ["collect"]


@table_flow(name="collect", flow_run_name="collect {campaign}")
def collect(
    campaign: Annotated[str, Field(min_length=1)],
    *,
    connect: InstanceParameter,
    ledger: str | None = None,
    save_to: str | None = None,
    follow: bool = True,
    give_up_after_days: Annotated[int, Field(ge=1, le=730)] = 30,
) -> CampaignResult:
    """Collect what people said and what the flow stored; for a schedule, as often as you like.

    Nothing is started, and nobody is contacted. Of a campaign that was stopped, people's chats that
    are open are closed first. Amazon writes a transcript about a minute after
    its chat, or later: what is not there yet comes with a later run, and the log says when. Each
    run does what is due and goes on where a broken one ended.

    It needs permission to describe contacts (`connect:DescribeContact`), to look up where
    transcripts are (`connect:ListInstanceStorageConfigs`) and to read them there (`s3:ListBucket`,
    `s3:GetObject`, and `kms:Decrypt` if they are encrypted with a key); to find contacts that
    followed, also `connect:SearchContacts`; to close chats, `connect:StopContact`. The log names
    what is missing, and so does `verify`.

    Args:
        campaign: The campaign's name, of whichever way it is run.
        connect: A saved Amazon Connect instance, or its name; in Python also one that is not saved.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.
        save_to: Folder or `s3://` URI for the files of the result, in place of earlier ones; or the
            URL of a database for its tables, see `CampaignResult.to_database`.
        follow: Also look for contacts that followed: transfers, and surveys that a disconnect flow
            begins.
        give_up_after_days: How many days after its end a chat's transcript is looked for.

    Returns:
        The campaign's tables, as they are then.

    Raises:
        InputError: There is no such campaign or ledger, or the campaign is another instance's.
        CampaignHaltedError: Amazon cannot be asked: credentials, or no permission to describe
            contacts. What was collected is kept.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from connect_tasks.flows.collect import collect

        result = collect("renewals", connect="production")
        print(result.messages)
        ```
    """
    # Each opens a ledger that is there; a shared one would be made where there is none.
    collect_contacts(
        campaign,
        connect=connect,
        ledger=ledger,
        follow=follow,
        give_up_after=timedelta(days=give_up_after_days),
    )
    return collect_responses(campaign, ledger=ledger, save_to=save_to)
