"""The flows as examples: without their decorators they are plain functions that do the same."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect import Task
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from connect_tasks import Conversation, OutboundChatTemplate
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.errors import InputError
from connect_tasks.ledger import counts
from connect_tasks.tasks.run_context import in_run
from tests.functional.links_world import KEY

FOLDER = Path(__file__).parents[2] / "connect_tasks" / "flows"
DECORATORS = {"flow", "table_flow", "task"}
# What a flow must be one for, and why.
NEEDS_PREFECT = {
    "outreach_on_workers": "it starts runs of a deployment, which only Prefect can",
    "campaign_worker": "it is given an instance by its name alone, which Prefect's server knows",
}

TALK = Conversation(settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=20)
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["0000", "0001", "0002"],
        "display_name": ["Ada", None, "Cleo"],
        "score": ["9", "9", "3"],
    }
)


def decorator_name(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else node
    return function.id if isinstance(function, ast.Name) else ""


def undecorated(path: Path) -> dict[str, Callable[..., Any]]:
    """The flows of a module from its source, with their decorators and those of tasks off."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    flows = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and set(
            map(decorator_name, node.decorator_list)
        ).intersection(DECORATORS):
            node.decorator_list = []
            flows.append(node.name)
    names: dict[str, Any] = {"__name__": f"plain_{path.stem}", "__file__": str(path)}
    exec(compile(tree, str(path), "exec"), names)  # noqa: S102
    names.update({name: task.fn for name, task in names.items() if isinstance(task, Task)})
    return {name: names[name] for name in flows}


FLOWS = {name: f for path in sorted(FOLDER.glob("*.py")) for name, f in undecorated(path).items()}


@pytest.fixture(autouse=True)
def _no_prefect() -> Iterator[None]:
    """Whoever asks for a Prefect server is found out: there is none, and no run."""
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        assert not in_run()
        yield


def outreach(local: LocalConnect, ledger: str, **options: Any) -> Any:
    options = {"campaign": "plain", "conversation": TALK, "ledger": ledger, **options}
    return FLOWS["outreach"](CUSTOMERS, connect=local.instance(), **options)


def test_a_step_that_waits_for_approval_ends_the_run(
    local: LocalConnect, ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    by_hand = {"ramp": {"steps": [1], "approval": "by_hand"}}

    outreach(local, ledger, policy=by_hand)

    assert len(local.contacts) == 1
    assert "waits for approval at the end of step 1 of 1" in caplog.text


def test_every_flow_is_tried_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    tried = {name for name in FLOWS if f'FLOWS["{name}"]' in source}

    assert len(FLOWS) >= 8
    assert set(FLOWS) - tried == set(NEEDS_PREFECT)


def test_outreach_contacts_everybody_once_and_brings_the_answers_back(
    local: LocalConnect, ledger: str
) -> None:
    first, second = outreach(local, ledger), outreach(local, ledger)

    assert list(first.contacts["status"]) == ["completed", "rejected", "completed"]
    said = first.messages.query("participant_role == 'CUSTOMER' and type == 'MESSAGE'")
    assert sorted(said["content"]) == ["3", "9"]
    pd.testing.assert_frame_equal(first.contacts, second.contacts)
    assert sorted(str(contact.customer_id) for contact in local.contacts) == ["0000", "0002"]


def test_a_dry_run_of_outreach_only_tells(local: LocalConnect, ledger: str) -> None:
    assert outreach(local, ledger, dry_run=True).to_contact == 2
    assert local.calls == {}


def test_the_campaigns_of_a_ledger_are_listed(local: LocalConnect, ledger: str) -> None:
    outreach(local, ledger)

    (row,) = FLOWS["campaigns"](ledger).to_dict("records")
    assert (row["campaign"], row["customers"], row["waiting"]) == ("plain", 2, 0)


def test_a_campaign_is_counted_once_for_its_status(
    local: LocalConnect, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outreach(local, ledger)
    count, asked = counts.counted, []

    def counted(*arguments: Any) -> Any:
        asked.append(arguments)
        return count(*arguments)

    monkeypatch.setattr(counts, "counted", counted)
    FLOWS["status"]("plain", ledger)

    assert len(asked) == 1


def test_a_customer_is_withdrawn_before_anybody_contacts_them(
    local: LocalConnect, ledger: str
) -> None:
    outreach(local, ledger)
    taken = FLOWS["withdraw"]("plain", ["0000"], "complained", ledger)

    # Contacted already: nothing is undone.
    assert taken == 0
    with pytest.raises(InputError, match="does not know '0009'"):
        FLOWS["withdraw"]("plain", ["0009"], "complained", ledger)


def test_a_campaign_is_paused_resumed_and_stopped(local: LocalConnect, ledger: str) -> None:
    outreach(local, ledger)
    FLOWS["pause"]("plain", ledger)
    paused = FLOWS["status"]("plain", ledger)
    result = FLOWS["resume"]("plain", local.instance(), ledger)
    resumed = FLOWS["status"]("plain", ledger)
    FLOWS["stop"]("plain", ledger)

    states = [paused["state"], resumed["state"], FLOWS["status"]("plain", ledger)["state"]]
    assert states == ["paused", "running", "stopped"]
    assert list(result.contacts["status"]).count("completed") == 2
    assert resumed["completed"] == 2


def test_an_unknown_contact_is_resolved(ledger: str) -> None:
    cuts = [
        Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, customer_id="0002", every=1)
    ]
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=cuts) as local:
        outreach(local, ledger)
    before = FLOWS["status"]("plain", ledger)["unknown"]
    FLOWS["resolve"]("plain", "0002", "was_contacted", ledger)

    assert (before, FLOWS["status"]("plain", ledger)["unknown"]) == (1, 0)


