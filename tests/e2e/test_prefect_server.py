"""The flow against a server that somebody else started, as in a deployment."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from connect_tasks import Quotas
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger.store import Ledger
from tests.e2e.deployed import PACE
from tests.e2e.servers import PrefectServer, prefect_server, save_block, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]

SERVE = """
from connect_tasks.flows.outreach import outreach

outreach.serve(name="cancel-me", pause_on_shutdown=False)
"""

AWAY = """
import sys
import pandas as pd
from connect_tasks import Conversation
from connect_tasks.flows.outreach import outreach

ids = [str(number) for number in range(int(sys.argv[2]))]
customers = pd.DataFrame({"customer_id": ids, "display_name": "Zebulon"})
result = outreach(
    customers,
    campaign="away",
    connect="local",
    conversation=Conversation(settle_seconds=0, max_replies=1),
    ledger=sys.argv[1],
)
print(*set(result.contacts["status"]), len(result.messages) > 100)
"""

SCRIPT = """
import pandas as pd
from connect_tasks import Conversation
from connect_tasks.emulator import LocalConnect
from connect_tasks.flows.outreach import outreach

customers = pd.DataFrame({"customer_id": ["0042"], "display_name": ["Zebulon"]})
with LocalConnect(flow="echo") as local:
    result = outreach(
        customers,
        campaign="served",
        connect=local.instance(),
        conversation=Conversation(settle_seconds=0, max_replies=1),
    )
print(*result.contacts["status"])
"""


def test_the_flow_runs_and_prefect_shows_its_name_and_its_artifacts(
    server: PrefectServer, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    runs = [run for run in server.post("flow_runs/filter") if "served" in run["name"]]
    everything = server.post("artifacts/filter")
    artifacts = [artifact for artifact in everything if "served" in artifact["key"]]

    assert done.stdout == "completed\n", done.stderr
    assert [(run["name"], run["state_type"]) for run in runs] == [("served · 1 row", "COMPLETED")]
    assert "Zebulon" not in str(runs) + str(artifacts)
    assert {artifact["key"]: artifact["type"] for artifact in artifacts} == {
        "served-progress": "progress",
        "served-summary": "markdown",
    }


def test_a_run_that_is_cancelled_in_prefect_closes_its_chats_and_can_go_on(
    server: PrefectServer, tmp_path: Path
) -> None:
    ledger_url = f"sqlite:///{tmp_path / 'ledger.db'}"
    table = tmp_path / "customers.csv"
    rows = "".join(f"{number:04},Customer {number}\n" for number in range(400))
    table.write_text("customer_id,display_name\n" + rows, encoding="utf-8")
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        save_block(server, local.instance(quotas=Quotas(starts_per_second=5, start_burst=2)))
        serving = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            cwd=ROOT,
            env=server.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            name = "deployments/name/outreach/cancel-me"
            wait_until(lambda: server.answer("GET", name).is_success, 60, "it is served")
            (block,) = server.post("block_documents/filter")
            run = server.post(
                f"deployments/{server.get(name)['id']}/create_flow_run",
                parameters={
                    "customers": str(table),
                    "campaign": "cancelled",
                    "connect": {"$ref": {"block_document_id": block["id"]}},
                    "conversation": {"reply_timeout_seconds": 60},
                    "ledger": ledger_url,
                },
            )
            wait_until(lambda: len(local.contacts) > 3, 60, "chats are started")
            state = f"flow_runs/{run['id']}"
            cancelling = {"type": "CANCELLING", "name": "Cancelling"}
            server.post(f"{state}/set_state", state=cancelling)
            wait_until(
                lambda: server.get(state)["state_type"] == "CANCELLED", 90, "it is cancelled"
            )
        finally:
            # Prefect's runner may wait for ever if it is asked to end while it is still cancelling.
            serving.kill()
            serving.wait()
        made = len(local.contacts)
        left_open = [contact for contact in local.contacts if contact.ended_at is None]

        with Ledger(ledger_url) as ledger:
            counts = ledger.counts("cancelled")
        assert 3 < made < 400
        assert left_open == []
        assert counts["completed"] == made
        assert counts["planned"] + counts["starting"] == 400 - made


def test_a_campaign_goes_on_to_its_end_when_its_prefect_server_goes_away(tmp_path: Path) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:

        def run(server: PrefectServer) -> subprocess.Popen[str]:
            save_block(server, local.instance(quotas=PACE))
            return subprocess.Popen(
                [sys.executable, "-c", AWAY, ledger, "50"],
                cwd=ROOT,
                env=server.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )

        with prefect_server(tmp_path) as server, run(server) as first:
            wait_until(lambda: len(local.contacts) > 5, 60, "chats are started")
            server.process.kill()
            before = len(local.contacts)
            told, _ = first.communicate(timeout=120)
        made = Counter(contact.customer_id for contact in local.contacts)
        with prefect_server(tmp_path) as server, run(server) as second:
            tables, _ = second.communicate(timeout=120)

        assert before < 50
        assert made == Counter(str(number) for number in range(50))
        assert first.returncode == 0
        assert told.endswith("completed True\n"), told
        assert told.count("Prefect's server cannot be reached any more") == 1
        assert "Traceback" not in told
        assert tables.endswith("completed True\n"), tables
        assert len(local.contacts) == 50


def test_a_run_that_is_killed_is_marked_as_crashed_and_continued_by_the_next_one(
    server: PrefectServer, tmp_path: Path
) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        save_block(server, local.instance(quotas=PACE))

        def run() -> subprocess.Popen[bytes]:
            # Its end is well after the lease of the one that is killed.
            command = [sys.executable, "-c", AWAY, ledger, "250"]
            return subprocess.Popen(
                command, cwd=ROOT, env=server.environment, stdout=subprocess.DEVNULL
            )

        with run() as first:
            wait_until(lambda: len(local.contacts) > 5, 60, "chats are started")
            first.kill()
        with run() as second:
            second.wait(120)
        made = Counter(contact.customer_id for contact in local.contacts)

    ended = server.post("flow_runs/filter", sort="START_TIME_ASC")
    states = [run["state"] for run in ended if run["name"] == "away · 250 rows"]
    assert made == Counter(str(number) for number in range(250))
    assert [state["type"] for state in states] == ["CRASHED", "COMPLETED"]
    assert "another run of the same campaign goes on" in states[0]["message"]
