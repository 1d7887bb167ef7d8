"""Runs of a worker deployment, on a real Prefect server; the workers are real in tests/e2e."""

import logging
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, Failed, Running

from connect_tasks import Conversation
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import CampaignHaltedError, InputError
from connect_tasks.flows.fleet import Fleet
from connect_tasks.flows.outreach import outreach
from connect_tasks.flows.workers import campaign_worker, outreach_on_workers
from tests.functional.world import always

pytestmark = pytest.mark.usefixtures("prefect_home")

CUSTOMERS = pd.DataFrame({"customer_id": ["0000", "0001"], "display_name": ["Ada", "Zebulon"]})


class Deployment:
    """A deployment of `campaign_worker` on a work pool that has no worker."""

    def __init__(self) -> None:
        self.pool = f"pool-{uuid4().hex[:8]}"
        self.name = f"campaign-worker/{self.pool}"
        with get_client(sync_client=True) as client:
            client.create_work_pool(WorkPoolCreate(name=self.pool, type="process"))
            flow_id = client.create_flow(campaign_worker)
            self.id = client.create_deployment(
                flow_id=flow_id, name=self.pool, work_pool_name=self.pool
            )

    def runs(self) -> list[FlowRun]:
        of_this = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[self.id]))
        with get_client(sync_client=True) as client:
            return sorted(client.read_flow_runs(flow_run_filter=of_this), key=lambda run: run.name)


