"""Checks a flow against its world: all that people should know before it runs, at once.

Nothing here stops a flow: it runs, and what is said here is where it will not do what it does in
Amazon Connect, or where Amazon Connect would not take it.
"""

from collections.abc import Callable, Iterator, Mapping

from connect_tasks.emulator.flows.checking.missing import missing_problems
from connect_tasks.emulator.flows.checking.named import named_by, reachable
from connect_tasks.emulator.flows.checking.references import unfilled_references
from connect_tasks.emulator.flows.exported.document import Action, Flow
from connect_tasks.emulator.flows.exported.members import names_in, values_in
from connect_tasks.emulator.flows.exported.problems import Problem, nearest, shown
from connect_tasks.emulator.flows.run.actions.table import ACTIONS
from connect_tasks.emulator.flows.run.comparisons import OPERATORS
from connect_tasks.emulator.flows.run.kinds import NO_EFFECT, OTHER_SERVICES, VOICE_ONLY
from connect_tasks.emulator.flows.world.world import World, named

__all__ = ["check"]

_KNOWN = ACTIONS.keys() | VOICE_ONLY | NO_EFFECT | OTHER_SERVICES
_TERMINAL = frozenset({"DisconnectParticipant", "EndFlowExecution", "EndFlowModuleExecution"})
# They never lead on where they do what they should.
_LEAVING = _TERMINAL | {"TransferContactToAgent", "TransferContactToQueue", "TransferToFlow"}

_NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "CheckMetricData": (("MetricType",),),
    "Compare": (("ComparisonValue",),),
    "ConnectParticipantWithLexBot": (("LexV2Bot", "LexBot"),),
    "InvokeFlowModule": (("FlowModuleId",),),
    "InvokeLambdaFunction": (("LambdaFunctionARN",), ("InvocationTimeLimitSeconds",)),
    "Loop": (("LoopCount",),),
    "ShowView": (("ViewResource",),),
    "TransferToFlow": (("ContactFlowId",),),
    "UpdateContactAttributes": (("Attributes",),),
    "UpdateContactEventHooks": (("EventHooks", "EventHooksConfiguration"),),
    "UpdateFlowAttributes": (("FlowAttributes",),),
    "UpdateFlowLoggingBehavior": (("FlowLoggingBehavior",),),
    "Wait": (("TimeLimitSeconds", "TimeoutSeconds"),),
}
"""Parameters that a type cannot do without; of several names, one."""

_ERRORS: Mapping[str, tuple[str, ...]] = {
    "CheckHoursOfOperation": ("NoMatchingError",),
    "Compare": ("NoMatchingCondition",),
    "ConnectParticipantWithLexBot": ("NoMatchingError",),
    "DistributeByPercentage": ("NoMatchingCondition",),
    "InvokeLambdaFunction": ("NoMatchingError",),
    "TransferContactToQueue": ("QueueAtCapacity", "NoMatchingError"),
    "TransferToFlow": ("NoMatchingError",),
    "UpdateContactAttributes": ("NoMatchingError",),
    "UpdateFlowAttributes": ("NoMatchingError",),
    "Wait": ("NoMatchingError",),
}
"""Branches that Connect wants of a type."""

_RESULTS: Mapping[str, frozenset[str]] = {
    "CheckHoursOfOperation": frozenset({"True", "False"}),
    "Loop": frozenset({"ContinueLooping", "DoneLooping"}),
}


def check(flow: Flow, world: World) -> list[Problem]:
    """Everything that people should know of a flow, and of all flows that it leads to.

    Args:
        flow: The flow that a contact starts with.
        world: What stands around it.

    Returns:
        Warnings: types and references that are not available here, branches that lead nowhere,
        what Connect would not take, and what the world lacks, ready to paste.
    """
    problems = [
        problem
        for each in reachable(flow, world)
        for problem in [*_of_actions(each), *unfilled_references(each), *_of_bots(each, world)]
    ]
    return list(dict.fromkeys([*problems, *missing_problems(flow, world)]))


