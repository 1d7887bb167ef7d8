"""What is kept of contacts that have ended: all of so many, and of older ones only their life."""

import gc
import weakref
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.forgetting import Forgetting
from connect_tasks.emulator.instance.schedule import Errands, Schedule
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.transcript_storage import TranscriptStorage
from tests.unit.emulator.world import SUBSCRIBE, World

BOTH = ["WEBSOCKET", "CONNECTION_CREDENTIALS"]


def world_of(most: int) -> World:
    world = World(storage=TranscriptStorage())
    contacts = world.backend.contacts
    contacts._forgetting = Forgetting(most, contacts._forget)
    return world


def begin(world: World, name: str) -> dict[str, Any]:
    return world.start("echo", ClientToken=name, ConnectionTypes=BOTH)


def talk(world: World, name: str) -> str:
    """A chat with a word, from its start to its end; its contact's id."""
    started = begin(world, name)
    socket, token = world.connect(started)
    socket.send(SUBSCRIBE)
    world.say(token, "Hi")
    world.stop(started["ContactId"])
    contact_id: str = started["ContactId"]
    return contact_id


def test_up_to_the_number_everything_is_kept() -> None:
    world = world_of(3)
    ended = [talk(world, name) for name in "abc"]
    is_open = [begin(world, name)["ContactId"] for name in "defgh"]

    assert list(world.backend.chats) == [*ended, *is_open]
    assert all(len(world.backend.chats[contact].items) == 6 for contact in ended)
    assert [file.chat.contact_id for file in world.backend.archive.files("")] == sorted(ended)
    # Token, URL and connection token; those who talked asked for a second pair.
    assert len(world.backend.connections.issued) == 3 * 5 + 5 * 3


def test_one_more_and_of_the_first_only_its_life_is_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = world_of(2)
    first, second, third = (talk(world, name) for name in "abc")

    assert list(world.backend.chats) == [second, third]
    assert {file.chat.contact_id for file in world.backend.archive.files("")} == {second, third}
    described = world.describe(first)
    assert described["Id"] == first
    assert described["DisconnectTimestamp"]
    assert len(world.backend.connections.issued) == 2 * 5
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "2 contacts have ended" in caplog.text


def test_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    world = world_of(0)
    for name in "abc":
        talk(world, name)

    assert len(caplog.records) == 1


def test_a_forgotten_contacts_client_token_stays_used() -> None:
    world = world_of(1)
    first = talk(world, "a")
    talk(world, "b")
    again = begin(world, "a")

    assert again["ContactId"] == first
    assert "Websocket" not in again
    with pytest.raises(RefusedError, match="AccessDenied"):
        world.connect(again)
    # What is asked for again takes its place among those that are kept.
    assert list(world.backend.chats) == [first]


def test_a_forgotten_contacts_tokens_open_nothing() -> None:
    world = world_of(0)
    started = begin(world, "a")
    world.stop(started["ContactId"])

    for operation, token in (
        ("CreateParticipantConnection", started["ParticipantToken"]),
        ("GetTranscript", started["ConnectionCredentials"]["ConnectionToken"]),
    ):
        with pytest.raises(RefusedError, match="AccessDenied"):
            world.call(operation, token)


def test_a_chat_that_goes_on_as_another_contact_keeps_its_tokens() -> None:
    world = world_of(0)
    _, token = world.join("feedback")
    for answer in ("4", "Service", "You were kind."):
        world.say(token, answer)

    (chat,) = world.backend.chats.values()
    assert chat.is_open
    assert chat.follows is not None
    assert world.say(token, "Yes")["Id"]


def test_nothing_holds_a_forgotten_chat() -> None:
    world = world_of(1)
    started = begin(world, "a")
    chat = weakref.ref(world.backend.chats[started["ContactId"]])
    world.stop(started["ContactId"])
    talk(world, "b")
    gc.collect()

    assert chat() is None
    assert not any(isinstance(one, Chat) and one.key == "a" for one in gc.get_objects())


