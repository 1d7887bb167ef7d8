"""The result's tables as assets: what Prefect's server has of them after a run, by its API."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.client.orchestration import get_client

from connect_tasks import Conversation
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import InputError
from connect_tasks.flows.outreach import outreach
from connect_tasks.tasks import collect_responses
from connect_tasks.tasks.assets import RESULT_TABLES

pytestmark = pytest.mark.usefixtures("prefect_home")

ONCE = Conversation(messages=("hi",), settle_seconds=0, max_replies=1)


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        yield local


def events(prefix: str, count: int, *, of: Path) -> list[dict[str, Any]]:
    """The server's events whose names begin so and whose assets are below a folder."""
    wanted = {"event": {"prefix": [prefix]}, "occurred": {}, "order": "DESC"}
    found: list[dict[str, Any]] = []
    for _ in range(300):
        with get_client(sync_client=True) as client:
            asked = {"filter": wanted, "limit": 50}
            answer = client.request("POST", "/events/filter", json=asked).json()["events"]
        found = [one for one in answer if str(of) in one["resource"]["prefect.resource.id"]]
        if len(found) >= count:
            break
        time.sleep(0.1)
    return found


def run(local: LocalConnect, ledger: str, folder: Path, save_to: str | None) -> Any:
    table = folder / "customers.csv"
    table.write_text("customer_id,display_name\n0042,Zebulon\n0043,Mina\n", encoding="utf-8")
    return outreach(
        str(table),
        campaign="Lineage 2026",
        connect=local.instance(),
        conversation=ONCE,
        ledger=ledger,
        save_to=save_to,
    )


def test_each_table_is_an_asset_made_of_the_campaign_and_the_customers_and_only_in_a_run(
    local: LocalConnect, ledger: str, tmp_path: Path
) -> None:
    out, plain = tmp_path / "out", tmp_path / "plain"
    run(local, ledger, tmp_path, save_to=None)
    collect_responses.fn("Lineage 2026", ledger=ledger, save_to=str(plain))
    result = run(local, ledger, tmp_path, str(out))

    made = events("prefect.asset.materialization.", 5, of=out)
    by_name = {Path(one["resource"]["prefect.resource.id"]).stem: one for one in made}
    assert len(made) == 5
    assert by_name.keys() == set(RESULT_TABLES) == {path.stem for path in out.glob("*.csv")}
    for name, event in by_name.items():
        frame: pd.DataFrame = getattr(result, name)
        related = {one["prefect.resource.role"]: one for one in event["related"]}
        made_of = [
            one["prefect.resource.id"]
            for one in event["related"]
            if one["prefect.resource.role"] == "asset"
        ]
        assert event["event"] == "prefect.asset.materialization.succeeded"
        assert event["resource"]["prefect.resource.id"] == f"file://{out}/{name}.csv"
        assert event["resource"]["prefect.resource.name"] == f"{name} of Lineage 2026"
        assert event["payload"]["rows"] == len(frame)
        assert event["payload"]["columns"] == list(frame.columns)
        assert len(event["payload"]["fingerprint"]) == 64
        assert f"file://{tmp_path}/customers.csv" in made_of
        assert any(key.startswith("campaign://") for key in made_of)
        assert {"flow-run", "task-run"} <= related.keys()
    # Sent before, they would be there.
    assert {path.stem for path in plain.glob("*.csv")} == set(RESULT_TABLES)
    assert events("prefect.asset.materialization.", 0, of=plain) == []
    assert not any(word in str(made) for word in ("Zebulon", "Mina", "0042", "0043"))


def test_that_files_cannot_be_written_is_told_of_the_assets_too(
    local: LocalConnect, ledger: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    out = tmp_path / "file" / "out"
    with pytest.raises((InputError, OSError)):
        run(local, ledger, tmp_path, str(out))

    made = events("prefect.asset.materialization.", 5, of=out)
    assert {one["event"] for one in made} == {"prefect.asset.materialization.failed"}
