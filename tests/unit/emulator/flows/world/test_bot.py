import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connect_tasks.emulator.flows.exported.problems import FlowFileError
from connect_tasks.emulator.flows.world.bot import Bot
from connect_tasks.emulator.flows.world.patterns import compile_pattern
from connect_tasks.emulator.flows.world.reading import read_world
from tests.unit.emulator.flows.documents import BOTS


def bot(**intent: Any) -> Bot:
    return Bot.model_validate({"intents": [{"name": "Order"} | intent]})


def picker(template: str, member: str, count: int) -> dict[str, Any]:
    entries = [{"title": str(number)} for number in range(count)]
    content = {"title": "Which?", member: entries}
    return {"templateType": template, "version": "1.0", "data": {"content": content}}


def said_of(refused: pytest.ExceptionInfo[ValidationError]) -> str:
    (error,) = refused.value.errors()
    return str(error["msg"])


@pytest.mark.parametrize("path", BOTS, ids=lambda path: path.stem)
def test_every_bot_of_the_corpus_is_read(path: Path) -> None:
    given = json.loads(path.read_text(encoding="utf-8"))
    read = Bot.model_validate(given)

    assert [intent.name for intent in read.intents] == [each["name"] for each in given["intents"]]
    assert (read.bot, read.alias_arn) == (given["bot"], given["aliasArn"])


@pytest.mark.parametrize("pattern", ["(", "[", "\\", "*", "a{2,1}", "(?P<a>", "a)(b"])
def test_a_pattern_that_is_no_regular_expression_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError) as refused:
        bot(slots=[{"name": "s", "pattern": pattern}])

    assert "is no regular expression" in said_of(refused)


@pytest.mark.parametrize(
    "pattern",
    [
        "(" * 100_000,
        "(" * 900 + ")" * 900,
        "(a{1000000}){1000000}",
        "((a{1000}){1000}){1000}",
        "a{" + "9" * 5_000 + "}",
        "a|" * 1_001,
    ],
    ids=lambda value: value[:12],
)
def test_a_pattern_that_would_fill_the_memory_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"too (large|deep)"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["[0-9]{6}", "[A-Z]{2}[0-9]{2}( ?[0-9]{4}){5}", "10|[0-9]", "x{0,9999}", "Größe"]
)
def test_patterns_of_order_numbers_and_the_like_are_taken(pattern: str) -> None:
    assert bot(slots=[{"name": "s", "pattern": pattern}]).intents[0].slots[0].pattern == pattern


@pytest.mark.parametrize("place", ["utterances", "response"])
def test_what_is_in_braces_is_a_slot(place: str) -> None:
    text = "order {numbr}"
    with pytest.raises(ValidationError) as refused:
        bot(slots=[{"name": "number"}], **{place: [text] if place == "utterances" else text})

    assert "'order {numbr}' names the slot 'numbr'; did you mean 'number'?" in said_of(refused)


def test_slots_in_an_interactive_answer_are_checked_too() -> None:
    said = picker("QuickReply", "elements", 2)
    said["data"]["content"]["title"] = "Is it {number}?"
    with pytest.raises(ValidationError) as refused:
        bot(response=said)

    assert "names the slot 'number'; there are none." in said_of(refused)


def test_at_most_one_intent_is_the_fallback() -> None:
    intents = [{"name": name, "fallback": True} for name in ("A", "B")]
    with pytest.raises(ValidationError) as refused:
        Bot.model_validate({"intents": intents})

    assert "only one intent can be the fallback, not A, B" in said_of(refused)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"intents": [{"name": "A"}, {"name": "A"}]}, "the intent 'A' is there twice"),
        ({"intents": []}, "intents is empty; a bot needs one at least"),
    ],
    ids=["twice", "none"],
)
def test_the_intents_of_a_bot_are_told_apart(members: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Bot.model_validate(members)

    assert said in said_of(refused)


def test_the_slots_of_an_intent_are_told_apart() -> None:
    with pytest.raises(ValidationError) as refused:
        bot(slots=[{"name": "s"}, {"name": "s"}])

    assert "the slot 's' is there twice" in said_of(refused)


@pytest.mark.parametrize("utterance", ["", " ", "?!", " . "])
def test_an_utterance_says_something(utterance: str) -> None:
    with pytest.raises(ValidationError) as refused:
        bot(utterances=[utterance])

    assert "says nothing" in said_of(refused)


@pytest.mark.parametrize(
    ("template", "member", "most"), [("ListPicker", "elements", 6), ("TimePicker", "timeslots", 20)]
)
def test_a_picker_has_at_most_as_many_entries_as_amazon_takes(
    template: str, member: str, most: int
) -> None:
    assert bot(response=picker(template, member, most)).intents[0].response is not None
    with pytest.raises(ValidationError) as refused:
        bot(response=picker(template, member, most + 1))

    assert f"a {template} has at most {most} {member}, not {most + 1}" in said_of(refused)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (5, "must be a text or an interactive message, not a number"),
        ({}, "has no templateType null"),
        ({"templateType": ["ListPicker"]}, "has no templateType ['ListPicker']"),
        ({"templateType": "Listpicker"}, "did you mean 'ListPicker'?"),
        ({"templateType": "Panel", "data": {}}, "needs the member version"),
        ({"templateType": "Panel", "version": "1.0"}, "needs the member data"),
        (
            {"templateType": "Panel", "version": "1.0", "data": {"content": {}}},
            "a Panel needs a list data.content.elements",
        ),
        (picker("ListPicker", "elements", 0), "a ListPicker needs a list data.content.elements"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_bot_says_is_a_text_or_an_interactive_message(said: Any, wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        bot(response=said)

    assert wrong in said_of(refused)


def test_all_that_is_wrong_with_a_bot_is_said_at_once() -> None:
    intents = [{"name": "A", "fallback": True}, {"name": "A", "fallback": True}]
    with pytest.raises(ValidationError) as refused:
        Bot.model_validate({"intents": intents})
    assert "'A' is there twice; only one intent can be the fallback" in str(refused.value)


def test_all_that_is_wrong_with_an_intent_is_said_at_once() -> None:
    intent = {"name": "A", "utterances": ["{x}", "?"], "response": "{y}"}
    with pytest.raises(ValidationError) as refused:
        Bot.model_validate({"intents": [intent]})
    for part in ("'x'", "'y'", "says nothing"):
        assert part in str(refused.value)


def test_a_sentence_has_one_full_stop(tmp_path: Path) -> None:
    (tmp_path / "bot.json").write_text(
        '{"intents": [{"name": "A", "utterances": ["{t}"], "slots": [{"name": "s"}]}]}'
    )
    (tmp_path / "world.json").write_text('{"bots": {"b": "bot.json"}}')
    with pytest.raises(FlowFileError) as refused:
        read_world(tmp_path / "world.json")
    assert str(refused.value).endswith("there are s.")
