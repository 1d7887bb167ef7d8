"""Amazon's transcript file: read as a whole, or refused without a word of its content."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws.transcript import parse_item
from connect_tasks.aws.transcript_file import (
    VERSION,
    TranscriptFile,
    Unreadable,
    contact_of,
    day_prefix,
    read_file,
)

# A third party's file of 2026, shortened (facts/connect.md 6).
FILE: dict[str, Any] = {
    "Version": "2019-08-26",
    "AWSAccountId": "123456789012",
    "InstanceId": "i-1",
    "InitialContactId": "c-1",
    "ContactId": "c-1",
    "Participants": [{"ParticipantId": "p-1"}],
    "Transcript": [
        {
            "AbsoluteTime": "2022-10-27T03:31:50.735Z",
            "ContentType": "application/vnd.amazonaws.connect.event.participant.joined",
            "DisplayName": "John",
            "Id": "740c494d",
            "ParticipantId": "e9b36a6d",
            "ParticipantRole": "CUSTOMER",
            "Type": "EVENT",
        },
        {
            "AbsoluteTime": "2022-10-27T03:31:53.390Z",
            "Content": "Hello, thanks",
            "ContentType": "text/plain",
            "DisplayName": "SYSTEM_MESSAGE",
            "Id": "78aa8229",
            "ParticipantId": "2b2288b4",
            "ParticipantRole": "SYSTEM",
            "Type": "MESSAGE",
        },
        {
            "AbsoluteTime": "2022-10-27T03:34:43.192Z",
            "ContentType": "application/vnd.amazonaws.connect.event.chat.ended",
            "Id": "2d9a0e4f",
            "Type": "EVENT",
        },
    ],
}

FIRST_YEAR = 2019
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def written(**changes: Any) -> bytes:
    return json.dumps({**FILE, **changes}).encode()


def test_a_file_as_amazon_writes_it_gives_its_items_in_order() -> None:
    found = read_file(written(), contact_id="c-1", instance_id="i-1")

    assert isinstance(found, TranscriptFile)
    assert [item.message_id for item in found.items] == ["740c494d", "78aa8229", "2d9a0e4f"]
    assert found.items[0].absolute_time == datetime(2022, 10, 27, 3, 31, 50, 735_000, tzinfo=UTC)
    assert (found.items[1].content, found.items[2].is_end, found.odd) == ("Hello, thanks", True, [])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"Version": "2031-01-01"}, "version"),
        ({"Version": None}, "version"),
        ({"ContactId": "c-2"}, "contact"),
        ({"ContactId": None}, "contact"),
        ({"InstanceId": "i-2"}, "instance"),
        ({"Transcript": None}, "no transcript"),
        ({"Transcript": {"0": {}}}, "no transcript"),
    ],
)
def test_what_is_not_this_contacts_transcript_is_refused(
    changes: dict[str, Any], word: str
) -> None:
    found = read_file(written(**changes), contact_id="c-1", instance_id="i-1")

    assert isinstance(found, Unreadable)
    assert word in found.why


@given(st.integers(min_value=0, max_value=len(written()) - 1))
def test_a_file_that_is_cut_anywhere_gives_nothing(end: int) -> None:
    assert isinstance(read_file(written()[:end], contact_id="c-1"), Unreadable)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_else_is_there_is_refused_without_an_error(content: bytes) -> None:
    assert isinstance(read_file(content, contact_id="c-1"), Unreadable)


@given(st.lists(JSON))
def test_items_are_those_of_get_transcript_and_what_is_none_is_counted(raw: list[Any]) -> None:
    found = read_file(written(Transcript=[*FILE["Transcript"], *raw]), contact_id="c-1")

    assert isinstance(found, TranscriptFile)
    # As JSON brings them: NaN and the like are what they are there.
    parsed = [parse_item(one, "c-1") for one in json.loads(json.dumps(raw))]
    assert len(found.items) + len(found.odd) == 3 + sum(one is not None for one in parsed)
    assert [item.message_id for item in found.items[:3]] == ["740c494d", "78aa8229", "2d9a0e4f"]


@given(st.text(min_size=8), st.sampled_from(["Version", "ContactId", "InstanceId"]))
def test_what_is_wrong_is_said_without_a_word_of_the_file(secret: str, where: str) -> None:
    found = read_file(written(**{where: secret}), contact_id="c-1", instance_id="i-1")

    assert isinstance(found, Unreadable)
    assert secret not in found.why


@given(
    st.text("abcdef0123456789-", min_size=2),
    st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year >= FIRST_YEAR),
    st.sampled_from(["", "chats", "connect/acme/ChatTranscripts"]),
)
def test_the_key_that_amazon_writes_is_found_by_its_day_and_names_its_contact(
    contact_id: str, began: datetime, prefix: str
) -> None:
    place = f"{prefix}/" if prefix else ""
    key = f"{place}{began:%Y/%m/%d}/{contact_id}_{began:%Y%m%dT%H:%M}_UTC.json"

    assert key.startswith(day_prefix(prefix, began.date()))
    assert key.startswith(day_prefix(prefix, began.date(), contact_id))
    assert contact_of(key) == contact_id
    assert not key.startswith(day_prefix(prefix, began.date(), contact_id[:-1]))


@pytest.mark.parametrize(
    "key",
    [
        "chats/2026/11/26/",
        "chats/2026/11/26/c-1_analysis_2026-11-26T08_45_00Z.json",
        "chats/2026/11/26/c-1_20261126T08:45_UTC.json.tmp",
        "chats/2026/11/26/c-1_20261126T08:45_UTC.wav",
        "chats/2026/11/26/_20261126T08:45_UTC.json",
        "",
    ],
)
def test_other_keys_name_nobody(key: str) -> None:
    assert contact_of(key) is None


def test_the_version_is_the_one_that_was_seen() -> None:
    assert (VERSION, day_prefix("p", date(2026, 1, 2))) == ("2019-08-26", "p/2026/01/02/")
