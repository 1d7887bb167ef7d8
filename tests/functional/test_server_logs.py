"""Whoever runs the app by uvicorn sees what uvicorn says, as they have asked for it."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from connect_tasks.aws.server_logs import ServerLogs
from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.ledger.store import Ledger
from tests.functional.links_world import KEY, eventually

pytestmark = pytest.mark.timeout(180)

TOKEN = "AAAAAAAAAAAAAAAAAAAAAA"
RUNNING, ACCESS = "Uvicorn running on", '"GET /i/… HTTP/1.1" 200'
# It loads Prefect, in whichever order.
ORDERS = {
    "the app first": "",
    "flows first": "import connect_tasks.flows.invite",
    "the block first": "from connect_tasks.emulator.block import make_block",
}
MODULE = """
{first}
from connect_tasks.emulator import LocalConnect
from connect_tasks.invitations import invitation_app

app = invitation_app(connect=LocalConnect().start().instance(), ledger={ledger!r})
"""


def told_by_uvicorn(folder: Path, *options: str, first: str = "") -> str:
    """What `uvicorn links:app` prints while a page is opened."""
    ledger = f"sqlite:///{folder / 'ledger.db'}"
    Ledger(ledger).close()
    (folder / "links.py").write_text(MODULE.format(first=first, ledger=ledger))
    socket, out = folder / "app.sock", folder / "out.txt"
    command = [sys.executable, "-m", "uvicorn", "links:app", "--uds", str(socket), *options]
    environ = {**os.environ, KEYS_VARIABLE: KEY, "PYTHONPATH": os.pathsep.join(sys.path)}
    with out.open("w") as stream:
        child = subprocess.Popen(command, cwd=folder, env=environ, stdout=stream, stderr=stream)
        try:
            eventually(lambda: socket.exists() or child.poll() is not None)
            transport = httpx.HTTPTransport(uds=str(socket), retries=3)
            with httpx.Client(transport=transport, base_url="http://app", timeout=30) as client:
                assert client.get(f"/i/{TOKEN}").status_code == httpx.codes.OK
        finally:
            child.terminate()
            child.wait()
    return out.read_text()


@pytest.mark.parametrize("first", ORDERS.values(), ids=list(ORDERS))
def test_uvicorn_says_where_it_runs_and_who_asks_without_tokens(tmp_path: Path, first: str) -> None:
    told = told_by_uvicorn(tmp_path, first=first)
    assert RUNNING in told
    assert ACCESS in told
    assert TOKEN not in told


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--no-access-log"], (True, False)), (["--log-level", "warning"], (False, False))],
    ids=["without an access log", "warnings only"],
)
def test_what_uvicorn_is_told_to_leave_out_is_left_out(
    tmp_path: Path, options: list[str], says: tuple[bool, bool]
) -> None:
    told = told_by_uvicorn(tmp_path, *options)
    assert (RUNNING in told, ACCESS in told) == says


@pytest.fixture
def _own_logs() -> Iterator[None]:
    """Puts back what a test does to the logs."""
    names = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]
    for each in loggers:
        each.handlers, each.propagate = [], True
        each.setLevel(logging.NOTSET)
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def as_prefect_leaves_them() -> logging.Handler:
    theirs = type(
        "TheirHandler", (logging.NullHandler,), {"__module__": "prefect.logging.handlers"}
    )
    handler: logging.Handler = theirs()
    for name in ("uvicorn.error", "uvicorn.access"):
        below = logging.getLogger(name)
        below.handlers, below.propagate = [], True
        below.setLevel(logging.NOTSET)
    top = logging.getLogger("uvicorn")
    top.handlers, top.propagate = [handler], False
    top.setLevel(logging.WARNING)
    return handler


@pytest.mark.usefixtures("_own_logs")
def test_what_nobody_had_configured_stays_as_prefect_leaves_it() -> None:
    before = ServerLogs()
    handler = as_prefect_leaves_them()
    before.put_back()
    top = logging.getLogger("uvicorn")
    assert (top.handlers, top.level) == ([handler], logging.WARNING)


@pytest.mark.usefixtures("_own_logs")
@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error", "uvicorn.access"])
def test_what_somebody_has_configured_since_stays(name: str) -> None:
    uvicorn.Config("links:app")
    before = ServerLogs()
    as_prefect_leaves_them()
    mine = logging.NullHandler()
    logging.getLogger(name).handlers = [mine]
    before.put_back()
    assert logging.getLogger(name).handlers == [mine]
    assert logging.getLogger("uvicorn").level == logging.WARNING


@pytest.mark.usefixtures("_own_logs")
def test_what_was_configured_before_prefect_is_put_back_once_and_for_all() -> None:
    uvicorn.Config("links:app", log_level="error", access_log=False)
    names = ("uvicorn", "uvicorn.error", "uvicorn.access")
    loggers = [logging.getLogger(name) for name in names]
    wanted = [(each.handlers[:], each.level, each.propagate) for each in loggers]
    before = ServerLogs()
    as_prefect_leaves_them()
    for _ in range(2):
        before.put_back()
        assert [(each.handlers, each.level, each.propagate) for each in loggers] == wanted
