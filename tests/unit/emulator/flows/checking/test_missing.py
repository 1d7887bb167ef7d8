import json
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator.flows.checking.check import check
from connect_tasks.emulator.flows.checking.missing import missing
from connect_tasks.emulator.flows.exported.forms import read_flow
from connect_tasks.emulator.flows.world.reading import read_world
from connect_tasks.emulator.flows.world.world import World
from tests.unit.emulator.flows.documents import WORLDS, action, document, flow_of, write

NOTHING = World()
PREFIX = "arn:aws:connect:eu-central-1:1:instance/i"
FLOW, HOOK = f"{PREFIX}/contact-flow/f", f"{PREFIX}/contact-flow/h"
QUEUE, HOURS = f"{PREFIX}/queue/q", f"{PREFIX}/operating-hours/o"
MODULE = f"{PREFIX}/flow-module/m"
BOT = "arn:aws:lex:eu-central-1:1:bot-alias/B/TSTALIASID"
FUNCTION = "arn:aws:lambda:eu-central-1:1:function:look-up"

NAMING: list[tuple[str, dict[str, Any], str, str]] = [
    ("TransferToFlow", {"ContactFlowId": FLOW}, "flows", FLOW),
    ("UpdateContactEventHooks", {"EventHooks": {"CustomerQueue": HOOK}}, "flows", HOOK),
    ("UpdateContactEventHooks", {"EventHooks": {"CustomerRemaining": HOOK}}, "flows", HOOK),
    ("UpdateContactEventHooks", {"EventHooks": {"CustomerWhisper": HOOK}}, "flows", HOOK),
    ("InvokeFlowModule", {"FlowModuleId": MODULE}, "modules", MODULE),
    ("ConnectParticipantWithLexBot", {"LexV2Bot": {"AliasArn": BOT}}, "bots", BOT),
    ("ConnectParticipantWithLexBot", {"LexBot": {"Name": "OrderBot"}}, "bots", "OrderBot"),
    ("UpdateContactTargetQueue", {"QueueId": QUEUE}, "queues", QUEUE),
    ("CheckMetricData", {"QueueId": QUEUE}, "queues", QUEUE),
    ("GetMetricData", {"QueueId": QUEUE}, "queues", QUEUE),
    ("CheckHoursOfOperation", {"HoursOfOperationId": HOURS}, "hours", HOURS),
    ("InvokeLambdaFunction", {"LambdaFunctionARN": FUNCTION}, "lambdas", FUNCTION),
]


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: path.stem)
def test_without_its_world_a_flow_lacks_just_what_its_world_file_names(path: Path) -> None:
    flow = read_flow(path.with_name(path.name.replace(".world", "")))
    named = json.loads(path.read_text(encoding="utf-8"))
    # Hours are those of the queue: only who has the queue can miss them.
    wanted = {name: sorted(entries) for name, entries in named.items() if name != "hours"}

    assert {name: sorted(found) for name, found in missing(flow, NOTHING).items()} == wanted
    assert missing(flow, read_world(path)) == {}


@pytest.mark.parametrize(
    ("action_type", "parameters", "member", "arn"), NAMING, ids=lambda value: str(value)[:40]
)
def test_whatever_an_action_names_is_missed(
    tmp_path: Path, action_type: str, parameters: dict[str, Any], member: str, arn: str
) -> None:
    flow = flow_of(tmp_path, action("one", action_type, parameters))

    assert [*missing(flow, NOTHING)] == [member]
    assert [*missing(flow, NOTHING)[member]] == [arn]
    assert [problem.identifier for problem in check(flow, NOTHING)][-2:] == ["one", ""]


@pytest.mark.parametrize(
    "parameters",
    [
        {"QueueId": "$.Attributes.queue"},
        {"QueueId": "$.External['queue']"},
        {"QueueId": "arn/$.Attributes.queue"},
        {"QueueId": ""},
        {"QueueId": 5},
        {"AgentId": "x"},
        {},
    ],
    ids=str,
)
def test_what_only_a_run_can_tell_is_not_missed(tmp_path: Path, parameters: dict[str, Any]) -> None:
    flow = flow_of(tmp_path, action("one", "UpdateContactTargetQueue", parameters))

    assert missing(flow, NOTHING) == {}


def test_hooks_that_no_customer_sees_anything_of_are_not_missed(tmp_path: Path) -> None:
    hooks = {"EventHooks": {"AgentWhisper": HOOK}}

    assert (
        missing(flow_of(tmp_path, action("one", "UpdateContactEventHooks", hooks)), NOTHING) == {}
    )


def test_a_version_of_a_flow_is_no_reference(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, action("one", "TransferToFlow", {"ContactFlowId": f"{FLOW}:$LATEST"}))

    assert [*missing(flow, NOTHING)["flows"]] == [f"{FLOW}:$LATEST"]


