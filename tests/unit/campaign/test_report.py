"""The report says what happened, in words and pictures, and shows hostile text as text."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import botocore.session
import pytest

from connect_tasks.campaign.report import render_report, stages
from connect_tasks.campaign.report.chats import ROLE_WORDS, Chat, ChatChoice
from connect_tasks.campaign.report.figures import (
    Columns,
    answer_columns,
    answers,
    bars,
    p95,
    reply_columns,
    reply_seconds,
)
from connect_tasks.campaign.report.words import (
    END_REASON_WORDS,
    RULE_WORDS,
    STATUS_WORDS,
    STATUS_WORDS_OF,
    clean,
    duration_words,
    headline,
    percent,
    period,
    remarks,
    short_count,
)
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.ledger.contact import CampaignMode, Status
from connect_tasks.ledger.verdicts import Rule

T0 = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SUMMARY = {
    "rows": 10,
    "valid": 8,
    "rejected": 1,
    "duplicate": 1,
    "started": 8,
    "connected": 8,
    "replied": 6,
    "completed": 8,
    "failed": 0,
    "unknown": 0,
    "planned": 0,
    "request_changed": 0,
}


def contact(**changes: Any) -> dict[str, Any]:
    row = {
        "customer_id": "0004217",
        "status": "completed",
        "end_reason": "chat_ended",
        "contact_id": "c-1",
        "client_token": "never-shown",
        "error_code": None,
        "error_message": None,
        "connected_at": T0,
        "first_reply_at": T0 + timedelta(seconds=4),
    }
    return row | changes


def said(content: str | None, **changes: Any) -> dict[str, Any]:
    item = {
        "customer_id": "0004217",
        "contact_id": "c-1",
        "absolute_time": T0,
        "participant_role": "CUSTOMER",
        "display_name": "Ada",
        "type": "MESSAGE",
        "content_type": "text/plain",
        "content": content,
    }
    return item | changes


def page(
    *,
    campaign: str = "renewals",
    summary: Mapping[str, Any] | None = None,
    contacts: Sequence[Mapping[str, Any]] = (),
    messages: Sequence[Mapping[str, Any]] = (),
    conversations: int = 5,
    refused_rows: int = 200,
) -> str:
    return render_report(
        campaign=campaign,
        summary=summary or {},
        contacts=contacts,
        messages=messages,
        conversations=conversations,
        refused_rows=refused_rows,
    )


def chats(
    contacts: Sequence[Mapping[str, Any]], messages: Sequence[Mapping[str, Any]], limit: int
) -> tuple[tuple[Chat, ...], int]:
    """The first conversations, and how many there are."""
    choice = ChatChoice(limit)
    choice.hear(messages)
    choice.meet(contacts)
    return choice.chats(messages), choice.total


class Reader(HTMLParser):
    """What a browser would find: tags with attributes, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def text_of(html: str) -> str:
    return " ".join(" ".join(Reader(html).text).split())


# The funnel


def test_the_funnel_gives_each_step_its_share_of_the_step_before_and_of_all_rows() -> None:
    found = stages(SUMMARY)

    assert [(s.name, s.count) for s in found] == [
        ("rows", 10),
        ("valid", 8),
        ("started", 8),
        ("connected", 8),
        ("replied", 6),
        ("completed", 8),
    ]
    assert [s.share_of_total for s in found] == [1.0, 0.8, 0.8, 0.8, 0.6, 0.8]
    assert [s.share_of_previous for s in found[:5]] == [None, 0.8, 1.0, 1.0, 0.75]
    assert found[5].share_of_previous == pytest.approx(8 / 6)


def test_the_funnel_leaves_out_a_step_that_nobody_counted() -> None:
    assert [s.name for s in stages({"rows": 2, "replied": 1, "failed": 1})] == ["rows", "replied"]


def test_the_funnel_of_an_empty_table_divides_by_nothing() -> None:
    found = stages({"rows": 0, "valid": 0})

    assert [(s.share_of_previous, s.share_of_total) for s in found] == [(None, 0.0), (None, 0.0)]


