"""The commands `invite` and `serve`: links for customers, and the app behind them."""

from typing import Annotated, Any

from cyclopts import Parameter

from connect_tasks.command_line.options import Given, Options
from connect_tasks.command_line.outcome import Outcome
from connect_tasks.errors import InputError

__all__ = ["invite", "serve"]

_NOWHERE = (
    "Nobody would get the links: they are in invitations.csv only. Give --save-to, or save_to in "
    "[campaign] of connect-tasks.toml, a folder or an s3:// URI for it. No link was issued."
)
_HOST = "127.0.0.1"
_PORT = 8000


def invite(
    table: str,
    /,
    *,
    base_url: str | None = None,
    expires_after: str | None = None,
    save_to: str | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    options: Given = None,
) -> Outcome:
    """Issue one personal link to each customer of a table. Nobody is contacted.

    Links are in `invitations.csv`, which only you can read: whoever has one speaks as its customer.
    A second call gives the same links. Their keys are in `$CONNECT_TASKS_INVITATION_KEYS`.

    Args:
        table: The path or URI of a table with one row per customer.
        base_url: Where customers reach the app that `serve` runs, as `https://chat.example.com`.
        expires_after: How long a link works, as `P30D`.
        save_to: Folder or `s3://` URI for `invitations.csv` and the result's other files.
        dry_run: Only say how many would be invited.
        options: What all commands take.
    """
    from connect_tasks.command_line.calling import call_flow
    from connect_tasks.command_line.instance import instance_of
    from connect_tasks.command_line.policies import policy_of
    from connect_tasks.command_line.results import outcome_of, outcome_of_forecast

    given = options or Options()
    settings = given.settings(
        {
            "campaign.base_url": base_url,
            "campaign.expires_after": expires_after,
            "campaign.save_to": save_to,
        }
    )
    of_campaign = settings.campaign
    base_url = settings.base_url
    if of_campaign.save_to is None and not dry_run:
        raise InputError(_NOWHERE)
    parameters: dict[str, Any] = {
        "template": settings.template,
        "campaign": settings.campaign_name,
        "connect": instance_of(settings),
        "base_url": base_url,
        "ledger": of_campaign.ledger,
        "save_to": of_campaign.save_to,
        "policy": policy_of(settings),
        "dry_run": dry_run,
    }
    if of_campaign.expires_after is not None:
        parameters["expires_after"] = of_campaign.expires_after
    result: Any = call_flow("invite:invite", settings, given.output, table, **parameters)
    if dry_run:
        return outcome_of_forecast(result)
    return outcome_of(result, save_to=of_campaign.save_to, of_table=True)


def serve(
    *,
    host: str = _HOST,
    port: int = _PORT,
    allow_origin: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    listen: Annotated[bool, Parameter(negative="")] = False,
    options: Given = None,
) -> Outcome:
    """Serve the links of a ledger's campaigns, until Ctrl-C.

    It belongs behind HTTPS of your own. For several processes, run
    `connect_tasks.invitations.invitation_app` with an ASGI server.

    Args:
        host: The address to listen on.
        port: The port.
        allow_origin: A site whose pages may press buttons, such as `https://www.example.com`; only
            for a front end of your own. Can be given more than once.
        listen: Listen to each chat once its customer has joined, for its transcript.
        options: What all commands take.
    """
    from connect_tasks.command_line.instance import instance_of
    from connect_tasks.command_line.serving import serve_links

    given = options or Options()
    settings = given.settings(of_campaign=False)
    serve_links(
        given.output,
        host=host,
        port=port,
        connect=instance_of(settings),
        ledger=settings.campaign.ledger,
        allow_origins=allow_origin,
        listen=listen,
    )
    return Outcome(text="Ended; chats that are open go on.", document={"message": "ended"})
