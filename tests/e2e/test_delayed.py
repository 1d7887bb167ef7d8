"""Delayed tasks: a real Prefect server, a process that serves them, and one that asks for them."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prefect_aws import AwsCredentials
from pydantic import SecretStr

from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.emulator import LocalConnect, LocalQuotas
from tests.e2e.servers import PrefectServer, save_block, wait_until

DOCUMENT = (Path(__file__).parents[2] / "docs" / "own-flows.md").read_text(encoding="utf-8")
SECRETS = ("the-secret-key", "the-session-token")

SERVE = """
from prefect.task_worker import serve
from connect_tasks.tasks import hold_chat, start_chat, stop_chat

serve(start_chat, hold_chat, stop_chat)
"""

DELAY = """
import json, sys, time
from prefect import flow
from prefect.exceptions import SerializationError
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.tasks import start_chat, stop_chat

def done(future):
    while not future.state.is_final():
        time.sleep(0.2)
    return future.result()

request = {
    "instance_id": sys.argv[1],
    "contact_flow_id": sys.argv[2],
    "participant_details": {"display_name": "Ivy"},
    "customer_id": "0042",
}
instance = AmazonConnectInstance.load("my-instance")
chat = done(start_chat.delay(request, "my-instance"))
done(stop_chat.delay(chat.contact_id, "my-instance"))
refusals = []
for task, first in ((start_chat, request), (stop_chat, chat.contact_id)):
    try:
        task.delay(first, connect=instance)
    except SerializationError as error:
        refusals.append(str(error.__cause__))

# Prefect itself keeps a flow's parameters, and masks only the secret key: the name is for them.
@flow(validate_parameters=False)
def mine(holder):
    return done(start_chat.delay(request, "my-instance")).contact_id

class Holder:
    __slots__ = ("instance",)

holder = Holder()
holder.instance = instance
again = mine(holder)
print(json.dumps({"chat": chat.contact_id, "again": again, "token": chat.participant_token is None,
                  "refusals": refusals}))
"""


def instance(local: LocalConnect) -> AmazonConnectInstance:
    """The local instance, with credentials that can be recognised."""
    credentials = AwsCredentials(
        aws_access_key_id="local",
        aws_secret_access_key=SecretStr(SECRETS[0]),
        aws_session_token=SECRETS[1],
        region_name="us-east-1",
    )
    return local.instance().model_copy(update={"aws_credentials": credentials})


@contextmanager
def serving(server: PrefectServer, folder: Path, *command: str) -> Iterator[None]:
    """A process that serves tasks, once it listens."""
    log = folder / "worker.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=server.environment | {"PYTHONUNBUFFERED": "1"},
            stdout=file,
            stderr=file,
        )
    try:
        wait_until(lambda: b"Subscribing to runs" in log.read_bytes(), 90, "the worker listens")
        yield
    finally:
        process.terminate()
        process.wait(30)


def run(server: PrefectServer, folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def written(*folders: Path | str) -> dict[Path, bytes]:
    """All files, and what Prefect has pickled into them."""
    paths = (path for folder in folders for path in Path(folder).rglob("*"))
    return {path: readable(path.read_bytes()) for path in paths if path.is_file()}


def readable(content: bytes) -> bytes:
    try:
        return content + base64.b64decode(json.loads(content)["result"])
    except (ValueError, KeyError, TypeError):
        return content


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(300)
def test_delayed_chats_write_down_neither_tokens_nor_credentials(
    server: PrefectServer, tmp_path: Path
) -> None:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        where = (local.instance_id, local.flow_id)
        save_block(server, instance(local), "my-instance")
        with serving(server, tmp_path, "-c", SERVE):
            told: Any = json.loads(run(server, tmp_path, "-c", DELAY, *where).splitlines()[-1])
        contacts, tokens = local.contacts, local.issued_tokens

    files = written(tmp_path, server.environment["PREFECT_HOME"])
    needles = [text.encode() for text in (*SECRETS, *tokens)]
    assert [contact.contact_id for contact in contacts] == [told["chat"], told["again"]]
    assert contacts[0].ended_at is not None
    assert told["token"] is True
    assert len(told["refusals"]) == 2
    assert all("must be the name of a saved instance" in text for text in told["refusals"])
    # The search finds what is there: arguments and results are among the files.
    assert [path for path, text in files.items() if b"Ivy" in text and "parameters" in str(path)]
    assert [path for path, text in files.items() if told["chat"].encode() in text]
    assert len(tokens) == 2
    assert [path for path, text in files.items() if any(needle in text for needle in needles)] == []


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_the_documents_delayed_task_starts_and_holds_a_chat(
    server: PrefectServer, tmp_path: Path
) -> None:
    programs = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", DOCUMENT, flags=re.DOTALL))
    (shown,) = re.findall(r"# ask\.py.*?```text\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    for name, program in programs.items():
        (tmp_path / name).write_text(program, encoding="utf-8")
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        where = (local.instance_id, local.flow_id)
        save_block(server, instance(local), "my-instance")
        with serving(server, tmp_path, "greetings.py"):
            printed = run(server, tmp_path, "ask.py", *where)
        contacts, tokens = local.contacts, local.issued_tokens

    assert printed == shown
    assert [contact.customer_id for contact in contacts] == ["0009"]
    assert len(tokens) == 3
    files = written(tmp_path, server.environment["PREFECT_HOME"])
    assert [path for path, text in files.items() if any(t.encode() in text for t in tokens)] == []
