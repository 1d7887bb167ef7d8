"""Runs that write to phones and die by `SIGKILL`, wherever they stand.

Amazon Connect lives on in the test's process and is asked what really happened: nobody is written
to twice, nobody is forgotten, and no number is.
"""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.ledger.store import Ledger
from tests.e2e import outbound_child
from tests.e2e.killed import Doom, Job
from tests.functional.outbound_world import OutboundWorld, phones
from tests.postgresql import new_database

pytestmark = [pytest.mark.e2e, pytest.mark.apart, pytest.mark.timeout(240)]

COUNT = 12
LEASE_SECONDS = 1.0
BOUNDARIES = (
    "before plan",
    "after plan",
    "before claim",
    "after claim",
    "before starting",
    "after starting",
    "before start_outbound_chat",
    # Amazon has the contact, and nobody of us knows its id.
    "after start_outbound_chat",
    "before started",
    "after started",
    "before renew",
    "before release",
    "in commit",
)
# Steps that a run of so few customers may not come to.
RARE = {"before renew"}

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["__main__", outbound_child.__name__])


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    with new_database() as url:
        yield url


@contextmanager
def amazon(folder: Path, ledger_url: str, *faults: Fault) -> Iterator[tuple[OutboundWorld, Job]]:
    local = LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults)
    with local, Ledger(ledger_url) as ledger:
        yield (
            OutboundWorld(local, ledger),
            Job(
                endpoint_url=local.endpoint_url,
                instance_id=local.instance_id,
                flow_id=local.flow_id,
                ledger_url=ledger_url,
                rows=phones(COUNT),
                folder=folder,
                lease_seconds=LEASE_SECONDS,
                open_chats=100,
            ),
        )


def start(job: Job) -> multiprocessing.process.BaseProcess:
    process = _PROCESSES.Process(target=outbound_child.main, args=(job,))
    process.start()
    return process


def run(job: Job) -> int:
    process = start(job)
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_run_that_is_killed_at_any_step_is_made_up_for(
    tmp_path: Path, ledger_url: str, boundary: str
) -> None:
    with amazon(tmp_path, ledger_url) as (here, job):
        codes = [
            run(replace(job, doom=Doom(step=boundary, nth=nth), edition=nth)) for nth in (1, 3)
        ]
        assert run(replace(job, edition=9)) == 0

        assert -signal.SIGKILL in codes or boundary in RARE
        here.assert_once_each(COUNT)
        assert here.statuses() == {"started": COUNT}


@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.CUT_BEFORE, FaultKind.TRUNCATED])
def test_kills_and_cut_answers_together_write_to_everybody_once(
    tmp_path: Path, ledger_url: str, kind: FaultKind
) -> None:
    fault = Fault(operation="StartOutboundChatContact", kind=kind, every=3)
    with amazon(tmp_path, ledger_url, fault) as (here, job):
        for nth in (2, 5, 4):
            run(replace(job, doom=Doom(step="after start_outbound_chat", nth=nth)))
        assert run(job) == 0

        here.assert_once_each(COUNT)


def test_of_two_workers_one_dies_at_random_and_the_other_makes_up_for_it(
    tmp_path: Path, ledger_url: str
) -> None:
    with amazon(tmp_path, ledger_url) as (here, job):
        outbound_child.plan(here.ledger, job)
        worker = replace(job, plans=False)
        dying = start(replace(worker, doom=Doom(step="after start_outbound_chat", nth=3)))
        living = start(worker)
        for process in (dying, living):
            process.join(120)

        assert living.exitcode == 0
        # What the one held when it died is waited for, until its lease is over.
        assert run(worker) == 0
        here.assert_once_each(COUNT)
