"""One campaign on two machines: real Prefect workers, a Prefect server and PostgreSQL.

Each machine is a `prefect worker start` with everything below it, so it can be killed as a whole.
Who was contacted is counted at Amazon Connect.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas
from tests.e2e.deployed import PACE, ROOT, Worker
from tests.e2e.servers import PrefectServer, claimed, prefect_server, save_block, wait_until
from tests.postgresql import new_database

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

POOL = "machines"

# Prefect kills what has not ended within 30 seconds, and each chat that is closed costs a
# transcript and a stop out of their quotas: however long a busy machine takes to cancel, no more
# are open than can be closed in that time.
FEW_OPEN = PACE.model_copy(update={"open_chats": 30})

# A machine runs one flow run at a time, so two runs need two machines.
DEPLOYMENTS = """
deployments:
  - name: campaign-worker
    entrypoint: flows/workers.py:campaign_worker
    work_pool: {name: machines}
  - name: parent
    entrypoint: flows/workers.py:outreach_on_workers
    work_pool: {name: machines}
"""

CAMPAIGN = """
import json, sys
import pandas as pd
from connect_tasks import Conversation
from connect_tasks.flows.workers import outreach_on_workers

arguments = json.loads(sys.argv[1])
customers = pd.DataFrame({"customer_id": arguments.pop("customers"), "display_name": "Zebulon"})
result = outreach_on_workers(
    customers,
    connect="local",
    conversation=Conversation(settle_seconds=0, max_replies=1),
    **arguments,
)
print(json.dumps(result.contacts["status"].value_counts().to_dict()))
"""


@dataclass
class World:
    """A Prefect server, a work pool, Amazon Connect, and the machines that run."""

    server: PrefectServer
    local: LocalConnect
    folder: Path
    machines: list[Worker] = field(default_factory=list)
    campaigns: list["Campaign"] = field(default_factory=list)

    def run(self, *command: str) -> None:
        subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.server.environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def begin(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("wb") as out:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.server.environment | {"PREFECT_WORKER_QUERY_SECONDS": "1"},
                stdout=out,
                stderr=out,
            )

    def add_machine(self) -> None:
        name = f"machine-{len(self.machines)}"
        options = ("--pool", POOL, "--type", "process", "--limit", "1", "--name", name)
        worker = self.begin("-m", "prefect", "worker", "start", *options, log=f"{name}.log")
        self.machines.append(Worker(worker))

    def campaign(self, name: str, customers: Sequence[str], **options: Any) -> "Campaign":
        arguments = {"campaign": name, "customers": customers, **options}
        log = f"{name}.log"
        process = self.begin("-c", CAMPAIGN, json.dumps(arguments), log=log)
        self.campaigns.append(Campaign(process, self.folder / log))
        return self.campaigns[-1]

    def end(self) -> None:
        for machine in self.machines:
            machine.kill()
        for campaign in self.campaigns:
            campaign.process.kill()
            campaign.process.wait(30)

    def made(self, customers: Sequence[str]) -> Counter[str]:
        """Contacts by customer, counted by Amazon Connect itself."""
        wanted = set(customers)
        everybody = [str(contact.customer_id) for contact in self.local.contacts]
        return Counter(customer for customer in everybody if customer in wanted)

    def runs(self, campaign: str) -> list[dict[str, Any]]:
        """The flow runs of the campaign's workers."""
        runs = self.server.post("flow_runs/filter")
        found = [run for run in runs if run["name"].startswith(f"{campaign} · worker")]
        return sorted(found, key=lambda run: str(run["name"]))


@dataclass
class Campaign:
    """A process that runs `outreach_on_workers`."""

    process: subprocess.Popen[bytes]
    log: Path

    def finish(self) -> str:
        """Wait for its end, and give what it printed."""
        code = self.process.wait(180)
        text = self.log.read_text()
        assert code == 0, text
        return text


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "prefect.yaml").write_text(DEPLOYMENTS, encoding="utf-8")
    # How often the server looks for workers whose parent was cancelled.
    often = {"PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "2"}
    with (
        LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local,
        prefect_server(folder, **often) as server,
    ):
        world = World(server, local, folder)
        try:
            save_block(server, local.instance(quotas=FEW_OPEN))
            world.run("-m", "prefect", "work-pool", "create", POOL, "--type", "process")
            world.add_machine()
            world.add_machine()
            deploy = ("--no-prompt", "deploy", "--all", "--prefect-file")
            world.run("-m", "prefect", *deploy, str(folder / "prefect.yaml"))
            yield world
        finally:
            world.end()


@pytest.fixture(name="ledger")
def _ledger() -> Iterator[str]:
    with new_database() as url:
        yield url.replace("postgres:@", "postgres@")


def customers_of(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number:04}" for number in range(count)]


@pytest.mark.long
def test_a_parent_that_is_cancelled_takes_its_workers_with_it(
    world: World, ledger: str, tmp_path: Path
) -> None:
    # More than are contacted in the time that a busy machine takes to cancel.
    customers = customers_of("cancelled", 1_000)
    table = tmp_path / "customers.csv"
    table.write_text("customer_id,display_name\n" + "".join(f"{id_},Z\n" for id_ in customers))
    parent = world.server.get("deployments/name/outreach-on-workers/parent")
    run = world.server.post(
        f"deployments/{parent['id']}/create_flow_run",
        parameters={
            "customers": str(table),
            "campaign": "cancelled",
            "connect": "local",
            "conversation": {"reply_timeout_seconds": 60},
            "ledger": ledger,
            "workers": 1,
        },
    )
    wait_until(lambda: len(world.made(customers)) > 3, 180, "chats are started")
    cancelling = {"type": "CANCELLING", "name": "Cancelling"}
    world.server.post(f"flow_runs/{run['id']}/set_state", state=cancelling)

    def states() -> list[str]:
        both = [world.server.get(f"flow_runs/{run['id']}"), *world.runs("cancelled")]
        return [one["state_type"] for one in both]

    wait_until(lambda: states() == ["CANCELLED", "CANCELLED"], 180, "both are cancelled")
    assert 3 < len(world.made(customers)) < len(customers)
    assert [contact for contact in world.local.contacts if contact.ended_at is None] == []


def test_two_machines_share_a_campaign_and_one_that_is_killed_loses_nobody(
    world: World, ledger: str
) -> None:
    customers = customers_of("killed", 240)
    campaign = world.campaign("killed", customers, ledger=ledger, patience_seconds=40)
    wait_until(lambda: len(world.made(customers)) > 20, 90, "chats are started")
    wait_until(lambda: len(claimed(ledger)) == 2, 60, "both machines are at work")

    world.machines[0].kill()
    before = len(world.made(customers))
    printed = campaign.finish()

    assert before < 240
    assert json.loads(printed.splitlines()[-1]) == {"completed": 240}
    assert world.made(customers) == Counter(customers)
    assert Counter(run["state_type"] for run in world.runs("killed")) == Counter(
        ["COMPLETED", "CRASHED"]
    )
    assert "Zebulon" not in str(world.server.post("flow_runs/filter"))
