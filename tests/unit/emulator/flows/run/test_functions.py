import json
from typing import Any

import pytest

from connect_tasks.emulator.flows.rehearsal import NOON
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.flow_run import FlowRun
from connect_tasks.emulator.flows.steps import Invoke
from connect_tasks.emulator.flows.world.world import World
from tests.unit.emulator.flows.run.building import (
    FUNCTION,
    Q,
    action,
    chain,
    flow,
    invoke,
    play,
    said,
    say,
    tells,
    world,
)

MOST = 32 * 1024


def outcome(function: Any, text: str = "ok", **options: Any) -> str:
    """What is said after a function was invoked."""
    one = [invoke(**options), say(text, "ok"), tells("failed")]
    return said(play(*one, world=world(function=function)))[0]


def test_an_answer_is_there_below_external() -> None:
    assert outcome({"return": {"k": "v"}}, "$.External.k") == "v"


def test_a_function_that_fails_or_is_not_there_takes_the_error_branch() -> None:
    assert outcome({"fail": "error"}) == "failed"
    assert said(play(invoke(), say("ok", "ok"), tells("failed"))) == ["failed"]


@pytest.mark.parametrize(
    ("seconds", "limit", "text"),
    [
        (0, "1", "ok"),
        (1, "1", "ok"),
        (1.5, "1", "failed"),
        (7.9, "8", "ok"),
        (8.1, "8", "failed"),
        (3.1, "3", "failed"),
        (9, "60", "failed"),
    ],
)
def test_an_answer_has_to_come_within_the_limit_of_8_seconds_at_most(
    seconds: float, limit: str, text: str
) -> None:
    assert outcome({"return": {}, "seconds": seconds}, seconds=limit) == text


def test_the_flow_waits_as_long_as_the_function_takes_but_not_longer() -> None:
    def took(seconds: float) -> float:
        function = {"otherwise": {"return": {}, "seconds": seconds}}
        return play(chain(invoke(seconds="4")), world=world(function=function)).seconds

    assert (took(0), took(2.5), took(6)) == (0, 2.5, 4)


@pytest.mark.parametrize("limit", ["0", "-1", "soon", "1.5"])
def test_a_limit_that_is_no_number_of_seconds_is_an_error(limit: str) -> None:
    assert outcome({"return": {}}, seconds=limit) == "failed"


def throttled(times: int, seconds: float = 0) -> Any:
    refused = {"fail": "throttle", "seconds": seconds}
    return {"sequence": [refused] * times, "otherwise": {"return": {}, "seconds": seconds}}


def test_a_refused_call_is_repeated_up_to_three_times() -> None:
    assert [outcome(throttled(times)) for times in range(6)] == ["ok"] * 4 + ["failed"] * 2


def test_a_refused_call_is_repeated_only_within_the_limit() -> None:
    assert outcome(throttled(3, 2), seconds="8") == "ok"
    assert outcome(throttled(2, 3), seconds="8") == "failed"


def test_what_there_was_no_time_to_repeat_is_not_used_up() -> None:
    function = {
        "sequence": [
            {"fail": "throttle", "seconds": 5},
            {"fail": "throttle", "seconds": 5},
            {"return": {"k": "third"}},
        ],
        "otherwise": {"return": {"k": "later"}},
    }
    flow_ = chain(invoke("one"), invoke("two"), say("$.External.k"))
    assert said(play(flow_, world=world(function=function))) == ["third"]


STRING_MAP: dict[str, Any] = {"ResponseValidation": {"ResponseType": "STRING_MAP"}}
JSON: dict[str, Any] = {"ResponseValidation": {"ResponseType": "JSON"}}


@pytest.mark.parametrize("options", [STRING_MAP, {}, {"ResponseValidation": {}}])
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({}, "ok"),
        ({"a": "b"}, "ok"),
        ({"a": 1}, "failed"),
        ({"a": None}, "failed"),
        ({"a": {"b": "c"}}, "failed"),
        (["a"], "failed"),
        ("a", "failed"),
        (None, "failed"),
    ],
)
def test_a_string_map_is_a_flat_object_of_strings(answer: Any, options: Any, text: str) -> None:
    assert outcome({"otherwise": {"return": answer}}, **options) == text


