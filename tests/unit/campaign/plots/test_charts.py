"""Charts: their numbers are those that the tables give, for all and segment by segment."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.campaign.plots.chart import Chart
from connect_tasks.campaign.plots.charts import (
    answer_chart,
    end_chart,
    funnel_chart,
    reply_chart,
    status_chart,
)
from connect_tasks.campaign.plots.drawing import drawn
from connect_tasks.campaign.plots.segments import Segments
from connect_tasks.campaign.report import render_report, stages
from connect_tasks.campaign.report.words import END_REASON_WORDS, STATUS_WORDS
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import CampaignMode

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
PLANS = ("basic", "plus", "pro")
SIMULATION, INVITATION = CampaignMode.SIMULATION, CampaignMode.INVITATION
STATUSES = ("planned", "started", "connected", "completed", "failed", "rejected")

Rows = list[tuple[str, str, int | None]]
# plan, status, seconds until the first reply
ROWS = st.lists(
    st.tuples(
        st.sampled_from(PLANS), st.sampled_from(STATUSES), st.none() | st.integers(0, 50_000)
    ),
    min_size=1,
    max_size=40,
)


def contacts_of(rows: Rows) -> list[dict[str, Any]]:
    return [
        {
            "customer_id": str(number),
            "status": status,
            "end_reason": "chat_ended" if status == "completed" else None,
            "started_at": AT if status in {"started", "connected", "completed"} else None,
            "connected_at": AT if seconds is not None else None,
            "first_reply_at": None if seconds is None else AT + timedelta(seconds=seconds),
        }
        for number, (_, status, seconds) in enumerate(rows)
    ]


def segments_of(rows: Rows) -> Segments:
    return Segments.of(map(str, range(len(rows))), [row[0] for row in rows])


def shown(chart: Chart) -> dict[str, dict[str, int]]:
    """The numbers of each segment, without those that are nought."""
    return {
        panel.title.rpartition("\n")[2].partition(":")[0]: {
            name: count for name, count in panel.numbers.items() if count
        }
        for panel in chart.panels
    }


def counted(frame: pd.DataFrame, column: str, words: Mapping[Any, str]) -> dict[str, int]:
    counts = frame[column].dropna().map(lambda value: words[value]).value_counts()
    return {str(name): int(count) for name, count in counts.items()}


@settings(max_examples=30)
@given(ROWS)
def test_statuses_and_ends_are_the_value_counts_of_the_table(rows: Rows) -> None:
    table = pd.DataFrame(contacts_of(rows)).assign(plan=[row[0] for row in rows])
    for column, words, chart in (
        ("status", STATUS_WORDS, status_chart),
        ("end_reason", END_REASON_WORDS, end_chart),
    ):
        whole = chart(SIMULATION, contacts_of(rows), None)
        parts = shown(chart(SIMULATION, contacts_of(rows), segments_of(rows)))

        assert next(iter(shown(whole).values()), {}) == counted(table, column, words)
        expected = {plan: counted(part, column, words) for plan, part in table.groupby("plan")}
        assert parts == {plan: counts for plan, counts in expected.items() if counts}


@given(ROWS)
def test_each_reply_is_in_one_column_and_segments_have_the_columns_of_all(rows: Rows) -> None:
    replied = [row for row in rows if row[2] is not None]
    whole = reply_chart(contacts_of(rows), None)
    parts = reply_chart(contacts_of(rows), segments_of(rows))

    for chart in (whole, parts):
        assert sum(sum(panel.numbers.values()) for panel in chart.panels) == len(replied)
    columns = [panel.columns for panel in parts.panels if panel.columns]
    longest = max((c.names for c in columns), key=len, default=())
    # The last one may be all that is longer: it is called by its lower end.
    assert all(c.names[:-1] == longest[: len(c.names) - 1] for c in columns)
    assert len({c.axis for c in columns}) <= 1


@given(st.lists(st.tuples(st.sampled_from(PLANS), st.integers(0, 10)), min_size=1, max_size=60))
def test_scores_are_the_value_counts_of_what_the_table_said(rows: list[tuple[str, int]]) -> None:
    table = pd.DataFrame(rows, columns=["plan", "score"])
    messages = [
        {"customer_id": str(number), "participant_role": "CUSTOMER", "content": str(score)}
        for number, (_, score) in enumerate(rows)
    ]
    segments = Segments.of(map(str, range(len(rows))), table["plan"])

    for chart, groups in (
        (answer_chart(SIMULATION, messages, [], None), [table["score"]]),
        (
            answer_chart(SIMULATION, messages, [], segments),
            [g for _, g in table.groupby("plan")["score"]],
        ),
    ):
        expected = [[int((scores == n).sum()) for n in range(11)] for scores in groups]
        assert [list(p.columns.counts) for p in chart.panels if p.columns] == expected


def reply(number: int, customer: str, question: str, answer: str | None) -> dict[str, Any]:
    return {"customer_id": customer, "number": number, "question": question, "answer": answer}


def test_what_people_answered_is_drawn_question_by_question_in_one_order() -> None:
    replies = [
        *(reply(1, str(n), "How satisfied are you?", str(n % 5)) for n in range(10)),
        *(reply(2, str(n), "Why?", "Price" if n < 6 else "Service") for n in range(9)),
        reply(2, "9", "Why?", None),
        *(reply(3, str(n), "More?", f"My words, {n}") for n in range(10)),
    ]
    halves = Segments.of(map(str, range(10)), ["first"] * 5 + ["second"] * 5)
    whole = answer_chart(INVITATION, [], replies, None)
    parts = answer_chart(INVITATION, [], replies, halves)

    assert [panel.title.partition("\n")[0] for panel in whole.panels] == [
        "How satisfied are you?",
        "Why?",
    ]
    assert whole.title == "What people answered to 3 questions"
    assert "1 answered in words of people's own" in whole.note
    assert [panel.numbers for panel in parts.rows[1]] == [
        {"Price": 5, "Service": 0, " no answer": 0},
        {"Price": 1, "Service": 3, " no answer": 1},
    ]
    assert [sum(panel.numbers.values()) for panel in parts.rows[0]] == [5, 5]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from(["Which?", "Hello Ada, why?", "Hello Bob, why?", "Which, really?"]),
            st.none() | st.sampled_from(["1", "2", "yes", "no"]),
        ),
        max_size=120,
    )
)
def test_the_segments_of_a_question_add_up_to_it(said: list[tuple[str, str, str | None]]) -> None:
    replies = [reply(1, str(n), asked, told) for n, (_, asked, told) in enumerate(said)]
    segments = Segments.of(map(str, range(len(said))), [row[0] for row in said])
    whole = answer_chart(INVITATION, [], replies, None)
    parts = answer_chart(INVITATION, [], replies, segments)

    for (panel,), row in zip(whole.rows, parts.rows, strict=True):
        every = dict.fromkeys(panel.numbers, 0)
        for part in row:
            for name, count in part.numbers.items():
                every[name] = every[name] + count
        assert every == panel.numbers


@settings(max_examples=30)
@given(ROWS)
def test_the_funnels_of_segments_add_up_to_the_whole_one(rows: Rows) -> None:
    contacts = contacts_of(rows)
    table = pd.DataFrame(contacts)
    summary = {
        "mode": "simulation",
        "rows": len(rows),
        "valid": int((table["status"] != "rejected").sum()),
        "started": int((table["started_at"].notna() & (table["status"] != "rejected")).sum()),
    }
    whole = funnel_chart(summary, [], [], None)
    parts = funnel_chart(summary, contacts, [], segments_of(rows))

    assert [p.numbers for p in whole.panels] == [{s.label: s.count for s in stages(summary)}]
    for label in ("Valid customers", "Chats started"):
        expected = next(iter(whole.panels)).numbers[label]
        assert sum(panel.numbers[label] for panel in parts.panels) == expected


def test_titles_say_what_the_picture_shows() -> None:
    contacts = contacts_of(
        [("plus", "completed", 4), ("plus", "completed", 8), ("pro", "planned", None)]
    )
    summary = {"mode": "simulation", "rows": 3, "valid": 3, "started": 2, "replied": 2}
    segments = Segments.of(["0", "1", "2"], ["plus", "plus", "pro"])
    funnel = funnel_chart(summary, contacts, [], segments)

    assert funnel.title == "2 of 2 chats got a reply (100\xa0%)."
    assert [panel.title for panel in funnel.panels] == [
        "plus: 2 of 2 chats got a reply (100\xa0%).",
        "pro: nobody so far.",
    ]
    assert reply_chart(contacts, None).title.startswith("Half of the first replies came within 6 s")
    assert status_chart(SIMULATION, contacts, None).title == "Completed: 2 of 3 rows (67\xa0%)."
    assert end_chart(SIMULATION, contacts, None).title == (
        "The other side ended the chat: 2 of 2 conversations (100\xa0%)."
    )


@pytest.mark.parametrize(
    ("chart", "title"),
    [
        (reply_chart([], None), "Nobody has replied so far."),
        (answer_chart(SIMULATION, [], [], None), "No answer so far is a number."),
        (answer_chart(INVITATION, [], [], None), "Nobody was asked anything so far."),
        (end_chart(SIMULATION, [], None), "There are no conversations so far."),
        (status_chart(SIMULATION, [], None), "There are no rows so far."),
    ],
)
def test_where_there_is_nothing_to_draw_it_is_said(chart: Chart, title: str) -> None:
    assert (chart.title, chart.rows) == (title, ())


def test_each_number_of_the_report_is_in_the_picture_of_the_same_name() -> None:
    rows: Rows = [("plus", "completed", n) for n in range(30)] + [("pro", "rejected", None)]
    contacts = contacts_of(rows)
    summary = {"mode": "simulation", "rows": 31, "valid": 30, "started": 30}
    page = render_report(campaign="c", summary=summary, contacts=contacts, messages=[])

    for chart in (
        reply_chart(contacts, None),
        status_chart(SIMULATION, contacts, None),
        end_chart(SIMULATION, contacts, None),
        funnel_chart(summary, [], [], None),
    ):
        for name, count in next(iter(chart.panels)).numbers.items():
            assert name in page
            assert f">{count}<" in page


def test_one_question_can_be_asked_for_by_some_of_its_words() -> None:
    replies = [reply(1, "1", "How satisfied are you?", "4"), reply(2, "1", "Why?", "Price")]
    more = [reply(1, "2", "How satisfied are you?", "4"), reply(2, "2", "Why?", "Price")]
    chart = answer_chart(INVITATION, [], [*replies, *more], None, "why")

    assert [panel.numbers for panel in chart.panels] == [{"Price": 2}]
    assert (chart.title, chart.note) == ("Why? Most often: Price (2 of 2).", "")
    with pytest.raises(InputError, match=r"Nobody was asked 'where'. There is 'How satisfied"):
        answer_chart(INVITATION, [], replies, None, "where")
    with pytest.raises(InputError, match="nobody is asked a question"):
        answer_chart(SIMULATION, [], [], None, "why")


def test_who_wrote_that_there_is_no_answer_has_given_one() -> None:
    said = ["no answer"] * 4 + ["yes"] * 2 + [None]
    replies = [reply(1, str(n), "Which?", answer) for n, answer in enumerate(said)]
    chart = answer_chart(INVITATION, [], replies, None)

    assert chart.title == "Which? Most often: no answer (4 of 6)."
    (panel,) = chart.panels
    assert panel.numbers == {"no answer": 4, "yes": 2, " no answer": 1}


@pytest.mark.parametrize("status", ["rejected", "duplicate"])
def test_where_nobody_of_any_segment_is_valid_the_funnel_is_its_sentence(status: str) -> None:
    refused = [{"customer_id": "1", "status": status, "started_at": None}]
    summary = {"mode": "simulation", "rows": 1, "valid": 0, "started": 0, "replied": 0}
    chart = funnel_chart(summary, refused, [], Segments.of(["1"], ["plus"]))

    assert chart.rows == ()
    assert str(chart) == chart.title
    assert drawn(chart).axes == []


@given(
    st.lists(
        st.integers(-(10**12) + 1, 10**12 - 1)
        | st.integers(1_000_000, 1_000_020)
        | st.integers(10**11, 10**11 + 10)
        | st.decimals(0, 20, places=6)
        | st.decimals(0, "0.00002", places=6),
        min_size=1,
        max_size=30,
    )
)
def test_each_answer_that_is_a_number_is_in_one_line_of_what_is_told(said: list[Any]) -> None:
    messages = [
        {"customer_id": "1", "participant_role": "CUSTOMER", "content": f"{number:f}"}
        for number in map(Decimal, said)
    ]
    (panel,) = answer_chart(SIMULATION, messages, [], None).panels

    assert sum(panel.numbers.values()) == len(said)
    assert panel.columns is not None
    assert len(set(panel.columns.names)) == len(panel.columns.counts)


def test_numbers_of_many_digits_are_told_apart() -> None:
    said = [{"participant_role": "CUSTOMER", "content": str(1_000_000 + n)} for n in range(12)]
    (panel,) = answer_chart(SIMULATION, said, [], None).panels

    assert set(panel.numbers.values()) == {1}
    assert next(iter(panel.numbers)) == "1,000,000 to 1,000,001 answer"
    assert list(panel.numbers)[-1] == "1,000,011 to 1,000,012 answer"


def test_bars_of_segments_are_as_long_as_their_shares() -> None:
    replies = [
        *(reply(1, str(n), "Why?", "Price" if n < 8 else "Service") for n in range(10)),
        *(reply(1, str(n), "Why?", "Price" if n % 2 else "Service") for n in range(10, 14)),
    ]
    segments = Segments.of(map(str, range(14)), ["many"] * 10 + ["few"] * 4)
    (row,) = answer_chart(INVITATION, [], replies, segments).rows
    lengths = [{bar.label: bar.length for bar in panel.bars} for panel in row]

    # few: 50 and 50 of 100, many: 80 and 20, which is the longest.
    assert lengths[0]["Price"] == lengths[0]["Service"] == pytest.approx(50 / 80)
    assert (lengths[1]["Price"], lengths[1]["Service"]) == pytest.approx((1, 20 / 80))


def test_all_segments_have_the_same_bars_in_the_same_order() -> None:
    contacts = contacts_of([("a", "failed", None), ("b", "completed", 3), ("b", "failed", None)])
    segments = Segments.of(["0", "1", "2"], ["a", "b", "b"])
    (row,) = status_chart(SIMULATION, contacts, segments).rows

    assert [[bar.label for bar in panel.bars] for panel in row] == [["Completed", "Failed"]] * 2
