"""The report's conversations: the first few, who said what and when."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connect_tasks.campaign.answers.said import said
from connect_tasks.campaign.report.words import (
    END_REASON_WORDS,
    ENDS_OF_PEOPLE,
    clean,
    shorten,
)
from connect_tasks.chat.dialogue import EndReason

__all__ = ["ROLE_WORDS", "Chat", "ChatChoice", "Line"]

_LONGEST_TEXT = 600
_MOST_LINES = 40

# What Amazon Connect calls a flow's own messages.
_SYSTEM_NAME = "SYSTEM_MESSAGE"

ROLE_WORDS = {
    "CUSTOMER": "Customer",
    "AGENT": "Agent",
    "SYSTEM": "System",
    "CUSTOM_BOT": "Bot",
    "SUPERVISOR": "Supervisor",
}

# last part of an event's content type: what a reader is told; other events are left out
_EVENT_WORDS = {
    "participant.joined": "joined",
    "participant.left": "left",
    "participant.autodisconnection": "was disconnected for being idle",
    "transfer.succeeded": "transferred the chat",
    "transfer.failed": "could not transfer the chat",
    "chat.ended": "Chat ended",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One bubble (kind "customer" or "other") or one small line between bubbles (kind "event")."""

    kind: str
    who: str
    text: str
    time: str


@dataclass(frozen=True, slots=True)
class Chat:
    """One customer's conversation and how it ended; *more* counts the lines not shown."""

    customer_id: str
    end: str
    lines: tuple[Line, ...]
    more: int


class ChatChoice:
    """Which conversations are shown: the first ones, those with a reply before the others.

    An unanswered conversation says little. Messages are taken in before the contacts.

    Args:
        limit: How many are shown at most.

    Attributes:
        total: How many conversations there are.
    """

    def __init__(self, limit: int) -> None:
        self.total = 0
        self._limit = max(limit, 0)
        self._spoken: set[str] = set()
        self._replied: list[Mapping[str, Any]] = []
        self._unanswered: list[Mapping[str, Any]] = []

    def hear(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Take some messages in."""
        found = (message.get("contact_id") for message in messages)
        self._spoken.update(str(contact_id) for contact_id in found if contact_id is not None)

    def meet(self, contacts: Iterable[Mapping[str, Any]]) -> None:
        """Take some contacts in, in their order."""
        for contact in contacts:
            if contact.get("contact_id") in self._spoken:
                self.total += 1
                answered = contact.get("first_reply_at") is not None
                kept = self._replied if answered else self._unanswered
                if len(kept) < self._limit:
                    kept.append(contact)

    def chats(self, messages: Iterable[Mapping[str, Any]]) -> tuple[Chat, ...]:
        """The conversations to show, from all messages once more."""
        shown = [*self._replied, *self._unanswered][: self._limit]
        said = _by_contact(messages, {str(contact["contact_id"]) for contact in shown})
        return tuple(_chat(contact, said[str(contact["contact_id"])]) for contact in shown)


def _by_contact(
    messages: Iterable[Mapping[str, Any]], shown: Collection[str]
) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {contact_id: [] for contact_id in shown}
    for message in messages if shown else ():
        if (contact_id := str(message.get("contact_id"))) in found:
            found[contact_id].append(message)
    return found


def _chat(contact: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> Chat:
    ordered = sorted(messages, key=_when)
    lines = [line for line in map(_line, ordered) if line]
    ours = contact.get("end_reason")
    end = END_REASON_WORDS.get(str(ours), clean(ours))
    # Whether our side closed the chat is known here, and of other ends Amazon knows the reason.
    told = contact.get("disconnect_reason") if ours in {None, EndReason.CHAT_ENDED} else None
    return Chat(
        customer_id=shorten(clean(contact.get("customer_id")), 60),
        end=ENDS_OF_PEOPLE.get(str(told), end),
        lines=tuple(lines[:_MOST_LINES]),
        more=max(len(lines) - _MOST_LINES, 0),
    )


def _when(message: Mapping[str, Any]) -> datetime:
    moment = message.get("absolute_time")
    return moment if isinstance(moment, datetime) else datetime.max.replace(tzinfo=UTC)


def _line(message: Mapping[str, Any]) -> Line | None:
    if message.get("type") == "EVENT":
        return _event(message)
    role = str(message.get("participant_role"))
    kind = "customer" if role == "CUSTOMER" else "other"
    text = shorten(_text(message), _LONGEST_TEXT)
    return Line(kind, _who(message), text, _clock(message)) if text else None


def _event(message: Mapping[str, Any]) -> Line | None:
    name = str(message.get("content_type")).rpartition(".event.")[2]
    if name not in _EVENT_WORDS:
        return None
    who = "" if name == "chat.ended" else _who(message)
    return Line("event", who, _EVENT_WORDS[name], _clock(message))


def _who(message: Mapping[str, Any]) -> str:
    role = str(message.get("participant_role"))
    name = clean(message.get("display_name")).strip()
    if name == _SYSTEM_NAME:
        return ROLE_WORDS["SYSTEM"]
    return shorten(name, 60) or ROLE_WORDS.get(role, "Participant")


def _text(message: Mapping[str, Any]) -> str:
    return clean(said(message)).strip()


def _clock(message: Mapping[str, Any]) -> str:
    moment = message.get("absolute_time")
    return f"{moment.astimezone(UTC):%H:%M:%S}" if isinstance(moment, datetime) else ""
