"""Apps that serve links and die by `SIGKILL` in the middle of presses, again and again.

Amazon Connect lives on in the test's process and is asked what really happened: each person got
one chat, and nobody got none.
"""

import multiprocessing
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random

import httpx
import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger.store import Ledger
from tests.e2e import links_app
from tests.e2e.links_app import STEPS, Job
from tests.e2e.servers import free_port
from tests.functional.links_world import CAMPAIGN, plan_links
from tests.postgresql import new_database

pytestmark = [pytest.mark.e2e, pytest.mark.apart, pytest.mark.timeout(300)]

# `PRESSES=1000` for the whole story.
PEOPLE = int(os.environ.get("PRESSES", "150"))
SERVERS = 3

_PROCESSES = multiprocessing.get_context("forkserver")
# Each process starts from one that has imported everything, and has opened nothing.
_PROCESSES.set_forkserver_preload(["__main__", links_app.__name__])
_http = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))


@dataclass
class Server:
    """A process that serves, and is served again on the same port after it was killed."""

    job: Job
    process: ForkServerProcess | None = None

    def start(self) -> None:
        self.process = _PROCESSES.Process(target=links_app.serve, args=(self.job,), daemon=True)
        self.process.start()

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.join()

    def press(self, token: str) -> httpx.Response:
        return _http.post(f"http://127.0.0.1:{self.job.port}/i/{token}")

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if _http.get(f"http://127.0.0.1:{self.job.port}/healthz").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the app did not come up")


@contextmanager
def server(job: Job) -> Iterator[Server]:
    one = Server(replace(job, port=free_port()))
    one.start()
    try:
        one.wait()
        yield one
    finally:
        one.kill()


@pytest.fixture
def local() -> Iterator[LocalConnect]:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        yield local


@pytest.fixture(params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.long)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "SQLite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    with new_database() as url:
        yield url


def job_at(local: LocalConnect, ledger_url: str) -> Job:
    return Job(
        endpoint_url=local.endpoint_url,
        instance_id=local.instance_id,
        flow_arn=local.flow_arn(local.flow),
        ledger_url=ledger_url,
        port=0,
    )


def press_until_open(press: Callable[[], httpx.Response], seconds: float = 60) -> str:
    """Press as a person's page does, only more impatiently; the chat's id."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            answer = press()
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code == httpx.codes.OK:
            found: str = answer.json()["data"]["startChatResult"]["ContactId"]
            return found
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
        time.sleep(min(0.5, float(answer.headers["Retry-After"])))
    raise AssertionError("the chat was never opened")


@pytest.mark.parametrize("step", STEPS)
def test_an_app_that_dies_at_any_step_of_a_press_loses_and_doubles_nothing(
    local: LocalConnect, ledger_url: str, step: str
) -> None:
    with Ledger(ledger_url) as ledger:
        tokens = plan_links(ledger, local, ["0001", "0002"])
    job = job_at(local, ledger_url)
    with ExitStack() as stack:
        doomed = stack.enter_context(server(replace(job, doom=step)))
        other = stack.enter_context(server(job))
        with pytest.raises(httpx.TransportError):
            doomed.press(tokens["0001"])
        opened = press_until_open(lambda: other.press(tokens["0001"]))
        press_until_open(lambda: other.press(tokens["0002"]))

    assert local.contacts[0].contact_id == opened
    assert len(local.contacts) == 2
    with Ledger(ledger_url) as ledger:
        rows = list(ledger.contact_records(CAMPAIGN))
    assert {row["status"] for row in rows} == {"started"}
    assert {row["contact_id"] for row in rows} == {chat.contact_id for chat in local.contacts}


@dataclass
class Crowd:
    """People who press their buttons at several servers, some twice, until they are let in."""

    servers: list[Server]
    random: Random = field(default_factory=lambda: Random(4))  # noqa: S311 - the same crowd each time
    got: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    waits: list[float] = field(default_factory=list)

    def come(self, tokens: dict[str, str]) -> None:
        presses = [*tokens, *self.random.sample(list(tokens), len(tokens) // 3)]
        self.random.shuffle(presses)
        with ThreadPoolExecutor(24) as pool:
            for customer, found in pool.map(lambda who: (who, self._press(tokens[who])), presses):
                self.got[customer].add(found)

    def _press(self, token: str) -> str:
        began = time.monotonic()
        found = press_until_open(lambda: self.random.choice(self.servers).press(token), 120)
        self.waits.append(time.monotonic() - began)
        return found


@contextmanager
def killing(servers: list[Server], every_seconds: float) -> Iterator[list[int]]:
    """Kill one server after the other, and let each come back."""
    ended, killed = threading.Event(), [0]

    def kill() -> None:
        while not ended.wait(every_seconds):
            one = servers[killed[0] % len(servers)]
            one.kill()
            killed[0] += 1
            one.start()
            one.wait()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        ended.set()
        killer.join()


def test_servers_that_are_killed_under_a_crowd_give_each_person_one_chat(
    local: LocalConnect,
) -> None:
    with new_database() as url, ExitStack() as stack:
        with Ledger(url) as ledger:
            tokens = plan_links(ledger, local, [f"{n:04}" for n in range(PEOPLE)])
        servers = [stack.enter_context(server(job_at(local, url))) for _ in range(SERVERS)]
        crowd = Crowd(servers)
        with killing(servers, 0.5) as killed:
            crowd.come(tokens)
        for one in servers:
            one.wait()

        assert killed[0] >= 1
        assert {len(found) for found in crowd.got.values()} == {1}
        assert len(local.contacts) == PEOPLE
        assert {next(iter(found)) for found in crowd.got.values()} == {
            chat.contact_id for chat in local.contacts
        }
        with Ledger(url) as ledger:
            rows = list(ledger.contact_records(CAMPAIGN))
            opened = ledger.counts(CAMPAIGN)["opened"]
    print(  # noqa: T201 - what `PRESSES` is run for
        f"\n{PEOPLE} people, {killed[0]} kills, {local.calls['StartChatContact']} starts, "
        f"longest wait {max(crowd.waits):.1f} s"
    )
    assert {row["status"] for row in rows} <= {"started", "connected"}
    assert {row["generation"] for row in rows} == {1}
    assert opened == PEOPLE
