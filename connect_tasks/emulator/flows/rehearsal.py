"""One conversation with a flow, played in virtual time: a wait of a week takes none.

Time passes as people would expect it. Silence lasts as long as it says. Whoever says something
waits until it is their turn. They speak at once, whether anybody listens or not, if no turn would
come, if they were silent just before, or if they are silent afterwards for what the flow waits
then. At the end whatever waits for nobody goes on, unless a last silence was shorter than that.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connect_tasks.emulator.flows.chance import chance, checked
from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.python_functions import CallsOnce, PythonFunctions
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.flow_run import FlowRun
from connect_tasks.emulator.flows.run.trace import TraceEntry
from connect_tasks.emulator.flows.steps import (
    BOT,
    End,
    Enqueue,
    FollowUp,
    Invoke,
    Prompt,
    Say,
    ShowView,
    Step,
)
from connect_tasks.emulator.flows.world.world import World

__all__ = ["NOON", "Line", "Rehearsed", "rehearse"]

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When a conversation begins that does not say it: a Monday, so that a run can be repeated."""

_CONTACT_ID = "00000000-0000-4000-8000-000000000001"
_FOLLOWER_ID = "00000000-0000-4000-8000-000000000002"
_INSTANCE = "arn:aws:connect:us-east-1:111122223333:instance/6f1c2d3e-0000-4000-8000-c0ffee000001"
_LIFE = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said.

    Attributes:
        speaker: `FLOW`, `PROMPT` (what a bot's block says first), `BOT`, `AGENT` or `CUSTOMER`.
        text: The text, or the JSON of an interactive message.
        at_seconds: When, in virtual seconds since the beginning.
        is_view: Whether it is a view, or the action that was chosen in one, as JSON.
    """

    speaker: str
    text: str
    at_seconds: float
    is_view: bool = False


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """What happened in a conversation.

    Attributes:
        lines: What was said, in order.
        end: How it stood at the end: `state` (`ended`, `queued` or `open`), the `reason` if it
            ended, and the `queue` if it came to one.
        attributes: The contact attributes afterwards.
        contact_id: The id of the contact that it began as.
        seconds: Virtual seconds that it took.
        trace: Every action that it came through, those of a disconnect flow included.
        problem: Why the flow was stopped, and where; None if it was not.
        warnings: What people should know of this run.
    """

    lines: tuple[Line, ...]
    end: Mapping[str, str]
    attributes: Mapping[str, str]
    contact_id: str
    seconds: float
    trace: tuple[TraceEntry, ...]
    problem: str | None = None
    warnings: tuple[str, ...] = ()


def rehearse(
    flow: Flow,
    world: World,
    *,
    display_name: str = "Customer",
    attributes: Mapping[str, str] | None = None,
    initial_message: str | None = None,
    now: datetime | None = None,
    draws: Iterable[int] = (),
    customer: Sequence[Any] = (),
    seed: int = 0,
    functions: PythonFunctions | None = None,
) -> Rehearsed:
    """Play one conversation with a flow, without a server, and in no time.

    A Python function that the flow waits for takes no virtual time; one that it does not wait for
    has answered after the seconds that it really took. A disconnect flow is another contact.

    Args:
        flow: The flow that it starts with.
        world: What stands around it.
        display_name: The customer's name.
        attributes: Contact attributes at the start.
        initial_message: InitialMessage of the request; it is no line of the conversation.
        now: When it begins, with a zone; `NOON` if None.
        draws: What distributions by percentage draw, in order; then what follows from the seed.
        customer: What the customer does, in order: texts, `{"silence": seconds}`, and in a view
            `{"action": name, "data": {...}}`.
        seed: What draws follow from that are not given.
        functions: Python functions that are loaded already; to play many conversations.

    Raises:
        ValueError: The customer does something else, or a draw is out of its range.

    Example:
        ```python
        played = rehearse(read_flow(Path("survey.json")), read_world(None), customer=["9"])
        for line in played.lines:
            print(line.speaker, line.text)
        ```
    """
    given = Contact(
        contact_id=_CONTACT_ID,
        initial_contact_id=_CONTACT_ID,
        attributes=dict(attributes or {}),
        initial_message=initial_message,
        instance_arn=_INSTANCE,
        region="us-east-1",
    )
    began = now or NOON
    drawn = checked(draws)
    calls = CallsOnce(functions or PythonFunctions())
    at_once: frozenset[int] = frozenset()
    while True:
        contact = replace(given, attributes=dict(given.attributes))
        draw = chance(f"{seed}:{display_name}", drawn)
        run = FlowRun(flow, world, contact, draw=draw, now=began)
        stage = _Stage(run, contact, began, calls, at_once)
        stage.play(customer)
        if stage.unheard is None:
            return stage.result()
        # Nobody would ever have listened: it is said when it comes, and only recorded.
        at_once |= {stage.unheard}


@dataclass
class _Stage:
    """A run, its clock, and what was said."""

    run: FlowRun
    contact: Contact
    began: datetime
    calls: CallsOnce
    at_once: frozenset[int] = frozenset()
    unheard: int | None = None
    is_cut_short: bool = False
    lines: list[Line] = field(default_factory=list)
    trace: list[TraceEntry] = field(default_factory=list)
    reason: str | None = None
    queue: str | None = None

    def __post_init__(self) -> None:
        self.clock = self.began
        self.contact_id = self.contact.contact_id

    def play(self, customer: Sequence[Any]) -> None:
        self._proceed()
        silences = [_silence(deed) for deed in customer]
        for number, deed in enumerate(customer):
            if self.reason is not None:
                return
            silence = silences[number]
            if silence is not None:
                self._be_silent(silence)
                continue
            before, after = ([None, *silences][number], [*silences, None][number + 1])
            is_timed = before is not None or number in self.at_once or self._is_waited(after)
            self.is_cut_short = False
            self._say(deed, number, is_timed=is_timed)
        # Who is silent last, for less than the flow waits, leaves it there.
        self._go_on_until_it_listens(is_timed=self.is_cut_short)

    def note(self, speaker: str, text: str, *, is_view: bool = False) -> None:
        seconds = (self.clock - self.began).total_seconds()
        self.lines.append(Line(speaker, text, seconds, is_view))

    def result(self) -> Rehearsed:
        return Rehearsed(
            lines=tuple(self.lines),
            end=self._end(),
            attributes=dict(self.contact.attributes),
            contact_id=self.contact_id,
            seconds=(self.clock - self.began).total_seconds(),
            trace=(*self.trace, *self.run.trace),
            problem=self.run.problem,
            warnings=tuple(self.run.warnings),
        )

    def _end(self) -> dict[str, str]:
        state = "queued" if self.run.place == "queue" else "open"
        end = {"state": "ended", "reason": self.reason} if self.reason else {"state": state}
        return {**end, "queue": self.queue} if self.queue is not None else end

    def _say(self, deed: Any, number: int, *, is_timed: bool) -> None:
        text = _text(deed)
        self._go_on_until_it_listens(is_timed=is_timed)
        if self.reason is not None:
            self.unheard = None if is_timed else number
            return
        self.note("CUSTOMER", text, is_view=not isinstance(deed, str))
        self.run.hear(text)
        self._proceed()

    def _go_on_until_it_listens(self, *, is_timed: bool = False) -> None:
        """Let functions come to their end; unless it is timed, all else that waits for nobody."""
        while (
            self.reason is None
            and self.run.due is not None
            and (self.run.is_busy or (not is_timed and self._waits_for_nobody()))
        ):
            self._let_pass(self.run.due)

    def _be_silent(self, seconds: float) -> None:
        steps = len(self.run.trace)
        self._let_pass(self.clock + timedelta(seconds=seconds))
        self.is_cut_short = len(self.run.trace) == steps

    def _is_waited(self, silence: float | None) -> bool:
        """Whether a silence is meant for what the flow waits now, and not for something later."""
        if silence is None or self.run.due is None:
            return False
        left = (self.run.due - self.clock).total_seconds()
        return left <= silence < 2 * left

    def _waits_for_nobody(self) -> bool:
        return not self.run.listens and self.run.place == "flow"

    def _let_pass(self, until: datetime) -> None:
        """Let time pass, and all happen that is due meanwhile; no chat lives for ever."""
        until = min(until, self.began + _LIFE)
        while self.reason is None and self.run.due is not None and self.run.due <= until:
            self.clock = max(self.clock, self.run.due)
            self._proceed()
        if self.reason is None:
            self.clock = max(self.clock, until)
            if self.clock >= self.began + _LIFE:
                self.reason = "EXPIRED"

    def _proceed(self) -> None:
        while self.reason is None and (step := self.run.advance(self.clock)) is not None:
            self._perform(step)

    def _perform(self, step: Step) -> None:
        match step:
            case Say():
                self.note(_speaker(step), step.text, is_view=isinstance(step, ShowView))
            case Enqueue():
                self.queue = step.name or step.arn
            case End():
                self.reason = step.reason
            case Invoke():
                answer, seconds = self.calls.call(step)
                if answer is not None:
                    at = self.clock + timedelta(seconds=seconds)
                    self.run.answer(step.number, answer, at)
            case FollowUp():
                self.trace += self.run.trace
                self.run.follow(_FOLLOWER_ID, self.contact.attributes)
            case _:
                pass


def _speaker(step: Say) -> str:
    if isinstance(step, Prompt):
        return "PROMPT"
    if step.speaker.role == "AGENT":
        return "AGENT"
    return "BOT" if step.speaker == BOT else "FLOW"


def _silence(deed: Any) -> float | None:
    if isinstance(deed, Mapping) and "silence" in deed:
        seconds = deed["silence"]
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds >= 0:
            return min(float(seconds), _LIFE.total_seconds())
        raise ValueError(f"silence is a number of seconds, not {seconds!r}")
    return None


def _text(deed: Any) -> str:
    if isinstance(deed, str):
        return deed
    if isinstance(deed, Mapping) and ("action" in deed or "Action" in deed):
        return json.dumps(dict(deed), ensure_ascii=False)
    raise ValueError(f"a customer says a text, is silent or takes an action; not {deed!r}")
