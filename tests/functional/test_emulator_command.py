"""What the command of the local Amazon Connect can be told, and what it tells."""

import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.functional.local_process import GREETING, clients, instance_and_flow, logged, run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--flow-file", "nope.json"], "nope.json"),
        (["--world", "nope.toml"], "nope.toml"),
        (["--phone-table", "nope.csv"], "Cannot read nope.csv"),
        (["--flow", "nope"], "There is no flow 'nope'; there are agent"),
        (["--host", "192.0.2.1"], "Cannot serve on port 0 of 192.0.2.1"),
    ],
)
def test_what_is_not_there_is_one_sentence(arguments: list[str], words: str) -> None:
    ended = run(*arguments)

    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_host_lets_others_in_and_says_loudly_what_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logged("--host=0.0.0.0", path=tmp_path) as url:
        port = url.rpartition(":")[2]
        printed = (tmp_path / "out").read_text()
        # As another machine would name it.
        named = printed.replace("127.0.0.1", "localhost")
        instance, flow = instance_and_flow(printed)
        with clients(named, monkeypatch) as (contacts, participants):
            started = contacts.start_chat_contact(
                InstanceId=instance, ContactFlowId=flow, ParticipantDetails={"DisplayName": "Ann"}
            )
            socket = participants.create_participant_connection(
                ParticipantToken=started["ParticipantToken"], Type=["WEBSOCKET"]
            )["Websocket"]["Url"]
        page = httpx.get(f"{url}/", headers={"Host": f"box.example:{port}"})
    told = (tmp_path / "err").read_text()

    assert socket.startswith(f"ws://localhost:{port}/")
    assert page.status_code == 200
    assert told.startswith("WARNING: listening on 0.0.0.0, beyond this machine")
    assert all(word in told for word in ("start, read and end chats", "token", "no password"))


def test_without_a_host_it_warns_of_nothing(tmp_path: Path) -> None:
    with logged(path=tmp_path) as url:
        assert httpx.get(f"{url}/").status_code == 200

    assert (tmp_path / "err").read_text() == ""


def test_requests_are_logged_one_line_each_without_anything_that_was_sent(tmp_path: Path) -> None:
    with logged("--log-requests", path=tmp_path) as url:
        body = {"ParticipantDetails": {"DisplayName": "Secret Ann"}}
        said = {"ContentType": "text/plain", "Content": "secret"}
        httpx.put(f"{url}/contact/chat", json=body)
        httpx.post(f"{url}/participant/message", headers={"X-Amz-Bearer": "secret"}, json=said)
        httpx.get(f"{url}/_local/calls")
        httpx.get(f"{url}/?q=secret")
        httpx.get(f"{url}/secret")
    lines = [
        re.sub(r"^[\d-]+ [\d:,]+ ", "", line)
        for line in (tmp_path / "err").read_text().splitlines()
        if line.endswith(" ms")
    ]

    assert [re.sub(r"[\d.]+ ms$", "T ms", line) for line in lines] == [
        "StartChatContact 403 MissingAuthenticationTokenException T ms",
        "SendMessage 403 AccessDeniedException T ms",
        "_local 200 T ms",
        "page 200 T ms",
        "unknown 404 UnknownOperationException T ms",
    ]
    assert "ecret" not in "".join(lines)


def test_a_clock_that_runs_faster_ends_in_seconds_what_takes_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logged("--clock-factor=1000", path=tmp_path) as url:
        printed = (tmp_path / "out").read_text()
        instance, flow = instance_and_flow(printed)
        with clients(printed, monkeypatch) as (contacts, _):
            contacts.start_chat_contact(
                InstanceId=instance, ContactFlowId=flow, ParticipantDetails={"DisplayName": "Ann"}
            )
            while not (contact := httpx.get(f"{url}/_local/contacts").json()[0])["ended_at"]:
                time.sleep(0.02)
    started, ended = (
        datetime.fromisoformat(contact[f"{which}_at"]) for which in ("started", "ended")
    )

    assert contact["disconnect_reason"] == "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
    # Five minutes of its own, whatever the machine took for them.
    assert timedelta(seconds=300) <= ended - started


def test_the_trace_of_an_exported_flow_is_printed_as_it_happens(tmp_path: Path) -> None:
    file = tmp_path / "greeting.json"
    file.write_text(json.dumps(GREETING), encoding="utf-8")
    with logged("--trace", f"--flow-file={file}", path=tmp_path) as url:
        printed = (tmp_path / "out").read_text()
        assert "# default flow: greeting (" in printed
        form = {"flow": instance_and_flow(printed)[1], "name": "Ann", "address": "/"}
        httpx.post(f"{url}/_page/start", data=form, headers={"Origin": url})
        while "DisconnectParticipant" not in (told := (tmp_path / "out").read_text()):
            time.sleep(0.02)
        contact = httpx.get(f"{url}/_local/contacts").json()[0]
    lines = [line for line in told.splitlines() if contact["contact_id"] in line]

    assert contact["ended_at"]
    assert len(lines) == 2
    assert "say (MessageParticipant)" in lines[0]
    assert all(line.startswith("# ") for line in lines)
