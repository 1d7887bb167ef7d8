"""Several processes at one campaign, on each database: they share the work and double nothing.

As a program this module is one such process:
`python -m tests.functional.test_ledger_workers ENDPOINT LEDGER LEASE_SECONDS`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from connect_tasks import Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, QUICK, World, customers, session
from tests.postgresql import new_database

ROOT = Path(__file__).parents[2]
COUNT = 150
WORKERS = 3


class Counted(ConnectApi):
    """Counts the chats that this process starts."""

    starts = 0

    def start_chat(self, request: str) -> StartChatContactResponse:
        response = super().start_chat(request)
        Counted.starts += 1
        if Counted.starts == 1:
            print("started", flush=True)  # noqa: T201 - the parent may wait for it
        return response


def main(endpoint_url: str, ledger_url: str, lease_seconds: str) -> None:
    """Wait for a word, work, and say how many chats were started."""
    api = Counted(session, ClientOptions(parameters={"endpoint_url": endpoint_url}))
    # Few at once, or the first process would claim the whole campaign.
    quotas = FAST.model_copy(update={"open_chats": 10})
    with Ledger(ledger_url) as ledger:
        print("ready", flush=True)  # noqa: T201 - the parent waits for it
        sys.stdin.readline()
        run_campaign(
            ledger,
            CAMPAIGN,
            Instance(api=api, quotas=quotas, policy=QUICK),
            conversation=Conversation(
                settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=5
            ),
            lease_seconds=float(lease_seconds),
        )
    print(Counted.starts)  # noqa: T201 - the parent adds them up


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A campaign with its table planned, on either database."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
        if request.param == "PostgreSQL":
            url = stack.enter_context(new_database())
        local = stack.enter_context(
            LocalConnect(quotas=LocalQuotas.unlimited(), think_seconds=(0.05, 0.15))
        )
        world = World(local, stack.enter_context(Ledger(url)))
        world.plan(customers(COUNT))
        yield world


@contextmanager
def working(here: World, *, lease_seconds: float) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that all begin at the same moment; none outlives the test."""
    arguments = [here.local.endpoint_url, here.ledger.url, str(lease_seconds)]
    command = [sys.executable, "-m", __name__, *arguments]
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        workers = []
        for _ in range(WORKERS):
            worker = subprocess.Popen(
                command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
            )
            stack.enter_context(worker)
            stack.callback(worker.kill)
            workers.append(worker)
        for worker in workers:
            assert worker.stdout
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin
            worker.stdin.write("go\n")
            worker.stdin.flush()
        yield workers


def share(said: tuple[str, str]) -> int:
    """How many chats a process says that it started."""
    return int(said[0].split()[-1])


def test_three_processes_share_a_campaign_and_contact_everybody_once(here: World) -> None:
    with working(here, lease_seconds=30) as workers:
        said = [worker.communicate(timeout=45) for worker in workers]

    assert [complaints for _, complaints in said] == [""] * WORKERS
    assert [worker.returncode for worker in workers] == [0] * WORKERS
    here.assert_once_each(COUNT)
    shares = [share(each) for each in said]
    assert sum(shares) == here.local.calls["StartChatContact"] == COUNT
    assert min(shares) >= COUNT / WORKERS / 4


def test_the_contacts_of_a_killed_process_are_finished_by_the_others(here: World) -> None:
    with working(here, lease_seconds=2) as (victim, *others):
        assert victim.stdout
        assert victim.stdout.readline() == "started\n"
        victim.kill()
        said = [worker.communicate(timeout=45) for worker in others]

    assert [worker.returncode for worker in others] == [0, 0]
    here.assert_once_each(COUNT)
    # The victim had worked too.
    assert sum(map(share, said)) < here.local.calls["StartChatContact"]


if __name__ == "__main__":
    main(*sys.argv[1:])
