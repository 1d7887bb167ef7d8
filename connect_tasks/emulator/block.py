"""The local instance as the Prefect block that campaigns take.

The only module of the emulator that knows the rest of the package, and it is loaded only when
it is asked for: what checks the package must not be made of it.
"""

from typing import TYPE_CHECKING

from prefect_aws import AwsClientParameters, AwsCredentials
from pydantic import SecretStr

from connect_tasks.aws.quotas import Quotas
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.emulator.quotas import LocalQuotas

if TYPE_CHECKING:
    from connect_tasks.emulator.local import LocalConnect

__all__ = ["make_block"]

_UNLIMITED = 100_000
_RATES = {
    "start": "start_chat_contact",
    "stop": "stop_contact",
    "describe": "describe_contact",
    "connection": "create_participant_connection",
    "message": "send",
    "transcript": "get_transcript",
    "disconnect": "disconnect_participant",
}


def make_block(local: "LocalConnect", flow: str, quotas: Quotas | None) -> AmazonConnectInstance:
    """Describe a running local instance to campaigns.

    Args:
        local: The instance; it must be running.
        flow: Name of the flow that receives the chats.
        quotas: The pace to keep; what the instance enforces if None.
    """
    return AmazonConnectInstance(
        instance_id=local.instance_id,
        contact_flow_id=local.flow_arn(flow),
        aws_credentials=AwsCredentials(
            aws_access_key_id="local",
            aws_secret_access_key=SecretStr("local"),
            region_name="us-east-1",
        ),
        aws_client_parameters=AwsClientParameters(endpoint_url=local.endpoint_url),
        quotas=quotas or _quotas(local.quotas),
    )


def _quotas(enforced: LocalQuotas) -> Quotas:
    values: dict[str, float] = {"open_chats": enforced.open_chats or _UNLIMITED}
    for ours, theirs in _RATES.items():
        rate, burst = getattr(enforced, theirs) or (_UNLIMITED, _UNLIMITED)
        values |= {f"{ours}s_per_second": rate, f"{ours}_burst": int(burst)}
    return Quotas.model_validate(values)
