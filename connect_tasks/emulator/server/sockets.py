"""The participant's web socket without I/O: text in, text out."""

import json
from collections.abc import Callable
from typing import Any

from connect_tasks.emulator.faults.plan import CHAT_FRAME, Fault, FaultKind
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat

__all__ = ["ChatFrames", "ParticipantSocket"]

_HEARTBEAT = '{"topic":"aws/heartbeat"}'
_PING = '{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}'
_DECODER = json.JSONDecoder()


def _read(text: str) -> dict[str, Any]:
    """A client's frame; the iOS client really sends a closing bracket too many."""
    try:
        frame, end = _DECODER.raw_decode(text.strip())
    except ValueError:
        return {}
    is_complete = text.strip()[end:] in ("", ")")
    return frame if is_complete and isinstance(frame, dict) else {}


class ParticipantSocket:
    """One open socket of a customer.

    Args:
        backend: The instance.
        chat: The chat it belongs to.
        connection_id: Named in error frames.
        send: Takes control frames.
        send_chat: Takes chat frames.
    """

    def __init__(
        self,
        backend: Backend,
        chat: Chat,
        connection_id: str,
        *,
        send: Callable[[str], None],
        send_chat: Callable[[str], None],
    ) -> None:
        self._backend = backend
        self._chat = chat
        self._connection_id = connection_id
        self._send = send
        self._send_chat = send_chat

    def receive(self, text: str) -> None:
        """Answer one frame of the client; empty ones need no answer."""
        if not text.strip():
            return
        frame = _read(text)
        topic = frame.get("topic")
        if topic == "aws/subscribe":
            self._subscribe(frame.get("content"))
        elif topic == "aws/heartbeat":
            self._send(_HEARTBEAT)
        elif topic == "aws/ping":
            self._send(_PING)
        else:
            self._refuse()

    def close(self) -> None:
        """The socket is gone; the chat goes on."""
        self._chat.listeners.pop(self, None)

    def _subscribe(self, content: object) -> None:
        topics = content.get("topics") if isinstance(content, dict) else None
        accepted = topics == ["aws/chat"] and self._chat.is_open
        status = "success" if accepted else "failure"
        ack = {"topic": "aws/subscribe", "content": {"status": status, "topics": topics}}
        self._send(json.dumps(ack, separators=(",", ":")))
        if accepted:
            self._chat.listeners[self] = self._send_chat
            self._backend.connect(self._chat)

    def _refuse(self) -> None:
        # The shape of API Gateway, which is what the real socket shows.
        names = {"connectionId": self._connection_id, "requestId": self._connection_id}
        self._send(json.dumps({"message": "Forbidden", **names}))


class ChatFrames:
    """The way of one socket's chat frames, with whatever faults strike on it.

    Args:
        strike: Names the fault that strikes the next frame.
        send: Takes frames that are to go out.
        end: Told the kind of fault that ends the socket, once everything sent before is out.
    """

    def __init__(
        self,
        strike: Callable[[str], Fault | None],
        send: Callable[[str], None],
        end: Callable[[FaultKind], None],
    ) -> None:
        self._strike = strike
        self._send = send
        self._end = end
        self._held: list[str] = []
        self._is_silent = False

    def send(self, frame: str) -> None:
        """Let one chat frame go its way."""
        if self._is_silent:
            return
        fault = self._strike(CHAT_FRAME)
        kind = fault.kind if fault else None
        if kind is FaultKind.FRAME_LOST:
            return
        if kind is FaultKind.FRAME_SWAPPED:
            self._held.append(frame)
            return
        if kind is FaultKind.SOCKET_SILENT:
            self._is_silent = True
            self._end(kind)
            return
        copies = 2 if kind is FaultKind.FRAME_DUPLICATED else 1
        for text in [frame] * copies + self._held:
            self._send(text)
        self._held.clear()
        if kind is FaultKind.SOCKET_DROP:
            self._end(kind)