def test_the_funnel_of_an_empty_summary_has_no_step() -> None:
    assert stages({}) == ()


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (
            "invitation",
            ["issued", "opened", "started", "joined", "replied", "completed"],
        ),
        ("hand_over", ["started", "handed_over", "joined", "replied", "completed"]),
        ("simulation", ["rows", "valid", "started", "connected", "replied", "completed"]),
    ],
)
def test_each_way_of_a_campaign_has_a_funnel_of_its_own(mode: str, names: list[str]) -> None:
    people = {"issued": 8, "opened": 8, "handed_over": 8, "joined": 8}
    found = stages({**SUMMARY, **people, "mode": mode})

    assert [s.name for s in found] == names
    assert [s.count for s in found if s.name not in SUMMARY] == [
        8 for name in names if name in people
    ]
    assert found[0].share_of_total == 1.0


PEOPLE = {"mode": "invitation", "rows": 5, "issued": 4, "started": 3, "replied": 2}


@pytest.mark.parametrize(
    ("summary", "sentence"),
    [
        (PEOPLE, "2 of 4 people invited answered (50\xa0%)."),
        ({**PEOPLE, "issued": 1, "replied": 1}, "1 of 1 person invited answered (100\xa0%)."),
        ({**PEOPLE, "mode": "hand_over"}, "2 of 3 customers answered (67\xa0%)."),
        ({"mode": "hand_over", "rows": 2}, "None of the 2 customers in the table was contacted."),
    ],
)
def test_where_people_answer_the_headline_counts_them(
    summary: Mapping[str, Any], sentence: str
) -> None:
    assert headline(summary) == sentence


def test_what_waits_for_people_waits_for_no_run() -> None:
    told = remarks({**PEOPLE, "planned": 2, "unopened": 2, "in_hands": 1, "transcripts_awaited": 3})

    assert told == (
        "2 links were not opened yet.",
        "1 chat is still open.",
        "3 transcripts are not there yet; collect again to go on.",
    )


def test_where_people_spoke_the_page_tells_amazons_reason_for_an_end() -> None:
    nobody = {"end_reason": "lost", "error_code": "CUSTOMER_CONNECTION_NOT_ESTABLISHED"}
    told = text_of(
        page(
            summary={**PEOPLE, "mode": "invitation"},
            contacts=[
                contact(disconnect_reason="CUSTOMER_DISCONNECT"),
                contact(disconnect_reason="CONTACT_FLOW_DISCONNECT"),
                contact(**nobody),
                contact(),
                contact(status="planned", end_reason=None, contact_id=None),
            ],
        )
    )

    for words in (
        *("The customer left", "The flow ended it", "Nobody joined within five minutes"),
        *("It is over, and Amazon tells no reason", "Not opened yet"),
    ):
        assert words in told
    assert "Waiting for its turn" not in told


def test_in_a_simulation_our_own_reason_for_an_end_counts() -> None:
    ours = contact(end_reason="replied", disconnect_reason="API")
    told = text_of(page(summary=SUMMARY, contacts=[ours], messages=[said("9")]))

    assert "Everything was said; we closed it" in told
    assert "It was stopped" not in told


# Words


@pytest.mark.parametrize(
    ("summary", "sentence"),
    [
        ({"rows": 10, "started": 8, "replied": 6}, "6 of 8 chats got a reply (75 %)."),
        ({"rows": 1, "started": 1, "replied": 1}, "1 of 1 chat got a reply (100 %)."),
        ({"started": 100_000, "replied": 1}, "1 of 100,000 chats got a reply (<1 %)."),
        ({"started": 3}, "3 chats started."),
        ({"rows": 7, "started": 0}, "None of the 7 customers in the table was contacted."),
        ({"rows": 1}, "The one customer in the table was not contacted."),
        ({"rows": 0}, "Nobody was contacted: the table had no rows."),
    ],
)
def test_the_headline_says_the_campaign_in_one_sentence(
    summary: dict[str, int], sentence: str
) -> None:
    assert headline(summary).replace("\xa0", " ") == sentence


