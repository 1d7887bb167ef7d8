from typing import Any

import pytest

from tests.unit.emulator.flows.run.building import (
    ERROR,
    OTHER,
    Q,
    action,
    branch_of,
    chain,
    flow,
    lines,
    play,
    said,
    say,
    tells,
    world,
)

TARGET = action("UpdateContactTargetQueue", "target", QueueId=Q, errors={ERROR: "end"})
FULL = {ERROR: "failed", "QueueAtCapacity": "full"}
ENTER = action("TransferContactToQueue", "enter", to="on", errors=FULL)
ENDS = [tells(text) for text in ("on", "failed", "full")]


def hook(event: str, arn: Any = OTHER, identifier: str = "") -> Any:
    return action(
        "UpdateContactEventHooks",
        identifier or event,
        errors={ERROR: "end"},
        EventHooks={event: arn},
    )


def queued(*before: Any, queue: Any = None, beside: Any = None, **options: Any) -> Any:
    """A contact that goes to a queue; `beside` is the flow that hooks name."""
    first = chain(*before, TARGET)
    actions = [*first.actions.values()][1:-1]
    target = action("UpdateContactTargetQueue", "target", to="enter", QueueId=Q)
    around = world(queue={"name": "Help", **(queue or {})}, other=beside)
    return play(flow(*actions, target, ENTER, *ENDS), world=around, **options)


def test_an_unknown_queue_is_an_error_and_the_one_before_stays() -> None:
    unknown = action("UpdateContactTargetQueue", QueueId="arn:x/queue/none", errors={ERROR: "end"})
    assert branch_of(unknown, world=world(queue={})) == ERROR
    played = play(chain(TARGET, unknown, say("$.Queue.Name")), world=world(queue={"name": "Help"}))
    assert said(played) == ["Help"]


@pytest.mark.parametrize("parameters", [{}, {"AgentId": "arn:agent/a"}, {"QueueId": ""}])
def test_no_queue_is_an_error(parameters: Any) -> None:
    one = action("UpdateContactTargetQueue", errors={ERROR: "end"}, **parameters)
    assert branch_of(one, world=world(queue={})) == ERROR


def test_a_queue_can_be_a_reference_and_is_found_by_its_last_part() -> None:
    one = action(
        "UpdateContactTargetQueue", to="end", errors={ERROR: "x"}, QueueId="$.Attributes.q"
    )
    around = world(queue={})
    for arn in (Q, "arn:aws:connect:eu-west-2:9:instance/z/queue/q", "q"):
        assert branch_of(one, world=around, attributes={"q": arn}) == "Success"


def test_a_transfer_to_a_queue_ends_the_flow_and_leaves_the_contact_there() -> None:
    played = queued()
    assert said(played) == []
    assert played.end == {"state": "queued", "queue": "Help"}
    assert played.trace[-1].next_action is None


def test_a_transfer_without_a_target_queue_is_an_error() -> None:
    assert said(play(ENTER, *ENDS)) == ["failed"]


@pytest.mark.parametrize(
    ("queue", "text"),
    [
        ({"capacity": 3, "waiting": 3}, ["full"]),
        ({"capacity": 0}, ["full"]),
        ({"capacity": 3, "waiting": 2}, []),
        ({"waiting": 999}, []),
        ({"enabled": False}, ["failed"]),
        ({"enabled": False, "capacity": 0}, ["failed"]),
    ],
)
def test_a_queue_that_is_full_or_disabled_is_an_error(queue: Any, text: list[str]) -> None:
    assert said(queued(queue=queue)) == text


def test_a_full_queue_without_a_branch_of_its_own_is_any_error() -> None:
    enter = action("TransferContactToQueue", errors={ERROR: "failed"})
    target = action("UpdateContactTargetQueue", to=enter.identifier, QueueId=Q)
    around = world(queue={"capacity": 0})
    assert said(play(target, enter, tells("failed"), world=around)) == ["failed"]


