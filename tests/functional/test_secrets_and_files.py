"""Where secrets and customers' data must not be: logs, pickles, other users' eyes, Prefect."""

import logging
import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterName,
    LogFilter,
    LogFilterFlowRunId,
)

from connect_tasks import Conversation
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect
from connect_tasks.errors import InputError, LedgerError
from connect_tasks.flows.manage import resolve
from connect_tasks.flows.outreach import outreach
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, World, customers
from tests.postgresql import new_database


class Everything(logging.Handler):
    """What any handler would have written, the exceptions with it."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.name, self.format(record)))


@pytest.fixture
def everything() -> Iterator[Everything]:
    """Records of all loggers, with the root logger at its lowest level."""
    handler, level = Everything(), logging.root.level
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.NOTSET)
    yield handler
    logging.root.setLevel(level)
    logging.root.removeHandler(handler)


def forms(secret: str) -> set[str]:
    """A token, or of a socket's URL what opens it."""
    return {urlsplit(secret).query or secret, secret}


def test_no_log_at_any_level_holds_a_token_or_what_a_customer_said(
    everything: Everything, tmp_path: Path
) -> None:
    with LocalConnect() as local, Ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        world = World(local, ledger)
        rows = [{**row, "display_name": "Somebody Private"} for row in customers(5)]
        world.plan(rows)
        funnel = run_campaign(
            ledger, CAMPAIGN, local.instance().connect(), conversation=world.conversation
        )
        local.instance().check_connection()
        secrets = [form for token in local.issued_tokens for form in forms(token)]

    assert funnel.completed == 5
    assert len(secrets) >= 15
    assert any(name == "botocore.endpoint" for name, _ in everything.lines)
    for name, line in everything.lines:
        assert not [secret for secret in secrets if secret in line], name
        assert "Somebody Private" not in line, name
        assert "Authorization" not in line, name


def test_a_persisted_result_holds_no_password_and_opens_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with new_database() as url:
        with Ledger(url) as ledger:
            ledger.open_campaign("renewals", "i-1", now=pd.Timestamp.now(tz="UTC"))
        given = f"{url}{'&' if '?' in url else '?'}password=s3cr3t&application_name=test"
        result = CampaignResult("renewals", given)
        assert result.summary["valid"] == 0

        written = pickle.dumps(result)
        again = pickle.loads(written)  # noqa: S301 - our own bytes

        assert b"s3cr3t" not in written
        assert "s3cr3t" not in again.ledger_url
        monkeypatch.setenv("CONNECT_TASKS_LEDGER", given)
        assert again.summary["valid"] == 0
        assert again.state == "running"
        assert len(again.contacts) == 0


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o000, 0o022], ids=oct)
def test_all_files_with_customers_data_are_for_their_owner_alone(
    tmp_path: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        tmp_path.chmod(0o755)
        out, beside = tmp_path / "out" / "today", []
        with (
            LocalConnect() as local,
            Ledger(f"sqlite:///{tmp_path}/kept/here/ledger.db") as ledger,
        ):
            world = World(local, ledger)
            world.plan(customers(2))
            world.run()
            beside = [(path.name, mode(path)) for path in (tmp_path / "kept/here").iterdir()]
            result = CampaignResult(CAMPAIGN, ledger.url)
            result.save(out, formats=["csv", "parquet", "xlsx"])
            result.to_excel(tmp_path / "sheets" / "result.xlsx")
    finally:
        os.umask(before)

    assert {name for name, _ in beside} == {"ledger.db", "ledger.db-wal", "ledger.db-shm"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 8
    assert {mode(path) for path in files} | {bits for _, bits in beside} == {0o600}
    assert {mode(path) for path in tmp_path.rglob("*") if path.is_dir()} == {0o700}


@pytest.mark.parametrize("happens", ["deleted", "replaced"])
def test_a_ledger_that_goes_away_under_a_run_stops_it_at_once(tmp_path: Path, happens: str) -> None:
    path = tmp_path / "ledger.db"
    gone = threading.Event()
    with LocalConnect(think_seconds=(0.2, 0.2)) as local, Ledger(f"sqlite:///{path}") as ledger:
        world = World(local, ledger)
        world.quotas = world.quotas.model_copy(update={"starts_per_second": 10, "start_burst": 1})
        world.plan(customers(100))

        def take_it_away(funnel: Any) -> None:
            if funnel.started >= 3 and not gone.is_set():
                gone.set()
                for file in tmp_path.glob("ledger.db*"):
                    file.unlink()
                if happens == "replaced":
                    Ledger(f"sqlite:///{path}").close()

        with pytest.raises(LedgerError, match="deleted, moved or replaced while it was open"):
            world.run(take_it_away)
        started = len(local.contacts)

    assert 3 <= started < 30
    assert path.exists() == (happens == "replaced")


@pytest.mark.usefixtures("prefect_home")
@pytest.mark.parametrize("setting", ["", "no", "nope"])
def test_ids_reach_prefect_only_where_they_may(
    local: LocalConnect, ledger: str, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_IDS_IN_PREFECT", setting)
    campaign = f"ids-{setting or 'unset'}"
    names = ["Ada", "x" * 300]
    ids = [f"right-{campaign}", f"refused-{campaign}"]

    outreach(
        pd.DataFrame({"customer_id": ids, "display_name": names}),
        campaign=campaign,
        connect=local.instance(flow="echo"),
        conversation=Conversation(max_replies=1),
        ledger=ledger,
    )
    with pytest.raises(InputError) as caught:
        resolve(campaign, f"asked-{campaign}", "was_contacted", ledger=ledger)

    kept = everything_of(campaign)
    assert f"{campaign}-not-contacted" in kept
    assert f"right-{campaign}" not in kept
    may = setting == ""
    assert (f"refused-{campaign}" in kept, f"asked-{campaign}" in kept) == (may, may)
    assert (f"asked-{campaign}" in str(caught.value)) == may


def everything_of(campaign: str) -> str:
    """All that Prefect keeps of a campaign's runs, however many others it has had since."""
    with get_client(sync_client=True) as client:
        named = FlowRunFilter(name=FlowRunFilterName(like_=campaign))
        runs = client.read_flow_runs(flow_run_filter=named)
        ids = [run.id for run in runs]
        theirs = FlowRunFilter(id=FlowRunFilterId(any_=ids))
        logs = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=ids)), limit=200)
        kept = [
            *(run.model_dump_json() for run in runs),
            *(found.model_dump_json() for found in client.read_artifacts(flow_run_filter=theirs)),
            *(log.model_dump_json() for log in logs),
        ]
    return "\n".join(text for text in kept if campaign in text)
