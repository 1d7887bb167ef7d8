"""What becomes of an item, whatever Amazon or anybody in between makes of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connect_tasks.aws.transcript import Item, Odd, parse_item, read_page, read_time

RAW: dict[str, Any] = {
    "AbsoluteTime": "2022-10-27T03:31:53.390Z",
    "Content": "Hello",
    "ContentType": "text/plain",
    "DisplayName": "SYSTEM_MESSAGE",
    "Id": "78aa8229",
    "ParticipantId": "2b2288b4",
    "ParticipantRole": "SYSTEM",
    "Type": "MESSAGE",
}


def item(**changes: Any) -> Item:
    found = parse_item(RAW | changes)
    assert isinstance(found, Item)
    return found


@pytest.mark.parametrize(
    "time",
    [
        # At the edges of the calendar another zone's time is no time any more.
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "yesterday",
        "",
        "\0",
        "\ud800",
        "2026-01-01T00:00:00+99:99",
        "2" * 1_000_000,
        20260101,
        1_700_000_000.5,
        float("nan"),
        float("inf"),
        True,
        None,
        [],
        {"AbsoluteTime": "2026-01-01T00:00:00Z"},
    ],
    ids=lambda time: repr(time)[:30],
)
def test_an_item_whose_time_is_none_is_odd(time: object) -> None:
    assert parse_item(RAW | {"AbsoluteTime": time}) == Odd("its time cannot be read")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2022-10-27T03:31:53.390Z", datetime(2022, 10, 27, 3, 31, 53, 390_000, tzinfo=UTC)),
        ("2022-10-27T03:31:53+02:00", datetime(2022, 10, 27, 1, 31, 53, tzinfo=UTC)),
        ("2022-10-27T03:31:53", datetime(2022, 10, 27, 3, 31, 53, tzinfo=UTC)),
        ("2199-12-31T23:59:59Z", datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_of_any_zone_is_read_in_utc(written: str, meant: datetime) -> None:
    assert read_time(written) == meant


@pytest.mark.parametrize(
    "name",
    ["", "x" * 257, "x" * 20_000, "é" * 200, "a\0b", "\ud800", 5, None, True, ["a"], {"a": 1}],
    ids=lambda name: repr(name)[:20],
)
def test_an_item_whose_id_no_key_can_hold_is_odd(name: object) -> None:
    assert parse_item(RAW | {"Id": name}) == Odd("its id cannot be read")


def test_an_id_as_long_as_amazon_permits_is_one() -> None:
    assert item(Id="x" * 256).message_id == "x" * 256


@pytest.mark.parametrize(
    "field", ["DisplayName", "ParticipantId", "ParticipantRole", "ContentType", "Type"]
)
def test_a_name_is_cut_at_the_length_that_amazon_permits(field: str) -> None:
    found = item(**{field: "x" * 20_000})

    texts = (found.display_name, found.participant_id, found.participant_role, found.content_type)
    assert "x" * 255 + "…" in (*texts, found.type)


@pytest.mark.parametrize(
    "field", ["DisplayName", "ParticipantId", "ParticipantRole", "ContentType"]
)
@pytest.mark.parametrize("value", [5, None, [], {}, True])
def test_a_name_that_is_no_text_is_missing(field: str, value: object) -> None:
    found = item(**{field: value})

    texts = (found.display_name, found.participant_id, found.participant_role, found.content_type)
    assert texts.count(None) == 1


@pytest.mark.parametrize("kind", [None, 5, "", ["MESSAGE"]])
def test_an_item_without_a_type_is_an_event_and_nothing_that_was_said(kind: object) -> None:
    assert not item(Type=kind).is_spoken


def test_an_unknown_type_is_kept_as_it_is() -> None:
    assert item(Type="HOLOGRAM").type == "HOLOGRAM"


def test_huge_content_is_cut_and_says_so() -> None:
    content = item(Content="x" * 10_000_000).content or ""

    assert len(content) == 65_536
    assert content.endswith("x…")


def test_content_as_long_as_amazon_permits_stays_whole() -> None:
    assert item(Content="é" * 16_384).content == "é" * 16_384


@pytest.mark.parametrize("content", [5, 1.5, True, ["a"], {"a": "b"}])
def test_content_that_is_no_text_is_kept_as_json(content: object) -> None:
    assert json.loads(item(Content=content).content or "") == content


def nested(depth: int) -> Any:
    inner: Any = "x"
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize("field", ["Content", "Attachments"])
def test_what_is_nested_too_deep_costs_its_content_and_not_the_item(field: str) -> None:
    raw = {name: value for name, value in RAW.items() if name != "Content"}

    found = parse_item(raw | {field: nested(100_000)})

    assert isinstance(found, Item)
    assert found.content == "(content that cannot be read)"


def test_only_an_event_ends_a_chat_and_not_a_message_that_calls_itself_one() -> None:
    ended = "application/vnd.amazonaws.connect.event.chat.ended"

    assert item(Type="EVENT", ContentType=ended).is_end
    assert not item(Type="MESSAGE", ContentType=ended).is_end


@pytest.mark.parametrize("raw", [None, 5, "text", [], [RAW]], ids=repr)
def test_what_is_no_object_is_odd(raw: object) -> None:
    assert parse_item(raw) == Odd("it is no item")


# --- pages ---


def test_a_page_keeps_what_can_be_read_and_counts_the_rest() -> None:
    answer = {"Transcript": [RAW, RAW | {"Id": "\0"}, 5, RAW | {"Id": "b", "ContactId": "theirs"}]}

    page = read_page(answer, "ours")

    assert [found.message_id for found in page.items] == ["78aa8229"]
    assert [odd.is_gap for odd in page.odd] == [True, True, False]


def test_a_page_may_hold_the_customers_own_past_chat() -> None:
    page = read_page({"Transcript": [RAW | {"RelatedContactId": "past"}]}, "ours")

    assert len(page.items) == 1


@pytest.mark.parametrize(
    "answer",
    [{}, {"Transcript": None}, {"Transcript": "abc"}, {"Transcript": 5}, {"Transcript": {}}],
    ids=repr,
)
def test_a_page_of_another_shape_is_an_empty_one(answer: dict[str, Any]) -> None:
    assert read_page(answer, "ours").items == []


@pytest.mark.parametrize("token", ["", None, 5, ["x"]])
def test_a_page_without_a_token_is_the_last_one(token: object) -> None:
    assert read_page({"Transcript": [], "NextToken": token}, "ours").following is None
