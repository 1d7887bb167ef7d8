"""The flow under test, and the world that a case changes for itself."""

from pathlib import Path

from connect_tasks.emulator import LocalConnect
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
