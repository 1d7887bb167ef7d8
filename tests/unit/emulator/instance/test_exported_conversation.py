from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.steps import Invoke, Speaker
from connect_tasks.emulator.flows.world import world as worlds
from connect_tasks.emulator.flows.world.world import FunctionAnswer
from connect_tasks.emulator.instance.agent_desk import AgentDesk
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.identity import INSTANCE_ID
from connect_tasks.emulator.instance.installed_flows import InstalledFlows
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.service import Service
from tests.unit.emulator.flows.run.building import (
    FUNCTION,
    OTHER,
    Q,
    action,
    ask,
    chain,
    flow,
    invoke,
    say,
    tells,
    world,
)
from tests.unit.emulator.world import Socket, World

BOT = {"intents": [{"name": "Bye", "utterances": ["bye"], "response": "So long"}]}
ADA = Speaker("AGENT", "Ada")


class Exported(World):
    """An instance with one exported flow; functions are called by hand."""

    def __init__(self, one: Flow, around: worlds.World | None = None, *, think: float = 0) -> None:
        super().__init__()
        quotas = LocalQuotas.unlimited()
        self.calls: list[tuple[Invoke, Callable[[FunctionAnswer], None]]] = []
        self.backend = Backend(
            now=self.clock,
            seed=0,
            open_chats=quotas.open_chats,
            think_seconds=(think, think),
            flows=InstalledFlows(INSTANCE_ID, files=[one], world=around),
            call=lambda step, done: self.calls.append((step, done)),
        )
        self.service = Service(self.backend, quotas, lambda: self.clock().timestamp())

    def texts(self, socket: Socket) -> list[tuple[str, str]]:
        """What was said, and by whom."""
        said = [item for item in socket.items if item["Type"] == "MESSAGE"]
        return [(item["DisplayName"], item["Content"]) for item in said]


