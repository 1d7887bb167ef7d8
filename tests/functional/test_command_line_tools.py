"""The commands that try things: check, chat, local, regression, completion, and one's own flow."""

import importlib.util
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from connect_tasks.command_line.app import main
from connect_tasks.command_line.new_project import write_project
from connect_tasks.command_line.own_chat import Scene, be_the_customer
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.emulator.people import PersonKind, simulate_people
from connect_tasks.errors import InputError
from tests.functional.world import always


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project in the folder in which the process is."""
    write_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the document."""
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


# --- check ---


@pytest.mark.parametrize(
    ("denied", "code", "subject"),
    [
        (None, 0, None),
        ("StopContact", 1, "Stop chats"),
        ("StartChatContact", 4, "Start chats"),
    ],
)
def test_check_ends_by_what_is_missing_and_says_what_to_do(
    denied: str | None,
    code: int,
    subject: str | None,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    faults = [always(denied, 403, "AccessDeniedException")] if denied else []
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local:
        place = f"instance.endpoint_url={local.endpoint_url}"
        ended, document = told(capsys, "check", "--set", place)
        contacts = local.contacts

    missing = [one for one in document["findings"] if one["verdict"] == "no"]
    assert (ended, document["exit_code"], document["can_run"]) == (code, code, code != 4)
    assert [one["subject"] for one in missing] == ([subject] if subject else [])
    assert all(f"connect:{denied}" in one["advice"] for one in missing)
    assert contacts == []
    assert not (project / ".connect_tasks").exists()


def test_check_ends_by_a_ledger_that_cannot_be_used(
    project: Path, local: LocalConnect, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "ledger.db").write_text("no database")
    words = ("--set", f"instance.endpoint_url={local.endpoint_url}")
    code, document = told(capsys, "check", *words, "--ledger", "sqlite:///ledger.db")

    assert (code, document["can_run"]) == (5, False)
    assert [one["subject"] for one in document["findings"] if one["is_obstacle"]] == ["Ledger"]


# --- chat ---


def as_somebody(link: str, endpoint_url: str) -> None:
    """Somebody opens the link in a browser, and answers all that is asked."""
    people = {"links": [link], "endpoint_url": endpoint_url, "shares": {PersonKind.PROMPT: 1}}
    threading.Thread(target=simulate_people, kwargs=people).start()


def test_whoever_is_the_customer_sees_what_they_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CONNECT_TASKS_INVITATION_KEYS", raising=False)
    links = []

    def opened(link: str, endpoint_url: str) -> None:
        links.append(link)
        as_somebody(link, endpoint_url)

    scene = Scene(name="{{ 7 * 7 }}", attributes={"plan": "plus"}, flow="survey")
    answered = be_the_customer(scene, opened)

    assert len(links) == 1
    assert answered.replies[0]["question"].startswith("Hello {{ 7 * 7 }}, how likely")
    assert "your plus plan" in answered.replies[0]["question"]
    assert answered.replies[0]["answer"]


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (Scene(flow="nope"), "There is no flow 'nope'"),
        (Scene(flow_files=(Path("nope.json"),)), "nope.json"),
        (Scene(name=""), "display_name"),
    ],
)
def test_a_chat_that_cannot_be_is_a_sentence(scene: Scene, words: str) -> None:
    with pytest.raises(InputError, match=words):
        be_the_customer(scene, lambda *_: None)


# --- local ---


