import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.started import IssuedConnection, StartedContact
from connect_tasks.emulator.state import InstanceState, Remembered

MOMENT = datetime(2026, 11, 22, 7, 0, 0, 123456, tzinfo=UTC)
ENDED = EndedContact(
    contact_id="c-1",
    started_at=MOMENT,
    connected_at=None,
    ended_at=MOMENT + timedelta(seconds=1),
    disconnect_reason="API",
)
STARTED = StartedContact(
    contact_id="c-1", key="t", request={"ParticipantDetails": {}}, started_at=MOMENT
)
ISSUED = IssuedConnection(contact_id="c-1", number=1, types=("WEBSOCKET",), issued_at=MOMENT)

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])
MOMENTS = st.datetimes(timezones=ZONES)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=5,
)
ENDS = st.builds(
    EndedContact,
    contact_id=TEXTS.map("ended {}".format),
    started_at=MOMENTS,
    connected_at=st.none() | MOMENTS,
    ended_at=MOMENTS,
    disconnect_reason=TEXTS,
)
STARTS = st.builds(
    StartedContact,
    contact_id=TEXTS.map("open {}".format),
    key=TEXTS,
    request=st.dictionaries(TEXTS, JSON, max_size=3),
    started_at=MOMENTS,
)


def contact_id(line: StartedContact | EndedContact) -> str:
    return line.contact_id


@given(
    ended=st.lists(ENDS, max_size=4, unique_by=contact_id),
    started=st.lists(STARTS, max_size=4, unique_by=contact_id),
)
def test_what_was_added_is_read_by_the_next_and_by_the_one_after(
    ended: list[EndedContact], started: list[StartedContact]
) -> None:
    with TemporaryDirectory() as folder:
        before = InstanceState(Path(folder))
        assert before.read() == Remembered()
        lines: list[StartedContact | EndedContact] = [*started, *ended]
        for line in lines:
            before.add(line)

        for _ in range(2):
            assert InstanceState(Path(folder)).read() == Remembered(ended, started, [])


def test_of_a_chat_that_has_ended_its_request_and_connections_are_thrown_away(
    tmp_path: Path,
) -> None:
    state = InstanceState(tmp_path)
    asked = StartedContact(
        contact_id="c-1", key="t", request={"DisplayName": "Ada Lovelace"}, started_at=MOMENT
    )
    for line in (asked, ISSUED, ENDED):
        state.add(line)

    assert InstanceState(tmp_path).read() == Remembered([ENDED], [], [])
    assert not any(b"Ada" in path.read_bytes() for path in tmp_path.iterdir())


def test_the_folder_is_made_with_all_above_it_and_only_its_owner_can_read_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "deep" / "down"
    state = InstanceState(folder)
    state.read()
    state.add(STARTED)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("seed", [0, 7, -3])
def test_the_seed_is_that_of_the_folder_until_another_is_wanted(tmp_path: Path, seed: int) -> None:
    assert InstanceState(tmp_path, seed).seed == seed
    assert InstanceState(tmp_path).seed == seed
    assert InstanceState(tmp_path, seed).seed == seed
    with pytest.raises(ValueError, match=f"was made with the seed {seed}, .* leave the seed out"):
        InstanceState(tmp_path, seed + 1)


def test_a_seed_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "seed").write_text("x\n", encoding="utf-8")

    with pytest.raises(ValueError, match="seed holds no seed; name another folder"):
        InstanceState(tmp_path)


@pytest.mark.parametrize("kept", range(0, 260, 7))
def test_a_last_line_that_a_kill_cut_short_is_dropped(tmp_path: Path, kept: int) -> None:
    state = InstanceState(tmp_path)
    path = tmp_path / "contacts.jsonl"
    state.add(ENDED)
    size = path.stat().st_size
    state.add(STARTED)
    cut = min(kept, path.stat().st_size - size - 1)
    with path.open("r+b") as file:
        file.truncate(size + cut)

    assert InstanceState(tmp_path).read() == Remembered([ENDED], [], [])
    state.add(ISSUED)
    assert InstanceState(tmp_path).read() == Remembered([ENDED], [], [])


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        "x",
        "",
        '{"kind": "ended", "contact_id": "c"}',
        '{"kind": "begun", "contact_id": "c"}',
        '{"kind": []}',
        "[" * 100_000,
    ],
)
def test_a_file_of_something_else_is_named_with_its_line_and_left_as_it_is(
    tmp_path: Path, line: str
) -> None:
    state = InstanceState(tmp_path)
    state.add(ENDED)
    path = tmp_path / "contacts.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    content = path.read_bytes()

    with pytest.raises(ValueError, match=r"contacts\.jsonl: line 2: is nothing that this has"):
        state.read()
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"my only copy", b"a\nb\nc", b"\xff\xfe\n", b"{}"])
def test_a_file_of_somebody_elses_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "contacts.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="line 1: is nothing that this has written"):
        InstanceState(tmp_path).read()

    assert path.read_bytes() == content


def test_without_a_folder_nothing_is_kept() -> None:
    state = InstanceState(None, 3)
    state.add(ENDED)

    assert state.read() == Remembered()
    assert state.seed == 3


def test_a_file_that_cannot_be_written_is_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = InstanceState(tmp_path)
    (tmp_path / "contacts.jsonl").mkdir()
    state.add(ENDED)

    assert len(caplog.messages) == 1
    assert str(tmp_path) in caplog.messages[0]
