"""How an action comes out, what it waits for meanwhile, and where that leads."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connect_tasks.emulator.flows.exported.document import SUCCESS, Action, Flow
from connect_tasks.emulator.flows.run.comparisons import holds
from connect_tasks.emulator.flows.run.memory import Memory
from connect_tasks.emulator.flows.steps import Step
from connect_tasks.emulator.flows.world.world import FunctionAnswer

__all__ = [
    "NO_MATCH",
    "NO_MATCHING_ERROR",
    "AgentJoined",
    "AgentLeft",
    "Answered",
    "Await",
    "Choice",
    "Disconnected",
    "Done",
    "Ended",
    "Ending",
    "Event",
    "Failed",
    "GoTo",
    "Heard",
    "LeadsOn",
    "Outcome",
    "Play",
    "Queued",
    "Result",
    "Returned",
    "TimeUp",
    "UntilAgent",
    "choose",
]

NO_MATCH = "NoMatchingCondition"
NO_MATCHING_ERROR = "NoMatchingError"


@dataclass(frozen=True, slots=True)
class Heard:
    """The customer has said something."""

    text: str


@dataclass(frozen=True, slots=True)
class TimeUp:
    """The time is over that was waited."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A Python function has answered.

    Attributes:
        number: Which call it was.
        answer: What it returned, or how it failed.
    """

    number: int
    answer: FunctionAnswer


@dataclass(frozen=True, slots=True)
class AgentJoined:
    """A person has taken the contact, as its agent, under this name."""

    display_name: str


@dataclass(frozen=True, slots=True)
class AgentLeft:
    """The agent who took the contact has left, for a DisconnectReason."""

    reason: str = "AGENT_DISCONNECT"


Event = Heard | TimeUp | Answered | AgentJoined | AgentLeft


@dataclass(frozen=True, slots=True)
class Await:
    """Nothing more to do until something happens.

    Attributes:
        until: When the time is up; never if None.
        listens: Whether a message of the customer is what is waited for, or one of them.
        call: The call whose answer is waited for.
        is_busy: Whether a function is at work, so that nobody is really waiting.
        takes_kept: Whether a message will do that came before, where such are kept.
    """

    until: datetime | None = None
    listens: bool = False
    call: int | None = None
    is_busy: bool = False
    takes_kept: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """It has done what it should."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """It has found something out, which its conditions are compared with.

    Attributes:
        value: What; None if it is not set.
        detail: What to tell of it in a trace.
    """

    value: str | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """It took an error branch.

    Attributes:
        detail: Why.
        error: The type of error.
    """

    detail: str
    error: str = NO_MATCHING_ERROR


@dataclass(frozen=True, slots=True)
class GoTo:
    """Another flow goes on from its start."""

    flow: Flow


@dataclass(frozen=True, slots=True)
class Returned:
    """A module is over.

    Attributes:
        result: The branch that it came out by; None if it names none.
        data: What it gives back.
    """

    result: str | None = None
    data: Any = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The flow is over, and says nothing of the contact."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The flow ends the contact."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The contact goes to its target queue."""


LeadsOn = Done | Result | Failed
Ending = Returned | Ended | Disconnected | Queued
Outcome = LeadsOn | GoTo | Ending

Play = Generator[Step | Await, Event | None, Outcome]
"""An action or a flow at work: steps come out, what it waits for goes in."""

UntilAgent = Generator[Step | Await, Event | None, Outcome | None]
"""The same, over as soon as an agent is there; then it comes to nothing."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The branch that an outcome takes.

    Attributes:
        branch: Its label in the document.
        next_action: Where it leads; None if nowhere.
    """

    branch: str
    next_action: str | None


def choose(action: Action, outcome: LeadsOn, memory: Memory) -> Choice:
    """The branch that an action takes.

    An error takes its own branch, else the one for all errors; a result takes the first condition
    that is true, in their order, else the one for no match. What has no branch goes on as if
    nothing had happened.
    """
    if isinstance(outcome, Failed):
        choice = _by_error(action, outcome.error, NO_MATCHING_ERROR)
        ends = memory.assumptions.error_without_branch == "end"
        return Choice(outcome.error, None) if ends and choice.branch == SUCCESS else choice
    if isinstance(outcome, Result):
        for condition in action.conditions:
            if holds(condition.operator, outcome.value, memory.value(condition.operand)):
                return Choice(condition.label, condition.next_action)
        return _by_error(action, NO_MATCH)
    return Choice(SUCCESS, action.next_action)


def _by_error(action: Action, *types: str) -> Choice:
    for error in types:
        if error in action.errors:
            return Choice(error, action.errors[error])
    return Choice(SUCCESS, action.next_action)
