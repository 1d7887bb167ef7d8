from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.emulator.flows.run.building import (
    ERROR,
    HOURS,
    MISSED,
    Q,
    action,
    branch_of,
    chain,
    play,
    said,
    say,
    tells,
    world,
)

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def loop(count: Any, **parameters: Any) -> Any:
    return action(
        "Loop",
        when={"ContinueLooping": "round", "DoneLooping": "done"},
        errors={ERROR: "failed"},
        LoopCount=count,
        **parameters,
    )


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_a_loop_goes_round_as_often_as_it_says_and_then_out(count: int) -> None:
    played = play(loop(str(count)), say("round", to="Loop"), tells("done"))
    assert said(played) == ["round"] * count + ["done"]


@pytest.mark.parametrize("count", ["101", "-1", "1.5", "", "many", "$.Attributes.none", "²"])
def test_a_count_that_is_no_number_from_0_to_100_takes_the_error_branch(count: str) -> None:
    assert branch_of(loop(count)) == ERROR


def test_a_count_can_be_a_reference() -> None:
    played = play(
        loop("$.Attributes.n"), say("round", to="Loop"), tells("done"), attributes={"n": "2"}
    )
    assert said(played) == ["round", "round", "done"]


@given(st.integers(0, 8), st.integers(1, 30))
def test_after_it_is_done_a_loop_begins_anew(count: int, times: int) -> None:
    ids = [f"l{n}" for n in range(times)]
    one = action(
        "Loop", when={"ContinueLooping": "say", "DoneLooping": "say"}, LoopCount=str(count)
    )
    outer = action(
        "Loop",
        "outer",
        when={"ContinueLooping": "Loop", "DoneLooping": "end"},
        LoopCount=str(times),
    )
    played = play(outer, one, say("x", "say", to="outer"))
    results = [entry.result for entry in played.trace if entry.identifier == "Loop"]
    cycle = ["ContinueLooping"] * count + ["DoneLooping"]
    assert results == [cycle[n % len(cycle)] for n in range(len(ids))]


def test_two_loops_count_on_their_own() -> None:
    inner = action(
        "Loop", "in", when={"ContinueLooping": "x", "DoneLooping": "Loop"}, LoopCount="2"
    )
    outer = action("Loop", when={"ContinueLooping": "in", "DoneLooping": "end"}, LoopCount="2")
    assert said(play(outer, inner, say("x", to="in"))) == ["x"] * 4


def test_a_loop_with_a_name_says_its_round_from_0() -> None:
    round_ = say("$.Loop.letters.Index", "round", to="Loop")
    assert said(play(loop("3", LoopName="letters"), round_, tells("done"))) == [
        "0",
        "1",
        "2",
        "done",
    ]


def test_a_loop_without_a_name_says_nothing_of_its_round() -> None:
    round_ = say("[$.Loop.letters.Index]", "round", to="Loop")
    assert said(play(loop("1"), round_, tells("done"))) == ["[]", "done"]


SPLIT = action(
    "DistributeByPercentage",
    when=[("NumberLessThan", "4", "end"), ("NumberLessThan", "10", "end")],
    errors={MISSED: "end"},
)


@pytest.mark.parametrize(
    ("drawn", "branch"),
    [
        (1, "NumberLessThan 4"),
        (3, "NumberLessThan 4"),
        (4, "NumberLessThan 10"),
        (9, "NumberLessThan 10"),
        (10, MISSED),
        (100, MISSED),
    ],
)
def test_a_distribution_takes_the_first_branch_above_the_number_drawn(
    drawn: int, branch: str
) -> None:
    assert branch_of(SPLIT, draws=[drawn]) == branch


def test_each_distribution_draws_anew_in_order() -> None:
    first = action("DistributeByPercentage", "a", to="end", when=[("NumberLessThan", "51", "b")])
    second = action("DistributeByPercentage", "b", when=[("NumberLessThan", "51", "low")])
    flow = [first, second, tells("low")]
    assert said(play(*flow, draws=[50, 50])) == ["low"]
    assert said(play(*flow, draws=[50, 51])) == []
    assert said(play(*flow, draws=[51, 50])) == []


def test_what_is_drawn_follows_from_the_seed_and_stays_within_1_to_100() -> None:
    texts = [("Equals", str(n), "end") for n in range(1, 101)]
    one = action("DistributeByPercentage", when=texts, errors={MISSED: "end"})
    results = [branch_of(one, seed=seed) for seed in range(200)]
    assert results == [branch_of(one, seed=seed) for seed in range(200)]
    assert MISSED not in results
    assert len(set(results)) > 50


