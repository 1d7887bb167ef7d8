"""The flows that look after a campaign, on a real Prefect server."""

from pathlib import Path

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from connect_tasks import Conversation, Quotas
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.flows import manage
from connect_tasks.flows.outreach import outreach

pytestmark = pytest.mark.usefixtures("prefect_home")

CUSTOMERS = pd.DataFrame({"customer_id": ["0000", "0001"], "display_name": ["Ada", "Zebulon"]})


def artifact(key: str) -> str:
    of_key = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=of_key, sort=ArtifactSort.UPDATED_DESC)
    return str(found[0].data)


def test_a_paused_campaign_goes_on_without_its_table(tmp_path: Path) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    conversation = Conversation(messages=("hi",), settle_seconds=0, max_replies=1)
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        instance = local.instance(quotas=Quotas())
        outreach(
            CUSTOMERS.head(1),
            campaign="paused",
            connect=instance,
            conversation=conversation,
            ledger=ledger,
        )
        manage.pause("paused", ledger)
        outreach(
            CUSTOMERS,
            campaign="paused",
            connect=instance,
            conversation=conversation,
            ledger=ledger,
        )
        before = len(local.contacts)
        result = manage.resume("paused", instance, ledger)

    assert before == 1
    assert list(result.contacts["end_reason"]) == ["replied", "replied"]
    assert manage.status("paused", ledger)["state"] == "running"
    assert "| Chats completed | 2 | 100% |" in artifact("paused-summary")


def test_an_unknown_contact_is_listed_and_resolved(tmp_path: Path) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    cuts = [
        Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, customer_id="0001", every=1)
    ]
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited(), faults=cuts) as local:
        outreach(
            CUSTOMERS,
            campaign="open",
            connect=local.instance(),
            conversation=Conversation(settle_seconds=0, max_replies=1),
            ledger=ledger,
        )
    before = manage.status("open", ledger)
    listed = artifact("open-not-contacted")
    manage.resolve("open", "0001", "was_contacted", ledger)

    assert before["unknown"] == 1
    assert "0001" in listed
    assert "Zebulon" not in listed
    assert manage.status("open", ledger)["unknown"] == 0


def test_a_stopped_campaign_says_so(tmp_path: Path) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        outreach(
            CUSTOMERS,
            campaign="ended",
            connect=local.instance(),
            conversation=Conversation(settle_seconds=0, max_replies=1),
            ledger=ledger,
        )
    manage.stop("ended", ledger)

    assert manage.status("ended", ledger)["state"] == "stopped"
