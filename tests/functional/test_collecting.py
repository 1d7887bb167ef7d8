"""Collecting: what Amazon knows of a campaign's contacts comes into the ledger, once and whole."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.aws.transcript_store import MOST_BYTES
from connect_tasks.campaign.answers.replies import replies
from connect_tasks.campaign.collection import collecting
from connect_tasks.errors import (
    AccessDeniedError,
    CampaignHaltedError,
    CredentialsError,
    InputError,
    ServiceFaultError,
)
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.erasure import erase, forget
from connect_tasks.ledger.schema import collected, contacts, items
from connect_tasks.ledger.store import Ledger
from tests.functional.collecting_world import (
    CAMPAIGN,
    NOON,
    PREFIX,
    Amazon,
    Later,
    item,
    moto_s3,
    new_amazon,
    told,
    transcript,
)
from tests.ledger_rows import INSTANCE, enter, table

ENDED = NOON - timedelta(minutes=40)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_s3() as url:
        yield url


@pytest.fixture
def amazon(s3: str) -> Amazon:
    return new_amazon(s3)


@pytest.fixture
def opened(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as ledger:
        yield ledger


@pytest.fixture
def sqlite(ledger: str) -> Iterator[Ledger]:
    with Ledger(ledger) as opened:
        yield opened


def invited(ledger: Ledger, amazon: Amazon, *names: str, **more: Any) -> None:
    """Chats by invitation that are over at Amazon, of which the ledger knows only the start."""
    for name in names:
        enter(ledger, name, mode="invitation")
        amazon.contacts[f"c-{name}"] = told(ended=ENDED, **more)


def states(ledger: Ledger) -> dict[str, str]:
    return {row["contact_id"]: row["transcript"] for row in table(ledger, collected)}


def said(ledger: Ledger) -> list[tuple[str, str | None]]:
    records = ledger.message_records(CAMPAIGN)
    return [(row["contact_id"], row["content"]) for row in records]


# --- the way of a chat ---


def test_a_chat_that_is_over_comes_with_its_end_its_attributes_and_its_transcript(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(
        opened,
        amazon,
        "ada",
        DisconnectReason="CUSTOMER_DISCONNECT",
        Attributes={"score": "9"},
        ChatMetrics={"CustomerMetrics": {"MessagesSent": 1}},
    )
    spoken = [item(1, role="SYSTEM", text="How was it?"), item(9, text="good")]
    amazon.put("c-ada", transcript("c-ada", spoken))

    found = amazon.collect(opened)

    assert said(opened) == [("c-ada", "How was it?"), ("c-ada", "good")]
    (contact,) = table(opened, contacts)
    assert (contact["status"], contact["ended_at"], contact["transcript_complete"]) == (
        "completed",
        ENDED,
        True,
    )
    assert contact["first_reply_at"] == NOON - timedelta(hours=1) + timedelta(
        seconds=39, milliseconds=123
    )
    (kept,) = table(opened, collected)
    assert (kept["attributes"], kept["messages_sent"], kept["transcript"]) == (
        {"score": "9"},
        1,
        "stored",
    )
    assert (found.ended, found.transcripts, found.messages, found.awaited) == (1, 1, 2, 0)


def test_a_second_collect_asks_for_nothing_and_changes_nothing(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada", "bob")
    for name in ("ada", "bob"):
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1)]))
    amazon.collect(opened)
    before = (table(opened, contacts), table(opened, collected), table(opened, items))
    amazon.calls.clear()

    found = amazon.collect(opened)

    assert (table(opened, contacts), table(opened, collected), table(opened, items)) == before
    assert set(amazon.calls) == {"ListInstanceStorageConfigs"}
    assert (found.again_at, found.messages) == (None, 0)


def test_what_was_heard_while_the_chat_lived_is_not_there_twice(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada")
    heard(opened, "c-ada", message_id="i-1", text="hello")
    amazon.put("c-ada", transcript("c-ada", [item(1), item(2, text="more")]))

    amazon.collect(opened)

    assert said(opened) == [("c-ada", "hello"), ("c-ada", "more")]


def test_nor_where_the_file_has_ids_of_its_own(opened: Ledger, amazon: Amazon) -> None:
    invited(opened, amazon, "ada")
    heard(opened, "c-ada", message_id="from-the-socket", text="hello")
    amazon.put("c-ada", transcript("c-ada", [item(1), item(2, text="more")]))

    amazon.collect(opened)

    assert said(opened) == [("c-ada", "hello"), ("c-ada", "more")]


def heard(ledger: Ledger, contact_id: str, *, message_id: str, text: str) -> None:
    """An item that came over a socket: the same as `item(1)`."""
    at = NOON - timedelta(hours=1) + timedelta(seconds=31, milliseconds=123)
    values = {
        "campaign": CAMPAIGN,
        "contact_id": contact_id,
        "message_id": message_id,
        "customer_id": contact_id.removeprefix("c-"),
        "absolute_time": at,
        "participant_role": "CUSTOMER",
        "type": "MESSAGE",
        "content_type": "text/plain",
        "content": text,
    }
    with ledger._writing() as connection:
        connection.execute(sa.insert(items), values)


def test_an_item_that_is_in_a_file_twice_is_one_message(opened: Ledger, amazon: Amazon) -> None:
    invited(opened, amazon, "ada")
    spoken = [item(1), item(2, text="more"), item(2, text="more")]
    amazon.put("c-ada", transcript("c-ada", spoken))

    assert amazon.collect(opened).messages == 2
    assert said(opened) == [("c-ada", "hello"), ("c-ada", "more")]


def test_attachments_are_listed(opened: Ledger, amazon: Amazon) -> None:
    invited(opened, amazon, "ada")
    file = {"AttachmentName": "id.pdf", "AttachmentId": "a-1", "Status": "APPROVED"}
    sent = item(1, Type="ATTACHMENT", Content=None, ContentType=None, Attachments=[file])
    amazon.put("c-ada", transcript("c-ada", [sent]))

    amazon.collect(opened)

    ((_, content),) = said(opened)
    assert json.loads(content or "") == [file]


def test_a_chat_that_began_before_midnight_may_have_its_file_under_the_next_day(
    opened: Ledger, amazon: Amazon
) -> None:
    midnight = NOON.replace(hour=0)
    enter(opened, "ada", mode="invitation", started_at=midnight - timedelta(seconds=5))
    amazon.contacts["c-ada"] = told(
        ended=ENDED, InitiationTimestamp=midnight - timedelta(seconds=5)
    )
    amazon.put("c-ada", transcript("c-ada", [item(1)]), began="20261126T00:00")

    amazon.collect(opened)

    assert states(opened) == {"c-ada": "stored"}


def test_it_works_where_an_event_loop_runs_already(sqlite: Ledger, amazon: Amazon) -> None:
    invited(sqlite, amazon, "ada")
    amazon.put("c-ada", transcript("c-ada", [item(1)]))

    async def cell() -> int:
        return amazon.collect(sqlite).messages

    assert asyncio.run(cell()) == 1


# --- when it is not there yet ---


def test_it_looks_again_after_1_2_5_and_15_minutes_then_daily_and_gives_up_after_30_days(
    sqlite: Ledger, amazon: Amazon
) -> None:
    enter(sqlite, "ada", mode="invitation")
    amazon.contacts["c-ada"] = told(ended=NOON)
    times = []
    for _ in range(40):
        found = amazon.collect(sqlite, follow=False)
        if found.again_at is None:
            break
        times.append(found.again_at - NOON)
        amazon.clock.ahead = found.again_at - NOON

    minutes = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15)]
    assert times[:4] == minutes
    gaps = [second - first for first, second in pairwise(times[3:])]
    assert all(timedelta(0) < gap <= timedelta(days=1, minutes=1) for gap in gaps)
    assert times[-1] == timedelta(days=30)
    assert states(sqlite) == {"c-ada": "absent"}


def test_the_first_look_waits_for_nothing_and_the_second_until_it_is_due(
    sqlite: Ledger, amazon: Amazon
) -> None:
    enter(sqlite, "ada", mode="invitation")
    amazon.contacts["c-ada"] = told(ended=NOON)

    amazon.collect(sqlite, follow=False)
    looked = amazon.calls["ListObjectsV2"]
    amazon.collect(sqlite, follow=False)

    assert looked > 0
    assert (amazon.calls["ListObjectsV2"], states(sqlite)) == (looked, {"c-ada": "awaited"})


def test_a_file_that_came_late_is_read_then(sqlite: Ledger, amazon: Amazon) -> None:
    invited(sqlite, amazon, "ada")
    amazon.collect(sqlite)
    amazon.put("c-ada", transcript("c-ada", [item(1)]))
    amazon.clock.ahead = timedelta(days=1, minutes=1)

    amazon.collect(sqlite)

    assert (said(sqlite), states(sqlite)) == ([("c-ada", "hello")], {"c-ada": "stored"})


def test_an_open_chat_is_asked_about_again_and_the_call_says_when(
    sqlite: Ledger, amazon: Amazon
) -> None:
    enter(sqlite, "ada", mode="invitation")
    amazon.contacts["c-ada"] = told()

    found = amazon.collect(sqlite)

    assert (found.open, states(sqlite)) == (1, {"c-ada": "open"})
    assert found.again_at is not None
    assert timedelta(0) < found.again_at - NOON < timedelta(minutes=20)


# --- files that cannot be used ---

SECRET = "the customer's own words"
ODD = {"Content": SECRET, "Type": "MESSAGE", "AbsoluteTime": "yesterday"}
SPOILT = {
    "half written": transcript("c-ada", [item(1, text=SECRET)])[:-20],
    "of another version": transcript("c-ada", [item(1, text=SECRET)], Version="2031-01-01"),
    "without a version": transcript("c-ada", [item(1, text=SECRET)], Version=None),
    "of another contact": transcript("c-bob", [item(1, text=SECRET)]),
    "of another instance": transcript("c-ada", [item(1, text=SECRET)], InstanceId="elsewhere"),
    "too large": b" " * (MOST_BYTES + 1),
    "no JSON": SECRET.encode(),
    "not UTF-8": b'{"Version": "\xff"}',
    "empty": b"",
    "a list": json.dumps([SECRET]).encode(),
    "without items": transcript("c-ada", [], Transcript=SECRET),
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_file_that_cannot_be_used_is_named_left_and_looked_at_again(
    sqlite: Ledger, amazon: Amazon, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    invited(sqlite, amazon, "ada", "eve")
    amazon.put("c-ada", SPOILT[kind])
    amazon.put("c-eve", transcript("c-eve", [item(1)]))

    with caplog.at_level(logging.WARNING):
        found = amazon.collect(sqlite)

    assert states(sqlite) == {"c-ada": "awaited", "c-eve": "stored"}
    kept = table(sqlite, collected)[0]
    assert kept["trouble"]
    assert kept["look_again_at"] > NOON
    assert (found.unusable, "c-ada" in caplog.text) == (1, True)
    assert SECRET not in caplog.text + kept["trouble"]
    # What the list says is too large is not fetched at all.
    assert amazon.calls["GetObject"] == (1 if kind == "too large" else 2)

    amazon.put("c-ada", transcript("c-ada", [item(1)]))
    amazon.clock.ahead = timedelta(days=2)
    amazon.collect(sqlite)
    assert [(row["transcript"], row["trouble"]) for row in table(sqlite, collected)] == [
        ("stored", None)
    ] * 2


def test_what_can_be_read_of_a_file_is_kept_and_the_rest_looked_at_again(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada")
    amazon.put("c-ada", transcript("c-ada", [item(1), ODD, 7]))

    amazon.collect(opened)

    (contact,) = table(opened, contacts)
    assert said(opened) == [("c-ada", "hello")]
    assert (contact["transcript_complete"], contact["items_skipped"]) == (False, 2)
    assert states(opened) == {"c-ada": "partial"}

    amazon.put("c-ada", transcript("c-ada", [item(1), item(2, text="more")]))
    amazon.clock.ahead = timedelta(days=2)
    amazon.collect(opened)

    (contact,) = table(opened, contacts)
    assert said(opened) == [("c-ada", "hello"), ("c-ada", "more")]
    assert (contact["transcript_complete"], states(opened)) == (True, {"c-ada": "stored"})


def test_an_item_of_another_contact_is_passed_over_and_nothing_is_missing_for_it(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada")
    foreign = item(2, text=SECRET, ContactId="c-other")
    amazon.put("c-ada", transcript("c-ada", [item(1), foreign]))

    found = amazon.collect(opened)

    (contact,) = table(opened, contacts)
    assert (said(opened), states(opened)) == ([("c-ada", "hello")], {"c-ada": "stored"})
    assert (contact["transcript_complete"], contact["items_skipped"]) == (True, 0)
    assert (found.awaited, table(opened, collected)[0]["trouble"]) == (0, None)


def test_a_file_that_stays_half_readable_keeps_what_was_read_and_is_awaited_no_more(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada")
    amazon.put("c-ada", transcript("c-ada", [item(1), ODD]))
    found = amazon.collect(opened)
    assert (found.awaited, opened.counts(CAMPAIGN)["transcripts_awaited"]) == (1, 1)
    amazon.clock.ahead = timedelta(days=31)

    found = amazon.collect(opened)

    assert (said(opened), states(opened)) == ([("c-ada", "hello")], {"c-ada": "partial"})
    assert (found.again_at, found.awaited) == (None, 0)
    counts = opened.counts(CAMPAIGN)
    assert (counts["transcripts_awaited"], counts["transcripts_incomplete"]) == (0, 1)


# --- where Amazon says that the file is ---


@pytest.mark.parametrize("scheme", ["", "s3://"])
def test_a_file_whose_place_amazon_tells_is_read_without_a_list(
    sqlite: Ledger, amazon: Amazon, scheme: str
) -> None:
    invited(sqlite, amazon, "ada")
    place = amazon.put("c-ada", transcript("c-ada", [item(1)]))
    recording = {"StorageType": "S3", "Location": f"{scheme}{place}", "Status": "AVAILABLE"}
    amazon.contacts["c-ada"]["Recordings"] = [recording]

    amazon.collect(sqlite)

    assert states(sqlite) == {"c-ada": "stored"}
    assert (amazon.calls["ListObjectsV2"], amazon.calls["GetObject"]) == (0, 1)


def test_the_unprocessed_file_is_never_read(sqlite: Ledger, amazon: Amazon) -> None:
    invited(sqlite, amazon, "ada")
    raw = amazon.put("c-ada", transcript("c-ada", [item(1, text="4111 1111 1111 1111")]))
    amazon.s3.copy_object(Bucket=amazon.bucket, Key=f"raw/{raw[-30:]}", CopySource=raw)
    amazon.s3.delete_object(Bucket=amazon.bucket, Key=raw.partition("/")[2])
    amazon.contacts["c-ada"]["Recordings"] = [
        {
            "StorageType": "S3",
            "Status": "AVAILABLE",
            "UnprocessedTranscriptLocation": f"{amazon.bucket}/raw/{raw[-30:]}",
        }
    ]

    amazon.collect(sqlite)

    assert (said(sqlite), states(sqlite)) == ([], {"c-ada": "awaited"})


@pytest.mark.parametrize(
    "recording",
    [
        {"StorageType": "KINESIS_VIDEO_STREAM"},
        {"Status": "DELETED"},
        {"Location": "somewhere/else/Analysis/Chat/c-ada_analysis_2026.json"},
        {"Location": ""},
        {"Location": None},
        {"Location": "/no-bucket/c-ada_20261126T11:00_UTC.json"},
    ],
)
def test_what_is_no_transcript_is_not_read(
    sqlite: Ledger, amazon: Amazon, recording: dict[str, Any]
) -> None:
    invited(sqlite, amazon, "ada")
    place = amazon.put("c-ada", b"never read", began="20261120T11:00")
    told = {"StorageType": "S3", "Location": place, "Status": "AVAILABLE", **recording}
    amazon.contacts["c-ada"]["Recordings"] = [told, None, "odd"]

    amazon.collect(sqlite)

    assert (amazon.calls["GetObject"], states(sqlite)) == (0, {"c-ada": "awaited"})


# --- how many calls ---


def test_many_chats_of_a_day_are_found_by_listing_the_day(sqlite: Ledger, amazon: Amazon) -> None:
    names = [f"customer-{number:02}" for number in range(30)]
    invited(sqlite, amazon, *names)
    for name in names:
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1)]))

    found = amazon.collect(sqlite)

    assert set(states(sqlite).values()) == {"stored"}
    assert (amazon.calls["DescribeContact"], amazon.calls["ListObjectsV2"]) == (30, 1)
    assert (found.transcripts, found.messages) == (30, 30)


def test_a_few_chats_of_a_busy_day_are_asked_for_one_by_one(
    sqlite: Ledger, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "20")  # S3 gives a thousand on a page.
    invited(sqlite, amazon, *"abcde")
    for number in range(25):
        amazon.put(f"b-{number:04}", b"another campaign's")
    for name in "abcde":
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1)]))

    amazon.collect(sqlite)

    assert set(states(sqlite).values()) == {"stored"}
    # One page of the day, which did not come to its end, and then one list for each.
    assert (amazon.calls["ListObjectsV2"], amazon.calls["GetObject"]) == (6, 5)


def test_of_very_many_open_chats_only_those_that_ended_are_asked_about_again(
    sqlite: Ledger, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "_MANY", 3)
    names = [f"n{number}" for number in range(10)]
    for name in names:
        enter(sqlite, name, mode="invitation")
        amazon.contacts[f"c-{name}"] = told()
    assert amazon.collect(sqlite).described == 10
    for name in names[:2]:
        amazon.contacts[f"c-{name}"] = told(ended=ENDED)
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1)]))
    amazon.clock.ahead = timedelta(minutes=15)

    assert amazon.collect(sqlite).described == 2
    assert states(sqlite)["c-n0"] == "stored"

    # And all of them once a day: a chat that nobody joined has no file.
    amazon.clock.ahead = timedelta(days=1, minutes=15)
    assert amazon.collect(sqlite).described == 8


# --- contacts that follow ---


def follower(amazon: Amazon, contact_id: str, initial: str, method: str, **more: Any) -> None:
    amazon.contacts[contact_id] = told(
        ended=ENDED + timedelta(minutes=2),
        InitiationMethod=method,
        InitialContactId=initial,
        **{"InitiationTimestamp": ENDED, **more},
    )


def test_contacts_that_followed_are_found_and_joined_to_the_customers_own(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada", "bob")
    for number in range(7):  # Others' chats, more than a page of them.
        follower(amazon, f"a-{number}", "another's", "TRANSFER")
    follower(amazon, "s-1", "c-ada", "DISCONNECT", Attributes={"score": "9"})
    for contact_id in ("c-ada", "s-1"):
        spoken = item(1, text=f"of {contact_id}", Id=f"i-{contact_id}")
        amazon.put(contact_id, transcript(contact_id, [spoken]))

    found = amazon.collect(opened)

    rows = {row["contact_id"]: row for row in table(opened, collected)}
    assert (found.followers, set(rows)) == (1, {"c-ada", "c-bob", "s-1"})
    assert (rows["s-1"]["initial_contact_id"], rows["s-1"]["initiation_method"]) == (
        "c-ada",
        "DISCONNECT",
    )
    assert rows["s-1"]["attributes"] == {"score": "9"}
    assert said(opened) == [("c-ada", "of c-ada"), ("s-1", "of s-1")]


def test_what_was_heard_of_a_transfer_in_the_first_contact_is_not_there_twice(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada")
    follower(amazon, "t-1", "c-ada", "TRANSFER")
    heard(opened, "c-ada", message_id="i-1", text="hello")
    amazon.put("c-ada", transcript("c-ada", []))
    amazon.put("t-1", transcript("t-1", [item(1), item(2, text="more")]))

    amazon.collect(opened)

    assert said(opened) == [("c-ada", "hello"), ("t-1", "more")]


class SetBack(Later):
    """Is five seconds earlier from the second look on."""

    def __init__(self) -> None:
        super().__init__()
        self._is_looked_at = False

    def now(self) -> datetime:
        back = timedelta(seconds=5) if self._is_looked_at else timedelta()
        self._is_looked_at = True
        return super().now() - back


@pytest.mark.parametrize("mode", ["invitation", "simulation"])
def test_a_clock_that_is_set_back_has_nobody_asked_about_twice(
    sqlite: Ledger, amazon: Amazon, mode: str
) -> None:
    status = "completed" if mode == "simulation" else "started"
    enter(sqlite, "ada", mode=mode, status=status)
    amazon.contacts["c-ada"] = told()
    amazon.clock = SetBack()

    def passing(_: str) -> None:
        assert amazon.calls["DescribeContact"] < 3

    amazon.passing = passing
    amazon.collect(sqlite, follow=False)

    assert amazon.calls["DescribeContact"] == 1


def test_one_that_follows_goes_on_until_amazon_says_that_it_ended(
    sqlite: Ledger, amazon: Amazon
) -> None:
    invited(sqlite, amazon, "ada")
    follower(amazon, "t-1", "c-ada", "TRANSFER")
    amazon.contacts["t-1"]["DisconnectTimestamp"] = None
    found = amazon.collect(sqlite)
    assert (states(sqlite)["t-1"], found.open) == ("open", 1)

    amazon.contacts["t-1"]["DisconnectTimestamp"] = NOON
    amazon.put("t-1", transcript("t-1", [item(1)]))
    amazon.clock.ahead = timedelta(minutes=16)
    found = amazon.collect(sqlite)

    assert (states(sqlite)["t-1"], found.open) == ("stored", 0)


def test_one_that_turns_up_late_in_the_search_is_found_by_the_next_collect(
    sqlite: Ledger, amazon: Amazon
) -> None:
    enter(sqlite, "ada", mode="invitation")
    amazon.contacts["c-ada"] = told(ended=NOON)
    found = amazon.collect(sqlite)
    assert found.again_at is not None
    follower(amazon, "s-1", "c-ada", "DISCONNECT", InitiationTimestamp=NOON)
    amazon.clock.ahead = timedelta(minutes=5)

    assert amazon.collect(sqlite).followers == 1

    amazon.clock.ahead = timedelta(days=3)
    amazon.collect(sqlite)
    amazon.calls.clear()
    amazon.collect(sqlite)
    assert amazon.calls["SearchContacts"] == 0


def test_what_follows_from_a_chat_that_was_open_at_the_first_look_is_found(
    sqlite: Ledger, amazon: Amazon
) -> None:
    enter(sqlite, "ada", mode="invitation")
    amazon.contacts["c-ada"] = told()
    amazon.collect(sqlite)
    amazon.contacts["c-ada"] = told(ended=ENDED)
    follower(amazon, "s-1", "c-ada", "DISCONNECT")
    amazon.clock.ahead = timedelta(minutes=16)

    assert amazon.collect(sqlite).followers == 1
    assert table(sqlite, collected)[0]["look_again_at"] is not None


def test_nobody_is_searched_for_if_it_is_switched_off(sqlite: Ledger, amazon: Amazon) -> None:
    invited(sqlite, amazon, "ada")
    follower(amazon, "s-1", "c-ada", "DISCONNECT")

    found = amazon.collect(sqlite, follow=False)

    assert (amazon.calls["SearchContacts"], found.followers) == (0, 0)
    assert amazon.collect(sqlite).followers == 1  # Switched on later, nothing is missed.


def test_where_nobody_joined_nothing_can_have_followed(sqlite: Ledger, amazon: Amazon) -> None:
    never = "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
    invited(sqlite, amazon, "ada", DisconnectReason=never, joined=False)

    found = amazon.collect(sqlite)

    assert (amazon.calls["SearchContacts"], found.absent, found.again_at) == (0, 1, None)


# --- campaigns of every way ---


def test_of_a_simulation_what_is_missing_is_filled_in_and_no_status_changes(
    opened: Ledger, amazon: Amazon
) -> None:
    enter(opened, "whole", mode="simulation", status="completed", transcript_complete=True)
    enter(opened, "gaps", mode="simulation", status="completed", transcript_complete=False)
    enter(opened, "held", mode="simulation", status="connected")
    enter(opened, "unknown", mode="simulation", status="unknown", contact_id=None)
    first = NOON - timedelta(minutes=50)
    with opened._writing() as connection:
        connection.execute(sa.update(contacts).values(first_reply_at=first))
    for name in ("whole", "gaps", "held"):
        amazon.contacts[f"c-{name}"] = told(ended=ENDED, Attributes={"a": name})
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1)]))

    amazon.collect(opened)

    rows = {row["customer_id"]: row for row in table(opened, contacts)}
    assert {name: row["status"] for name, row in rows.items()} == {
        "whole": "completed",
        "gaps": "completed",
        "held": "connected",
        "unknown": "unknown",
    }
    assert {row["first_reply_at"] for row in rows.values()} == {first}
    assert rows["gaps"]["transcript_complete"] is True
    assert states(opened) == {"c-whole": "stored", "c-gaps": "stored"}
    assert said(opened) == [("c-gaps", "hello")]


def test_contacts_that_a_worker_holds_keep_their_status(sqlite: Ledger, amazon: Amazon) -> None:
    until = NOON + timedelta(minutes=1)
    enter(sqlite, "ada", mode="hand_over", claimed_by="w", claimed_until=until)
    amazon.contacts["c-ada"] = told(ended=ENDED)

    amazon.collect(sqlite)

    assert (table(sqlite, contacts)[0]["status"], table(sqlite, collected)) == ("started", [])


# --- permissions, and what Amazon does not do ---


def denied(operation: str) -> AccessDeniedError:
    return AccessDeniedError(
        f"not authorized: {operation}", operation=operation, code="AccessDenied", status=403
    )


def test_without_a_bucket_it_is_said_once_and_transcripts_are_due_again_later(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada", "bob")
    amazon.places = []

    found = amazon.collect(opened)

    assert ["keeps no transcripts" in problem for problem in found.problems] == [True]
    assert states(opened) == {"c-ada": "awaited", "c-bob": "awaited"}
    assert found.again_at is not None
    assert NOON < found.again_at <= NOON + timedelta(days=1, minutes=1)
    assert amazon.calls["ListObjectsV2"] == 0

    amazon.places = [(amazon.bucket, PREFIX)]
    amazon.put("c-ada", transcript("c-ada", [item(1)]))
    amazon.clock.ahead = timedelta(days=1, minutes=1)
    amazon.collect(opened)
    assert states(opened)["c-ada"] == "stored"


def test_without_a_bucket_transcripts_are_given_up_as_they_are_with_one(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada", "bob")
    amazon.places = []
    amazon.collect(opened, follow=False)
    amazon.clock.ahead = timedelta(days=30)

    found = amazon.collect(opened, follow=False)

    assert states(opened) == {"c-ada": "absent", "c-bob": "absent"}
    assert (found.awaited, found.absent, found.again_at) == (0, 2, None)
    assert opened.counts(CAMPAIGN)["transcripts_awaited"] == 0


def test_where_nobody_may_look_for_the_bucket_nothing_is_put_off(
    sqlite: Ledger, amazon: Amazon
) -> None:
    invited(sqlite, amazon, "ada")
    amazon.refused = {"ListInstanceStorageConfigs": denied("ListInstanceStorageConfigs")}

    amazon.collect(sqlite)

    assert [row["looks"] for row in table(sqlite, collected)] == [0]


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("ListInstanceStorageConfigs", "connect:ListInstanceStorageConfigs"),
        ("SearchContacts", "connect:SearchContacts"),
        ("ListObjectsV2", "s3:ListBucket"),
        ("GetObject", "s3:GetObject"),
    ],
)
def test_a_permission_that_is_missing_is_named_once_and_the_rest_is_collected(
    sqlite: Ledger, amazon: Amazon, operation: str, permission: str
) -> None:
    names = [f"n{number}" for number in range(8)]
    invited(sqlite, amazon, *names)
    for name in names:
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1)]))
    amazon.refused = {operation: denied(operation)}

    found = amazon.collect(sqlite)

    assert len(found.problems) == 1
    assert permission in found.problems[0]
    assert {row["status"] for row in table(sqlite, contacts)} == {"completed"}
    assert {row["looks"] for row in table(sqlite, collected)} <= {0, 1}
    waits = "stored" if operation == "SearchContacts" else "awaited"
    assert set(states(sqlite).values()) == {waits}
    if waits == "awaited":
        assert {row["looks"] for row in table(sqlite, collected)} == {0}

    amazon.refused = {}
    amazon.collect(sqlite)
    assert set(states(sqlite).values()) == {"stored"}


def test_one_file_that_may_not_be_read_does_not_keep_the_others_from_being_read(
    sqlite: Ledger, amazon: Amazon
) -> None:
    invited(sqlite, amazon, "ada", "bob", "cyd", "dan")
    for name in ("ada", "bob", "cyd", "dan"):
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1)]))
    reads = iter([True])

    def first_is_denied(operation: str) -> None:
        if operation == "GetObject" and next(reads, False):
            raise denied("GetObject")

    amazon.passing = first_is_denied
    found = amazon.collect(sqlite)

    assert sorted(states(sqlite).values()) == ["awaited", "stored", "stored", "stored"]
    assert (found.problems, found.unusable) == ([], 1)


def test_one_file_that_may_not_be_read_is_no_missing_permission_later_and_is_given_up(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada", "bob")
    for name in ("ada", "bob"):
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1)]))
    amazon.locked = {"c-ada"}
    for days in (0, 1, 5):
        amazon.clock.ahead = timedelta(days=days, minutes=days)
        assert (amazon.collect(opened).problems, states(opened)["c-ada"]) == ([], "awaited")

    amazon.clock.ahead = timedelta(days=30)
    found = amazon.collect(opened)

    assert (found.problems, found.awaited, found.again_at) == ([], 0, None)
    (kept,) = [row for row in table(opened, collected) if row["contact_id"] == "c-ada"]
    assert (kept["transcript"], kept["trouble"]) == ("absent", "S3 says AccessDenied")


def test_a_chat_that_our_side_heard_whole_does_not_say_that_files_may_be_read(
    sqlite: Ledger, amazon: Amazon
) -> None:
    enter(sqlite, "ada", mode="simulation", status="completed", transcript_complete=True)
    amazon.contacts["c-ada"] = told(ended=ENDED)
    enter(sqlite, "bob", mode="simulation", status="completed", transcript_complete=False)
    amazon.contacts["c-bob"] = told(ended=ENDED)
    amazon.put("c-bob", transcript("c-bob", [item(1)]))
    amazon.locked = {"c-bob"}

    found = amazon.collect(sqlite)

    assert ["s3:GetObject" in problem for problem in found.problems] == [True]


@pytest.mark.parametrize("files", [1, 12])
def test_files_that_may_never_be_read_are_given_up_and_the_permission_still_named(
    sqlite: Ledger, amazon: Amazon, files: int
) -> None:
    names = [f"n{number}" for number in range(files)]
    invited(sqlite, amazon, *names)
    for name in names:
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1)]))
    amazon.locked = [f"c-{name}" for name in names]
    amazon.collect(sqlite)
    assert set(states(sqlite).values()) == {"awaited"}
    amazon.clock.ahead = timedelta(days=30)

    found = amazon.collect(sqlite)

    assert ["s3:GetObject" in problem for problem in found.problems] == [True]
    assert set(states(sqlite).values()) == {"absent"}
    assert found.again_at is None


@pytest.mark.parametrize(
    "operation", ["ListInstanceStorageConfigs", "SearchContacts", "ListObjectsV2", "GetObject"]
)
def test_after_a_step_that_failed_the_next_collect_is_never_for_a_time_that_is_over(
    sqlite: Ledger, amazon: Amazon, operation: str
) -> None:
    invited(sqlite, amazon, "ada")
    amazon.put("c-ada", transcript("c-ada", [item(1)]))
    amazon.refused = {operation: denied(operation)}
    amazon.collect(sqlite)
    amazon.clock.ahead = timedelta(days=2)

    found = amazon.collect(sqlite)

    assert found.again_at is not None
    assert timedelta(minutes=10) < found.again_at - amazon.clock.now() < timedelta(hours=1)


def test_where_no_file_may_be_read_a_permission_is_missing_however_few_they_are(
    sqlite: Ledger, amazon: Amazon
) -> None:
    invited(sqlite, amazon, "ada")
    amazon.put("c-ada", transcript("c-ada", [item(1)]))
    amazon.refused = {"GetObject": denied("GetObject")}

    found = amazon.collect(sqlite)

    assert ["s3:GetObject" in problem for problem in found.problems] == [True]
    assert [(row["looks"], row["trouble"]) for row in table(sqlite, collected)] == [(0, None)]


def test_without_permission_to_describe_nothing_can_be_collected_and_the_sentence_says_so(
    sqlite: Ledger, amazon: Amazon
) -> None:
    invited(sqlite, amazon, "ada")
    amazon.refused = {"DescribeContact": denied("DescribeContact")}

    with pytest.raises(CampaignHaltedError, match="connect:DescribeContact"):
        amazon.collect(sqlite)

    assert table(sqlite, collected) == []


@pytest.mark.parametrize("operation", ["ListInstanceStorageConfigs", "DescribeContact"])
def test_credentials_that_are_refused_end_it(
    sqlite: Ledger, amazon: Amazon, operation: str
) -> None:
    invited(sqlite, amazon, "ada")
    amazon.refused = {operation: CredentialsError("expired", operation=operation)}

    with pytest.raises(CampaignHaltedError, match="expired"):
        amazon.collect(sqlite)


def test_a_store_that_does_not_answer_marks_nothing(sqlite: Ledger, amazon: Amazon) -> None:
    invited(sqlite, amazon, "ada")
    amazon.refused = {
        "ListObjectsV2": ServiceFaultError("", operation="ListObjectsV2", code="SlowDown")
    }

    found = amazon.collect(sqlite)

    assert ["SlowDown" in problem for problem in found.problems] == [True]
    assert [row["looks"] for row in table(sqlite, collected)] == [0]


# --- broken off, and at the same time ---


class Killed(BaseException):
    """The process is gone."""


def prepared(ledger: Ledger, amazon: Amazon) -> None:
    names = ["ada", "bob", "cyd", "dan", "eve"]
    invited(ledger, amazon, *names)
    follower(amazon, "s-1", "c-ada", "DISCONNECT")
    amazon.put("s-1", transcript("s-1", [item(7)]))
    for name in names[:4]:
        amazon.put(f"c-{name}", transcript(f"c-{name}", [item(1), item(2, text=name)]))


def result(ledger: Ledger) -> Any:
    hidden = {"described_at", "look_again_at", "looks", "follow_until"}
    rows = [
        {name: value for name, value in row.items() if name not in hidden}
        for row in table(ledger, collected)
    ]
    return rows, table(ledger, contacts), table(ledger, items)


def test_killed_at_any_call_the_next_collect_ends_where_an_undisturbed_one_does(
    tmp_path: Path, s3: str
) -> None:
    def collected_with(name: str, kill_at: int | None) -> tuple[Any, int]:
        amazon = new_amazon(s3)
        with Ledger(f"sqlite:///{tmp_path / name}.db") as ledger:
            prepared(ledger, amazon)
            made = iter(range(1_000_000))

            def passing(_: str) -> None:
                if next(made) == kill_at:
                    raise Killed

            amazon.passing = passing
            if kill_at is not None:
                with pytest.raises(Killed):
                    amazon.collect(ledger)
            amazon.collect(ledger)
            return result(ledger), amazon.calls.total()

    undisturbed, calls = collected_with("undisturbed", None)
    assert calls > 12
    for number in range(calls):
        assert collected_with(f"killed-{number}", number)[0] == undisturbed, number


class Dying(Ledger):
    """A ledger of a process that dies at one of its transactions, before or after its commit."""

    def __init__(self, url: str, *, at: int, committed: bool) -> None:
        self._at, self._committed, self._made = at, committed, 0
        super().__init__(url)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        self._made += 1
        is_last = self._made == self._at
        with super()._writing() as connection:
            yield connection
            if is_last and not self._committed:
                raise Killed
        if is_last:
            raise Killed


@pytest.mark.parametrize("committed", [False, True])
def test_killed_at_any_transaction_the_next_collect_ends_there_too(
    tmp_path: Path,
    s3: str,
    committed: bool,  # noqa: FBT001 - a case
) -> None:
    amazon = new_amazon(s3)
    with Ledger(f"sqlite:///{tmp_path / 'undisturbed'}.db") as ledger:
        prepared(ledger, amazon)
        amazon.collect(ledger)
        undisturbed = result(ledger)

    for number in range(1, 1_000):
        url = f"sqlite:///{tmp_path / str(number)}.db"
        with Ledger(url) as ledger:
            prepared(ledger, amazon)
        with Dying(url, at=number, committed=committed) as ledger:
            try:
                amazon.collect(ledger)
            except Killed:
                pass
            else:
                break
        with Ledger(url) as ledger:
            amazon.collect(ledger)
            assert result(ledger) == undisturbed, number
    assert number > 8


def test_several_collects_at_a_time_write_nothing_twice(opened: Ledger, amazon: Amazon) -> None:
    prepared(opened, amazon)
    failures: list[BaseException] = []
    together = threading.Barrier(3)

    def collect() -> None:
        together.wait()
        try:
            amazon.collect(opened)
        except BaseException as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    threads = [threading.Thread(target=collect) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert sorted(content or "" for _, content in said(opened)) == sorted(
        ["hello"] * 5 + ["ada", "bob", "cyd", "dan"]
    )
    assert {row["status"] for row in table(opened, contacts)} == {Status.COMPLETED}


def test_a_customer_who_is_forgotten_meanwhile_does_not_come_back(
    sqlite: Ledger, amazon: Amazon
) -> None:
    invited(sqlite, amazon, "ada")
    amazon.put("c-ada", transcript("c-ada", [item(1)]))

    def passing(operation: str) -> None:
        if operation == "GetObject":
            forget("ada", sqlite.url, unread=True, overwrite=False)

    amazon.passing = passing
    amazon.collect(sqlite)

    assert (table(sqlite, items), table(sqlite, collected)) == ([], [])


@pytest.mark.parametrize("mode", ["invitation", "hand_over"])
def test_who_cannot_be_forgotten_yet_is_to_be_collected_first(
    opened: Ledger, amazon: Amazon, mode: str
) -> None:
    enter(opened, "ada", mode=mode, handed_over_at=NOON)
    amazon.contacts["c-ada"] = told(ended=ENDED)
    with pytest.raises(InputError, match="`collect`"):
        forget("ada", opened.url, overwrite=False)
    with pytest.raises(InputError, match="`collect`"):
        erase(CAMPAIGN, opened.url, overwrite=False)

    amazon.collect(opened)
    # It is over, and what was said in it is still to come.
    with pytest.raises(InputError, match="`collect`"):
        forget("ada", opened.url, overwrite=False)
    amazon.put("c-ada", transcript("c-ada", [item(1)]))
    amazon.clock.ahead = timedelta(days=1, minutes=1)
    amazon.collect(opened)

    assert forget("ada", opened.url, overwrite=False).contacts == 1
    assert table(opened, collected) == []


def test_a_chat_that_our_side_holds_is_not_to_be_collected(sqlite: Ledger) -> None:
    enter(sqlite, "ada", mode="simulation")

    with pytest.raises(InputError) as refused:
        forget("ada", sqlite.url, overwrite=False)
    with pytest.raises(InputError) as not_erased:
        erase(CAMPAIGN, sqlite.url, overwrite=False)

    assert "collect" not in str(refused.value) + str(not_erased.value)


def test_an_earlier_chat_that_a_persistent_one_goes_on_with_is_no_reply(
    sqlite: Ledger, amazon: Amazon
) -> None:
    invited(sqlite, amazon, "ada")
    old = item(1, text="last week", RelatedContactId="c-old")
    old["AbsoluteTime"] = "2026-11-19T08:00:00.000Z"
    amazon.put("c-ada", transcript("c-ada", [old, item(2, role="SYSTEM", text="Hello again")]))

    amazon.collect(sqlite)

    assert table(sqlite, contacts)[0]["first_reply_at"] is None


def test_nor_does_it_answer_what_was_asked_in_this_one(opened: Ledger, amazon: Amazon) -> None:
    enter(opened, "ada", mode="invitation", request=OPENING)
    amazon.contacts["c-ada"] = told(ended=ENDED)
    old = [
        item(1, role="SYSTEM", text="old question?", RelatedContactId="c-old"),
        item(2, text="old answer", RelatedContactId="c-old"),
    ]
    for number, one in enumerate(old):
        one["AbsoluteTime"] = f"2026-11-19T08:00:0{number}.000Z"
    new = [item(3, text="I am Ada"), item(5, role="SYSTEM", text="new?"), item(6, text="new")]
    amazon.put("c-ada", transcript("c-ada", [*old, *new]))

    amazon.collect(opened)

    assert replied(opened) == [("ada", "new?", "new")]
    (reply,) = [row for row in opened.message_records(CAMPAIGN) if row["content"] == "new"]
    assert table(opened, contacts)[0]["first_reply_at"] == reply["absolute_time"]
    # It is kept with the messages.
    assert [content for _, content in said(opened)][:2] == ["old question?", "old answer"]


def test_where_nobody_knows_when_a_chat_began_all_that_was_said_is_of_it(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada", InitiationTimestamp=None)
    amazon.put("c-ada", transcript("c-ada", [item(1, role="SYSTEM", text="Score?"), item(2)]))

    amazon.collect(opened, follow=False)

    assert replied(opened) == [("ada", "Score?", "hello")]
    assert opened.counts(CAMPAIGN)["replied"] == 1


def test_what_followed_from_a_chat_may_have_begun_before_its_own_record_says(
    opened: Ledger, amazon: Amazon
) -> None:
    invited(opened, amazon, "ada")
    follower(amazon, "t-1", "c-ada", "TRANSFER")
    amazon.put("c-ada", transcript("c-ada", []))
    amazon.put("t-1", transcript("t-1", [item(1, role="SYSTEM", text="Score?"), item(2)]))

    amazon.collect(opened)

    assert replied(opened) == [("ada", "Score?", "hello")]
    assert opened.counts(CAMPAIGN)["replied"] == 1


def test_the_place_of_files_may_have_a_slash_at_its_end_or_none_at_all(
    sqlite: Ledger, amazon: Amazon
) -> None:
    invited(sqlite, amazon, "ada")
    amazon.places = [(amazon.bucket, "")]
    amazon.s3.put_object(
        Bucket=amazon.bucket,
        Key="2026/11/26/c-ada_20261126T11:00_UTC.json",
        Body=transcript("c-ada", [item(1)]),
    )

    amazon.collect(sqlite)

    assert (states(sqlite), PREFIX[-1]) == ({"c-ada": "stored"}, "s")


def test_the_time_of_the_next_look_is_said_in_words(sqlite: Ledger, amazon: Amazon) -> None:
    invited(sqlite, amazon, "ada")

    found = amazon.collect(sqlite, follow=False)

    assert isinstance(found.again_at, datetime)
    assert f"collect again at {found.again_at:%Y-%m-%d %H:%M} UTC" in str(found)
    assert INSTANCE not in str(found)


# --- what the request says for a person ---

OPENING = json.dumps({"InitialMessage": {"ContentType": "text/plain", "Content": "I am Ada"}})


def replied(ledger: Ledger) -> list[tuple[str, str | None, str | None]]:
    rows = replies(ledger.answers.said(CAMPAIGN))
    return [(row["customer_id"], row["question"], row["answer"]) for row in rows]


@pytest.mark.parametrize("mode", ["invitation", "hand_over"])
def test_what_the_request_says_for_a_person_is_no_reply_of_theirs(
    opened: Ledger, amazon: Amazon, mode: str
) -> None:
    for name in ("silent", "says", "repeats"):
        enter(opened, name, mode=mode, request=OPENING, handed_over_at=NOON)
        amazon.contacts[f"c-{name}"] = told(ended=ENDED, DisconnectReason="EXPIRED")
    opening, asked = item(0, text="I am Ada"), item(1, role="SYSTEM", text="Score?")
    amazon.put("c-silent", transcript("c-silent", [opening, asked]))
    amazon.put("c-says", transcript("c-says", [opening, asked, item(2, text="9")]))
    amazon.put("c-repeats", transcript("c-repeats", [opening, asked, item(3, text="I am Ada")]))

    amazon.collect(opened)

    began = NOON - timedelta(minutes=59, seconds=30) + timedelta(milliseconds=123)
    assert {row["customer_id"]: row["first_reply_at"] for row in table(opened, contacts)} == {
        "silent": None,
        "says": began + timedelta(seconds=2),
        "repeats": began + timedelta(seconds=3),
    }
    assert opened.counts(CAMPAIGN)["replied"] == 2
    assert replied(opened) == [
        ("silent", "Score?", None),
        ("says", "Score?", "9"),
        ("repeats", "Score?", "I am Ada"),
    ]


def test_only_a_persons_first_message_can_be_what_the_request_says(
    opened: Ledger, amazon: Amazon
) -> None:
    enter(opened, "ada", mode="invitation", request=OPENING)
    amazon.contacts["c-ada"] = told(ended=ENDED)
    amazon.put("c-ada", transcript("c-ada", [item(1, text="Hi"), item(2, text="I am Ada")]))

    amazon.collect(opened)

    assert replied(opened) == [("ada", None, "Hi\nI am Ada")]
    assert opened.counts(CAMPAIGN)["replied"] == 1


def test_nor_is_it_looked_for_in_what_follows_or_without_an_opening(
    opened: Ledger, amazon: Amazon
) -> None:
    enter(opened, "ada", mode="invitation", request=OPENING)
    enter(opened, "bob", mode="invitation")
    for name in ("ada", "bob"):
        amazon.contacts[f"c-{name}"] = told(ended=ENDED)
    follower(amazon, "s-1", "c-ada", "DISCONNECT")
    amazon.put("s-1", transcript("s-1", [item(7, text="I am Ada")]))
    amazon.put("c-bob", transcript("c-bob", [item(1, text="I am Ada", Id="i-bob")]))

    amazon.collect(opened)

    assert replied(opened) == [("ada", None, "I am Ada"), ("bob", None, "I am Ada")]
    assert opened.counts(CAMPAIGN)["replied"] == 2


def test_in_a_simulation_our_side_says_all(opened: Ledger, amazon: Amazon) -> None:
    enter(opened, "ada", mode="simulation", status="completed", request=OPENING)
    amazon.contacts["c-ada"] = told(ended=ENDED)
    amazon.put("c-ada", transcript("c-ada", [item(0, text="I am Ada")]))

    amazon.collect(opened)

    assert replied(opened) == [("ada", None, "I am Ada")]
