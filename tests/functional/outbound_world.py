"""A campaign that writes to phones, at a local Amazon Connect that has them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connect_tasks import OutboundChatTemplate, Quotas
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.campaign.collection.collected import Collected
from connect_tasks.campaign.collection.collecting import collect_campaign
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect, LocalQuotas, TranscriptStorage
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, QUICK, session

__all__ = ["ARN", "FAST_OUT", "OutboundWorld", "number", "outbound_world", "phones"]

ARN = "arn:aws:connect:eu-central-1:123456789012:phone-number/p-1"
FAST_OUT = FAST.model_copy(
    update={"outbound_starts_per_second": 1000.0, "outbound_start_burst": 1000}
)
TEMPLATE = OutboundChatTemplate(
    source_endpoint=ARN,
    destination_endpoint="{{ phone }}",
    initial_system_message="Hello {{ customer_id }}",
)


def number(place: int) -> str:
    return f"+4915112{place:06}"


def phones(count: int) -> list[dict[str, Any]]:
    """A table of customers, each with a phone of their own."""
    return [{"customer_id": f"{place:04}", "phone": number(place)} for place in range(count)]


@dataclass
class OutboundWorld:
    """One ledger and one local instance, and a campaign that writes to phones."""

    local: LocalConnect
    ledger: Ledger
    template: OutboundChatTemplate = TEMPLATE
    quotas: Quotas = FAST_OUT
    policy: OutreachPolicy = field(default_factory=OutreachPolicy)
    read_timeout_seconds: float = 15
    api_class: type[ConnectApi] = ConnectApi
    options: Mapping[str, Any] = field(default_factory=dict)

    def plan(self, rows: Sequence[Mapping[str, Any]], **options: Any) -> Plan:
        now = datetime.now(UTC)
        renderer = self.template.bind(
            instance_id=self.local.instance_id, contact_flow_id=self.local.flow_id
        )
        self.ledger.open_campaign(
            CAMPAIGN,
            self.local.instance_id,
            now=now,
            mode=CampaignMode.OUTBOUND,
            policy=self.policy.model_dump(mode="json"),
        )
        return plan_campaign(self.ledger, CAMPAIGN, [rows], renderer, now=now, **options)

    def instance(self) -> Instance:
        options = ClientOptions(
            parameters={"endpoint_url": self.local.endpoint_url},
            read_timeout_seconds=self.read_timeout_seconds,
        )
        api = self.api_class(session, options)
        return Instance(api=api, quotas=self.quotas, policy=QUICK)

    def run(
        self, *, ledger: Ledger | None = None, clock: Clock | None = None, **options: Any
    ) -> Funnel:
        return run_campaign(
            ledger or self.ledger,
            CAMPAIGN,
            self.instance(),
            outbound=True,
            poll_seconds=0.02,
            clock=clock,
            **{**self.options, **options},
        )

    def collect(self) -> Collected:
        return collect_campaign(self.ledger, CAMPAIGN, self.instance())

    @property
    def result(self) -> CampaignResult:
        return CampaignResult(CAMPAIGN, self.ledger.url)

    def rows(self) -> dict[str, dict[str, Any]]:
        """The contacts by customer."""
        return {row["customer_id"]: dict(row) for row in self.ledger.contact_records(CAMPAIGN)}

    def statuses(self) -> Counter[str]:
        return Counter(str(row["status"]) for row in self.rows().values())

    def made(self) -> Counter[str]:
        """Contacts by number, counted by Amazon Connect itself."""
        return Counter(str(contact.phone_number) for contact in self.local.contacts)

    def assert_once_each(self, count: int) -> None:
        """Each of the customers was written to once, and that is on record."""
        assert self.made() == {number(place): 1 for place in range(count)}
        by_number = {contact.phone_number: contact for contact in self.local.contacts}
        for row in self.rows().values():
            contact = by_number[number(int(row["customer_id"]))]
            assert (row["contact_id"], row["client_token"]) == (
                contact.contact_id,
                contact.client_token,
            )
            assert row["handed_over_at"] is not None


@contextmanager
def outbound_world(
    folder: Path, *, ledger_url: str | None = None, **local: Any
) -> Iterator[OutboundWorld]:
    storage = TranscriptStorage(recordings="with_file")
    local = {"flow": "survey", "quotas": LocalQuotas.unlimited(), "storage": storage, **local}
    url = ledger_url or f"sqlite:///{folder / 'ledger.db'}"
    with LocalConnect(**local) as amazon, Ledger(url) as ledger:
        yield OutboundWorld(amazon, ledger)