@pytest.fixture
def _signals() -> Iterator[None]:
    """The command takes signals, as a process of its own may."""
    was = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in was.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--help"], 0, "usage: connect-tasks local"),
        (["--port", "x"], 2, "must be from 0 to 65535"),
        (["--flow", "nope"], 2, "There is no flow 'nope'"),
        (["--nope"], 2, "unrecognized arguments: --nope"),
    ],
)
def test_local_takes_the_arguments_of_the_module_and_ends_by_its_own_codes(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["local", *words]) == code
    printed = capsys.readouterr()

    assert said in printed.out + printed.err
    assert "Traceback" not in printed.err


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("words", [["--nope"], ["--port", "x"], ["--flow", "nope"]])
def test_what_local_cannot_use_is_an_error_in_the_document_too(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = told(capsys, "local", *words)

    assert (code, document["exit_code"]) == (2, 2)
    assert document["error"]["type"] == "InputError"
    assert document["error"]["message"]


def test_local_serves_until_it_is_asked_to_end() -> None:
    command = [sys.executable, "-m", "connect_tasks.command_line", "local", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("export AWS_ENDPOINT_URL_CONNECT=http://127.")
        process.send_signal(signal.SIGTERM)
        process.stdout.read()

    assert process.returncode == 0


# --- regression ---


@pytest.fixture
def survey(tmp_path: Path) -> tuple[str, ...]:
    flow = {
        "Version": "2019-10-30",
        "StartAction": "say",
        "Metadata": {"name": "greeting"},
        "Actions": [
            {
                "Identifier": "say",
                "Type": "MessageParticipant",
                "Parameters": {"Text": "Good day."},
                "Transitions": {"NextAction": "end", "Errors": [], "Conditions": []},
            },
            {
                "Identifier": "end",
                "Type": "DisconnectParticipant",
                "Parameters": {},
                "Transitions": {},
            },
        ],
    }
    (tmp_path / "greeting.json").write_text(json.dumps(flow))
    return ("--flow", str(tmp_path / "greeting.json"), "--no-prefect")


@pytest.mark.parametrize(("expected", "code"), [("Good day", 0), ("Good night", 1)])
def test_regression_ends_by_whether_all_came_as_expected(
    expected: str,
    code: int,
    survey: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text(f"case,contains\ngreeting,{expected}\n")
    ended, document = told(capsys, "regression", str(cases), *survey)

    assert (ended, document["passed"]) == (code, code == 0)
    assert [one["case"] for one in document["cases"]] == ["greeting"]


def test_cases_that_are_not_there_are_a_sentence(
    survey: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = told(capsys, "regression", "nope.csv", *survey)

    assert (code, "nope.csv" in document["error"]["message"]) == (2, True)


def test_cases_on_an_instance_need_no_server_without_prefect(
    survey: tuple[str, ...], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("cases.csv").write_text("case,contains\ngreeting,Good day\n")
    home = project / "prefect"
    nowhere = {PREFECT_API_URL: "http://127.0.0.1:1/api", PREFECT_HOME: home}
    files = [Path(survey[1])]
    with (
        LocalConnect(flow_files=files, quotas=LocalQuotas.unlimited()) as local,
        temporary_settings(nowhere),
    ):
        place = f"instance.endpoint_url={local.endpoint_url}"
        flow = f"instance.contact_flow_id={local.flow_id}"
        words = ("regression", "cases.csv", "--set", place, "--set", flow, "--no-prefect")
        code, document = told(capsys, *words)
        contacts = len(local.contacts)

    assert (code, contacts, document.get("error")) == (0, 1, None)
    assert not (home / "prefect.db").exists()


# --- completion ---


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_knows_the_commands(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out

    assert [name for name in ("dry-run", "regression", "no-prefect") if name not in script] == []


def test_the_script_for_bash_completes_a_command_and_an_option(tmp_path: Path) -> None:
    script = tmp_path / "script"
    with script.open("w") as file:
        words = [sys.executable, "-m", "connect_tasks.command_line", "completion", "bash"]
        subprocess.run(words, stdout=file, check=True)
    probe = (
        f"source {script}; f=$(complete -p connect-tasks | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "
        "COMP_WORDS=(connect-tasks dry); COMP_CWORD=1; $f connect-tasks dry connect-tasks; "
        'echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["/bin/bash", "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["dry-run"]


# --- one's own flow ---


def own_flow(project: Path) -> Callable[..., pd.DataFrame]:
    spec = importlib.util.spec_from_file_location("own_flow", project / "own_flow.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., pd.DataFrame] = module.scores_by_plan
    return found


@pytest.mark.usefixtures("prefect_home")
def test_the_flow_of_ones_own_asks_each_customer_once(
    project: Path, local: LocalConnect, ledger: str
) -> None:
    table = pd.read_csv(project / "customers.csv", dtype="string")
    options = {"campaign": "own", "connect": local.instance(), "ledger": ledger}
    found = own_flow(project)(table, **options)
    own_flow(project)(table, **options)

    assert found["count"].to_dict() == {"basic": 3, "plus": 2, "pro": 3}
    assert len(local.contacts) == 8
