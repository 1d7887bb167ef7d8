"""Regression: cases with a flow's file and with an instance, with a Prefect server and without."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import ArtifactSort, FlowRunSort

from connect_tasks import Conversation
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import CasesFailedError, InputError
from connect_tasks.flows.regression import regression
from tests.functional.test_flows_undecorated import FLOWS

FILES = Path(__file__).parents[2] / "data" / "flows"
FLOW, WORLD = FILES / "order-status-bot.json", FILES / "order-status-bot.world.json"
CASES = FILES / "cases.csv"
QUICK = Conversation(settle_seconds=0.2, reply_timeout_seconds=3)
# What only a rehearsal can do.
REHEARSED_ONLY = {
    "slot never filled: intent fails, error branch, queue": "queue: Amazon does not tell its name",
    "not understood, then silence in the second bot block": "silence_seconds: no time can be",
    "queue is full": "world_patch: what is around the flow is the instance's",
}


@pytest.fixture
def flows() -> Iterator[LocalConnect]:
    """An instance on which the exported flow runs."""
    quotas = LocalQuotas.unlimited()
    with LocalConnect(flow_files=[FLOW], world=WORLD, quotas=quotas) as local:
        yield local


def on_instance(local: LocalConnect, ledger: str, cases: Any = CASES, **options: Any) -> Any:
    """The flow without its decorator."""
    given = {"conversation": QUICK, "ledger": ledger, **options}
    return FLOWS["regression"](cases, connect=local.instance(), **given)


def test_a_flows_file_is_rehearsed_without_prefect_and_without_contacts() -> None:
    result = FLOWS["regression"](CASES, connect=str(FLOW), world=str(WORLD), every_line=True)

    assert result.difference == ""
    assert len(result.table) == 5


def test_on_an_instance_each_case_is_a_contact_and_what_cannot_be_played_is_refused(
    flows: LocalConnect, ledger: str
) -> None:
    table = on_instance(flows, ledger).table.set_index("case")

    assert len(flows.contacts) == 2
    assert table.loc["slot in the first sentence", "difference"] == ""
    assert table.loc["slot asked for, once wrong", "difference"] == ""
    for name, reason in REHEARSED_ONLY.items():
        assert not table.loc[name, "passed"]
        assert "only rehearsed" in table.loc[name, "difference"]
        assert reason in table.loc[name, "difference"]
    assert {str(contact.contact_id) for contact in flows.contacts} == set(
        table["contact_id"].dropna()
    )


def test_a_difference_on_an_instance_is_found_line_by_line(
    flows: LocalConnect, ledger: str
) -> None:
    cases = pd.DataFrame(
        [
            {"case": "a", "attributes.firstName": "Eve", "contains": "Welcome"},
            {"says": "Where is order AB1234?", "equals": "Order AB1234 is lost."},
            {"says": "bye", "equals": "Goodbye, Eve.", "attributes_after.lastOrder": "AB9999"},
            {"case": "b", "says": "bye", "contains": "Goodbye", "end_reason": "API"},
            {"case": "c", "says": "x" * 2_000, "contains": "Goodbye"},
        ]
    )
    table = on_instance(flows, ledger, cases).table

    assert table["difference"][0].splitlines() == [
        "expected Order AB1234 is lost., but it was BOT: Order AB1234 left our warehouse.",
        "attribute lastOrder: expected AB9999, but it was AB1234",
    ]
    assert table["difference"][1] == (
        "end: expected API, but it was ended, CONTACT_FLOW_DISCONNECT"
    )
    assert "not played to its end: rejected" in table["difference"][2]
    assert "1,024 characters" in table["difference"][2]


def test_a_second_run_is_a_new_campaign_unless_it_is_named(
    flows: LocalConnect, ledger: str
) -> None:
    cases = pd.DataFrame({"says": ["bye"], "contains": ["Goodbye"]})
    for _ in range(2):
        assert on_instance(flows, ledger, cases).passed
    assert len(flows.contacts) == 2

    for _ in range(2):
        assert on_instance(flows, ledger, cases, campaign="nightly").passed
    assert len(flows.contacts) == 3


def test_an_initial_message_goes_with_the_start(flows: LocalConnect, ledger: str) -> None:
    cases = pd.DataFrame(
        {"initial_message": ["Hi"], "says": ["bye"], "contains": ["Goodbye"], "end_state": "ended"}
    )
    result = on_instance(flows, ledger, cases)
    rehearsed = FLOWS["regression"](cases, connect=flows)

    assert result.difference == ""
    # The same lines, wherever it is played.
    assert list(result.lines["actual"][:4]) == list(rehearsed.lines["actual"][:4])
    assert list(result.lines["actual"])[:2] == [
        "Welcome to Example Shop.",
        "How can we help? You can ask for the status of an order, or for an agent.",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"world": str(WORLD)}, "an instance has its own", id="a world"),
        pytest.param(
            {"conversation": Conversation(messages=("Hi",))}, "must be empty", id="messages"
        ),
        pytest.param(
            {"cases": pd.DataFrame({"says": ["x"], "silence_seconds": [5], "equals": ["y"]})},
            "No case can be played",
            id="nothing to play",
        ),
    ],
)
def test_what_cannot_be_done_on_an_instance_is_told_before_anybody_is_contacted(
    flows: LocalConnect, ledger: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        on_instance(flows, ledger, **options)
    assert flows.contacts == []


def test_the_result_is_written_as_junit_xml_also_when_the_run_fails(tmp_path: Path) -> None:
    table = pd.read_csv(CASES, dtype="string")
    table.loc[0, "equals"] = "Welcome to the moon."
    with pytest.raises(CasesFailedError, match="Welcome to the moon"):
        FLOWS["regression"](
            table,
            connect=FLOW,
            world=WORLD,
            junit=str(tmp_path / "out" / "junit.xml"),
            fail_on_difference=True,
        )

    root = ET.parse(tmp_path / "out" / "junit.xml").getroot()  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures")) == ("5", "1")


TEST = """
from connect_tasks.testing import cases

