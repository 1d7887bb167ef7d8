import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connect_tasks.errors import InputError, LedgerAddressError, LedgerError
from connect_tasks.ledger.database import ledger_exists
from connect_tasks.ledger.store import Ledger

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def delete(path: Path) -> None:
    for file in path.parent.glob("ledger.db*"):
        file.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("happens", [delete, move, replace, delete_folder])
@pytest.mark.parametrize("again", [False, True], ids=["at the next write", "and ever after"])
def test_a_ledger_whose_file_is_gone_is_told_and_not_made_again(
    tmp_path: Path, *, happens: Callable[[Path], None], again: bool
) -> None:
    path = tmp_path / "folder" / "ledger.db"
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.open_campaign("renewals", "i-1", now=NOW)
        happens(path)
        for _ in range(1 + again):
            with pytest.raises(LedgerError, match="deleted, moved or replaced while it was open"):
                ledger.open_campaign("others", "i-1", now=NOW)
        with pytest.raises(LedgerError, match="deleted, moved or replaced"):
            ledger.campaigns()

    assert path.exists() == (happens is replace)


def test_a_file_that_is_deleted_in_the_middle_of_a_transaction_does_not_count_as_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"

    def write(ledger: Ledger) -> None:
        with ledger._writing() as connection:
            connection.exec_driver_sql("UPDATE ledger SET schema_version = schema_version")
            delete(path)

    with Ledger(f"sqlite:///{path}") as ledger, pytest.raises(LedgerError, match="deleted"):
        write(ledger)


def test_a_file_that_stays_where_it_is_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.open_campaign("renewals", "i-1", now=NOW)
        path.chmod(0o640)
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ledger.open_campaign("others", "i-1", now=NOW)

        assert ledger.campaigns() == ["others", "renewals"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:secret@host:abc/ledger",
        "mysql://ada:secret@host/ledger",
        "host=db password=secret",
        "nonsense",
    ],
)
@pytest.mark.parametrize("use", [Ledger, ledger_exists], ids=["opened", "looked for"])
def test_an_address_that_cannot_be_used_is_a_wrong_argument_and_shows_no_password(
    url: str, use: Callable[[str], object]
) -> None:
    with pytest.raises(LedgerAddressError) as caught:
        use(url)

    assert isinstance(caught.value, InputError)
    shown: BaseException | None = caught.value
    while shown is not None:
        assert "secret" not in str(shown)
        assert "ret@" not in str(shown)
        shown = shown.__cause__


def test_a_port_that_is_no_number_is_told_in_a_sentence() -> None:
    with pytest.raises(InputError, match="has a port that is no number: write postgresql://"):
        Ledger("postgresql://ada:secret@host:abc/ledger")
