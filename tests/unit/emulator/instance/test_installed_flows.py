import uuid
from dataclasses import replace

import pytest

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.scripts import FLOWS
from connect_tasks.emulator.flows.world.world import World
from connect_tasks.emulator.instance.identity import INSTANCE_ID, instance_arn
from connect_tasks.emulator.instance.installed_flows import InstalledFlows
from tests.unit.emulator.flows.run.building import flow, say

ARN = f"arn:aws:connect:eu-west-2:1:instance/i/contact-flow/{uuid.UUID(int=7)}"


def named(name: str, *, arn: str = "", file: str = "") -> Flow:
    return replace(flow(say("Hello")), name=name, arn=arn, file=file or f"{name}.json")


def test_scripted_and_exported_flows_are_there_by_their_names() -> None:
    flows = InstalledFlows(INSTANCE_ID, files=[named("mine")])
    assert set(flows.ids) == {*FLOWS, "mine"}
    assert set(flows.exported) == {"mine"}


def test_an_exported_flow_that_knows_its_arn_keeps_its_id_here() -> None:
    flows = InstalledFlows(INSTANCE_ID, files=[named("mine", arn=ARN)])
    assert flows.ids["mine"] == str(uuid.UUID(int=7))
    assert flows.arn_of("mine") == f"{instance_arn(INSTANCE_ID)}/contact-flow/{uuid.UUID(int=7)}"


def test_other_ids_follow_from_the_name_so_that_a_run_can_be_repeated() -> None:
    one, other = (InstalledFlows(INSTANCE_ID, files=[named("mine")]) for _ in range(2))
    assert one.ids == other.ids
    assert len(set(one.ids.values())) == len(one.ids)
    assert InstalledFlows(str(uuid.UUID(int=1)), files=[named("mine")]).ids != one.ids


def test_a_flow_is_found_by_its_id_and_by_its_arn_and_nothing_else() -> None:
    flows = InstalledFlows(INSTANCE_ID, files=[named("mine")])
    for name in ("mine", *FLOWS):
        assert flows.name_of(flows.ids[name]) == name
        assert flows.name_of(flows.arn_of(name)) == name
    assert flows.name_of("mine") is None
    assert flows.name_of("") is None


def test_flows_of_the_world_can_be_started_and_keep_the_ids_of_their_arns() -> None:
    flows = InstalledFlows(INSTANCE_ID, world=World(flows={ARN: named("other")}))
    assert flows.ids["other"] == str(uuid.UUID(int=7))


def test_every_exported_flow_can_be_transferred_to_by_its_arn_here() -> None:
    given = World(flows={ARN: named("other")})
    flows = InstalledFlows(INSTANCE_ID, files=[named("mine")], world=given)
    assert flows.world.flows[flows.arn_of("mine")].name == "mine"
    assert flows.world.flows[flows.arn_of("other")].name == "other"
    assert flows.world.flows[ARN].name == "other"


def test_a_file_that_is_given_twice_is_there_once() -> None:
    same = named("mine")
    flows = InstalledFlows(INSTANCE_ID, files=[same, same], world=World(flows={ARN: same}))
    assert list(flows.exported) == ["mine"]


@pytest.mark.parametrize("name", ["mine", next(iter(FLOWS))])
def test_two_flows_of_the_same_name_are_refused_with_both_places(name: str) -> None:
    files = [named("mine", file="a.json"), named(name, file="b.json")]
    with pytest.raises(ValueError, match=r"b\.json.*taken by (a\.json|a scripted flow)"):
        InstalledFlows(INSTANCE_ID, files=files)
