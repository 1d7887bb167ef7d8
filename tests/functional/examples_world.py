"""What examples find: tables, a ledger with two campaigns, saved instances, an exported flow."""

import importlib
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress as suppress_error
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.exceptions import ObjectAlreadyExists

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.blocks import OutreachPolicyBlock
from connect_tasks.campaign import CampaignResult, Funnel, run_campaign
from connect_tasks.campaign.funnel import FunnelCounter
from connect_tasks.campaign.inviting import issue_links
from connect_tasks.campaign.links import InvitationKeys
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.suppression import suppress
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.emulator.flows.exported.forms import read_flow
from connect_tasks.emulator.flows.world.reading import read_world
from connect_tasks.flows.outreach import outreach
from connect_tasks.ledger import Ledger
from connect_tasks.ledger.contact import CampaignMode
from tests.functional.world import FAST, QUICK, session

FLOWS = Path(__file__).parents[2] / "data" / "flows"
TABLE = "customer_id,display_name,name,date\n0042,Ada,Ada,2026-12-01\n0043,Bob,Bob,2026-12-02\n"
WORLD = "survey.world.json"
CASES = 'draws,attributes.firstName,says,contains\n30,Ada,10,"makes our day. Thank you, Ada!"\n'
TALK = Conversation(settle_seconds=0, max_replies=1)
KEY = "Hx0kJ2mQ7vLr5TnWc8YpZd3Fb6Gs9Ae1"


def entered(folder: Path, local: LocalConnect, *campaigns: str) -> None:
    """A ledger in which two customers were contacted in each campaign."""
    (folder / ".connect_tasks").mkdir(parents=True)
    (folder / "customers.csv").write_text(TABLE, encoding="utf-8")
    options = ClientOptions(parameters={"endpoint_url": local.endpoint_url})
    instance = Instance(api=ConnectApi(session, options), quotas=FAST, policy=QUICK)
    rows = [{"customer_id": "0042", "name": "Ada"}, {"customer_id": "0043", "name": "Bob"}]
    template = ChatTemplate(display_name="{{ name }}")
    renderer = template.bind(instance_id=local.instance_id, contact_flow_id=local.flow_id)
    with Ledger(f"sqlite:///{folder / '.connect_tasks' / 'ledger.db'}") as ledger:
        for name in campaigns:
            now = datetime.now(UTC)
            ledger.open_campaign(name, local.instance_id, now=now)
            plan_campaign(ledger, name, [rows], renderer, now=now)
            run_campaign(ledger, name, instance, conversation=TALK)
        invited(ledger, renderer, [rows], local.instance_id)
        suppress("0042", list="marketing", ledger=ledger)
    (folder / "opt-outs.csv").write_text("customer_id\n0043\n", encoding="utf-8")


def exported(folder: Path) -> None:
    """The flow that examples play, what stands around it, and cases for it."""
    names = {"survey-branches.json": "survey.json", "survey-branches.world.json": WORLD}
    for name in ("survey-branches.json", "survey-branches.world.json", "score.bot.json"):
        shutil.copy(FLOWS / name, folder / names.get(name, name))
    world = json.loads((folder / WORLD).read_text(encoding="utf-8"))
    bots = "".join(f"{json.dumps(arn)} = {json.dumps(bot)}\n" for arn, bot in world["bots"].items())
    (folder / WORLD).with_suffix(".toml").write_text(f"[bots]\n{bots}", encoding="utf-8")
    (folder / "cases.csv").write_text(CASES, encoding="utf-8")


def invited(ledger: Ledger, renderer: Any, chunks: Any, instance_id: str) -> None:
    """The same customers, in a campaign in which nobody speaks as them."""
    name, now = "renewals-by-link", datetime.now(UTC)
    ledger.open_campaign(name, instance_id, now=now, mode=CampaignMode.INVITATION)
    plan = plan_campaign(ledger, name, chunks, renderer, now=now)
    base_url = "https://chat.example.com"
    issue_links(ledger, plan, InvitationKeys(KEY), base_url=base_url, now=now)


@pytest.fixture(scope="module", name="local")
def make_local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="survey", quotas=LocalQuotas.unlimited()) as local:
        yield local


@pytest.fixture(scope="module", name="settled")
def make_settled(tmp_path_factory: pytest.TempPathFactory, local: LocalConnect) -> Path:
    folder = tmp_path_factory.mktemp("settled")
    entered(folder, local, "renewals-2026-11", "renewals")
    exported(folder)
    CampaignResult("renewals", f"sqlite:///{folder}/.connect_tasks/ledger.db").save(folder / "out")
    return folder


@pytest.fixture(scope="module", name="unknown")
def make_unknown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, but whether they were contacted is not known."""
    folder = tmp_path_factory.mktemp("unknown")
    cut = Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, every=1)
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited(), faults=[cut]) as local:
        entered(folder, local, "renewals-2026-11", "renewals")
    exported(folder)
    return folder


@pytest.fixture(scope="module", name="saved")
def save_blocks(prefect_home: Path, local: LocalConnect) -> None:
    """Prefect has the instances and the limit that examples name."""
    assert prefect_home.exists()
    local.instance().save("production", overwrite=True, _sync=True)
    OutreachPolicyBlock(policy=OutreachPolicy(hold_out=0.1)).save(
        "production", overwrite=True, _sync=True
    )
    limit = GlobalConcurrencyLimitCreate(name="chat-starts", limit=20, slot_decay_per_second=20)
    # It is there when another module's examples came first; the instance is this module's.
    with get_client(sync_client=True) as client, suppress_error(ObjectAlreadyExists):
        client.create_global_concurrency_limit(limit)


def funnel() -> Funnel:
    with Ledger("sqlite:///.connect_tasks/ledger.db") as ledger:
        return FunnelCounter(ledger.counts("renewals")).funnel()


def known_names(local: LocalConnect) -> dict[str, Any]:
    """What the words around an example speak of."""
    return {
        "boto3": importlib.import_module("boto3"),
        "pandas": pd,
        "instance": local.instance(),
        "funnel": funnel(),
        "outreach": outreach,
        "customers": pd.DataFrame({"customer_id": ["0042", "0043"], "name": ["Ada", "Bob"]}),
        "orders": pd.DataFrame({"customer_id": ["0042"], "amount": [9.5]}),
        "template": ChatTemplate(display_name="{{ name }}"),
        "result": CampaignResult("renewals", "sqlite:///.connect_tasks/ledger.db"),
        "LocalConnect": LocalConnect,
        "Path": Path,
        "read_flow": read_flow,
        "read_world": read_world,
        "flow": read_flow(Path("survey.json")),
        "world": read_world(Path("survey.world.json")),
        "now": datetime.now(UTC),
        "Fault": Fault,
        "FaultKind": FaultKind,
    }


def request(local: LocalConnect) -> dict[str, Any]:
    return {
        "instance_id": local.instance_id,
        "contact_flow_id": local.flow_id,
        "participant_details": {"display_name": "Ada"},
    }


def real_names(local: LocalConnect) -> dict[str, str]:
    """For what stands for a name of the reader's own; Prefect wants BLOCK_NAME in a block's."""
    return {
        '"BLOCK_NAME"': '"production"',
        'instance_id="…"': f'instance_id="{local.instance_id}"',
        '"instance_id": "…"': f'"instance_id": "{local.instance_id}"',
        'contact_flow_id="…"': f'contact_flow_id="{local.flow_id}"',
        'contact_id="…"': f'contact_id="{local.contacts[0].contact_id}"',
        '"flow_id": "…"': f'"flow_id": "{local.flow_id}"',
    }
