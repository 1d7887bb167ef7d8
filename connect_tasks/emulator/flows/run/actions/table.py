"""The table of actions: what each type of the Flow language does in a chat."""

from collections.abc import Callable, Mapping

from connect_tasks.emulator.flows.exported.document import Action
from connect_tasks.emulator.flows.run.actions.attributes import (
    update_contact_attributes,
    update_contact_data,
    update_flow_attributes,
)
from connect_tasks.emulator.flows.run.actions.bots import talk_with_bot
from connect_tasks.emulator.flows.run.actions.checks import (
    check_hours,
    check_metric,
    compare,
    distribute,
    get_metrics,
    loop,
)
from connect_tasks.emulator.flows.run.actions.functions import invoke_function
from connect_tasks.emulator.flows.run.actions.messages import (
    message_participant,
    message_repeatedly,
    show_view,
)
from connect_tasks.emulator.flows.run.actions.routing import (
    set_event_hooks,
    set_target_queue,
    transfer_to_queue,
)
from connect_tasks.emulator.flows.run.actions.transfers import (
    disconnect,
    end_flow,
    end_module,
    invoke_module,
    transfer_to_flow,
    wait,
)
from connect_tasks.emulator.flows.run.context import Context
from connect_tasks.emulator.flows.run.kinds import NO_EFFECT, OTHER_SERVICES, VOICE_ONLY
from connect_tasks.emulator.flows.run.outcomes import Done, Failed, Outcome, Play
from connect_tasks.emulator.flows.steps import SYSTEM_MESSAGE, Say

__all__ = ["ACTIONS", "handler_of"]

Handler = Callable[[Context, Action], Play | Outcome]
"""Does one action: an outcome at once, or step by step."""

ACTIONS: Mapping[str, Handler] = {
    "CheckHoursOfOperation": check_hours,
    "CheckMetricData": check_metric,
    "Compare": compare,
    "ConnectParticipantWithLexBot": talk_with_bot,
    "DisconnectParticipant": disconnect,
    "DistributeByPercentage": distribute,
    "EndFlowExecution": end_flow,
    "EndFlowModuleExecution": end_module,
    "GetMetricData": get_metrics,
    "InvokeFlowModule": invoke_module,
    "InvokeLambdaFunction": invoke_function,
    "Loop": loop,
    "MessageParticipant": message_participant,
    "MessageParticipantIteratively": message_repeatedly,
    "ShowView": show_view,
    "TransferContactToQueue": transfer_to_queue,
    "TransferToFlow": transfer_to_flow,
    "UpdateContactAttributes": update_contact_attributes,
    "UpdateContactData": update_contact_data,
    "UpdateContactEventHooks": set_event_hooks,
    "UpdateContactTargetQueue": set_target_queue,
    "UpdateFlowAttributes": update_flow_attributes,
    "Wait": wait,
}
"""The types that do in a chat what their documentation says."""


def handler_of(action_type: str) -> Handler:
    """What does actions of a type, also of one that nothing here knows."""
    if action_type in ACTIONS:
        return ACTIONS[action_type]
    if action_type in NO_EFFECT:
        return _lead_on
    return _for_calls if action_type in VOICE_ONLY else _not_here


def _lead_on(context: Context, action: Action) -> Outcome:
    if action.type == "UpdateContactMediaProcessing":
        context.warn(f"{action.identifier}: its function would change messages; here it does not")
    return Done("no effect in a chat")


def _for_calls(context: Context, action: Action) -> Play:
    text = context.memory.shown(action.parameters.get("Text", ""))
    if text and context.memory.assumptions.voice_only == "text":
        yield Say(SYSTEM_MESSAGE, text)
    if action.type == "UpdateContactCallbackNumber":
        return Failed("a chat has no number to call back", "InvalidCallbackNumber")
    return Failed("works for calls only")


def _not_here(context: Context, action: Action) -> Outcome:
    known = action.type in OTHER_SERVICES
    reason = "needs a service that is not here" if known else "is not known here"
    context.warn(f"{action.identifier}: {action.type} {reason}; it takes its error branch")
    return Failed(f"{action.type} {reason}")
