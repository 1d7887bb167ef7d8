"""A ledger that becomes unusable in the middle of a campaign, by real means.

Each time: a clear sentence, nothing started after it, nothing known lost, and a further run that
contacts everybody once.

As a program this module is a process that runs the campaign with files that may not grow:
`python -m tests.functional.test_ledger_trouble ENDPOINT LEDGER LARGEST_FILE`.
"""

import gc
import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
import sqlalchemy as sa

from connect_tasks import Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import LedgerError
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, QUICK, World, customers, session
from tests.postgresql import new_database, postgresql_server

ROOT = Path(__file__).parents[2]
COUNT = 120
BEFORE = 20
OUTAGE_SECONDS = 6.0
"""So many chats are started before the trouble comes."""
PATIENCE_MILLISECONDS = 300

LOCK_SQLITE = """
import sqlite3, sys
sys.stdin.readline()
database = sqlite3.connect(sys.argv[1].removeprefix("sqlite:///"), isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
"""
LOCK_POSTGRESQL = """
import psycopg, sys
sys.stdin.readline()
database = psycopg.connect(sys.argv[1])
database.execute("SET lock_timeout = 0")
database.execute("LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE")
"""
HOLD = """
print("locked", flush=True)
sys.stdin.read()
"""


def run(
    endpoint_url: str,
    ledger: Ledger,
    report: Callable[[Funnel], None] = lambda _: None,
    *,
    patience_seconds: float = 1,
) -> Funnel:
    """Run the campaign at a pace at which few calls are under way at a time."""
    api = ConnectApi(session, ClientOptions(parameters={"endpoint_url": endpoint_url}))
    quotas = FAST.model_copy(update={"starts_per_second": 100.0, "start_burst": 5})
    instance = Instance(api=api, quotas=quotas, policy=QUICK, threads=16)
    return run_campaign(
        ledger,
        CAMPAIGN,
        instance,
        conversation=Conversation(
            settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=5
        ),
        on_progress=report,
        # A broken ledger cannot take claims back: the next run has to wait for their end.
        lease_seconds=1,
        patience_seconds=patience_seconds,
    )


def main(endpoint_url: str, ledger_url: str, largest_file: str) -> None:
    """Run the campaign with a disk that is full from some byte on."""
    with Ledger(ledger_url) as ledger:
        # Python ignores the signal that comes with it; the write fails, as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest_file), int(largest_file)))
        try:
            run(endpoint_url, ledger)
        except LedgerError as error:
            print(error)  # noqa: T201 - the parent reads it


@contextmanager
def campaign(url: str) -> Iterator[World]:
    """A campaign with its table planned."""
    with (
        LocalConnect(quotas=LocalQuotas.unlimited(), think_seconds=(0.05, 0.2)) as local,
        Ledger(url) as ledger,
    ):
        here = World(local, ledger)
        here.plan(customers(COUNT))
        yield here


class Trouble:
    """Comes once, when the campaign has started a few chats."""

    def __init__(self, here: World, bring: Callable[[], object]) -> None:
        self._here = here
        self._bring = bring
        self.starts_before: int | None = None

    def __call__(self, funnel: Funnel) -> None:
        if self.starts_before is None and funnel.started >= BEFORE:
            self._bring()
            self.starts_before = self._here.local.calls["StartChatContact"]


@contextmanager
def complaints_of_asyncio() -> Iterator[list[str]]:
    """What asyncio logs, above all about errors that nobody looked at."""
    complaints: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(record.getMessage().splitlines()[0])

    collector = Collector(logging.ERROR)
    logging.getLogger("asyncio").addHandler(collector)
    try:
        yield complaints
        gc.collect()
    finally:
        logging.getLogger("asyncio").removeHandler(collector)


def stops_with(
    here: World, sentence: str, bring: Callable[[], object], *, more_starts: int = 16
) -> None:
    """The campaign stops soon after the trouble came, and says what it was."""
    trouble = Trouble(here, bring)

    with complaints_of_asyncio() as complaints, pytest.raises(LedgerError, match=sentence):
        run(here.local.endpoint_url, here.ledger, trouble)

    # Or the user's screen is full of tracebacks of steps that nobody waited for.
    assert complaints == []
    assert trouble.starts_before is not None
    # A call may be under way in each thread; its contact was on record before.
    assert here.local.calls["StartChatContact"] - trouble.starts_before <= more_starts
    assert len(here.made()) < COUNT


def assert_goes_on(here: World) -> None:
    """Whatever was sent is on record, and a further run completes it."""
    sent = {row["customer_id"] for row in here.contacts() if row["sent_at"]}
    assert set(here.made()) <= sent
    assert len(sent) < COUNT

    run(here.local.endpoint_url, here.ledger)

    here.assert_once_each(COUNT)


