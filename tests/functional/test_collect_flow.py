"""The flow `collect`: what a schedule runs, in and out of Prefect."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas, TranscriptStorage
from connect_tasks.errors import CampaignHaltedError, InputError
from connect_tasks.flows.collect import collect
from connect_tasks.ledger.schema import collected
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, World, always, customers
from tests.ledger_rows import table

pytestmark = pytest.mark.usefixtures("prefect_home")


@pytest.fixture
def held(tmp_path: Path) -> Iterator[World]:
    """Two chats that our side held."""
    storage = TranscriptStorage(recordings="with_file")
    with (
        LocalConnect(quotas=LocalQuotas.unlimited(), storage=storage) as local,
        Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger,
    ):
        world = World(local, ledger)
        world.plan(customers(2))
        world.run()
        yield world


def test_it_gives_the_campaigns_tables_and_says_what_it_did(
    held: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="prefect"):
        result = collect(
            CAMPAIGN,
            connect=held.local.instance(),
            ledger=held.ledger.url,
            save_to=str(tmp_path / "out"),
        )

    assert set(result.contacts["status"]) == {"completed"}
    assert {row["disconnect_reason"] for row in table(held.ledger, collected)} == {
        "CONTACT_FLOW_DISCONNECT"
    }
    assert (tmp_path / "out" / "contacts.csv").is_file()
    assert "transcripts awaited" in caplog.text


def test_a_permission_that_is_missing_is_a_warning_of_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [always("ListInstanceStorageConfigs", 403, "AccessDeniedException")]
    with (
        LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local,
        Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger,
    ):
        world = World(local, ledger)
        world.plan(customers(1))
        world.run()
        with caplog.at_level(logging.WARNING, logger="prefect"):
            collect(CAMPAIGN, connect=local.instance(), ledger=ledger.url)

    lines = [record.getMessage() for record in caplog.records]
    told = [line for line in lines if "connect:ListInstanceStorageConfigs" in line]
    assert len(told) == 1
    assert "User: " not in told[0]


def test_without_permission_to_describe_the_run_fails_with_a_sentence(tmp_path: Path) -> None:
    faults = [always("DescribeContact", 403, "AccessDeniedException")]
    with (
        LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local,
        Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger,
    ):
        world = World(local, ledger)
        world.plan(customers(1))
        world.run()
        with pytest.raises(CampaignHaltedError, match="Allow connect:DescribeContact"):
            collect(CAMPAIGN, connect=local.instance(), ledger=ledger.url)


def test_another_instance_is_refused_before_it_is_asked(held: World) -> None:
    other = held.local.instance().model_copy(
        update={"instance_id": "00000000-0000-4000-8000-000000000000"}
    )
    before = dict(held.local.calls)

    with pytest.raises(InputError, match="belongs to instance"):
        collect(CAMPAIGN, connect=other, ledger=held.ledger.url)

    assert dict(held.local.calls) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"campaign": "renewal"}, "There is no campaign"),
        ({"campaign": ""}, "campaign"),
        ({"ledger": "sqlite:///nowhere/ledger.db"}, "There is no ledger"),
        ({"give_up_after_days": 0}, "give_up_after_days"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_asked(
    held: World, changes: dict[str, Any], words: str
) -> None:
    before = dict(held.local.calls)
    given: dict[str, Any] = {
        "campaign": CAMPAIGN,
        "connect": held.local.instance(),
        "ledger": held.ledger.url,
    }

    with pytest.raises(InputError, match=words):
        collect(**{**given, **changes})

    assert dict(held.local.calls) == before
