"""Questions of the report: which are one, how their answers are shown, and that it is bounded."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.report import render_report
from connect_tasks.campaign.report.questions import Question, QuestionList


def reply(question: str | None, answer: str | None, number: int = 1) -> dict[str, Any]:
    return {"question": question, "answer": answer, "number": number}


def listing(replies: Iterable[dict[str, Any]]) -> tuple[tuple[Question, ...], int]:
    questions = QuestionList()
    questions.hear(replies)
    return questions.listing()


def only(replies: Iterable[dict[str, Any]]) -> Question:
    (question,), more = listing(replies)
    assert more == 0
    return question


def test_few_different_answers_are_counted_the_most_frequent_first() -> None:
    answers = ["Pear", "Apple", "Apple", " Apple ", None]
    question = only(reply("Which fruit?", answer) for answer in answers)

    assert question.text == "Which fruit?"
    assert question.sentence == "Asked 5 times, answered 4 times (80\xa0%)."
    assert [(b.label.strip(), b.count) for b in question.bars] == [
        ("Apple", 3),
        ("Pear", 1),
        ("no answer", 1),
    ]


def test_somebody_may_answer_no_answer() -> None:
    question = only(reply("?", answer) for answer in ["no answer", "no answer", None])

    assert [bar.count for bar in question.bars] == [2, 1]


def test_numbers_stand_on_their_scale() -> None:
    question = only(reply("Score?", answer) for answer in ["9", " 8 ", "9", None])

    assert question.columns is not None
    assert question.columns.counts[8:10] == (1, 2)
    assert (question.bars, question.texts) == ((), ())


def test_of_many_different_texts_the_first_are_shown() -> None:
    question = only(reply("Why?", f"Because {number}") for number in range(40))

    assert question.texts == tuple(f"Because {number}" for number in range(5))
    assert question.more == 35


def test_texts_that_nobody_repeats_are_texts_however_few() -> None:
    question = only(reply("Why?", answer) for answer in ["So", "Therefore", "It was slow"])

    assert (question.bars, question.texts) == ((), ("So", "Therefore", "It was slow"))


def test_questions_that_differ_in_a_name_are_one() -> None:
    replies = [
        each
        for number in range(60)
        for each in (
            reply(f"Hello A{number}na, how likely are you to recommend us?", str(number % 11)),
            reply("Why?", f"Because {number}", 2),
        )
    ]
    (score, why), more = listing(replies)

    assert score.text == "Hello … how likely are you to recommend us?"
    assert score.sentence.startswith("Asked 60 times, answered 60 times")
    assert score.columns is not None
    assert (why.text, more) == ("Why?", 0)


def test_a_question_is_one_whatever_it_calls_the_customer() -> None:
    names = ["Ada Byron", "Zoë (Ω)", "María José", None]
    replies = [
        reply(f"Hello {name or 'you'}, and is that all, {(name or 'you').split()[0]}?", "yes")
        | {"customer_name": name}
        for name in names * 20
    ]
    told, _ = listing(replies)

    assert {question.text: question.sentence[:14] for question in told} == {
        "Hello …, and is that all, …?": "Asked 60 times",
        "Hello you, and is that all, you?": "Asked 20 times",
    }


def test_a_name_within_a_word_stays() -> None:
    asked = reply("Candace, can you wait?", "no") | {"customer_name": "Can"}

    assert only([asked, asked]).text == "Candace, can you wait?"


def test_rare_questions_that_have_nothing_in_common_show_one_of_them() -> None:
    replies = [reply("Score?", "9", 1) for _ in range(100)]
    rare = [reply("Sorry?", "x", 2), reply("Once more, please", "y", 2)]
    _, other = listing([*replies, *rare])[0]

    assert other.text == "For example: Sorry?"
    assert other.sentence.startswith("Asked twice, answered twice")


def test_questions_stand_in_the_order_in_which_they_were_asked() -> None:
    told, _ = listing([reply("B?", "1", 2), reply("A?", "1", 1), reply("C?", "1", 3)] * 3)

    assert [question.text for question in told] == ["A?", "B?", "C?"]


def test_what_was_said_before_anybody_asked_is_no_question() -> None:
    assert listing([reply(None, "Hi")]) == ((), 0)


def test_beyond_twelve_questions_those_of_most_are_shown_and_the_rest_is_told() -> None:
    replies = [reply(f"Q{n:02}?", "x", n) for n in range(20) for _ in range(40 - n)]
    told, more = listing(replies)

    assert [question.text for question in told] == [f"Q{n:02}?" for n in range(12)]
    assert more == 8


def test_whatever_people_write_the_page_stays_small() -> None:
    replies = (
        reply(f"{number} {'long ' * 2_000}", f"{number} {'x' * 10_000}", number % 50)
        for number in range(5_000)
    )
    page = render_report(
        campaign="renewals",
        summary={"mode": "invitation", "issued": 5_000, "replied": 5_000},
        contacts=[],
        messages=[],
        replies=replies,
    )

    assert len(page) < 100_000
    assert "more questions that fewer people were asked" in page


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Score?", "Why?", "Hello Ada?", "Hello Bob?", ""]) | st.text(),
            st.none() | st.sampled_from(["9", "yes", ""]) | st.text(),
            st.integers(1, 4),
        ),
        max_size=40,
    )
)
def test_each_asking_and_each_answer_is_in_one_question(
    given_: list[tuple[str, str | None, int]],
) -> None:
    replies = [reply(*each) for each in given_]
    questions = QuestionList()
    questions.hear(replies)
    told, more = questions.listing()
    answered = 0
    for question in told:
        if question.columns:
            answered += sum(question.columns.counts)
        answered += len(question.texts) + question.more
        answered += sum(bar.count for bar in question.bars if not bar.label.startswith(" no"))

    if not more:
        assert answered == sum(1 for each in replies if each["answer"] is not None)


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_people_and_flows_wrote_is_shown_as_text(hostile: str) -> None:
    many = [reply(hostile, hostile, 1), reply(hostile, hostile, 1), reply("Why?", hostile, 2)]
    page = render_report(
        campaign="renewals",
        summary={"mode": "hand_over", "started": 3, "replied": 3},
        contacts=[],
        messages=[],
        replies=many,
    )

    assert "<script" not in page
    assert "<img" not in page
    assert "49" not in page.partition("<body>")[2]


def test_in_a_simulation_the_page_says_that_the_table_spoke() -> None:
    message = {"contact_id": "c", "participant_role": "CUSTOMER", "type": "MESSAGE", "content": "9"}
    page = render_report(
        campaign="renewals",
        summary={"started": 1},
        contacts=[],
        messages=[message],
        replies=[reply("Score?", "9")],
    )

    assert "What the table said" in page
    assert "What people were asked" not in page
    assert "What customers answered" not in page
