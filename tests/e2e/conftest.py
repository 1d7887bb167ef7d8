"""A Prefect server of one's own, as somebody else would have started it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest


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


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process that uses a Prefect server of its own."""
    port = free_port()
    environment = os.environ | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_until_healthy(url, 90)
        yield environment | {"PREFECT_API_URL": url}
    finally:
        process.terminate()
        process.wait(30)
