"""The local Amazon Connect as a process of its own, and the AWS CLI against it."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connect_tasks.emulator import LocalConnect

CLI = shutil.which("aws")
EXPORT = re.compile(r"^export (\w+)=(\S+)$", re.MULTILINE)


@pytest.fixture
def local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo") as running:
        yield running


def run_cli(local: LocalConnect, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = {
        name: str(folder / name) for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_MAX_ATTEMPTS": "1"}
    return subprocess.run(
        [CLI or "aws", *arguments, "--output", "json"],
        env={**environment, **paths, **local.environment()},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


@pytest.fixture
def works(tmp_path: Path) -> None:
    """Skip where the AWS CLI is absent, or is only a shim without a CLI behind it."""
    if CLI is None:
        pytest.skip("the AWS CLI is not installed")
    version = subprocess.run([CLI, "--version"], capture_output=True, check=False, cwd=tmp_path)
    if version.returncode != 0:
        pytest.skip("the AWS CLI does not run")


@pytest.mark.usefixtures("works")
def test_the_aws_cli_starts_and_describes_a_chat(local: LocalConnect, tmp_path: Path) -> None:
    started = run_cli(
        local,
        tmp_path,
        "connect",
        "start-chat-contact",
        f"--instance-id={local.instance_id}",
        f"--contact-flow-id={local.flow_id}",
        "--participant-details=DisplayName=Ann",
        "--client-token=t-1",
    )
    assert started.returncode == 0, started.stderr
    contact_id = json.loads(started.stdout)["ContactId"]
    described = run_cli(
        local,
        tmp_path,
        "connect",
        "describe-contact",
        f"--instance-id={local.instance_id}",
        f"--contact-id={contact_id}",
    )

    assert [contact.contact_id for contact in local.contacts] == [contact_id]
    assert json.loads(described.stdout)["Contact"]["InitiationMethod"] == "API"


def test_run_by_itself_it_prints_what_to_export_and_serves_until_interrupted() -> None:
    command = [sys.executable, "-m", "connect_tasks.emulator", "--port=0", "--seed=3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("# default flow"):
            lines.append(process.stdout.readline())
            assert lines[-1], "it ended early"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0

    exports: dict[str, str] = dict(EXPORT.findall("".join(lines)))
    assert exports["AWS_ENDPOINT_URL_CONNECT"].startswith("http://127.0.0.1:")
    assert exports["AWS_ENDPOINT_URL_CONNECTPARTICIPANT"] == exports["AWS_ENDPOINT_URL_CONNECT"]
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} <= set(exports)
    assert f"# instance: {LocalConnect().instance_arn}\n" in lines


PLAN = """
[[fault]]
operation = "StartChatContact"
kind = "throttle"
every = 2

[[fault]]
operation = "ChatFrame"
kind = "frame_lost"
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_by_itself_with_a_fault_plan_it_tells_at_the_end_what_was_injected(
    tmp_path: Path, number: signal.Signals
) -> None:
    plan = tmp_path / "faults.toml"
    plan.write_text(PLAN, encoding="utf-8")
    command = [sys.executable, "-m", "connect_tasks.emulator", "--port=0", f"--faults={plan}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = EXPORT.findall(process.stdout.readline())[0][1]
        statuses = [put_chat(url) for _ in range(5)]
        process.send_signal(number)
        rest, _ = process.communicate(timeout=10)

    # Not signed, and so refused, where no fault strikes.
    assert statuses == [403, 429, 403, 429, 403]
    assert process.returncode == 0
    assert rest.splitlines()[-3:] == [
        "# operation         kind        count",
        "# StartChatContact  throttle        2",
        "# ChatFrame         frame_lost      0",
    ]


def put_chat(url: str) -> int:
    """The status that an unsigned StartChatContact is answered with."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    connection.request("PUT", "/contact/chat", body="{}")
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[fault]]\nkind = 1", "{path}: fault 1: kind: must be a text, not 1.\n"),
        (None, "Cannot read {path}: No such file or directory\n"),
    ],
)
def test_run_by_itself_with_a_fault_plan_that_cannot_be_read_it_says_so(
    tmp_path: Path, text: str | None, words: str
) -> None:
    plan = tmp_path / "faults.toml"
    if text is not None:
        plan.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "connect_tasks.emulator", "--port=0", f"--faults={plan}"]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    assert ended.returncode == 1
    assert ended.stderr == words.format(path=plan)


def test_run_by_itself_on_a_taken_port_it_says_so(local: LocalConnect) -> None:
    port = local.endpoint_url.rpartition(":")[2]
    command = [sys.executable, "-m", "connect_tasks.emulator", f"--port={port}"]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    assert ended.returncode == 1
    assert ended.stderr == f"Cannot serve on port {port}: Address already in use\n"
