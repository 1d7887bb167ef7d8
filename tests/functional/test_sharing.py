"""Several campaigns and workers on one instance: together they keep to its quotas.

Counted at the local Amazon Connect, which enforces exactly these quotas and counts its refusals.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from connect_tasks import ChatTemplate, Conversation, Quotas
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger.store import Ledger
from tests.functional.world import FAST, QUICK, customers, session

CONVERSATION = Conversation(
    settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=10, max_seconds=50
)


@dataclass
class Team:
    """Workers on one instance and one ledger, each with its own connection to both."""

    local: LocalConnect
    ledger_url: str

    def plan(self, campaign: str, count: int) -> None:
        now = datetime.now(UTC)
        renderer = ChatTemplate().bind(
            instance_id=self.local.instance_id,
            contact_flow_id=self.local.flow_id,
            conversation=CONVERSATION,
        )
        with Ledger(self.ledger_url) as ledger:
            ledger.open_campaign(campaign, self.local.instance_id, now=now)
            plan_campaign(ledger, campaign, [customers(count)], renderer, now=now)

    def work(self, campaign: str, quotas: Quotas) -> Funnel:
        options = ClientOptions(parameters={"endpoint_url": self.local.endpoint_url})
        instance = Instance(api=ConnectApi(session, options), quotas=quotas, policy=QUICK)
        with Ledger(self.ledger_url) as ledger:
            return run_campaign(ledger, campaign, instance, conversation=CONVERSATION)

    def work_together(self, campaigns: Sequence[str], quotas: Quotas) -> list[Funnel]:
        """One worker for each of these, all at the same time."""
        with ThreadPoolExecutor(len(campaigns)) as threads:
            return list(threads.map(lambda name: self.work(name, quotas), campaigns))

    def made(self) -> Counter[str]:
        return Counter(str(contact.customer_id) for contact in self.local.contacts)

    def refusals(self) -> int:
        """Throttled calls, and starts for which there was no slot."""
        return sum(
            count
            for (_, code), count in self.local.refusals.items()
            if code in {"TooManyRequestsException", "ThrottlingException", "LimitExceededException"}
        )


@contextmanager
def team(ledger_url: str, enforced: LocalQuotas, *, think: float = 0.2) -> Iterator[Team]:
    with LocalConnect(quotas=enforced, think_seconds=(think, think)) as local:
        yield Team(local, ledger_url)


def enforcing(**enforced: tuple[float, float] | int) -> LocalQuotas:
    return LocalQuotas(**{**vars_of(LocalQuotas.unlimited()), **enforced})  # type: ignore[arg-type]


def vars_of(quotas: LocalQuotas) -> dict[str, object]:
    return {name: getattr(quotas, name) for name in LocalQuotas.__dataclass_fields__}


def everybody(count: int, times: int) -> dict[str, int]:
    return {f"{number:04}": times for number in range(count)}


@pytest.mark.parametrize("ledger_url", ["PostgreSQL"], indirect=True)
def test_two_campaigns_of_one_instance_keep_to_its_rate_together(ledger_url: str) -> None:
    quotas = FAST.model_copy(update={"starts_per_second": 20.0, "start_burst": 30})
    with team(ledger_url, enforcing(start_chat_contact=(20, 30))) as here:
        for campaign in ("renewals", "survey"):
            here.plan(campaign, 80)
        here.work_together(["renewals", "survey"], quotas)

        assert here.made() == everybody(80, times=2)
        # Each at a pace of its own, half of the calls would be refused. A few may be where the
        # machine stalls and calls arrive together.
        assert here.refusals() <= 10


def test_two_workers_of_one_campaign_keep_to_the_open_chats_together(ledger_url: str) -> None:
    quotas = FAST.model_copy(update={"open_chats": 9})
    with team(ledger_url, enforcing(open_chats=9)) as here:
        here.plan("renewals", 80)
        here.work_together(["renewals", "renewals"], quotas)

        assert here.made() == everybody(80, times=1)
        # Each with slots of its own, there would be a refusal for each chat.
        assert here.refusals() <= 10


@pytest.mark.parametrize("ledger_url", ["SQLite"], indirect=True)
def test_a_rate_above_what_the_instance_grants_is_learnt_and_reported(ledger_url: str) -> None:
    quotas = FAST.model_copy(update={"starts_per_second": 100.0, "start_burst": 30})
    with team(ledger_url, enforcing(start_chat_contact=(25, 10))) as here:
        here.plan("renewals", 150)
        funnel = here.work("renewals", quotas)

        assert here.made() == everybody(150, times=1)
        # At 100 per second throughout there would be three refusals for each start.
        assert here.refusals() <= 100
        assert 10 < funnel.learnt["StartChatContact"] < 60


@pytest.mark.parametrize("ledger_url", ["SQLite"], indirect=True)
def test_fewer_open_chats_than_the_quota_are_learnt_and_reported(ledger_url: str) -> None:
    with team(ledger_url, enforcing(open_chats=6)) as here:
        here.plan("renewals", 50)
        funnel = here.work("renewals", FAST)

        assert here.made() == everybody(50, times=1)
        assert 1 <= funnel.learnt["open_chats"] <= 40


@pytest.mark.parametrize("ledger_url", ["SQLite"], indirect=True)
def test_what_one_campaign_learnt_the_next_one_knows(ledger_url: str) -> None:
    quotas = FAST.model_copy(update={"starts_per_second": 100.0, "start_burst": 30})
    with team(ledger_url, enforcing(start_chat_contact=(25, 10))) as here:
        here.plan("renewals", 100)
        here.plan("survey", 40)
        here.work("renewals", quotas)
        before = here.refusals()
        here.work("survey", quotas)

        # Without knowing it, three times as many: those of its first burst alone are twenty.
        assert here.refusals() - before <= 15
