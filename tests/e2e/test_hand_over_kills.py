"""Runs that hand chats over and die by `SIGKILL`, wherever they stand.

Amazon Connect lives on in the test's process and is asked what really happened: nobody is contacted
twice, nobody is forgotten, and each chat that a run left half-way is given away by the next one.
"""

import multiprocessing
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger.store import Ledger
from tests.e2e import hand_over_child
from tests.e2e.killed import Doom, Job
from tests.functional.world import CAMPAIGN, customers
from tests.postgresql import new_database

pytestmark = [pytest.mark.e2e, pytest.mark.apart, pytest.mark.timeout(240)]

COUNT = 12
LEASE_SECONDS = 1.0
BOUNDARIES = (
    "after claim",
    "before starting",
    "after starting",
    "before start_chat",
    "after start_chat",
    "before started",
    "after started",
    "before hand_over",
    "after hand_over",
    # The write that the chat is in its customer's hands.
    "before note",
    "after note",
    "before renew",
    "before release",
    "in commit",
)

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["__main__", hand_over_child.__name__])


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    with new_database() as url:
        yield url


@contextmanager
def planned(folder: Path, ledger_url: str) -> Iterator[tuple[LocalConnect, Ledger, Job]]:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local, Ledger(ledger_url) as ledger:
        job = Job(
            endpoint_url=local.endpoint_url,
            instance_id=local.instance_id,
            flow_id=local.flow_id,
            ledger_url=ledger_url,
            rows=customers(COUNT),
            folder=folder,
            lease_seconds=LEASE_SECONDS,
            open_chats=100,
        )
        hand_over_child.plan(ledger, job)
        yield local, ledger, job


def run(job: Job, doom: Doom | None) -> int:
    process = _PROCESSES.Process(target=hand_over_child.main, args=(replace(job, doom=doom),))
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def given(job: Job) -> dict[str, list[str]]:
    """The contact ids under which each customer's chat was given away."""
    found = defaultdict(list)
    for line in hand_over_child.given_file(job).read_text().splitlines():
        customer, contact_id = line.split()
        found[customer].append(contact_id)
    return found


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_run_that_is_killed_at_any_step_is_made_up_for(
    tmp_path: Path, ledger_url: str, boundary: str
) -> None:
    with planned(tmp_path, ledger_url) as (local, ledger, job):
        codes = [run(job, Doom(step=boundary, nth=nth)) for nth in (1, 3)]
        # The lease of what the last one held runs out, and its chats are still to be joined.
        assert run(job, None) == 0
        rows = list(ledger.contact_records(CAMPAIGN))

        everybody = Counter(str(one.customer_id) for one in local.contacts)
        assert everybody == Counter(row["customer_id"] for row in customers(COUNT))
        assert -signal.SIGKILL in codes or boundary == "before renew"
        handed = given(job)
        assert handed.keys() == everybody.keys()
        by_amazon = {str(one.customer_id): one.contact_id for one in local.contacts}
        # Again only after a kill, and then as the same chat.
        for customer, ids in handed.items():
            assert set(ids) == {by_amazon[customer]}
            assert len(ids) <= 1 + codes.count(-signal.SIGKILL)
        assert all(row["handed_over_at"] for row in rows)
        assert {row["status"] for row in rows} == {"started"}
        assert not any(one.ended_at for one in local.contacts)
