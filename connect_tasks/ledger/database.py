"""The ledger's database: opening it, and saying plainly what is wrong with it."""

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from connect_tasks.databases.addresses import hide_password, hide_password_in
from connect_tasks.errors import LedgerAddressError, LedgerError, LedgerUnreachableError
from connect_tasks.ledger.keys import fill_in_keys
from connect_tasks.ledger.ledger_file import LedgerFile
from connect_tasks.ledger.schema import (
    LATER_MIGRATIONS,
    MIGRATIONS,
    SCHEMA_VERSION,
    collected,
    contacts,
    invitations,
    ledger,
    metadata,
)
from connect_tasks.ledger.tallies import fill_in
from connect_tasks.ledger.tally_triggers import make_triggers

__all__ = [
    "create_or_check",
    "explained",
    "file_is_missing",
    "file_of",
    "insert_into",
    "ledger_exists",
    "make_engine",
]

BUSY_SECONDS = 30
_LOCKED_SECONDS = 0.02

_SQLITE_SETTINGS = (
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
    # FULL: a commit is on disk when it returns. NORMAL could lose a token after a power cut.
    "PRAGMA synchronous=FULL",
    # In KiB: keys of new contacts fall anywhere in the indexes; 2 MiB, as it is, hold too little.
    "PRAGMA cache_size=-65536",
)

# Held until the transaction ends. The number is any that nobody else on the server uses.
_LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(72746315)"}

# A server, a role or the URL may say otherwise; by itself PostgreSQL waits for a lock for ever.
_POSTGRESQL_SETTINGS = (
    f"SELECT set_config('lock_timeout', '{BUSY_SECONDS}s', false) "
    "WHERE current_setting('lock_timeout') = '0'"
)

_LOCKED = "another process keeps it locked: end that process and run the campaign again"
_GONE = "the database server cannot be reached: start it and run the campaign again"

_NOT_LET_IN = (
    "it wants a password: give its whole URL as $CONNECT_TASKS_LEDGER, or keep the password in "
    "$PGPASSWORD or ~/.pgpass"
)

_REMEDIES = (
    ("terminating connection", _GONE),
    ("closed the connection", _GONE),
    ("connection is lost", _GONE),
    ("Connection refused", _GONE),
    ("failed: No such file", _GONE),
    ("database system is", _GONE),
    ("lock timeout", _LOCKED),
    ("readonly", "it is read-only: give write permission on the file and its folder"),
    ("read-only", "it is read-only: give write permission on the file and its folder"),
    ("Permission denied", "it may not be opened: give write permission on the file and its folder"),
    ("unable to open", "it cannot be opened: check that the folder exists and may be written"),
    ("No such file", "its folder cannot be made: name another place"),
    ("not a database", "the file is no ledger: name another file, or restore it from a backup"),
    ("malformed", "the file is damaged: restore it from a backup"),
    ("disk is full", "the disk is full: make room and run the campaign again"),
    ("No space left", "the disk is full: make room and run the campaign again"),
    ("no password supplied", _NOT_LET_IN),
    ("disk I/O error", "the disk is full or broken: make room or mend it and run it again"),
    ("locked", _LOCKED),
)

# Ledgers before this one compared ids exactly as they were written.
_FIRST_WITH_KEYS = 4


def make_engine(url: str) -> sa.Engine:
    """An engine for the ledger; a SQLite file is made on the way, for its owner's eyes only.

    Raises:
        LedgerAddressError: The URL is none, or of a database that is not supported.
    """
    address = _parsed(url)
    try:
        if address.get_backend_name() == "sqlite":
            return _sqlite_engine(url, address)
        if address.get_backend_name() == "postgresql":
            return _postgresql_engine(address)
    except (exc.ArgumentError, ImportError):
        raise _unusable(url) from None
    raise LedgerAddressError(
        f"A ledger on {address.get_backend_name()} is not supported: use SQLite or PostgreSQL."
    )