def test_a_flow_speaks_as_the_system_and_a_bot_as_the_bot() -> None:
    here = Exported(chain(say("Welcome"), ask(), say("Thanks")), world(bot=BOT))
    socket, token = here.join("main")
    here.say(token, "bye")
    assert here.texts(socket) == [
        ("SYSTEM_MESSAGE", "Welcome"),
        ("BOT", "How can I help?"),
        ("Ann", "bye"),
        ("BOT", "So long"),
        ("SYSTEM_MESSAGE", "Thanks"),
    ]
    contact = socket.items[0]["ContactId"]
    assert here.describe(contact)["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"


def test_the_flow_goes_on_when_its_time_has_come_and_not_before() -> None:
    here = Exported(chain(say("a"), action("Wait", TimeLimitSeconds="60"), say("b")))
    socket, _ = here.join("main")
    here.pass_time(seconds=59)
    assert len(here.texts(socket)) == 1
    here.pass_time(seconds=1)
    assert [text for _, text in here.texts(socket)] == ["a", "b"]


def test_each_silence_is_timed_anew() -> None:
    again = {"InputTimeLimitExceeded": "late"}
    block = ask(LexTimeoutSeconds={"Text": "60"}, errors=again)
    here = Exported(flow(block, say("late", to="ask")), world(bot=BOT))
    socket, _ = here.join("main")
    for _ in range(3):
        here.pass_time(seconds=60)
    assert [text for _, text in here.texts(socket)].count("late") == 3


def test_the_speaker_thinks_before_each_utterance_and_what_is_said_meanwhile_waits() -> None:
    here = Exported(chain(say("Welcome"), ask()), world(bot=BOT), think=2)
    socket, token = here.join("main")
    assert here.texts(socket) == []
    here.pass_time(seconds=2)
    here.say(token, "bye")
    here.pass_time(seconds=2)
    assert [text for _, text in here.texts(socket)] == ["Welcome", "bye", "How can I help?"]
    here.pass_time(seconds=2)
    assert here.texts(socket)[-1] == ("BOT", "So long")


def test_a_message_in_a_wait_is_recorded_and_lost_on_the_flow() -> None:
    here = Exported(chain(say("a"), action("Wait", TimeLimitSeconds="60"), ask()), world(bot=BOT))
    socket, token = here.join("main")
    here.say(token, "bye")
    here.pass_time(seconds=60)
    assert here.texts(socket)[-2:] == [("Ann", "bye"), ("BOT", "How can I help?")]


PYTHON = worlds.World.model_validate({"lambdas": {FUNCTION: "stubs.py:f"}})


def test_a_function_is_called_elsewhere_and_its_answer_is_taken_when_it_comes() -> None:
    here = Exported(flow(invoke(), say("$.External.k", "ok"), tells("failed")), PYTHON)
    socket, _ = here.join("main")
    [(step, done)] = here.calls
    assert step.function == "stubs.py:f"
    assert here.texts(socket) == []
    done(FunctionAnswer.model_validate({"return": {"k": "v"}}))
    assert here.texts(socket) == [("SYSTEM_MESSAGE", "v")]


def test_a_function_that_does_not_answer_in_time_fails_and_its_late_answer_is_lost() -> None:
    one = flow(invoke(seconds="4"), tells("ok"), say("failed", to="ask"), ask())
    around = world(bot=BOT).model_copy(update={"lambdas": PYTHON.lambdas})
    here = Exported(one, around)
    socket, _ = here.join("main")
    here.pass_time(seconds=4)
    here.calls[0][1](FunctionAnswer.model_validate({"return": {"k": "v"}}))
    assert [text for _, text in here.texts(socket)] == ["failed", "How can I help?"]


@pytest.mark.parametrize(("seconds", "text"), [(1, "[v]"), (60, "[v]"), (61, "[]")])
def test_a_function_that_nobody_waits_for_has_60_seconds(seconds: float, text: str) -> None:
    pause = action("Wait", TimeLimitSeconds="100")
    begin = invoke(InvocationType="ASYNCHRONOUS")
    here = Exported(chain(begin, pause, say("[$.External.k]", "show")), PYTHON)
    socket, _ = here.join("main")
    here.pass_time(seconds=seconds)
    here.calls[0][1](FunctionAnswer.model_validate({"return": {"k": "v"}}))
    here.pass_time(seconds=100)
    assert [said for _, said in here.texts(socket)] == [text]


def test_of_two_functions_that_nobody_waits_for_the_one_that_ended_last_is_there() -> None:
    pause = action("Wait", TimeLimitSeconds="100")
    begin = [invoke(name, InvocationType="ASYNCHRONOUS") for name in ("one", "two")]
    here = Exported(chain(*begin, pause, say("[$.External.k]", "show")), PYTHON)
    socket, _ = here.join("main")
    for number in (1, 0):
        here.pass_time(seconds=10)
        here.calls[number][1](FunctionAnswer.model_validate({"return": {"k": f"{number}"}}))
    here.pass_time(seconds=100)
    assert [said for _, said in here.texts(socket)] == ["[0]"]


def test_attributes_that_a_flow_sets_are_the_contacts() -> None:
    here = Exported(chain(action("UpdateContactAttributes", Attributes={"a": "$.Channel"}), ask()))
    socket, _ = here.join("main", Attributes={"b": "1"})
    contact = socket.items[0]["ContactId"]
    assert here.backend.chats[contact].attributes == {"a": "CHAT", "b": "1"}


def queue(**options: Any) -> tuple[Exported, Socket]:
    hooks = action("UpdateContactEventHooks", EventHooks={"CustomerRemaining": OTHER})
    target = action("UpdateContactTargetQueue", QueueId=Q)
    one = chain(hooks, target, action("TransferContactToQueue"))
    other = flow(say("How was it?"), name="survey-after")
    here = Exported(one, world(queue={"name": "Help", **options}, other=other))
    socket, _ = here.join("main")
    return here, socket


def test_a_contact_in_a_queue_is_described_with_it_and_stays_open() -> None:
    here, socket = queue()
    contact = socket.items[0]["ContactId"]
    queued = here.backend.chats[contact].queue
    assert queued is not None
    assert (queued.arn, queued.name) == (Q, "Help")
    assert "DisconnectReason" not in here.describe(contact)


def test_the_disconnect_flow_is_a_contact_of_its_own_with_a_trace_of_its_own() -> None:
    here, socket = queue(agent={"displayName": "Ada", "says": ["Hello"]})
    first = here.backend.chats[socket.items[0]["ContactId"]]
    last = first.latest
    assert here.texts(socket) == [("Ada", "Hello"), ("SYSTEM_MESSAGE", "How was it?")]
    assert (first.disconnect_reason, last.follows) == ("AGENT_DISCONNECT", first)
    assert [entry.flow for entry in last.trace] == ["survey-after"] * 2
    assert {entry.flow for entry in first.trace} == {"main"}


def test_a_person_takes_a_contact_from_the_queue_and_the_flow_goes_on_when_they_leave() -> None:
    here, socket = queue()
    chat = here.backend.chats[socket.items[0]["ContactId"]]
    here.backend.presence.join_agent(chat, ADA)
    here.backend.presence.leave_agent(chat, ADA)
    assert here.texts(socket) == [("SYSTEM_MESSAGE", "How was it?")]
    assert chat.disconnect_reason == "AGENT_DISCONNECT"


def test_a_person_who_joins_while_the_queues_flow_thinks_is_not_lost() -> None:
    hold = chain(say("Hold on"), action("Wait", TimeLimitSeconds="60"), say("never"))
    target = action("UpdateContactTargetQueue", QueueId=Q)
    hook = action("UpdateContactEventHooks", EventHooks={"CustomerQueue": OTHER})
    around = world(queue={}).model_copy(update={"flows": {OTHER: replace(hold, name="hold")}})
    here = Exported(chain(hook, target, action("TransferContactToQueue")), around, think=5)
    desk = AgentDesk(here.backend)
    contact_id = desk.start(here.backend.flow_ids["main"], display_name="Ann")
    desk.say(contact_id, "AGENT", "I am here")
    for seconds in (5, 60, 5):
        here.pass_time(seconds=seconds)
    said = [item.content for item in here.backend.chats[contact_id].items if item.content]
    assert said == ["I am here", "Hold on"]


def test_who_speaks_in_a_chat_that_is_over_once_they_are_there_is_told_so() -> None:
    here = Exported(chain(say("Bye")))
    contact_id = here.start("main")["ContactId"]
    with pytest.raises(RefusedError, match="ContactNotFoundException"):
        AgentDesk(here.backend).say(contact_id, "CUSTOMER", "Hello")
    said = [item.content for item in here.backend.chats[contact_id].items if item.content]
    assert said == ["Bye"]


def test_what_would_have_happened_in_a_chat_that_is_over_does_not() -> None:
    here = Exported(chain(say("a"), action("Wait", TimeLimitSeconds="60"), say("b")))
    socket, _ = here.join("main")
    here.stop(socket.items[0]["ContactId"])
    here.pass_time(seconds=60)
    assert [text for _, text in here.texts(socket)] == ["a"]


def rounds(*, seconds: int, number: int) -> tuple[Exported, Socket]:
    """A flow that goes round for so many messages; each round has two actions."""
    block = ask(when={"Bye": "again"}, LexTimeoutSeconds={"Text": str(seconds)})
    here = Exported(flow(block, action("Compare", "again", to="ask")), world(bot=BOT))
    socket, _ = here.join("main")
    chat = here.backend.chats[socket.items[0]["ContactId"]]
    for _ in range(number):
        here.pass_time(seconds=0.1)
        here.backend.hear(chat, "bye")
    return here, socket


def test_a_long_trace_has_its_beginning_and_its_end_and_says_what_is_left_out() -> None:
    here, socket = rounds(seconds=900, number=1_000)
    chat = here.backend.chats[socket.items[0]["ContactId"]]
    whole = chat.record()
    assert (len(whole.trace), whole.trace_left_out) == (2_000, 0)

    here.backend.hear(chat, "bye")
    here.backend.hear(chat, "bye")
    record = chat.record()
    assert (record.trace[:500], record.trace_left_out) == (whole.trace[:500], 4)
    assert record.trace[500:-4] == whole.trace[504:]
    assert [entry.at for entry in record.trace[-4:]] == [here.clock()] * 4


def test_a_time_that_is_waited_for_no_longer_is_planned_no_longer() -> None:
    here, socket = rounds(seconds=604_800, number=1)
    chat = here.backend.chats[socket.items[0]["ContactId"]]

    def planned() -> int:
        return sum(entry[2].action is not None for entry in here.backend.schedule._heap)

    before = planned()
    for _ in range(50):
        here.pass_time(seconds=1)
        here.backend.hear(chat, "bye")
    assert planned() == before


def test_a_pause_ends_in_time_whatever_was_said_meanwhile() -> None:
    pause = action("Wait", TimeLimitSeconds="60")
    here = Exported(chain(say("a"), pause, say("b"), action("Wait", "on", TimeLimitSeconds="1")))
    socket, token = here.join("main")
    for _ in range(5):
        here.pass_time(seconds=10)
        here.say(token, "hello?")
    here.pass_time(seconds=9)
    assert here.texts(socket)[-1] == ("Ann", "hello?")
    here.pass_time(seconds=1)
    assert here.texts(socket)[-1] == ("SYSTEM_MESSAGE", "b")


def test_a_flow_knows_the_phone_that_its_conversation_began_on() -> None:
    text = "$.CustomerEndpoint.Address by $.SegmentAttributes['connect:Subtype']"
    here = Exported(chain(say(text), invoke()), PYTHON)

    contact = here.text_to("+4915112345678", "main")

    assert here.said_in(contact) == [("SYSTEM", "+4915112345678 by connect:SMS")]
    [(step, _)] = here.calls
    told = step.event["Details"]["ContactData"]
    assert told["CustomerEndpoint"] == {"Type": "TELEPHONE_NUMBER", "Address": "+4915112345678"}
    assert told["SystemEndpoint"]["Type"] == "CONNECT_PHONENUMBER_ARN"


def test_a_chat_in_a_browser_has_no_endpoints() -> None:
    here = Exported(chain(say("<$.CustomerEndpoint.Address>"), say("b")))
    socket, _ = here.join("main")

    assert "+" not in here.texts(socket)[0][1]
