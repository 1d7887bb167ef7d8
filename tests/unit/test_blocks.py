"""What the block makes of its fields; no server is asked."""

import pickle

from prefect_aws import AwsClientParameters, AwsCredentials

from connect_tasks import Quotas
from connect_tasks.blocks import AmazonConnectInstance


def instance() -> AmazonConnectInstance:
    return AmazonConnectInstance(
        instance_id="i-1",
        contact_flow_id="f-1",
        aws_credentials=AwsCredentials(aws_session_token="first", region_name="us-east-1"),
    )


def test_clients_are_made_once_for_many_calls() -> None:
    block = instance()

    assert block.connect().api is block.connect().api


def test_other_credentials_or_parameters_make_other_clients() -> None:
    block = instance()
    made = [block.connect().api]
    assert block.aws_credentials
    block.aws_credentials.aws_session_token = "second"
    made.append(block.connect().api)
    block.aws_client_parameters = AwsClientParameters(endpoint_url="http://127.0.0.1:1")
    made.append(block.connect().api)
    block.quotas = Quotas(starts_per_second=50, messages_per_second=100)
    made.append(block.connect().api)

    assert len(set(map(id, made))) == 4


def test_a_copy_in_another_process_makes_clients_of_its_own() -> None:
    block = instance()
    api = block.connect().api

    copy = pickle.loads(pickle.dumps(block))  # noqa: S301 - our own

    assert copy.model_dump() == block.model_dump()
    assert copy.connect().api is not api


def test_large_quotas_get_more_threads_and_as_many_connections() -> None:
    block = instance()
    block.quotas = Quotas(starts_per_second=50, messages_per_second=100)

    assert (
        block.connect().threads
        > AmazonConnectInstance(instance_id="i-1", contact_flow_id="f-1").connect().threads
    )
