"""Who starts chats in the bench: campaigns, and bare boto3 as the measure. Each in a process."""

import json
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.sync.client import connect

from connect_tasks import ChatTemplate, Conversation, Quotas, StartChatContactResponse
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.run import run_campaign
from connect_tasks.errors import ThrottledError
from connect_tasks.ledger.store import Ledger
from tests.bench.processes import Amazon, spent_on

__all__ = [
    "CAMPAIGN",
    "THREADS",
    "Job",
    "bare_chats",
    "bare_pool",
    "other_client",
    "plan",
    "unlimited",
    "worker",
]

CAMPAIGN = "bench"
THREADS = 16
_UNLIMITED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A campaign that is to be run.

    Args:
        endpoint_url: Of Amazon Connect.
        instance_id: The instance there.
        flow_id: The flow that answers.
        ledger_url: Where the campaign is remembered.
        conversation: What is said, and when it is over.
        limits: Fields of `Quotas`; what is not named is as good as unlimited.
        holds_chats: Connect and talk, by boto3. Else a chat is started without boto3 and given up
            at once, so that nothing binds but the pace: one process cannot hold so many chats.
        transport: What carries the calls.
    """

    endpoint_url: str
    instance_id: str
    flow_id: str
    ledger_url: str
    conversation: Conversation
    limits: Mapping[str, float]
    holds_chats: bool = True
    transport: Literal["lean", "boto3"] = "lean"

    @classmethod
    def at(
        cls, amazon: Amazon, ledger_url: str, conversation: Conversation, **limits: float
    ) -> "Job":
        """A campaign at this instance."""
        return cls(
            endpoint_url=amazon.endpoint_url,
            instance_id=amazon.instance_id,
            flow_id=amazon.flow_id,
            ledger_url=ledger_url,
            conversation=conversation,
            limits=limits,
        )

    def without_chats(self) -> "Job":
        """The same, but each chat is given up once it is started."""
        return replace(self, holds_chats=False)

    def carried_by(self, transport: Literal["lean", "boto3"]) -> "Job":
        """The same, but its calls are carried by this."""
        return replace(self, transport=transport)


def unlimited(**limits: float) -> Quotas:
    """Quotas that bind nobody, but for those that are named."""
    fields = Quotas.model_fields
    named = [name for name in fields if name.endswith(("_per_second", "_burst", "_chats"))]
    return Quotas.model_validate({**dict.fromkeys(named, _UNLIMITED), **limits})


class _LeanApi(ConnectApi):
    """Starts chats at a fifth of boto3's price, cannot join them, and takes them for dead."""

    def __init__(self, endpoint_url: str) -> None:
        super().__init__()
        self._address = endpoint_url.removeprefix("http://")
        self._threads = threading.local()

    def make_clients(self) -> None:
        """Each thread makes its own connection."""

    def start_chat(self, request: str) -> StartChatContactResponse:
        connection = self._connection()
        # The local Connect looks no closer at a signature than this.
        headers = {"Authorization": "AWS4-HMAC-SHA256 local", "Content-Type": "application/json"}
        connection.request("PUT", "/contact/chat", request.encode(), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise ThrottledError("too many requests", code="TooManyRequestsException", status=429)
        return StartChatContactResponse(contact_id=json.loads(body)["ContactId"])

    def describe_contact(self, instance_id: str, contact_id: str) -> Mapping[str, Any]:  # noqa: ARG002 - what it overrides
        return {"DisconnectTimestamp": datetime.now(UTC), "DisconnectReason": "GIVEN_UP"}

    def _connection(self) -> HTTPConnection:
        if not hasattr(self._threads, "connection"):
            self._threads.connection = HTTPConnection(self._address)
        connection: HTTPConnection = self._threads.connection
        return connection


def session() -> boto3.Session:
    """Credentials that no Amazon would take."""
    return boto3.Session(
        aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1"
    )


def plan(job: Job, count: int, template: ChatTemplate | None = None) -> None:
    """Enter so many customers into the campaign."""
    now = datetime.now(UTC)
    rows = [{"customer_id": f"ours-{n}", "display_name": f"Customer {n}"} for n in range(count)]
    renderer = (template or ChatTemplate()).bind(
        instance_id=job.instance_id, contact_flow_id=job.flow_id, conversation=job.conversation
    )
    chunks = (list(rows[at : at + 5_000]) for at in range(0, count, 5_000))
    with Ledger(job.ledger_url) as ledger:
        ledger.open_campaign(CAMPAIGN, job.instance_id, now=now)
        plan_campaign(ledger, CAMPAIGN, chunks, renderer, now=now)


def worker(pipe: Connection, job: Job) -> None:
    """Run the campaign, as one of its workers."""
    api = _api(job)
    api.make_clients()
    instance = Instance(api=api, quotas=unlimited(**job.limits), threads=THREADS)
    with Ledger(job.ledger_url) as ledger:
        pipe.send("ready")
        pipe.recv()
        pipe.send(
            spent_on(
                lambda: run_campaign(ledger, CAMPAIGN, instance, conversation=job.conversation)
            )
        )


def _api(job: Job) -> ConnectApi:
    if job.holds_chats:
        parameters = {"endpoint_url": job.endpoint_url}
        return ConnectApi(session, ClientOptions(parameters=parameters, transport=job.transport))
    return _LeanApi(job.endpoint_url)


def bare_pool(pipe: Connection, amazon_at: tuple[str, str, str], count: int) -> None:
    """Start chats with boto3 and a thread pool, and do nothing else: no ledger, no pace."""
    endpoint_url, instance_id, flow_id = amazon_at
    config = Config(max_pool_connections=THREADS, retries={"total_max_attempts": 1})
    client = session().client("connect", endpoint_url=endpoint_url, config=config)

    def start(number: int) -> None:
        client.start_chat_contact(
            InstanceId=instance_id,
            ContactFlowId=flow_id,
            ParticipantDetails={"DisplayName": f"Customer {number}"},
            CustomerId=f"bare-{number}",
            ClientToken=uuid.uuid4().hex,
        )

    pipe.send("ready")
    pipe.recv()
    with ThreadPoolExecutor(THREADS) as pool:
        pipe.send(spent_on(lambda: len(list(pool.map(start, range(count))))))


def bare_chats(pipe: Connection, amazon_at: tuple[str, str, str], count: int, threads: int) -> None:
    """Whole chats as a script makes them: the campaign's calls and socket, without ledger or pace.

    Each thread starts a chat, joins it, waits at the socket for the flow's first line, reads the
    transcript, and stops the chat.
    """
    endpoint_url, instance_id, flow_id = amazon_at
    config = Config(max_pool_connections=threads, retries={"total_max_attempts": 1})
    contacts = session().client("connect", endpoint_url=endpoint_url, config=config)
    participants = session().client("connectparticipant", endpoint_url=endpoint_url, config=config)

    def chat(number: int) -> None:
        started = contacts.start_chat_contact(
            InstanceId=instance_id,
            ContactFlowId=flow_id,
            ParticipantDetails={"DisplayName": f"Customer {number}"},
            CustomerId=f"bare-{number}",
            ClientToken=uuid.uuid4().hex,
        )
        joined = participants.create_participant_connection(
            ParticipantToken=started["ParticipantToken"],
            Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"],
        )
        with connect(joined["Websocket"]["Url"], compression=None) as socket:
            socket.send('{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}')
            while "text/plain" not in socket.recv():
                pass
            participants.get_transcript(
                ConnectionToken=joined["ConnectionCredentials"]["ConnectionToken"],
                ScanDirection="FORWARD",
                SortOrder="ASCENDING",
            )
            contacts.stop_contact(InstanceId=instance_id, ContactId=started["ContactId"])

    pipe.send("ready")
    pipe.recv()
    with ThreadPoolExecutor(threads) as pool:
        pipe.send(spent_on(lambda: len(list(pool.map(chat, range(count))))))


def other_client(pipe: Connection, amazon_at: tuple[str, str, str], per_second: float) -> None:
    """Start chats at a steady pace until told to end; says how many calls and how many 429s.

    It insists: a call that is refused is made again until it is not, so it gets what it wants.
    """
    endpoint_url, instance_id, flow_id = amazon_at
    config = Config(retries={"total_max_attempts": 1})
    with closing(session().client("connect", endpoint_url=endpoint_url, config=config)) as client:
        pipe.send("ready")
        pipe.recv()
        began, started, refused = time.monotonic(), 0, 0
        patience = 0.0
        while not pipe.poll(patience):
            try:
                client.start_chat_contact(
                    InstanceId=instance_id,
                    ContactFlowId=flow_id,
                    ParticipantDetails={"DisplayName": "somebody else's"},
                    CustomerId=f"other-{started}",
                )
            except ClientError:
                refused += 1
                patience = min(0.02, 0.25 / per_second)
            else:
                started += 1
                patience = max(0.0, began + started / per_second - time.monotonic())
        pipe.send((started + refused, refused))
