"""A Prefect server of one's own, as somebody else would have started it, and questions to it."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

__all__ = [
    "PrefectServer",
    "claimed",
    "free_port",
    "prefect_server",
    "wait_until",
    "wait_until_healthy",
]


@dataclass(frozen=True)
class PrefectServer:
    """A server that runs, and the environment of a process that uses it."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return self.environment["PREFECT_API_URL"]

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def post(self, path: str, **body: Any) -> Any:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        """Its SQLite is busy at times and says so."""
        for _ in range(50):
            answer = httpx.request(method, f"{self.url}/{path}", json=body, timeout=30)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                answer.raise_for_status()
                return answer.json()
            time.sleep(0.2)
        raise AssertionError("Prefect stayed busy")


@contextmanager
def prefect_server(folder: Path, **settings: str) -> Iterator[PrefectServer]:
    """A Prefect server with its database in a folder; the settings are for it alone."""
    port = free_port()
    environment = os.environ | {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment | settings, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api"
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


def claimed(ledger: str) -> Counter[str]:
    """Contacts by the worker that had them last, read from PostgreSQL past our own code."""
    engine = sa.create_engine(sa.make_url(ledger).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            query = "SELECT claimed_by FROM contacts WHERE claimed_by IS NOT NULL"
            return Counter(connection.scalars(sa.text(query)))
    finally:
        engine.dispose()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(url: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health", timeout=1).json() is True:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the Prefect server did not come up")
