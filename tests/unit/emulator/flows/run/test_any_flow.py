"""Whatever a flow holds, a conversation comes to one of three ends, within bounds."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.emulator.flows.exported.document import Action, Condition, Flow
from connect_tasks.emulator.flows.rehearsal import NOON, rehearse
from connect_tasks.emulator.flows.run.actions.table import ACTIONS
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.flow_run import FlowRun
from connect_tasks.emulator.flows.run.kinds import NO_EFFECT, OTHER_SERVICES, VOICE_ONLY
from connect_tasks.emulator.flows.world.world import World
from tests.unit.emulator.flows.run.building import BOT, FUNCTION, HOURS, MODULE, OTHER, Q, world

pytestmark = pytest.mark.thorough

KINDS = sorted([*ACTIONS, *ACTIONS, *NO_EFFECT, *VOICE_ONLY, *OTHER_SERVICES, "Unknown", ""])
PLACES = ["a", "b", "c", "d", "e"]
NAMES = [
    "AgentId",
    "Attributes",
    "ComparisonValue",
    "ContactFlowId",
    "EventHooks",
    "EventHooksConfiguration",
    "Events",
    "FlowAttributes",
    "FlowModuleId",
    "HoursOfOperationId",
    "Input",
    "InvocationTimeLimitSeconds",
    "InvocationType",
    "LambdaFunctionARN",
    "LambdaInvocationAttributes",
    "LexBot",
    "LexInitializationData",
    "LexSessionAttributes",
    "LexTimeoutSeconds",
    "LexV2Bot",
    "LoopCount",
    "LoopName",
    "MetricType",
    "QueueId",
    "References",
    "ResponseValidation",
    "Result",
    "ResultData",
    "TargetContact",
    "Text",
    "TimeLimitSeconds",
    "ViewData",
    "ViewResource",
]
RIGHT: dict[str, Any] = {
    "AgentId": "",
    "Attributes": {"a": "$.External.k"},
    "ContactFlowId": OTHER,
    "EventHooks": {"CustomerQueue": OTHER, "CustomerRemaining": OTHER, "CustomerWhisper": OTHER},
    "Events": ["CustomerReturned"],
    "FlowAttributes": {"a": {"Value": "b"}},
    "FlowModuleId": MODULE,
    "HoursOfOperationId": HOURS,
    "LambdaFunctionARN": FUNCTION,
    "LexTimeoutSeconds": {"Text": "60"},
    "LexV2Bot": {"AliasArn": BOT},
    "LoopCount": "3",
    "MetricType": "NumberOfContactsInQueue",
    "QueueId": Q,
    "TimeLimitSeconds": "60",
}

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["$.External.k", "$.Attributes.a", "0", "5", OTHER, MODULE, Q, BOT, FUNCTION])
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.text(max_size=3) | st.sampled_from(["Text", "Value"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, Any]:
    given_ = dict(RIGHT) if draw(st.booleans()) else {}
    wrong = draw(st.dictionaries(st.sampled_from(NAMES), values, max_size=3))
    return {**given_, **wrong}


places = st.sampled_from([*PLACES, "nowhere"])
operators = st.sampled_from(["Equals", "NumberLessThan", "TextContains", "KeyExists", "Nonsense"])
operands = st.sampled_from(
    ["ContinueLooping", "DoneLooping", "True", "50", "WaitCompleted", "Bye", "x", "$.Attributes.a"]
)
conditions = st.lists(st.builds(Condition, operators, operands, places), max_size=3).map(tuple)
errors = st.dictionaries(
    st.sampled_from(["NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded"]), places
)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    actions = {
        place: Action(
            identifier=place,
            type=draw(st.sampled_from(KINDS)),
            parameters=draw(parameters()),
            next_action=draw(st.none() | places),
            conditions=draw(conditions),
            errors=draw(errors),
        )
        for place in PLACES
    }
    return Flow(name=draw(st.sampled_from("xyz")), start="a", actions=actions, content="{}")


answers = st.sampled_from(
    [
        {"return": {"k": "v"}},
        {"fail": "throttle"},
        {"otherwise": {"return": [1], "seconds": 2}},
        {"otherwise": {"return": {}, "seconds": 9}},
    ]
)
SLOT = {"name": "s", "pattern": "[0-9]+", "prompt": "Which?"}
SHOP = {
    "clarification": {"text": "Pardon?"},
    "intents": [{"name": "Bye", "utterances": ["bye"], "slots": [SLOT]}],
}
worlds = st.builds(
    world,
    function=answers,
    bot=st.just(SHOP),
    queue=st.sampled_from([{}, {"agent": {"says": ["Hello", "Bye"]}}, {"capacity": 0}]),
    hours=st.just({}),
    other=flows(),
    module=flows(),
)
deeds = st.lists(
    st.sampled_from(["bye", "7", "x", {"silence": 61}, {"silence": 90_000}, {"action": "x"}]),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(flows(), worlds, deeds)
def test_any_flow_comes_to_one_of_three_ends_in_bounded_steps_and_never_raises(
    flow: Flow, around: World, customer: list[Any]
) -> None:
    played = rehearse(flow, around, customer=customer)

    assert played.end["state"] in {"ended", "queued", "open"}
    assert (played.end["state"] == "ended") == ("reason" in played.end)
    assert played.seconds <= timedelta(hours=25).total_seconds()
    assert len(played.trace) < 200_000
    assert [line.at_seconds for line in played.lines] == sorted(
        line.at_seconds for line in played.lines
    )


@settings(max_examples=50, deadline=None)
@given(flows(), worlds, deeds)
def test_a_conversation_is_the_same_when_it_is_played_again(
    flow: Flow, around: World, customer: list[Any]
) -> None:
    assert repr(rehearse(flow, around, customer=customer)) == repr(
        rehearse(flow, around, customer=customer)
    )


happenings = st.lists(
    st.sampled_from(["advance", "later", "hear", "join", "leave", "answer"]), max_size=30
)


@settings(max_examples=100, deadline=None)
@given(flows(), worlds, happenings)
def test_whatever_happens_to_a_run_in_whatever_order_it_bears(
    flow: Flow, around: World, order: list[str]
) -> None:
    contact = Contact(contact_id="1", initial_contact_id="1")
    run = FlowRun(flow, around, contact, draw=lambda: 1, now=NOON)
    now = NOON
    for what in order:
        match what:
            case "later":
                now += timedelta(seconds=61)
            case "hear":
                run.hear("bye")
            case "join":
                run.join_agent("Ada")
            case "leave":
                run.leave_agent()
            case _:
                run.advance(now)
    assert run.place in {"flow", "queue", "agent"}
