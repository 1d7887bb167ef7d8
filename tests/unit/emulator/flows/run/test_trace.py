from datetime import timedelta
from typing import Any

from connect_tasks.emulator.flows.rehearsal import NOON
from tests.unit.emulator.flows.run.building import (
    ERROR,
    MISSED,
    MODULE,
    OTHER,
    action,
    ask,
    chain,
    flow,
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
