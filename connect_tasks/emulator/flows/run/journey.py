"""A contact's way through its flows: the first one, a queue, an agent, and what comes after.

The order is Amazon's: a queue's flow runs until an agent joins; the agent's whisper is over before
the customer sees them; and the disconnect flow runs only after the agent has left, on a contact of
its own.
"""

import logging
from collections.abc import Callable, Generator

from connect_tasks.emulator.flows.exported.document import SUCCESS, Action, Flow
from connect_tasks.emulator.flows.run.actions.table import handler_of
from connect_tasks.emulator.flows.run.context import Context
from connect_tasks.emulator.flows.run.outcomes import (
    AgentJoined,
    AgentLeft,
    Await,
    Choice,
    Ended,
    Ending,
    Event,
    Failed,
    GoTo,
    LeadsOn,
    Outcome,
    Play,
    Queued,
    Returned,
    UntilAgent,
    choose,
)
from connect_tasks.emulator.flows.run.trace import TraceEntry
from connect_tasks.emulator.flows.steps import End, Enqueue, FollowUp, Say, Signal, Speaker
from connect_tasks.emulator.flows.world.world import Queue, ScriptedAgent

__all__ = ["Journey"]

_log = logging.getLogger(__name__)
_MOST_STEPS = 1_000
_DEEPEST = 20


class _EndlessError(Exception):
    """A flow goes round and waits for nobody."""


