from datetime import timedelta
from typing import Any

import pytest

from connect_tasks.emulator.flows.interactive import INTERACTIVE
from connect_tasks.emulator.flows.rehearsal import NOON
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.flow_run import FlowRun
from connect_tasks.emulator.flows.steps import Say
from connect_tasks.emulator.flows.world.world import World
from tests.unit.emulator.flows.run.building import (
    ERROR,
    MISSED,
    action,
    ask,
    chain,
    flow,
    lines,
    play,
    said,
    say,
    tells,
    world,
)

LATE = "InputTimeLimitExceeded"
NUMBER = {"name": "number", "pattern": "[A-Z]{2}[0-9]{4}", "prompt": "Which?", "reprompt": "Again?"}
STATUS = {
    "name": "Status",
    "utterances": ["status of {number}", "where is my order"],
    "slots": [NUMBER],
    "response": "Looking for {number}.",
}
DATES = [{"name": name, "pattern": ".+", "prompt": f"{name}?"} for name in ("from", "to")]
SHOP = {
    "bot": "Shop",
    "clarification": {"text": "Pardon?", "attempts": 2},
    "intents": [
        STATUS,
        {"name": "Book", "utterances": ["book"], "slots": DATES},
        {"name": "Bye", "utterances": ["bye"]},
        {"name": "Lost", "fallback": True},
    ],
}


def talk(*customer: Any, bot: Any = None, seconds: str = "60", **options: Any) -> Any:
    """A conversation with the shop's bot; each way out of the block is said."""
    names = ["Status", "Book", "Bye", "Lost", "FallbackIntent"]
    ends = [tells(text) for text in (*names, "missed", "failed", "late")]
    block = {
        "when": {name: name for name in names},
        "LexTimeoutSeconds": {"Text": seconds},
        **options.pop("block", {}),
    }
    return play(ask(**block), *ends, world=world(bot=bot or SHOP), customer=customer, **options)


def test_the_block_says_its_text_and_the_bot_speaks_of_its_own() -> None:
    assert lines(talk("where is my order", "AB1234")) == [
        ("PROMPT", "How can I help?"),
        ("CUSTOMER", "where is my order"),
        ("BOT", "Which?"),
        ("CUSTOMER", "AB1234"),
        ("BOT", "Looking for AB1234."),
        ("FLOW", "Status"),
    ]


@pytest.mark.parametrize("text", ["bye", "  BYE ", "Bye!", "b.y,e?", "\nbye\t"])
def test_signs_spaces_and_case_of_a_message_do_not_count(text: str) -> None:
    assert said(talk(text))[-1] == "Bye"


def test_a_slot_in_an_utterance_is_not_asked_for_and_keeps_the_customers_spelling() -> None:
    assert said(talk("Status of ab1234!"))[1:] == ["Looking for ab1234.", "Status"]


def test_missing_slots_are_asked_for_in_order() -> None:
    played = talk("book", "Monday", "Friday")
    assert said(played)[1:] == ["from?", "to?", "Book"]


def test_a_wrong_answer_is_asked_again_up_to_the_retries() -> None:
    assert said(talk("where is my order", "x", "y", "AB1234"))[1:] == [
        "Which?",
        "Again?",
        "Again?",
        "Looking for AB1234.",
        "Status",
    ]
    assert said(talk("where is my order", "x", "y", "z"))[1:] == [
        "Which?",
        "Again?",
        "Again?",
        "failed",
    ]


def test_a_slot_without_retries_fails_at_the_first_wrong_answer() -> None:
    bot = {"intents": [{**STATUS, "slots": [{**NUMBER, "retries": 0}]}]}
    assert said(talk("where is my order", "x", bot=bot))[1:] == ["Which?", "failed"]


def test_a_slot_without_a_reprompt_is_asked_for_by_its_prompt() -> None:
    slot = {"name": "number", "pattern": "[0-9]+", "prompt": "Which?", "retries": 1}
    bot = {"intents": [{**STATUS, "slots": [slot]}]}
    assert said(talk("where is my order", "x", "7", bot=bot))[1:3] == ["Which?", "Which?"]


def test_what_is_not_understood_is_asked_again_then_the_fallback_intent_is_the_result() -> None:
    assert said(talk("a", "bye"))[1:] == ["Pardon?", "Bye"]
    assert said(talk("a", "b", "bye"))[1:] == ["Pardon?", "Pardon?", "Bye"]
    assert said(talk("a", "b", "c"))[1:] == ["Pardon?", "Pardon?", "Lost"]


