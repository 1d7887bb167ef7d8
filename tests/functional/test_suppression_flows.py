"""The flows that say whom nobody is to contact, and what Prefect keeps of them."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort
from prefect.flow_engine import run_flow
from prefect.utilities.callables import parameter_schema

from connect_tasks.errors import InputError
from connect_tasks.flows.suppressions import suppress, suppressed, unsuppress

pytestmark = pytest.mark.usefixtures("prefect_home")


def last_run() -> tuple[str, dict[str, Any], str]:
    """Name, parameters and state of the latest flow run, as Prefect has them."""
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)
    return run.name, run.parameters, str(run.state)


def written_to(folder: Path, word: bytes) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if word in path.read_bytes()]


@pytest.mark.parametrize(
    "customers",
    [["k-zebulon", "k-ada"], pd.DataFrame({"customer_id": ["k-zebulon", "k-ada"]})],
    ids=["ids", "table"],
)
def test_customers_are_put_on_a_list_and_prefect_does_not_know_whom(
    ledger: str, prefect_home: Path, caplog: pytest.LogCaptureFixture, customers: Any
) -> None:
    caplog.set_level(logging.INFO)
    added = [suppress(customers, list="news", ledger=ledger) for _ in range(2)]
    name, parameters, _ = last_run()
    listed = suppressed("news", ledger=ledger)
    removed = unsuppress(customers, list="news", ledger=ledger)

    assert (added, removed) == ([2, 0], 2)
    assert sorted(listed["customer_id"]) == ["k-ada", "k-zebulon"]
    assert name == "suppress on list news"
    assert (parameters["list"], parameters["reason"]) == ("news", "person")
    for told in ("2 customers came onto a list", "2 on news", "2 customers were taken off"):
        assert told in caplog.text
    assert "zebulon" not in caplog.text
    assert written_to(prefect_home, b"suppress on list news")
    assert written_to(prefect_home, b"k-zebulon") == []


@pytest.mark.parametrize(("may_tell", "recorded"), [("yes", "k-17"), ("no", "<an id>")])
def test_one_id_is_on_record_in_prefect_only_where_ids_may_be(
    ledger: str, monkeypatch: pytest.MonkeyPatch, may_tell: str, recorded: str
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_IDS_IN_PREFECT", may_tell)

    assert suppress("k-17", ledger=ledger) == 1
    assert last_run()[1]["customers"] == recorded


def test_a_file_is_named_in_prefect_and_a_row_that_is_wrong_by_its_number(
    ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_IDS_IN_PREFECT", "no")
    path = tmp_path / "list.csv"
    path.write_text("customer_id,expires_at\nk-zebulon,soon\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 0: expires_at: 'soon' is no time"):
        suppress(str(path), ledger=ledger)

    _, parameters, state = last_run()
    assert parameters["customers"] == str(path)
    assert "zebulon" not in state


def test_a_deployment_puts_a_file_on_a_list_until_an_end_and_saves_what_is_there(
    ledger: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("customer_id\n0042\n0043\n", encoding="utf-8")
    end = datetime.now(UTC) + timedelta(days=90)
    given = {"customers": str(path), "expires_after": "P90D", "ledger": ledger}
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(suppress)
        deployment_id = client.create_deployment(flow_id, "suppress")
        run = client.create_flow_run_from_deployment(deployment_id, parameters=given)
    added: Any = run_flow(suppress, flow_run=run, parameters=run.parameters)
    listed = suppressed(ledger=ledger, save_to=str(tmp_path / "out"))

    assert added == 2
    assert all(abs(until - end) < timedelta(minutes=5) for until in listed["expires_at"])
    saved = pd.read_csv(tmp_path / "out" / "suppressed.csv", dtype="string")
    assert sorted(saved["customer_id"]) == ["0042", "0043"]


@pytest.mark.parametrize("number", [90, "90", 0.5], ids=repr)
def test_a_number_that_would_be_one_of_seconds_is_no_time_for_a_list(
    ledger: str, number: Any
) -> None:
    with pytest.raises(InputError, match="expires_after: must"):
        suppress(["0042"], expires_after=number, ledger=ledger)

    assert not Path(ledger.removeprefix("sqlite:///")).exists()


def test_the_form_takes_a_path_or_ids() -> None:
    schema = parameter_schema(suppress)
    kinds = [one["type"] for one in schema.properties["customers"]["anyOf"]]

    assert kinds == ["string", "array"]
    assert schema.required == ["customers"]