class Journey:
    """Plays one contact's flows.

    Args:
        context_of: Makes what actions work with, given what plays a module.

    Attributes:
        trace: Every action that the contact came through.
        place: Where the contact is: in a `flow`, in a `queue`, or with an `agent`.
        problem: Why it was stopped, with the place; None if it was not.
    """

    def __init__(self, context_of: Callable[[Callable[[Flow], Play]], Context]) -> None:
        self.context = context_of(self._play_module)
        self.trace: list[TraceEntry] = []
        self.place = "flow"
        self.problem: str | None = None
        self._agent: Speaker | None = None
        self._reason: str = "CONTACT_FLOW_DISCONNECT"
        self._left_for = "AGENT_DISCONNECT"

    def play(self, flow: Flow) -> Play:
        """Play a contact from its first flow to its end, if it comes to one."""
        try:
            ending = yield from self._play_flow(flow)
            while isinstance(ending, Queued):
                ending = yield from self._wait_in_queue()
            yield End(self._reason)
        except _EndlessError as error:
            self.problem = str(error)
            _log.error("Contact %s: %s", self.context.memory.contact.contact_id, error)
            yield End("SYSTEM_ERROR")
        return Ended()

    def _wait_in_queue(self) -> Play:
        """Wait for an agent, be with them, and come out of it by the disconnect flow."""
        arn, queue = self._queue()
        yield Enqueue(arn, queue.name)
        self.place = "queue"
        ending = yield from self._until_agent(is_scripted=queue.agent is not None)
        self.place = "flow"
        if ending is not None:
            return ending
        whisper = self.context.hooks.get("CustomerWhisper")
        if whisper is not None:
            yield from self._play_flow(whisper)
        self.place = "agent"
        yield from self._be_with_agent(queue.agent)
        self.place = "flow"
        return (yield from self._go_on_alone())

    def _be_with_agent(self, scripted: ScriptedAgent | None) -> Play:
        if scripted is None:
            self._parted((yield Await()))
            return Ended()
        self._agent = Speaker("AGENT", scripted.display_name)
        return (yield from self._talk(self._agent, scripted))

    def _queue(self) -> tuple[str, Queue]:
        if self.context.memory.queue is None:
            raise RuntimeError("A contact cannot wait in no queue.")
        return self.context.memory.queue

    def _until_agent(self, *, is_scripted: bool) -> UntilAgent:
        """Play the queue's flow until an agent is there; None then, else how the contact went."""
        flow = self.context.hooks.get("CustomerQueue")
        if flow is not None:
            ending = yield from self._play_beside(flow, is_scripted=is_scripted)
            if not isinstance(ending, Ended | Returned):
                return ending
        if not is_scripted:
            self._met((yield Await()))
        return None

    def _play_beside(self, flow: Flow, *, is_scripted: bool) -> UntilAgent:
        """Play a flow until it is over, or an agent joins: a scripted one, at its first pause."""
        playing = self._play_flow(flow)
        event: Event | None = None
        while True:
            try:
                step = playing.send(event)
            except StopIteration as over:
                outcome: Outcome = over.value
                return outcome
            is_pause = isinstance(step, Await) and not step.is_busy
            if is_pause and is_scripted:
                break
            event = yield step
            if self._met(event):
                break
        playing.close()
        return None

    def _met(self, event: Event | None) -> bool:
        """Whether this is a person who takes the contact; who they are is kept."""
        if not isinstance(event, AgentJoined):
            return False
        self._agent = Speaker("AGENT", event.display_name)
        return True

    def _talk(self, speaker: Speaker, agent: ScriptedAgent) -> Play:
        yield Signal(speaker, "participant.joined")
        for number, text in enumerate(agent.says):
            if number and self._parted((yield Await(listens=True))):
                return Ended()
            yield Say(speaker, text)
        if not agent.says:
            self._parted((yield Await()))
        return Ended()

    def _parted(self, event: Event | None) -> bool:
        """Whether the agent has left before their last word; why is kept."""
        if not isinstance(event, AgentLeft):
            return False
        self._left_for = event.reason
        return True

    def _go_on_alone(self) -> Play:
        """The agent leaves: the disconnect flow runs where there is one, else it is over."""
        flow = self.context.hooks.get("CustomerRemaining")
        if flow is None:
            yield End(self._left_for, leaver=self._agent)
            return Ended()
        if self._agent is not None:
            yield Signal(self._agent, "participant.left")
        yield FollowUp(self._left_for)
        self.context.rounds.clear()
        self._reason = self.context.memory.assumptions.disconnect_flow_reason
        return (yield from self._play_flow(flow))

    def _play_module(self, flow: Flow) -> Play:
        if self.context.depth >= _DEEPEST:
            return Failed(f"more than {_DEEPEST} modules within each other")
        self.context.depth += 1
        try:
            outcome = yield from self._play_flow(flow, is_module=True)
        finally:
            self.context.depth -= 1
        return outcome

    def _play_flow(self, flow: Flow, *, is_module: bool = False) -> Play:
        """Play actions until one ends the flow; another flow may go on meanwhile."""
        self.context.flow = flow
        if not is_module:
            self.context.memory.flow_attributes = {}
        place: str | None = flow.start
        while place is not None and place in flow.actions:
            action = flow.actions[place]
            outcome = yield from self._play_action(action)
            if isinstance(outcome, LeadsOn):
                place = self._lead_on(flow, action, outcome)
                continue
            self._close(flow, action, outcome)
            if is_module or not isinstance(outcome, GoTo):
                return outcome
            self.context.memory.flow_attributes = {}
            self.context.flow = flow = outcome.flow
            place = flow.start
        return Returned() if is_module else Ended()

    def _play_action(self, action: Action) -> Play:
        self._count(action)
        try:
            made = handler_of(action.type)(self.context, action)
            return (yield from made) if isinstance(made, Generator) else made
        except _EndlessError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a file holds, no chat may hang
            # What it says can hold a customer's data.
            _log.warning("Action %s failed: %s.", action.identifier, type(error).__name__)
            return Failed(f"{type(error).__name__} in this action")

    def _lead_on(self, flow: Flow, action: Action, outcome: LeadsOn) -> str | None:
        choice = choose(action, outcome, self.context.memory)
        self._note(flow, action, choice, outcome.detail)
        return choice.next_action

    def _close(self, flow: Flow, action: Action, outcome: GoTo | Ending) -> None:
        if isinstance(outcome, GoTo):
            self._note(flow, action, Choice(SUCCESS, None), f"to {outcome.flow.name}")
        else:
            self._note(flow, action, Choice(type(outcome).__name__, None))

    def _note(self, flow: Flow, action: Action, choice: Choice, detail: str = "") -> None:
        entry = TraceEntry(
            flow=flow.name,
            identifier=action.identifier,
            type=action.type,
            result=choice.branch,
            next_action=choice.next_action,
            at=self.context.now,
            detail=detail,
        )
        self.trace.append(entry)
        # What was compared or chosen is the customer's: it is for the trace alone.
        _log.debug("Contact %s: %s", self.context.memory.contact.contact_id, entry.way)

    def _count(self, action: Action) -> None:
        self.context.steps += 1
        if self.context.steps > _MOST_STEPS:
            flow = self.context.flow
            raise _EndlessError(
                f"{flow.file or flow.name}: {action.identifier} ({action.type}): {_MOST_STEPS:,} "
                "actions in a row without waiting for anybody; the flow was stopped here"
            )