def test_a_bot_without_a_clarification_falls_back_at_once() -> None:
    bot = {"intents": [{"name": "Bye", "utterances": ["bye"]}]}
    assert said(talk("a", bot=bot))[1:] == ["FallbackIntent"]


def test_clarifications_are_counted_in_each_block_anew() -> None:
    flow_ = chain(ask("one"), ask("two"))
    played = play(flow_, world=world(bot=SHOP), customer=["a", "b", "c", "d", "e", "f"])
    assert said(played).count("Pardon?") == 4


def test_an_intent_that_no_condition_names_is_no_match() -> None:
    assert said(talk("bye", block={"when": {"Book": "Book"}}))[-1] == "missed"


def test_intents_are_compared_with_equals() -> None:
    assert said(talk("bye", block={"when": {"bye": "Book"}}))[-1] == "missed"


@pytest.mark.parametrize(
    "before", [[], ["a"], ["a", "b"], ["where is my order"], ["book", "Monday"]]
)
def test_silence_at_any_wait_takes_the_timeout_branch(before: list[str]) -> None:
    assert said(talk(*before, {"silence": 60}))[-1] == "late"
    assert said(talk(*before, {"silence": 59}))[-1] != "late"


def test_each_message_begins_the_timeout_anew() -> None:
    customer = [{"silence": 50}, "book", {"silence": 50}, "Monday", {"silence": 50}, "Friday"]
    assert said(talk(*customer))[-1] == "Book"


def test_a_block_that_does_not_say_it_waits_300_seconds() -> None:
    block = {"LexTimeoutSeconds": None}
    assert said(talk({"silence": 299}, "bye", block=block))[-1] == "Bye"
    assert said(talk({"silence": 300}, "bye", block=block))[-1] == "late"
    assumed = world(bot=SHOP, assume={"lex_timeout_seconds": 10})
    played = play(ask(), tells("late"), world=assumed, customer=[{"silence": 10}])
    assert said(played)[-1] == "late"


def test_silence_without_a_branch_of_its_own_is_any_error() -> None:
    block = {"errors": {ERROR: "failed", MISSED: "missed"}}
    assert said(talk({"silence": 60}, block=block))[-1] == "failed"


@pytest.mark.parametrize("seconds", ["soon", "-5", "1.5", "$.Attributes.none"])
def test_a_timeout_that_is_no_number_is_an_error(seconds: str) -> None:
    assert said(talk(seconds=seconds)) == ["failed"]


def test_a_timeout_can_be_a_reference() -> None:
    played = talk({"silence": 7}, seconds="$.Attributes.t", attributes={"t": "7"})
    assert said(played)[-1] == "late"


@pytest.mark.parametrize(
    "parameters",
    [
        {"LexV2Bot": {"AliasArn": "arn:aws:lex:us-east-1:1:bot-alias/B/other"}},
        {"LexV2Bot": {"AliasArn": "$.Attributes.none"}},
        {"LexV2Bot": {}},
        {"LexV2Bot": "B"},
        {"LexV2Bot": None},
    ],
)
def test_an_unknown_bot_is_an_error_and_nothing_is_said(parameters: Any) -> None:
    one = action("ConnectParticipantWithLexBot", errors={ERROR: "failed"}, Text="Hi", **parameters)
    assert said(play(one, tells("failed"), world=world(bot=SHOP))) == ["failed"]


def test_a_bot_can_be_named_as_lex_v1_does() -> None:
    one = action(
        "ConnectParticipantWithLexBot",
        when={"Bye": "Bye"},
        LexBot={"Name": "Shop", "Region": "us-east-1", "Alias": "live"},
    )
    assert said(play(one, tells("Bye"), world=world(bot=SHOP), customer=["bye"])) == ["Bye"]


INITIAL = {"LexInitializationData": {"InitialMessage": "$.Media.InitialMessage"}}


@pytest.mark.parametrize("seconds", ["0", "60"])
def test_a_block_without_its_bot_says_so_whatever_its_time(seconds: str) -> None:
    one = ask(LexTimeoutSeconds={"Text": seconds})
    assert play(one, tells("failed")).trace[0].detail == "there is no such bot"


@pytest.mark.parametrize("seconds", ["soon", "-1", "1.5"])
def test_a_block_whose_time_is_no_number_says_so(seconds: str) -> None:
    one = ask(LexTimeoutSeconds={"Text": seconds})
    detail = play(one, tells("failed"), world=world(bot=SHOP)).trace[0].detail
    assert detail == "LexTimeoutSeconds is no number"


