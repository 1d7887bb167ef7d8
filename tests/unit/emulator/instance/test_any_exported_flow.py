"""Whatever a flow holds, and whoever does what in its chat, the instance bears it."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.world.world import Function, FunctionAnswer
from connect_tasks.emulator.flows.world.world import World as Around
from connect_tasks.emulator.instance.agent_desk import AgentDesk
from connect_tasks.emulator.model.errors import RefusedError
from tests.unit.emulator.flows.run.building import FUNCTION
from tests.unit.emulator.flows.run.test_any_flow import flows, worlds
from tests.unit.emulator.instance.test_exported_conversation import Exported

PYTHON = {FUNCTION: Function.model_validate("stubs.py:f")}
ANSWERS: list[Any] = [{"return": {"k": "v"}}, {"return": {"k": {"a": [1]}}}, {"fail": "error"}]
TIMES = {"Type": "INITIATION_TIMESTAMP", "StartTime": 0, "EndTime": 10**10}

OF_CUSTOMER = ["say", "bye", "7", "customer", "leave"]
OF_OTHERS = ["later", "much later", "agent", "agent leaves", "answer", "attributes"]
happenings = st.lists(st.sampled_from([*OF_CUSTOMER, *OF_OTHERS]), max_size=25)


class _Chat(Exported):
    """A chat with a flow, and all that can be done in it."""

    def __init__(self, one: Flow, around: Around, think: float) -> None:
        super().__init__(one, around, think=think)
        self.desk = AgentDesk(self.backend)
        self.socket, self.token = self.join(one.name)
        self.id = self.socket.items[0]["ContactId"]
        self.answered = 0

    def happen(self, what: str) -> None:
        match what:
            case "later" | "much later":
                self.pass_time(seconds=61 if what == "later" else 3_000)
            case "agent":
                self.desk.say(self.latest, "AGENT", "Hello")
            case "agent leaves":
                self.desk.leave(self.latest, "AGENT")
            case "customer":
                self.desk.say(self.latest, "CUSTOMER", "Hello")
            case "leave":
                self.call("DisconnectParticipant", self.token)
            case "attributes":
                named = {"InstanceId": self.backend.instance_id, "InitialContactId": self.latest}
                self.call("UpdateContactAttributes", **named, Attributes={"a": "x"})
            case "answer":
                self.answer()
            case _:
                self.say(self.token, what)

    @property
    def latest(self) -> str:
        return self.backend.chats[self.id].latest.contact_id

    def answer(self) -> None:
        if self.answered < len(self.calls):
            given_ = ANSWERS[self.answered % len(ANSWERS)]
            self.calls[self.answered][1](FunctionAnswer.model_validate(given_))
            self.answered += 1

    def look(self) -> None:
        """Ask for all that can be asked for, as it goes over the wire."""
        named = {"InstanceId": self.backend.instance_id}
        told = [self.describe(contact_id) for contact_id in self.backend.chats]
        told.append(self.call("SearchContacts", **named, TimeRange=TIMES))
        with suppress(RefusedError):
            told.append(self.call("GetTranscript", self.token))
            views = list(self.backend.views)
            told += [self.call("DescribeView", self.token, ViewToken=view) for view in views]
        json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
        for chat in self.backend.chats.values():
            assert chat.record().transcript == tuple(chat.items)


@settings(max_examples=40, deadline=None)
@given(flows(), worlds, happenings, st.sampled_from([None, PYTHON]), st.sampled_from([0.0, 5.0]))
def test_whatever_a_flow_holds_and_whoever_does_what_the_chat_can_be_looked_at_and_ends(
    one: Flow, around: Around, order: list[str], functions: Any, think: float
) -> None:
    if functions is not None:
        around = around.model_copy(update={"lambdas": functions})
    others = {arn: replace(flow, name="another") for arn, flow in around.flows.items()}
    chat = _Chat(one, around.model_copy(update={"flows": others}), think)
    for what in order:
        # What is refused, because the chat is over or does not take it, changes nothing.
        with suppress(RefusedError):
            chat.happen(what)
    chat.look()
    chat.pass_time(hours=26)
    chat.look()
    assert not chat.backend.chats[chat.id].latest.is_open
    assert not chat.backend.views
