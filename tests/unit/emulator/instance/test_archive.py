"""Which files there are, when, and under which keys."""

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.instance.archive import Archive
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.transcript_file import key_of
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.service import Service
from connect_tasks.emulator.transcript_storage import TranscriptStorage
from tests.unit.emulator.world import World, only_ended

MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2099, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=9))]),
)


@given(moment=MOMENTS)
def test_a_key_names_day_and_minute_of_its_moment_in_utc(moment: datetime) -> None:
    key = key_of("a/b", "c-1", moment)
    found = re.fullmatch(r"a/b/(\d{4})/(\d\d)/(\d\d)/c-1_(\d{8})T(\d\d:\d\d)_UTC\.json", key)

    assert found is not None
    year, month, day, date, minute = found.groups()
    assert f"{year}{month}{day}" == date
    read = datetime.strptime(f"{date}T{minute}+0000", "%Y%m%dT%H:%M%z")
    assert timedelta() <= moment - read < timedelta(minutes=1)


class Kept(World):
    """A world that keeps transcripts after some seconds."""

    def __init__(self, delay: float = 0) -> None:
        super().__init__(storage=TranscriptStorage(delay_seconds=delay))

    @property
    def archive(self) -> Archive:
        return self.backend.archive

    def end_one(self, number: int) -> str:
        socket, _ = self.join("echo", ClientToken=f"t-{number}")
        contact_id = socket.items[0]["ContactId"]
        self.stop(contact_id)
        return contact_id


@given(gaps=st.lists(st.integers(0, 90_000), max_size=12), cut=st.integers(0, 140))
def test_files_come_in_the_order_of_their_keys_each_once_from_any_place(
    gaps: list[int], cut: int
) -> None:
    world = Kept()
    contacts = []
    for number, gap in enumerate(gaps):
        contacts.append(world.end_one(number))
        world.clock.advance(seconds=gap)
    keys = [file.key for file in world.archive.files("")]

    assert keys == sorted(keys)
    assert {file.chat.contact_id for file in world.archive.files("")} == set(contacts)
    for key in keys:
        assert [file.key for file in world.archive.files(key)] == [key]
        prefix = key[:cut]
        assert [file.key for file in world.archive.files(prefix)] == [
            one for one in keys if one.startswith(prefix)
        ]
        assert [file.key for file in world.archive.files("", after=key)] == [
            one for one in keys if one > key
        ]


def test_a_file_is_there_from_its_delay_on_to_all_who_ask() -> None:
    world = Kept(delay=30)
    contact_id = world.end_one(1)
    for seconds, is_there in ((0, False), (29.9, False), (0.1, True), (10**6, True)):
        world.clock.advance(seconds=seconds)
        files = list(world.archive.files(""))
        assert bool(files) is is_there
        assert ("Recordings" in world.describe(contact_id)) is is_there
        assert all(world.archive.find(file.key) is file for file in files)


def test_a_contact_that_ended_before_a_restart_has_no_file() -> None:
    world = Kept()
    ended: list = []  # type: ignore[type-arg]
    world.backend = Backend(now=world.clock, note=only_ended(ended), storage=TranscriptStorage())
    world.service = Service(world.backend, LocalQuotas.unlimited(), lambda: 0)
    contact_id = world.end_one(1)
    world.backend = Backend(now=world.clock, remembered=ended, storage=TranscriptStorage())
    world.service = Service(world.backend, LocalQuotas.unlimited(), lambda: 0)

    assert list(world.archive.files("")) == []
    assert "Recordings" not in world.describe(contact_id)