AGENT = {"displayName": "Ada", "says": ["Hello", "How are you?", "Bye"]}


def test_an_agent_says_the_first_on_joining_and_the_next_after_each_message() -> None:
    played = queued(queue={"agent": AGENT}, customer=["a", "b"])
    assert lines(played) == [
        ("AGENT", "Hello"),
        ("CUSTOMER", "a"),
        ("AGENT", "How are you?"),
        ("CUSTOMER", "b"),
        ("AGENT", "Bye"),
    ]
    assert played.end == {"state": "ended", "reason": "AGENT_DISCONNECT", "queue": "Help"}


def test_while_the_agent_has_more_to_say_the_chat_is_open() -> None:
    played = queued(queue={"agent": AGENT}, customer=["a"])
    assert played.end == {"state": "open", "queue": "Help"}


HOLD = chain(say("You are in a queue"), action("Wait", TimeLimitSeconds="30"), say("Still there"))


def test_the_queues_flow_runs_before_an_agent_comes() -> None:
    played = queued(hook("CustomerQueue"), beside=HOLD)
    assert said(played) == ["You are in a queue"]
    assert played.end["state"] == "queued"


def test_the_queues_flow_goes_on_with_time_and_can_end_the_contact() -> None:
    played = queued(hook("CustomerQueue"), beside=HOLD, customer=[{"silence": 30}])
    assert said(played) == ["You are in a queue", "Still there"]
    assert played.end == {"state": "ended", "reason": "CONTACT_FLOW_DISCONNECT", "queue": "Help"}


@pytest.mark.parametrize("last", [action("EndFlowExecution", "stop"), None])
def test_a_queues_flow_that_is_over_leaves_the_contact_in_the_queue(last: Any) -> None:
    beside = flow(say("Hold on", to="stop"), *([last] if last else []))
    played = queued(hook("CustomerQueue"), beside=beside)
    assert (said(played), played.end["state"]) == (["Hold on"], "queued")


def test_messages_again_and_again_in_a_queue_stop_its_flow_and_the_agent_comes() -> None:
    beside = flow(action("MessageParticipantIteratively", to="end", Messages=[]))
    played = queued(hook("CustomerQueue"), queue={"agent": AGENT}, beside=beside)
    assert said(played) == ["Hello"]
    assert played.end["state"] == "open"


def test_an_agent_comes_at_the_first_pause_of_the_queues_flow() -> None:
    played = queued(hook("CustomerQueue"), queue={"agent": AGENT}, beside=HOLD)
    assert said(played) == ["You are in a queue", "Hello"]


def test_a_queues_flow_can_transfer_to_another_queue() -> None:
    beside = flow(say("Moving", to="enter"), ENTER, *ENDS)
    played = queued(hook("CustomerQueue"), beside=beside, queue={"capacity": 1})
    assert said(played)[:3] == ["Moving"] * 3
    assert played.problem is not None


def test_a_hooked_flow_can_be_switched_off_and_on_again() -> None:
    def switch(value: str) -> Any:
        return action(
            "UpdateContactEventHooks",
            f"switch {value}",
            EventHooksConfiguration={"CustomerQueue": {"DisableExecution": value}},
        )

    assert said(queued(hook("CustomerQueue"), switch("True"), beside=HOLD)) == []
    back = [hook("CustomerQueue"), switch("True"), switch("False")]
    assert said(queued(*back, beside=HOLD)) == ["You are in a queue"]


def test_the_last_hook_of_an_event_counts() -> None:
    played = queued(hook("CustomerQueue"), hook("CustomerQueue", identifier="again"), beside=HOLD)
    assert said(played) == ["You are in a queue"]


@pytest.mark.parametrize("event", ["AgentHold", "CustomerHold", "NoSuchEvent"])
def test_an_event_that_a_chat_does_not_have_is_an_error(event: str) -> None:
    assert branch_of(hook(event), world=world(other=HOLD)) == ERROR


