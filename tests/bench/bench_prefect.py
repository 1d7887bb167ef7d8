"""Line d: what Prefect costs per customer: task runs, API calls and the server's CPU.

The server is a process of its own, which logs each call. Amazon is left out: an api refuses each
start at once and for good, so that every row goes through the ledger to its end and nothing but
our side and Prefect is measured.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.machine import cpu_seconds
from tests.bench.prefect_flows import mapped, refused
from tests.bench.processes import Amazon, Child, Spent, starting
from tests.bench.table import Row
from tests.e2e.servers import free_port, wait_until_healthy

__all__ = ["PrefectServer", "mapped_starts", "measure_prefect", "prefect_server"]

_PATIENCE_SECONDS = 120
_IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PrefectServer:
    """A Prefect server in another process."""

    url: str
    pid: int
    log: Path

    def calls(self) -> int:
        """How many calls it has answered; the web sockets of events count once each."""
        return self.log.read_text(encoding="utf-8", errors="replace").count("uvicorn.access")

    def task_runs(self) -> int:
        """How many task runs it has recorded."""
        answer = httpx.post(f"{self.url}/task_runs/count", json={}, timeout=60)
        return int(answer.raise_for_status().json())

    def cpu(self) -> float:
        """The processor time that it has used, in seconds."""
        return cpu_seconds(self.pid)

    def idle_share(self) -> float:
        """The share of a core that it takes when nobody asks: its own services look around."""
        before = self.cpu()
        time.sleep(_IDLE_SECONDS)
        return (self.cpu() - before) / _IDLE_SECONDS

    def wait_until_idle(self, idle: float) -> None:
        """Wait until it has worked off what it was sent."""
        while self.idle_share() > max(2 * idle, 0.05):
            pass


@contextmanager
def prefect_server() -> Iterator[PrefectServer]:
    """A new server with an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        port, log = free_port(), Path(folder) / "server.log"
        environment = os.environ | {
            "PREFECT_HOME": folder,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        command = [sys.executable, "-m", "prefect", "server", "start"]
        command += ["--port", str(port), "--log-level", "INFO"]
        with log.open("wb") as written:
            process = subprocess.Popen(command, env=environment, stdout=written, stderr=written)
        try:
            server = PrefectServer(f"http://127.0.0.1:{port}/api", process.pid, log)
            wait_until_healthy(server.url, _PATIENCE_SECONDS)
            yield server
        finally:
            process.terminate()
            process.wait(30)


def measure_prefect(
    counts: tuple[int, ...] = (1_000, 100_000), mapped_customers: int = 200
) -> Iterator[Row]:
    """One row a number of customers, each on a server of its own; and a task run each, beside."""
    for count in counts:
        with prefect_server() as server:
            yield _row(server, "outreach", count, starting(refused, server.url, count))
    with prefect_server() as server:
        mapping = starting(mapped, server.url, None, mapped_customers)
        yield _row(server, "for comparison, start_chat.map", mapped_customers, mapping)


def mapped_starts(server: PrefectServer, amazon: Amazon, count: int) -> Spent:
    """Start one chat per customer by `start_chat.map` in a flow, in a process of its own."""
    with starting(mapped, server.url, amazon.where, count) as child:
        child.ask("go")
        spent: Spent = child.hear()
        return spent


def _row(server: PrefectServer, what: str, count: int, flow: AbstractContextManager[Child]) -> Row:
    with flow as child:
        idle, cpu, calls, began = (
            server.idle_share(),
            server.cpu(),
            server.calls(),
            time.monotonic(),
        )
        child.ask("go")
        spent: Spent = child.hear()
    server.wait_until_idle(idle)
    own = server.cpu() - cpu - idle * (time.monotonic() - began)
    calls = server.calls() - calls
    task_runs, thousands = server.task_runs(), count / 1_000
    return Row(
        line="d",
        what=f"{what}, {count:,} customers",
        measured=f"{task_runs:,} task runs, {calls:,} API calls, server CPU {own:.2f} s",
        reference=f"{count:,} customers in {spent.wall_seconds:.1f} s",
        ratio=f"{task_runs / thousands:.2f} runs, {calls / thousands:.1f} calls, "
        f"{own / thousands:.3f} s per 1,000",
        aim="say",
        raw={
            "what": what,
            "customers": count,
            "task_runs": task_runs,
            "api_calls": calls,
            "server_cpu_seconds": own,
            "server_idle_share": idle,
            "client_wall_seconds": spent.wall_seconds,
            "client_cpu_seconds": spent.cpu_seconds,
        },
    )
