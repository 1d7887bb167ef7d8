"""The protocol of the participant's web socket, sans I/O: frames in, items and due frames out.

Amazon documents the subscription; the rest of the protocol (heartbeats, pings, envelopes) is what
its own clients do (amazon-connect-chatjs, the Android and iOS SDKs).
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connect_tasks.aws.transcript import Item, Odd, parse_item

__all__ = ["Broken", "ChatSocket", "Event", "Received", "Subscribed", "Transcript"]

_SUBSCRIBE = json.dumps({"topic": "aws/subscribe", "content": {"topics": ["aws/chat"]}})
_HEARTBEAT = json.dumps({"topic": "aws/heartbeat"})
_PING = json.dumps({"topic": "aws/ping"})


class Transcript:
    """The items of a chat, each once: sockets repeat, reorder and lose them.

    `read_up_to` is the id of the last item that GetTranscript has given: where to go on reading.
    What a socket brought does not count, as it may have lost something before.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self.read_up_to: str | None = None

    def add(self, items: Iterable[Item]) -> list[Item]:
        """Take items in; those that are new come back in order of time."""
        fresh = {item.message_id: item for item in items if item.message_id not in self._known}
        self._known.update(fresh)
        return sorted(fresh.values(), key=lambda item: item.absolute_time)

    def add_read(self, items: Sequence[Item]) -> list[Item]:
        """Take in what GetTranscript gave, oldest first."""
        if items:
            self.read_up_to = items[-1].message_id
        return self.add(items)


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Amazon confirmed the subscription; from here on the flow runs and items arrive."""


@dataclass(frozen=True, slots=True)
class Received:
    """An item arrived, possibly not for the first time."""

    item: Item


@dataclass(frozen=True, slots=True)
class Broken:
    """This socket is of no more use; open another."""

    reason: str


Event = Subscribed | Received | Odd | Broken


class ChatSocket:
    """One web socket of a chat participant, as a state machine.

    Give it what arrives (`feed`) and the time (`due`), send what `due` returns, and call again
    at `next_due`. A socket that is silent past its heartbeat, or refuses the subscription too
    often, reports `Broken`.

    Args:
        now: Monotonic seconds at which the socket was opened.
        beat_seconds: The time between heartbeats, in which each must be answered; up to a
            fortieth less, so that many sockets beat at the same moments.
        contact_id: Whose chat it is: another contact's items are `Odd`. Anybody's if None.
    """

    RESUBSCRIBE_SECONDS = 1.0
    SUBSCRIBE_ATTEMPTS = 5

    def __init__(
        self, now: float, *, beat_seconds: float = 10, contact_id: str | None = None
    ) -> None:
        self.subscribed = False
        self._contact_id = contact_id
        self._beat_seconds = beat_seconds
        self._attempts = 0
        self._subscribe_at = now
        self._beat_at = now
        self._unanswered = False

    @property
    def next_due(self) -> float:
        """When `due` will have something to say, in monotonic seconds."""
        return self._beat_at if self.subscribed else min(self._subscribe_at, self._beat_at)

    def due(self, now: float) -> list[str | Broken]:
        """The frames to send now, or `Broken`."""
        return [*self._subscription(now), *self._beat(now)]

    def feed(self, data: str | bytes) -> list[Event]:
        """Take one frame in, whatever it is; nothing that can come raises an error.

        Empty frames and topics that are not ours mean nothing, as to Amazon's clients.
        """
        if not data.strip():
            return []
        frame = _loads(data)
        if frame is None:
            return [Odd("it is no JSON object")]
        match frame.get("topic"):
            case "aws/chat":
                return self._chat(frame)
            case "aws/subscribe":
                return self._subscription_answer(frame.get("content"))
            case "aws/heartbeat":
                self._unanswered = False
            case None if "message" in frame:
                return [Broken(f"the server said {_shown(frame['message'])}")]
        return []

    def _subscription(self, now: float) -> list[str | Broken]:
        if self.subscribed or now < self._subscribe_at:
            return []
        if self._attempts == self.SUBSCRIBE_ATTEMPTS:
            return [Broken("the subscription was not confirmed")]
        self._attempts += 1
        self._subscribe_at = now + self.RESUBSCRIBE_SECONDS
        return [_SUBSCRIBE]

    def _beat(self, now: float) -> list[str | Broken]:
        if now < self._beat_at:
            return []
        if self._unanswered:
            return [Broken("a heartbeat was not answered")]
        self._unanswered = True
        self._beat_at = _last_moment(now + self._beat_seconds, every=self._beat_seconds / 40)
        return [_PING, _HEARTBEAT]

    def _subscription_answer(self, content: object) -> list[Event]:
        confirmed = isinstance(content, Mapping) and content.get("status") == "success"
        if not confirmed or self.subscribed:
            return []
        self.subscribed = True
        return [Subscribed()]

    def _chat(self, frame: Mapping[str, Any]) -> list[Event]:
        content = frame.get("content")
        raw = _loads(content) if isinstance(content, str) else content
        found = parse_item(raw, self._contact_id, from_socket=True)
        match found:
            case Item():
                return [Received(found)]
            case Odd():
                return [found]
        return []


def _last_moment(at: float, *, every: float) -> float:
    """The last of the moments that all sockets share, not after this time.

    To wake up costs more than a heartbeat does: thousands of chats are beaten in a few wakings.
    """
    return math.floor(at / every) * every


def _loads(data: str | bytes) -> dict[str, Any] | None:
    """A JSON object, or None for anything else."""
    text = data.decode(errors="replace") if isinstance(data, bytes) else data
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _shown(message: object) -> str:
    return ascii(message[:60]) if isinstance(message, str) else "nothing that can be read"
