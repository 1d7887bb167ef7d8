"""The flows whose cost in Prefect is measured; each runs in a process of its own.

Prefect is imported only there: it reads at import which server to use.
"""

import os
import tempfile
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from connect_tasks import StartChatContactResponse
from connect_tasks.aws.client import ConnectApi
from connect_tasks.errors import PermanentError
from tests.bench.parties import THREADS, unlimited
from tests.bench.processes import spent_on

if TYPE_CHECKING:
    from connect_tasks.blocks import AmazonConnectInstance

__all__ = ["mapped", "refused"]

_INSTANCE_ID = "6f1c2d3e-0000-4000-8000-c0ffee000001"
_FLOW_ID = "6f1c2d3e-0000-4000-8000-c0ffee000002"


class _NoAmazon(ConnectApi):
    def make_clients(self) -> None:
        """There is nothing to call."""


class _RefusesApi(_NoAmazon):
    """Refuses every start at once and for good."""

    def start_chat(self, request: str) -> StartChatContactResponse:  # noqa: ARG002 - what it overrides
        raise PermanentError("refused by the bench", code="InvalidRequestException")


class _AnswersApi(_NoAmazon):
    """Answers every start at once."""

    def start_chat(self, request: str) -> StartChatContactResponse:  # noqa: ARG002 - what it overrides
        return StartChatContactResponse(contact_id="c-1")


def refused(pipe: Connection, server_url: str, count: int) -> None:
    """Run the flow `outreach` over so many customers, all of whom are refused."""
    _use_server(server_url)
    import pandas as pd

    from connect_tasks.flows.outreach import outreach

    numbers = range(count)
    customers = pd.DataFrame(
        {
            "customer_id": [f"{number:08d}" for number in numbers],
            "display_name": [f"Customer {number}" for number in numbers],
        }
    )
    instance = _without_amazon(_RefusesApi())
    with tempfile.TemporaryDirectory() as folder:
        ledger = f"sqlite:///{folder}/ledger.db"
        pipe.send("ready")
        pipe.recv()
        spent = spent_on(
            lambda: dict(
                outreach(customers, campaign="bench", connect=instance, ledger=ledger).summary
            )
        )
        pipe.send(spent)


def mapped(
    pipe: Connection, server_url: str, amazon_at: tuple[str, str, str] | None, count: int
) -> None:
    """Map `start_chat` over so many customers; without an Amazon, each is answered at once."""
    _use_server(server_url)
    from prefect import flow, unmapped
    from prefect.task_runners import ThreadPoolTaskRunner

    from connect_tasks.tasks import start_chat

    runner: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=THREADS)
    instance = _at(amazon_at) if amazon_at else _without_amazon(_AnswersApi())

    @flow(task_runner=runner, validate_parameters=False)  # type: ignore[arg-type] # its own default
    def greet() -> int:
        requests = [_request(instance, number) for number in range(count)]
        return len(start_chat.map(requests, connect=unmapped(instance)).result())

    pipe.send("ready")
    pipe.recv()
    pipe.send(spent_on(greet))


def _use_server(url: str) -> None:
    os.environ["PREFECT_API_URL"] = url
    # On the terminal only: what is sent to the server is part of what is measured.
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "WARNING"


def _request(instance: "AmazonConnectInstance", number: int) -> dict[str, Any]:
    return {
        "instance_id": instance.instance_id,
        "contact_flow_id": instance.contact_flow_id,
        "participant_details": {"display_name": f"Customer {number}"},
        "customer_id": f"ours-{number}",
    }


def _at(amazon_at: tuple[str, str, str]) -> "AmazonConnectInstance":
    from prefect_aws import AwsClientParameters, AwsCredentials
    from pydantic import SecretStr

    from connect_tasks.blocks import AmazonConnectInstance

    endpoint_url, instance_id, flow_id = amazon_at
    return AmazonConnectInstance(
        instance_id=instance_id,
        contact_flow_id=flow_id,
        aws_credentials=AwsCredentials(
            aws_access_key_id="local",
            aws_secret_access_key=SecretStr("local"),
            region_name="us-east-1",
        ),
        aws_client_parameters=AwsClientParameters(endpoint_url=endpoint_url),
        quotas=unlimited(),
    )


def _without_amazon(api: ConnectApi) -> "AmazonConnectInstance":
    from connect_tasks.aws.instance import Instance
    from connect_tasks.blocks import AmazonConnectInstance

    class WithoutAmazon(AmazonConnectInstance):
        """An instance that nobody is called for."""

        _block_type_slug = "bench-instance"

        def connect(self) -> Instance:
            return Instance(api=api, quotas=self.quotas)

    return WithoutAmazon(
        instance_id=_INSTANCE_ID, contact_flow_id=_FLOW_ID, quotas=unlimited(open_chats=500)
    )
