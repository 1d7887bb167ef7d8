"""A database for new Prefect servers: migrated once, and copied for each.

To migrate an empty one takes a server longer than all else that it does when it starts.
"""

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["place_database"]

# `make clean` removes it.
FOLDER = Path(__file__).parents[1] / ".prefect" / "migrated"


def place_database(path: Path) -> None:
    """Put an empty database where a Prefect server will look for its own, unless one is there.

    When the server starts, it compares it with its migrations, as it does with any database.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_migrated(), path)


def _migrated() -> Path:
    """The database of the installed Prefect, which whoever comes first makes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    database = FOLDER / f"{version('prefect')}.db"
    with (FOLDER / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            _migrate(database)
    return database


def _migrate(database: Path) -> None:
    with TemporaryDirectory(dir=FOLDER) as home:
        url = f"sqlite+aiosqlite:///{home}/prefect.db"
        settings = {"PREFECT_HOME": home, "PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
        command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"]
        subprocess.run(command, env=os.environ | settings, check=True, stdout=subprocess.DEVNULL)
        with closing(sqlite3.connect(f"{home}/prefect.db")) as fresh:
            # A single file: what Prefect writes may still stand in a log beside it.
            fresh.execute("VACUUM INTO ?", [f"{home}/whole.db"])
        Path(home, "whole.db").replace(database)
