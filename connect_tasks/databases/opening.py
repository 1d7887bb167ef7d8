"""Opening a database of the user's own, and saying plainly what is wrong with it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeGuard

import sqlalchemy as sa
from sqlalchemy import exc

from connect_tasks.databases.addresses import hide_password, hide_password_in
from connect_tasks.errors import InputError

__all__ = ["Database", "is_database"]

_WRITTEN = "write sqlite:///path/to/file.db, or postgresql://user@host/database"
# By its beginning alone: a password may hold what a parser of URLs refuses.
_BACKENDS = re.compile(r"(?i)\s*(sqlite|postgresql|postgres)(\+\w*)?:")


class Database:
    """A database, by its URL or by what has an engine to it; no password of it is ever shown.

    Args:
        given: An SQLAlchemy URL, an engine, or what gives one by `get_engine()`, as Prefect's
            `SqlAlchemyConnector` does.

    Attributes:
        name: Its URL as it may be shown.
        engine: How it is reached; nothing is opened so far.

    Raises:
        InputError: It is none of these, or its driver is not installed or works asynchronously.

    Example:
        >>> Database("sqlite:///shop.db").name
        'sqlite:///shop.db'
    """

    def __init__(self, given: Any) -> None:
        self._is_own = isinstance(given, str | sa.URL)
        self.engine = _made(given) if self._is_own else _engine_of(given)
        self._url = self.engine.url.render_as_string(hide_password=False)
        self.name = hide_password(self._url)

    @property
    def place(self) -> str:
        """Where it is: its kind, host, port and name, and nothing of how one signs in."""
        url = self.engine.url
        kind = url.get_backend_name()
        bare = sa.URL.create(kind, host=url.host, port=url.port, database=url.database)
        return bare.render_as_string()

    @property
    def file(self) -> Path | None:
        """The file of a database on SQLite; None if it is in memory or of another kind."""
        if self.engine.dialect.name != "sqlite":
            return None
        name = self.engine.url.database
        is_file = name and name != ":memory:" and not name.startswith("file:")
        return Path(name) if name and is_file else None

    def connect(self) -> sa.Connection:
        """A connection on which transactions begin and end, whatever the engine's user has set."""
        connection = self.engine.connect()
        if connection.dialect.name == "postgresql":
            # No stricter level: who waited for a lock has to see what others wrote meanwhile.
            connection.execution_options(isolation_level="READ COMMITTED")
        return connection

    @contextmanager
    def explained(self, failed: str) -> Iterator[None]:
        """Turn what a database raises into a sentence without customers' values and passwords.

        Args:
            failed: What could not be done, up to the database's name: `The query cannot be read
                from`.

        Raises:
            InputError: Instead of what SQLAlchemy or the driver raised.
        """
        try:
            yield
        except (exc.SQLAlchemyError, OSError, UnicodeEncodeError, UnicodeDecodeError) as error:
            # Without its cause, which repeats the statement and its values.
            raise InputError(f"{failed} {self.name}: {self._reason(error)}.") from None
        finally:
            if self._is_own:
                self.engine.dispose()

    def _reason(self, error: Exception) -> str:
        if isinstance(error, exc.DataError | exc.IntegrityError):
            # Drivers quote the value.
            code = getattr(error.orig, "sqlstate", None) or type(error.orig).__name__
            return f"a value in it cannot be converted or is refused ({code})"
        if isinstance(error, UnicodeEncodeError | UnicodeDecodeError):
            return f"a text in it is no Unicode ({error.reason})"
        said = str(getattr(error, "orig", None) or error)
        # SQLite repeats a text that is no UTF-8.
        text = said.partition(" with text ")[0].strip().split("\n", 1)[0]
        return hide_password_in(text, self._url).strip().removesuffix(".")


def is_database(place: object) -> TypeGuard[str]:
    """Whether a place is the URL of a database that results can be written to.

    Example:
        >>> is_database("postgresql+psycopg://host/shop"), is_database("s3://tables/renewals")
        (True, False)
    """
    return isinstance(place, str) and _BACKENDS.match(place) is not None


def _made(given: str | sa.URL) -> sa.Engine:
    shown = hide_password(str(given))
    try:
        url = sa.make_url(given)
        if url.drivername in {"postgresql", "postgres"}:
            url = url.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, hide_parameters=True)
    except ImportError as error:
        raise InputError(
            f"The database {shown} needs a driver that is not installed ({error.name}): for "
            "PostgreSQL, pip install 'connect-tasks[postgresql]'."
        ) from None
    # What a parser says repeats the URL.
    except (exc.ArgumentError, ValueError):
        raise InputError(f"{shown!r} is no database's URL: {_WRITTEN}.") from None
    return _synchronous(engine)


def _engine_of(given: Any) -> sa.Engine:
    engine = given.get_engine() if hasattr(given, "get_engine") else given
    if not isinstance(engine, sa.Engine) and not hasattr(engine, "sync_engine"):
        raise InputError(f"{type(given).__name__} is no database: {_WRITTEN}.")
    return _synchronous(engine)


def _synchronous(engine: Any) -> sa.Engine:
    if hasattr(engine, "sync_engine") or engine.dialect.is_async:
        raise InputError(
            f"The driver {engine.dialect.driver} works asynchronously: give a URL or connector with"
            " another, such as postgresql+psycopg or SqlAlchemyConnector."
        )
    return engine  # type: ignore[no-any-return]
