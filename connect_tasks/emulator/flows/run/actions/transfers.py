"""Actions that lead into other flows and modules, wait, or end the flow."""

from datetime import timedelta

from connect_tasks.emulator.flows.exported.document import Action
from connect_tasks.emulator.flows.run.actions.functions import take_answer
from connect_tasks.emulator.flows.run.context import Context
from connect_tasks.emulator.flows.run.numbers import whole
from connect_tasks.emulator.flows.run.outcomes import (
    Await,
    Disconnected,
    Done,
    Ended,
    Failed,
    GoTo,
    Heard,
    Outcome,
    Play,
    Result,
    Returned,
)
from connect_tasks.emulator.flows.world.world import named

__all__ = ["disconnect", "end_flow", "end_module", "invoke_module", "transfer_to_flow", "wait"]

_LONGEST_WAIT = 604_800


def transfer_to_flow(context: Context, action: Action) -> Outcome:
    """Go on in another flow, at its start."""
    arn = context.text(action.parameters, "ContactFlowId")
    found = named(context.world.flows, arn)
    return GoTo(found[1]) if found else Failed(f"no flow {arn}")


def invoke_module(context: Context, action: Action) -> Play:
    """Play a module, and go on by the branch that it came out by.

    Flow attributes and the input of an outer module are as before when it is over.
    """
    arn = context.text(action.parameters, "FlowModuleId")
    found = named(context.world.modules, arn)
    if found is None:
        return Failed(f"no module {arn}")
    memory, caller = context.memory, context.flow
    kept_attributes, kept_modules = memory.flow_attributes, memory.modules
    memory.flow_attributes = {}
    memory.modules = {"Input": memory.deep(action.parameters.get("Input"))}
    outcome = yield from context.play_module(found[1])
    if not isinstance(outcome, Returned | Failed):
        return outcome
    context.flow = caller
    memory.flow_attributes, memory.modules = kept_attributes, kept_modules
    if isinstance(outcome, Failed):
        return outcome
    memory.modules = {**kept_modules, "Result": outcome.result, "ResultData": outcome.data}
    return Done() if outcome.result is None else Result(outcome.result)


def end_module(context: Context, action: Action) -> Outcome:
    """Come out of a module."""
    result = action.parameters.get("Result")
    data = context.memory.deep(action.parameters.get("ResultData"))
    return Returned(None if result is None else context.memory.text(result), data)


def wait(context: Context, action: Action) -> Play:
    """Wait for the time, or for the customer to say something where that is asked for."""
    given = action.parameters.get("TimeLimitSeconds", action.parameters.get("TimeoutSeconds", ""))
    seconds = whole(context.memory.text(given))
    if seconds is None or seconds > _LONGEST_WAIT:
        return Failed(f"TimeLimitSeconds is no whole number up to {_LONGEST_WAIT}")
    events = action.parameters.get("Events") or ()
    until = context.now + timedelta(seconds=seconds)
    event = yield Await(until, listens="CustomerReturned" in events)
    _take_pending(context)
    return Result("CustomerReturned" if isinstance(event, Heard) else "WaitCompleted")


def _take_pending(context: Context) -> None:
    """Take what asynchronous functions have returned meanwhile, the last of them last."""
    ready = [late for late in context.pending if late.at <= context.now]
    for late in sorted(ready, key=lambda late: late.at):
        take_answer(context, late.action, late.answer)
    context.pending = [late for late in context.pending if late.at > context.now]


def disconnect(_context: Context, _action: Action) -> Outcome:
    """End the contact."""
    return Disconnected()


def end_flow(_context: Context, _action: Action) -> Outcome:
    """End the flow."""
    return Ended()