def test_remarks_mention_only_what_happened_in_the_right_number() -> None:
    assert remarks({"rejected": 1, "duplicate": 0, "unknown": 2}) == (
        "1 row was not valid and was never sent.",
        "2 outcomes are unknown: a person should decide.",
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0 %"), (0.0001, "<1 %"), (0.5, "50 %"), (0.9999, ">99 %"), (1, "100 %")],
)
def test_a_percentage_rounds_nothing_to_all_or_none(share: float, words: str) -> None:
    assert percent(share).replace("\xa0", " ") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.9996, "1 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3600, "1 h 0 min"),
    ],
)
def test_durations_carry_into_the_next_unit(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


@pytest.mark.parametrize(
    ("count", "short"),
    [
        (999, "999"),
        (1_000, "1k"),
        (9_940, "9.9k"),
        (9_960, "10k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (1_250_000, "1.2M"),
        (12_000_000, "12M"),
    ],
)
def test_short_counts_stay_short_at_every_size(count: int, short: str) -> None:
    assert short_count(count) == short


def test_the_period_names_the_day_once_when_it_is_the_same() -> None:
    times = {"started_at": T0, "finished_at": T0 + timedelta(minutes=4), "duration_seconds": 240}

    assert period(times) == "2026-11-22 09:00 to 09:04 UTC, took 4 min 0 s"


def test_the_period_names_both_days_of_a_run_past_midnight() -> None:
    times = {"started_at": T0, "finished_at": T0 + timedelta(days=1)}

    assert period(times) == "2026-11-22 09:00 to 2026-11-23 09:00 UTC"


def test_every_status_and_every_end_reason_has_plain_words() -> None:
    assert set(STATUS_WORDS) == set(Status)
    assert [set(words) for words in STATUS_WORDS_OF.values()] == [set(Status)] * len(CampaignMode)
    assert set(END_REASON_WORDS) == set(EndReason)


def test_every_rule_for_which_somebody_is_not_contacted_has_plain_words() -> None:
    assert set(RULE_WORDS) == set(Rule) - {Rule.ALLOWED}


def test_every_role_that_amazon_knows_has_plain_words() -> None:
    model = botocore.session.get_session().get_service_model("connectparticipant")
    role: Any = model.shape_for("ParticipantRole")

    assert set(role.enum) - set(ROLE_WORDS) == set()


# Whom the policy let nobody contact


def withheld(customer_id: str, rule: str | None, message: str | None = None) -> dict[str, Any]:
    never = {"end_reason": None, "contact_id": None, "connected_at": None, "first_reply_at": None}
    told = {"status": "withheld", "error_code": rule, "error_message": message or rule}
    return contact(customer_id=customer_id, **never, **told)


WITHHELD = [
    withheld("a", "opted_out", "opted_out (all); outside_hours"),
    withheld("b", "opted_out", "opted_out (marketing)"),
    withheld("c", "held_out", "held_out (10 %)"),
]


def test_who_was_withheld_is_counted_by_rule_and_is_no_failure() -> None:
    text = " ".join(Reader(page(contacts=[*WITHHELD, contact()])).text)
    listed = text.partition("Who was not contacted, by the campaign's policy")[2]

    assert re.search(rf"\b2\s+{RULE_WORDS[Rule.OPTED_OUT]}", listed)
    assert re.search(rf"\b1\s+{RULE_WORDS[Rule.HELD_OUT]}", listed)
    assert "opted_out (all); outside_hours" in listed
    assert "What was refused" not in text
    assert "Outcome unknown" not in text
    assert "failed" not in text.lower().replace("nothing failed", "")


def test_the_rows_of_a_campaign_say_how_many_were_withheld() -> None:
    text = " ".join(Reader(page(contacts=[*WITHHELD, contact()])).text)

    assert re.search(rf"{STATUS_WORDS[Status.WITHHELD]}\s+3\b", text)


def test_a_campaign_in_which_nobody_was_withheld_does_not_speak_of_it() -> None:
    assert "policy" not in " ".join(Reader(page(contacts=[contact()])).text)


@pytest.mark.parametrize("mode", ["simulation", "invitation", "hand_over"])
def test_the_summarys_withheld_are_told_of_in_each_way(mode: str) -> None:
    assert remarks({"mode": mode, "withheld": 1}) == (
        "1 customer was not contacted, by the campaign's policy.",
    )
    assert remarks({"mode": mode, "withheld": 1_200}) == (
        "1,200 customers were not contacted, by the campaign's policy.",
    )


def test_a_rule_of_a_later_version_is_told_by_its_name() -> None:
    assert "no_consent" in page(contacts=[withheld("a", "no_consent")])


def test_who_was_withheld_without_a_reason_is_still_listed() -> None:
    assert "Row by row" in page(contacts=[withheld("a", None)])


# Figures


def test_reply_times_need_both_moments_in_the_right_order() -> None:
    table = [
        contact(),
        contact(first_reply_at=None),
        contact(connected_at=None),
        contact(first_reply_at=T0 - timedelta(seconds=1)),
    ]

    assert reply_seconds(table) == [4.0]


def test_reply_times_are_counted_in_round_columns_and_told_in_words() -> None:
    columns = reply_columns([1.0, 2.0, 2.5, 3.0, 10.0])

    # p95 of five values lies 4/5 of the way from 3 to 10: 8.6; twelve columns of 1 s cover it.
    assert columns is not None
    assert columns.counts == (0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 1)
    assert columns.labels == tuple(str(n) for n in range(12))
    assert columns.axis == "seconds"
    assert (
        columns.sentence == "Half of the first replies came within 2.5 s, 95 of 100 within 8.6 s."
    )


def test_one_straggler_shares_the_last_column_and_squeezes_nobody() -> None:
    columns = reply_columns([0.5] * 50 + [11.5] * 49 + [3600.0])

    assert columns is not None
    assert columns.counts == (50, *[0] * 10, 49, 1)
    assert columns.labels[-2:] == ("12+", "")
    assert columns.names[-1] == "12 seconds or more"


def test_a_value_on_an_edge_belongs_to_the_column_that_begins_there() -> None:
    columns = reply_columns([0.1, 0.2, 0.3, 0.6])

    # 95 of 100 within 0.555 s, so columns are 0.05 s wide and edges fall on each value.
    assert columns is not None
    assert [i for i, count in enumerate(columns.counts) if count] == [2, 4, 6, 12]


@pytest.mark.parametrize(
    ("seconds", "axis", "last"),
    [
        ([0.002, 0.004], "milliseconds", "5"),
        ([90.0, 600.0], "minutes", "11"),
        ([7200.0, 30000.0], "hours", "9"),
    ],
)
def test_the_axis_of_reply_times_is_in_the_unit_people_would_use(
    seconds: list[float], axis: str, last: str
) -> None:
    columns = reply_columns(seconds)

    assert columns is not None
    assert (columns.axis, columns.labels[-1]) == (axis, last)


def test_a_single_reply_is_not_called_half_of_them() -> None:
    columns = reply_columns([2.8])

    assert columns is not None
    assert columns.sentence == "The only reply came after 2.8 s."


def test_p95_interpolates_between_neighbours() -> None:
    assert p95([1.0, 2.0]) == pytest.approx(1.95)
    assert p95([7.0]) == 7.0


def test_bars_of_nothing_are_none_and_the_longest_fills_the_width() -> None:
    assert bars({}) == ()
    assert bars({"none": 0}) == ()
    assert [bar.length for bar in bars({"a": 1, "b": 4})] == [0.25, 1.0]


@pytest.mark.parametrize(
    ("content", "number"),
    [("8", 8.0), (" 10\n", 10.0), ("7.5", 7.5), ("7,5", 7.5), ("-1", -1.0)],
)
def test_a_message_that_is_a_number_is_an_answer(content: str, number: float) -> None:
    assert answers([said(content)]) == [number]


@pytest.mark.parametrize(
    "content", ["n/a", "8 of 10", "", None, "nan", "inf", "1e9", "٣", "9" * 5000, "0004217-8"]
)
def test_a_message_with_anything_else_is_no_answer(content: str | None) -> None:
    assert answers([said(content)]) == []


def test_only_customers_give_answers() -> None:
    assert answers([said("8", participant_role=role) for role in ("SYSTEM", "AGENT", None)]) == []


def test_answers_from_0_to_10_have_a_column_each_and_their_average_marked() -> None:
    columns = answer_columns([0.0, 10.0, 10.0, 8.0])

    assert columns is not None
    assert columns.counts == (1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2)
    assert columns.labels == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
    assert columns.sentence == "4 answers, 7.0 on average."
    # 7 is the middle of the eighth of eleven columns.
    assert columns.marker == pytest.approx(7.5 / 11)


@pytest.mark.parametrize(
    ("values", "counts", "edges"),
    [
        ([7.5], (1,), ("7", "8")),
        ([-5.0, 5.0], (1, *[0] * 9, 1), tuple(str(n) for n in range(-5, 7))),
        ([2000.0, 2400.0], (1, *[0] * 7, 1), tuple(f"{n:,}" for n in range(2000, 2500, 50))),
    ],
)
def test_other_numbers_become_a_histogram_with_round_edges(
    values: list[float], counts: tuple[int, ...], edges: tuple[str, ...]
) -> None:
    columns = answer_columns(values)

    assert columns is not None
    assert columns.counts == counts
    assert columns.labels == edges
    assert columns.marker is None


def test_without_answers_or_replies_there_is_no_picture() -> None:
    nothing: tuple[Columns | None, ...] = (answer_columns([]), reply_columns([]))

    assert nothing == (None, None)


# Conversations


def test_conversations_with_a_reply_come_first_and_only_so_many() -> None:
    contacts = [
        contact(contact_id="c-1", customer_id="1", first_reply_at=None),
        contact(contact_id="c-2", customer_id="2"),
        contact(contact_id="c-3", customer_id="3"),
        contact(contact_id=None, customer_id="4"),
    ]
    messages = [said("hello", contact_id=f"c-{n}") for n in (1, 2, 3)]

    shown, total = chats(contacts, messages, 2)

    assert [chat.customer_id for chat in shown] == ["2", "3"]
    assert total == 3


def test_a_conversation_is_told_in_the_order_of_time() -> None:
    messages = [said("second", absolute_time=T0 + timedelta(seconds=1)), said("first")]

    ((chat,), _) = chats([contact()], messages, 5)

    assert [(line.text, line.time) for line in chat.lines] == [
        ("first", "09:00:00"),
        ("second", "09:00:01"),
    ]


def test_events_are_told_in_plain_words_or_left_out() -> None:
    prefix = "application/vnd.amazonaws.connect.event."
    events = [
        said(None, type="EVENT", content_type=prefix + name)
        for name in ("participant.joined", "typing", "chat.ended")
    ]

    ((chat,), _) = chats([contact()], events, 5)

    assert [(line.kind, line.who, line.text) for line in chat.lines] == [
        ("event", "Ada", "joined"),
        ("event", "", "Chat ended"),
    ]


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ('{"templateType":"ListPicker","data":{"content":{"title":"Which plan?"}}}', "Which plan?"),
        ('{"data":{}}', '{"data":{}}'),
        ("[1]", "[1]"),
        ("not JSON", "not JSON"),
    ],
)
def test_an_interactive_message_shows_its_title(content: str, shown: str) -> None:
    kind = "application/vnd.amazonaws.connect.message.interactive"
    message = said(content, participant_role="SYSTEM", content_type=kind)

    ((chat,), _) = chats([contact()], [message], 5)

    assert [line.text for line in chat.lines] == [shown]


