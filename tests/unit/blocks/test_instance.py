"""What the block makes of its fields; no server is asked."""

import pickle

import pytest
from prefect_aws import AwsClientParameters, AwsCredentials
from pydantic import ValidationError

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


INSTANCE = "6f1c2d3e-0000-4000-8000-c0ffee000001"
FLOW = "0d5ad4b1-7bb8-4a8e-9f0c-b8f8d3b0a001"
ARN = f"arn:aws:connect:eu-central-1:111122223333:instance/{INSTANCE}"


@pytest.mark.parametrize(
    "instance_id", [INSTANCE, ARN, f" {ARN}\n"], ids=["ID", "ARN", "ARN with white space"]
)
@pytest.mark.parametrize(
    "contact_flow_id",
    [FLOW, f"{FLOW}:$SAVED", f"{FLOW}:3", f"{ARN}/contact-flow/{FLOW}"],
    ids=["ID", "saved version", "numbered version", "ARN"],
)
def test_an_id_and_an_arn_are_taken(instance_id: str, contact_flow_id: str) -> None:
    block = AmazonConnectInstance(instance_id=instance_id, contact_flow_id=contact_flow_id)

    assert (block.instance_id, block.contact_flow_id) == (INSTANCE, contact_flow_id)


@pytest.mark.parametrize(
    "instance_id",
    [
        "https://acme.my.connect.aws",
        "my instance",
        "",
        f"{ARN}/contact-flow/{FLOW}",
        "arn:aws:lambda:eu-central-1:111122223333:function:acme",
        "x" * 101,
    ],
    ids=["URL", "words", "nothing", "flow's ARN", "another service's ARN", "too long"],
)
def test_a_wrong_instance_is_refused_with_a_sentence(instance_id: str) -> None:
    with pytest.raises(ValidationError, match="must be an instance ID") as caught:
        AmazonConnectInstance(instance_id=instance_id, contact_flow_id=FLOW)

    assert [error["loc"] for error in caught.value.errors()] == [("instance_id",)]


@pytest.mark.parametrize(
    ("contact_flow_id", "words"),
    [
        ("Sample inbound flow", "must be a flow ID"),
        (ARN, "must be a flow ID"),
        (f"{ARN.replace(INSTANCE, 'another')}/contact-flow/{FLOW}", "belongs to another instance"),
    ],
    ids=["name", "instance's ARN", "another instance's flow"],
)
def test_a_wrong_flow_is_refused_with_a_sentence(contact_flow_id: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        AmazonConnectInstance(instance_id=ARN, contact_flow_id=contact_flow_id)

    assert [error["loc"] for error in caught.value.errors()] == [("contact_flow_id",)]
