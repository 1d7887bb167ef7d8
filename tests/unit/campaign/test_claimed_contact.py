"""What a claimed contact writes when items are heard, and what is kept where a write is refused."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from connect_tasks.aws.transcript import Item
from connect_tasks.campaign.claimed_contact import ClaimedContact
from connect_tasks.campaign.funnel import FunnelCounter
from connect_tasks.errors import ClaimLostError, LedgerError, UnwritableError
from connect_tasks.ledger.changes import Change, Heard, Progress
from connect_tasks.ledger.contact import Contact, Status
from connect_tasks.ledger.group_commit import GroupCommit

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@dataclass
class FakeLedger:
    """Remembers what each commit held; refuses what it is told to."""

    commits: list[list[str]] = field(default_factory=list)
    bad: set[str] = field(default_factory=set)
    is_lost: bool = False
    is_full: bool = False
    changes: list[Change] = field(default_factory=list)

    async def apply(self, changes: Sequence[Change]) -> None:
        """All or none."""
        if self.is_full:
            raise LedgerError("the disk is full")
        names = [name for change in changes for name in self._names(change)]
        if self.bad.intersection(names):
            raise UnwritableError("the database cannot hold it")
        if self.is_lost and "reply" in names:
            raise ClaimLostError("another worker has it")
        self.commits.append(names)
        self.changes += changes

    def _names(self, change: Change) -> list[str]:
        if isinstance(change, Heard):
            return [item.message_id for item in change.items]
        return ["reply" if change.contact.first_reply_at == NOON else "step"]


def said(*names: str) -> list[Item]:
    return [Item(message_id=name, absolute_time=NOON, type="MESSAGE") for name in names]


@dataclass
class Desk:
    """A connected contact, and everything around it."""

    ledger: FakeLedger = field(default_factory=FakeLedger)
    counter: FunnelCounter = field(
        default_factory=lambda: FunnelCounter(
            {
                **dict.fromkeys([*map(str, Status), "valid", "reached_started"], 0),
                "reached_connected": 1,
                "replied": 0,
                "handed_over": 0,
                "in_hands": 0,
                "mode": "simulation",
            }
        )
    )

    def __post_init__(self) -> None:
        contact = Contact(
            id=7,
            campaign="renewals",
            customer_id="c-7",
            generation=1,
            status=Status.CONNECTED,
            client_token="t-7",
            request='{"InstanceId": "i-1"}',
            messages=(),
            planned_at=NOON,
            contact_id="chat-7",
        )
        context = SimpleNamespace(
            group_commit=GroupCommit(self.ledger.apply),
            counter=self.counter,
            clock=SimpleNamespace(now=lambda: NOON),
        )
        self.claimed = ClaimedContact(cast("Any", context), contact)

    def hear(self, *names: str, are_answer: bool = True) -> None:
        asyncio.run(self.claimed.hear(said(*names), are_answer=are_answer))


def test_the_first_reply_is_one_commit_with_what_was_said() -> None:
    desk = Desk()

    desk.hear("m-1", "m-2")

    assert [sorted(commit) for commit in desk.ledger.commits] == [["m-1", "m-2", "reply"]]
    assert desk.claimed.contact.first_reply_at == NOON
    assert desk.counter.funnel().replied == 1


def test_only_the_first_reply_is_a_step() -> None:
    desk = Desk()

    desk.hear("m-1", are_answer=False)
    desk.hear("m-2")
    desk.hear("m-3")

    assert [sorted(commit) for commit in desk.ledger.commits] == [
        ["m-1"],
        ["m-2", "reply"],
        ["m-3"],
    ]
    assert desk.counter.funnel().replied == 1


def test_of_a_first_reply_that_cannot_be_held_all_else_is_kept() -> None:
    desk = Desk(FakeLedger(bad={"m-2"}))

    desk.hear("m-1", "m-2", "m-3")

    assert desk.ledger.commits == [["m-1"], ["m-3"], ["reply"]]
    assert desk.claimed.contact.first_reply_at == NOON


def test_what_was_said_is_kept_although_another_worker_has_the_contact() -> None:
    desk = Desk(FakeLedger(is_lost=True))

    with pytest.raises(ClaimLostError):
        desk.hear("m-1")

    assert desk.ledger.commits == [["m-1"]]
    assert desk.claimed.contact.first_reply_at is None
    assert desk.counter.funnel().replied == 0


def test_a_reply_that_is_not_on_disk_is_none() -> None:
    desk = Desk(FakeLedger(is_full=True))

    with pytest.raises(LedgerError, match="disk is full"):
        desk.hear("m-1")

    assert desk.claimed.contact.first_reply_at is None


def test_a_step_without_items_writes_no_items() -> None:
    desk = Desk()

    asyncio.run(desk.claimed.step(Status.CONNECTED))

    assert [type(change) for change in desk.ledger.changes] == [Progress]
