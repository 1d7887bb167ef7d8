"""Actions that decide where a contact goes, and which flows its events run."""

from collections.abc import Mapping
from typing import Any

from connect_tasks.emulator.flows.exported.document import Action
from connect_tasks.emulator.flows.run.context import Context
from connect_tasks.emulator.flows.run.outcomes import Done, Failed, Outcome, Queued
from connect_tasks.emulator.flows.world.world import named

__all__ = ["set_event_hooks", "set_target_queue", "transfer_to_queue"]

_SHOWN = frozenset({"CustomerQueue", "CustomerRemaining", "CustomerWhisper"})
_UNSEEN = frozenset(
    {"AgentWhisper", "DefaultAgentUI", "DisconnectAgentUI", "PauseContact", "ResumeContact"}
)


def set_target_queue(context: Context, action: Action) -> Outcome:
    """Name the queue that the contact is to go to."""
    arn = context.text(action.parameters, "QueueId")
    found = named(context.world.queues, arn) if arn else None
    if found is None:
        return Failed(f"no queue {arn}" if arn else "queues of single agents are not known here")
    context.memory.queue = found
    return Done()


def transfer_to_queue(context: Context, _action: Action) -> Outcome:
    """Put the contact into its target queue, which ends the flow."""
    if context.memory.queue is None:
        return Failed("no target queue is set")
    _, queue = context.memory.queue
    if not queue.enabled:
        return Failed(f"the queue {queue.name} is disabled")
    if queue.capacity is not None and queue.waiting >= queue.capacity:
        return Failed(f"{queue.waiting} wait of {queue.capacity}", "QueueAtCapacity")
    return Queued()


def set_event_hooks(context: Context, action: Action) -> Outcome:
    """Say which flow an event of the contact runs, or that none does."""
    hooks = action.parameters.get("EventHooks") or {}
    switches = action.parameters.get("EventHooksConfiguration") or {}
    if not isinstance(hooks, Mapping) or not isinstance(switches, Mapping):
        return Failed("EventHooks is no object")
    if not hooks and not switches:
        return Failed("there are no EventHooks")
    for event, switch in switches.items():
        _switch(context, event, switch)
    problems = [_hook(context, event, flow) for event, flow in hooks.items()]
    return next((Failed(problem) for problem in problems if problem), Done())


def _switch(context: Context, event: str, switch: Any) -> None:
    off = isinstance(switch, Mapping) and str(switch.get("DisableExecution")).lower() == "true"
    (context.hooks.disabled.add if off else context.hooks.disabled.discard)(event)


def _hook(context: Context, event: str, flow: Any) -> str | None:
    if event in _UNSEEN:
        return None
    if event not in _SHOWN:
        return f"a chat has no event {event}"
    found = named(context.world.flows, context.memory.text(flow))
    if found is None:
        return f"no flow {context.memory.text(flow)}"
    context.hooks.flows[event] = found[1]
    return None
