"""The policy of the settings: as flows take it, and beside the one that a campaign keeps."""

from typing import TYPE_CHECKING

from connect_tasks.command_line.settings import Settings
from connect_tasks.errors import InputError

if TYPE_CHECKING:
    from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy

__all__ = ["check_kept_policy", "policy_of"]


def policy_of(settings: Settings) -> "OutreachPolicy | str | None":
    """The policy as flows take it: itself, its file's path, or its block's name; None for none.

    Args:
        settings: Name it, and say whether there is a Prefect to know a saved block.

    Raises:
        InputError: A block is named and there is no Prefect.
    """
    given = settings.policy
    if given is None:
        return None
    if given.block is not None and not settings.campaign.prefect:
        raise InputError(
            f"Without Prefect nobody knows the saved policy {given.block!r}: leave --no-prefect "
            "(or prefect = false in [campaign]) out, or give the policy's fields or its path."
        )
    return given.parameter()


def check_kept_policy(settings: Settings) -> None:
    """Make sure that a campaign that goes on without a table has the policy of the settings.

    Nothing is changed. Settings without a policy say nothing of it.

    Args:
        settings: Name the campaign, its ledger and the policy.

    Raises:
        InputError: It keeps another one, there is no such campaign, or the policy cannot be read.
        PrefectUnreachableError: The policy is a saved block, and Prefect's server does not answer.
    """
    from connect_tasks.blocks import load_policy
    from connect_tasks.campaign.policy_in_force import stored_policy
    from connect_tasks.command_line.calling import unreachable_told
    from connect_tasks.ledger.opening import opened

    with unreachable_told():
        wanted = load_policy(policy_of(settings))
    if wanted is None:
        return
    with opened(settings.campaign.ledger) as ledger:
        name = ledger.existing_campaign(settings.campaign_name)
        kept = stored_policy(ledger, name)
    if kept.fingerprint != wanted.fingerprint:
        raise InputError(
            f"Campaign {name!r} keeps another policy than the settings have: `connect-tasks run "
            "TABLE` gives it the one of the settings. Nobody was contacted."
        )
