"""The command `text-out`: a message to each customer of a table, on their phone. Experimental."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from connect_tasks.command_line.options import Given, Options
from connect_tasks.command_line.outcome import Outcome
from connect_tasks.errors import InputError

if TYPE_CHECKING:
    from connect_tasks.command_line.settings import Settings

__all__ = ["text_out"]

_NO_POLICY = (
    "Nobody says who may be written to when, how often and never: give a [policy] in "
    "connect-tasks.toml, or --no-policy. Nothing was sent."
)


def text_out(
    table: str,
    /,
    *,
    save_to: str | None = None,
    when_deferred: Literal["end", "wait"] | None = None,
    no_policy: Annotated[bool, Parameter(negative="")] = False,
    shared_numbers: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    options: Given = None,
) -> Outcome:
    """Write to each customer of a table on their phone, by SMS or WhatsApp.

    Experimental: never run against Amazon. What is written is in [text_out] of the settings.
    Nobody is contacted twice under one campaign name, nor is a number: a second run goes on with
    what is left. What people answer comes with `collect`.

    Args:
        table: The path or URI of a table with one row per customer.
        save_to: Folder or `s3://` URI for the result's files.
        when_deferred: What to do when only those are left who have to wait by the policy.
        no_policy: Go without a policy, where the settings have none.
        shared_numbers: Let several customers have one number.
        dry_run: Only say how many would be written to, how long it takes and what they are sent.
        options: What all commands take.
    """
    from connect_tasks.command_line.calling import call_flow
    from connect_tasks.command_line.instance import instance_of
    from connect_tasks.command_line.policies import policy_of
    from connect_tasks.command_line.results import outcome_of, outcome_of_forecast

    given = options or Options()
    settings = given.settings(
        {"campaign.save_to": save_to, "campaign.when_deferred": when_deferred}
    )
    _check(settings, no_policy=no_policy)
    of_campaign = settings.campaign
    parameters: dict[str, Any] = {
        "template": settings.text_out,
        "campaign": settings.campaign_name,
        "connect": instance_of(settings),
        "policy": policy_of(settings),
        "ledger": of_campaign.ledger,
        "save_to": of_campaign.save_to,
        "dry_run": dry_run,
        "shared_numbers": shared_numbers,
        "when_deferred": of_campaign.when_deferred,
    }
    result: Any = call_flow("text_out:text_out", settings, given.output, table, **parameters)
    if dry_run:
        return outcome_of_forecast(result)
    return outcome_of(result, save_to=of_campaign.save_to, of_table=True)


def _check(settings: "Settings", *, no_policy: bool) -> None:
    if settings.policy is None and not no_policy:
        raise InputError(_NO_POLICY)
    if settings.text_out is None:
        raise InputError(
            "Nobody says what to write to whom: give [text_out] in connect-tasks.toml, with "
            "source_endpoint, the ARN of the instance's number that writes, and "
            "initial_system_message. Nothing was sent."
        )
