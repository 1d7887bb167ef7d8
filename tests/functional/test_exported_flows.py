"""Exported contact flows on the local Connect, over HTTP and real web sockets.

What must come is what the same conversation comes to without a server; that one is compared with
the expected files elsewhere.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.emulator.flows.exported.forms import read_flow
from connect_tasks.emulator.flows.rehearsal import NOON, Rehearsed, rehearse
from connect_tasks.emulator.flows.world.reading import read_world
from tests.functional.test_emulator_clients import SUBSCRIBE, client

FLOWS = Path(__file__).parents[2] / "data" / "flows"


def conversations() -> Iterator[Any]:
    for file in sorted(FLOWS.glob("*.expected.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        for conversation in document["conversations"]:
            # What is drawn on a server follows from its seed.
            if "draws" not in conversation:
                name = f"{file.name.split('.')[0]}: {conversation['name']}"
                yield pytest.param(document, conversation, id=name)


def patched_world(document: Any, conversation: Any, folder: Path) -> Path:
    """The world of one conversation as a file of its own, beside what it names."""
    for file in FLOWS.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    world = json.loads((folder / document["world"]).read_text(encoding="utf-8"))
    path = folder / "patched.world.json"
    path.write_text(json.dumps(merged(world, conversation.get("worldPatch", {}))))
    return path


def merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    kept = dict(target) if isinstance(target, dict) else {}
    changed = {name: merged(kept.get(name), value) for name, value in patch.items()}
    return {name: value for name, value in {**kept, **changed}.items() if value is not None}


class Customer:
    """A customer with boto3 and a socket, on a local Connect whose clock they hold."""

    def __init__(self, flow: Path, world: Path | None, began: datetime = NOON) -> None:
        self.began = self.now = began
        self.local = LocalConnect(
            flow_files=[flow], world=world, now=lambda: self.now, quotas=LocalQuotas.unlimited()
        )

    @contextmanager
    def chat(self, name: str, **members: Any) -> Iterator[None]:
        with self.local, client(self.local, "connect") as self.connect:
            started = self.connect.start_chat_contact(
                InstanceId=self.local.instance_id,
                ContactFlowId=self.local.flow_id,
                ParticipantDetails={"DisplayName": name},
                ConnectionTypes=["WEBSOCKET", "CONNECTION_CREDENTIALS"],
                **members,
            )
            self.contact_id = started["ContactId"]
            self.token = started["ConnectionCredentials"]["ConnectionToken"]
            with (
                client(self.local, "connectparticipant") as self.participant,
                connect(started["Websocket"]["Url"]) as self.socket,
            ):
                self.socket.send(SUBSCRIBE)
                yield

    def say(self, text: str) -> None:
        self.participant.send_message(
            ConnectionToken=self.token, ContentType="text/plain", Content=text
        )

    def next_message(self) -> dict[str, Any]:
        while True:
            frame = json.loads(self.socket.recv(timeout=20))
            if frame["topic"] == "aws/chat":
                item: dict[str, Any] = json.loads(frame["content"])
                if item["Type"] == "MESSAGE":
                    return item

    def hear(self, played: Rehearsed) -> list[str]:
        heard = []
        for line in played.lines:
            self.now = max(self.now, self.began + timedelta(seconds=line.at_seconds))
            if line.speaker == "CUSTOMER":
                self.say(line.text)
            heard.append(self.next_message()["Content"])
        return heard

    def attributes(self) -> dict[str, str]:
        found: dict[str, str] = self.connect.get_contact_attributes(
            InstanceId=self.local.instance_id, InitialContactId=self.contact_id
        )["Attributes"]
        return found


@pytest.mark.parametrize(("document", "conversation"), list(conversations()))
def test_the_wire_shows_what_the_rehearsal_shows(
    document: Any, conversation: Any, tmp_path: Path
) -> None:
    world = patched_world(document, conversation, tmp_path)
    flow = tmp_path / document["flow"]
    began = datetime.fromisoformat(conversation.get("now", NOON.isoformat())).astimezone(UTC)
    played = rehearse(
        read_flow(flow),
        read_world(world),
        attributes=conversation["attributes"],
        now=began,
        customer=conversation["customer"],
    )
    customer = Customer(flow, world, began)

    with customer.chat(conversation["displayName"], Attributes=conversation["attributes"]):
        heard = customer.hear(played)
        attributes = customer.attributes()

    (contact,) = customer.local.contacts
    assert heard == [line.text for line in played.lines]
    assert attributes == played.attributes
    assert contact.disconnect_reason == played.end.get("reason")
    assert contact.queue == played.end.get("queue")
    assert [step.identifier for step in contact.trace] == [step.identifier for step in played.trace]


def action(identifier: str, kind: str, parameters: Any, then: str | None = None) -> Any:
    transitions = {"NextAction": then, "Errors": [error(then)]} if then else {}
    return {
        "Identifier": identifier,
        "Type": kind,
        "Parameters": parameters,
        "Transitions": transitions,
    }


def error(then: str) -> Any:
    return {"NextAction": then, "ErrorType": "NoMatchingError"}


def write_flow(path: Path, *actions: Any) -> Path:
    document = {
        "Version": "2019-10-30",
        "StartAction": actions[0]["Identifier"],
        "Metadata": {"name": path.stem},
        "Actions": list(actions),
    }
    path.write_text(json.dumps(document))
    return path


def say(identifier: str, text: str, then: str) -> Any:
    return action(identifier, "MessageParticipant", {"Text": text}, then)


END = action("end", "DisconnectParticipant", {})
LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:look-up"
QUEUE = "arn:aws:connect:us-east-1:111122223333:instance/i/queue/q"
AFTER = "arn:aws:connect:us-east-1:111122223333:instance/i/contact-flow/after"


def flow_with_function(folder: Path, stub: str, *, seconds: str = "2") -> tuple[Path, Path]:
    call = {
        "LambdaFunctionARN": LAMBDA,
        "InvocationTimeLimitSeconds": seconds,
        "LambdaInvocationAttributes": {"name": "$.Attributes.name"},
        "ResponseValidation": {"ResponseType": "JSON"},
    }
    invoke = action("call", "InvokeLambdaFunction", call, "found")
    invoke["Transitions"]["Errors"] = [error("failed")]
    flow = write_flow(
        folder / "calls.json",
        invoke,
        say("found", "You are $.External.who.", "end"),
        say("failed", "It failed.", "end"),
        END,
    )
    (folder / "stubs.py").write_text(stub)
    world = folder / "world.json"
    world.write_text(json.dumps({"lambdas": {LAMBDA: "stubs.py:look_up"}}))
    return flow, world


def test_a_python_function_answers_a_flow_on_the_server(tmp_path: Path) -> None:
    stub = (
        "def look_up(event, context):\n"
        "    return {'who': event['Details']['Parameters']['name'].upper()}\n"
    )
    customer = Customer(*flow_with_function(tmp_path, stub))

    with customer.chat("Ada", Attributes={"name": "ada"}):
        assert customer.next_message()["Content"] == "You are ADA."


@pytest.mark.parametrize(
    "stub",
    [
        "def look_up(event, context):\n    raise RuntimeError('no')\n",
        "def look_up(event, context):\n    return object()\n",
        "raise ImportError('not here')\ndef look_up(event, context): ...\n",
    ],
    ids=["it raises", "its answer is no JSON", "its file cannot be imported"],
)
def test_a_function_that_fails_takes_the_error_branch(tmp_path: Path, stub: str) -> None:
    customer = Customer(*flow_with_function(tmp_path, stub))

    with customer.chat("Ada"):
        assert customer.next_message()["Content"] == "It failed."


def test_a_function_that_hangs_is_left_when_its_time_is_over(tmp_path: Path) -> None:
    stub = "import threading\ndef look_up(event, context):\n    threading.Event().wait()\n"
    customer = Customer(*flow_with_function(tmp_path, stub, seconds="8"))

    with customer.chat("Ada"):
        customer.say("Hello?")
        assert customer.next_message()["Content"] == "Hello?"
        customer.now += timedelta(seconds=8)
        assert customer.next_message()["Content"] == "It failed."


def test_an_agent_comes_and_goes_and_the_disconnect_flow_is_a_contact_of_its_own(
    tmp_path: Path,
) -> None:
    hooks = {"EventHooks": {"CustomerRemaining": AFTER}}
    flow = write_flow(
        tmp_path / "to agent.json",
        action("queue", "UpdateContactTargetQueue", {"QueueId": QUEUE}, "hook"),
        action("hook", "UpdateContactEventHooks", hooks, "go"),
        action("go", "TransferContactToQueue", {}, "end"),
        END,
    )
    write_flow(tmp_path / "after.json", say("bye", "How was it?", "end"), END)
    agent = {"displayName": "Alex", "says": ["I am Alex.", "Goodbye."]}
    world = tmp_path / "world.json"
    queues = {QUEUE: {"name": "Support", "agent": agent}}
    world.write_text(json.dumps({"queues": queues, "flows": {AFTER: "after.json"}}))
    customer = Customer(flow, world)

    with customer.chat("Ada"):
        first = customer.next_message()
        customer.say("Thank you")
        said = [customer.next_message()["Content"] for _ in range(3)]
        described = customer.connect.describe_contact(
            InstanceId=customer.local.instance_id, ContactId=customer.contact_id
        )["Contact"]

    before, after = customer.local.contacts
    assert (first["ParticipantRole"], first["DisplayName"]) == ("AGENT", "Alex")
    assert said == ["Thank you", "Goodbye.", "How was it?"]
    assert described["QueueInfo"]["Id"] == "q"
    assert described["DisconnectReason"] == "AGENT_DISCONNECT"
    assert after.previous_contact_id == before.contact_id
    assert after.disconnect_reason == "CONTACT_FLOW_DISCONNECT"
    assert [step.flow for step in after.trace] == ["after", "after"]


def test_a_loop_without_input_is_stopped_and_the_log_says_where(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    number = "$.Attributes.n"
    flow = write_flow(
        tmp_path / "round.json",
        action("one", "UpdateContactAttributes", {"Attributes": {"n": number}}, "two"),
        action("two", "UpdateContactAttributes", {"Attributes": {"m": number}}, "one"),
    )
    customer = Customer(flow, None)

    with customer.chat("Ada"):
        pass

    (contact,) = customer.local.contacts
    assert contact.disconnect_reason == "SYSTEM_ERROR"
    assert "round.json: one (UpdateContactAttributes): 1,000 actions in a row" in caplog.text


def test_what_others_set_is_seen_by_the_flow_and_what_it_sets_by_others(tmp_path: Path) -> None:
    bot = "arn:aws:lex:us-east-1:111122223333:bot-alias/B/A"
    ask = action(
        "ask",
        "ConnectParticipantWithLexBot",
        {"Text": "Yes?", "LexV2Bot": {"AliasArn": bot}},
        "say",
    )
    flow = write_flow(
        tmp_path / "asks.json", ask, say("say", "Your tier is $.Attributes.tier.", "end"), END
    )
    (tmp_path / "bot.json").write_text(
        json.dumps({"bot": "B", "intents": [{"name": "Any", "utterances": ["go"]}]})
    )
    world = tmp_path / "world.json"
    world.write_text(json.dumps({"bots": {bot: "bot.json"}}))
    customer = Customer(flow, world)

    with customer.chat("Ada"):
        assert customer.next_message()["Content"] == "Yes?"
        customer.connect.update_contact_attributes(
            InstanceId=customer.local.instance_id,
            InitialContactId=customer.contact_id,
            Attributes={"tier": "gold"},
        )
        customer.say("go")
        assert [customer.next_message()["Content"] for _ in range(2)][1] == "Your tier is gold."
