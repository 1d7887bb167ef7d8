"""The flow against a server that somebody else started, as in a deployment."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]

SCRIPT = """
import pandas as pd
from connect_tasks import Conversation
from connect_tasks.emulator import LocalConnect
from flows.outreach import outreach

customers = pd.DataFrame({"customer_id": ["0042"], "display_name": ["Zebulon"]})
with LocalConnect(flow="echo") as local:
    result = outreach(
        customers,
        campaign="served",
        connect=local.instance(),
        conversation=Conversation(max_replies=1),
    )
print(*result.contacts["status"])
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(url: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health", timeout=1).json() is True:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the Prefect server did not come up")


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process that uses a Prefect server of its own."""
    port = free_port()
    environment = os.environ | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_until_healthy(url, 90)
        yield environment | {"PREFECT_API_URL": url}
    finally:
        process.terminate()
        process.wait(30)


def test_the_flow_runs_and_prefect_shows_its_name_and_its_artifacts(
    server: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=server,
        capture_output=True,
        text=True,
        check=False,
    )
    url = server["PREFECT_API_URL"]
    runs = httpx.post(f"{url}/flow_runs/filter", json={}).json()
    artifacts = httpx.post(f"{url}/artifacts/filter", json={}).json()

    assert done.stdout == "completed\n", done.stderr
    assert [(run["name"], run["state_type"]) for run in runs] == [("served · 1 row", "COMPLETED")]
    assert "Zebulon" not in str(runs) + str(artifacts)
    assert {artifact["key"]: artifact["type"] for artifact in artifacts} == {
        "served-progress": "progress",
        "served-summary": "markdown",
    }
