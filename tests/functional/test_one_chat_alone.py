"""What comes over one chat's socket, or stands in one row, concerns that one alone.

On SQLite as on PostgreSQL: they differ in what they cannot hold.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws import transcript
from connect_tasks.aws.transcript import Item
from connect_tasks.campaign import manage
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.errors import InputError, UnwritableError
from connect_tasks.ledger import forget
from connect_tasks.ledger.changes import Change, Heard
from connect_tasks.ledger.contact import Contact
from connect_tasks.ledger.group_commit import GroupCommit
from connect_tasks.ledger.store import Ledger
from tests.functional.scripted_chat import frame
from tests.functional.test_ledger_behaviour import TERMS
from tests.functional.world import CAMPAIGN, World, customers

ODD_ONE = "0003"
COUNT = 8
EDGE = "0001-01-01T00:00:00+23:59"
RAW = {
    "AbsoluteTime": "2026-11-27T09:00:00Z",
    "Content": "not this customer's",
    "ContentType": "text/plain",
    "Id": "odd",
    "Type": "MESSAGE",
    "ParticipantRole": "AGENT",
}
DEEP = "[" * 100_000 + "]" * 100_000
ITEMS: list[Any] = [
    RAW | {"AbsoluteTime": EDGE},
    RAW | {"AbsoluteTime": "9999-12-31T23:59:59-23:59"},
    RAW | {"AbsoluteTime": "yesterday"},
    RAW | {"AbsoluteTime": 20261127},
    RAW | {"Id": "x" * 20_000},
    RAW | {"Id": "a\0b"},
    RAW | {"Id": "\ud800"},
    RAW | {"Id": None},
    RAW | {"ContactId": "theirs", "InitialContactId": "theirs"},
    [RAW],
    None,
]
KEPT: list[dict[str, Any]] = [
    {"Content": "a\0b"},
    {"Content": "\ud83d"},
    {"Content": "x" * 1_000_000},
    {"Content": {"a": ["\0"]}},
    {"DisplayName": "\0" * 20_000},
    {"ParticipantId": "\ud800" * 20_000},
    {"ParticipantRole": "\0"},
    {"ContentType": "x" * 20_000},
    {"Type": "\0\ud800" * 9_999},
    {"DisplayName": 5, "ParticipantId": [], "ParticipantRole": {}},
]
STORED = [
    {**RAW, "Id": f"kept-{number}", "Type": "EVENT", **change} for number, change in enumerate(KEPT)
]
FRAMES: list[str] = [
    "{",
    DEEP,
    "9" * 5_000,
    '{"topic":"aws/chat","content":' + DEEP + "}",
    json.dumps({"topic": "aws/chat", "content": DEEP}),
    *map(frame, [*ITEMS, *STORED]),
]


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as ledger:
        yield ledger


@pytest.fixture
def here(ledger: Ledger) -> Iterator[World]:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        conversation = Conversation(
            messages=("{{ score }}",), reply_timeout_seconds=5, settle_seconds=0
        )
        yield World(local, ledger, conversation)


def with_odd_frames(monkeypatch: pytest.MonkeyPatch, frames: Sequence[str]) -> None:
    """Each thing that the one customer is told comes after something odd."""
    tell = Chat._tell

    def told(chat: Chat, text: str) -> None:
        if chat.customer_id == ODD_ONE:
            for odd in frames:
                tell(chat, odd)
        tell(chat, text)

    monkeypatch.setattr(Chat, "_tell", told)


def with_odd_transcript(monkeypatch: pytest.MonkeyPatch, items: Sequence[Any]) -> None:
    history = Chat.history

    def odd(chat: Chat) -> list[Mapping[str, str]]:
        return [*items, *history(chat)] if chat.customer_id == ODD_ONE else history(chat)

    monkeypatch.setattr(Chat, "history", odd)


def everybody_was_contacted(here: World) -> dict[str, Any]:
    """And all but one as ever; returns the one."""
    here.assert_once_each(COUNT)
    rows = {row["customer_id"]: row for row in here.contacts()}
    odd = rows.pop(ODD_ONE)
    assert {row["end_reason"] for row in rows.values()} == {"chat_ended"}
    assert {row["items_skipped"] for row in rows.values()} == {0}
    said = here.said()
    assert sum(content == "9" for _, content in said) == COUNT
    assert "not this customer's" not in [content for _, content in said]
    return odd


def test_odd_frames_of_one_chat_are_counted_and_nobody_else_notices(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_odd_frames(monkeypatch, FRAMES)
    here.plan(customers(COUNT))

    here.run()

    # What can be kept is no message of anybody's: it is an event without content of ours.
    monkeypatch.undo()
    rows = {row["customer_id"]: row for row in here.contacts()}
    here.assert_once_each(COUNT)
    assert rows[ODD_ONE]["items_skipped"] >= len(FRAMES) - len(STORED)
    assert [row["items_skipped"] for name, row in rows.items() if name != ODD_ONE] == [0] * (
        COUNT - 1
    )
    messages = list(here.ledger.message_records(CAMPAIGN))
    kept = {m["message_id"] for m in messages if m["message_id"].startswith("kept")}
    assert kept == {str(raw["Id"]) for raw in STORED}
    # The id of what is another contact's, or cannot be read.
    assert RAW["Id"] not in {m["message_id"] for m in messages}
    assert {m["customer_id"] for m in messages if m["message_id"] in kept} == {ODD_ONE}
    assert max(len(m["content"] or "") for m in messages) == 65_536
    counts = CampaignResult(CAMPAIGN, here.ledger.url).summary
    assert counts["items_skipped"] == rows[ODD_ONE]["items_skipped"]


def test_one_frame_alone_of_each_odd_kind_halts_nothing(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_odd_frames(monkeypatch, [frame(RAW | {"AbsoluteTime": EDGE})])
    here.plan(customers(COUNT))

    here.run()

    odd = everybody_was_contacted(here)
    assert odd["items_skipped"] > 0


def test_odd_items_in_one_transcript_cost_nobody_anything(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Our side closes these chats, so that their transcripts are read.
    conversation = Conversation(
        messages=("{{ score }}",), max_replies=1, reply_timeout_seconds=5, settle_seconds=0
    )
    with_odd_transcript(monkeypatch, [*ITEMS[:3], *ITEMS[8:9]])
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        here = World(local, ledger, conversation)
        here.plan(customers(COUNT))
        here.run()

    here.assert_once_each(COUNT)
    rows = {row["customer_id"]: row for row in here.contacts()}
    odd = rows.pop(ODD_ONE)
    assert (odd["transcript_complete"], odd["items_skipped"] >= 4) == (False, True)
    assert {row["transcript_complete"] for row in rows.values()} == {True}
    assert not [said for said in here.said() if said[1] == RAW["Content"]]
    summary = CampaignResult(CAMPAIGN, here.ledger.url).summary
    assert (summary["transcripts_incomplete"], summary["transcripts_unchecked"]) == (1, 0)


def test_an_item_that_slips_through_and_cannot_be_stored_costs_itself_alone(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A fault of ours: what no database takes is not replaced.
    monkeypatch.setattr(transcript, "_content", lambda content: content)
    with_odd_frames(monkeypatch, [frame(RAW | {"Content": "\ud800", "Type": "EVENT"})])
    here.plan(customers(COUNT))

    here.run()

    odd = everybody_was_contacted(here)
    assert (odd["transcript_complete"], odd["items_skipped"]) == (False, 1)


# --- one change of a batch ---


def changes_of(ledger: Ledger, contents: Sequence[dict[str, Any]]) -> list[Heard]:
    now = datetime.now(UTC)
    claimed = ledger.claim(CAMPAIGN, "w-1", most=len(contents), now=now, terms=TERMS)
    return [
        Heard(contact, [an_item(contact, **more)])
        for contact, more in zip(claimed, contents, strict=True)
    ]


def an_item(contact: Contact, **more: Any) -> Item:
    fields: dict[str, Any] = {
        "message_id": f"m-{contact.id}",
        "absolute_time": datetime(2026, 11, 27, tzinfo=UTC),
        "type": "MESSAGE",
    }
    return Item(**fields | more)


# What no parser lets through any more; a fault of ours might. Only those that the database refuses
# are given to it.
UNWRITABLE: dict[str, list[dict[str, Any]]] = {
    "sqlite": [{"content": "\ud800"}, {"message_id": None}],
    "postgresql": [
        {"content": "a\0b"},
        {"content": "\ud800"},
        # Not compressible, as what is may fit into an index after all.
        {"message_id": "".join(chr(0x4E00 + number) for number in range(20_000))},
        {"message_id": None},
    ],
}


def test_a_value_that_the_database_cannot_hold_costs_only_its_own_write(
    here: World, ledger: Ledger
) -> None:
    here.plan(customers(7))
    bad = UNWRITABLE[ledger.url.partition("+")[0].partition(":")[0]]
    changes = changes_of(ledger, [{}, *bad, {}])
    # They are of started chats.
    for change in changes:
        object.__setattr__(change.contact, "contact_id", f"chat-{change.contact.id}")

    async def apply(batch: Sequence[Change]) -> None:
        ledger.apply("w-1", batch)

    async def main() -> list[BaseException | None]:
        commit = GroupCommit(apply)
        writes = [commit.write(change) for change in changes]
        return await asyncio.gather(*writes, return_exceptions=True)

    outcomes = asyncio.run(main())

    assert [type(outcome) for outcome in outcomes[1:-1]] == [UnwritableError] * len(bad)
    assert (outcomes[0], outcomes[-1]) == (None, None)


# --- rows ---

NUL, HALF = "a\0b", "a\ud800b"


@pytest.mark.parametrize("text", [NUL, HALF, "\0", "\ud800"], ids=ascii)
@pytest.mark.parametrize("column", ["customer_id", "display_name", "score", "opening", "segment"])
def test_a_row_that_no_database_takes_is_refused_with_the_reason(
    here: World, column: str, text: str
) -> None:
    here.template = ChatTemplate(
        attributes={"score": "{{ score }}"},
        initial_message={"content": "Hi {{ opening }}"},
        segment_attributes={"tier": {"value_string": "{{ segment }}"}},
    )
    rows = [row | {"opening": "you", "segment": "gold"} for row in customers(3)]
    rows[1][column] = text

    plan = here.plan(rows)

    assert (plan.added, plan.rejected) == (2, 1)
    (refused,) = here.ledger.refused_rows(CAMPAIGN)
    assert refused.position == 1
    assert "NUL" in refused.error_message or "surrogate" in refused.error_message
    assert not {"\0", "\ud800"} & set(refused.error_message + (refused.customer_id or ""))
    here.run()
    assert here.made().total() == 2


@pytest.mark.parametrize("text", [NUL, HALF], ids=ascii)
def test_a_message_that_no_database_takes_is_its_rows_error(here: World, text: str) -> None:
    rows = customers(3)
    rows[1]["score"] = text

    plan = here.plan(rows)

    assert (plan.added, plan.rejected) == (2, 1)
    assert "conversation.messages[0]" in here.ledger.refused_rows(CAMPAIGN)[0].error_message


def test_a_customer_id_that_no_key_can_hold_is_its_rows_error(here: World) -> None:
    rows = customers(3)
    rows[1]["customer_id"] = "x" * 20_000

    plan = here.plan(rows)

    assert (plan.added, plan.rejected) == (2, 1)


def test_the_longest_names_that_are_permitted_fit_into_every_key(ledger: Ledger) -> None:
    # Four bytes each, and none like another: nothing for an index to compress.
    names = ["".join(chr(0x20000 + start + n) for n in range(256)) for start in (0, 300)]
    rows = [
        {"customer_id": names[1][:128], "display_name": "x", "score": "9"},
        # U+1D15E becomes two characters when it is composed as a key.
        {"customer_id": "\U0001d15e" * 128, "display_name": "x", "score": "9"},
    ]
    renderer = ChatTemplate().bind(instance_id="i-1", contact_flow_id="f-1")
    now = datetime.now(UTC)
    ledger.open_campaign(names[0], "i-1", now=now)

    assert plan_campaign(ledger, names[0], [rows], renderer, now=now).added == 2


@pytest.mark.parametrize("name", [NUL, HALF, "x" * 257, "x" * 20_000], ids=lambda n: ascii(n)[:20])
@pytest.mark.parametrize(
    "use",
    [
        lambda ledger, name: ledger.open_campaign(name, "i-1", now=datetime.now(UTC)),
        lambda ledger, name: ledger.campaign_name(name),
        lambda ledger, name: manage.pause(name, ledger),
        lambda ledger, name: manage.withdraw(name, ["0001"], ledger),
        lambda ledger, name: manage.unknown_contacts(name, ledger),
    ],
    ids=["open", "name", "pause", "withdraw", "unknown"],
)
def test_a_campaign_that_no_database_can_name_is_a_mistake_of_the_input(
    ledger: Ledger, use: Callable[[Ledger, str], object], name: str
) -> None:
    with pytest.raises(InputError) as caught:
        use(ledger, name)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", [NUL, HALF], ids=ascii)
def test_a_reason_that_no_database_takes_is_a_mistake_of_the_input(here: World, text: str) -> None:
    here.plan(customers(2))

    with pytest.raises(InputError, match="reason"):
        manage.withdraw(CAMPAIGN, ["0001"], here.ledger, reason=text)

    assert {row["status"] for row in here.contacts()} == {"planned"}


@pytest.mark.parametrize("text", [NUL, HALF], ids=ascii)
def test_a_customer_whom_no_database_can_name_is_in_none(here: World, text: str) -> None:
    here.plan(customers(2))

    assert here.ledger.known(CAMPAIGN, [text, "0001"]).keys() == {"0001"}
    with pytest.raises(InputError, match="does not know"):
        manage.withdraw(CAMPAIGN, [text], here.ledger)
    with pytest.raises(InputError, match="no customer"):
        forget(text, here.ledger.url, overwrite=False)
