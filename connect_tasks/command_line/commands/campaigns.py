"""The commands that look after campaigns: which there are, how one stands, pause, go on, stop.

What only reads or writes the ledger does without Prefect: it takes effect at once.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from connect_tasks.command_line.options import Given, Options
from connect_tasks.command_line.outcome import Outcome

__all__ = ["campaigns", "collect", "pause", "resume", "status", "stop"]


def campaigns(*, options: Given = None) -> Outcome:
    """List the campaigns of a ledger, each with how many of its customers wait.

    Args:
        options: What all commands take.
    """
    from connect_tasks.campaign import manage
    from connect_tasks.command_line.tables import records_of, table_text

    settings = (options or Options()).settings(of_campaign=False)
    records = records_of(manage.campaigns(settings.campaign.ledger))
    return Outcome(text=table_text(records), document={"campaigns": records})


def status(campaign: str | None = None, /, *, options: Given = None) -> Outcome:
    """Show how a campaign stands.

    Args:
        campaign: The campaign's name; that of the settings when left out.
        options: What all commands take.
    """
    from connect_tasks.campaign import manage
    from connect_tasks.command_line.tables import counts_text

    settings = (options or Options()).settings({"campaign.name": campaign})
    found = manage.status(settings.campaign_name, settings.campaign.ledger)
    text = "\n".join([_standing(settings.campaign_name, found), *counts_text(found)])
    return Outcome(text=text, document={"campaign": settings.campaign_name, **found})


def _standing(campaign: str, found: Mapping[str, Any]) -> str:
    """What is wanted of a campaign, unless nothing is left to be done."""
    from connect_tasks.campaign.conclusion import conclude
    from connect_tasks.ledger.contact import CampaignState

    ended = conclude(found, CampaignState(found["state"]), now=datetime.now(UTC))
    if ended.name == "Unfinished":
        return f"Campaign {campaign} is {found['state']} ({found['mode']})."
    return f"Campaign {campaign} ({found['mode']}): {ended.message}"


def pause(campaign: str | None = None, /, *, options: Given = None) -> Outcome:
    """Start no more chats; those that are open are held to their end.

    Args:
        campaign: The campaign's name; that of the settings when left out.
        options: What all commands take.
    """
    from connect_tasks.campaign import manage

    settings = (options or Options()).settings({"campaign.name": campaign})
    name = settings.campaign_name
    manage.pause(name, settings.campaign.ledger)
    return _state(name, "paused")


def stop(
    campaign: str | None = None,
    /,
    *,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="")] = False,
    options: Given = None,
) -> Outcome:
    """Start no more chats, and close those that are open.

    Runs close theirs within some seconds; people's chats are closed by `serve`, or by the next
    `collect`.

    Args:
        campaign: The campaign's name; that of the settings when left out.
        yes: Do not ask first.
        options: What all commands take.
    """
    from connect_tasks.campaign import manage
    from connect_tasks.command_line.confirming import confirm

    settings = (options or Options()).settings({"campaign.name": campaign})
    name = settings.campaign_name
    manage.status(name, settings.campaign.ledger)  # That it is not there is said before asking.
    confirm(f"Stop campaign {name}, and close all its open chats?", yes=yes)
    manage.stop(name, settings.campaign.ledger)
    return _state(name, "stopped")


def resume(
    campaign: str | None = None,
    /,
    *,
    save_to: str | None = None,
    when_deferred: Literal["end", "wait"] | None = None,
    hand_over: str | None = None,
    options: Given = None,
) -> Outcome:
    """Go on with a campaign that was paused, stopped or interrupted; no table is needed.

    Refused where the settings have another policy than the campaign keeps: `run` gives it theirs.

    Args:
        campaign: The campaign's name; that of the settings when left out.
        save_to: Folder or `s3://` URI for the result's files.
        when_deferred: What to do when only those are left who have to wait by the policy.
        hand_over: The function that gives each chat to its customer, as `package.module:function`.
        options: What all commands take.
    """
    from connect_tasks.command_line.calling import call_flow
    from connect_tasks.command_line.instance import instance_of
    from connect_tasks.command_line.policies import check_kept_policy
    from connect_tasks.command_line.results import outcome_of

    given = options or Options()
    settings = given.settings(
        {
            "campaign.name": campaign,
            "campaign.save_to": save_to,
            "campaign.when_deferred": when_deferred,
            "campaign.hand_over": hand_over,
        }
    )
    of_campaign = settings.campaign
    instance = instance_of(settings)
    check_kept_policy(settings)
    result = call_flow(
        "manage:resume",
        settings,
        given.output,
        settings.campaign_name,
        instance,
        ledger=of_campaign.ledger,
        save_to=of_campaign.save_to,
        hand_over=of_campaign.hand_over,
        when_deferred=of_campaign.when_deferred,
    )
    return outcome_of(result, save_to=of_campaign.save_to)


def collect(
    campaign: str | None = None,
    /,
    *,
    save_to: str | None = None,
    follow: bool = True,
    give_up_after_days: int = 30,
    options: Given = None,
) -> Outcome:
    """Collect what people said and what the flow stored; as often as you like.

    Nothing is started, and nobody is contacted.

    Args:
        campaign: The campaign's name; that of the settings when left out.
        save_to: Folder or `s3://` URI for the result's files.
        follow: Also look for contacts that followed, such as transfers and surveys.
        give_up_after_days: How many days after its end a chat's transcript is looked for.
        options: What all commands take.
    """
    from connect_tasks.command_line.calling import call_flow
    from connect_tasks.command_line.instance import instance_of
    from connect_tasks.command_line.results import outcome_of

    given = options or Options()
    settings = given.settings({"campaign.name": campaign, "campaign.save_to": save_to})
    result = call_flow(
        "collect:collect",
        settings,
        given.output,
        settings.campaign_name,
        connect=instance_of(settings),
        ledger=settings.campaign.ledger,
        save_to=settings.campaign.save_to,
        follow=follow,
        give_up_after_days=give_up_after_days,
    )
    return outcome_of(result, save_to=settings.campaign.save_to, may_wait=False)


def _state(campaign: str, state: str) -> Outcome:
    text = f"Campaign {campaign} is {state}. To go on: connect-tasks resume {campaign}"
    return Outcome(text=text, document={"campaign": campaign, "state": state})
