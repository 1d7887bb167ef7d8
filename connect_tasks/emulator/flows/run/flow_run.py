"""One contact's flows at work.

No I/O and no clock: whoever has both asks for step after step, says when something happened, and
what time it is. The order is what counts here:

- A step is asked for only after the one before was carried out: a contact that follows another
  has its own id by then.
- What happens while nothing waits for it is lost on the flow, as in Connect; it is in the
  transcript all the same.
- A flow that goes round without waiting for anybody is stopped, and says where.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.context import Context, Late
from connect_tasks.emulator.flows.run.journey import Journey
from connect_tasks.emulator.flows.run.memory import Memory
from connect_tasks.emulator.flows.run.outcomes import (
    AgentJoined,
    AgentLeft,
    Answered,
    Await,
    Event,
    Heard,
    TimeUp,
)
from connect_tasks.emulator.flows.run.trace import TraceEntry
from connect_tasks.emulator.flows.steps import Step
from connect_tasks.emulator.flows.world.world import FunctionAnswer, World

__all__ = ["FlowRun"]

_OF_AGENT = {"queue": AgentJoined, "agent": AgentLeft}
"""What an agent can do, by where the contact is."""


class FlowRun:
    """Everything that happens to one contact by its flows.

    Args:
        flow: The flow that the contact starts with.
        world: What stands around it.
        contact: The contact; its attributes are kept up to date.
        draw: Gives a whole number from 1 to 100, for a distribution by percentage.
        now: When it begins.

    Attributes:
        is_over: Whether there is nothing more to come.

    Example:
        ```python
        contact = Contact(contact_id="1", initial_contact_id="1")
        run = FlowRun(flow, world, contact, draw=lambda: 50, now=now)
        while step := run.advance(now):
            print(step)
        run.hear("AB1234")
        ```
    """

    def __init__(
        self,
        flow: Flow,
        world: World,
        contact: Contact,
        *,
        draw: Callable[[], int],
        now: datetime,
    ) -> None:
        memory = Memory(contact, world.assumptions)
        self._journey = Journey(
            lambda play_module: Context(
                memory=memory, world=world, draw=draw, play_module=play_module, now=now, flow=flow
            )
        )
        self._context = self._journey.context
        self._playing = self._journey.play(flow)
        self._waiting: Await | None = None
        self._waits_since = now
        self._event: Event | None = None
        self._of_agent: AgentJoined | AgentLeft | None = None
        self._answer: Answered | None = None
        self._kept: deque[str] | None = None
        if world.assumptions.early_messages == "kept":
            self._kept = deque()
        self.is_over = False

    @property
    def due(self) -> datetime | None:
        """When it has to be advanced although nothing has happened; None if never."""
        return self._waiting.until if self._waiting else None

    @property
    def listens(self) -> bool:
        """Whether a message of the customer is waited for."""
        return self._waiting is not None and self._waiting.listens

    @property
    def is_busy(self) -> bool:
        """Whether a function is at work."""
        return self._waiting is not None and self._waiting.is_busy

    @property
    def place(self) -> str:
        """Where the contact is: in a `flow`, in a `queue`, or with an `agent`."""
        return self._journey.place

    @property
    def trace(self) -> list[TraceEntry]:
        """Every action that the contact came through, in their order; it grows with the run."""
        return self._journey.trace

    @property
    def problem(self) -> str | None:
        """Why the flow was stopped, and where; None if it was not."""
        return self._journey.problem

    @property
    def warnings(self) -> Sequence[str]:
        """What people should know of this run, each once."""
        return list(self._context.warnings)

    def advance(self, now: datetime) -> Step | None:
        """The next step; None when something has to happen first, or all is over.

        Args:
            now: The time; it never goes back.
        """
        self._context.now = now
        while not self.is_over:
            event = self._take_event(now)
            if self._waiting is not None and event is None:
                return None
            step = self._send(event)
            if step is not None:
                return step
        return None

    def hear(self, text: str) -> None:
        """The customer says something; lost on a flow that does not listen, unless it is kept."""
        if self.listens:
            self._event = Heard(text)
        elif self._kept is not None and self.place == "flow":
            self._kept.append(text)

    def answer(self, number: int, answer: FunctionAnswer, at: datetime | None = None) -> None:
        """A Python function has answered.

        What a flow waits for is lost if another one was called meanwhile; what it does not wait
        for, if it comes after the minute that such a call has.

        Args:
            number: Which call it was.
            answer: What it returned, or how it failed.
            at: When it was done, of a call that nobody waits for; the run's time if None.
        """
        at = at or self._context.now
        begun = self._context.asynchronous.pop(number, None)
        if begun is not None:
            if at <= begun.until:
                self._context.pending.append(Late(at, begun.action, answer))
        elif number == self._context.calls:
            self._answer = Answered(number, answer)

    def join_agent(self, display_name: str) -> bool:
        """A person takes the contact as its agent; False if it does not wait for one."""
        return self._note_agent(AgentJoined(display_name))

    def leave_agent(self, reason: str = "AGENT_DISCONNECT") -> bool:
        """That person leaves, for a DisconnectReason; False if there is none."""
        return self._note_agent(AgentLeft(reason))

    def follow(self, contact_id: str, attributes: dict[str, str]) -> None:
        """The chat goes on as another contact, with a trace of its own."""
        self._journey.trace = []
        contact = self._context.memory.contact
        contact.previous_contact_id = contact.contact_id
        contact.contact_id, contact.attributes = contact_id, attributes

    def _note_agent(self, event: AgentJoined | AgentLeft) -> bool:
        """Keep what an agent does until the flow can take it: it may be about to speak."""
        if not isinstance(event, _OF_AGENT.get(self.place, ())):
            return False
        self._of_agent = event
        return True

    def _take_event(self, now: datetime) -> Event | None:
        if self._waiting is None:
            return None
        event, self._event = self._event, None
        of_agent, self._of_agent = self._of_agent, None
        # Where it is no news any more, it is dropped: a scripted agent came before the person.
        if isinstance(of_agent, _OF_AGENT.get(self.place, ())):
            event = of_agent
        if self._answer is not None and self._answer.number == self._waiting.call:
            event = self._answer
        if event is None and self._kept and self._waiting.takes_kept:
            event = Heard(self._kept.popleft())
        until = self._waiting.until
        if event is None and until is not None and until <= now:
            event = TimeUp()
        if event is not None and not self._goes_round(event, now):
            self._context.steps = 0
        return event

    def _goes_round(self, event: Event, now: datetime) -> bool:
        """Whether nobody was waited for: only a function, or for no time at all."""
        return self.is_busy or (isinstance(event, TimeUp) and now <= self._waits_since)

    def _send(self, event: Event | None) -> Step | None:
        try:
            step = self._playing.send(event)
        except StopIteration:
            self.is_over, self._waiting = True, None
            return None
        if isinstance(step, Await):
            self._waiting, self._waits_since = step, self._context.now
            return None
        self._waiting = None
        return step
