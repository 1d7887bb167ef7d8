"""The automations of docs/automations on a real server: events arrive, and what follows happens.

The server keeps its database in PostgreSQL where there is one that Prefect can use, and in SQLite
elsewhere. People are counted at Amazon Connect.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prefect.events.schemas.automations import AutomationCore

from tests.e2e.deployed import (
    ROOT,
    Deployed,
    denied_once,
    everything_deployed,
    read_yaml,
    write_table,
)
from tests.e2e.servers import prefect_database, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

AUTOMATIONS = ROOT / "docs" / "automations"
PLACEHOLDER = "00000000-0000-0000-0000-000000000000"


@dataclass
class Inbox:
    """A web hook of one's own: what it was sent."""

    url: str = ""
    messages: list[str] = field(default_factory=list)


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with ExitStack() as stack:
        settings = {}
        if url := stack.enter_context(prefect_database()):
            settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = url
        folder = tmp_path_factory.mktemp("automations")
        yield stack.enter_context(
            everything_deployed(folder, [denied_once("halted-0005")], settings)
        )


@contextmanager
def web_hook() -> Iterator[Inbox]:
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            inbox.messages.append(json.loads(self.rfile.read(length))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        inbox.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield inbox
        finally:
            server.shutdown()
            thread.join()


def save_notification_block(site: Deployed, name: str, url: str) -> str:
    """Save a custom web hook, as a person would in Prefect's UI; gives its id."""
    kind = site.server.get("block_types/slug/custom-webhook")
    (schema,) = site.server.post(
        "block_schemas/filter", block_schemas={"block_type_id": {"any_": [kind["id"]]}}
    )
    content = {"name": name, "url": url, "json_data": {"text": "{{subject}}\n{{body}}"}}
    document = site.server.post(
        "block_documents/",
        name=name,
        data=content,
        block_type_id=kind["id"],
        block_schema_id=schema["id"],
    )
    return str(document["id"])


def load(site: Deployed, name: str, changes: dict[str, str]) -> None:
    """Load an automation with the command of the documents, with some lines changed."""
    text = (AUTOMATIONS / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    copy = site.folder / f"{name}.yaml"
    copy.write_text(text, encoding="utf-8")
    site.prefect("automation", "create", "--from-file", str(copy))


@pytest.fixture(scope="module")
def _resuming(site: Deployed) -> None:
    load(site, "resume-a-crashed-run", {"within: 30": "within: 10"})


def begin_campaign(site: Deployed, campaign: str, count: int) -> tuple[str, list[str]]:
    """Press the button for a campaign of so many customers: the run's id, and who they are."""
    table, customers = write_table(site.folder, campaign, count)
    conversation = {"max_replies": 1}
    run = site.begin(
        "outreach",
        customers=table,
        campaign=campaign,
        connect=site.instance,
        conversation=conversation,
    )
    return run, customers


def test_every_automation_of_the_documents_is_understood_by_prefect() -> None:
    automations = [read_yaml(path) for path in AUTOMATIONS.glob("*.yaml")]

    assert len(automations) == 4
    assert [AutomationCore.model_validate(one).name for one in automations]


@pytest.mark.long
def test_a_halted_campaign_is_told_to_a_person_with_its_reason(site: Deployed) -> None:
    with web_hook() as inbox:
        block = save_notification_block(site, "halted", inbox.url)
        load(site, "notify-when-a-campaign-halts", {PLACEHOLDER: block})

        run_id, customers = begin_campaign(site, "halted", 20)
        run = site.ended(run_id)
        wait_until(lambda: inbox.messages, 60, "somebody is told")
        # Automations hear of events before they are stored.
        wait_until(lambda: len(site.events("connect-tasks.")) == 2, 60, "both events are stored")

    (message,) = inbox.messages
    started, halted = site.events("connect-tasks.")
    assert run["state_name"] == "Failed"
    assert message.startswith("Campaign halted halted\n")
    assert "AccessDeniedException" in message
    assert "of 20 customers are done" in message
    assert len(site.made(customers)) < 20
    assert started["event"] == "connect-tasks.campaign.started"
    assert halted["event"] == "connect-tasks.campaign.halted"
    assert halted["resource"]["prefect.resource.id"] == "connect-tasks.campaign.halted"
    assert halted["payload"]["valid"] == 20
    assert run_id in str(halted["related"])
    assert "Zebulon" not in str([started, halted])


@pytest.mark.long
@pytest.mark.usefixtures("_resuming")
def test_a_run_whose_process_is_killed_goes_on_with_the_same_parameters(site: Deployed) -> None:
    run_id, customers = begin_campaign(site, "killed", 120)
    wait_until(lambda: len(site.made(customers)) > 10, 180, "chats are started")
    parameters = site.flow_run(run_id)["parameters"]

    site.workers[0].kill_flow_runs()
    wait_until(lambda: "Crashed" in site.states(run_id), 60, "the worker tells of it")
    before = len(site.made(customers))
    wait_until(lambda: site.flow_run(run_id)["run_count"] == 2, 90, "it is taken up again")
    run = site.ended(run_id)

    assert before < 120
    assert run["state_name"] == "Completed"
    assert run["parameters"] == parameters
    assert site.made(customers) == Counter(customers)


@pytest.mark.long
@pytest.mark.usefixtures("_resuming")
def test_a_run_whose_machine_is_lost_is_noticed_told_of_and_goes_on_elsewhere(
    site: Deployed,
) -> None:
    # Prefect sends no heartbeats more often than each 30 seconds.
    load(site, "mark-lost-runs-as-crashed", {"within: 100": "within: 40"})
    with web_hook() as inbox:
        block = save_notification_block(site, "quiet", inbox.url)
        hurried = {PLACEHOLDER: block, "within: 900": "within: 10"}
        load(site, "notify-when-a-campaign-is-quiet", hurried)
        run_id, customers = begin_campaign(site, "lost", 120)
        wait_until(lambda: len(site.made(customers)) > 10, 180, "chats are started")

        site.workers[0].kill()
        before = len(site.made(customers))
        site.start_worker()
        wait_until(lambda: inbox.messages, 60, "somebody is told that nothing moves")
    wait_until(lambda: "Crashed" in site.states(run_id), 120, "it is missed")
    wait_until(lambda: site.flow_run(run_id)["run_count"] == 2, 90, "it is taken up again")
    run = site.ended(run_id)

    assert inbox.messages[0].startswith("Campaign lost is quiet\n")
    assert "of 120 customers were done" in inbox.messages[0]
    assert before < 120
    assert run["state_name"] == "Completed"
    assert site.made(customers) == Counter(customers)
