"""Flows to test with: the corpus, and small ones made by hand."""

import json
from pathlib import Path
from typing import Any

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.exported.forms import read_flow
from connect_tasks.emulator.flows.exported.problems import FlowFileError, Problem

CORPUS = Path(__file__).parents[4] / "data" / "flows"
FLOWS = sorted(
    path
    for path in CORPUS.glob("*.json")
    if not path.name.endswith((".expected.json", ".world.json", ".bot.json"))
)
WORLDS = sorted(CORPUS.glob("*.world.json"))
BOTS = sorted(CORPUS.glob("*.bot.json"))

ARN = "arn:aws:connect:eu-central-1:111122223333:instance/6f1c/queue/one"


def action(
    identifier: str = "one",
    action_type: str = "DisconnectParticipant",
    parameters: Any = None,
    **transitions: Any,
) -> dict[str, Any]:
    return {
        "Identifier": identifier,
        "Type": action_type,
        "Parameters": {} if parameters is None else parameters,
        "Transitions": transitions,
    }


def document(*actions: Any, **members: Any) -> dict[str, Any]:
    given = list(actions) or [action()]
    return {"Version": "2019-10-30", "StartAction": "one", "Actions": given} | members


def condition(operand: Any, next_action: str, operator: str = "Equals") -> dict[str, Any]:
    return {
        "NextAction": next_action,
        "Condition": {"Operator": operator, "Operands": [operand]},
    }


def error(error_type: str, next_action: str) -> dict[str, str]:
    return {"NextAction": next_action, "ErrorType": error_type}


def write(folder: Path, content: Any, name: str = "flow.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def flow_of(folder: Path, *actions: Any, **members: Any) -> Flow:
    return read_flow(write(folder, document(*actions, **members)))


def problems_of(path: Path) -> tuple[Problem, ...]:
    """What is wrong with a flow's file; nothing if it can be read."""
    try:
        read_flow(path)
    except FlowFileError as found:
        return found.problems
    return ()


def texts_of(path: Path) -> list[str]:
    return [f"{problem.identifier}: {problem.text}" for problem in problems_of(path)]
