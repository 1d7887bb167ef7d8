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
from typing import Any

import boto3
import httpx
import pytest

from connect_tasks.emulator import LocalConnect
from tests.functional.local_process import EXPORT, clients, instance_and_flow, process, run

CLI = shutil.which("aws")


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


def test_every_value_that_it_prints_can_be_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with process("--port=0") as (_, printed), clients(printed, monkeypatch) as (contacts, others):
        (instance,) = re.findall(r"^# instance: (\S+)$", printed, re.MULTILINE)
        flows = dict(re.findall(r"^# flow (\w+): (\S+)$", printed, re.MULTILINE))
        default = dict(re.findall(r"^# default flow: (\w+) \((\S+)\)$", printed, re.MULTILINE))
        described = contacts.describe_instance(InstanceId=instance)["Instance"]
        names = {}
        for name, flow in {**flows, **default}.items():
            for instance_id in (instance, described["Id"]):
                ids = {"InstanceId": instance_id, "ContactFlowId": flow}
                told = contacts.describe_contact_flow(**ids)["ContactFlow"]
                names[name] = told["Name"]
                started = contacts.start_chat_contact(
                    **ids, ParticipantDetails={"DisplayName": "Ann"}
                )
                others.create_participant_connection(
                    ParticipantToken=started["ParticipantToken"], Type=["WEBSOCKET"]
                )
                contact = {"InstanceId": instance_id, "ContactId": started["ContactId"]}
                assert contacts.describe_contact(**contact)["Contact"]["Id"] == started["ContactId"]
                contacts.stop_contact(**contact)

    assert described["Arn"] == instance
    assert len(flows) == len(LocalConnect().flow_ids)
    assert names == {name: name for name in flows}


@pytest.mark.usefixtures("works")
def test_the_aws_cli_finds_and_reads_a_transcript(local: LocalConnect, tmp_path: Path) -> None:
    make: Any = boto3.client
    connect = make(
        "connect",
        endpoint_url=local.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    topic = {"StreamingEndpointArn": "arn:aws:sns:us-east-1:1:t"}
    started = connect.start_chat_contact(
        InstanceId=local.instance_id,
        ContactFlowId=local.flow_id,
        ParticipantDetails={"DisplayName": "Ann"},
        ChatStreamingConfiguration=topic,
    )
    bearer = {"X-Amz-Bearer": started["ParticipantToken"]}
    body = {"Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": True}
    httpx.post(f"{local.endpoint_url}/participant/connection", headers=bearer, json=body)
    connect.stop_contact(InstanceId=local.instance_id, ContactId=started["ContactId"])
    connect.close()
    ids = ("--instance-id", local.instance_id)

    def ask(*arguments: str) -> Any:
        answer = run_cli(local, tmp_path, *arguments)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout) if answer.stdout.startswith("{") else answer.stdout

    configs = ask(
        "connect", "list-instance-storage-configs", *ids, "--resource-type", "CHAT_TRANSCRIPTS"
    )["StorageConfigs"]
    contact = ("--contact-id", started["ContactId"])
    location = ask("connect", "describe-contact", *ids, *contact)["Contact"]["Recordings"][0][
        "Location"
    ]
    listed = ask("s3", "ls", "--recursive", f"s3://{configs[0]['S3Config']['BucketName']}/")
    copy = tmp_path / "transcript.json"
    ask("s3", "cp", f"s3://{location}", str(copy))
    times = "Type=DISCONNECT_TIMESTAMP,StartTime=2020-01-01T00:00:00Z,EndTime=2099-01-01T00:00:00Z"
    found = ask("connect", "search-contacts", *ids, "--time-range", times)["Contacts"]

    assert location.partition("/")[2] in listed
    assert json.loads(copy.read_text(encoding="utf-8"))["ContactId"] == started["ContactId"]
    assert [one["Id"] for one in found] == [started["ContactId"]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "# transcripts: s3://amazon-connect-local/connect/local/ChatTranscripts, 0 s after"),
        (["--transcript-delay", "45"], "ChatTranscripts, 45 s after a chat's end"),
        (["--no-storage"], "# transcripts: not kept"),
    ],
)
def test_run_by_itself_it_says_where_transcripts_are(arguments: list[str], told: str) -> None:
    with process("--port=0", *arguments) as (_, printed):
        assert told in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ["--transcript-delay", "-1"],
        ["--transcript-delay", "nan"],
        ["--answer-seconds", "inf"],
        ["--no-storage", "--transcript-delay", "1"],
    ],
)
def test_run_by_itself_it_refuses_what_cannot_be_waited_for(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "connect_tasks.emulator", "--port", "0", *arguments]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)

    assert refused.returncode == 2
    assert arguments[0] in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.usefixtures("works")
