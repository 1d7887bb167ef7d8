import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator.flows.rehearsal import NOON
from connect_tasks.emulator.flows.world.world import World
from tests.unit.emulator.flows.run.building import (
    ERROR,
    FUNCTION,
    MISSED,
    MODULE,
    OTHER,
    action,
    ask,
    chain,
    flow,
    invoke,
    play,
    say,
    tells,
    world,
)

BOT = {"intents": [{"name": "Bye", "utterances": ["bye"]}]}


def test_every_action_is_there_once_in_order_with_its_branch_and_where_it_led() -> None:
    compare = action("Compare", when={"CHAT": "ask"}, ComparisonValue="$.Channel")
    bot = ask(errors={MISSED: "late", "InputTimeLimitExceeded": "late"})
    played = play(
        say("Hi", to="Compare"), compare, bot, tells("late"), world=world(bot=BOT), customer=["bye"]
    )
    way = [(e.identifier, e.type, e.result, e.next_action) for e in played.trace]
    assert way == [
        ("Hi", "MessageParticipant", "Success", "Compare"),
        ("Compare", "Compare", "CHAT", "ask"),
        ("ask", "ConnectParticipantWithLexBot", MISSED, "late"),
        ("late", "MessageParticipant", "Success", "end"),
        ("end", "DisconnectParticipant", "Disconnected", None),
    ]


def test_an_action_that_still_waits_is_not_in_the_trace() -> None:
    played = play(say("Hi", to="ask"), ask(), world=world(bot=BOT))
    assert [entry.identifier for entry in played.trace] == ["Hi"]


def test_an_entry_has_the_time_at_which_the_action_was_done() -> None:
    played = play(chain(say("Hi"), action("Wait", TimeLimitSeconds="90")))
    assert [entry.at - NOON for entry in played.trace] == [
        timedelta(),
        timedelta(seconds=90),
        timedelta(seconds=90),
    ]


def test_operands_name_branches_with_the_operator_unless_it_is_equals() -> None:
    compare = action("Compare", when=[("TextStartsWith", "CH", "end")], ComparisonValue="$.Channel")
    assert play(compare).trace[0].result == "TextStartsWith CH"


def test_entries_name_the_flow_that_they_are_of() -> None:
    onward = action("TransferToFlow", ContactFlowId=OTHER)
    module = action("InvokeFlowModule", FlowModuleId=MODULE)
    around = world(
        other=chain(say("there"), name="other"), module=flow(say("in", to=None), name="module")
    )
    played = play(chain(module, onward), world=around)
    assert [(entry.flow, entry.identifier) for entry in played.trace] == [
        ("module", "in"),
        ("main", "InvokeFlowModule"),
        ("main", "TransferToFlow"),
        ("other", "there"),
        ("other", "end"),
    ]
    assert played.trace[2].next_action is None


def test_an_error_says_why_and_reads_as_one_line() -> None:
    entry = play(action("CreateTask", "task", errors={ERROR: "end"})).trace[0]
    assert entry.detail
    assert str(entry) == f"main: task (CreateTask) {ERROR} -> end ({entry.detail})"


def test_the_reason_of_an_error_names_what_is_missing() -> None:
    def why(kind: str, **parameters: Any) -> str:
        return play(action(kind, to="end", **parameters)).trace[0].detail

    assert "q9" in why("UpdateContactTargetQueue", QueueId="q9")
    assert "agents" in why("UpdateContactTargetQueue")
    assert "h9" in why("CheckHoursOfOperation", HoursOfOperationId="h9")
    assert "target queue" in why("CheckHoursOfOperation")
    assert "queue" in why("CheckMetricData", MetricType="x")
    assert "f9" in why("TransferToFlow", ContactFlowId="f9")
    assert "f9" in why("InvokeLambdaFunction", LambdaFunctionARN="f9")


CARD = "4111-1111-1111-1111"
LEAKING = """
def f(event, context):
    return {}[event["Details"]["ContactData"]["Attributes"]["card"]]
"""


class _Spiteful(dict[str, Any]):
    """Parameters that say what they were given when they are read."""

    def get(self, *_: Any) -> Any:
        raise ValueError(CARD)


def _everywhere(stub: Path) -> Any:
    """A flow that has to do with an attribute wherever its actions can."""
    broken = replace(action("Compare", "broken"), parameters=_Spiteful())
    one = chain(
        say("$.Attributes.card", "say"),
        action("Compare", ComparisonValue="$.Attributes.card"),
        action("UpdateContactTargetQueue", QueueId="$.Attributes.card"),
        action("UpdateContactAttributes", Attributes={"$.Attributes.card": "$.Attributes.card"}),
        invoke(),
        broken,
        ask(Text="$.Attributes.card"),
        action("ShowView", ViewResource={"Id": "$.Attributes.card"}),
    )
    around = World.model_validate({"lambdas": {FUNCTION: f"{stub}:f"}})
    around = around.model_copy(update={"bots": world(bot=BOT).bots})
    return play(one, world=around, attributes={"card": CARD}, customer=[CARD, {"action": CARD}])


def test_no_log_at_any_level_has_anything_of_the_customer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stub = tmp_path / "stub.py"
    stub.write_text(LEAKING)
    with caplog.at_level(logging.DEBUG):
        played = _everywhere(stub)

    assert [entry.identifier for entry in played.trace if CARD in entry.detail]
    assert played.trace[-1].type == "DisconnectParticipant"
    assert "Action broken failed: ValueError." in caplog.messages
    assert "The function f of stub.py, line 3 failed: KeyError" in caplog.messages
    formatted = [logging.Formatter().format(record) for record in caplog.records]
    assert len(formatted) > len(played.trace)
    assert [line for line in formatted if CARD in line] == []
    # Nor what a handler of somebody else's could make of a record.
    assert [record for record in caplog.records if CARD in repr(vars(record))] == []
