from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.answers import Question, choose_answer, read_question
from connect_tasks.emulator.flows.interactive import INTERACTIVE, quick_reply


def said(*texts: str, content_type: str = "text/plain") -> list[dict[str, Any]]:
    return [{"Content": text, "ContentType": content_type, "ContactId": "c"} for text in texts]


def chance(seed: int) -> Random:
    # S311: it has to be repeatable, not secret.
    return Random(seed)  # noqa: S311


def question(text: str, *options: str) -> Question:
    return Question(customer_id=None, number=1, text=text, options=options, contact_id="c")


def asked(items: list[dict[str, Any]]) -> str | None:
    found = read_question(items, customer_id=None, number=1)
    return found.text if found else None


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([], None),
        (said("Hello."), None),
        (said("Hello.", "How are you?"), "How are you?"),
        (said("How are you?", "Thank you."), "How are you?"),
        (said("One?", "Two?"), "Two?"),
        (
            said("Please answer with a number from 0 to 10."),
            "Please answer with a number from 0 to 10.",
        ),
        (said(quick_reply("Choose", ["a", "b"]), content_type=INTERACTIVE), "Choose"),
        (said(quick_reply("Choose", ["a", "b"])), None),
    ],
)
def test_the_last_thing_that_wants_an_answer_is_the_question(
    items: list[dict[str, Any]], text: str | None
) -> None:
    assert asked(items) == text


@given(seed=st.integers(), options=st.lists(st.text(), min_size=1, max_size=5))
def test_an_option_is_chosen_where_there_are_some(seed: int, options: list[str]) -> None:
    answer = choose_answer(question("from 1 to 3?", *options), chance(seed))

    assert answer in options
    assert answer == choose_answer(question("from 1 to 3?", *options), chance(seed))


@given(seed=st.integers(), low=st.integers(0, 100), high=st.integers(0, 100))
def test_a_number_of_the_range_is_chosen_where_one_is_named(seed: int, low: int, high: int) -> None:
    answer = int(choose_answer(question(f"How much, from {low} to {high}?"), chance(seed)))

    assert min(low, high) <= answer <= max(low, high)
