"""What a flow names and its world lacks, as members that can be pasted into the world file."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connect_tasks.emulator.flows.checking.named import Named, is_in, named_by, reachable
from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.exported.problems import Problem
from connect_tasks.emulator.flows.world.world import Queue, World, named

__all__ = ["missing", "missing_problems"]

_KINDS = {
    "bots": "bot",
    "flows": "flow",
    "hours": "hours of operation",
    "lambdas": "function",
    "modules": "module",
    "queues": "queue",
}
_ORDER = ("flows", "modules", "bots", "queues", "hours", "lambdas")
_WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")


def missing(flow: Flow, world: World) -> dict[str, dict[str, Any]]:
    """The members that a world file needs besides, as it would have them.

    Files of flows, modules and bots are those that somebody has to provide; all else is a
    beginning that can be used at once.

    Args:
        flow: The flow; those that it leads to are looked at, too.
        world: What the world file has already.
    """
    members: dict[str, dict[str, Any]] = {}
    lacking = [*_lacking(reachable(flow, world), world), *_hours_of_queues(world, flow)]
    for thing in lacking:
        members.setdefault(thing.member, {}).setdefault(thing.arn, _beginning(thing))
    return {name: members[name] for name in _ORDER if name in members}


def missing_problems(flow: Flow, world: World) -> Iterator[Problem]:
    """The same for people: each thing with its place, and what to paste into the world file."""
    told: set[tuple[str, str]] = set()
    for thing in [*_lacking(reachable(flow, world), world), *_hours_of_queues(world, flow)]:
        if (thing.member, thing.arn) not in told:
            told.add((thing.member, thing.arn))
            yield Problem(thing.flow.file, thing.identifier, _text(thing))
    if told:
        snippet = json.dumps(missing(flow, world), indent=2, ensure_ascii=False)
        yield Problem(
            flow.file, "", f"the world lacks {len(told)}; paste into the world file:\n{snippet}"
        )


def _lacking(flows: Iterable[Flow], world: World) -> Iterator[Named]:
    for flow in flows:
        yield from (thing for thing in named_by(flow) if not is_in(world, thing))


def _hours_of_queues(world: World, flow: Flow) -> Iterator[Named]:
    """Hours that queues of the world have, where a flow asks for them or names the queue."""
    asking = [
        (each, action.identifier)
        for each in reachable(flow, world)
        for action in each.actions.values()
        if action.type == "CheckHoursOfOperation"
        and not action.parameters.get("HoursOfOperationId")
    ]
    of_all = [(queue, *asking[0]) for queue in world.queues.values()] if asking else []
    for queue, each, identifier in [*of_all, *_queues_named(world, flow)]:
        if queue.hours:
            thing = Named("hours", queue.hours, "", each, identifier)
            yield from () if is_in(world, thing) else (thing,)


def _queues_named(world: World, flow: Flow) -> Iterator[tuple[Queue, Flow, str]]:
    for each in reachable(flow, world):
        for thing in named_by(each):
            found = named(world.queues, thing.arn) if thing.member == "queues" else None
            if found is not None:
                yield found[1], each, thing.identifier


def _text(thing: Named) -> str:
    if thing.member == "hours" and "Hours" not in thing.flow.actions[thing.identifier].type:
        return (
            f"the world has no hours of operation {thing.arn}, which the queue has;"
            " whatever asks for them takes its error branch."
        )
    shown = f"{thing.name!r} ({thing.arn})" if thing.name else thing.arn
    return f"the world has no {_KINDS[thing.member]} {shown}; without it comes the error branch."


def _beginning(thing: Named) -> Any:
    """What a world file could have for it."""
    name = thing.name or re.split("[/:]", thing.arn)[-1]
    file = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "unnamed"
    beginnings: Mapping[str, Any] = {
        "flows": f"{file}.json",
        "modules": f"{file}.json",
        "bots": f"{file}.bot.json",
        "queues": {"name": name},
        "hours": {
            "name": name,
            "timeZone": "UTC",
            "open": {day: ["09:00", "17:00"] for day in _WEEKDAYS},
        },
        "lambdas": {"otherwise": {"return": {}}},
    }
    return beginnings[thing.member]