def test_what_was_planned_for_a_chat_goes_with_it() -> None:
    world = World(think_seconds=(60, 60))
    for number in range(1000):
        started = begin(world, str(number))
        world.connect(started)[0].send(SUBSCRIBE)
        world.stop(started["ContactId"])

    # Each had planned two ends and an utterance.
    assert len(world.backend.schedule._heap) <= 300
    world.pass_time(days=2)
    assert world.backend.schedule._heap == []


def test_urls_that_open_nothing_any_more_are_not_kept() -> None:
    world = World()
    started = begin(world, "a")
    world.connect(started)[0].send(SUBSCRIBE)
    for _ in range(50):
        world.pass_time(seconds=50)
        world.call("CreateParticipantConnection", started["ParticipantToken"])

    # Each opens the socket for 100 seconds.
    assert len(world.backend.connections._urls) == 2


def test_ids_stay_apart_where_no_client_token_is_given() -> None:
    world = world_of(1)
    request = world.request("echo")
    del request["ClientToken"]
    ids = []
    for _ in range(6):
        ids.append(world.call("StartChatContact", **request)["ContactId"])
        world.stop(ids[-1])
        ids.append(world.call("StartChatContact", **request)["ContactId"])

    assert len(set(ids)) == len(ids)


STEPS = st.lists(
    st.tuples(st.sampled_from(["start", "start", "stop"]), st.integers(0, 6)), max_size=40
)


@pytest.mark.thorough
@settings(max_examples=50)
@given(steps=STEPS, most=st.integers(0, 4))
def test_whatever_happens_open_chats_are_whole_and_every_contact_is_known(
    steps: list[tuple[str, int]], most: int
) -> None:
    world = world_of(most)
    ids: dict[int, str] = {}
    ended: set[str] = set()
    for step, number in steps:
        if step == "start":
            contact = begin(world, str(number))["ContactId"]
            assert ids.setdefault(number, contact) == contact
        elif number in ids and ids[number] not in ended:
            world.stop(ids[number])
            ended.add(ids[number])

    kept = world.backend.chats
    assert {contact for contact in kept if kept[contact].is_open} == set(ids.values()) - ended
    assert sum(not chat.is_open for chat in kept.values()) <= most
    assert {world.describe(contact)["Id"] for contact in ids.values()} == set(ids.values())


class Clock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@given(
    spans=st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=400),
    repeated=st.booleans(),
)
def test_a_schedule_does_all_that_was_not_dropped_in_order_and_nothing_else(
    spans: list[tuple[int, bool]], *, repeated: bool
) -> None:
    clock, done = Clock(), list[tuple[int, int]]()
    schedule = Schedule(clock)
    planned = [
        schedule.after(seconds, lambda at=(seconds, number): done.append(at))  # type: ignore[misc]
        for number, (seconds, _) in enumerate(spans)
    ]
    for one, (_, is_dropped) in zip(planned, spans, strict=True):
        for _ in range(is_dropped * (1 + repeated)):
            one.drop()
    clock.moment += timedelta(seconds=9)
    schedule.run_due()
    for one in planned:
        one.drop()

    left = [(seconds, number) for number, (seconds, gone) in enumerate(spans) if not gone]
    assert done == sorted(left)
    assert schedule.seconds_left() is None


def test_errands_that_are_dropped_leave_others_alone() -> None:
    clock, done = Clock(), list[str]()
    schedule = Schedule(clock)
    mine, others = Errands(schedule), Errands(schedule)
    mine.after(1, lambda: done.append("mine"))
    others.after(1, lambda: done.append("others"))
    mine.after(2, lambda: (done.append("dropping"), mine.drop()))  # type: ignore[arg-type, func-returns-value]
    mine.after(3, lambda: done.append("too late"))
    clock.moment += timedelta(seconds=3)
    schedule.run_due()

    assert done == ["mine", "others", "dropping"]