class HandClock:
    """A clock that only moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(name="deployment")
def _deployment() -> Deployment:
    return Deployment()


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        local.instance().save("fleet", overwrite=True)
        yield local


def fleet_of(deployment: Deployment, clock: HandClock) -> Fleet:
    logger = logging.getLogger("fleet")
    return Fleet(deployment.name, logger, monotonic=clock.monotonic, sleep=clock.sleep)


def set_state(run_id: UUID, *states: State[Any]) -> None:
    with get_client(sync_client=True) as client:
        for state in states:
            client.set_flow_run_state(run_id, state, force=True)


def start(fleet: Fleet, count: int) -> None:
    parameters = {"campaign": "a", "connect": "b"}
    # The key names the deployment too: Prefect looks for it in all runs of the flow.
    fleet.start(count, name="a", key=fleet.deployment, parameters=parameters)


def run(folder: Path, deployment: Deployment, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "customers": CUSTOMERS,
        "campaign": "fleet",
        "connect": "fleet",
        "conversation": Conversation(settle_seconds=0, max_replies=1),
        "ledger": f"sqlite:///{folder / 'ledger.db'}",
        "worker": deployment.name,
        "patience_seconds": 1,
    }
    return outreach_on_workers(**{**arguments, **changes})


def test_a_campaign_whose_workers_never_begin_says_so_and_is_done_all_the_same(
    local: LocalConnect, tmp_path: Path, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    result = run(tmp_path, deployment)

    assert list(result.contacts["status"]) == ["completed", "completed"]
    assert Counter(contact.customer_id for contact in local.contacts) == {"0000": 1, "0001": 1}
    assert f"prefect worker start --pool {deployment.pool}" in caplog.text
    assert [run.state_name for run in deployment.runs()] == ["Cancelled", "Cancelled"]


TODAY = datetime.now(UTC).date()
# Not today and, should it be midnight meanwhile, not tomorrow.
CLOSED = {"name": "closed", "start_date": TODAY, "end_date": TODAY + timedelta(days=1)}
NOBODY_NOW = {"communication_time": {"restricted_periods": [CLOSED], "default_time_zone": "UTC"}}


def test_who_has_to_wait_is_no_work_for_workers(
    local: LocalConnect, tmp_path: Path, deployment: Deployment
) -> None:
    first = run(tmp_path, deployment, policy=NOBODY_NOW)
    runs = len(deployment.runs())
    second = run(tmp_path, deployment)

    # Before anybody tried to contact them, nobody knows: the first run starts workers.
    assert [first.conclusion.name, second.conclusion.name] == ["Deferred", "Deferred"]
    assert runs == len(deployment.runs()) == 2
    assert {run.state_name for run in deployment.runs()} == {"Cancelled"}
    assert len(local.contacts) == 0


def test_workers_are_told_to_wait_only_where_that_is_asked(
    local: LocalConnect, tmp_path: Path, deployment: Deployment
) -> None:
    run(tmp_path, deployment, when_deferred="wait")

    assert [run.parameters["when_deferred"] for run in deployment.runs()] == ["wait", "wait"]
    assert len(local.contacts) == 2


def test_a_fleet_that_waits_does_so_for_those_who_have_to(
    local: LocalConnect, tmp_path: Path, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(tmp_path, deployment, policy=NOBODY_NOW).conclusion.name == "Deferred"
    soon = datetime.now(UTC) + timedelta(seconds=8)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        told = soon.replace(tzinfo=None).isoformat(sep=" ")
        database.execute("UPDATE contacts SET not_before = ?", [told])
        database.execute("UPDATE campaigns SET policy = NULL")
        database.commit()

    run(tmp_path, deployment, when_deferred="wait")

    assert Counter(contact.customer_id for contact in local.contacts) == {"0000": 1, "0001": 1}
    assert "nothing has moved" not in caplog.text


def test_workers_are_given_names_and_never_rows(
    local: LocalConnect, tmp_path: Path, deployment: Deployment
) -> None:
    run(tmp_path, deployment)

    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        ((table_id,),) = database.execute("SELECT DISTINCT table_id FROM contacts")
    expected = {"campaign": "fleet", "connect": "fleet", "ledger": ledger, "table_id": table_id}
    assert [run.parameters for run in deployment.runs()] == [expected, expected]
    assert [run.name for run in deployment.runs()] == [
        "fleet · worker 1 of 2",
        "fleet · worker 2 of 2",
    ]
    assert len(local.contacts) == 2


def test_no_more_workers_are_started_than_there_are_customers_left(
    local: LocalConnect, tmp_path: Path, deployment: Deployment
) -> None:
    first = run(tmp_path, deployment, workers=5)
    second = run(tmp_path, deployment, workers=5)

    assert len(deployment.runs()) == 2
    assert len(local.contacts) == 2
    pd.testing.assert_frame_equal(first.contacts, second.contacts)


def test_the_same_key_starts_the_same_runs(deployment: Deployment) -> None:
    for _ in range(2):
        start(fleet_of(deployment, HandClock()), 3)

    assert len(deployment.runs()) == 3


def test_waiting_ends_when_every_run_has_ended_and_a_failed_one_is_told(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fleet")
    clock = HandClock()
    fleet = fleet_of(deployment, clock)
    start(fleet, 2)
    good, bad = deployment.runs()
    set_state(good.id, Running(), Completed())
    set_state(bad.id, Running(), Failed(message="no such block"))

    fleet.wait(lambda: 7, patience_seconds=60)
    fleet.finish(is_done=True)

    assert clock.now < 60
    assert "a · worker 1 of 2 ended as Completed" in caplog.text
    assert "a · worker 2 of 2 ended as Failed: no such block" in caplog.text


def test_waiting_ends_when_nothing_is_left_and_a_dead_run_is_marked_as_crashed(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock()
    fleet = fleet_of(deployment, clock)
    start(fleet, 1)
    set_state(deployment.runs()[0].id, Running())

    fleet.wait(lambda: None, patience_seconds=60)
    began = clock.now
    fleet.finish(is_done=True)

    assert clock.now >= began + Fleet.SECONDS_TO_END
    assert "ended as Crashed: It did not end when its campaign was done." in caplog.text


def test_a_run_that_holds_chats_of_a_paused_campaign_is_left_alone(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = fleet_of(deployment, HandClock())
    start(fleet, 1)
    set_state(deployment.runs()[0].id, Running())

    fleet.finish(is_done=False)

    assert "a · worker 1 of 1 is still Running" in caplog.text
    assert [run.state_name for run in deployment.runs()] == ["Running"]


def test_waiting_goes_on_while_the_ledger_moves_and_ends_when_it_does_not(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock()
    fleet = fleet_of(deployment, clock)
    start(fleet, 1)
    set_state(deployment.runs()[0].id, Running())

    fleet.wait(lambda: min(clock.now, 100), patience_seconds=20)

    assert 120 <= clock.now < 140
    assert "nothing has moved for 20 seconds" in caplog.text


def test_an_instance_is_refused_and_none_of_its_secrets_is_repeated(
    local: LocalConnect, tmp_path: Path, deployment: Deployment
) -> None:
    with pytest.raises(InputError, match="must be the name of a saved instance") as raised:
        run(tmp_path, deployment, connect=local.instance())

    assert local.endpoint_url not in str(raised.value)
    assert local.calls == {}


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:hunter2@host/ledger", "postgresql://host/ledger?user=me&password=hunter2"],
    ids=["before the host", "among the options"],
)
def test_a_ledger_with_a_password_is_refused_before_prefect_stores_it(
    local: LocalConnect, tmp_path: Path, deployment: Deployment, url: str
) -> None:
    with pytest.raises(InputError, match="Set CONNECT_TASKS_LEDGER") as raised:
        run(tmp_path, deployment, ledger=url)

    assert "hunter2" not in str(raised.value)
    assert deployment.runs() == []
    assert local.calls == {}


def test_a_deployment_that_does_not_exist_is_named_before_anything_is_planned(
    local: LocalConnect, tmp_path: Path, deployment: Deployment
) -> None:
    with pytest.raises(InputError, match="no deployment 'campaign-worker/nowhere'"):
        run(tmp_path, deployment, worker="campaign-worker/nowhere")

    assert not (tmp_path / "ledger.db").exists()
    assert local.calls == {}


def test_a_worker_on_a_machine_with_another_ledger_says_so(
    local: LocalConnect, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="All machines need the same one"):
        campaign_worker("fleet", connect="fleet", ledger=f"sqlite:///{tmp_path / 'other.db'}")

    assert local.calls == {}


def test_several_tasks_of_one_flow_share_a_campaign_even_in_one_process(
    local: LocalConnect, tmp_path: Path
) -> None:
    customers = pd.DataFrame(
        {"customer_id": [str(number) for number in range(30)], "display_name": "Ada"}
    )

    result = outreach(
        customers,
        campaign="fleet",
        connect=local.instance(),
        conversation=Conversation(settle_seconds=0, max_replies=1),
        ledger=f"sqlite:///{tmp_path / 'ledger.db'}",
        workers=3,
    )

    assert list(result.contacts["status"]) == ["completed"] * 30
    assert Counter(contact.customer_id for contact in local.contacts) == Counter(
        customers["customer_id"]
    )


def test_tasks_that_fail_leave_the_reason_to_the_flow(tmp_path: Path) -> None:
    denied = always("StartChatContact", 403, "AccessDeniedException")
    with (
        LocalConnect(quotas=LocalQuotas.unlimited(), faults=[denied]) as local,
        pytest.raises(CampaignHaltedError, match="AccessDeniedException"),
    ):
        outreach(
            CUSTOMERS,
            campaign="fleet",
            connect=local.instance(),
            ledger=f"sqlite:///{tmp_path / 'ledger.db'}",
            workers=2,
        )

    assert local.contacts == []
