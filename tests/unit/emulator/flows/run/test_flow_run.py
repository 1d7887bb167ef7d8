from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.rehearsal import NOON
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.flow_run import FlowRun
from connect_tasks.emulator.flows.steps import End, FollowUp, Invoke, Say, Signal, Step, Store
from connect_tasks.emulator.flows.world.world import FunctionAnswer, World
from tests.unit.emulator.flows.run.building import (
    ERROR,
    FUNCTION,
    OTHER,
    Q,
    action,
    ask,
    chain,
    flow,
    invoke,
    play,
    said,
    say,
    tells,
    world,
)


def run_of(one: Flow, around: World | None = None) -> FlowRun:
    contact = Contact(contact_id="1", initial_contact_id="1")
    return FlowRun(one, around or World(), contact, draw=lambda: 1, now=NOON)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def steps(run: FlowRun, seconds: float = 0) -> Iterator[Step]:
    return iter(lambda: run.advance(after(seconds)), None)


def texts(run: FlowRun, seconds: float = 0) -> list[str]:
    return [step.text for step in islice(steps(run, seconds), 5_000) if isinstance(step, Say)]


BOT = {"intents": [{"name": "Bye", "utterances": ["bye"]}]}


def test_steps_come_one_at_a_time_and_the_last_one_ends_the_contact() -> None:
    run = run_of(chain(say("a"), say("b")))
    kinds = [type(step) for step in steps(run)]
    assert kinds == [Say, Say, End]
    assert run.is_over
    assert run.advance(NOON) is None


def test_a_run_says_what_it_waits_for() -> None:
    run = run_of(flow(ask(LexTimeoutSeconds={"Text": "60"})), world(bot=BOT))
    assert texts(run) == ["How can I help?"]
    assert (run.listens, run.is_busy, run.place, run.due) == (True, False, "flow", after(60))
    assert run.advance(after(59)) is None
    assert isinstance(run.advance(after(60)), End)


def test_a_message_that_nobody_waits_for_is_lost() -> None:
    pause = action("Wait", to="ask", TimeLimitSeconds="5")
    run = run_of(flow(pause, ask(when={"Bye": "Bye"}), tells("Bye")), world(bot=BOT))
    assert texts(run) == []
    run.hear("bye")
    assert texts(run, 5) == ["How can I help?"]
    assert run.listens
    run.hear("bye")
    assert texts(run, 5) == ["Bye"]


PYTHON = World.model_validate({"lambdas": {FUNCTION: "stubs.py:f"}})


def calling() -> FlowRun:
    ok = say("$.External.k", "ok")
    return run_of(flow(invoke(seconds="4"), ok, tells("failed")), PYTHON)


def test_a_python_function_is_called_by_a_step_and_answers_later() -> None:
    run = calling()
    step = run.advance(NOON)
    assert isinstance(step, Invoke)
    assert (step.function, step.seconds) == ("stubs.py:f", 4)
    assert run.advance(NOON) is None
    assert run.is_busy
    run.answer(step.number, FunctionAnswer.model_validate({"return": {"k": "v"}}))
    assert texts(run, 1) == ["v"]


def test_an_answer_that_comes_too_late_or_to_another_call_is_lost() -> None:
    run = calling()
    step = run.advance(NOON)
    assert isinstance(step, Invoke)
    run.advance(NOON)
    run.answer(step.number + 1, FunctionAnswer.model_validate({"return": {"k": "v"}}))
    assert run.advance(after(3)) is None
    assert texts(run, 4) == ["failed"]
    run.answer(step.number, FunctionAnswer.model_validate({"return": {"k": "v"}}))
    assert run.advance(after(5)) is None


def test_a_python_function_that_fails_takes_the_error_branch() -> None:
    run = calling()
    step = run.advance(NOON)
    assert isinstance(step, Invoke)
    run.answer(step.number, FunctionAnswer(fail="error"))
    assert texts(run) == ["failed"]


def test_an_asynchronous_python_function_answers_by_a_wait() -> None:
    call = invoke(InvocationType="ASYNCHRONOUS")
    pause = action("Wait", TimeLimitSeconds="5")
    run = run_of(chain(call, pause, say("[$.External.k]")), PYTHON)
    step = run.advance(NOON)
    assert isinstance(step, Invoke)
    assert run.advance(NOON) is None
    assert not run.is_busy
    run.answer(step.number, FunctionAnswer.model_validate({"return": {"k": "v"}}))
    assert texts(run, 5) == ["[v]"]


def test_attributes_that_a_flow_sets_are_a_step_too() -> None:
    run = run_of(flow(action("UpdateContactAttributes", to="end", Attributes={"a": "$.Channel"})))
    assert run.advance(NOON) == Store({"a": "CHAT"})


def endless(*actions: Any, **around: Any) -> tuple[FlowRun, list[str]]:
    run = run_of(flow(*actions, name="circle"), world(**around))
    return run, texts(run)


def test_a_thousand_actions_without_anybody_are_stopped_and_located() -> None:
    run, heard = endless(say("x", "again", to="again"))
    assert len(heard) == 1_000
    assert run.problem is not None
    for part in ("circle", "again", "MessageParticipant", "1,000"):
        assert part in run.problem
    assert run.is_over


def test_a_thousand_actions_are_still_played() -> None:
    loops = [
        action("Loop", "a", when={"ContinueLooping": "b", "DoneLooping": "end"}, LoopCount="9"),
        action("Loop", "b", when={"ContinueLooping": "b", "DoneLooping": "a"}, LoopCount="100"),
    ]
    run, _ = endless(*loops)
    assert run.problem is None
    assert run.is_over


