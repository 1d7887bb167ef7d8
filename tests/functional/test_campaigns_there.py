"""Campaigns and ledgers that are not there, and those that are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.campaign import manage
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.errors import InputError
from connect_tasks.ledger import erase, forget
from connect_tasks.tasks import collect_responses
from tests.functional.world import CAMPAIGN, world


def row(name: str) -> dict[str, Any]:
    return {"customer_id": name, "display_name": "Ada", "score": "9"}


ASKED: dict[str, Callable[[str, str], Any]] = {
    "status": manage.status,
    "pause": manage.pause,
    "stop": manage.stop,
    "resume": manage.resume,
    "unknown contacts": manage.unknown_contacts,
    "resolve": lambda name, ledger: manage.resolve(name, "0001", "was_contacted", ledger),
    "withdraw": lambda name, ledger: manage.withdraw(name, ["0001"], ledger),
    "forget": lambda name, ledger: forget("0001", ledger, campaign=name),
    "erase": erase,
    "contacts": lambda name, ledger: CampaignResult(name, ledger).contacts,
    "messages": lambda name, ledger: CampaignResult(name, ledger).messages,
    "summary": lambda name, ledger: CampaignResult(name, ledger).summary,
    "state": lambda name, ledger: CampaignResult(name, ledger).state,
    "report": lambda name, ledger: CampaignResult(name, ledger).report(),
    "not contacted": lambda name, ledger: CampaignResult(name, ledger).not_contacted(),
    "responses": lambda name, ledger: collect_responses.fn(name, ledger=ledger),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_campaign_that_is_not_there_is_said_with_those_that_are_near(
    tmp_path: Path, what: str
) -> None:
    with world(tmp_path) as here:
        here.plan([row("0001")])
        with pytest.raises(InputError) as told:
            ASKED[what]("renewal", here.ledger.url)

    assert "There is no campaign 'renewal'" in str(told.value)
    assert f"did you mean '{CAMPAIGN}'" in str(told.value)


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("renewals-2026-12", "renewals-2026-11"),
        ("Renewals Nov", "Renewals November"),
        ("umfrage-märz", "umfrage-März"),
    ],
)
def test_a_near_campaign_is_told_by_its_name_whatever_that_holds(
    tmp_path: Path, asked: str, there: str
) -> None:
    with world(tmp_path) as here:
        here.ledger.open_campaign(there, "i-1", now=datetime.now(UTC))
        with pytest.raises(InputError, match=rf"\(did you mean '{there}'\?\)"):
            manage.status(asked, here.ledger)


@pytest.mark.parametrize("what", sorted(set(ASKED) - {"forget", "erase"}))
def test_a_ledger_that_is_not_there_is_said_and_not_made(tmp_path: Path, what: str) -> None:
    file = tmp_path / "ledger.db"
    with pytest.raises(InputError, match="There is no ledger at"):
        ASKED[what]("renewal", f"sqlite:///{file}")

    assert not file.exists()


def test_a_run_of_a_campaign_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with world(tmp_path) as here, pytest.raises(InputError, match=f"no campaign '{CAMPAIGN}'"):
        here.run()


def test_all_campaigns_are_listed_the_latest_first_with_who_waits(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.plan([row("0001"), row("0002")])
        here.run()
        here.plan([row("0003")])
        later = datetime.now(UTC) + timedelta(seconds=5)
        here.ledger.open_campaign("empty", "i-1", now=later)
        manage.pause("empty", here.ledger)
        table = manage.campaigns(here.ledger)

    assert list(table["campaign"]) == ["empty", CAMPAIGN]
    assert list(table["state"]) == ["paused", "running"]
    assert list(table["customers"]) == [0, 3]
    assert list(table["waiting"]) == [0, 1]
    assert list(table["unknown"]) == [0, 0]
    assert str(table.dtypes["created_at"]) == "datetime64[us, UTC]"


def test_manage_looks_into_the_ledger_of_a_run_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path) as here:
        here.plan([row("0001")])
        monkeypatch.setenv("CONNECT_TASKS_LEDGER", here.ledger.url)
        manage.pause(CAMPAIGN)
        assert manage.status(CAMPAIGN)["state"] == "paused"

    monkeypatch.delenv("CONNECT_TASKS_LEDGER")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"\.connect_tasks/ledger\.db"):
        manage.status(CAMPAIGN)
