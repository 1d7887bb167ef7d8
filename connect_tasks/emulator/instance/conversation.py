"""Plays a flow on a chat: one step at a time, thinking before each utterance."""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol, assert_never

from connect_tasks.emulator.flows.run.flow_run import FlowRun
from connect_tasks.emulator.flows.run.trace import shorten
from connect_tasks.emulator.flows.scripted_run import ScriptedRun
from connect_tasks.emulator.flows.steps import (
    End,
    Enqueue,
    FollowUp,
    Invoke,
    Present,
    Say,
    Signal,
    Step,
    Store,
)
from connect_tasks.emulator.flows.world.world import FunctionAnswer
from connect_tasks.emulator.instance.chat import Chat, QueuedAt
from connect_tasks.emulator.instance.schedule import Errands, Planned, Schedule

__all__ = ["CallFunction", "Conversation", "Stage"]

CallFunction = Callable[[Invoke, Callable[[FunctionAnswer], None]], None]
"""Calls a Python function elsewhere; the answer is given back later, one thing at a time."""


class Stage(Protocol):
    """What a conversation does to the instance that it is on."""

    def end(self, chat: Chat, step: End) -> None:
        """End the chat."""

    def follow(self, chat: Chat, step: FollowUp) -> Chat:
        """End the contact, and make the one that the chat goes on as."""

    def present(self, chat: Chat, step: Present) -> None:
        """Keep a view for whoever asks for it."""


class Conversation:
    """The flow's side of one chat.

    Args:
        chat: The chat it happens in.
        run: The flow at work.
        stage: The instance.
        schedule: Where utterances wait while the speaker thinks, and the flow for its time.
        now: The clock.
        think: Gives the seconds of thought before an utterance.
        call: Calls Python functions.
    """

    def __init__(
        self,
        chat: Chat,
        run: FlowRun | ScriptedRun,
        *,
        stage: Stage,
        schedule: Schedule | Errands,
        now: Callable[[], datetime],
        think: Callable[[], float],
        call: CallFunction,
    ) -> None:
        self._chat = chat
        self._run = run
        self._stage = stage
        self._schedule = schedule
        self._now = now
        self._think = think
        self._call = call
        self._inbox: deque[str] = deque()
        self._held: Step | None = None
        self._timer: Planned | None = None
        self._has_spoken = False

    def begin(self) -> None:
        """Start the flow."""
        self._proceed()

    def hear(self, text: str) -> None:
        """Take a message of the customer; one sent before the flow has spoken is lost on it."""
        if self._has_spoken or self._run.listens:
            self._inbox.append(text)
            self._proceed()

    def join_agent(self, display_name: str) -> None:
        """A person joins as the agent; a flow that waits for one goes on with them."""
        if isinstance(self._run, FlowRun) and self._run.join_agent(display_name):
            self._proceed()

    def leave_agent(self, reason: str) -> bool:
        """That person leaves; False if the flow was not with them, and leaves all to others."""
        if not isinstance(self._run, FlowRun) or not self._run.leave_agent(reason):
            return False
        self._proceed()
        return True

    def _proceed(self) -> None:
        if self._timer is not None:
            self._timer.drop()
            self._timer = None
        while self._chat.is_open and self._held is None:
            step = self._run.advance(self._now())
            if step is not None:
                self._take(step)
            elif self._inbox:
                self._run.hear(self._inbox.popleft())
            else:
                self._wait()
                return

    def _wait(self) -> None:
        self._chat.trace_left_out += shorten(self._chat.trace)
        due = self._run.due
        if due is not None:
            seconds = (due - self._now()).total_seconds()
            self._timer = self._schedule.after(seconds, self._proceed)

    def _take(self, step: Step) -> None:
        seconds = self._think() if isinstance(step, Say) else 0.0
        if seconds > 0:
            self._held = step
            self._schedule.after(seconds, partial(self._resume, step))
        else:
            self._perform(step)

    def _resume(self, step: Step) -> None:
        self._held = None
        if self._chat.is_open:
            self._perform(step)
            self._proceed()

    def _perform(self, step: Step) -> None:
        match step:
            case Say():
                self._has_spoken = True
                self._chat.say(step.speaker, step.text, step.content_type)
            case Present():
                self._stage.present(self._chat, step)
            case Store():
                self._chat.attributes.update(step.attributes)
            case Enqueue():
                self._chat.queue = QueuedAt(step.arn, step.name, self._now())
            case Invoke():
                self._call(step, partial(self._answered, step.number))
            case FollowUp():
                self._follow(step)
            case End():
                self._stage.end(self._chat, step)
            case Signal():
                self._chat.signal(step.event, step.speaker)
            case _:
                assert_never(step)

    def _follow(self, step: FollowUp) -> None:
        self._chat = self._stage.follow(self._chat, step)
        if isinstance(self._run, FlowRun):
            self._run.follow(self._chat.contact_id, self._chat.attributes)
            self._chat.trace = self._run.trace

    def _answered(self, number: int, answer: FunctionAnswer) -> None:
        if isinstance(self._run, FlowRun):
            self._run.answer(number, answer, self._now())
            self._proceed()
