"""Plays a scripted flow on a chat: one turn at a time, thinking before each utterance."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import assert_never

from connect_tasks.emulator.flows.steps import Dialogue, End, FollowUp, Say, Signal, Step, Store
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.schedule import Schedule

__all__ = ["Conversation"]


class Conversation:
    """The flow's side of one chat.

    Args:
        chat: The chat it happens in.
        dialogue: The script.
        schedule: Where utterances wait while the speaker thinks.
        think: Gives the seconds of thought before an utterance.
        end: Ends the chat.
        follow: Ends the contact and makes the one that the chat goes on as.
        patience: Seconds that the flow waits for the customer's next message; for ever if None.
    """

    def __init__(
        self,
        chat: Chat,
        dialogue: Dialogue,
        *,
        schedule: Schedule,
        think: Callable[[], float],
        end: Callable[[Chat, End], None],
        follow: Callable[[Chat, FollowUp], Chat],
        patience: float | None = None,
    ) -> None:
        self._chat = chat
        self._dialogue = dialogue
        self._schedule = schedule
        self._think = think
        self._end = end
        self._follow = follow
        self._steps: deque[Step] = deque()
        self._inbox: deque[str] = deque()
        self._patience = patience
        self._heard = 0
        self._has_spoken = False
        self._is_thinking = False

    def begin(self) -> None:
        """Start the flow."""
        self._steps.extend(next(self._dialogue))
        self._proceed()

    def hear(self, text: str) -> None:
        """Take a message of the customer; one sent before the flow has spoken is lost on it."""
        if self._has_spoken:
            self._heard += 1
            self._inbox.append(text)
            self._proceed()

    def _proceed(self) -> None:
        while self._chat.is_open and not self._is_thinking:
            if self._steps:
                self._take_step()
            elif self._inbox:
                self._steps.extend(self._dialogue.send(self._inbox.popleft()))
            else:
                self._wait()
                return

    def _wait(self) -> None:
        if self._patience is not None:
            self._schedule.after(self._patience, partial(self._lose_patience, self._heard))

    def _lose_patience(self, heard: int) -> None:
        # Whoever has said something since has begun another wait.
        if self._chat.is_open and self._heard == heard:
            self._end(self._chat, End("CONTACT_FLOW_DISCONNECT"))

    def _take_step(self) -> None:
        seconds = self._think() if isinstance(self._steps[0], Say) else 0.0
        if seconds > 0:
            self._is_thinking = True
            self._schedule.after(seconds, self._resume)
        else:
            self._perform(self._steps.popleft())

    def _resume(self) -> None:
        self._is_thinking = False
        if self._chat.is_open:
            self._perform(self._steps.popleft())
            self._proceed()

    def _perform(self, step: Step) -> None:
        match step:
            case Say():
                self._has_spoken = True
                self._chat.say(step.speaker, step.text, step.content_type)
            case Store():
                self._chat.attributes.update(step.attributes)
            case FollowUp():
                self._chat = self._follow(self._chat, step)
            case End():
                self._end(self._chat, step)
            case Signal():
                self._chat.signal(step.event, step.speaker)
            case _:
                assert_never(step)
