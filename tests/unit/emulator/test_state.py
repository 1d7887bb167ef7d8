import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.state import EndedContacts

MOMENT = datetime(2026, 11, 22, 7, 0, 0, 123456, tzinfo=UTC)
ENDED = EndedContact(
    contact_id="c-1",
    started_at=MOMENT,
    connected_at=None,
    ended_at=MOMENT + timedelta(seconds=1),
    disconnect_reason="API",
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])
MOMENTS = st.datetimes(timezones=ZONES)
CONTACTS = st.builds(
    EndedContact,
    contact_id=st.text(),
    started_at=MOMENTS,
    connected_at=st.none() | MOMENTS,
    ended_at=MOMENTS,
    disconnect_reason=st.text(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contacts=st.lists(CONTACTS, max_size=5))
def test_what_was_added_is_read_by_the_next(tmp_path: Path, contacts: list[EndedContact]) -> None:
    path = tmp_path / "state"
    path.unlink(missing_ok=True)
    before = EndedContacts(path)
    assert before.read() == []
    for contact in contacts:
        before.add(contact)

    assert EndedContacts(path).read() == contacts


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    EndedContacts(tmp_path / "state").read()

    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o600


@pytest.mark.parametrize("kept", range(0, 200, 7))
def test_a_last_line_that_a_kill_cut_short_is_dropped(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "state"
    state = EndedContacts(path)
    state.add(ENDED)
    size = path.stat().st_size
    state.add(ENDED)
    with path.open("r+b") as file:
        file.truncate(size + min(kept, size - 1))

    assert EndedContacts(path).read() == [ENDED]
    state.add(ENDED)
    assert EndedContacts(path).read() == [ENDED, ENDED]


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        "x",
        "",
        '{"contact_id":"c"}',
        '{"contact_id":"c","started_at":"now","ended_at":"then","disconnect_reason":"API"}',
        '{"contact_id":"c","started_at":"2026-01-01T00:00","ended_at":1,"disconnect_reason":""}',
        "[" * 100_000,
    ],
)
def test_a_file_of_something_else_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "state"
    state = EndedContacts(path)
    state.add(ENDED)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")

    with pytest.raises(ValueError, match=r"state: line 2: is not a contact that ended"):
        state.read()


@pytest.mark.parametrize(
    "content", [b"my only copy", b"a\nb\nc", b"\xff\xfe\n", b"{}", b'{"contact']
)
def test_a_file_of_somebody_elses_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state"
    path.write_bytes(content)
    if content == b'{"contact':
        assert EndedContacts(path).read() == []
        return
    with pytest.raises(ValueError, match="line 1: is not a contact that ended"):
        EndedContacts(path).read()

    assert path.read_bytes() == content


def test_without_a_file_nothing_is_kept() -> None:
    state = EndedContacts(None)
    state.add(ENDED)

    assert state.read() == []


def test_a_file_that_cannot_be_written_is_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    EndedContacts(tmp_path).add(ENDED)

    assert len(caplog.messages) == 1
    assert str(tmp_path) in caplog.messages[0]
