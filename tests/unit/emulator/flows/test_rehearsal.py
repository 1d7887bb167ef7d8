import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.chance import chance
from connect_tasks.emulator.flows.python_functions import PythonFunctions
from connect_tasks.emulator.flows.rehearsal import NOON, rehearse
from connect_tasks.emulator.flows.steps import Invoke
from connect_tasks.emulator.flows.world.world import FunctionAnswer, World
from tests.unit.emulator.flows.run.building import (
    FUNCTION,
    OTHER,
    Q,
    action,
    ask,
    chain,
    flow,
    invoke,
    lines,
    play,
    said,
    say,
    tells,
    world,
)

BOT = {"intents": [{"name": "Bye", "utterances": ["bye"], "response": "So long"}]}
DAY = 24 * 3600


def pause(seconds: int, name: str = "pause", **options: Any) -> Any:
    return action("Wait", name, TimeLimitSeconds=str(seconds), **options)


def test_lines_say_who_spoke_what_and_when() -> None:
    around = world(bot=BOT, queue={"agent": {"says": ["Hello", "Done"]}})
    one = chain(
        say("Welcome"),
        pause(5),
        ask(),
        action("UpdateContactTargetQueue", QueueId=Q),
        action("TransferContactToQueue"),
    )
    played = play(one, world=around, customer=["bye", {"silence": 30}, "thanks"])
    assert [(line.speaker, line.text, line.at_seconds) for line in played.lines] == [
        ("FLOW", "Welcome", 0),
        ("PROMPT", "How can I help?", 5),
        ("CUSTOMER", "bye", 5),
        ("BOT", "So long", 5),
        ("AGENT", "Hello", 5),
        ("CUSTOMER", "thanks", 35),
        ("AGENT", "Done", 35),
    ]


def test_whoever_says_something_waits_until_the_flow_has_asked() -> None:
    played = play(chain(pause(100), ask()), world=world(bot=BOT), customer=["bye"])
    assert lines(played)[1:] == [("CUSTOMER", "bye"), ("BOT", "So long")]
    assert played.lines[1].at_seconds == 100


@pytest.mark.parametrize(
    ("customer", "at"),
    [
        (["hi"], [0]),
        (["hi", "ho"], [0, 0]),
        (["hi", {"silence": 900}], [0]),
        ([{"silence": 1}, "hi"], [1]),
    ],
)
def test_what_would_never_get_a_turn_is_said_at_once_and_only_recorded(
    customer: Any, at: list[int]
) -> None:
    played = play(chain(say("Wait"), pause(900), say("Done")), customer=customer)
    said = [line for line in played.lines if line.speaker == "CUSTOMER"]
    assert [line.at_seconds for line in said] == at
    assert played.lines[-1].text == "Done"
    assert played.seconds == 900


@pytest.mark.parametrize(("silence", "at"), [(99, 100), (100, 0), (199, 0), (200, 100)], ids=str)
def test_a_silence_as_long_as_a_wait_is_meant_for_it(silence: int, at: int) -> None:
    customer = ["bye", {"silence": silence}]
    played = play(chain(pause(100), ask()), world=world(bot=BOT), customer=customer)
    (said,) = (line for line in played.lines if line.speaker == "CUSTOMER")
    assert said.at_seconds == at


def test_whoever_is_silent_first_speaks_just_then() -> None:
    customer = [{"silence": 10}, "bye", {"silence": 90}]
    played = play(chain(pause(100), ask()), world=world(bot=BOT), customer=customer)
    assert lines(played) == [("CUSTOMER", "bye"), ("PROMPT", "How can I help?")]


def test_silence_lasts_as_long_as_it_says_and_what_is_due_meanwhile_happens_in_time() -> None:
    played = play(
        chain(pause(10), say("ten"), pause(10, "more"), say("twenty"), pause(90, "last")),
        customer=[{"silence": 15}, {"silence": 10}],
    )
    assert [line.at_seconds for line in played.lines] == [10, 20]
    assert played.seconds == 110


def test_at_the_end_what_waits_for_nobody_goes_on() -> None:
    played = play(chain(pause(3600), say("late")))
    assert (said(played), played.seconds, played.end["state"]) == (["late"], 3600, "ended")


@pytest.mark.parametrize(
    ("customer", "state", "seconds"),
    [
        ([{"silence": 10}], "open", 10),
        ([{"silence": 50}, {"silence": 49}], "open", 99),
        ([{"silence": 100}], "ended", 105),
        ([{"silence": 101}], "ended", 105),
        ([], "ended", 105),
    ],
)
def test_a_last_silence_that_is_shorter_than_what_it_began_in_leaves_it_there(
    customer: Any, state: str, seconds: float
) -> None:
    played = play(chain(pause(100), say("Now"), pause(5, "more"), say("Done")), customer=customer)
    assert (played.end["state"], played.seconds) == (state, seconds)


