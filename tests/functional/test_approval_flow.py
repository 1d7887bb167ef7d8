"""Steps that a person approves, on a real Prefect server: its run pauses until they do."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State

from connect_tasks import Conversation
from connect_tasks.campaign.policy import OutreachPolicy
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.flows.manage import resume
from connect_tasks.flows.outreach import outreach
from connect_tasks.ledger.contact import CampaignState
from connect_tasks.ledger.store import Ledger

pytestmark = [pytest.mark.usefixtures("prefect_home"), pytest.mark.timeout(180)]

ONCE = Conversation(messages=("hi",), settle_seconds=0, max_replies=1)
CUSTOMERS = pd.DataFrame({"customer_id": list("abcdefgh"), "display_name": ["Ada"] * 8})
BY_HAND = OutreachPolicy.model_validate({"ramp": {"steps": [2, 5], "approval": "by_hand"}})


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        yield local


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


def start(threads: ThreadPoolExecutor, local: LocalConnect, ledger: str) -> "Future[Any]":
    return threads.submit(
        outreach,
        CUSTOMERS,
        campaign="a",
        connect=local.instance(),
        conversation=ONCE,
        ledger=ledger,
        policy=BY_HAND,
        return_state=True,
    )


def paused_run(ended: "Future[Any]") -> FlowRun:
    """The run that waits for a person; a run that ended instead has failed the test."""
    paused = FlowRunFilter.model_validate({"state": {"type": {"any_": ["PAUSED"]}}})
    with get_client(sync_client=True) as client:
        while not ended.done():
            if found := client.read_flow_runs(flow_run_filter=paused):
                return found[0]
            time.sleep(0.2)
    raise AssertionError(ended.result())


def answer(run: FlowRun, *, go_on: bool) -> None:
    with get_client(sync_client=True) as client:
        client.resume_flow_run(run.id, run_input={"go_on": go_on})


def state_of(ledger: str) -> CampaignState:
    with Ledger(ledger) as opened:
        return opened.state("a")


def test_a_run_pauses_at_each_step_and_goes_on_when_a_person_says_so(
    local: LocalConnect, ledger: str
) -> None:
    with ThreadPoolExecutor(1) as threads:
        ended = start(threads, local, ledger)
        for chats in (2, 5):
            run = paused_run(ended)
            assert len(local.contacts) == chats
            assert state_of(ledger) is CampaignState.PAUSED
            answer(run, go_on=True)
        state: State[CampaignResult] = ended.result()

    assert state.name == "Completed"
    assert len(local.contacts) == 8
    assert state_of(ledger) is CampaignState.RUNNING


def test_a_step_that_a_person_refuses_does_not_begin_and_can_be_resumed_later(
    local: LocalConnect, ledger: str
) -> None:
    with ThreadPoolExecutor(1) as threads:
        ended = start(threads, local, ledger)
        answer(paused_run(ended), go_on=False)
        state: State[CampaignResult] = ended.result()

        assert state.name == "Paused"
        assert len(local.contacts) == 2

        again = threads.submit(resume, "a", connect=local.instance(), ledger=ledger)
        run = paused_run(again)
        assert len(local.contacts) == 5
        answer(run, go_on=True)
        again.result()

    assert len(local.contacts) == 8
