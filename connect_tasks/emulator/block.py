"""The local instance as the Prefect block that campaigns take.

The only module of the emulator that knows the rest of the package, and it is loaded only when
it is asked for: what checks the package must not be made of it.
"""

from prefect_aws import AwsClientParameters, AwsCredentials
from pydantic import SecretStr

from connect_tasks.aws.quotas import Quotas
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.emulator.quotas import LocalQuotas

__all__ = ["make_block"]

_UNLIMITED = 100_000
# What is enforced, by the quotas that campaigns keep to: rate and burst.
_RATES = {
    ("starts_per_second", "start_burst"): "start_chat_contact",
    ("outbound_starts_per_second", "outbound_start_burst"): "start_outbound_chat_contact",
    ("stops_per_second", "stop_burst"): "stop_contact",
    ("describes_per_second", "describe_burst"): "describe_contact",
    ("searches_per_second", "search_burst"): "search_contacts",
    ("storage_lists_per_second", "storage_list_burst"): "list_instance_storage_configs",
    ("connections_per_second", "connection_burst"): "create_participant_connection",
    ("messages_per_second", "message_burst"): "send",
    ("transcripts_per_second", "transcript_burst"): "get_transcript",
    ("disconnects_per_second", "disconnect_burst"): "disconnect_participant",
}


def make_block(
    *,
    instance_id: str,
    flow_arn: str,
    endpoint_url: str,
    enforced: LocalQuotas,
    connect_window_seconds: float,
    quotas: Quotas | None,
) -> AmazonConnectInstance:
    """Describe a running local instance to campaigns.

    Args:
        instance_id: The instance's id.
        flow_arn: The flow that receives the chats.
        endpoint_url: Where all its services are.
        enforced: What the instance enforces.
        connect_window_seconds: How long a new chat waits there for its first connection.
        quotas: The pace to keep; what the instance enforces if None.
    """
    return AmazonConnectInstance(
        instance_id=instance_id,
        contact_flow_id=flow_arn,
        aws_credentials=AwsCredentials(
            aws_access_key_id="local",
            aws_secret_access_key=SecretStr("local"),
            region_name="us-east-1",
        ),
        aws_client_parameters=AwsClientParameters(endpoint_url=endpoint_url),
        quotas=quotas or _quotas(enforced, connect_window_seconds),
    )


def _quotas(enforced: LocalQuotas, connect_window_seconds: float) -> Quotas:
    values: dict[str, float] = {
        "open_chats": enforced.open_chats or _UNLIMITED,
        "connect_window": connect_window_seconds,
    }
    for (rate_name, burst_name), theirs in _RATES.items():
        rate, burst = getattr(enforced, theirs) or (_UNLIMITED, _UNLIMITED)
        values |= {rate_name: rate, burst_name: int(burst)}
    return Quotas.model_validate(values)
