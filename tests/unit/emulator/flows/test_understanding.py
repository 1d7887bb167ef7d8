from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.world.bot import Bot, plain
from connect_tasks.emulator.flows.world.patterns import SlowPatternError, whole_match
from connect_tasks.emulator.flows.world.understanding import fill, understand

SLOTS = [{"name": "n", "pattern": "[a-z]{2}[0-9]+"}, {"name": "day", "pattern": "monday|friday"}]


def intent(name: str, *utterances: str, **members: Any) -> Any:
    return {"name": name, "utterances": utterances, "slots": SLOTS, **members}


def bot(*intents: Any) -> Bot:
    return Bot.model_validate({"intents": intents})


def meant(one: Bot, message: str) -> tuple[str, dict[str, str]] | None:
    found = understand(one, message)
    return (found.intent.name, found.slots) if found else None


ORDER = bot(
    intent("Status", "status of {n}", "where is {n} since {day}?"),
    intent("Any", "{n}"),
    intent("Hello", "hello there", "(hi)"),
)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("status of ab12", ("Status", {"n": "ab12"})),
        ("  STATUS  of AB12!! ", ("Status", {"n": "AB12"})),
        ("Status of A.B,1?2", ("Status", {"n": "AB12"})),
        ("Where is xy1 since Friday", ("Status", {"n": "xy1", "day": "Friday"})),
        ("ab12", ("Any", {"n": "ab12"})),
        ("Hello\n there.", ("Hello", {})),
        ("(hi)", ("Hello", {})),
        ("hi", None),
        ("status of abc", None),
        ("please status of ab12", None),
        ("status of ab12 now", None),
        ("where is ab1 since mondayfriday", None),
        ("", None),
        ("?!", None),
    ],
)
def test_the_first_utterance_that_a_whole_message_fits_is_meant(message: str, found: Any) -> None:
    assert meant(ORDER, message) == found


def test_utterances_are_tried_in_the_order_of_the_file() -> None:
    assert meant(bot(intent("A", "x", "go"), intent("B", "go")), "go") == ("A", {})


@given(st.text(alphabet="abcXYZ 0(*)[]+?.!,\\^$|{}", min_size=1).filter(lambda t: "{" not in t))
def test_an_utterance_without_slots_is_text_and_no_pattern(text: str) -> None:
    if not plain(text):
        return
    one = bot(intent("A", text))
    assert meant(one, text.upper()) == ("A", {})
    assert meant(one, text + "x") is None


@given(st.text(alphabet="ab .,!?\n\t"))
def test_a_plain_message_has_no_signs_and_no_spaces_that_say_nothing(text: str) -> None:
    said = plain(text)
    assert not set(said) & set(".,!?\n\t")
    assert said == said.strip()
    assert "  " not in said
    assert plain(said) == said


def test_a_slot_without_a_pattern_is_any_text() -> None:
    one = bot({"name": "A", "utterances": ["i am {who}"], "slots": [{"name": "who"}]})
    assert meant(one, "I am Ada Lovelace.") == ("A", {"who": "Ada Lovelace"})
    assert meant(one, "I am") is None


def test_a_slot_that_is_asked_for_by_an_interactive_message_is_understood_too() -> None:
    content = {"title": "t", "elements": [{"title": "a"}]}
    pick = {"templateType": "QuickReply", "version": "1.0", "data": {"content": content}}
    slot = {"name": "who", "pattern": "[a-z]+", "prompt": pick}
    one = bot({"name": "A", "utterances": ["i am {who}"], "slots": [slot]})
    assert meant(one, "i am ada") == ("A", {"who": "ada"})


def test_what_a_bot_says_is_filled_in_everywhere_and_left_empty_where_nothing_is_known() -> None:
    slots = {"a": "1"}
    assert fill("{a} {b}!", slots) == "1 !"
    assert fill({"x": ["{a}", {"y": "{a}{a}"}], "n": 3}, slots) == {"x": ["1", {"y": "11"}], "n": 3}


def test_a_value_with_braces_is_not_filled_in_again() -> None:
    assert fill("{a}", {"a": "{b}", "b": "2"}) == "{b}"


def test_a_pattern_that_backtracks_for_ever_is_given_up() -> None:
    with pytest.raises(SlowPatternError) as raised:
        whole_match("(a|aa)+", "a" * 200 + "!")
    assert raised.value.pattern == "(a|aa)+"


def test_a_pattern_has_to_match_the_whole_text_in_any_case() -> None:
    assert whole_match("[a-z]+", "ABC")
    assert whole_match("[a-z]+", "abc1") is None
    assert whole_match("a|ab", "ab")