@pytest.mark.parametrize("answer", [{}, {"a": {"b": [1, None]}}, [1], "text", 3, True, None])
def test_json_can_be_anything(answer: Any) -> None:
    assert outcome({"otherwise": {"return": answer}}, **JSON) == "ok"


def test_numbers_of_a_string_map_are_texts_where_that_is_assumed() -> None:
    around = world(function={"return": {"n": 3}}, assume={"string_map_numbers": "text"})
    assert said(play(chain(invoke(), say("$.External.n")), world=around)) == ["3"]


def test_an_answer_without_a_type_is_json_where_that_is_assumed() -> None:
    around = world(function={"return": {"n": {"m": 3}}}, assume={"no_response_type": "JSON"})
    assert said(play(chain(invoke(), say("$.External.n.m")), world=around)) == ["3"]


def test_an_answer_with_half_a_character_is_not_understood(caplog: Any) -> None:
    assert outcome({"return": {"k": "\ud800"}}, "$.External.k") == "failed"
    assert not caplog.records


@pytest.mark.parametrize("options", [STRING_MAP, JSON])
def test_an_answer_has_32_kib_at_most(options: Any) -> None:
    room = MOST - len(json.dumps({"a": ""}))
    assert outcome({"return": {"a": "x" * room}}, **options) == "ok"
    assert outcome({"return": {"a": "x" * (room + 1)}}, **options) == "failed"


def test_the_next_call_replaces_all_of_the_answer() -> None:
    function = {"sequence": [{"return": {"a": "1", "b": "1"}}, {"return": {"a": "2"}}]}
    flow_ = chain(invoke("one"), invoke("two"), say("$.External.a [$.External.b]"))
    assert said(play(flow_, world=world(function=function))) == ["2 []"]


def test_a_failed_call_keeps_the_answer_before_unless_it_is_assumed_to_clear_it() -> None:
    function = {"sequence": [{"return": {"a": "1"}}, {"fail": "error"}]}
    flow_ = chain(invoke("one"), invoke("two"), say("[$.External.a]"))
    assert said(play(flow_, world=world(function=function))) == ["[1]"]
    clears = world(function=function, assume={"failed_call": "clears"})
    assert said(play(flow_, world=clears)) == ["[]"]


def test_the_event_is_that_of_a_chat() -> None:
    """Members as in an event that was captured of a chat."""
    contact = Contact(
        contact_id="c",
        initial_contact_id="c",
        attributes={"plan": "gold"},
        initial_message="Hello",
        instance_arn="arn:instance",
        region="us-east-1",
    )
    around = World.model_validate({"lambdas": {FUNCTION: "stubs.py:look_up"}})
    one = flow(
        action("UpdateFlowAttributes", to="invoke", FlowAttributes={"f": {"Value": "1"}}),
        invoke(LambdaInvocationAttributes={"who": "$.Attributes.plan", "deep": {"f": "$.Channel"}}),
    )
    step = FlowRun(one, around, contact, draw=lambda: 1, now=NOON).advance(NOON)
    assert isinstance(step, Invoke)
    assert step.function == "stubs.py:look_up"
    assert step.event == {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "Attributes": {"plan": "gold"},
                "AwsRegion": "us-east-1",
                "Channel": "CHAT",
                "ContactId": "c",
                "CustomerEndpoint": None,
                "CustomerId": None,
                "Description": None,
                "InitialContactId": "c",
                "InitiationMethod": "API",
                "InstanceARN": "arn:instance",
                "LanguageCode": "en-US",
                "Media": {"InitialMessage": "Hello"},
                "MediaStreams": {"Customer": {"Audio": {}}},
                "Name": None,
                "PreviousContactId": "c",
                "Queue": None,
                "References": {},
                "RelatedContactId": None,
                "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Chat"}},
                "SystemEndpoint": None,
                "Tags": {},
            },
            "Parameters": {"who": "gold", "deep": {"f": "CHAT"}},
        },
    }


