"""The pytest plugin as its users have it: in a process of its own, in a folder of theirs."""

import http.client
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connect_tasks.emulator import FaultKind, read_faults
from connect_tasks.emulator.flows.scripts import FLOWS
from tests.functional.local_process import GREETING

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR) \w+\.py::(\w+)", re.MULTILINE)
# One line for each test, and no marker that nobody made known.
OPTIONS = ("-rA", "--strict-markers")
CONFTEST = 'pytest_plugins = ["connect_tasks.emulator.pytest_plugin"]\n'
TESTS = '''
import socket
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from connect_tasks.emulator import Fault, LocalQuotas

pytestmark = pytest.mark.local_connect(flow="echo", seed=7)
THROTTLE = Fault.throttle("SendMessage")
seen = {}


def knock(local):
    url = urlsplit(local.endpoint_url)
    socket.create_connection((url.hostname, url.port), timeout=5).close()


def test_it_is_started_and_grants_whatever_is_asked(local_connect, local_ledger):
    knock(local_connect)
    assert local_connect.quotas == LocalQuotas.unlimited()
    seen.update(local=local_connect, ledger=local_ledger)


def test_the_last_one_was_stopped_after_its_test(local_connect):
    assert local_connect is not seen["local"]
    with pytest.raises(ConnectionRefusedError):
        knock(seen["local"])


def test_each_test_has_a_ledger_of_its_own_that_does_not_exist_yet(local_ledger, tmp_path):
    path = Path(local_ledger.removeprefix("sqlite:///"))
    assert local_ledger != seen["ledger"]
    assert path.parent == tmp_path
    assert not path.exists()


def start(client, local):
    return client.start_chat_contact(
        InstanceId=local.instance_id,
        ContactFlowId=local.flow_id,
        ParticipantDetails={"DisplayName": "Ada"},
    )


def test_the_clients_lead_there(local_connect, connect_client, participant_client, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    token = start(connect_client, local_connect)["ParticipantToken"]
    participant_client.create_participant_connection(ParticipantToken=token, Type=["WEBSOCKET"])
    assert len(local_connect.contacts) == 1


@pytest.mark.local_connect(faults=[Fault.throttle("StartChatContact")])
def test_the_clients_show_what_is_refused(local_connect, connect_client):
    with pytest.raises(connect_client.exceptions.ClientError):
        start(connect_client, local_connect)
    assert local_connect.calls["StartChatContact"] == 1


def test_the_environment_leads_there(local_environment):
    client = boto3.client("connect")
    start(client, local_environment)
    client.close()
    assert len(local_environment.contacts) == 1


@pytest.mark.local_connect(flow_files=[Path(__file__).with_name("greeting.json")], flow=None)
def test_the_users_own_flow_is_the_default(local_connect):
    assert local_connect.flow == "greeting"


@pytest.mark.local_connect(flow="agent", quotas=LocalQuotas(), faults=[THROTTLE])
class TestMarkers:
    def test_a_marker_says_what_it_is_made_with(self, local_connect):
        assert local_connect.quotas == LocalQuotas()

    def test_a_nearer_marker_adds_and_wins(self, local_connect):
        assert local_connect.flow == "agent"

    @pytest.mark.local_connect(flow="silent")
    def test_the_nearest_marker_wins(self, local_connect):
        assert local_connect.flow == "silent"
        assert local_connect.quotas == LocalQuotas()


@pytest.mark.local_connect(colour="red")
def test_an_unknown_argument_is_an_error(local_connect):
    """Not reached."""


@pytest.mark.local_connect("echo")
def test_an_argument_without_a_name_is_an_error(local_connect):
    """Not reached."""
'''
ERRORS = {"test_an_unknown_argument_is_an_error", "test_an_argument_without_a_name_is_an_error"}


