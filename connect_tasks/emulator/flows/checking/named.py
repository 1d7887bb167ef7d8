"""What the actions of a flow name by ARN, with the names that the designer showed for it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connect_tasks.emulator.flows.exported.document import Action, Flow
from connect_tasks.emulator.flows.run.references import references_in
from connect_tasks.emulator.flows.world.world import World, named

__all__ = ["Named", "is_in", "named_by", "reachable"]

Path = tuple[str, ...]

_MEMBERS: Mapping[str, tuple[tuple[Path, str], ...]] = {
    "CheckHoursOfOperation": ((("HoursOfOperationId",), "hours"),),
    "CheckMetricData": ((("QueueId",), "queues"),),
    "ConnectParticipantWithLexBot": (
        (("LexV2Bot", "AliasArn"), "bots"),
        (("LexBot", "Name"), "bots"),
    ),
    "GetMetricData": ((("QueueId",), "queues"),),
    "InvokeFlowModule": ((("FlowModuleId",), "modules"),),
    "InvokeLambdaFunction": ((("LambdaFunctionARN",), "lambdas"),),
    "TransferToFlow": ((("ContactFlowId",), "flows"),),
    # The hooks that a customer sees something of; the others run for agents only.
    "UpdateContactEventHooks": (
        (("EventHooks", "CustomerQueue"), "flows"),
        (("EventHooks", "CustomerRemaining"), "flows"),
        (("EventHooks", "CustomerWhisper"), "flows"),
    ),
    "UpdateContactTargetQueue": ((("QueueId",), "queues"),),
}
_LEX = "lexV2BotName"


@dataclass(frozen=True, slots=True)
class Named:
    """Something that an action names.

    Attributes:
        member: The member of a world that it belongs to.
        arn: Its ARN, or what stands for it.
        name: What the designer showed for it; empty if that is not known.
        flow: The flow.
        identifier: The action.
    """

    member: str
    arn: str
    name: str
    flow: Flow
    identifier: str


def named_by(flow: Flow) -> Iterator[Named]:
    """Everything that a flow names, in order; what only a run can tell is left out."""
    for action in flow.actions.values():
        for path, member in _MEMBERS.get(action.type, ()):
            arn = _at(action.parameters, path)
            if isinstance(arn, str) and arn and not references_in(arn):
                yield Named(member, arn, _shown_name(flow, action, path), flow, action.identifier)


def is_in(world: World, thing: Named) -> bool:
    """Whether a world has it."""
    table: Mapping[str, Any] = getattr(world, thing.member)
    if named(table, thing.arn) is not None:
        return True
    return thing.member == "bots" and any(bot.bot == thing.arn for bot in world.bots.values())


def reachable(flow: Flow, world: World) -> list[Flow]:
    """A flow, and every flow and module of the world that it can come to, each once."""
    # A file may be named twice, each time in another way.
    found, waiting = {(flow.name, flow.content): flow}, [flow]
    while waiting:
        for other in _led_to(waiting.pop(0), world):
            if (other.name, other.content) not in found:
                found[other.name, other.content] = other
                waiting.append(other)
    return list(found.values())


def _led_to(flow: Flow, world: World) -> Iterator[Flow]:
    for thing in named_by(flow):
        if thing.member in ("flows", "modules"):
            table: Mapping[str, Flow] = getattr(world, thing.member)
            found = named(table, thing.arn)
            if found is not None:
                yield found[1]


def _shown_name(flow: Flow, action: Action, path: Path) -> str:
    """What the designer showed; older exports have it beside the parameters."""
    metadata = _metadata(flow).get(action.identifier)
    at = _at(metadata, ("parameters", *path))
    candidates = [
        _at(at, (_LEX,)) or _at(metadata, (_LEX,)) if path[-1] == "AliasArn" else None,
        _at(at, ("displayName",)),
        *(_at(metadata, (name, "text")) for name in _beside(path)),
    ]
    return next((text for text in candidates if isinstance(text, str) and text), "")


def _beside(path: Path) -> tuple[str, ...]:
    """Where older exports have a name: `QueueId` is shown by `queue.text`."""
    name = re.sub("(Id|ARN)$", "", path[0])
    name = "ContactFlow" if path[0] == "EventHooks" else name
    return name, name[:1].lower() + name[1:]


def _metadata(flow: Flow) -> Mapping[str, Any]:
    for name in ("ActionMetadata", "actionMetadata"):
        given = flow.metadata.get(name)
        if isinstance(given, Mapping):
            return given
    return {}


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
