"""What Prefect is told of a campaign: final states, events, the live summary, and who died."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run
from prefect.states import Completed, Running

from connect_tasks import ChatTemplate, Conversation, Quotas
from connect_tasks.aws.pacing.concurrency import SlotDemand
from connect_tasks.campaign import manage
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.policy import OutreachPolicy
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.suppression import suppress
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.errors import LedgerUnreachableError
from connect_tasks.flows.outreach import outreach
from connect_tasks.ledger.shared_limits import worker_name
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks import start_chats, validate_customers
from connect_tasks.tasks.crashed_runs import CrashedRuns
from connect_tasks.tasks.monitor import CampaignMonitor
from connect_tasks.tasks.run_context import run_logger
from tests.functional.world import always

pytestmark = pytest.mark.usefixtures("prefect_home")

CUSTOMERS = pd.DataFrame({"customer_id": ["0001", "0002"], "display_name": ["Zebulon", None]})
ONCE = Conversation(messages=("hi",), settle_seconds=0, max_replies=1)
FUNNEL: dict[str, Any] = {
    "rows": 10,
    "valid": 10,
    "rejected": 0,
    "duplicate": 0,
    "started": 5,
    "connected": 4,
    "replied": 3,
    "completed": 2,
    "failed": 0,
    "unknown": 0,
    "planned": 5,
    "open_chats": 3,
}


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        yield local


def run(campaign: str, local: LocalConnect, ledger: str) -> State[CampaignResult]:
    return outreach(
        CUSTOMERS,
        campaign=campaign,
        connect=local.instance(),
        conversation=ONCE,
        ledger=ledger,
        return_state=True,
    )


def told(campaign: str, *names: str) -> list[dict[str, Any]]:
    """A campaign's events in their order, once there are as many as named."""
    resource = {"resource": {"id": [f"connect-tasks.campaign.{campaign}"]}, "order": "ASC"}
    for _ in range(300):
        with get_client(sync_client=True) as client:
            answer = client.request("POST", "/events/filter", json={"filter": resource}).json()
        if len(answer["events"]) >= len(names):
            break
        time.sleep(0.1)
    assert [event["event"] for event in answer["events"]] == [f"connect-tasks.{n}" for n in names]
    return list(answer["events"])


def test_a_run_ends_in_a_state_with_the_counts(local: LocalConnect, ledger: str) -> None:
    state = run("ended", local, ledger)

    assert (state.type, state.name) == (StateType.COMPLETED, "Completed")
    assert state.message == "1 of 2 rows contacted, 1 replied, 1 refused."
    assert list(state.result().contacts["status"]) == ["completed", "rejected"]


def test_a_run_of_a_paused_campaign_says_so_and_how_to_go_on(
    local: LocalConnect, ledger: str
) -> None:
    with Ledger(ledger) as opened:
        opened.open_campaign("told-held", local.instance_id, now=datetime.now(UTC))
    manage.pause("told-held", ledger)
    state = run("told-held", local, ledger)

    assert (state.type, state.name) == (StateType.COMPLETED, "Paused")
    assert str(state.message).startswith("0 of 2 rows contacted, 0 replied, 1 refused. 1 left: ")
    (paused,) = told("told-held", "campaign.started", "campaign.paused")[1:]
    assert paused["payload"]["planned"] == 1


def test_a_run_that_leaves_unknown_contacts_is_unresolved_and_names_them(ledger: str) -> None:
    cut = Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, every=1)
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited(), faults=[cut]) as local:
        state = run("told-open", local, ledger)

    assert (state.type, state.name) == (StateType.COMPLETED, "Unresolved")
    *_, unknown = told("told-open", "campaign.started", "campaign.finished", "contact.unknown")
    assert unknown["payload"] == {"campaign": "told-open", "count": 1, "customer_ids": ["0001"]}


def test_a_halted_campaign_fails_its_run_and_says_why_in_event_and_summary(ledger: str) -> None:
    denied = always("StartChatContact", 403, "AccessDeniedException")
    with LocalConnect(faults=[denied]) as local:
        state = run("told-denied", local, ledger)

    assert (state.type, state.name) == (StateType.FAILED, "Failed")
    assert "AccessDenied" in str(state.message)
    _, halted = told("told-denied", "campaign.started", "campaign.halted")
    assert halted["payload"]["error"] == "CampaignHaltedError"
    assert "AccessDenied" in halted["payload"]["reason"]
    assert halted["payload"]["planned"] + halted["payload"]["started"] <= 1
    assert "**halted**: Campaign 'told-denied' halted" in shown("told-denied-summary")


