"""Everything of `prefect.yaml`, deployed to a Prefect server of one's own, and workers for it.

The chats are those of a local Amazon Connect, which is also where contacts are counted.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import httpx
import yaml  # type: ignore[import-untyped]

from connect_tasks import Quotas
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.emulator.faults.plan import Fault, FaultKind
from tests.e2e.servers import PrefectServer, descendants, prefect_server, save_block, wait_until

__all__ = [
    "LINK_KEY",
    "PACE",
    "ROOT",
    "Deployed",
    "Worker",
    "denied_once",
    "deployed",
    "everything_deployed",
    "read_yaml",
    "write_table",
]

ROOT = Path(__file__).parents[2]
POOL = "connect-tasks"
LINK_KEY = "Hx0kJ2mQ7vLr5TnWc8YpZd3Fb6Gs9Ae1"
PACE = Quotas(starts_per_second=10, start_burst=5, connections_per_second=50)
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

# What a server on SQLite does every few seconds, it does here at once.
HURRY = {
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}


@dataclass
class Worker:
    """A worker process, and the flow runs below it."""

    process: subprocess.Popen[bytes]

    def flow_runs(self) -> list[int]:
        """Process ids of the flow runs that it has started."""
        return descendants(self.process.pid)[1:]

    def kill_flow_runs(self) -> None:
        for pid in self.flow_runs():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """The machine goes down: nobody is left to tell Prefect."""
        if self.process.poll() is None:
            below = self.flow_runs()
            for pid in [self.process.pid, *below]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(30)


@dataclass
class Deployed:
    """A Prefect server with all deployments, an instance saved as a block, and workers."""

    server: PrefectServer
    local: LocalConnect
    folder: Path
    workers: list[Worker] = field(default_factory=list)

    @property
    def ledger(self) -> str:
        return f"sqlite:///{self.folder / 'ledger.db'}"

    @property
    def instance(self) -> dict[str, Any]:
        """What the form sends for the block that somebody picked."""
        (block,) = (
            block
            for block in self.server.post("block_documents/filter")
            if block["name"] == "local"
        )
        return {"$ref": {"block_document_id": block["id"]}}

    def prefect(self, *command: str) -> str:
        """Run a command of Prefect's as a person would, in the checkout."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *command],
            cwd=ROOT,
            env=self.server.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start_worker(self) -> Worker:
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        environment = self.server.environment | {
            "CONNECT_TASKS_LEDGER": self.ledger,
            "CONNECT_TASKS_INVITATION_KEYS": LINK_KEY,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
        with log:
            # Started anywhere but in the checkout: the deployment says where that is.
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        self.workers.append(Worker(process))
        return self.workers[-1]

    def deployment(self, name: str) -> dict[str, Any]:
        """A deployment by its own name; no two of prefect.yaml share one."""
        (found,) = self.server.post("deployments/filter", deployments={"name": {"any_": [name]}})
        return dict(found)

    def press_run(self, name: str, **parameters: Any) -> httpx.Response:
        """Do what the button of the form does."""
        # Asked again because Prefect is busy, it is still one run.
        body = {"parameters": parameters, "idempotency_key": str(uuid4())}
        deployment = self.deployment(name)["id"]
        return self.server.answer("POST", f"deployments/{deployment}/create_flow_run", body)

    def begin(self, name: str, **parameters: Any) -> str:
        """Press the button, and give the run's id."""
        answer = self.press_run(name, **parameters)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return str(answer.json()["id"])

    def run(self, name: str, **parameters: Any) -> dict[str, Any]:
        """Press the button, and give the run once it has ended."""
        return self.ended(self.begin(name, **parameters))

    def flow_run(self, run_id: str) -> dict[str, Any]:
        return dict(self.server.get(f"flow_runs/{run_id}"))

    def states(self, run_id: str) -> list[str]:
        """The names of all states that a run has had, the oldest first."""
        states = self.server.get(f"flow_run_states/?flow_run_id={run_id}")
        return [state["name"] for state in sorted(states, key=lambda state: state["timestamp"])]

    def ended(self, run_id: str, seconds: float = 120) -> dict[str, Any]:
        """Wait until a run has ended."""
        wait_until(
            lambda: self.flow_run(run_id)["state_type"] in ENDED, seconds, f"{run_id} has ended"
        )
        return self.flow_run(run_id)

    def events(self, prefix: str) -> list[dict[str, Any]]:
        """The events that have arrived whose names begin so, the oldest first."""
        wanted = {"event": {"prefix": [prefix]}, "order": "ASC"}
        return list(self.server.post("events/filter", filter=wanted, limit=50)["events"])

    def made(self, customers: Sequence[str]) -> Counter[str]:
        """Contacts by customer, counted by Amazon Connect itself."""
        wanted = set(customers)
        everybody = [str(contact.customer_id) for contact in self.local.contacts]
        return Counter(customer for customer in everybody if customer in wanted)

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()


def denied_once(customer_id: str) -> Fault:
    """Amazon refuses this customer's first start for lack of rights, which halts a campaign."""
    return Fault(
        operation="StartChatContact",
        kind=FaultKind.ERROR_BEFORE,
        customer_id=customer_id,
        nth=1,
        status=403,
        code="AccessDeniedException",
        message="not authorized to perform: connect:StartChatContact",
    )


def read_yaml(path: Path) -> Any:
    """What a YAML file holds."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def write_table(folder: Path, campaign: str, count: int) -> tuple[str, list[str]]:
    """A table of customers of whom no other campaign knows: its path, and who is in it."""
    customers = [f"{campaign}-{number:04}" for number in range(count)]
    path = folder / f"{campaign}.csv"
    rows = "".join(f"{customer},Zebulon\n" for customer in customers)
    path.write_text("customer_id,display_name\n" + rows, encoding="utf-8")
    return str(path), customers


@contextmanager
def everything_deployed(
    folder: Path, faults: Sequence[Fault], settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Deployed]:
    """A server of one's own with everything that it needs; the settings are for the server."""
    with (
        LocalConnect(flow="echo", quotas=LocalQuotas.unlimited(), faults=faults) as local,
        prefect_server(folder, **HURRY, **settings) as server,
        deployed(server, local, folder) as everything,
    ):
        yield everything


@contextmanager
def deployed(server: PrefectServer, local: LocalConnect, folder: Path) -> Iterator[Deployed]:
    """Do what docs/deploying.md says: the pool, the block, the deployments, a worker."""
    everything = Deployed(server, local, folder)
    try:
        save_block(server, local.instance(quotas=PACE))
        everything.prefect("work-pool", "create", POOL, "--type", "process")
        everything.prefect("--no-prompt", "deploy", "--all")
        everything.start_worker()
        yield everything
    finally:
        everything.end()
