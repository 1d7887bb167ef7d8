"""Two campaigns at the same customers, each of whom may be contacted once: nobody is twice.

As a program this module is one worker of one campaign:
`python -m tests.functional.test_policy_race ENDPOINT LEDGER CAMPAIGN`.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import NotAllowedError
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.sending import Sending
from connect_tasks.ledger.store import Ledger
from tests.functional.world import FAST, QUICK, customers, session
from tests.postgresql import new_database

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]
CAMPAIGNS = ("renewals", "survey")
ONCE_A_DAY = OutreachPolicy.model_validate(
    {"communication_limits": {"limits": [{"max_count_per_recipient": 1, "frequency": 1}]}}
)
TALK = Conversation(settle_seconds=0, max_replies=1, reply_timeout_seconds=5)


def main(endpoint_url: str, ledger_url: str, campaign: str) -> None:
    """Wait for a word, and work on a campaign until nothing is left."""
    api = ConnectApi(session, ClientOptions(parameters={"endpoint_url": endpoint_url}))
    quotas = FAST.model_copy(update={"open_chats": 20})
    with Ledger(ledger_url) as ledger:
        print("ready", flush=True)  # noqa: T201 - the parent waits for it
        sys.stdin.readline()
        instance = Instance(api=api, quotas=quotas, policy=QUICK)
        run_campaign(ledger, campaign, instance, lease_seconds=2)


class Race:
    """Two planned campaigns with the same customers, and who works on them."""

    def __init__(self, local: LocalConnect, ledger: Ledger, count: int) -> None:
        self.local, self.ledger, self.count = local, ledger, count
        for name in CAMPAIGNS:
            self._plan(name)

    def _plan(self, campaign: str) -> None:
        template = ChatTemplate()
        renderer = template.bind(
            instance_id=self.local.instance_id,
            contact_flow_id=self.local.flow_id,
            conversation=TALK,
        )
        now = datetime.now(UTC)
        self.ledger.open_campaign(
            campaign,
            self.local.instance_id,
            now=now,
            conversation=TALK,
            policy=ONCE_A_DAY.model_dump(mode="json"),
        )
        plan_campaign(self.ledger, campaign, [customers(self.count)], renderer, now=now)

    def worker(self, stack: ExitStack, campaign: str) -> subprocess.Popen[str]:
        arguments = [self.local.endpoint_url, self.ledger.url, campaign]
        pipe = subprocess.PIPE
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", __name__, *arguments],
                cwd=ROOT,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                text=True,
            )
        )
        stack.callback(process.kill)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    def made(self) -> Counter[str]:
        """Contacts by customer, counted by Amazon Connect itself."""
        return Counter(str(contact.customer_id) for contact in self.local.contacts)

    def waiting(self) -> int:
        """How many contacts of both campaigns wait for another day."""
        counts = [self.ledger.counts(name) for name in CAMPAIGNS]
        return sum(count["planned"] for count in counts)


def go(*workers: subprocess.Popen[str]) -> None:
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()


@pytest.fixture(
    params=[
        ("SQLite", 40),
        ("PostgreSQL", 100),
        pytest.param(("PostgreSQL", 1_000), marks=pytest.mark.long),
    ],
    ids=str,
)
def race(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Race]:
    database, count = request.param
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
        if database == "PostgreSQL":
            url = stack.enter_context(new_database())
        local = stack.enter_context(LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()))
        yield Race(local, stack.enter_context(Ledger(url)), count)


def test_two_campaigns_never_both_take_a_customers_last_allowed_contact(race: Race) -> None:
    with ExitStack() as stack:
        workers = [race.worker(stack, name) for name in CAMPAIGNS for _ in range(2)]
        go(*workers)
        while len(race.local.contacts) < race.count / 4:
            assert workers[0].poll() is None
        workers[0].kill()
        workers[2].kill()
        ended = [worker.communicate(timeout=400) for worker in (workers[1], workers[3])]
        # Whom the killed ones held is left to whoever comes next.
        again = [race.worker(stack, name) for name in CAMPAIGNS]
        go(*again)
        ended += [worker.communicate(timeout=400) for worker in again]

    assert [complaints for _, complaints in ended] == [""] * 4
    assert race.made() == Counter(f"{number:04}" for number in range(race.count))
    assert race.waiting() == race.count


@pytest.mark.parametrize(("database", "count"), [("SQLite", 100), ("PostgreSQL", 300)])
def test_of_two_who_are_about_to_send_at_one_moment_one_is_refused(
    database: str, count: int, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
        if database == "PostgreSQL":
            url = stack.enter_context(new_database())
        local = stack.enter_context(LocalConnect(flow="echo"))
        Race(local, stack.enter_context(Ledger(url)), count)
        runners = [Runner(stack.enter_context(Ledger(url)), name, count) for name in CAMPAIGNS]
        gate = Barrier(len(runners))
        with ThreadPoolExecutor(len(runners)) as pool:
            sent = list(pool.map(lambda runner: runner.run(gate), runners))

    everybody = Counter(f"{number:04}" for number in range(count))
    assert sum(map(Counter, sent), Counter()) == everybody


class Runner:
    """Holds all contacts of a campaign, and sends to one customer at a time."""

    def __init__(self, ledger: Ledger, campaign: str, count: int) -> None:
        self._ledger, self._campaign = ledger, campaign
        judge, now = PolicyJudge(ONCE_A_DAY), datetime.now(UTC)
        terms = ClaimTerms(lease=timedelta(hours=1), token_validity=timedelta(hours=24))
        self._contacts = ledger.claim(
            campaign, campaign, most=count, now=now, terms=terms, judge=lambda: judge
        )
        self._sending = Sending(
            judge=lambda: judge,
            now=lambda: datetime.now(UTC),
            token_validity=terms.token_validity,
        )

    def run(self, gate: Barrier) -> list[str]:
        """To whom it could send, each time at the moment at which the other tries it, too."""
        sent = []
        for contact in self._contacts:
            starting = contact.advance(Status.STARTING, sent_at=datetime.now(UTC))
            change = Progress(starting, contact.status, sends=True)
            gate.wait(60)
            with suppress(NotAllowedError):
                self._ledger.apply(self._campaign, [change], sending=self._sending)
                sent.append(contact.customer_id)
        return sent


if __name__ == "__main__":
    main(*sys.argv[1:])
