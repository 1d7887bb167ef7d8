import json
from typing import Any

import pytest

from connect_tasks.emulator.flows.interactive import INTERACTIVE
from connect_tasks.emulator.flows.rehearsal import NOON
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.flow_run import FlowRun
from connect_tasks.emulator.flows.world.world import World
from tests.unit.emulator.flows.run.building import (
    ERROR,
    MISSED,
    action,
    as_json,
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


def message(**parameters: Any) -> Any:
    return action("MessageParticipant", to="end", errors={ERROR: "end"}, **parameters)


def test_a_text_is_shown_as_the_flow_says_it() -> None:
    played = play(say("Hello $.Attributes.name"), attributes={"name": "Ada"})
    assert lines(played) == [("FLOW", "Hello Ada")]


@pytest.mark.parametrize(
    "parameters",
    [
        {"SSML": "<speak>Hello</speak>"},
        {"PromptId": "arn:prompt"},
        {"Media": {"Uri": "s3://b/k", "SourceType": "S3", "MediaType": "Audio"}},
        {},
        {"Text": ""},
        {"Text": "$.Attributes.nothing"},
        {"Text": {"a": "b"}},
        {"Text": ["a"]},
    ],
)
def test_a_message_for_calls_takes_the_error_branch_and_shows_nothing(parameters: Any) -> None:
    played = play(message(**parameters))
    assert (played.trace[0].result, said(played)) == (ERROR, [])


def test_a_message_for_calls_without_an_error_branch_leads_on() -> None:
    assert branch_of(action("MessageParticipant", to="end", PromptId="p")) == "Success"


def test_a_text_has_at_most_6000_characters() -> None:
    assert branch_of(message(Text="x" * 6000)) == "Success"
    assert branch_of(message(Text="x" * 6001)) == ERROR
    assert branch_of(message(Text="ü" * 6000)) == "Success"
    long = {"t": "x" * 5999}
    assert branch_of(message(Text="$.Attributes.t!"), attributes=long) == "Success"
    assert branch_of(message(Text="$.Attributes.t!!"), attributes=long) == ERROR


def test_no_text_says_nothing_and_leads_on_where_that_is_assumed() -> None:
    assumed = world(assume={"empty_text": "nothing"})
    assert branch_of(message(Text="$.Attributes.nothing"), world=assumed) == "Success"
    assert branch_of(message(PromptId="p"), world=assumed) == ERROR


def test_speech_is_shown_as_it_is_with_a_warning() -> None:
    played = play(say("<speak>Hello <break/>you</speak>", "hello"))
    assert said(played) == ["<speak>Hello <break/>you</speak>"]
    assert "hello" in played.warnings[0]
    assumed = world(assume={"speech": "without-tags"})
    assert said(play(say("<speak>Hello <break/>you</speak>"), world=assumed)) == ["Hello you"]


@pytest.mark.parametrize("ignored", ["SkipWhenDTMFBufferEnabled", "TextToSpeechType"])
def test_parameters_for_calls_are_ignored_beside_a_text(ignored: str) -> None:
    assert said(play(message(Text="Hello", **{ignored: "true"}))) == ["Hello"]


def test_messages_again_and_again_take_the_error_branch_at_once() -> None:
    one = action("MessageParticipantIteratively", to="end", errors={ERROR: "e"}, Messages=[])
    played = play(one, tells("e"))
    assert (said(played), played.seconds) == (["e"], 0)


def test_messages_again_and_again_without_an_error_branch_stop_the_flow() -> None:
    one = action("MessageParticipantIteratively", to="on", Messages=[{"Text": "wait"}])
    played = play(one, tells("on"))
    assert (said(played), played.end["state"]) == ([], "ended")


def view(**options: Any) -> Any:
    return action(
        "ShowView",
        "view",
        when={"Submit": "Submit"},
        errors={
            MISSED: "missed",
            ERROR: "failed",
            "TimeLimitExceeded": "late",
        },
        ViewResource={"Id": "arn:view/form:1"},
        **options,
    )


def shown(*customer: Any, data: Any = None, **options: Any) -> Any:
    one = view(ViewData=data or {}, **options)
    ends = [tells(text) for text in ("missed", "failed", "late")]
    submitted = say("$.Views.Action: $.Views.ViewResultData.name", "Submit")
    return play(one, submitted, *ends, customer=customer)


def test_a_view_is_an_interactive_message_with_its_data_resolved() -> None:
    data = {"title": "For $.Channel", "flag": True, "rows": [{"t": "$.Channel"}]}
    content = as_json(shown(data=data))
    assert content["data"]["content"]["viewData"] == {
        "title": "For CHAT",
        "flag": True,
        "rows": [{"t": "CHAT"}],
    }
    assert content["data"]["content"]["view"] == {"Id": "arn:view/form:1"}


@pytest.mark.parametrize(
    ("customer", "text"),
    [
        ({"action": "Submit", "data": {"name": "Ada"}}, "Submit: Ada"),
        ({"action": "Cancel", "data": {}}, "missed"),
        ("Submit", "Submit: "),
        ("whatever", "missed"),
        ({"silence": 60}, "late"),
    ],
)
def test_the_action_that_the_customer_chooses_is_the_result(customer: Any, text: str) -> None:
    assert said(shown(customer, InvocationTimeLimitSeconds="60"))[1:] == [text]


@pytest.mark.parametrize("limit", ["soon", "-1", {"a": 1}])
def test_a_time_limit_that_is_no_number_takes_the_error_branch(limit: Any) -> None:
    assert said(shown(InvocationTimeLimitSeconds=limit)) == ["failed"]


def test_a_view_without_a_time_limit_waits() -> None:
    played = shown({"silence": 80_000})
    assert played.end == {"state": "open"}
    assert len(played.lines) == 1


@pytest.mark.parametrize(
    ("types", "is_shown"),
    [(None, True), (("text/plain",), False), (("text/plain", INTERACTIVE), True)],
)
def test_a_view_needs_a_chat_that_takes_interactive_messages(
    types: tuple[str, ...] | None, *, is_shown: bool
) -> None:
    contact = Contact(contact_id="1", initial_contact_id="1", content_types=types)
    run = FlowRun(flow(view(), tells("failed")), World(), contact, draw=lambda: 1, now=NOON)
    texts = [getattr(step, "text", "") for step in iter(lambda: run.advance(NOON), None)]
    assert ("failed" in texts) is not is_shown


def test_each_view_of_a_chat_has_a_token_of_its_own() -> None:
    one, other = view(), action("ShowView", "again", to="end", ViewResource={"Id": "v"})
    played = play(chain(one, other), customer=["Submit", "x"])
    tokens = {json.loads(t)["data"]["content"]["viewToken"] for t in said(played)}
    assert len(tokens) == 2
