"""The local Amazon Connect as a process of its own, and boto3 with what it printed."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

__all__ = ["EXPORT", "GREETING", "clients", "instance_and_flow", "logged", "process", "run"]

EXPORT = re.compile(r"^export (\w+)=(\S+)$", re.MULTILINE)
GREETING = {
    "Version": "2019-10-30",
    "StartAction": "say",
    "Metadata": {"name": "greeting"},
    "Actions": [
        {
            "Identifier": "say",
            "Type": "MessageParticipant",
            "Parameters": {"Text": "Hello"},
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
"""A contact flow that says hello and ends the chat."""


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The local Amazon Connect by itself, and what it printed."""
    command = [sys.executable, "-m", "connect_tasks.emulator", "--unlimited", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        printed = ""
        while "# default flow" not in printed:
            line = running.stdout.readline()
            assert line, "it ended early"
            printed += line
        try:
            yield running, printed
        finally:
            running.kill()


@contextmanager
def clients(printed: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """boto3 with nothing but what was printed to export."""
    for name, value in EXPORT.findall(printed):
        monkeypatch.setenv(name, value)
    session: Any = boto3.Session()
    contacts, participants = session.client("connect"), session.client("connectparticipant")
    try:
        yield contacts, participants
    finally:
        contacts.close()
        participants.close()


def instance_and_flow(printed: str) -> tuple[str, str]:
    (instance,) = re.findall(r"^# instance: (\S+)$", printed, re.MULTILINE)
    (flow,) = re.findall(r"^# default flow: .* \((\S+)\)$", printed, re.MULTILINE)
    return instance, flow


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command where it ends by itself."""
    command = [sys.executable, "-m", "connect_tasks.emulator", "--port=0", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


def serve(*arguments: str, path: Path) -> "subprocess.Popen[str]":
    """The command, with what it prints in a file and what it complains of in another."""
    with (path / "out").open("w") as out, (path / "err").open("w") as err:
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "connect_tasks.emulator", "--port=0", *arguments],
            stdout=out,
            stderr=err,
            text=True,
        )


@contextmanager
def logged(*arguments: str, path: Path) -> Iterator[str]:
    """The URL of the command; afterwards it is stopped, and all that it told is in two files."""
    with serve(*arguments, path=path) as running:
        try:
            while "# default flow" not in (printed := (path / "out").read_text()):
                assert running.poll() is None, (path / "err").read_text()
                time.sleep(0.02)
            yield EXPORT.findall(printed)[0][1]
        finally:
            running.terminate()