def _of_bots(flow: Flow, world: World) -> Iterator[Problem]:
    """Bots whose files say that they are others than the world has them for."""
    for thing in named_by(flow):
        found = named(world.bots, thing.arn) if thing.member == "bots" else None
        own = found[1].alias_arn if found else None
        if found and own and named({found[0]: own}, own) is None:
            text = f"the world has the bot {found[0]}, whose file says that it is {own}."
            yield Problem(flow.file, thing.identifier, text)


def _of_actions(flow: Flow) -> Iterator[Problem]:
    rules: tuple[Callable[[Flow, Action], Iterator[str]], ...] = (
        _of_type,
        _of_parameters,
        _of_texts,
        _of_branches,
        _of_results,
        _of_targets,
    )
    for action in flow.actions.values():
        for rule in rules:
            yield from (Problem(flow.file, action.identifier, text) for text in rule(flow, action))


def _of_type(_flow: Flow, action: Action) -> Iterator[str]:
    if action.type in OTHER_SERVICES:
        yield f"{action.type} needs a service that is not here; it takes its error branch."
    elif action.type not in _KNOWN:
        advice = nearest(action.type, _KNOWN)
        meant = f"; {advice} It" if advice.startswith("did") else "; it"
        yield f"{action.type} is not known here{meant} takes its error branch."


def _of_parameters(_flow: Flow, action: Action) -> Iterator[str]:
    for names in _NEEDED.get(action.type, ()):
        if not any(name in action.parameters for name in names):
            yield f"{action.type} has no parameter {' or '.join(names)}."
    for path, value in values_in(action.parameters, "Parameters"):
        if value == "":
            yield f"{path} is empty; Connect may refuse that."
        elif not isinstance(value, str | bool):
            yield f"{path} is {shown(value)}; Connect writes texts only."
    for path, name in names_in(action.parameters, "Parameters"):
        if not name:
            yield f"{path} has a member without a name."


def _of_texts(_flow: Flow, action: Action) -> Iterator[str]:
    text = action.parameters.get("Text")
    if isinstance(text, dict | list):
        yield "Text is no text; it is not shown, and the error branch is taken."
    if isinstance(text, str) and "<speak" in text:
        yield "Text has <speak>; nobody documents what a chat shows of it (assumptions.speech)."


def _of_branches(_flow: Flow, action: Action) -> Iterator[str]:
    for condition in action.conditions:
        if not condition.operand:
            yield "the operand of a condition is empty; Connect may refuse that."
        if condition.operator not in OPERATORS:
            operator, advice = condition.operator, nearest(condition.operator, OPERATORS)
            yield f"there is no Operator {shown(operator)}; {advice} It is never true."
    for error in _ERRORS.get(action.type, ()):
        if error not in action.errors:
            yield f"{action.type} has no branch {error}; Connect wants one."
    is_bot = action.type == "ConnectParticipantWithLexBot"
    if is_bot and "InputTimeLimitExceeded" not in action.errors:
        yield "there is no branch InputTimeLimitExceeded: silence takes NoMatchingError."


def _of_results(_flow: Flow, action: Action) -> Iterator[str]:
    known = _RESULTS.get(action.type)
    operands = {condition.operand for condition in action.conditions}
    if known is not None and operands != known:
        wanted, given = " and ".join(sorted(known)), ", ".join(sorted(operands)) or "none"
        yield f"{action.type} has the results {wanted}, not {given}."


def _of_targets(flow: Flow, action: Action) -> Iterator[str]:
    targets = [
        ("NextAction", action.next_action),
        *((condition.label, condition.next_action) for condition in action.conditions),
        *action.errors.items(),
    ]
    for label, target in targets:
        if target is not None and target not in flow.actions:
            yield f"{label} leads to {shown(target)}, which is no action; the flow ends there."
    leads_on = any(target is not None for _, target in targets)
    if action.type in _TERMINAL and leads_on:
        yield f"{action.type} ends the flow; its Transitions are never taken."
    if action.type not in _LEAVING and not leads_on:
        yield "it leads nowhere; the flow ends there."