@cases("cases.csv")
def test_the_flow(case):
    case.check({flow!r}, world={world!r})
"""


def test_three_lines_make_a_failing_test_of_a_failing_case(tmp_path: Path) -> None:
    table = CASES.read_text(encoding="utf-8")
    changed = table.replace("Order AB1234 left our warehouse.", "Order AB1234 is lost.")
    (tmp_path / "cases.csv").write_text(changed, encoding="utf-8")
    (tmp_path / "test_flow.py").write_text(TEST.format(flow=str(FLOW), world=str(WORLD)), "utf-8")

    # From another folder: the table is found beside the test.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", env=dict(os.environ)
    )

    assert "1 failed, 4 passed" in done.stdout
    assert "CasesFailedError" in done.stdout
    assert "! BOT: Order AB1234 left our warehouse." in done.stdout
    assert "Order AB1234 is lost." in done.stdout


# --- the command ---


def test_the_command_plays_expected_files_and_says_by_its_code_what_came_of_it(
    tmp_path: Path,
) -> None:
    files = [str(path) for path in sorted(FILES.glob("*.expected.json"))]
    command = [sys.executable, "-m", "connect_tasks.testing"]
    done = subprocess.run([*command, *files, "--json"], capture_output=True, check=True)
    broken = subprocess.run(
        [*command, str(tmp_path / "nowhere.json")], capture_output=True, check=False
    )

    assert (len(json.loads(done.stdout)), done.stderr) == (20, b"")
    assert (broken.returncode, b"Traceback" in broken.stderr) == (2, False)


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    files = [str(path) for path in sorted(FILES.glob("*.expected.json"))] * 20
    command = [sys.executable, "-m", "connect_tasks.testing", *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


# --- on a Prefect server ---


@pytest.mark.usefixtures("prefect_home")
def test_a_run_says_how_many_came_as_expected_and_shows_the_cases_in_an_artifact() -> None:
    table = pd.read_csv(CASES, dtype="string")
    table.loc[0, "equals"] = "Welcome to the moon."
    result = regression(table, connect=LocalConnect(flow_files=[FLOW], world=WORLD))

    assert not result.passed
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
        (artifact,) = client.read_artifacts(sort=ArtifactSort.CREATED_DESC, limit=1)
    assert run.state is not None
    assert run.name == f"regression · {len(table)} rows"
    assert (run.state.name, run.state.message) == ("Differences", result.summary)
    # The table is no parameter, and neither is what it is compared with.
    assert "moon" not in json.dumps(run.parameters)
    assert run.parameters["cases"]["rows"] == len(table)
    shown = json.loads(str(artifact.data))
    assert artifact.key == "regression-order-status-bot"
    assert [row["passed"] for row in shown] == ["no", "yes", "yes", "yes", "yes"]
    assert "Welcome to the moon." in shown[0]["difference"]


@pytest.mark.usefixtures("prefect_home")
def test_a_run_fails_where_it_is_asked_to() -> None:
    table = pd.DataFrame({"says": ["bye"], "equals": ["Never"]})
    state = regression(
        table, connect=str(FLOW), world=str(WORLD), fail_on_difference=True, return_state=True
    )

    assert state.is_failed()
    assert regression(CASES, connect=str(FLOW), world=str(WORLD), fail_on_difference=True).passed


@pytest.mark.usefixtures("prefect_home")
def test_a_name_is_that_of_a_saved_instance() -> None:
    with pytest.raises(InputError, match="no Amazon Connect instance saved under the name"):
        regression(CASES, connect="nobody-saved-this")
