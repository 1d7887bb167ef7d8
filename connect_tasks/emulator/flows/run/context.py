"""What an action works with: the contact's memory, the world, time, chance, and other flows."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connect_tasks.emulator.flows.exported.document import Action, Flow
from connect_tasks.emulator.flows.run.memory import Memory
from connect_tasks.emulator.flows.run.outcomes import Play
from connect_tasks.emulator.flows.world.world import FunctionAnswer, World

__all__ = ["Begun", "Context", "Hooks", "Late"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A call of a Python function that nobody waits for.

    Attributes:
        action: The action that invoked it.
        until: When its time is over; what it answers then is lost.
    """

    action: Action
    until: datetime


@dataclass(frozen=True, slots=True)
class Late:
    """What an asynchronous function answers.

    Attributes:
        at: When.
        action: The action that invoked it.
        answer: What.
    """

    at: datetime
    action: Action
    answer: FunctionAnswer


@dataclass
class Hooks:
    """The flows that a contact's events run, by the name of the event."""

    flows: dict[str, Flow] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)

    def get(self, event: str) -> Flow | None:
        """The flow of an event; None where there is none, or it is switched off."""
        return None if event in self.disabled else self.flows.get(event)


@dataclass(kw_only=True)
class Context:
    """One contact's flows at work.

    Attributes:
        memory: What references read.
        world: What stands around the flows.
        draw: Gives a whole number from 1 to 100, for a distribution by percentage.
        play_module: Plays a module, within the limits of this contact.
        hooks: Flows of the contact's events.
        now: The moment that the flow has come to.
        flow: The flow that runs.
        rounds: Rounds of each loop, by flow and identifier.
        used: Answers of sequences that were used up, by function.
        calls: Calls of Python functions so far.
        views: Views shown so far.
        pending: What asynchronous functions will have answered, and when.
        asynchronous: Calls of Python functions that nobody waits for, by their number.
        steps: Actions since something was last waited for.
        depth: Modules within modules.
        warnings: What people should be told once.
    """

    memory: Memory
    world: World
    draw: Callable[[], int]
    play_module: Callable[[Flow], Play]
    now: datetime
    flow: Flow
    hooks: Hooks = field(default_factory=Hooks)
    rounds: dict[tuple[str, str], int] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    views: int = 0
    pending: list[Late] = field(default_factory=list)
    asynchronous: dict[int, Begun] = field(default_factory=dict)
    steps: int = 0
    depth: int = 0
    warnings: dict[str, None] = field(default_factory=dict)

    def text(self, parameters: Mapping[str, object], name: str) -> str:
        """A dynamic parameter as text; empty if there is none."""
        return self.memory.text(parameters.get(name, ""))

    def warn(self, text: str) -> None:
        """Tell people something, once per contact."""
        self.warnings[text] = None
