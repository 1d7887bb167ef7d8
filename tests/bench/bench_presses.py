"""Line h: presses of people's links that one process serves, each answered in time.

People come at a steady pace, each with a link of their own, whether or not those before them are
answered. The pace is raised until one in a hundred waits longer than a fifth of a second.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import httpx
import uvicorn

from connect_tasks import Quotas
from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.emulator import LocalQuotas
from connect_tasks.emulator.block import make_block
from connect_tasks.invitations import invitation_app
from connect_tasks.ledger.store import Ledger
from tests.bench.parties import unlimited
from tests.bench.processes import Amazon, local_amazon, starting
from tests.bench.table import Row
from tests.e2e.servers import free_port
from tests.functional.links_world import KEY, plan_links
from tests.postgresql import running_postgresql

__all__ = ["measure_presses"]

_AIM_SECONDS = 0.2
_PACES = (10, 20, 30, 40, 50, 60, 70, 80, 100, 120, 140, 160, 200, 250, 300)


@dataclass(frozen=True, slots=True)
class _Run:
    pace: int
    seconds: Sequence[float]
    refused: int
    cpu_ms: float

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[98]

    @property
    def is_in_time(self) -> bool:
        return not self.refused and self.p99 < _AIM_SECONDS


def measure_presses(seconds: float = 6, paces: Sequence[int] = _PACES) -> Iterator[Row]:
    """One process, on a file and on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        yield _measure("SQLite", f"sqlite:///{folder}/ledger.db", seconds, paces)
    with tempfile.TemporaryDirectory() as folder, running_postgresql(Path(folder)) as url:
        yield _measure("PostgreSQL", url, seconds, paces)


def _measure(kind: str, url: str, seconds: float, paces: Sequence[int]) -> Row:
    with local_amazon() as amazon, _app(amazon, url) as app:
        runs = list(_until_too_slow(amazon, url, app, seconds, paces))
    in_time = [run for run in runs if run.is_in_time] or runs[:1]
    best, last = in_time[-1], runs[-1]
    return Row(
        line="h",
        what=f"presses of links, one process on {kind}",
        measured=f"{best.pace} presses/s, {best.cpu_ms:.1f} ms CPU each",
        reference=f"p99 {best.p99 * 1e3:,.0f} ms; at {last.pace}/s {last.p99 * 1e3:,.0f} ms",
        ratio=f"{best.pace / 5:.0f} times the default quota",
        aim="p99 < 200 ms",
        raw={
            "kind": kind,
            "per_second": best.pace,
            "runs": [
                {
                    "pace": run.pace,
                    "p50": statistics.median(run.seconds),
                    "p99": run.p99,
                    "refused": run.refused,
                    "cpu_ms": run.cpu_ms,
                }
                for run in runs
            ],
        },
    )


def _until_too_slow(
    amazon: Amazon, url: str, app: "_App", seconds: float, paces: Sequence[int]
) -> Iterator[_Run]:
    asyncio.run(_press_all(app.port, _plan(amazon, url, "warm", 20), 10))
    for pace in paces:
        tokens = _plan(amazon, url, str(pace), int(pace * seconds))
        before = app.cpu_seconds()
        answers = asyncio.run(_press_all(app.port, tokens, pace))
        spent = app.cpu_seconds() - before
        run = _Run(
            pace,
            [waited for waited, _ in answers],
            sum(status != HTTPStatus.OK for _, status in answers),
            spent / len(tokens) * 1e3,
        )
        yield run
        if not run.is_in_time:
            return


def _plan(amazon: Amazon, url: str, name: str, count: int) -> list[str]:
    customers = [f"{name}-{number}" for number in range(count)]
    with Ledger(url) as ledger:
        tokens = plan_links(ledger, amazon, customers, campaign=f"bench-{name}")
    return list(tokens.values())


async def _press_all(port: int, tokens: Sequence[str], pace: float) -> list[tuple[float, int]]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    url = f"http://127.0.0.1:{port}/i/"
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:

        async def press(token: str, due: float) -> tuple[float, int]:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            answer = await client.post(url + token)
            # From when the person came, not from when this process got round to it.
            return time.perf_counter() - due, answer.status_code

        began = time.perf_counter() + 0.1
        presses = (press(token, began + n / pace) for n, token in enumerate(tokens))
        return list(await asyncio.gather(*presses))


@dataclass(frozen=True, slots=True)
class _App:
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """The processor time that it has used, by Linux's books."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _app(amazon: Amazon, url: str) -> Iterator[_App]:
    port = free_port()
    with Ledger(url):
        pass
    with starting(_serve, amazon.where, url, port) as child:
        pid = child.process.pid
        assert pid
        _wait(port)
        yield _App(port, pid)
        child.process.terminate()


def _serve(pipe: Pipe, amazon_at: tuple[str, str, str], url: str, port: int) -> None:
    endpoint_url, instance_id, flow_id = amazon_at
    os.environ[KEYS_VARIABLE] = KEY
    default = Quotas()
    block = make_block(
        instance_id=instance_id,
        flow_arn=flow_id,
        endpoint_url=endpoint_url,
        enforced=LocalQuotas.unlimited(),
        connect_window_seconds=300,
        # Who speaks with whom is looked up at the default rate: it is no part of a press.
        quotas=unlimited(
            describes_per_second=default.describes_per_second,
            describe_burst=default.describe_burst,
        ),
    )
    pipe.send("ready")
    app = invitation_app(connect=block, ledger=url)
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError("the app did not come up")
