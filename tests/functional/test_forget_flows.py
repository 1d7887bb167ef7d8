"""The flows that take customers out of the ledger, and what Prefect keeps of them."""

import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort
from prefect.flow_engine import run_flow
from pydantic import SecretStr

from connect_tasks import Conversation
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import InputError
from connect_tasks.flows.forget import erase, forget
from connect_tasks.flows.outreach import outreach
from connect_tasks.ledger.erasure import Erased

pytestmark = pytest.mark.usefixtures("prefect_home")

CUSTOMERS = pd.DataFrame({"customer_id": ["k-ada", "k-zebulon"], "display_name": ["Ada", "Zeb"]})


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> str:
    """Both customers have been contacted."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        outreach(
            CUSTOMERS,
            campaign="over",
            connect=local.instance(),
            conversation=Conversation(settle_seconds=0, max_replies=1),
            ledger=url,
        )
    return url


def customers(ledger: str) -> list[str]:
    return [str(name) for name in CampaignResult("over", ledger).contacts["customer_id"]]


def last_run() -> tuple[str, dict[str, Any], str]:
    """Name, parameters and state of the latest flow run, as Prefect has them."""
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)
    return run.name, run.parameters, str(run.state)


def test_a_forgotten_customer_is_not_named_in_prefect(
    ledger: str, prefect_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    erased = forget(SecretStr("k-zebulon"), ledger=ledger)
    with pytest.raises(InputError, match="no customer 'k-…'"):
        forget(SecretStr("k-zebulon-unheard-of"), ledger=ledger)

    assert erased.contacts == 1
    assert last_run()[0] == "forget a customer"
    assert customers(ledger)[0] == "k-ada"
    assert "1 contacts were forgotten" in caplog.text
    assert "k-zebulon" not in caplog.text
    written = {path: path.read_bytes() for path in prefect_home.rglob("*") if path.is_file()}
    assert any(b"forget a customer" in text for text in written.values())
    assert [path for path, text in written.items() if b"k-zebulon" in text] == []


def run_deployed(parameters: dict[str, Any]) -> Erased:
    """Run the flow as a worker does: the parameters are on record before."""
    with get_client(sync_client=True) as client:
        deployment_id: UUID = client.create_deployment(client.create_flow(forget), "forget")
        run = client.create_flow_run_from_deployment(deployment_id, parameters=parameters)
    assert run.parameters == parameters
    return run_flow(forget, flow_run=run, parameters=run.parameters)  # type: ignore[return-value]


def test_a_deployment_takes_the_customers_id_back_out_of_its_parameters(ledger: str) -> None:
    erased = run_deployed({"customer_id": "k-zebulon", "campaign": "over", "ledger": ledger})
    _, parameters, _ = last_run()

    assert erased.contacts == 1
    assert parameters == {
        "customer_id": "**********",
        "campaign": "over",
        "ledger": ledger,
        "unread": False,
    }


def test_a_deployment_takes_it_back_also_when_it_fails(ledger: str) -> None:
    with pytest.raises(InputError):
        run_deployed({"customer_id": "k-caspar", "ledger": ledger})
    _, parameters, state = last_run()

    assert parameters["customer_id"] == "**********"
    assert "no customer 'k-…'" in state
    assert "caspar" not in state


def test_a_campaign_is_erased(ledger: str) -> None:
    erased = erase("over", ledger)

    assert erased.contacts == 2
    assert all(name.startswith("forgotten-") for name in customers(ledger))
    assert last_run()[0] == "erase over"


def test_without_prefect_the_flows_are_functions(ledger: str) -> None:
    assert forget.fn(SecretStr("k-zebulon"), None, ledger).contacts == 1
    assert erase.fn("over", ledger).contacts == 1