def test_at_the_end_what_waits_for_the_customer_stays_open() -> None:
    played = play(chain(ask()), world=world(bot=BOT))
    assert played.end == {"state": "open"}
    assert played.seconds == 0


def test_a_conversation_begins_when_it_says_and_at_noon_else() -> None:
    began = datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert play(say("x"), now=began).trace[0].at == began
    assert play(say("x")).trace[0].at == NOON


@pytest.mark.parametrize("customer", [[], [{"silence": 40 * 3600}], [{"silence": DAY}] * 3])
def test_a_chat_never_lives_longer_than_25_hours(customer: Any) -> None:
    waits = chain(*(pause(DAY, f"day {n}") for n in range(3)), say("never"))
    played = play(waits, customer=customer)
    assert played.end == {"state": "ended", "reason": "EXPIRED"}
    assert played.seconds == 25 * 3600
    assert said(played) == []


def test_a_bot_that_waits_for_days_ends_with_the_chat() -> None:
    one = flow(ask(LexTimeoutSeconds={"Text": str(7 * DAY)}), tells("late"))
    played = play(one, world=world(bot=BOT), customer=[{"silence": 26 * 3600}, "bye"])
    assert played.end["reason"] == "EXPIRED"
    assert len(played.lines) == 1


def test_who_is_silent_for_less_than_25_hours_is_still_heard() -> None:
    one = chain(ask(LexTimeoutSeconds={"Text": str(7 * DAY)}))
    played = play(one, world=world(bot=BOT), customer=[{"silence": DAY}, "bye"])
    assert said(played)[-1] == "So long"


def test_nothing_is_said_after_the_end() -> None:
    played = play(say("x"), customer=["are you there?", {"silence": 5}])
    assert lines(played) == [("FLOW", "x")]
    assert played.end == {"state": "ended", "reason": "CONTACT_FLOW_DISCONNECT"}


def test_a_queue_counts_by_its_name_else_by_its_arn() -> None:
    enter = chain(action("UpdateContactTargetQueue", QueueId=Q), action("TransferContactToQueue"))
    assert play(enter, world=world(queue={"name": "Help"})).end["queue"] == "Help"
    assert play(enter, world=world(queue={})).end["queue"] == Q


def test_the_attributes_afterwards_are_a_copy_of_those_given() -> None:
    given_ = {"a": "1"}
    update = action("UpdateContactAttributes", to="end", Attributes={"b": "2"})
    played = play(update, attributes=given_)
    assert played.attributes == {"a": "1", "b": "2"}
    assert given_ == {"a": "1"}


def test_the_initial_message_is_no_line() -> None:
    assert lines(play(say("[$.Media.InitialMessage]"), initial_message="Hi")) == [("FLOW", "[Hi]")]


def test_actions_in_a_view_are_lines_of_the_customer_as_json() -> None:
    view = action("ShowView", to="end", ViewResource={"Id": "v"})
    played = play(view, customer=[{"action": "Go", "data": {"a": 1}}])
    assert json.loads(played.lines[1].text) == {"action": "Go", "data": {"a": 1}}


@pytest.mark.parametrize(
    "deed",
    [
        *[3, None, {}, ["x"], {"text": "x"}],
        *[{"silence": seconds} for seconds in ("5", None, -1, True, float("nan"))],
    ],
)
def test_a_customer_who_does_something_else_is_refused(deed: Any) -> None:
    with pytest.raises(ValueError, match=r"silence|customer"):
        play(chain(ask()), world=world(bot=BOT), customer=[deed])


def test_silence_without_end_ends_with_the_chat() -> None:
    played = play(chain(ask()), world=world(bot=BOT), customer=[{"silence": float("inf")}])
    assert played.end["state"] == "ended"
    assert play(pause(604_800), customer=[{"silence": 1e300}]).end["reason"] == "EXPIRED"


@pytest.mark.parametrize("draw", [0, 101, -1, True, "5", 2.0])
def test_a_draw_that_is_no_whole_number_from_1_to_100_is_refused(draw: Any) -> None:
    with pytest.raises(ValueError, match="a draw is a whole number from 1 to 100"):
        play(chain(say("Hi")), draws=[draw])