@pytest.mark.parametrize(
    ("role", "name", "who"),
    [
        ("SYSTEM", "SYSTEM_MESSAGE", "System"),
        ("AGENT", None, "Agent"),
        ("CUSTOM_BOT", "Robbie", "Robbie"),
        (None, None, "Participant"),
    ],
)
def test_a_speaker_is_named_as_people_would(role: str | None, name: str | None, who: str) -> None:
    message = said("hi", participant_role=role, display_name=name)

    ((chat,), _) = chats([contact()], [message], 5)

    assert (chat.lines[0].kind, chat.lines[0].who) == ("other", who)


def test_long_conversations_and_long_messages_are_cut_and_say_so() -> None:
    ((chat,), _) = chats([contact()], [said("x" * 5000)] * 45, 5)

    assert len(chat.lines) == 40
    assert chat.more == 5
    assert chat.lines[0].text == "x" * 599 + "…"


# The page

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}\x00\ud800"


def test_hostile_text_is_shown_as_text_wherever_it_comes_from() -> None:
    contacts = [
        contact(customer_id=HOSTILE, end_reason=HOSTILE),
        contact(customer_id=HOSTILE, status="rejected", error_message=HOSTILE, contact_id=None),
        contact(customer_id=HOSTILE, status="unknown", error_code=HOSTILE, contact_id=None),
        contact(status=HOSTILE, contact_id=None),
    ]
    messages = [said(HOSTILE, display_name=HOSTILE, participant_role=r) for r in ("CUSTOMER", "X")]

    html = page(campaign=HOSTILE, summary=SUMMARY, contacts=contacts, messages=messages)
    found = Reader(html)

    assert not {"script", "img"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert "\x00" not in html
    assert html.encode("utf-8")
    assert "<script>alert(1)</script>" in "".join(found.text)
    assert "49" not in text_of(html)


def test_the_page_needs_nothing_beside_itself() -> None:
    html = page(summary=SUMMARY, contacts=[contact()], messages=[said("8")])
    names = [name for name, _ in Reader(html).attributes]

    assert not {"src", "href", "xlink:href"} & set(names)
    assert not re.search(r"url\(|@import|https?://", html)
    assert "default-src 'none'" in html


def test_no_token_reaches_the_page() -> None:
    contacts = [contact(), contact(status="rejected"), contact(status="unknown")]

    assert "never-shown" not in page(summary=SUMMARY, contacts=contacts, messages=[said("8")])


def test_the_page_begins_as_html_and_every_tag_is_closed() -> None:
    html = page(summary=SUMMARY, contacts=[contact()], messages=[said("8")])

    assert html.startswith("<!doctype html>\n<html lang=")
    assert Reader(html).open == []


def test_every_picture_has_a_title_and_a_description_of_its_own() -> None:
    html = page(summary=SUMMARY, contacts=[contact()], messages=[said("8")])
    pictures = re.findall(r'<svg[^>]*role="img" aria-labelledby="([^"]+)"', html)
    identifiers = re.findall(r'<(?:title|desc) id="([^"]+)"', html)

    assert len(pictures) == html.count("<svg") == 6
    assert " ".join(pictures).split() == identifiers
    assert len(set(identifiers)) == 12


def test_nothing_known_gives_a_page_with_a_headline_and_no_picture() -> None:
    html = page()

    assert "Nobody was contacted" in html
    assert "<svg" not in html
    assert "<section" not in html


def test_an_empty_table_gives_empty_bars() -> None:
    html = page(summary=dict.fromkeys(SUMMARY, 0))

    assert 'class="fill"' not in html
    assert html.count('class="track"') == 12


def test_the_parts_say_what_the_tables_hold() -> None:
    contacts = [
        contact(),
        contact(end_reason="silent", first_reply_at=None, contact_id="c-2"),
        contact(status="planned", end_reason=None, contact_id=None, first_reply_at=None),
    ]

    text = text_of(page(summary=SUMMARY, contacts=contacts, messages=[said("8")]))

    assert "6 of 8 chats got a reply (75 %)." in text
    assert "1 answer, 8.0 on average." in text
    assert "The only reply came after 4 s." in text
    assert "The other side ended the chat 1 50 %" in text
    assert "No reply in time; we closed it 1 50 %" in text
    assert "Completed 2 67 %" in text
    assert "Waiting for its turn 1 33 %" in text


def refused(**changes: Any) -> dict[str, Any]:
    return contact(status="rejected", end_reason=None, contact_id=None, **changes)


def test_reasons_are_grouped_without_the_value_and_rows_are_listed_with_it() -> None:
    contacts = [
        contact(),
        refused(customer_id=None, error_message="customer_id: is required; plan = 'x: y': bad"),
        refused(customer_id="2", error_message="plan = 'gold': bad"),
    ]

    text = text_of(page(contacts=contacts))

    assert "Rows Reason 2 plan: bad 1 customer_id: is required Row by row" in text
    assert "Row, from 0 Customer Reason 1 none customer_id: is required; plan = 'x: y': bad" in text
    assert "2 2 plan = 'gold': bad" in text


def test_the_same_complaint_about_other_values_is_one_reason() -> None:
    contacts = [
        refused(error_message="plan = 'gold': must be known"),
        refused(error_message="plan = 'lead': must be known"),
    ]

    assert "Rows Reason 2 plan: must be known Row by row" in text_of(page(contacts=contacts))


def test_reasons_as_frequent_as_each_other_keep_the_order_of_the_table() -> None:
    told = "; ".join(f"rule {letter}" for letter in "hgfedcba")

    assert (
        "1 rule h 1 rule g 1 rule f 1 rule e 1 rule d 1 rule c 1 rule b 1 rule a Row by row"
        in text_of(page(contacts=[refused(error_message=told)]))
    )


def test_repeats_of_different_rows_are_one_reason() -> None:
    contacts = [
        contact(status="duplicate", error_message=f"repeats the customer of row {n}")
        for n in (5, 60)
    ]

    text = text_of(page(contacts=contacts))

    assert "Rows Reason 2 repeats the customer of an earlier row Row by row" in text
    assert "repeats the customer of row 60" in text


def test_an_error_keeps_its_own_semicolons() -> None:
    contacts = [contact(status="failed", error_message="no flow; no chat")]

    assert "Rows Reason 1 no flow; no chat Row by row" in text_of(page(contacts=contacts))


def test_a_contact_without_a_message_is_listed_by_its_code_or_its_state() -> None:
    contacts = [
        contact(status="failed", error_code="InvalidRequestException"),
        contact(status="unknown"),
    ]

    text = text_of(page(contacts=contacts))

    assert "InvalidRequestException" in text
    assert "1 0004217 Outcome unknown, for a person to decide" in text


def test_the_refused_list_is_bounded_and_says_how_many_more() -> None:
    contacts = [refused(customer_id=f"{n:07d}", error_message=f"rule {n}") for n in range(250)]

    text = text_of(page(contacts=contacts, refused_rows=3))

    assert "0000002" in text
    assert "0000003" not in text
    assert "and 247 more rows not listed here" in text
    assert "and 238 rarer reasons" in text


def test_with_no_rows_wanted_only_the_reasons_are_told() -> None:
    text = text_of(page(contacts=[refused(error_message="bad")], refused_rows=0))

    assert "1 bad 1 row not listed here" in text
    assert "Row by row" not in text


def test_conversations_are_bounded_and_say_how_many_more() -> None:
    contacts = [contact(contact_id=f"c-{n}") for n in range(7)]
    messages = [said("hello", contact_id=f"c-{n}") for n in range(7)]

    html = page(contacts=contacts, messages=messages)

    assert html.count('class="chat"') == 5
    assert "and 2 more conversations" in text_of(html)


@pytest.mark.thorough
def test_a_hundred_thousand_contacts_give_a_page_of_bounded_size() -> None:
    contacts = [refused(error_message="x" * 400), contact()] * 50_000
    messages = [said("8")] * 50_000

    html = page(summary={"rows": 100_000}, contacts=contacts, messages=messages)

    assert len(html) < 300_000
    assert "50k" in html


def test_contacts_are_gone_through_once_and_keep_their_places() -> None:
    contacts = [contact(contact_id=f"c-{n}") for n in range(2_499)]
    contacts += [refused(customer_id="late", error_message="bad"), contact(contact_id="last")]
    messages = [said("8", contact_id=f"c-{n}") for n in range(2_499)] + [
        said("9", contact_id="last")
    ]

    html = render_report(
        campaign="renewals",
        summary={},
        contacts=iter(contacts),
        messages=messages,
        conversations=2,
    )

    assert "2,499 late bad" in text_of(html)
    assert "and 2,498 more conversations" in text_of(html)
    assert "2,500 answers, 8.0 on average." in text_of(html)


def test_every_bar_and_column_stays_inside_its_picture() -> None:
    huge = dict.fromkeys(SUMMARY, 10**9) | {"completed": 3 * 10**9}

    html = page(summary=huge, contacts=[contact()], messages=[said("8"), said("-3"), said("99999")])
    widths = [float(w) for w in re.findall(r'class="fill"[^>]* width="([^"]+)"', html)]

    assert widths
    assert all(0 < width <= 400 for width in widths)


def test_text_keeps_its_joiners_and_loses_its_controls() -> None:
    assert clean("क्\u200dष\x1b[31m\n\tx") == "क्\u200dष[31m\n\tx"
