"""Messages that say what they answer: what is accepted, and what a pattern may take."""

import json
import pickle
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connect_tasks import After, ChatTemplate, Conversation, Utterance
from connect_tasks.aws.problems import problems
from connect_tasks.ledger.rows import as_known

SCORE = {"text": "{{ score }}", "after": {"pattern": "0 to 10"}}


def told(message: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Conversation.model_validate({"messages": [message]})
    (problem,) = problems(caught.value)
    return f"{problem.field}: {problem.rule}"


def test_a_text_stays_a_text() -> None:
    conversation = Conversation.model_validate({"messages": ["Hi", "{{ score }}"]})

    assert conversation.messages == ("Hi", "{{ score }}")
    assert conversation.model_dump(mode="json")["messages"] == ["Hi", "{{ score }}"]


def test_a_message_without_a_condition_is_its_text() -> None:
    forms = [{"text": "Hi"}, {"text": "Hi", "after": None, "otherwise": "say"}]

    assert Conversation.model_validate({"messages": forms}).messages == ("Hi", "Hi")


def test_a_text_alone_is_what_must_match() -> None:
    said = Utterance.model_validate({"text": "9", "after": "0 to 10"})

    assert said == Utterance(text="9", after=After(pattern="0 to 10"), otherwise="say")


def test_a_conversation_comes_back_from_json_and_pickle_as_it_was() -> None:
    conversation = Conversation.model_validate({"messages": ["Hi", SCORE], "settle_seconds": 0.5})

    written = json.loads(json.dumps(conversation.model_dump(mode="json")))
    assert Conversation.model_validate(written) == conversation
    travelled = pickle.loads(pickle.dumps(conversation))  # noqa: S301 - made here
    assert travelled == conversation


def test_a_conversation_of_an_earlier_version_is_read_with_the_default() -> None:
    old = {"messages": ["Hi"], "max_replies": None, "reply_timeout_seconds": 30.0}

    assert Conversation.model_validate(old).settle_seconds == 1


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({"text": "9", "after": {}}, "messages[0].after: needs a pattern or a role"),
        ({"text": "9", "otherwise": "end"}, "messages[0].after: is required"),
        ({"text": "9", "after": "("}, "messages[0].after.pattern: is no pattern: unclosed group"),
        ({"text": "{{ x", "after": "a"}, "messages[0].text: is no valid template"),
        ({"text": "9", "after": "Dear {{ name }}"}, "messages[0].after.pattern: is the same for"),
        ({"text": "9", "after": r"(?=x)"}, "messages[0].after.pattern: is no pattern: look-around"),
        ({"text": "9", "after": r"(a)\1"}, "messages[0].after.pattern: is no pattern: backrefer"),
        ({"text": "9", "after": "a" * 1_001}, "messages[0].after.pattern: is too much to look for"),
        ({"text": "9", "after": "(a{1,40}){40}"}, "messages[0].after.pattern: is too much"),
        ({"text": "9", "after": ""}, "messages[0].after.pattern: "),
        ({"text": "9", "after": {"role": "CUSTOMER"}}, "messages[0].after.role: must be"),
        ({"text": "9", "after": "a", "otherwise": "wait"}, "messages[0].otherwise: must"),
        (9, "messages[0]: "),
        ("{{ x", "messages[0]: is no valid template"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(message: object, complaint: str) -> None:
    assert told(message).startswith(complaint)


def test_a_pattern_is_looked_for_anywhere_and_minds_capitals() -> None:
    assert After(pattern="much").is_met_by("SYSTEM", "How much is it?")
    assert not After(pattern="MUCH").is_met_by("SYSTEM", "How much is it?")
    assert After(pattern="(?i)MUCH").is_met_by("SYSTEM", "How much is it?")


def test_nothing_that_is_no_text_matches() -> None:
    assert not After(pattern="a").is_met_by("AGENT", None)
    assert After(role="AGENT").is_met_by("AGENT", None)


def test_of_a_long_text_the_first_8192_characters_count() -> None:
    assert After(pattern="ab").is_met_by("SYSTEM", "." * 8_190 + "ab")
    assert not After(pattern="ab").is_met_by("SYSTEM", "." * 8_191 + "ab")


# Python's own regular expressions need 2 ** 30 steps and more for these.
@pytest.mark.parametrize(
    "pattern", [r"^(a+)+$", r"(a|a)*b", r"^(([a-z])+.)+[A-Z]$", r"(a?){9}a{9}$"]
)
def test_no_pattern_takes_long(pattern: str) -> None:
    after = After(pattern=pattern)
    began = time.process_time()

    assert not after.is_met_by("SYSTEM", "a" * 8_000 + "!" * 60_000)
    assert time.process_time() - began < 1


ATOMS = st.sampled_from(["a", ".", r"\w", "[01]", "(a|b)", "(?:.|a)"])
REPEATS = st.sampled_from(["", "?", "*", "+", "{2}", "{0,9}", "{1,30}", "{40}"])


@given(
    pieces=st.lists(st.tuples(ATOMS, REPEATS), min_size=1, max_size=60), times=REPEATS, wide=REPEATS
)
def test_whatever_pattern_is_accepted_is_quick(
    pieces: list[tuple[str, str]], times: str, wide: str
) -> None:
    pattern = f"(({''.join(map(''.join, pieces))}){times}){wide}x"
    try:
        after = After(pattern=pattern)
    except ValidationError:
        return
    began = time.process_time()
    after.is_met_by("SYSTEM", "ab01" * 20_000)
    assert time.process_time() - began < 1


def rendered(message: dict[str, Any], row: dict[str, Any]) -> tuple[Any, ...]:
    conversation = Conversation.model_validate({"messages": [message]})
    template = ChatTemplate(display_name="Ada")
    renderer = template.bind(instance_id="i-1", contact_flow_id="f-1", conversation=conversation)
    return renderer.render({"customer_id": "1", **row}).messages


def test_the_text_is_filled_in_and_the_condition_stays() -> None:
    assert rendered(SCORE, {"score": 9}) == (Utterance(text="9", after=After(pattern="0 to 10")),)


def test_a_message_that_is_none_in_a_row_is_left_out_with_its_condition() -> None:
    left_out = {**SCORE, "text": "{{ score | default(none) }}"}

    assert rendered(left_out, {}) == ()


def test_a_customers_own_braces_survive_the_ledger() -> None:
    (said,) = rendered(SCORE, {"score": "{{ 9"})
    row = {
        "generation": 1,
        "status": "planned",
        "client_token": "t",
        "fingerprint": "f",
        **dict.fromkeys(("error_code", "time_zone", "variant", "planned_at")),
        "messages": ["Hi", said.model_dump(exclude_none=True)],
    }

    assert as_known(row).messages == ("Hi", said)
