"""Collecting from the local Amazon Connect: what its files hold is what sockets heard."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks import Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.campaign.collection.collected import Collected
from connect_tasks.campaign.collection.collecting import collect_campaign
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas, TranscriptStorage
from connect_tasks.ledger.schema import collected, contacts, items
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, QUICK, World, customers, session
from tests.ledger_rows import enter, table


class Ahead(SystemClock):
    """Some time after now: what Amazon writes a while after a chat is due."""

    def __init__(self, ahead: timedelta = timedelta(minutes=20)) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return super().now() + self.ahead


def collect(local: LocalConnect, ledger: Ledger, *, days: float = 0.01) -> Collected:
    options = ClientOptions(parameters={"endpoint_url": local.endpoint_url})
    instance = Instance(api=ConnectApi(session, options), quotas=FAST, policy=QUICK)
    return collect_campaign(ledger, CAMPAIGN, instance, clock=Ahead(timedelta(days=days)))


@contextmanager
def held(
    folder: Path, *, count: int = 3, flow: str = "survey", says: tuple[str, ...] = (), **more: Any
) -> Iterator[tuple[World, Ledger]]:
    """Chats that our side held and heard, and a second ledger that knows only of their start."""
    with (
        LocalConnect(flow=flow, quotas=LocalQuotas.unlimited(), **more) as local,
        Ledger(f"sqlite:///{folder / 'heard.db'}") as heard,
        Ledger(f"sqlite:///{folder / 'fresh.db'}") as fresh,
    ):
        world = World(local, heard)
        if says:
            world.conversation = Conversation(
                settle_seconds=0, messages=says, reply_timeout_seconds=5, max_seconds=30
            )
        world.plan(customers(count))
        world.run()
        for row in table(heard, contacts):
            enter(
                fresh,
                row["customer_id"],
                mode="invitation",
                instance_id=local.instance_id,
                contact_id=row["contact_id"],
                started_at=row["started_at"],
            )
        yield world, fresh


def told(ledger: Ledger) -> dict[str, tuple[Any, ...]]:
    names = ("customer_id", "participant_role", "type", "content_type", "content", "absolute_time")
    return {row["message_id"]: tuple(row[name] for name in names) for row in table(ledger, items)}


def states(ledger: Ledger) -> set[str]:
    return {row["transcript"] for row in table(ledger, collected)}


def test_what_the_files_hold_is_what_sockets_heard(tmp_path: Path) -> None:
    with held(tmp_path) as (world, fresh):
        found = collect(world.local, fresh)

        assert found.problems == []
        assert told(fresh) == told(world.ledger) != {}
        assert states(fresh) == {"stored"}
        ours = {row["contact_id"]: row for row in world.contacts()}
        for row in table(fresh, contacts):
            assert (row["status"], row["transcript_complete"]) == ("completed", True)
            assert row["connected_at"] is not None
            assert abs(row["ended_at"] - ours[row["contact_id"]]["ended_at"]) < timedelta(seconds=9)
            first = min(
                at
                for customer, role, kind, _, _, at in told(fresh).values()
                if (customer, role, kind) == (row["customer_id"], "CUSTOMER", "MESSAGE")
            )
            assert row["first_reply_at"] == first
        assert {row["messages_sent"] for row in table(fresh, collected)} == {1}


@pytest.mark.parametrize("same_ids", [True, False])
def test_what_was_heard_by_our_side_is_not_there_twice(tmp_path: Path, same_ids: bool) -> None:  # noqa: FBT001 - a case
    with held(tmp_path, storage=TranscriptStorage(same_ids=same_ids)) as (world, _):
        before = table(world.ledger, items)
        # As after a socket that missed something: the file is looked at.
        with world.ledger._writing() as connection:
            connection.exec_driver_sql("UPDATE contacts SET transcript_complete = FALSE")

        found = collect(world.local, world.ledger)

        assert (found.transcripts, found.messages) == (3, 0)
        assert table(world.ledger, items) == before
        assert {row["transcript_complete"] for row in world.contacts()} == {True}


@pytest.mark.parametrize(
    "storage",
    [
        TranscriptStorage(recordings="never"),
        TranscriptStorage(recordings="at_end"),
        TranscriptStorage(location_has_scheme=True),
        TranscriptStorage(media_stream_type="CHAT"),
        TranscriptStorage(dated_by="connected"),
        TranscriptStorage(dated_by="ended"),
        TranscriptStorage(prefix="anything/at all/ü"),
        TranscriptStorage(same_ids=False),
        TranscriptStorage(may_list=False),
    ],
    ids=repr,
)
def test_whatever_is_not_documented_may_be_either_way(
    tmp_path: Path, storage: TranscriptStorage
) -> None:
    with held(tmp_path, storage=storage) as (world, fresh):
        collect(world.local, fresh)

        assert states(fresh) == {"stored"}
        assert sorted(told(fresh).values(), key=repr) == sorted(
            told(world.ledger).values(), key=repr
        )


def test_a_file_that_is_written_later_comes_with_a_later_collect(tmp_path: Path) -> None:
    storage = TranscriptStorage(delay_seconds=3_600)
    with held(tmp_path, storage=storage) as (world, fresh):
        first = collect(world.local, fresh)
        assert (states(fresh), first.awaited) == ({"awaited"}, 3)
        assert first.again_at is not None


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.FILE_CUT,
        FaultKind.FILE_VERSION,
        FaultKind.FILE_CONTACT,
        FaultKind.FILE_NO_JSON,
        FaultKind.FILE_HUGE,
    ],
)
def test_a_file_that_is_not_right_is_left_and_the_next_look_finds_it_mended(
    tmp_path: Path, kind: FaultKind
) -> None:
    faults = [Fault(operation="GetObject", kind=kind, nth=1)]
    with held(tmp_path, faults=faults) as (world, fresh):
        found = collect(world.local, fresh)
        assert (found.unusable, states(fresh)) == (1, {"awaited", "stored"})
        (trouble,) = {row["trouble"] for row in table(fresh, collected)} - {None}
        assert ("larger than" in trouble) is (kind is FaultKind.FILE_HUGE)

        collect(world.local, fresh, days=2)

        assert (states(fresh), told(fresh)) == ({"stored"}, told(world.ledger))


@pytest.mark.parametrize("operation", ["DescribeContact", "GetObject", "ListObjectsV2"])
@pytest.mark.parametrize(
    "kind", [FaultKind.CUT_BEFORE, FaultKind.TRUNCATED, FaultKind.EXPIRED_CREDENTIALS]
)
def test_trouble_on_the_way_is_overcome(tmp_path: Path, operation: str, kind: FaultKind) -> None:
    faults = [Fault(operation=operation, kind=kind, nth=1)]
    storage = TranscriptStorage(recordings="never")
    with held(tmp_path, faults=faults, storage=storage) as (world, fresh):
        for days in (0.01, 2):
            collect(world.local, fresh, days=days)

        assert (states(fresh), told(fresh)) == ({"stored"}, told(world.ledger))


def test_a_survey_after_the_chat_is_found_and_joined_with_its_scores(tmp_path: Path) -> None:
    answers = ("4", "Price", "fine", "Yes")
    with held(tmp_path, count=2, flow="feedback", says=answers) as (world, fresh):
        found = collect(world.local, fresh)

        assert found.followers == 2
        rows = table(fresh, collected)
        own = {row["contact_id"] for row in table(fresh, contacts)}
        followed = [row for row in rows if row["contact_id"] not in own]
        assert {row["initial_contact_id"] for row in followed} == own
        assert {row["attributes"]["contact_again"] for row in followed} == {"yes"}
        scores = [row["attributes"]["score"] for row in rows if row["contact_id"] in own]
        assert scores == ["4", "4"]
        assert told(fresh).keys() >= told(world.ledger).keys()


def test_an_instance_that_keeps_nothing_says_so_and_the_rest_is_collected(tmp_path: Path) -> None:
    with held(tmp_path, storage=None) as (world, fresh):
        found = collect(world.local, fresh)

        assert ["keeps no transcripts" in problem for problem in found.problems] == [True]
        assert states(fresh) == {"awaited"}
        assert {row["status"] for row in table(fresh, contacts)} == {"completed"}