OPEN = {"open": {"MONDAY": ["09:00", "17:00"]}}


def hours(**parameters: Any) -> Any:
    return action(
        "CheckHoursOfOperation",
        when={"True": "True", "False": "False"},
        errors={ERROR: ERROR},
        **parameters,
    )


def opened(one: Any, hour: int, minute: int = 0, **options: Any) -> str:
    now = MONDAY.replace(hour=hour, minute=minute)
    ends = [tells("True"), tells("False"), tells(ERROR)]
    return said(play(one, *ends, now=now, world=world(hours=OPEN, **options)))[0]


def test_it_is_open_from_the_first_minute_to_before_the_last() -> None:
    one = hours(HoursOfOperationId=HOURS)
    assert opened(one, 8, 59) == "False"
    assert opened(one, 9) == "True"
    assert opened(one, 16, 59) == "True"
    assert opened(one, 17) == "False"


def test_without_hours_of_its_own_a_check_takes_those_of_the_target_queue() -> None:
    flow = chain(action("UpdateContactTargetQueue", QueueId=Q), hours())
    around = world(hours=OPEN, queue={"hours": HOURS})
    assert play(flow, world=around, now=MONDAY.replace(hour=10)).trace[1].result == "True"
    assert play(flow, world=around, now=MONDAY.replace(hour=20)).trace[1].result == "False"


def test_no_hours_and_no_queue_are_an_error() -> None:
    assert opened(hours(), 10) == ERROR
    assert opened(hours(HoursOfOperationId="arn:unknown/x"), 10) == ERROR
    flow = chain(action("UpdateContactTargetQueue", QueueId=Q), hours())
    assert play(flow, world=world(queue={})).trace[1].result == ERROR


METRICS = {
    "name": "Help",
    "waiting": 4,
    "oldestSeconds": 90,
    "agents": {"online": 3, "staffed": 2, "available": 1},
}


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("NumberOfAgentsAvailable", "1"),
        ("NumberOfAgentsStaffed", "2"),
        ("NumberOfAgentsOnline", "3"),
        ("OldestContactInQueueAgeSeconds", "90"),
        ("NumberOfContactsInQueue", "4"),
    ],
)
def test_each_metric_is_that_of_the_queue(metric: str, value: str) -> None:
    one = action("CheckMetricData", when={value: "end"}, MetricType=metric, QueueId=Q)
    assert branch_of(one, world=world(queue=METRICS)) == value


def test_a_metric_without_a_queue_is_that_of_the_target_queue() -> None:
    check = action(
        "CheckMetricData",
        when=[("NumberGreaterThan", "0", "end")],
        errors={ERROR: "end", MISSED: "end"},
        MetricType="NumberOfAgentsAvailable",
    )
    target = action("UpdateContactTargetQueue", QueueId=Q)
    assert branch_of(check, world=world(queue=METRICS)) == ERROR
    played = play(chain(target, check), world=world(queue=METRICS))
    assert played.trace[1].result == "NumberGreaterThan 0"
    assert play(chain(target, check), world=world(queue={})).trace[1].result == MISSED


@pytest.mark.parametrize(
    "parameters",
    [
        {"MetricType": "NumberOfCats", "QueueId": Q},
        {"QueueId": Q},
        {"MetricType": "NumberOfContactsInQueue", "QueueId": "arn:unknown/x"},
        {"MetricType": "NumberOfContactsInQueue", "AgentId": "arn:agent/a"},
    ],
)
def test_an_unknown_metric_queue_or_agent_is_an_error(parameters: Any) -> None:
    one = action("CheckMetricData", when={"4": "end"}, errors={ERROR: "end"}, **parameters)
    assert branch_of(one, world=world(queue=METRICS)) == ERROR


def test_a_scripted_agent_counts_as_one_who_is_free() -> None:
    one = action(
        "CheckMetricData", when={"1": "end"}, MetricType="NumberOfAgentsAvailable", QueueId=Q
    )
    assert branch_of(one, world=world(queue={"agent": {"says": ["Hello"]}})) == "1"


def test_all_metrics_can_be_read_at_once() -> None:
    text = (
        "$.Metrics.Queue.Size $.Metrics.Queue.OldestContactAge $.Metrics.Agents.Online.Count "
        "$.Metrics.Agents.Available.Count $.Metrics.Agents.Staffed.Count $.Metrics.Queue.Name"
    )
    flow = chain(action("GetMetricData", QueueId=Q), say(text))
    assert said(play(flow, world=world(queue=METRICS))) == ["4 90 3 1 2 Help"]
    assert branch_of(action("GetMetricData", errors={ERROR: "end"})) == ERROR
