"""A Prefect server of one's own, as somebody else would have started it, and questions to it."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from prefect.settings import PREFECT_API_URL, temporary_settings

from connect_tasks.blocks import AmazonConnectInstance
from tests.prefect_database import place_database

__all__ = [
    "PrefectServer",
    "claimed",
    "descendants",
    "free_port",
    "prefect_database",
    "prefect_server",
    "save_block",
    "wait_until",
    "wait_until_healthy",
]


# Made once: to read certificates for each question takes longer than the answer.
_http = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))


@dataclass(frozen=True)
class PrefectServer:
    """A server that runs, and the environment of a process that uses it."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return self.environment["PREFECT_API_URL"]

    def get(self, path: str) -> Any:
        return self.answer("GET", path).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        return self.answer("POST", path, body).raise_for_status().json()

    def answer(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Its SQLite is busy at times and says so; any other answer is given as it is."""
        for _ in range(50):
            answer = _http.request(method, f"{self.url}/{path}", json=body)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
            time.sleep(0.2)
        raise AssertionError("Prefect stayed busy")


@contextmanager
def prefect_server(folder: Path, **settings: str) -> Iterator[PrefectServer]:
    """A Prefect server with its database in a folder; the settings are for it alone."""
    port, home = free_port(), folder / "prefect"
    place_database(home / "prefect.db")
    environment = os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/api"
    # By itself its UI asks at the port that Prefect's servers have by themselves.
    own = environment | {"PREFECT_SERVER_UI_API_URL": url} | settings
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=own, stdout=log, stderr=log)
    try:
        wait_until_healthy(url, 90)
        yield PrefectServer(process, environment | {"PREFECT_API_URL": url})
    finally:
        process.terminate()
        process.wait(30)


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.2)


def save_block(server: PrefectServer, block: AmazonConnectInstance, name: str = "local") -> None:
    """Save an instance at a server, as a person would before campaigns name it."""
    with temporary_settings({PREFECT_API_URL: server.url}):
        block.save(name, overwrite=True, _sync=True)


def descendants(pid: int) -> list[int]:
    """A process and all below it; Prefect puts flow runs into process groups of their own."""
    command = ["ps", "-A", "-o", "pid=,ppid="]
    listing = subprocess.run(command, capture_output=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listing.splitlines()]
    found = [pid]
    for parent in found:
        found += [child for child, its_parent in pairs if its_parent == parent]
    return found


def claimed(ledger: str) -> Counter[str]:
    """Contacts by the worker that had them last, read from PostgreSQL past our own code."""
    engine = sa.create_engine(sa.make_url(ledger).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            query = "SELECT claimed_by FROM contacts WHERE claimed_by IS NOT NULL"
            return Counter(connection.scalars(sa.text(query)))
    finally:
        engine.dispose()


@contextmanager
def prefect_database() -> Iterator[str | None]:
    """The URL of an empty PostgreSQL database that Prefect's server can use, if there can be one.

    Prefect wants the extension pg_trgm, which the wheel of `tests.postgresql` does not have, so
    this needs a PostgreSQL of the system's; without one it gives None.
    """
    binaries = _postgresql_with_trigrams()
    if binaries is None:
        yield None
        return
    # PostgreSQL refuses to be root.
    user = "postgres" if os.geteuid() == 0 else None
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="connect-tasks-") as folder:
        if user:
            shutil.chown(folder, user)

        def run(command: str, *options: str) -> None:
            where = ("-D", f"{folder}/data")
            subprocess.run(
                [str(binaries / command), *where, *options],
                user=user,
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )

        run("initdb", "--auth=trust", "--username=postgres", "--no-sync")
        settings = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "-l", f"{folder}/log", "-o", settings)
        try:
            yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate")


def _postgresql_with_trigrams() -> Path | None:
    """Where its programs are: as Debian installs it, or as the path says."""
    found = {path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")}
    if on_path := shutil.which("pg_ctl"):
        found.add(Path(on_path).resolve().parent)
    for binaries in sorted(found, reverse=True):
        asked = [str(binaries / "pg_config"), "--sharedir"]
        with suppress(OSError, subprocess.CalledProcessError):
            share = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
            if (Path(share.strip()) / "extension" / "pg_trgm.control").exists():
                return binaries
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(url: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if _http.get(f"{url}/health", timeout=1).json() is True:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the Prefect server did not come up")
