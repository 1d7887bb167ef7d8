"""The flow against a server that somebody else started, as in a deployment."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger import Ledger

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]

SERVE = """
import sys
from connect_tasks import Conversation
from connect_tasks.blocks import AmazonConnectInstance
from flows.outreach import outreach
from prefect_aws import AwsClientParameters, AwsCredentials

instance_id, flow, endpoint = sys.argv[1:]
AmazonConnectInstance(
    instance_id=instance_id,
    contact_flow_id=flow,
    aws_credentials=AwsCredentials(
        aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1"
    ),
    aws_client_parameters=AwsClientParameters(endpoint_url=endpoint),
    quotas={"starts_per_second": 5, "start_burst": 2},
).save("local", overwrite=True)
outreach.serve(name="cancel-me", pause_on_shutdown=False)
"""

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


def post(url: str, **body: Any) -> Any:
    """Ask Prefect; its SQLite is busy at times and says so."""
    for _ in range(50):
        answer = httpx.post(url, json=body)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            answer.raise_for_status()
            return answer.json()
        time.sleep(0.2)
    raise AssertionError("Prefect stayed busy")


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.2)


def test_a_run_that_is_cancelled_in_prefect_closes_its_chats_and_can_go_on(
    server: dict[str, str], tmp_path: Path
) -> None:
    url = server["PREFECT_API_URL"]
    ledger_url = f"sqlite:///{tmp_path / 'ledger.db'}"
    table = tmp_path / "customers.csv"
    rows = "".join(f"{number:04},Customer {number}\n" for number in range(100))
    table.write_text("customer_id,display_name\n" + rows, encoding="utf-8")
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        serving = subprocess.Popen(
            [sys.executable, "-c", SERVE, local.instance_id, local.flow_id, local.endpoint_url],
            cwd=ROOT,
            env=server,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            name = f"{url}/deployments/name/outreach/cancel-me"
            wait_until(lambda: httpx.get(name).status_code == 200, 60, "it is served")
            (block,) = post(f"{url}/block_documents/filter")
            run = post(
                f"{url}/deployments/{httpx.get(name).json()['id']}/create_flow_run",
                parameters={
                    "customers": str(table),
                    "campaign": "cancelled",
                    "connect": {"$ref": {"block_document_id": block["id"]}},
                    "conversation": {"reply_timeout_seconds": 60},
                    "ledger": ledger_url,
                },
            )
            wait_until(lambda: len(local.contacts) > 3, 60, "chats are started")
            post(
                f"{url}/flow_runs/{run['id']}/set_state",
                state={"type": "CANCELLING", "name": "Cancelling"},
            )
            state = f"{url}/flow_runs/{run['id']}"
            wait_until(
                lambda: httpx.get(state).json()["state_type"] == "CANCELLED", 90, "it is cancelled"
            )
        finally:
            serving.terminate()
            serving.wait(30)
        made = len(local.contacts)
        left_open = [contact for contact in local.contacts if contact.ended_at is None]

        with Ledger(ledger_url) as ledger:
            counts = ledger.counts("cancelled")
        assert 3 < made < 100
        assert left_open == []
        assert counts["completed"] == made
        assert counts["planned"] + counts["starting"] == 100 - made
