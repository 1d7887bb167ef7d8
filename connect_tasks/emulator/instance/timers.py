"""The timers of people in a chat: who is idle, and when an idle chat loses its agent.

Documented: they run while the customer and an agent or a custom bot are both there, from the
moment that the latter joins; a message starts its sender's timers anew; where a role has both, the
one for the disconnection begins when the idle one has run out; what is set while somebody is there
counts from the next one on. Events of idleness are in no transcript.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from connect_tasks.emulator.flows.steps import Speaker
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.transcript import TranscriptItem
from connect_tasks.emulator.model.rules import EVENT

__all__ = ["Timers"]

_CUSTOMER, _OTHERS = "CUSTOMER", "AGENT"
_HELPERS = ("AGENT", "CUSTOM_BOT")
_IDLE, _DISCONNECT = "IDLE", "DISCONNECT_NONCUSTOMER"
_ROLES = {"CUSTOMER": _CUSTOMER, "AGENT": _OTHERS, "CUSTOM_BOT": _OTHERS}

Minutes = dict[tuple[str, str], int]
"""What is set, by role and type of the timer."""


@dataclass(slots=True)
class _Clocks:
    """The timers of one chat.

    Attributes:
        wanted: What is set.
        running: What was set when the one who is there joined; empty while nobody is.
        turns: How often the timers of a role have begun anew; one of an earlier turn means nothing.
        idle: Who is idle, by role.
    """

    wanted: Minutes = field(default_factory=dict)
    running: Minutes = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    idle: dict[str, Speaker] = field(default_factory=dict)


class Timers:
    """The timers of the chats of one instance.

    Args:
        backend: The instance.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._clocks: dict[str, _Clocks] = {}

    def configure(self, chat: Chat, timers: Iterable[Mapping[str, Any]]) -> None:
        """Set timers of a chat, for all its contacts; those that are not named stay.

        Args:
            chat: The chat.
            timers: A ParticipantTimerConfigList.
        """
        first = chat.first
        if first.contact_id not in self._clocks:
            self._clocks[first.contact_id] = _Clocks()
            first.watchers.append(self._watch)
        wanted = self._clocks[first.contact_id].wanted
        for timer in timers:
            of = timer["ParticipantRole"], timer["TimerType"]
            minutes = timer["TimerValue"].get("ParticipantTimerDurationInMinutes")
            if minutes is None:
                wanted.pop(of, None)
            else:
                wanted[of] = minutes

    def _watch(self, chat: Chat, item: TranscriptItem) -> None:
        clocks = self._clocks.get(chat.first.contact_id)
        if clocks is None:
            return
        match item.content_type.removeprefix(EVENT):
            case "participant.joined":
                self._begin(chat, clocks)
            case "participant.left":
                self._end_if_alone(chat, clocks)
            case "chat.ended":
                del self._clocks[chat.first.contact_id]
            case _ if item.type != "EVENT":
                self._hear(chat, clocks, item)

    def _begin(self, chat: Chat, clocks: _Clocks) -> None:
        is_met = chat.customer in chat.present and _helpers(chat)
        if is_met and not clocks.running:
            clocks.running = dict(clocks.wanted)
            for role in (_CUSTOMER, _OTHERS):
                self._restart(chat, clocks, role)

    def _end_if_alone(self, chat: Chat, clocks: _Clocks) -> None:
        if not _helpers(chat):
            clocks.running = {}
            clocks.idle = {}

    def _hear(self, chat: Chat, clocks: _Clocks, item: TranscriptItem) -> None:
        role = _ROLES.get(item.participant_role or "")
        if role is None or not clocks.running:
            return
        returned = clocks.idle.pop(role, None)
        self._restart(chat, clocks, role)
        if returned is not None:
            chat.signal("participant.returned", returned)

    def _restart(self, chat: Chat, clocks: _Clocks, role: str) -> None:
        clocks.turns[role] = clocks.turns.get(role, 0) + 1
        first = _IDLE if (role, _IDLE) in clocks.running else _DISCONNECT
        self._plan(chat, clocks, role, first)

    def _plan(self, chat: Chat, clocks: _Clocks, role: str, kind: str) -> None:
        minutes = clocks.running.get((role, kind))
        if minutes is not None:
            ring = partial(self._ring, chat.first, role, kind, clocks.turns[role])
            self._backend.schedule.after(minutes * 60, ring)

    def _ring(self, first: Chat, role: str, kind: str, turn: int) -> None:
        clocks, chat = self._clocks.get(first.contact_id), first.latest
        if clocks is None or not clocks.running or clocks.turns[role] != turn or not chat.is_open:
            return
        who = chat.customer if role == _CUSTOMER else _helpers(chat)[0]
        if kind == _IDLE:
            clocks.idle[role] = who
            chat.signal("participant.idle", who)
            self._plan(chat, clocks, role, _DISCONNECT)
        else:
            chat.signal("participant.autodisconnection", who)
            self._backend.presence.leave_alone(chat)


def _helpers(chat: Chat) -> list[Speaker]:
    """Who is there for the customer, people before bots."""
    there = [speaker for speaker in chat.present if speaker.role in _HELPERS]
    return sorted(there, key=lambda speaker: _HELPERS.index(speaker.role))