def test_the_aws_cli_takes_the_arns_that_are_printed(local: LocalConnect, tmp_path: Path) -> None:
    flow = run_cli(
        local,
        tmp_path,
        "connect",
        "describe-contact-flow",
        f"--instance-id={local.instance_arn}",
        f"--contact-flow-id={local.flow_arn('agent')}",
    )
    started = run_cli(
        local,
        tmp_path,
        "connect",
        "start-chat-contact",
        f"--instance-id={local.instance_arn}",
        f"--contact-flow-id={local.flow_arn('agent')}",
        "--participant-details=DisplayName=Ann",
    )

    assert json.loads(flow.stdout)["ContactFlow"]["Name"] == "agent", flow.stderr
    assert [contact.flow for contact in local.contacts] == ["agent"], started.stderr


def test_killed_and_started_again_with_its_state_what_was_stopped_stays_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "new" / "state"
    arguments = ("--port=0", f"--state-dir={state}")
    ids = {"InstanceId": LocalConnect().instance_id, "ContactFlowId": LocalConnect().flow_id}
    request = {**ids, "ParticipantDetails": {"DisplayName": "Ann"}}
    both = {"ConnectionTypes": ["WEBSOCKET", "CONNECTION_CREDENTIALS"]}

    def start(contacts: Any, token: str) -> dict[str, Any]:
        answer: dict[str, Any] = contacts.start_chat_contact(**request, **both, ClientToken=token)
        return answer

    with process(*arguments) as (_, printed), clients(printed, monkeypatch) as (contacts, _):
        stopped, left_open = start(contacts, "stopped"), start(contacts, "left open")
        contacts.stop_contact(InstanceId=ids["InstanceId"], ContactId=stopped["ContactId"])
        assert str(state) in printed
    with process(*arguments) as (_, printed), clients(printed, monkeypatch) as (contacts, _):
        again = {token: start(contacts, token) for token in ("stopped", "left open")}
        described = contacts.describe_contact(
            InstanceId=ids["InstanceId"], ContactId=stopped["ContactId"]
        )["Contact"]

    assert again["stopped"]["ContactId"] == stopped["ContactId"]
    assert "Websocket" not in again["stopped"]
    assert described["DisconnectReason"] == "API"
    assert again["left open"]["ContactId"] == left_open["ContactId"]
    assert again["left open"]["ParticipantToken"] == left_open["ParticipantToken"]
    assert "Websocket" in again["left open"]


def test_killed_and_started_again_with_its_state_every_token_still_opens_its_chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--port=0", f"--state-dir={tmp_path}", "--flow=echo")
    with process("--seed=5", *arguments) as (_, printed), clients(printed, monkeypatch) as both:
        contacts, participants = both
        instance, flow = instance_and_flow(printed)
        started = contacts.start_chat_contact(
            InstanceId=instance, ContactFlowId=flow, ParticipantDetails={"DisplayName": "Ann"}
        )
        connected = participants.create_participant_connection(
            ParticipantToken=started["ParticipantToken"], Type=["CONNECTION_CREDENTIALS"]
        )
    # The seed is the folder's.
    with process(*arguments) as (_, printed), clients(printed, monkeypatch) as both:
        contacts, participants = both
        participants.send_message(
            ConnectionToken=connected["ConnectionCredentials"]["ConnectionToken"],
            ContentType="text/plain",
            Content="still here",
        )
        again = participants.create_participant_connection(
            ParticipantToken=started["ParticipantToken"], Type=["CONNECTION_CREDENTIALS"]
        )
        said = participants.get_transcript(
            ConnectionToken=again["ConnectionCredentials"]["ConnectionToken"]
        )["Transcript"]

    assert "still here" in [item.get("Content") for item in said]
    assert started["ParticipantToken"] not in "".join(
        path.read_text(encoding="utf-8") for path in tmp_path.iterdir()
    )


@pytest.mark.parametrize("content", [b"somebody else's", None])
def test_a_state_that_cannot_be_used_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    state = tmp_path / "state"
    if content is None:
        state.write_bytes(b"a file")
    else:
        state.mkdir()
        (state / "contacts.jsonl").write_bytes(content)

    ended = run(f"--state-dir={state}")

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert str(state) in ended.stderr


def test_a_state_of_another_seed_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "seed").write_text("3\n", encoding="utf-8")
    ended = run(f"--state-dir={tmp_path}", "--seed=4")

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{tmp_path} was made with the seed 3")


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
    assert ended.stderr == f"Cannot serve on port {port} of 127.0.0.1: Address already in use\n"
