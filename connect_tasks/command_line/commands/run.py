"""The commands `run` and `dry-run`: contact the customers of a table, or say what that would be."""

from typing import TYPE_CHECKING, Any, Literal

from connect_tasks.command_line.options import Given, Options
from connect_tasks.command_line.outcome import Outcome

if TYPE_CHECKING:
    from connect_tasks.chat.template.conversation import Conversation
    from connect_tasks.command_line.settings import Settings

__all__ = ["dry_run", "run"]

_FLOW = "outreach:outreach"


def run(
    table: str,
    /,
    *,
    save_to: str | None = None,
    when_deferred: Literal["end", "wait"] | None = None,
    hand_over: str | None = None,
    options: Given = None,
) -> Outcome:
    """Start one chat per customer, converse, and bring the answers back as tables.

    Nobody is contacted twice under one campaign name: a second run goes on with what is left.
    Ctrl-C stops it; chats that are open stay open, and the next run goes on with them.

    Args:
        table: The path or URI of a table with one row per customer.
        save_to: Folder or `s3://` URI for the result's files.
        when_deferred: What to do when only those are left who have to wait by the policy.
        hand_over: The function that gives each chat to its customer, as `package.module:function`.
        options: What all commands take.
    """
    from connect_tasks.command_line.calling import call_flow
    from connect_tasks.command_line.results import outcome_of

    given = options or Options()
    settings = given.settings(
        {
            "campaign.save_to": save_to,
            "campaign.when_deferred": when_deferred,
            "campaign.hand_over": hand_over,
        }
    )
    of_campaign = settings.campaign
    parameters = {
        **_parameters(settings, given, hand_over),
        "save_to": of_campaign.save_to,
        "when_deferred": of_campaign.when_deferred,
    }
    result = call_flow(_FLOW, settings, given.output, table, **parameters)
    return outcome_of(result, save_to=of_campaign.save_to, of_table=True)


def dry_run(table: str, /, *, hand_over: str | None = None, options: Given = None) -> Outcome:
    """Say how many would be contacted, how long it takes and what they are sent. Nothing is sent.

    Args:
        table: The path or URI of a table with one row per customer.
        hand_over: The function that gives each chat to its customer, as `package.module:function`.
        options: What all commands take.
    """
    from connect_tasks.command_line.calling import call_flow
    from connect_tasks.command_line.results import outcome_of_forecast

    given = options or Options()
    settings = given.settings({"campaign.hand_over": hand_over})
    parameters = {**_parameters(settings, given, hand_over), "dry_run": True}
    return outcome_of_forecast(call_flow(_FLOW, settings, given.output, table, **parameters))


def _parameters(settings: "Settings", given: Options, hand_over: str | None) -> dict[str, Any]:
    """What `outreach` takes, but for its table and what is of one run."""
    from connect_tasks.command_line.instance import instance_of
    from connect_tasks.command_line.policies import policy_of

    return {
        "template": settings.template,
        "campaign": settings.campaign_name,
        "connect": instance_of(settings),
        "conversation": _conversation(settings, given, hand_over),
        "ledger": settings.campaign.ledger,
        "hand_over": settings.campaign.hand_over,
        "policy": policy_of(settings),
    }


def _conversation(
    settings: "Settings", given: Options, hand_over: str | None
) -> "Conversation | None":
    """What our side says; nothing where it was typed that somebody else speaks."""
    if hand_over is None or settings.conversation is None:
        return settings.conversation
    given.output.say("[conversation] of the settings is put aside: --hand-over, so we say nothing.")
    return None
