"""A contact as Amazon describes it: what is kept, and what says nothing."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws.contact_record import ContactRecord, read_contact

MEMBERS = (
    "InitialContactId",
    "PreviousContactId",
    "InitiationMethod",
    "InitiationTimestamp",
    "ConnectedToSystemTimestamp",
    "DisconnectTimestamp",
    "DisconnectReason",
    "ChatMetrics",
    "Attributes",
    "Recordings",
)
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.datetimes() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(MEMBERS), ODD))
def test_whatever_amazon_answers_is_read_without_an_error(answer: dict[str, Any]) -> None:
    found = read_contact(answer, "c-1")

    assert found.contact_id == "c-1"
    assert all(isinstance(place, str) for place in found.transcripts)
    times = (found.started_at, found.connected_at, found.ended_at)
    assert all(time is None or time.tzinfo is UTC for time in times)


def test_what_is_not_there_says_nothing() -> None:
    assert read_contact({}, "c-1") == ContactRecord(contact_id="c-1")


@pytest.mark.parametrize(
    "unset",
    [
        datetime(1970, 1, 1, 0, 0, 0, 1_000, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=-5))),
        "2026-11-26T12:00:00Z",
        1_795_000_000,
    ],
)
def test_a_time_that_is_not_set_is_none(unset: object) -> None:
    assert read_contact({"DisconnectTimestamp": unset}, "c-1").ended_at is None


def test_times_are_of_utc() -> None:
    at = datetime(2026, 11, 26, 13, tzinfo=timezone(timedelta(hours=1)))

    assert read_contact({"DisconnectTimestamp": at}, "c-1").ended_at == datetime(
        2026, 11, 26, 12, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("sent", "kept"), [(0, 0), (3, 3), (True, None), (-1, None), ("3", None), (2**40, None)]
)
def test_messages_are_counted_where_amazon_counts_the_customers(sent: object, kept: object) -> None:
    metrics = {"CustomerMetrics": {"MessagesSent": sent}, "AgentMetrics": {"MessagesSent": 7}}

    assert read_contact({"ChatMetrics": metrics}, "c-1").messages_sent == kept


def test_attributes_are_as_every_database_takes_them() -> None:
    found = read_contact({"Attributes": {"a\0b": "x\ud800", "n": 7}}, "c-1")

    assert found.attributes == {"a\ufffdb": "x\ufffd", "n": "7"}


@pytest.mark.parametrize(
    ("recording", "place"),
    [
        ({"Location": "b/k.json"}, ("b/k.json",)),
        ({"Location": "s3://b/k.json"}, ("b/k.json",)),
        ({"Location": "b/k.json", "Status": "AVAILABLE"}, ("b/k.json",)),
        ({"Location": "b/k.json", "Status": "DELETED"}, ()),
        ({"Location": "b/k.wav"}, ()),
        ({"Location": "k.json"}, ()),
        ({"Location": "b/k.json", "StorageType": "KINESIS_VIDEO_STREAM"}, ()),
        ({"UnprocessedTranscriptLocation": "b/raw.json"}, ()),
        (
            {"Location": "b/k.json", "UnprocessedTranscriptLocation": "b/raw.json"},
            ("b/k.json",),
        ),
    ],
)
def test_the_processed_transcript_is_taken_and_never_the_other(
    recording: dict[str, Any], place: tuple[str, ...]
) -> None:
    found = read_contact({"Recordings": [{"StorageType": "S3", **recording}]}, "c-1")

    assert found.transcripts == place