def test_cases_see_the_event_with_parameters_resolved_and_the_queue() -> None:
    function = {
        "cases": [
            {
                "when": {"Parameters.k": "gold", "ContactData.Queue.Name": "Help"},
                "return": {"a": "yes"},
            }
        ]
    }
    call = invoke(LambdaInvocationAttributes={"k": "$.Attributes.plan"})
    target = action("UpdateContactTargetQueue", QueueId=Q)
    around = world(function=function, queue={"name": "Help"})
    played = play(
        chain(target, call, say("$.External.a")), world=around, attributes={"plan": "gold"}
    )
    assert said(played) == ["yes"]


def later(*waits: str, function: Any, **options: Any) -> list[str]:
    call = invoke("call", InvocationType="ASYNCHRONOUS", **options)
    steps = [
        step
        for n, wait in enumerate(waits)
        for step in (
            action("Wait", f"wait {n}", TimeLimitSeconds=wait),
            say("[$.External.k]", f"say {n}"),
        )
    ]
    return said(
        play(chain(call, say("[$.External.k]", "at once"), *steps), world=world(function=function))
    )


def test_an_asynchronous_answer_comes_by_a_wait() -> None:
    function = {"otherwise": {"return": {"k": "v"}, "seconds": 10}}
    assert later("9", "1", function=function) == ["[]", "[]", "[v]"]


def test_an_asynchronous_function_has_60_seconds() -> None:
    def after(seconds: float) -> str:
        function = {"otherwise": {"return": {"k": "v"}, "seconds": seconds}}
        return later("100", function=function)[-1]

    assert (after(60), after(60.5)) == ("[v]", "[]")


@pytest.mark.parametrize(
    "answer", [{"fail": "error"}, {"return": ["v"]}, {"return": {"k": "v" * MOST}}]
)
def test_an_asynchronous_answer_that_cannot_be_taken_leaves_the_old_one(answer: Any) -> None:
    assert later("5", function={"otherwise": answer}) == ["[]", "[]"]


def test_of_two_asynchronous_answers_the_one_that_came_last_is_there() -> None:
    slow = {"return": {"k": "slow"}, "seconds": 20}
    quick = {"return": {"k": "quick"}, "seconds": 5}
    calls = [invoke(name, InvocationType="ASYNCHRONOUS") for name in ("one", "two")]
    pause = action("Wait", TimeLimitSeconds="30")
    flow_ = chain(*calls, pause, say("$.External.k"))
    assert said(play(flow_, world=world(function={"sequence": [slow, quick]}))) == ["slow"]


def test_an_asynchronous_answer_is_taken_once() -> None:
    function = {"sequence": [{"return": {"k": "early"}}, {"return": {"k": "late"}}]}
    begin = invoke("begin", InvocationType="ASYNCHRONOUS")
    waits = [action("Wait", name, TimeLimitSeconds="5") for name in ("one", "two")]
    flow_ = chain(begin, waits[0], invoke(), waits[1], say("$.External.k"))
    assert said(play(flow_, world=world(function=function))) == ["late"]


def test_an_asynchronous_answer_is_there_too_when_the_customer_ends_the_wait() -> None:
    """Only what has come by then; the rest comes by the next wait."""
    quick = {"return": {"k": "quick"}, "seconds": 5}
    slow = {"return": {"k": "slow"}, "seconds": 20}
    begin = [invoke(name, InvocationType="ASYNCHRONOUS") for name in ("one", "two")]
    back = action("Wait", "back", TimeLimitSeconds="100", Events=["CustomerReturned"])
    last = action("Wait", "last", TimeLimitSeconds="100")
    shows = [say("$.External.k", name) for name in ("a", "b")]
    one = chain(*begin, back, shows[0], last, shows[1])
    played = play(
        one, world=world(function={"sequence": [quick, slow]}), customer=[{"silence": 10}, "hi"]
    )
    assert played.trace[2].result == "Success"
    assert said(played) == ["quick", "slow"]


def test_a_block_that_does_not_say_it_gives_3_seconds() -> None:
    def after(seconds: float) -> str:
        return outcome({"otherwise": {"return": {}, "seconds": seconds}}, seconds="")

    assert (after(3), after(3.1)) == ("ok", "failed")