@pytest.fixture
def _impatient() -> Iterator[None]:
    """SQLite waits less long for a lock than it does for users."""

    def set_patience(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA busy_timeout={PATIENCE_MILLISECONDS}")

    sa.event.listen(sa.pool.Pool, "checkout", set_patience)
    yield
    sa.event.remove(sa.pool.Pool, "checkout", set_patience)


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[World]:
    with campaign(f"sqlite:///{tmp_path / 'ledger.db'}") as here:
        yield here


@pytest.fixture
def impatient_sqlite(_impatient: None, on_sqlite: World) -> World:
    return on_sqlite


@pytest.fixture
def impatient_postgresql() -> Iterator[World]:
    with (
        new_database() as url,
        campaign(f"{url}&options=-c%20lock_timeout%3D{PATIENCE_MILLISECONDS}") as here,
    ):
        yield here


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def impatient(request: pytest.FixtureRequest) -> World:
    """A campaign on a ledger that does not wait long for a lock."""
    here: World = request.getfixturevalue(f"impatient_{request.param.lower()}")
    return here


class Holder:
    """A process that locks the ledger when it is told, and holds it until it ends."""

    def __init__(self, here: World) -> None:
        program = LOCK_SQLITE if here.ledger.url.startswith("sqlite") else LOCK_POSTGRESQL
        self._process = subprocess.Popen(
            [sys.executable, "-c", program + HOLD, here.ledger.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self.kill()

    def lock(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("now\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "locked\n"

    def kill(self) -> None:
        """As `kill -9` does; returns when the process is gone."""
        self._process.kill()
        self._process.wait()


# --- locks ---


def test_a_lock_that_another_process_never_lets_go_of_stops_the_campaign(
    impatient: World,
) -> None:
    with Holder(impatient) as holder:
        stops_with(impatient, "another process keeps it locked: end that process", holder.lock)
    assert_goes_on(impatient)


def test_the_lock_of_a_process_that_is_killed_is_free_at_once(impatient: World) -> None:
    with Holder(impatient) as holder:

        def lock_and_die() -> None:
            holder.lock()
            holder.kill()

        trouble = Trouble(impatient, lock_and_die)
        run(impatient.local.endpoint_url, impatient.ledger, trouble)

    assert trouble.starts_before is not None
    impatient.assert_once_each(COUNT)


# --- disks ---


def test_a_disk_that_is_full_for_sqlite_stops_the_campaign(on_sqlite: World) -> None:
    def limit(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # It takes what there is already.

    def fill_up() -> None:
        sa.event.listen(sa.pool.Pool, "checkout", limit)

    try:
        # What fits into the pages that are there can still be written, and so recorded and sent.
        stops_with(
            on_sqlite,
            "the disk is full: make room and run the campaign again",
            fill_up,
            more_starts=COUNT // 2,
        )
    finally:
        sa.event.remove(sa.pool.Pool, "checkout", limit)
    # The limit stays with a connection.
    with Ledger(on_sqlite.ledger.url) as ledger:
        on_sqlite.ledger = ledger
        assert_goes_on(on_sqlite)


def test_a_file_that_cannot_grow_stops_the_campaign(on_sqlite: World, tmp_path: Path) -> None:
    largest = (tmp_path / "ledger.db-wal").stat().st_size + 1_000_000
    arguments = [on_sqlite.local.endpoint_url, on_sqlite.ledger.url, str(largest)]
    child = subprocess.run(
        [sys.executable, "-m", __name__, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=45,
        check=False,
    )

    assert "the disk is full or broken: make room" in child.stdout
    assert 0 < len(on_sqlite.made()) < COUNT
    assert_goes_on(on_sqlite)


# --- servers ---


def test_a_postgresql_that_is_shut_down_stops_the_campaign() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="connect-tasks-") as folder,
        postgresql_server(Path(folder)) as server,
        campaign(server.new_database()) as here,
    ):
        stops_with(here, "the database server cannot be reached", server.stop)
        with pytest.raises(LedgerError, match="the database server cannot be reached"):
            run(here.local.endpoint_url, here.ledger)
        server.start()
        assert_goes_on(here)


@pytest.mark.timeout(150)
def test_a_postgresql_that_comes_back_is_waited_for_and_nothing_is_sent_unrecorded() -> None:
    starts: list[int] = []
    with (
        tempfile.TemporaryDirectory(prefix="connect-tasks-") as folder,
        postgresql_server(Path(folder)) as server,
        campaign(server.new_database()) as here,
    ):

        def restart() -> None:
            server.stop()
            # What was on its way arrives; then nothing moves until the server is back.
            for _ in range(2):
                time.sleep(OUTAGE_SECONDS / 2)
                starts.append(here.local.calls["StartChatContact"])
            server.start()

        run(here.local.endpoint_url, here.ledger, Trouble(here, restart), patience_seconds=50)

        assert starts[0] == starts[1] < COUNT
        here.assert_once_each(COUNT)


def test_a_postgresql_that_only_reads_stops_the_campaign() -> None:
    with new_database() as url, campaign(url) as here:
        stops_with(here, "The ledger postgresql://", lambda: make_read_only(url, "on"))
        with pytest.raises(LedgerError, match="it is read-only: give write permission"):
            run(here.local.endpoint_url, here.ledger)
        make_read_only(url, "off")
        assert_goes_on(here)


def make_read_only(url: str, setting: str) -> None:
    """Let all who connect from now on only read, or not, and throw out who is connected."""
    address = sa.make_url(url)
    engine = sa.create_engine(
        address.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.exec_driver_sql(
            f"ALTER DATABASE {address.database} SET default_transaction_read_only = {setting}"
        )
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    engine.dispose()


# --- damage ---


def test_a_file_that_was_overwritten_between_two_runs_is_told_and_nothing_is_sent(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ledger.db"
    url = f"sqlite:///{file}"
    with campaign(url) as here:
        here.ledger.close()
        backup = file.read_bytes()
        file.write_bytes(b"\0" * 100 + backup[100:])
        with pytest.raises(LedgerError, match=r"the file is no ledger: .*restore it from a backup"):
            Ledger(url)
        with pytest.raises(LedgerError, match=r"the file is no ledger: .*restore it from a backup"):
            run(here.local.endpoint_url, here.ledger)
        assert here.local.calls["StartChatContact"] == 0
        file.write_bytes(backup)
        assert_goes_on(here)


if __name__ == "__main__":
    main(*sys.argv[1:])