def test_events_tell_start_and_end_of_a_campaign_with_the_run_they_came_from(
    local: LocalConnect, ledger: str
) -> None:
    run("told", local, ledger)
    run("told", local, ledger)

    started, finished = told("told", "campaign.started", "campaign.finished")
    assert started["resource"]["prefect.resource.name"] == "told"
    assert started["payload"] == {
        "campaign": "told",
        "valid": 1,
        "started": 0,
        "replied": 0,
        "completed": 0,
        "failed": 0,
        "withheld": 0,
        "unknown": 0,
        "planned": 1,
    }
    assert finished["payload"]["completed"] == 1
    related = {one["prefect.resource.role"] for one in finished["related"]}
    assert {"flow-run", "flow"} <= related


def test_an_event_tells_until_when_those_have_to_wait_who_are_left(
    local: LocalConnect, ledger: str
) -> None:
    today = datetime.now(UTC).date()
    closed = {"name": "closed", "start_date": today, "end_date": today + timedelta(days=1)}
    hours = {"restricted_periods": [closed], "default_time_zone": "UTC"}
    everybody = CUSTOMERS.fillna("Mina")
    common: dict[str, Any] = {
        "campaign": "told-later",
        "connect": local.instance(),
        "ledger": ledger,
    }

    suppress("0002", ledger=ledger)
    outreach(everybody, **common, policy=OutreachPolicy(communication_time=hours))

    _, deferred = told("told-later", "campaign.started", "campaign.deferred")
    until = datetime.fromisoformat(deferred["payload"]["until"])
    assert until.date() == today + timedelta(days=2)
    assert (deferred["payload"]["planned"], deferred["payload"]["withheld"]) == (1, 1)
    assert "1 withheld, 1 planned, 1 deferred" in shown("told-later-summary")


def shown(key: str) -> str:
    of_key = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=of_key)
    assert len(found) == 1
    return str(found[0].data)


def test_the_summary_names_what_limits_the_pace_now_and_is_replaced_by_the_end(
    local: LocalConnect, ledger: str
) -> None:
    @flow
    def watched() -> str:
        with Ledger(ledger) as opened:
            opened.open_campaign("live", local.instance_id, now=datetime.now(UTC))
            with CampaignMonitor("live", opened, Quotas(), run_logger()) as watch:
                watch.show(Funnel(**FUNNEL, limited_by="StartChatContact"))
                return shown("live-summary")

    meanwhile = watched()
    assert "| Chats started | 5 | 50% |" in meanwhile
    assert "- 5 planned, 3 open chats" in meanwhile
    assert "- limited by StartChatContact: 5 per second" in meanwhile

    run("whole", local, ledger)
    assert "- Completed: 1 of 2 rows contacted, 1 replied, 1 refused." in shown("whole-summary")
    refused = "participant_details.display_name: column 'display_name' is empty"
    assert refused in shown("whole-not-contacted")


def died(ledger: str, local: LocalConnect, run_id: object, attempt: int) -> None:
    """A worker of an attempt of a flow run that stopped renewing its share a minute ago."""
    with Ledger(ledger) as opened:
        opened.share_slots(
            local.instance_id,
            worker_name(f"{run_id}.{attempt}"),
            SlotDemand(open=1, wanted=1),
            quota=500,
            refused=False,
            now=datetime.now(UTC) - timedelta(minutes=1),
            lease=timedelta(seconds=30),
        )


