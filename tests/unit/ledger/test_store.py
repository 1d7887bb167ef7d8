"""The ledger's file and its URL; how it behaves is in `tests/functional`, on each database."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from connect_tasks.errors import LedgerError
from connect_tasks.ledger.database import explained, make_engine
from connect_tasks.ledger.opening import default_url
from connect_tasks.ledger.schema import metadata
from connect_tasks.ledger.store import Ledger

CAMPAIGN = "renewals"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "ledger.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger(url) as opened:
        yield opened


def test_without_a_url_the_ledger_is_a_file_in_this_folder() -> None:
    assert default_url({}) == "sqlite:///.connect_tasks/ledger.db"


def test_the_environment_may_name_the_ledger() -> None:
    assert default_url({"CONNECT_TASKS_LEDGER": "postgresql://db/x"}) == "postgresql://db/x"


def test_only_the_owner_may_read_the_files(ledger: Ledger, path: Path) -> None:
    assert ledger.counts(CAMPAIGN)["valid"] == 0
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == {"ledger.db": 0o600, "ledger.db-shm": 0o600, "ledger.db-wal": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


# https://sqlite.org/pragma.html: synchronous 2 is FULL.
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("busy_timeout", 30_000)],
    ids=["write-ahead log", "on disk before it returns", "patient"],
)
def test_sqlite_is_set_to_lose_nothing(url: str, pragma: str, value: object) -> None:
    engine = make_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    engine.dispose()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a ledger at all, but long enough to be looked at " * 20)

    with pytest.raises(LedgerError, match="the file is no ledger: name another file"):
        Ledger(f"sqlite:///{file}")


def test_a_damaged_file_is_told_as_such(url: str, path: Path) -> None:
    Ledger(url).close()
    content = bytearray(path.read_bytes())
    content[4_096:] = b"\xff" * (len(content) - 4_096)
    path.write_bytes(content)

    with pytest.raises(LedgerError, match="damaged: restore it from a backup"):
        Ledger(url)


def test_a_read_only_ledger_is_told_as_such(ledger: Ledger, path: Path) -> None:
    read_only = sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    try:
        with pytest.raises(LedgerError, match="give write permission") as caught:  # noqa: SIM117
            with explained("sqlite:///ledger.db"), read_only.begin() as connection:
                connection.exec_driver_sql("DELETE FROM contacts")
    finally:
        read_only.dispose()
    assert isinstance(caught.value.__cause__, sa.exc.OperationalError)
    assert ledger.counts(CAMPAIGN)["valid"] == 0


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LedgerError, match=r"ledger\.db: .*(Not a directory|File exists)"):
        Ledger(f"sqlite:///{tmp_path}/file/ledger.db")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://user@host/x", "A ledger on mysql is not supported: use SQLite or PostgreSQL"),
        ("ledger.db", "write sqlite:///path/to/ledger.db"),
    ],
    ids=["another database", "no URL"],
)
def test_a_url_that_cannot_be_used_says_what_can(url: str, sentence: str) -> None:
    with pytest.raises(LedgerError, match=sentence):
        Ledger(url)


def test_postgresql_without_its_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(LedgerError, match=r"pip install connect-tasks\[postgresql\]"):
        make_engine("postgresql://user@host/x")


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(LedgerError, match="the database server cannot be reached: start it"):
        Ledger("postgresql://user@127.0.0.1:1/x")


# What SQLite, psycopg and the system say; those that tests/functional do not bring about.
@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("server closed the connection unexpectedly", "the database server cannot be reached"),
        ("the connection is lost", "the database server cannot be reached"),
        (
            'could not extend file "base/1/2": No space left on device',
            "the disk is full: make room and run the campaign again",
        ),
        ("[Errno 13] Permission denied: 'ledger.db'", "give write permission on the file"),
    ],
)
def test_what_a_database_says_becomes_what_to_do(reason: str, sentence: str) -> None:
    with pytest.raises(LedgerError, match=sentence), explained("sqlite:///ledger.db"):
        raise OSError(reason)


@pytest.mark.parametrize(
    "url",
    ["postgresql://user:secret@host/x", "postgresql:/user:secret@host/x"],
    ids=["a URL", "a mistyped URL"],
)
def test_no_password_is_repeated(url: str) -> None:
    with pytest.raises(LedgerError) as caught, explained(url):
        raise OSError("no")

    assert "secret" not in str(caught.value)


def test_no_column_is_meant_for_a_bearer_token() -> None:
    columns = {column.name for table in metadata.tables.values() for column in table.columns}

    # A link's token can be known again by its hash, and not made of it.
    assert {name for name in columns if "token" in name} == {"client_token", "token_hash"}
    # Where links lead to, without any.
    assert {name for name in columns if "url" in name or "connection" in name} == {"base_url"}
