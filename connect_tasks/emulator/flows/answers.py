"""What simulated people answer: what is a question, and a choice that follows from the seed."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from connect_tasks.emulator.flows.interactive import INTERACTIVE, titles_in

__all__ = ["Answerer", "Question", "choose_answer", "read_question"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that wants an answer.

    Attributes:
        customer_id: Who is asked, if that is known.
        number: Which question of the chat it is; the first is 1.
        text: What is asked: the title of an interactive message.
        options: What there is to choose from; empty where the answer is free.
        contact_id: The contact that the question was asked in.
    """

    customer_id: str | None
    number: int
    text: str
    options: tuple[str, ...]
    contact_id: str


Answerer = Callable[[Question, Random], str]
"""Gives the answer to a question. All chance must come from the random source that it is given."""

_RANGE = re.compile(r"from (\d{1,3}) to (\d{1,3})")
_REMARKS = (
    "All in all I am content.",
    "It took a while until somebody answered.",
    "Please tell me earlier when the price changes.",
    "Nothing to add.",
    "The app is slow on my phone; the rest is fine.",
    "Ich bin zufrieden, danke!",
    "Très bien 👍",
)


def choose_answer(question: Question, chance: Random) -> str:
    """One of the options; a number where a range is named; else a remark.

    Args:
        question: What is asked.
        chance: Where the choice comes from.
    """
    if question.options:
        return chance.choice(question.options)
    found = _RANGE.search(question.text)
    if found:
        low, high = sorted(map(int, found.groups()))
        return str(chance.randint(low, high))
    return chance.choice(_REMARKS)


def read_question(
    items: Sequence[Mapping[str, Any]], *, customer_id: str | None, number: int
) -> Question | None:
    """The last question among what the other side has said; None if there is none.

    Args:
        items: Messages of others, in their order.
        customer_id: Who is asked.
        number: Which question of the chat it is.
    """
    for item in reversed(items):
        options = titles_in(item["Content"]) if item["ContentType"] == INTERACTIVE else ()
        text = _title(item["Content"]) if options else item["Content"]
        if options or "?" in text or _RANGE.search(text):
            return Question(
                customer_id=customer_id,
                number=number,
                text=text,
                options=options,
                contact_id=item.get("ContactId", ""),
            )
    return None


def _title(content: str) -> str:
    title = json.loads(content)["data"]["content"].get("title")
    return title if isinstance(title, str) else ""