def test_what_is_named_twice_is_missed_once(tmp_path: Path) -> None:
    actions = [
        action(name, "UpdateContactTargetQueue", {"QueueId": QUEUE}) for name in ("one", "two")
    ]
    said = [str(problem) for problem in check(flow_of(tmp_path, *actions), NOTHING)]

    assert sum("the world has no queue" in text for text in said) == 1


def test_what_another_flow_names_is_missed_with_that_flows_file(tmp_path: Path) -> None:
    inner = document(action("one", "UpdateContactTargetQueue", {"QueueId": QUEUE}))
    write(tmp_path, inner, "inner.json")
    world = read_world(write(tmp_path, {"flows": {FLOW: "inner.json"}}, "w.json"))
    flow = flow_of(tmp_path, action("one", "TransferToFlow", {"ContactFlowId": FLOW}))
    (said,) = [found for found in check(flow, world) if "has no queue" in found.text]

    assert said.file == str(tmp_path / "inner.json")


def test_hours_of_a_queue_are_missed_where_a_flow_asks_for_them(tmp_path: Path) -> None:
    world = read_world(None, patch={"queues": {QUEUE: {"hours": HOURS}}})
    asks = flow_of(tmp_path, action("one", "CheckHoursOfOperation", {}))
    does_not = flow_of(tmp_path, action("one"))

    assert [*missing(asks, world)["hours"]] == [HOURS]
    assert missing(does_not, world) == {}


def test_hours_of_a_queue_are_missed_where_a_flow_names_the_queue(tmp_path: Path) -> None:
    queues = {QUEUE: {"hours": HOURS}, f"{QUEUE}-2": {"hours": f"{HOURS}-2"}}
    world = read_world(None, patch={"queues": queues})
    flow = flow_of(tmp_path, action("one", "UpdateContactTargetQueue", {"QueueId": QUEUE}))
    (said,) = [found for found in check(flow, world) if found.text.startswith("the world has no")]

    assert [*missing(flow, world)["hours"]] == [HOURS]
    assert (said.file, said.identifier) == (flow.file, "one")
    assert f"no hours of operation {HOURS}, which the queue has" in said.text
    hours = {HOURS: {"timeZone": "UTC", "open": {}}}
    assert missing(flow, read_world(None, patch={"queues": queues, "hours": hours})) == {}


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"parameters": {"QueueId": {"displayName": "Support"}}}, "Support"),
        ({"queue": {"text": "Support"}}, "Support"),
        ({"parameters": {"QueueId": {"displayName": 5}}}, "q"),
        ({"parameters": "x", "queue": []}, "q"),
        ([], "q"),
    ],
    ids=str,
)
def test_the_designers_name_is_used_where_there_is_one(
    tmp_path: Path, metadata: Any, name: str
) -> None:
    flow = flow_of(
        tmp_path,
        action("one", "UpdateContactTargetQueue", {"QueueId": QUEUE}),
        Metadata={"ActionMetadata": {"one": metadata}},
    )

    assert missing(flow, NOTHING)["queues"][QUEUE] == {"name": name}


def test_a_bot_goes_by_its_own_name_and_not_by_that_of_its_alias(tmp_path: Path) -> None:
    shown = {"LexV2Bot": {"AliasArn": {"displayName": "live", "lexV2BotName": "Order Bot"}}}
    flow = flow_of(
        tmp_path,
        action("one", "ConnectParticipantWithLexBot", {"LexV2Bot": {"AliasArn": BOT}}),
        Metadata={"ActionMetadata": {"one": {"parameters": shown}}},
    )

    assert missing(flow, NOTHING)["bots"] == {BOT: "Order-Bot.bot.json"}


def test_what_is_missing_can_be_pasted_into_a_world_file(tmp_path: Path) -> None:
    actions = [
        action(f"a{number}", action_type, parameters)
        for number, (action_type, parameters, _, _) in enumerate(NAMING)
    ]
    flow = flow_of(tmp_path, action("one"), *actions)
    said = check(flow, NOTHING)[-1].text
    members = json.loads(said.partition("\n")[2])
    for member in ("flows", "modules", "bots"):
        for file in members[member].values():
            content = {"intents": [{"name": "A"}]} if member == "bots" else document()
            write(tmp_path, content, file)

    assert members == missing(flow, NOTHING)
    assert missing(flow, read_world(write(tmp_path, members, "w.json"))) == {}


def test_a_bot_of_the_first_lex_is_found_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, {"bot": "OrderBot", "intents": [{"name": "A"}]}, "b.json")
    world = read_world(write(tmp_path, {"bots": {"any": "b.json"}}, "w.json"))
    lex = {"LexBot": {"Name": "OrderBot"}}

    assert (
        missing(flow_of(tmp_path, action("one", "ConnectParticipantWithLexBot", lex)), world) == {}
    )
