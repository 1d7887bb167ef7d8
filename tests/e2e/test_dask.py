"""One campaign on several processes of a Dask cluster, with PostgreSQL as its ledger."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas
from tests.e2e.servers import PrefectServer, claimed, wait_until
from tests.postgresql import new_database

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        yield local


@contextmanager
def campaign(
    server: PrefectServer, local: LocalConnect, ledger: str, log: Path, customers: list[str]
) -> Iterator["subprocess.Popen[str]"]:
    arguments: dict[str, Any] = {
        "instance_id": local.instance_id,
        "flow_id": local.flow_id,
        "endpoint_url": local.endpoint_url,
        "ledger": ledger,
        "customers": customers,
    }
    command = [sys.executable, "-m", "tests.e2e.dask_child", json.dumps(arguments)]
    with log.open("wb") as complaints:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=server.environment,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def statuses(process: "subprocess.Popen[str]", log: Path) -> Any:
    printed, _ = process.communicate(timeout=150)
    assert process.returncode == 0, log.read_text()
    return json.loads(printed.splitlines()[-1])


def made(local: LocalConnect) -> Counter[str]:
    return Counter(str(contact.customer_id) for contact in local.contacts)


def test_two_dask_processes_share_a_campaign_and_one_that_is_killed_loses_nobody(
    server: PrefectServer, local: LocalConnect, tmp_path: Path
) -> None:
    customers = [str(number) for number in range(160)]
    log = tmp_path / "log"
    with (
        new_database() as ledger,
        campaign(server, local, ledger, log, customers) as process,
    ):
        assert process.stdout
        pids = json.loads(process.stdout.readline())
        wait_until(lambda: len(local.contacts) > 20, 90, "chats are started")
        wait_until(lambda: len(claimed(ledger)) == 2, 60, "both processes are at work")
        os.kill(pids[0], signal.SIGKILL)
        before = len(local.contacts)
        found = statuses(process, log)

    assert before < 160
    assert found == {"completed": 160}
    assert made(local) == Counter(customers)