@given(st.lists(st.integers(1, 100)), st.text(), st.integers(1, 20))
def test_chance_gives_what_is_given_then_what_follows_from_the_seed(
    given_: list[int], seed: str, more: int
) -> None:
    one, other = chance(seed, given_), chance(seed, given_)
    drawn = [one() for _ in range(len(given_) + more)]
    assert drawn[: len(given_)] == given_
    assert drawn == [other() for _ in drawn]
    assert all(1 <= number <= 100 for number in drawn)


def test_chance_reaches_both_of_its_ends() -> None:
    draw = chance("seed")
    drawn = {draw() for _ in range(5_000)}
    assert drawn == set(range(1, 101))


def test_every_customer_draws_their_own() -> None:
    branches = [("Equals", str(n), "end") for n in range(1, 101)]
    split = flow(action("DistributeByPercentage", when=branches))
    results = {rehearse(split, World(), display_name=f"C{n}").trace[0].result for n in range(50)}
    assert len(results) > 10


def test_time_passes_only_in_the_conversation() -> None:
    began = datetime.now(UTC)
    play(chain(*(pause(600, f"wait {n}") for n in range(100)), say("x")))
    assert datetime.now(UTC) - began < timedelta(minutes=10)


class Counting(PythonFunctions):
    """Functions that answer how often they were called; each call takes as long as is said."""

    def __init__(self, *, took: float = 0) -> None:
        self._time = 0.0
        self._took = took
        self.events: list[Any] = []
        super().__init__(clock=lambda: self._time)

    def call(self, step: Invoke) -> FunctionAnswer:
        self._time += self._took
        self.events.append(step.event)
        return FunctionAnswer.model_validate({"return": {"n": str(len(self.events))}})


PYTHON = World.model_validate({"lambdas": {FUNCTION: "stubs.py:count"}})


@pytest.mark.parametrize("texts", [0, 1, 2, 5])
def test_each_call_of_a_function_is_made_once_whatever_the_customer_does(texts: int) -> None:
    functions = Counting()
    calls = [invoke("one"), say("$.External.n", "a"), pause(5), invoke("two")]
    one = chain(*calls, say("$.External.n", "b"), pause(5, "more"))
    played = play(one, world=PYTHON, customer=["x"] * texts, functions=functions)
    assert said(played) == ["1", "2"]
    assert len(functions.events) == 2
    assert [line.text for line in played.lines if line.speaker == "CUSTOMER"] == ["x"] * texts


def test_every_conversation_calls_its_functions_anew() -> None:
    functions = Counting()
    one = chain(invoke(), say("$.External.n"))
    told = [said(play(one, world=PYTHON, functions=functions)) for _ in range(3)]
    assert told == [["1"], ["2"], ["3"]]


@pytest.mark.parametrize(
    ("took", "texts"),
    [(0, ["1", "1"]), (10, ["1", "1"]), (11, ["", "1"]), (60, ["", "1"]), (61, ["", ""])],
    ids=str,
)
def test_a_function_that_nobody_waits_for_has_answered_after_the_seconds_that_it_took(
    took: float, texts: list[str]
) -> None:
    begin = invoke(InvocationType="ASYNCHRONOUS")
    shows = [say("[$.External.n]", name) for name in ("early", "late")]
    one = chain(begin, pause(10), shows[0], pause(100, "more"), shows[1])
    played = play(one, world=PYTHON, functions=Counting(took=took))
    assert said(played) == [f"[{text}]" for text in texts]


def test_a_function_that_a_flow_waits_for_takes_no_virtual_time() -> None:
    played = play(
        chain(invoke(seconds="8"), say("$.External.n")), world=PYTHON, functions=Counting(took=5)
    )
    assert (said(played), played.seconds) == (["1"], 0)


def test_a_disconnect_flow_is_another_contact_after_the_first_with_its_attributes() -> None:
    ids = say("$.ContactId $.PreviousContactId $.InitialContactId $.Attributes.a", "ids")
    survey = chain(ids, action("UpdateContactAttributes", Attributes={"b": "2"}), name="survey")
    around = world(queue={"agent": {"displayName": "Ada", "says": ["Hello"]}}, other=survey)
    one = chain(
        ids,
        action("UpdateContactEventHooks", EventHooks={"CustomerRemaining": OTHER}),
        action("UpdateContactTargetQueue", QueueId=Q),
        action("TransferContactToQueue"),
    )
    played = play(one, world=around, attributes={"a": "1"})
    first, agent, last = (text.split() for text in said(played))
    id_ = played.contact_id
    assert (first, agent) == ([id_, id_, id_, "1"], ["Hello"])
    assert last[1:] == [id_, id_, "1"]
    assert last[0] != id_
    assert played.attributes == {"a": "1", "b": "2"}
    assert [entry.flow for entry in played.trace] == ["main"] * 4 + ["survey"] * 3