def test_customers_are_forgotten(local: LocalConnect, ledger: str) -> None:
    outreach(local, ledger)

    assert FLOWS["forget"](SecretStr("0000"), None, ledger).contacts == 1
    assert FLOWS["erase"]("plain", ledger).contacts == 1


def test_customers_are_suppressed_listed_and_taken_off(ledger: str) -> None:
    assert FLOWS["suppress"](["0000", "0002"], list="news", ledger=ledger) == 2
    assert list(FLOWS["suppressed"](None, ledger)["list"]) == ["news", "news"]
    assert FLOWS["unsuppress"](["0002"], list="news", ledger=ledger) == 1


def test_decisions_are_written_out_and_come_to_their_end(
    local: LocalConnect, ledger: str, tmp_path: Path
) -> None:
    FLOWS["suppress"](["0002"], list="news", ledger=ledger)
    outreach(local, ledger, policy=OutreachPolicy(suppression=["news"]))

    FLOWS["audit"](str(tmp_path / "audit.csv"), ledger=ledger)
    written = pd.read_csv(tmp_path / "audit.csv", dtype="string")
    kept = FLOWS["prune_decisions"](keep_days=1, ledger=ledger)

    assert sorted(written["decision"]) == ["allow", "suppress"]
    assert kept == 0


def test_an_instance_is_verified(local: LocalConnect) -> None:
    assert FLOWS["verify"](local.instance()).can_run
    assert len(local.contacts) == 0


def test_cases_are_played_with_a_flows_file() -> None:
    files = FOLDER.parents[1] / "data" / "flows"
    flow = str(files / "order-status-bot.json")
    world = str(files / "order-status-bot.world.json")

    assert FLOWS["regression"](str(files / "cases.csv"), connect=flow, world=world).passed


def test_what_amazon_knows_is_collected(local: LocalConnect, ledger: str) -> None:
    outreach(local, ledger)

    result = FLOWS["collect"]("plain", connect=local.instance(), ledger=ledger)

    # Contacts first, and then the refused row: no table is given.
    assert list(result.contacts["status"]) == ["completed", "completed", "rejected"]


def test_customers_are_invited_and_a_link_is_taken_back(
    local: LocalConnect, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_INVITATION_KEYS", KEY)
    base_url = "https://chat.example.com"
    options = {"campaign": "by-link", "connect": local.instance(), "ledger": ledger}
    result = FLOWS["invite"](CUSTOMERS, base_url=base_url, **options)
    before = list(result.invitations["url"])

    assert list(result.invitations["customer_id"]) == ["0000", "0002"]
    assert all(url.startswith(f"{base_url}/i/") for url in before)
    assert FLOWS["revoke"]("by-link", ["0000"], ledger) == 1
    assert FLOWS["revoke"]("by-link", ["0000"], ledger) == 0
    again = FLOWS["invite"](CUSTOMERS, base_url=base_url, **options)
    assert list(again.invitations["url"]) == before
    assert list(again.invitations["revoked_at"].notna()) == [True, False]
    assert len(local.contacts) == 0


def test_customers_are_written_to_on_their_phones(local: LocalConnect, ledger: str) -> None:
    message = OutboundChatTemplate(
        source_endpoint="arn:aws:connect:eu-central-1:123456789012:phone-number/p-1",
        initial_system_message="Are you there?",
    )
    phones = [f"+491511234567{n}" for n in range(len(CUSTOMERS))]
    options = {"campaign": "by-sms", "connect": local.instance(), "ledger": ledger}

    result = FLOWS["text_out"](CUSTOMERS.assign(phone=phones), message, policy=None, **options)

    # Three calls at once: which of them arrives first is nobody's promise.
    ours = dict(zip(result.contacts["contact_id"], phones, strict=True))
    assert ours == {contact.contact_id: contact.phone_number for contact in local.contacts}
