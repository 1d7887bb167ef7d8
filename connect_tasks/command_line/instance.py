"""The instance of the settings: a saved block's name, or the block made of its fields."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from connect_tasks.command_line.settings import InstanceSettings, Settings
from connect_tasks.errors import InputError

if TYPE_CHECKING:
    from connect_tasks.blocks import AmazonConnectInstance

__all__ = ["instance_of"]

_MISSING = (
    "There is no [instance] in the settings: give it instance_id and contact_flow_id, or block, "
    "the name of a saved one. `connect-tasks init` writes a file that leads to the local Amazon "
    "Connect."
)


def instance_of(
    settings: Settings, *, environ: Mapping[str, str] = os.environ
) -> "AmazonConnectInstance | str":
    """The instance as flows take it.

    Args:
        settings: Name it, and say whether there is a Prefect to know a saved block.
        environ: Where AWS's own variables are.

    Raises:
        InputError: None is named, what is said of it breaks a rule, or a block or a limit of
            Prefect's is named and there is no Prefect.
    """
    given = settings.instance
    if given is None:
        raise InputError(_MISSING)
    if not settings.campaign.prefect and given.start_limit is not None:
        raise InputError(
            f"Without Prefect nobody counts starts by the limit {given.start_limit!r}, from which "
            "others take too: leave --no-prefect (or prefect = false in [campaign]) out, or "
            "instance.start_limit."
        )
    if given.block is None:
        return _made(given, environ)
    if not settings.campaign.prefect:
        raise InputError(
            f"Without Prefect nobody knows the saved block {given.block!r}: leave --no-prefect "
            "(or prefect = false in [campaign]) out, or give instance_id and contact_flow_id."
        )
    return given.block


def _made(given: InstanceSettings, environ: Mapping[str, str]) -> "AmazonConnectInstance":
    from prefect_aws import AwsClientParameters, AwsCredentials
    from pydantic import SecretStr, ValidationError

    from connect_tasks.aws.problems import problems
    from connect_tasks.blocks import AmazonConnectInstance

    credentials = AwsCredentials(region_name=given.region, profile_name=given.profile)
    if _is_local(given, environ):
        credentials = AwsCredentials(
            aws_access_key_id="local",
            aws_secret_access_key=SecretStr("local"),
            region_name=given.region or "us-east-1",
        )
    try:
        return AmazonConnectInstance(
            instance_id=given.instance_id or "",
            contact_flow_id=given.contact_flow_id or "",
            aws_credentials=credentials,
            aws_client_parameters=AwsClientParameters(endpoint_url=given.endpoint_url),
            quotas=given.quotas,
            start_limit=given.start_limit,
            connects_with_start=given.connects_with_start,
        )
    except ValidationError as error:
        wrong = "; ".join(map(str, problems(error)))
        raise InputError(f"[instance] cannot be used: {wrong}.") from None


def _is_local(given: InstanceSettings, environ: Mapping[str, str]) -> bool:
    """Whether it is the local Amazon Connect, which takes any keys: then none are needed."""
    from connect_tasks.aws.proxies import is_loopback
    from connect_tasks.emulator.instance.identity import INSTANCE_ID

    endpoint = given.endpoint_url or environ.get("AWS_ENDPOINT_URL_CONNECT", "")
    return is_loopback(endpoint) and INSTANCE_ID in (given.instance_id or "")
