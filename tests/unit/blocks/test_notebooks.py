import asyncio
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prefect_aws import AwsCredentials

from connect_tasks.blocks import AmazonConnectInstance, load_instance, load_policy
from connect_tasks.errors import InputError
from connect_tasks.flows.manage import resume
from connect_tasks.flows.outreach import outreach
from connect_tasks.flows.verify import verify
from connect_tasks.flows.workers import campaign_worker
from connect_tasks.tasks import (
    hold_chat,
    preview,
    start_chat,
    start_chats,
    stop_chat,
    validate_customers,
)

CHAT: Any = None
INSTANCE = AmazonConnectInstance(instance_id="i-1", contact_flow_id="f-1")


async def load() -> None:
    """What Prefect's `Block.load` gives where an event loop runs."""


@pytest.fixture(autouse=True)
def _no_coroutine_is_left() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


ENTRIES: dict[str, Callable[[Any], object]] = {
    "load_instance": load_instance,
    "load_policy": load_policy,
    "outreach's policy": lambda policy: outreach.validate_parameters(
        {"customers": [], "campaign": "x", "connect": INSTANCE, "policy": policy}
    ),
    "validate_customers": lambda connect: validate_customers.fn(
        "x.csv", campaign="x", connect=connect
    ),
    "preview": lambda connect: preview.fn("x.csv", None, connect),
    "start_chats": lambda connect: start_chats.fn("x", connect=connect),
    "start_chat": lambda connect: start_chat.fn(
        {
            "instance_id": "i-1",
            "contact_flow_id": "f-1",
            "participant_details": {"display_name": "Ada"},
        },
        connect,
    ),
    "hold_chat": lambda connect: hold_chat.fn(CHAT, connect),
    "stop_chat": lambda connect: stop_chat.fn("c-1", connect),
    "campaign_worker": lambda connect: campaign_worker.fn("x", connect),
    "outreach": lambda connect: outreach.validate_parameters(
        {"customers": [], "campaign": "x", "connect": connect}
    ),
    "resume": lambda connect: resume.validate_parameters({"campaign": "x", "connect": connect}),
    "verify": lambda connect: verify.validate_parameters({"connect": connect}),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_whoever_forgets_to_wait_for_a_block_is_told_the_word(name: str) -> None:
    with pytest.raises(InputError, match="write `await` before the call"):
        ENTRIES[name](load())


def test_credentials_that_were_not_waited_for_are_told_too() -> None:
    with pytest.raises(ValueError, match="write `await` before the call"):
        AmazonConnectInstance(instance_id="i-1", contact_flow_id="f-1", aws_credentials=load())


def test_a_block_may_be_waited_for_and_is_itself() -> None:
    block = AmazonConnectInstance(
        instance_id="i-1", contact_flow_id="f-1", aws_credentials=AwsCredentials()
    )

    async def wait() -> AmazonConnectInstance:
        return await block

    assert asyncio.run(wait()) is block