def test_a_run_whose_worker_died_is_marked_as_crashed_by_the_next_one(
    local: LocalConnect, ledger: str
) -> None:
    with get_client(sync_client=True) as client:
        ended, lost, again = (
            client.create_flow_run(outreach, name=name).id for name in ("ended", "lost", "again")
        )
        for run_id in (ended, lost, again, again):
            client.set_flow_run_state(run_id, Running(), force=True)
        client.set_flow_run_state(ended, Completed(), force=True)
        for run_id in (ended, lost, again):
            died(ledger, local, run_id, attempt=1)
        died(ledger, local, "not-of-prefect", attempt=1)

        run("next", local, ledger)
        runs = [client.read_flow_run(run_id) for run_id in (ended, lost, again)]

    assert [r.state_type for r in runs] == [
        StateType.COMPLETED,
        StateType.CRASHED,
        StateType.RUNNING,
    ]
    assert "stopped renewing its lease" in str(runs[1].state)
    with Ledger(ledger) as opened:
        assert opened.take_lost_runs(local.instance_id, now=datetime.now(UTC)) == []


def test_a_worker_that_ends_leaves_nothing_behind_and_a_live_one_is_left_alone(
    local: LocalConnect, ledger: str
) -> None:
    run("whole", local, ledger)
    now = datetime.now(UTC)
    with Ledger(ledger) as opened:
        opened.share_slots(
            local.instance_id,
            worker_name("alive.1"),
            SlotDemand(open=1, wanted=1),
            quota=500,
            refused=False,
            now=now,
            lease=timedelta(seconds=30),
        )

        assert opened.take_lost_runs(local.instance_id, now=now) == []
        assert opened.take_lost_runs(local.instance_id, now=now + timedelta(hours=1)) == ["alive.1"]


def test_nobody_takes_himself_or_others_for_dead_because_the_ledger_was_away(
    local: LocalConnect, ledger: str
) -> None:
    class Away(Ledger):
        is_away = True

        def take_lost_runs(self, instance_id: str, *, now: datetime) -> list[str]:
            if self.is_away:
                raise LedgerUnreachableError("gone")
            return super().take_lost_runs(instance_id, now=now)

    now = [0.0]

    @flow
    def looked() -> list[StateType | None]:
        died(ledger, local, flow_run.id, attempt=1)
        died(ledger, local, other, attempt=1)
        found: list[StateType | None] = []
        with Away(ledger) as opened:
            lost = CrashedRuns(opened, local.instance_id, run_logger(), monotonic=lambda: now[0])
            for now[0], opened.is_away in ((0, True), (29, False), (30, False)):
                lost.look()
                lost.mark()
                found.append(client.read_flow_run(other).state_type)
        return [*found, client.read_flow_run(UUID(flow_run.id)).state_type]

    with get_client(sync_client=True) as client:
        other = client.create_flow_run(outreach, name="other").id
        client.set_flow_run_state(other, Running(), force=True)
        running, crashed = StateType.RUNNING, StateType.CRASHED

        assert looked() == [running, running, crashed, running]


def test_outside_of_a_run_nothing_is_told(local: LocalConnect, ledger: str) -> None:
    connect = local.instance()
    validate_customers.fn(CUSTOMERS, campaign="told-alone", connect=connect, ledger=ledger)
    start_chats.fn("told-alone", connect=connect, conversation=ONCE, ledger=ledger)

    # Events come in the order in which they were sent.
    run("told-after", local, ledger)
    told("told-after", "campaign.started", "campaign.finished")
    told("told-alone")


def test_a_dry_run_shows_its_forecast_and_no_text_that_customers_would_get(
    local: LocalConnect, ledger: str
) -> None:
    state = outreach(
        CUSTOMERS,
        ChatTemplate(display_name="{{ display_name }}", initial_message="Dear {{ display_name }}"),
        campaign="foretold",
        connect=local.instance(),
        ledger=ledger,
        dry_run=True,
        return_state=True,
    )

    assert str(state.message).startswith("Nothing was sent. 1 chat in about ")
    assert "2 rows: 1 valid, 1 rejected, 0 duplicate" in shown("foretold-forecast")
    assert "Zebulon" not in shown("foretold-forecast")
    assert local.contacts == []


def test_the_function_of_a_flow_gives_the_result_itself_within_another_flow(
    local: LocalConnect, ledger: str
) -> None:
    @flow
    def own() -> list[str]:
        result = outreach.fn(
            CUSTOMERS,
            campaign="plain",
            connect=local.instance(),
            conversation=ONCE,
            ledger=ledger,
        )
        return list(result.contacts["status"])

    assert own() == ["completed", "rejected"]
