"""A campaign at a local Amazon Connect, without Prefect: what most functional tests need."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from connect_tasks import ChatTemplate, Conversation, Quotas, RetryPolicy
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.planning import Plan, plan_campaign
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.ledger.store import Ledger

CAMPAIGN = "renewals"

FAST = Quotas(
    starts_per_second=1000,
    start_burst=1000,
    stops_per_second=1000,
    stop_burst=1000,
    describes_per_second=1000,
    describe_burst=1000,
    searches_per_second=1000,
    search_burst=1000,
    storage_lists_per_second=1000,
    storage_list_burst=1000,
    connections_per_second=1000,
    connection_burst=1000,
    messages_per_second=1000,
    message_burst=1000,
    transcripts_per_second=1000,
    transcript_burst=1000,
    disconnects_per_second=1000,
    disconnect_burst=1000,
)
QUICK = RetryPolicy(attempts=4, wait_initial_seconds=0.01, wait_max_seconds=0.05)


def session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1"
    )


def always(operation: str, status: int, code: str | None) -> Fault:
    """Every call of an operation is refused in the same way."""
    return Fault(
        operation=operation, kind=FaultKind.ERROR_BEFORE, every=1, status=status, code=code
    )


def customers(count: int) -> list[dict[str, Any]]:
    return [
        {"customer_id": f"{number:04}", "display_name": f"Customer {number}", "score": "9"}
        for number in range(count)
    ]


@dataclass
class World:
    """One ledger and one local instance."""

    local: LocalConnect
    ledger: Ledger
    conversation: Conversation = field(
        default_factory=lambda: Conversation(
            settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=5, max_seconds=30
        )
    )
    template: ChatTemplate = field(default_factory=ChatTemplate)
    quotas: Quotas = FAST
    policy: RetryPolicy = QUICK
    read_timeout_seconds: float = 15
    beat_seconds: float = 10
    make_session: Callable[[], boto3.Session] = session
    contact_flow_id: str | None = None
    api_class: type[ConnectApi] = ConnectApi

    def plan(self, rows: Sequence[Mapping[str, Any]]) -> Plan:
        now = datetime.now(UTC)
        renderer = self.template.bind(
            instance_id=self.local.instance_id,
            contact_flow_id=self.contact_flow_id or self.local.flow_id,
            conversation=self.conversation,
        )
        self.ledger.open_campaign(CAMPAIGN, self.local.instance_id, now=now)
        return plan_campaign(self.ledger, CAMPAIGN, [rows], renderer, now=now)

    def run(
        self,
        report: Callable[[Funnel], None] = lambda _: None,
        table_id: str | None = None,
    ) -> Funnel:
        options = ClientOptions(
            parameters={"endpoint_url": self.local.endpoint_url},
            read_timeout_seconds=self.read_timeout_seconds,
        )
        instance = Instance(
            api=self.api_class(self.make_session, options),
            quotas=self.quotas,
            policy=self.policy,
            beat_seconds=self.beat_seconds,
        )
        return run_campaign(
            self.ledger,
            CAMPAIGN,
            instance,
            conversation=self.conversation,
            table_id=table_id,
            on_progress=report,
        )

    def contacts(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.ledger.contact_records(CAMPAIGN)]

    def said(self) -> list[tuple[str, str]]:
        """Who said what, as the ledger has it."""
        rows = self.ledger.message_records(CAMPAIGN)
        return [(row["participant_role"], row["content"]) for row in rows if row["content"]]

    def stop_contact(self, contact_id: str) -> None:
        """Somebody else ends a chat."""
        client = session().client("connect", endpoint_url=self.local.endpoint_url)
        client.stop_contact(InstanceId=self.local.instance_id, ContactId=contact_id)

    def claims(self) -> int:
        """How many contacts a worker has claimed, read past our own code."""
        with closing(sqlite3.connect(self.ledger.url.removeprefix("sqlite:///"))) as database:
            query = "SELECT count(*) FROM contacts WHERE claimed_until IS NOT NULL"
            count: int = database.execute(query).fetchone()[0]
            return count

    def assert_once_each(self, count: int) -> None:
        """Each of the customers was contacted once, and is settled."""
        everybody = {f"{number:04}": 1 for number in range(count)}
        assert self.made() == everybody
        assert {row["customer_id"]: row["status"] for row in self.contacts()} == dict.fromkeys(
            everybody, "completed"
        )

    def made(self) -> Counter[str]:
        """Contacts by customer, counted by Amazon Connect itself."""
        return Counter(str(contact.customer_id) for contact in self.local.contacts)


@contextmanager
def world(
    folder: Path,
    *,
    flow: str = "survey",
    faults: Sequence[Fault] = (),
    quotas: LocalQuotas | None = None,
    think_seconds: tuple[float, float] = (0, 0),
    seed: int = 0,
) -> Iterator[World]:
    local = LocalConnect(
        flow=flow,
        faults=faults,
        quotas=quotas or LocalQuotas.unlimited(),
        think_seconds=think_seconds,
        seed=seed,
    )
    with local, Ledger(f"sqlite:///{folder / 'ledger.db'}") as ledger:
        yield World(local, ledger)
