"""What a user can do with the installed package alone, in an empty folder.

Run from a wheel (`make test-wheel`) there is no checkout; there, as here, everything is a command
or a few lines of Python in a folder that holds nothing.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas
from tests.e2e.deployed import Worker
from tests.e2e.servers import PrefectServer, prefect_server, save_block, wait_until

# `make test-wheel` runs these, where they belong.
pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(240)]

POOL = "empty-folder"
IN_PYTHON = """
from prefect.deployments.runner import EntrypointType
from connect_tasks.flows.manage import status

status.deploy(
    "in-python",
    work_pool_name="empty-folder",
    entrypoint_type=EntrypointType.MODULE_PATH,
    print_next_steps=False,
    ignore_warnings=True,
)
"""
RESUME = """
from connect_tasks.flows.manage import resume, status

print(resume("empty", connect="local").contacts["status"].tolist(), status("empty")["completed"])
"""
# Of no deployment.
RUN_BY_HAND = {"flow_runs": {"deployment_id": {"is_null_": True}}}
FORGET = """
from connect_tasks.flows.forget import forget

print(forget("0001").contacts)
"""


@pytest.fixture(scope="module")
def local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="survey", quotas=LocalQuotas.unlimited()) as local:
        yield local


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home: Path, local: LocalConnect) -> Iterator[PrefectServer]:
    with prefect_server(home) as server:
        save_block(server, local.instance())
        yield server


@pytest.fixture(scope="module")
def folder(home: Path) -> Path:
    """Nothing is in it, and nothing else is on the path."""
    folder = home / "empty"
    folder.mkdir()
    return folder


def run(server: PrefectServer, folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(server),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(server: PrefectServer) -> dict[str, str]:
    own = {name: value for name, value in server.environment.items() if name != "PYTHONPATH"}
    return own | {"PREFECT_WORKER_QUERY_SECONDS": "1"}


@pytest.fixture(scope="module")
def worker(server: PrefectServer, folder: Path) -> Iterator[None]:
    """A process worker in the same empty folder."""
    run(server, folder, "-m", "prefect", "work-pool", "create", POOL, "--type", "process")
    log = (folder.parent / "worker.log").open("wb")
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
    with log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(server), stdout=log, stderr=log
        )
    yield
    # Asked to end, it may take longer than anybody would wait.
    Worker(process).kill()


def ended(server: PrefectServer, deployment: str) -> str:
    """The final state of the last run of a deployment."""

    def states() -> list[str]:
        runs = server.post("flow_runs/filter", deployments={"name": {"any_": [deployment]}})
        return [run["state_name"] for run in runs if run["state_type"] in {"COMPLETED", "FAILED"}]

    wait_until(states, 120, f"the run of {deployment} has ended")
    return states()[0]


@pytest.mark.usefixtures("worker")
def test_a_campaign_is_deployed_run_resumed_shown_and_forgotten_without_a_checkout(
    server: PrefectServer, local: LocalConnect, folder: Path
) -> None:
    (folder / "customers.csv").write_text(
        "customer_id,display_name,score\n0001,Ada,9\n0002,Bob,4\n", encoding="utf-8"
    )
    deploy = ("-m", "prefect", "--no-prompt", "deploy", "connect_tasks.flows.outreach.outreach")
    run(server, folder, *deploy, "--name", "by-name", "--pool", POOL)
    (block,) = (b for b in server.post("block_documents/filter") if b["name"] == "local")
    (deployment,) = server.post("deployments/filter", deployments={"name": {"any_": ["by-name"]}})
    parameters = {
        "customers": str(folder / "customers.csv"),
        "campaign": "empty",
        "connect": {"$ref": {"block_document_id": block["id"]}},
        "conversation": {"messages": ["{{ score }}"]},
    }
    server.post(f"deployments/{deployment['id']}/create_flow_run", parameters=parameters)

    assert ended(server, "by-name") == "Completed"
    assert sorted(str(contact.customer_id) for contact in local.contacts) == ["0001", "0002"]
    assert "['completed', 'completed'] 2" in run(server, folder, "-c", RESUME)
    assert run(server, folder, "-c", FORGET).strip() == "1"
    assert len(local.contacts) == 2


@pytest.mark.usefixtures("worker")
def test_a_flow_is_deployed_from_python_by_its_name(server: PrefectServer, folder: Path) -> None:
    run(server, folder, "-c", IN_PYTHON)

    found = server.post("deployments/filter", deployments={"name": {"any_": ["in-python"]}})
    assert [d["entrypoint"] for d in found] == ["connect_tasks.flows.manage.status"]


def command_line(folder: Path, *words: str, **variables: str) -> dict[str, Any]:
    """What `connect-tasks` answers in a folder that holds nothing but a new project."""
    own = os.environ | variables
    done = subprocess.run(
        [sys.executable, "-m", "connect_tasks.command_line", *words, "--json"],
        cwd=folder,
        env={name: value for name, value in own.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document | {"exit_code": done.returncode}


@contextmanager
def local_connect(folder: Path) -> Iterator[str]:
    """`connect-tasks local` in a terminal of its own, on a port that is free."""
    command = [sys.executable, "-m", "connect_tasks.command_line", "local", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip().partition("=")[2]
        finally:
            process.terminate()
            process.stdout.read()


def test_a_new_project_runs_at_once_and_again_contacts_nobody(tmp_path: Path) -> None:
    assert len(command_line(tmp_path, "init")["written"]) == 8
    with local_connect(tmp_path) as url:
        run_it = ("run", "customers.csv", "--set", f"instance.endpoint_url={url}")
        first = command_line(tmp_path, *run_it)
        again = command_line(tmp_path, *run_it)
        contacts = httpx.get(f"{url}/_local/contacts").json()
    counts = first["summary"]

    assert (counts["rows"], counts["completed"], counts["replied"]) == (12, 8, 8)
    # Done, with rows to look at.
    assert (first["exit_code"], again["exit_code"]) == (1, 1)
    assert again["summary"] == counts
    assert len(contacts) == 8
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"contacts.csv", "report.html"}


def test_a_new_projects_flows_are_deployed_and_its_campaign_is_a_run_in_prefect(
    server: PrefectServer, tmp_path: Path
) -> None:
    command_line(tmp_path, "init")
    run(server, tmp_path, "-m", "prefect", "work-pool", "create", "connect-tasks", "-t", "process")
    run(server, tmp_path, "-m", "prefect", "--no-prompt", "deploy", "--all")
    with local_connect(tmp_path) as url:
        settings = (f"instance.endpoint_url={url}", "campaign.prefect=true")
        words = [word for setting in settings for word in ("--set", setting)]
        ran = command_line(tmp_path, "run", "customers.csv", *words, **environment(server))

    pool = {"name": {"any_": ["connect-tasks"]}}
    deployed = server.post("deployments/filter", work_pools=pool)
    (record,) = server.post(
        "flow_runs/filter", flows={"name": {"any_": ["outreach"]}}, **RUN_BY_HAND
    )
    assert {deployment["name"] for deployment in deployed} >= {"outreach", "invite", "collect"}
    assert (ran["exit_code"], ran["summary"]["completed"]) == (1, 8)
    assert (record["state_name"], record["state"]["message"]) == (ran["conclusion"], ran["message"])
    assert record["parameters"]["customers"] == "customers.csv"