@pytest.mark.parametrize(
    "event",
    ["AgentWhisper", "DefaultAgentUI", "DisconnectAgentUI", "PauseContact", "ResumeContact"],
)
def test_what_customers_do_not_see_of_agents_leads_on_and_shows_nothing(event: str) -> None:
    assert branch_of(hook(event, "arn:unknown/x")) == "Success"
    played = queued(hook(event), queue={"agent": {"says": ["Hello"]}}, beside=HOLD)
    assert said(played) == ["Hello"]


@pytest.mark.parametrize("event", ["CustomerQueue", "CustomerRemaining", "CustomerWhisper"])
def test_a_hook_of_an_unknown_flow_is_an_error(event: str) -> None:
    assert branch_of(hook(event, "arn:unknown/x")) == ERROR
    assert branch_of(hook(event, "$.Attributes.none")) == ERROR
    by_reference = hook(event, "$.Attributes.f")
    around = world(other=HOLD)
    assert branch_of(by_reference, world=around, attributes={"f": OTHER}) == "Success"


@pytest.mark.parametrize(
    "parameters", [{}, {"EventHooks": {}}, {"EventHooks": "x"}, {"EventHooksConfiguration": []}]
)
def test_no_hooks_are_an_error(parameters: Any) -> None:
    one = action("UpdateContactEventHooks", errors={ERROR: "end"}, **parameters)
    assert branch_of(one) == ERROR


def test_the_customer_hears_the_whisper_before_the_agent() -> None:
    whisper = flow(say("An agent is coming", to="stop"), action("EndFlowExecution", "stop"))
    played = queued(hook("CustomerWhisper"), queue={"agent": AGENT}, beside=whisper)
    assert lines(played) == [("FLOW", "An agent is coming"), ("AGENT", "Hello")]


GOODBYE = flow(say("How was it?"))


def test_the_disconnect_flow_runs_after_the_agent_has_left() -> None:
    agent = {"says": ["Hello", "Bye"]}
    played = queued(
        hook("CustomerRemaining"), queue={"agent": agent}, beside=GOODBYE, customer=["a"]
    )
    assert said(played) == ["Hello", "Bye", "How was it?"]
    assert played.end["reason"] == "CONTACT_FLOW_DISCONNECT"


def test_the_disconnect_flow_does_not_run_after_a_disconnect_of_the_flow() -> None:
    played = play(chain(hook("CustomerRemaining"), say("Bye")), world=world(other=GOODBYE))
    assert said(played) == ["Bye"]


def test_hooks_and_queue_stay_when_another_flow_goes_on() -> None:
    onward = action("TransferToFlow", ContactFlowId="main")
    first = chain(hook("CustomerQueue"), TARGET, onward)
    around = world(queue={"name": "Help"}, other=HOLD)
    last = flow(action("TransferContactToQueue"))
    around = around.model_copy(update={"flows": {**around.flows, "main": last}})
    assert said(play(first, world=around)) == ["You are in a queue"]


@pytest.mark.parametrize("event", ["CustomerQueue", "CustomerRemaining", "CustomerWhisper"])
def test_flow_attributes_are_those_of_one_flow_only(event: str) -> None:
    remember = action("UpdateFlowAttributes", FlowAttributes={"k": {"Value": "v"}})
    beside = flow(say("[$.FlowAttributes.k]", to="stop"), action("EndFlowExecution", "stop"))
    agent = {"says": ["Hello"]}
    played = queued(hook(event), remember, queue={"agent": agent}, beside=beside)
    assert "[]" in said(played)


def test_a_loop_counts_anew_in_the_disconnect_flow() -> None:
    branches = {"ContinueLooping": "more", "DoneLooping": "done"}
    loop = action("Loop", when=branches, LoopCount="1")
    beside = flow(loop, tells("more"), tells("done"))
    agent = {"says": ["Hello"]}
    played = queued(loop, hook("CustomerRemaining"), queue={"agent": agent}, beside=beside)
    assert said(played) == ["Hello", "more"]
