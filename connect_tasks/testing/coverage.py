"""Coverage: which actions and branches of a flow the cases came through."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from connect_tasks.emulator.flows.exported.document import SUCCESS, Action, Flow
from connect_tasks.emulator.flows.run.kinds import VOICE_ONLY
from connect_tasks.emulator.flows.run.trace import TraceEntry

__all__ = ["ActionCoverage", "BranchCoverage", "FlowCoverage", "cover"]

_ENDINGS = {
    "DisconnectParticipant": "Disconnected",
    "EndFlowExecution": "Ended",
    "EndFlowModuleExecution": "Returned",
    "TransferContactToQueue": "Queued",
}
"""The types that end a flow, and how their traces call it."""


@dataclass(frozen=True, slots=True)
class BranchCoverage:
    """One branch of an action.

    Attributes:
        label: What people call it.
        next_action: Where it leads; None where the flow is over, or another begins.
        times: How often it was taken.
    """

    label: str
    next_action: str | None
    times: int


@dataclass(frozen=True, slots=True)
class ActionCoverage:
    """One action, and its branches.

    Attributes:
        action: The action.
        times: How often it was done.
        branches: Every way out of it.
    """

    action: Action
    times: int
    branches: tuple[BranchCoverage, ...]


@dataclass(frozen=True, slots=True)
class FlowCoverage:
    """One flow, and how much of it was reached.

    Attributes:
        flow: The flow.
        actions: Its actions, in the order of the document.
    """

    flow: Flow
    actions: tuple[ActionCoverage, ...]

    @property
    def reached(self) -> tuple[int, int]:
        """How many branches were taken, and how many there are."""
        branches = [branch for action in self.actions for branch in action.branches]
        return sum(branch.times > 0 for branch in branches), len(branches)


def cover(flows: Iterable[Flow], traces: Iterable[Sequence[TraceEntry]]) -> list[FlowCoverage]:
    """Count what traces came through.

    Args:
        flows: The flows to look at.
        traces: One for each conversation.
    """
    taken = Counter(
        (entry.flow, entry.identifier, entry.result, entry.next_action)
        for trace in traces
        for entry in trace
    )
    return [FlowCoverage(flow, tuple(_actions(flow, taken))) for flow in flows]


def _actions(
    flow: Flow, taken: Counter[tuple[str, str, str, str | None]]
) -> Iterator[ActionCoverage]:
    by_action: dict[str, Counter[tuple[str, str | None]]] = {}
    for (name, identifier, result, next_action), times in taken.items():
        if name == flow.name:
            by_action.setdefault(identifier, Counter())[result, next_action] += times
    for identifier, action in flow.actions.items():
        results = by_action.get(identifier, Counter())
        yield ActionCoverage(action, results.total(), tuple(_branches(action, results)))


def _branches(action: Action, results: Counter[tuple[str, str | None]]) -> Iterator[BranchCoverage]:
    by_label: Counter[str] = Counter()
    for (label, _), times in results.items():
        by_label[label] += times
    listed = dict(_ways(action))
    for label, next_action in listed.items():
        yield BranchCoverage(label, next_action, by_label[label])
    # A way that the document does not show, as of an error that has no branch.
    for (label, next_action), times in results.items():
        if label not in listed:
            yield BranchCoverage(label, next_action, times)


def _ways(action: Action) -> Iterator[tuple[str, str | None]]:
    """Every way that a chat can take out of an action."""
    ending = _ENDINGS.get(action.type)
    is_left_out = ending is not None or (action.type in VOICE_ONLY and action.errors)
    for label, next_action in action.branches():
        # Written in the document and never taken: in a chat it fails, or it ends the flow.
        if label != SUCCESS or not is_left_out:
            yield label, next_action
    if ending is not None:
        yield ending, None
    if action.type == "TransferToFlow" and action.next_action is None:
        yield SUCCESS, None
