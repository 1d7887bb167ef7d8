"""The flow under test, and the world that a case changes for itself."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from connect_tasks.emulator import LocalConnect
from connect_tasks.testing import read_cases, rehearse_cases
from connect_tasks.testing.flow_under_test import FlowUnderTest
from connect_tasks.testing.rehearsing import flow_under_test
from connect_tasks.testing.script import Script

FLOWS = Path(__file__).parents[3] / "data" / "flows"
QUEUES = Script(world_patch={"queues": None})


def test_the_flows_of_a_local_connect_stay_when_a_case_changes_something_else() -> None:
    files = [FLOWS / "queue-hours.json", FLOWS / "survey-branches.json"]
    local = LocalConnect(flow_files=files, world=FLOWS / "queue-hours.world.json")
    flow = flow_under_test(local)

    changed = flow._world_of({"queues": None})
    without = flow._world_of({"flows": None})

    assert set(changed.flows) == set(flow.world.flows)
    assert {"queue-hours", "survey-branches"} <= {one.name for one in changed.flows.values()}
    assert (dict(changed.queues), dict(without.flows)) == ({}, {})


def test_what_a_case_changes_is_so_for_it_alone() -> None:
    flow = FlowUnderTest.read(FLOWS / "queue-hours.json", FLOWS / "queue-hours.world.json")

    before, changed, after = (flow.play(script) for script in (Script(), QUEUES, Script()))

    assert [line.text for line in changed.lines] == ["Sorry, we cannot connect you now."]
    assert before.end == after.end == {"state": "queued", "queue": "Support"}


def test_a_flow_without_a_world_takes_its_error_branches_and_what_is_missing_is_told() -> None:
    flow = FlowUnderTest.read(FLOWS / "queue-hours.json")

    assert [line.text for line in flow.play(Script()).lines] == [
        "Sorry, we cannot connect you now."
    ]
    assert any("queue" in warning for warning in flow.warnings())


MODULE = "arn:aws:connect:us-east-1:1:instance/i/flow-module/m"


def written(path: Path, *actions: dict[str, Any]) -> Path:
    """A flow called `twin`, whatever its file is called; it begins at the first action."""
    document = {
        "Version": "2019-10-30",
        "StartAction": actions[0]["Identifier"],
        "Metadata": {"name": "twin"},
        "Actions": list(actions),
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def twins(folder: Path) -> tuple[Path, Path]:
    """A flow and the module that it invokes, of one name and with actions of the same names."""
    on = {"NextAction": "2", "Errors": [], "Conditions": []}
    first = {"Identifier": "1", "Parameters": {}, "Transitions": on}
    flow = written(
        folder / "flow.json",
        {**first, "Type": "InvokeFlowModule", "Parameters": {"FlowModuleId": MODULE}},
        {**first, "Identifier": "2", "Type": "DisconnectParticipant", "Transitions": {}},
    )
    written(
        folder / "module.json",
        {**first, "Type": "MessageParticipant", "Parameters": {"Text": "Hello"}},
        {**first, "Identifier": "2", "Type": "EndFlowModuleExecution", "Transitions": {}},
    )
    world = folder / "world.json"
    world.write_text(json.dumps({"modules": {MODULE: "module.json"}}), encoding="utf-8")
    return flow, world


def test_a_module_that_is_called_like_its_flow_is_counted_by_itself(tmp_path: Path) -> None:
    flow, world = twins(tmp_path)
    patch = json.dumps({"queues": {"q": {"name": "Q"}}})
    table = pd.DataFrame(
        {"case": ["a", "b"], "contains": ["Hello"] * 2, "world_patch": [None, patch]}
    )
    result = rehearse_cases(read_cases(table), connect=flow, world=world)

    assert result.passed
    rows = result.coverage[["flow", "type", "times"]].itertuples(index=False)
    assert [tuple(row) for row in rows] == [
        ("twin", "InvokeFlowModule", 2),
        ("twin", "DisconnectParticipant", 2),
        ("twin (module.json)", "MessageParticipant", 2),
        ("twin (module.json)", "EndFlowModuleExecution", 2),
    ]
    assert result.coverage_svg("twin (module.json)") != result.coverage_svg("twin")


def test_a_flow_that_its_world_names_too_is_there_once_however_it_is_written(
    tmp_path: Path,
) -> None:
    flow, world = twins(tmp_path)
    (tmp_path / "below").mkdir()
    around = {"flows": {"arn:1": "below/../flow.json"}, "modules": {MODULE: "module.json"}}
    world.write_text(json.dumps(around), encoding="utf-8")
    read = FlowUnderTest.read(os.path.relpath(flow), world)

    assert [one.name for one in read.flows] == ["twin", "twin (module.json)"]
    assert LocalConnect(flow_files=[os.path.relpath(flow)], world=world).flow == "twin"