def run_pytest(folder: Path, *arguments: str) -> str:
    """What a user's pytest prints in their folder; Prefect's server is out of reach."""
    prefect = {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_API_URL": "http://127.0.0.1:1/api"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *arguments],
        cwd=folder,
        env={**os.environ, **prefect, "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints of the tests above."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_mine.py").write_text(TESTS, encoding="utf-8")
    (folder / "greeting.json").write_text(json.dumps(GREETING), encoding="utf-8")
    return run_pytest(folder, "-W", "error")


@pytest.mark.parametrize("name", re.findall(r"def (test_\w+)", TESTS))
def test_the_fixtures_in_a_users_tests(printed: str, name: str) -> None:
    wanted = "ERROR" if name in ERRORS else "PASSED"

    assert re.search(rf"^{wanted} test_mine\.py::(\w+::)?{name}\b", printed, re.MULTILINE), printed


@pytest.mark.parametrize("words", ["unexpected keyword argument 'colour'", "1 positional argument"])
def test_what_is_wrong_with_a_marker_is_said_by_local_connect(printed: str, words: str) -> None:
    assert re.search(f"^E +TypeError: LocalConnect.__init__.*{words}", printed, re.MULTILINE)


def test_pytest_shows_the_fixtures_and_the_marker_with_what_they_are_for(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    fixtures = run_pytest(tmp_path, "--fixtures")
    markers = run_pytest(tmp_path, "--markers")

    assert re.search(r"^local_connect -- .*\n +A local Amazon Connect of", fixtures, re.MULTILINE)
    assert re.search(r"^local_ledger -- .*\n +The SQLAlchemy URL of", fixtures, re.MULTILINE)
    assert "@pytest.mark.local_connect(**arguments): what the fixture" in markers


def test_who_does_not_name_the_plugin_does_not_have_it(tmp_path: Path) -> None:
    test = "def test_it(local_connect): ..."
    (tmp_path / "test_mine.py").write_text(test, encoding="utf-8")

    assert "fixture 'local_connect' not found" in run_pytest(tmp_path)


def test_the_emulator_does_not_need_pytest() -> None:
    code = "import connect_tasks.emulator.__main__, sys; sys.exit('pytest' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


# Prefect's test harness starts a server.
@pytest.mark.timeout(240)
def test_the_documents_examples_pass_as_they_stand(tmp_path: Path) -> None:
    for block in blocks("python"):
        name = block.partition("\n")[0].removeprefix("# ")
        (tmp_path / name).write_text(block, encoding="utf-8")
    out = run_pytest(tmp_path)

    tests = re.findall(r"^def (test_\w+)", DOCUMENT, re.MULTILINE)
    assert sorted(OUTCOME.findall(out)) == sorted(("PASSED", name) for name in tests), out
    assert len(tests) >= 4


@contextmanager
def emulator(folder: Path) -> Iterator[list[str]]:
    """The command of the document, on any port; the first lines that it prints."""
    _, *arguments = shlex.split(blocks("console")[0].removeprefix("$ "))
    (folder / "faults.toml").write_text(blocks("toml")[0], encoding="utf-8")
    command = [sys.executable, *arguments, "--port=0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield [process.stdout.readline() for _ in blocks("text")[0].splitlines()]
        finally:
            process.terminate()


def test_the_documents_process_prints_and_serves_what_it_says(tmp_path: Path) -> None:
    with emulator(tmp_path) as lines:
        address = lines[0].rpartition("/")[2].strip()
        port = address.partition(":")[2]
        connection = http.client.HTTPConnection(address)
        statuses = {}
        for path in re.findall(r"`(/_local/\w+)`", DOCUMENT):
            connection.request("GET", path)
            answer = connection.getresponse()
            statuses[path] = (answer.status, answer.read()[:1])
        connection.close()

    shown = blocks("text")[0]
    exports = [line for line in shown.splitlines() if line.startswith("export")]
    printed = [line.strip().replace(port, "4577") for line in lines]
    assert [line for line in printed if line.startswith("export")] == exports
    assert any(line.startswith("# instance: arn:") for line in printed)
    assert statuses.pop("/_local/contacts") == (200, b"[")
    assert set(statuses.values()) == {(200, b"{")}


def test_the_documents_fault_file_is_one(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(blocks("toml")[0], encoding="utf-8")

    assert [fault.kind for fault in read_faults(path)] == [FaultKind.CUT_AFTER]


def test_the_document_names_every_kind_of_fault_and_every_flow() -> None:
    named = set(re.findall(r"`(\w+)`", DOCUMENT))

    assert {kind.value for kind in FaultKind} | set(FLOWS) <= named