def test_an_initial_message_is_the_first_utterance_and_nothing_is_asked_for() -> None:
    assert said(talk(block=INITIAL, initial_message="bye")) == ["Bye"]
    assert said(talk("AB1234", block=INITIAL, initial_message="where is my order")) == [
        "Which?",
        "Looking for AB1234.",
        "Status",
    ]
    assert said(talk("bye", block=INITIAL, initial_message="a")) == ["Pardon?", "Bye"]


def test_a_contact_without_an_initial_message_takes_the_error_branch() -> None:
    assert said(talk("bye", block=INITIAL)) == ["failed"]


def test_what_the_bot_found_out_can_be_referred_to() -> None:
    text = "$.Lex.IntentName $.Lex.Slots.number $.Lex.DialogState $.Lex.SessionAttributes.who"
    block = ask(LexSessionAttributes={"who": "for $.Channel"})
    flow_ = chain(block, say(text))
    played = play(flow_, world=world(bot=SHOP), customer=["status of ab1234"])
    assert said(played)[-1] == "Status ab1234 Fulfilled for CHAT"


def test_the_next_bot_replaces_what_the_last_one_found_out() -> None:
    flow_ = chain(ask("one"), ask("two"), say("$.Lex.IntentName [$.Lex.Slots.number]"))
    played = play(flow_, world=world(bot=SHOP), customer=["status of AB1234", "bye"])
    assert said(played)[-1] == "Bye []"


def test_an_intent_that_was_not_fulfilled_is_not_called_so() -> None:
    flow_ = chain(ask(), say("$.Lex.IntentName $.Lex.DialogState"))
    customer = ["where is my order", "x", "y", "z"]
    assert said(play(flow_, world=world(bot=SHOP), customer=customer))[-1] == "Status Failed"


PICK = {
    "templateType": "ListPicker",
    "version": "1.0",
    "data": {"content": {"title": "For {number}", "elements": [{"title": "Red"}]}},
}


def test_an_interactive_message_is_sent_as_one_and_the_choice_is_the_next_text() -> None:
    slot = {"name": "colour", "pattern": "red|blue", "prompt": PICK}
    intent = {"name": "Bye", "utterances": ["colour", "in {colour}"], "slots": [slot]}
    bot = {"intents": [{**intent, "response": "In {colour}."}]}
    contact = Contact(contact_id="1", initial_contact_id="1")
    run = FlowRun(flow(ask()), world(bot=bot), contact, draw=lambda: 1, now=NOON)
    run.advance(NOON)
    run.advance(NOON)
    run.hear("colour")
    step = run.advance(NOON)
    assert isinstance(step, Say)
    assert step.content_type == INTERACTIVE
    assert '"templateType":"ListPicker"' in step.text
    run.advance(NOON)
    run.hear("Red")
    assert getattr(run.advance(NOON), "text", None) == "In Red."
    assert said(talk("in Blue", bot=bot))[1:] == ["In Blue.", "Bye"]


def test_slots_are_filled_into_an_interactive_response() -> None:
    bot = {"intents": [{**STATUS, "response": PICK}]}
    assert "For AB1234" in said(talk("status of AB1234", bot=bot))[1]


def test_a_pattern_that_backtracks_for_ever_is_an_error() -> None:
    slot = {"name": "number", "pattern": "(a|aa)+", "prompt": "Which?"}
    intent = {"name": "Status", "utterances": ["order", "order {number}"], "slots": [slot]}
    bot = {"intents": [intent]}
    assert said(talk("order", "a" * 200 + "-", bot=bot))[1:] == ["Which?", "failed"]
    assert said(talk("order " + "a" * 200 + "-", bot=bot))[1:] == ["failed"]


def test_a_bot_of_no_text_says_none_before_it_listens() -> None:
    assert said(talk("bye", block={"Text": ""})) == ["Bye"]


def test_a_message_before_the_block_is_lost_unless_it_is_kept() -> None:
    def heard(early: str) -> list[str]:
        contact = Contact(contact_id="1", initial_contact_id="1")
        pause = action("Wait", "pause", to="ask", TimeLimitSeconds="5")
        around: World = world(bot=SHOP, assume={"early_messages": early})
        one = flow(pause, ask(when={"Bye": "Bye"}), tells("Bye"))
        run = FlowRun(one, around, contact, draw=lambda: 1, now=NOON)
        assert run.advance(NOON) is None
        run.hear("bye")
        later = NOON + timedelta(seconds=5)
        steps = iter(lambda: run.advance(later), None)
        return [step.text for step in steps if isinstance(step, Say)]

    assert heard("kept")[:2] == ["How can I help?", "Bye"]
    assert "Bye" not in heard("lost")
