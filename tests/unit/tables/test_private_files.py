import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connect_tasks.errors import InputError
from connect_tasks.tables.destinations import check_place, expanded, folder_for, replacing
from connect_tasks.tables.private_files import make_private_file, make_private_folder


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("umask")
def test_what_is_made_is_for_its_owner_alone_whatever_the_umask_says(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder = tmp_path / "out" / "of" / "today"

    make_private_folder(folder)
    make_private_file(folder / "contacts.csv")

    made = [tmp_path / "out", tmp_path / "out" / "of", folder]
    assert [mode(path) for path in made] == [0o700] * 3
    assert mode(folder / "contacts.csv") == 0o600
    assert mode(tmp_path) == 0o755


@pytest.mark.usefixtures("umask")
def test_a_file_that_everybody_could_read_is_not_any_more_when_it_is_written(
    tmp_path: Path,
) -> None:
    old = tmp_path / "contacts.csv"
    old.write_text("before")
    old.chmod(0o644)

    with folder_for(tmp_path) as folder, replacing(folder / "contacts.csv") as new:
        new.write_text("after")

    assert (old.read_text(), mode(old)) == ("after", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["contacts.csv"]


@pytest.mark.parametrize(
    ("before", "after"), [(0o644, 0o640), (0o666, 0o660), (0o660, 0o660), (0o600, 0o600)]
)
def test_a_file_that_a_group_shares_stays_shared_by_the_group_only(
    tmp_path: Path, before: int, after: int
) -> None:
    file = tmp_path / "ledger.db"
    file.write_text("kept")
    file.chmod(before)

    make_private_file(file)

    assert (file.read_text(), mode(file)) == ("kept", after)


def test_folders_that_others_make_at_the_same_time_are_no_trouble(tmp_path: Path) -> None:
    folder, failed = tmp_path / "a" / "b" / "c", []

    def make() -> None:
        try:
            make_private_folder(folder)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failed
    assert mode(folder) == 0o700


def test_a_file_in_a_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")

    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "out")


@pytest.mark.parametrize("place", ["mysql://ada:se/cret@host/db", "gs://KEY:se?cret@bucket/x"])
def test_what_nothing_is_written_to_is_told_without_its_password(place: str) -> None:
    with pytest.raises(InputError, match="Nothing can be written to") as caught, folder_for(place):
        raise AssertionError("it was made")

    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("place", ["~nobody-of-this-name/out", "~\x00/out", "~0"])
def test_the_home_of_somebody_who_has_none_is_refused_before_anything_is_made(place: str) -> None:
    with pytest.raises(InputError, match="has no home folder on this machine: give the whole path"):
        check_place(place)


def test_a_place_in_a_home_folder_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert expanded("~/out") == tmp_path / "out"
    assert expanded(Path("out")) == Path("out")
    check_place("~/out")
    check_place("./~nobody-of-this-name")
