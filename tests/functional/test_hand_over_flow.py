"""Chats that are handed over by the flows, on a real Prefect server."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.client.orchestration import get_client

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.campaign.hand_over.started_chat import StartedChat
from connect_tasks.emulator import LocalConnect
from connect_tasks.errors import InputError
from connect_tasks.flows.manage import pause, resume
from connect_tasks.flows.outreach import outreach
from connect_tasks.flows.workers import campaign_worker, outreach_on_workers
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks import preview, start_chats, validate_customers
from connect_tasks.tasks.pickling import WithoutSecrets

pytestmark = pytest.mark.usefixtures("prefect_home")

HERE = __name__
GIVEN: Counter[str] = Counter()
_LOCK = threading.Lock()


def give(chat: StartedChat) -> None:
    """Found by its place, as in a deployment."""
    with _LOCK:
        GIVEN[chat.customer_id] += 1


@pytest.fixture(autouse=True)
def _nobody_yet() -> None:
    GIVEN.clear()


def table(count: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"{number:04}" for number in range(count)],
            "display_name": [f"Zebulon {number}" for number in range(count)],
        }
    )


def everybody(count: int) -> dict[str, int]:
    return {f"{number:04}": 1 for number in range(count)}


@pytest.mark.parametrize("hand_over", [give, partial(give), f"{HERE}:give"])
def test_outreach_hands_each_chat_over_once(
    local: LocalConnect, ledger: str, hand_over: Any
) -> None:
    def run() -> Any:
        return outreach(
            table(), campaign="a", connect=local.instance(), ledger=ledger, hand_over=hand_over
        )

    result = run()
    run()

    assert everybody(3) == GIVEN
    assert list(result.contacts["status"]) == ["started"] * 3
    assert local.calls["CreateParticipantConnection"] == 0


def test_a_function_never_reaches_prefect_s_database_and_a_place_does(
    local: LocalConnect, ledger: str, prefect_home: Path
) -> None:
    def secretive(chat: StartedChat, app: str = "Cadwallader") -> None:
        assert app
        give(chat)

    for hand_over in (secretive, partial(secretive, app="Cadwallader"), f"{HERE}:give"):
        outreach.with_options(name="handed")(
            table(1),
            campaign=f"a-{type(hand_over).__name__}",
            connect=local.instance(),
            ledger=ledger,
            hand_over=hand_over,
        )
    with get_client(sync_client=True) as client:
        runs = [run for run in client.read_flow_runs() if "a-" in str(run.parameters)]
    recorded = {json.dumps(run.parameters.get("hand_over")) for run in runs}

    assert {'"<function>"', '"<partial>"', json.dumps(f"{HERE}:give")} <= recorded
    files = [path for path in prefect_home.rglob("*") if path.is_file()]
    assert [path for path in files if b"Cadwallader" in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"hand_over": "nowhere"}, "names no function"),
        ({"hand_over": "no_such_package:give"}, "cannot be imported"),
        ({"hand_over": f"{HERE}:nobody"}, "has no 'nobody'"),
        ({"hand_over": 3}, "is no function"),
        ({"hand_over": lambda: None}, "cannot be called with one chat"),
        ({"hand_over": give, "conversation": Conversation()}, "Leave one of the two out"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_cannot_be_a_hand_over_is_refused_before_anything_is_planned(
    local: LocalConnect, ledger: str, wrong: dict[str, Any], says: str, *, dry_run: bool
) -> None:
    with pytest.raises(InputError, match=says):
        outreach(
            table(), campaign="a", connect=local.instance(), ledger=ledger, dry_run=dry_run, **wrong
        )

    with Ledger(ledger) as opened:
        assert opened.campaigns() == []
    assert local.calls.total() == 0


def test_a_campaign_keeps_its_way_in_every_flow_and_task(local: LocalConnect, ledger: str) -> None:
    options: dict[str, Any] = {"connect": local.instance(), "ledger": ledger}
    validate_customers.fn(table(), campaign="theirs", mode=CampaignMode.HAND_OVER, **options)
    validate_customers.fn(table(), campaign="ours", **options)
    validate_customers.fn(table(), campaign="by-link", mode=CampaignMode.INVITATION, **options)
    pause("theirs", ledger=ledger)
    runs: list[Callable[[], object]] = [
        lambda: outreach(table(), campaign="theirs", **options),
        lambda: outreach(table(), campaign="theirs", dry_run=True, **options),
        lambda: start_chats.fn("theirs", **options),
        lambda: resume("theirs", **options),
        lambda: outreach(table(), campaign="ours", hand_over=give, **options),
        lambda: start_chats.fn("ours", hand_over=give, **options),
        lambda: resume("ours", hand_over=give, **options),
        lambda: start_chats.fn("by-link", **options),
        lambda: start_chats.fn("by-link", hand_over=give, **options),
        lambda: resume("by-link", hand_over=give, **options),
    ]
    for run in runs:
        with pytest.raises(InputError, match="keeps its way"):
            run()

    with Ledger(ledger) as opened:
        assert str(opened.state("theirs")) == "paused"
    assert GIVEN == {}
    assert local.calls.total() == 0


def test_a_paused_hand_over_goes_on_with_its_function(local: LocalConnect, ledger: str) -> None:
    options: dict[str, Any] = {"connect": local.instance(), "ledger": ledger}
    validate_customers.fn(table(), campaign="a", mode=CampaignMode.HAND_OVER, **options)
    pause("a", ledger=ledger)
    resume("a", hand_over=f"{HERE}:give", **options)

    assert everybody(3) == GIVEN


def test_several_long_tasks_share_a_hand_over(local: LocalConnect, ledger: str) -> None:
    outreach(
        table(20),
        campaign="a",
        connect=local.instance(),
        ledger=ledger,
        workers=3,
        hand_over=give,
    )

    assert everybody(20) == GIVEN


def test_a_dry_run_says_what_handing_over_takes_and_hands_nothing_over(
    local: LocalConnect, ledger: str
) -> None:
    said: Any = outreach(
        table(),
        campaign="a",
        connect=local.instance(),
        ledger=ledger,
        dry_run=True,
        hand_over=give,
    )

    assert "people talk as long as they like" in said.outline
    assert said.calls == {"StartChatContact": 3, "CreateParticipantConnection": 3}
    assert said.chat_seconds == 600
    assert GIVEN == {}
    again = preview.fn(
        table(),
        None,
        local.instance(),
        campaign="a",
        ledger=ledger,
        mode=CampaignMode.HAND_OVER,
        mean_chat_seconds=60,
    )
    assert (again.chat_seconds, again.chat_seconds_from) == (60, "given")


def test_a_chat_s_duration_is_the_template_s_or_four_hours(
    local: LocalConnect, ledger: str
) -> None:
    template = ChatTemplate(display_name="{{ display_name }}", chat_duration_in_minutes="{{ m }}")
    rows = table(3).assign(m=[60, 10_080, 10_081])
    plan = validate_customers.fn(
        rows,
        template,
        campaign="a",
        connect=local.instance(),
        ledger=ledger,
        mode=CampaignMode.HAND_OVER,
    )
    with Ledger(ledger) as opened:
        requests = [json.loads(row["request"]) for row in opened.contact_records("a")]

    assert (plan.added, plan.rejected) == (2, 1)
    assert [request["ChatDurationInMinutes"] for request in requests] == [60, 10_080]


def test_a_form_of_a_deployment_asks_for_the_place_of_the_function() -> None:
    for flow in (outreach, outreach_on_workers, campaign_worker, resume):
        fields = flow.parameters.properties
        # Null too: deployments send it for what was left out.
        assert fields["hand_over"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
        assert "hand_over" not in flow.parameters.required


def test_a_function_itself_is_refused_where_it_would_have_to_travel(ledger: str) -> None:
    with pytest.raises(InputError, match="cannot travel"):
        outreach_on_workers(
            table(), campaign="a", connect="nobody-asks-for-it", ledger=ledger, hand_over=give
        )


def test_a_delayed_task_takes_the_place_of_a_function_and_no_function() -> None:
    def delayed(hand_over: object) -> dict[str, Any]:
        return {"parameters": {"campaign": "a", "hand_over": hand_over}, "context": {}}

    keeps = WithoutSecrets()
    assert keeps.loads(keeps.dumps(delayed(f"{HERE}:give"))) == delayed(f"{HERE}:give")
    assert keeps.loads(keeps.dumps(delayed(None))) == delayed(None)
    for function in (give, partial(give), lambda _: None):
        with pytest.raises(InputError, match="cannot travel"):
            keeps.dumps(delayed(function))