def test_a_bot_or_view_that_fails_back_to_itself_is_stopped() -> None:
    run, _ = endless(ask(errors={ERROR: "ask"}))
    assert run.problem is not None
    assert "ask" in run.problem
    view = action("ShowView", errors={ERROR: "ShowView"}, InvocationTimeLimitSeconds="x")
    assert endless(view)[0].problem is not None


def test_a_wait_of_no_time_is_going_round_too() -> None:
    run, _ = endless(action("Wait", to="Wait", TimeLimitSeconds="0"))
    assert run.problem is not None


def test_a_flow_that_waits_for_somebody_may_go_round_for_ever() -> None:
    one = flow(ask(to="ask", errors={"InputTimeLimitExceeded": "ask"}), name="patient")
    played = play(one, world=world(bot=BOT), customer=["x"] * 1_200)
    assert played.problem is None
    assert len(played.lines) == 2_401


@pytest.mark.parametrize("seconds", [0, 1])
def test_waiting_for_functions_alone_is_going_round(seconds: float) -> None:
    function = {"otherwise": {"return": {}, "seconds": seconds}}
    played = play(invoke(to="invoke"), world=world(function=function))
    assert played.problem is not None
    assert "invoke" in played.problem


def test_calling_python_functions_alone_is_going_round() -> None:
    run = run_of(flow(invoke(to="invoke")), PYTHON)
    for second in range(1_001):
        step = run.advance(after(second))
        if not isinstance(step, Invoke):
            break
        run.advance(after(second))
        run.answer(step.number, FunctionAnswer.model_validate({"return": {}}))
    assert isinstance(step, End)
    assert run.problem is not None


def queue_of(**hooks: Flow) -> FlowRun:
    """A contact in a queue without a scripted agent."""
    chosen = [
        action("UpdateContactEventHooks", name, EventHooks={name: OTHER + name}) for name in hooks
    ]
    target = action("UpdateContactTargetQueue", QueueId=Q)
    around = world(queue={"name": "Help"}).model_copy(
        update={"flows": {OTHER + name: one for name, one in hooks.items()}}
    )
    return run_of(chain(*chosen, target, action("TransferContactToQueue")), around)


def test_a_person_takes_the_contact_from_the_queue_and_leaves() -> None:
    run = queue_of()
    assert not run.join_agent("Ada")
    assert texts(run) == []
    assert run.place == "queue"
    assert not run.leave_agent()
    assert run.join_agent("Ada")
    assert texts(run) == []
    assert run.place == "agent"
    assert run.leave_agent()
    last = run.advance(NOON)
    assert isinstance(last, End)
    assert last.reason == "AGENT_DISCONNECT"
    assert last.leaver is not None
    assert last.leaver.display_name == "Ada"


def test_a_person_interrupts_the_queues_flow_and_is_whispered_of() -> None:
    hold = chain(say("Hold on"), action("Wait", TimeLimitSeconds="60"), say("never"))
    whisper = flow(say("Ada comes", to=None))
    run = queue_of(CustomerQueue=hold, CustomerWhisper=whisper)
    assert texts(run) == ["Hold on"]
    assert (run.place, run.due) == ("queue", after(60))
    assert run.join_agent("Ada")
    assert texts(run) == ["Ada comes"]
    assert (run.place, run.due) == ("agent", None)


def test_a_person_who_joins_while_the_queues_flow_is_about_to_speak_is_not_lost() -> None:
    hold = chain(say("Hold on"), action("Wait", TimeLimitSeconds="60"), say("never"))
    run = queue_of(CustomerQueue=hold)
    step = run.advance(NOON)
    while not isinstance(step, Say):
        step = run.advance(NOON)
    assert run.join_agent("Ada")
    assert texts(run) == []
    assert (run.place, run.due) == ("agent", None)


def test_a_person_who_joins_too_late_for_a_scripted_agent_is_no_message_to_them() -> None:
    hold = chain(say("Hold on"), action("Wait", TimeLimitSeconds="60"))
    around = world(queue={"agent": {"displayName": "Bo", "says": ["Hello", "Bye"]}})
    hooks = around.model_copy(update={"flows": {OTHER: hold}})
    chosen = action("UpdateContactEventHooks", EventHooks={"CustomerQueue": OTHER})
    target = action("UpdateContactTargetQueue", QueueId=Q)
    run = run_of(chain(chosen, target, action("TransferContactToQueue")), hooks)
    step = run.advance(NOON)
    while not isinstance(step, Say):
        step = run.advance(NOON)
    assert run.join_agent("Ada")
    assert texts(run) == ["Hello"]
    assert run.listens


def test_the_disconnect_flow_is_a_contact_of_its_own_after_the_agent_has_left() -> None:
    run = queue_of(
        CustomerRemaining=flow(say("$.ContactId $.InitialContactId $.PreviousContactId"))
    )
    assert texts(run) == []
    run.join_agent("Ada")
    assert texts(run) == []
    run.leave_agent()
    assert isinstance(run.advance(NOON), Signal)
    assert isinstance(run.advance(NOON), FollowUp)
    run.follow("2", {"a": "b"})
    assert texts(run) == ["2 1 1"]
    assert [entry.type for entry in run.trace] == ["MessageParticipant", "DisconnectParticipant"]


def test_what_fails_within_an_action_is_an_error_of_that_action() -> None:
    one = action("Wait", errors={ERROR: "failed"}, TimeLimitSeconds="1", Events=3)
    played = play(one, tells("failed"))
    assert said(played) == ["failed"]
    assert "TypeError" in played.trace[0].detail


def test_warnings_are_given_once() -> None:
    loop = action("Loop", when={"ContinueLooping": "task", "DoneLooping": "end"}, LoopCount="5")
    played = play(loop, action("CreateTask", "task", to="Loop"))
    assert len(played.warnings) == 1
