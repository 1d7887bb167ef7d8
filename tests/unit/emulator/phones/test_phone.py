from random import Random
from typing import Any

import pytest

from connect_tasks.emulator.flows.answers import Question, choose_answer
from connect_tasks.emulator.phones import PhoneKind
from connect_tasks.emulator.phones.phone import Phone


def phone(kind: PhoneKind = PhoneKind.ANSWER, **fields: Any) -> Phone:
    settings: dict[str, Any] = {
        "number": "+4915112345678",
        "texts": (),
        "answers": choose_answer,
        "choice": Random(0),  # noqa: S311 - repeatable, not secret
        "most_answers": 20,
    }
    return Phone(kind=kind, **settings | fields)


def told(made: Phone, *texts: str) -> str | None:
    made.unread += [
        {"Content": text, "ContentType": "text/plain", "ContactId": "c-1"} for text in texts
    ]
    return made.write_back()


def test_a_question_is_answered_and_a_remark_is_not() -> None:
    made = phone()

    assert told(made, "Hello.") is None
    assert told(made, "A number from 1 to 5?") in {"1", "2", "3", "4", "5"}


def test_nothing_is_read_twice() -> None:
    made = phone()

    assert told(made, "A number from 1 to 5?")
    assert told(made, "Thank you.") is None


def test_who_is_asked_is_told_by_their_number() -> None:
    asked: list[Question] = []

    def answer(question: Question, _: Random) -> str:
        asked.append(question)
        return "yes"

    made = phone(answers=answer)

    assert told(made, "How?") == "yes"
    assert told(made, "Why?") == "yes"
    assert [(question.customer_id, question.number) for question in asked] == [
        ("+4915112345678", 1),
        ("+4915112345678", 2),
    ]


def test_scripted_texts_answer_whatever_arrives_and_then_nothing_does() -> None:
    made = phone(texts=("a", "b"))

    assert [told(made, "Hello.") for _ in range(3)] == ["a", "b", None]


def test_stop_comes_after_the_scripted_texts() -> None:
    made = phone(PhoneKind.STOP, texts=("a",))

    assert [told(made, "Hello.") for _ in range(3)] == ["a", "STOP", None]


@pytest.mark.parametrize("kind", [PhoneKind.SILENT, PhoneKind.UNDELIVERABLE])
def test_others_write_nothing(kind: PhoneKind) -> None:
    assert told(phone(kind, texts=("a",)), "How?") is None


def test_nobody_answers_for_ever() -> None:
    made = phone(most_answers=2)

    assert [told(made, "A number from 1 to 5?") is None for _ in range(3)] == [False, False, True]
