"""The local Amazon Connect as a process of its own, and the AWS CLI against it."""

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


def test_run_by_itself_on_a_taken_port_it_says_so(local: LocalConnect) -> None:
    port = local.endpoint_url.rpartition(":")[2]
    command = [sys.executable, "-m", "connect_tasks.emulator", f"--port={port}"]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    assert ended.returncode == 1
    assert ended.stderr == f"Cannot serve on port {port}: Address already in use\n"
