"""Processes that die in the middle of a campaign: nobody twice, nobody forgotten."""

import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from connect_tasks.emulator import LocalConnect
from tests.e2e.servers import wait_until
from tests.functional.world import customers, world

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]


def start_child(local: LocalConnect, folder: Path) -> subprocess.Popen[str]:
    ledger = f"sqlite:///{folder / 'ledger.db'}"
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.child", local.endpoint_url, ledger],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    assert child.stdout.readline() == "running\n"
    return child


def wait(child: subprocess.Popen[str], seconds: float) -> bool:
    """Whether the child is still running after so many seconds."""
    try:
        child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def test_a_campaign_that_is_killed_again_and_again_contacts_everybody_once(
    tmp_path: Path,
) -> None:
    moments = Random(20261122)  # noqa: S311 - kills at repeatable moments
    with world(tmp_path, think_seconds=(0.1, 0.6)) as here:
        here.plan(customers(150))
        kills = 0
        while kills < 6:
            child = start_child(here.local, tmp_path)
            if not wait(child, moments.uniform(0.3, 1.3)):
                break
            child.kill()
            child.communicate()
            kills += 1
        last = start_child(here.local, tmp_path)
        _, complaints = last.communicate(timeout=120)

        assert (kills, last.returncode, complaints) == (6, 0, "")
        here.assert_once_each(150)
        for contact in here.local.contacts:
            stored = [
                item["message_id"]
                for item in here.ledger.message_records("renewals")
                if item["contact_id"] == contact.contact_id
            ]
            assert len(stored) == len(set(stored))
            assert set(stored) <= {item.id for item in contact.transcript}


def test_ctrl_c_leaves_everything_resumable_and_says_how(tmp_path: Path) -> None:
    with world(tmp_path, think_seconds=(1, 2)) as here:
        here.plan(customers(60))
        child = start_child(here.local, tmp_path)
        wait_until(lambda: here.local.contacts, 60, "chats are started")
        child.send_signal(signal.SIGINT)
        _, complaints = child.communicate(timeout=30)
        interrupted = len(here.local.contacts)
        claims_left = here.claims()
        here.run()

        assert child.returncode != 0
        assert "run the same campaign again to go on" in complaints
        assert interrupted > 0
        assert claims_left == 0
        here.assert_once_each(60)


def test_two_processes_share_a_campaign_instead_of_doubling_it(tmp_path: Path) -> None:
    with world(tmp_path, think_seconds=(0.1, 0.3)) as here:
        here.plan(customers(80))
        children = [start_child(here.local, tmp_path) for _ in range(2)]
        for child in children:
            child.communicate(timeout=90)

        assert [child.returncode for child in children] == [0, 0]
        here.assert_once_each(80)