def _parsed(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except exc.ArgumentError:
        raise _unusable(url) from None
    except ValueError:
        # Its text repeats what stands in the port's place, which may be a part of a password.
        raise LedgerAddressError(
            f"The ledger's URL {hide_password(url)!r} has a port that is no number: write "
            "postgresql://user@host:5432/database, and %3A, %2F and %40 for :, / and @ in a "
            "password."
        ) from None


def _unusable(url: str) -> LedgerAddressError:
    # Without its cause: what a parser says repeats the URL.
    return LedgerAddressError(
        f"The ledger's URL {hide_password(url)!r} cannot be used: write "
        "sqlite:///path/to/ledger.db, or postgresql://user@host/database after "
        "`pip install connect-tasks[postgresql]`."
    )


def create_or_check(engine: sa.Engine) -> None:
    """Make the tables in an empty database, or bring the ledger in it to our version.

    Raises:
        LedgerError: A newer version of connect-tasks wrote it.
    """
    try:
        with engine.begin() as connection:
            # Several processes may come first at the same time; only one of them makes the tables.
            connection.exec_driver_sql(_LOCKS[engine.dialect.name])
            if not sa.inspect(connection).has_table(ledger.name):
                metadata.create_all(connection)
                make_triggers(connection)
                new = {"schema_version": SCHEMA_VERSION, "hash_key": _new_key()}
                connection.execute(sa.insert(ledger).values(new))
            _migrate(connection, connection.scalar(sa.select(ledger.c.schema_version)) or 0)
    except BaseException:
        engine.dispose()  # Whoever wanted it gets an error instead, and could not.
        raise


def _migrate(connection: sa.Connection, version: int) -> None:
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"The ledger was written by a newer connect-tasks (its version is {version}, this "
            f"one reads {SCHEMA_VERSION}): upgrade with `pip install --upgrade connect-tasks`."
        )

    for step in range(version, SCHEMA_VERSION):
        for statement in (*MIGRATIONS[step], *_of_later_tables(connection, step)):
            connection.exec_driver_sql(statement)
    if version < SCHEMA_VERSION:
        if version < _FIRST_WITH_KEYS:
            fill_in_keys(connection)
        metadata.create_all(connection)
        # Existing tables are passed over there, and with them their new indexes.
        for index in (*contacts.indexes, *invitations.indexes, *collected.indexes):
            index.create(connection, checkfirst=True)
        # In this order: what another writes after it was counted is counted by the triggers.
        make_triggers(connection)
        fill_in(connection)
        key = sa.func.coalesce(ledger.c.hash_key, _new_key())
        connection.execute(sa.update(ledger).values(schema_version=SCHEMA_VERSION, hash_key=key))


def _of_later_tables(connection: sa.Connection, step: int) -> Iterator[str]:
    there = sa.inspect(connection)
    for table, statements in LATER_MIGRATIONS.get(step, {}).items():
        if there.has_table(table):
            yield from statements


def _new_key() -> str:
    return secrets.token_hex(32)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what a database raises into a sentence that says what to do."""
    try:
        yield
    except (exc.SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
        remedy = next(
            (text for sign, text in _REMEDIES if sign in reason), _GONE if lost else reason
        )
        kind = LedgerUnreachableError if remedy is _GONE else LedgerError
        said = hide_password_in(remedy, url)
        # A driver's error that repeats a part of the URL is not handed on either.
        cause = error if hide_password_in(str(error), url) == str(error) else None
        raise kind(f"The ledger {hide_password(url)}: {said}.") from cause


def insert_into(table: sa.Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows "on conflict": only the dialects do, and both spell it alike."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def _sqlite_engine(given: str, url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise LedgerAddressError(
            "A ledger in memory would forget who was contacted: name a file, such as "
            "sqlite:///.connect_tasks/ledger.db."
        )
    file = LedgerFile(Path(url.database), shown=hide_password(given))
    engine = sa.create_engine(url, hide_parameters=True)
    # Before connecting, or SQLite would make another; and before what is written counts as kept.
    for moment in ("do_connect", "begin", "commit"):
        sa.event.listen(engine, moment, file.check)
    sa.event.listen(engine, "connect", _apply_sqlite_settings)
    return engine


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    # Parameters hold what customers said: they must not get into a traceback. The ping finds out
    # that the server was started anew while the ledger was idle.
    url = url.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)
    sa.event.listen(engine, "connect", _apply_postgresql_settings)
    return engine


def _apply_sqlite_settings(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for setting in _SQLITE_SETTINGS:
        cursor.execute(setting)
    _write_ahead(cursor)
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Switch a new file to the write-ahead log; one that has it stays as it is.

    SQLite does not wait for others here, busy_timeout or not, so we do: several processes may open
    a new ledger at the same time.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_LOCKED_SECONDS)
        else:
            return


def _apply_postgresql_settings(connection: Any, _: object) -> None:
    connection.execute(_POSTGRESQL_SETTINGS)
    connection.commit()


def file_is_missing(url: str) -> bool:
    """Whether the URL is that of a file of SQLite that is not there.

    Raises:
        LedgerError: The URL is none.
    """
    file = file_of(url)
    return file is not None and not file.is_file()


def file_of(url: str) -> Path | None:
    """The file of SQLite that the URL means; None where it means another database.

    Raises:
        LedgerError: The URL is none.
    """
    address = _parsed(url)
    return Path(address.database or "") if address.get_backend_name() == "sqlite" else None


def ledger_exists(url: str) -> bool:
    """Whether there is a ledger already; none is made.

    Raises:
        LedgerError: The URL is none, or the database cannot be reached.
    """
    with explained(url):
        if file_is_missing(url):
            return False
        engine = make_engine(url)
        try:
            return bool(sa.inspect(engine).has_table(ledger.name))
        finally:
            engine.dispose()


def lock_out_writers(connection: sa.Connection, *tables: sa.Table) -> None:
    """Keep other writers of tables waiting until the transaction ends; the first thing in it.

    Two that change many rows, each in its own order, would end in a deadlock on PostgreSQL. What is
    read after this stays true until the end.

    Args:
        connection: In a transaction in which nothing was asked yet.
        tables: Which tables, contacts before links; in SQLite all of them.
    """
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in tables)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
