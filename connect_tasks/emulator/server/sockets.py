"""The participant's web socket without I/O: text in, text out."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, assert_never

from connect_tasks.emulator.faults.plan import CHAT_FRAME, FRAME_KINDS, Fault, FaultKind
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.seats import Seat
from connect_tasks.emulator.model.strict_json import read_json

__all__ = ["ChatFrames", "ParticipantSocket"]

_HEARTBEAT = '{"topic":"aws/heartbeat"}'
_PING = '{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}'


def _read(text: str) -> dict[str, Any]:
    """A client's frame; the iOS client really sends a closing bracket too many."""
    for candidate in (text, text.strip().removesuffix(")")):
        with suppress(ValueError):
            frame = read_json(candidate)
            return frame if isinstance(frame, dict) else {}
    return {}


class ParticipantSocket:
    """One open socket of a participant.

    Args:
        backend: The instance.
        seat: Whose it is, in which chat.
        connection_id: Named in error frames.
        send: Takes control frames.
        send_chat: Takes chat frames.
    """

    def __init__(
        self,
        backend: Backend,
        seat: Seat,
        connection_id: str,
        *,
        send: Callable[[str], None],
        send_chat: Callable[[str], None],
    ) -> None:
        self._backend = backend
        self._seat = seat
        self._chat = seat.chat
        self._connection_id = connection_id
        self._send = send
        self._send_chat = send_chat

    def receive(self, text: str) -> bool:
        """Answer one frame of the client; empty ones need no answer.

        Returns:
            Whether the frame was understood.
        """
        if not text.strip():
            return True
        frame = _read(text)
        answer = {
            "aws/subscribe": lambda: self._subscribe(frame.get("content")),
            "aws/heartbeat": lambda: self._send(_HEARTBEAT),
            "aws/ping": lambda: self._send(_PING),
        }.get(str(frame.get("topic")))
        (answer or self._refuse)()
        return answer is not None

    def close(self) -> None:
        """The socket is gone; the chat goes on."""
        self._chat.listeners.pop(self, None)

    def _subscribe(self, content: object) -> None:
        topics = content.get("topics") if isinstance(content, dict) else None
        has_left = self._backend.connections.has_left(self._seat)
        accepted = topics == ["aws/chat"] and self._chat.latest.is_open and not has_left
        status = "success" if accepted else "failure"
        ack = {"topic": "aws/subscribe", "content": {"status": status, "topics": topics}}
        self._send(json.dumps(ack, separators=(",", ":")))
        if accepted:
            self._chat.listeners[self] = self._hear
            self._backend.presence.arrive(self._seat)

    def _hear(self, frame: str) -> None:
        if not self._backend.connections.has_left(self._seat):
            self._send_chat(frame)

    def _refuse(self) -> None:
        # The shape of API Gateway, which is what the real socket shows.
        names = {"connectionId": self._connection_id, "requestId": self._connection_id}
        self._send(json.dumps({"message": "Forbidden", **names}))


class ChatFrames:
    """The way of one socket's chat frames, with whatever faults strike on it.

    Args:
        strike: Names the fault that strikes the next frame.
        send: Takes frames that are to go out.
        cut: Cuts the socket once everything sent before is out.
        silence: Silences the socket once everything sent before is out.
    """

    def __init__(
        self,
        strike: Callable[[str], Fault | None],
        send: Callable[[str], None],
        *,
        cut: Callable[[], None],
        silence: Callable[[], None],
    ) -> None:
        self._strike = strike
        self._send = send
        self._cut = cut
        self._silence = silence
        self._held: list[str] = []
        self._is_silent = False

    def send(self, frame: str) -> None:
        """Let one chat frame go its way.

        Raises:
            ValueError: It is struck by a fault that is meant for calls.
        """
        if self._is_silent:
            return
        fault = self._strike(CHAT_FRAME)
        if fault is None:
            self._pass_on(frame)
        else:
            self._carry_out(fault.kind, frame)

    def _carry_out(self, kind: FaultKind, frame: str) -> None:
        if kind not in FRAME_KINDS:
            raise ValueError(f"{kind} strikes calls, not chat frames.")
        match kind:
            case FaultKind.SOCKET_DROP:
                self._pass_on(frame)
                self._cut()
            case FaultKind.SOCKET_SILENT:
                self._is_silent = True
                self._silence()
            case FaultKind.FRAME_LOST:
                return
            case FaultKind.FRAME_DUPLICATED:
                self._pass_on(frame, frame)
            case FaultKind.FRAME_SWAPPED:
                self._held.append(frame)
            case _:
                assert_never(kind)

    def _pass_on(self, *frames: str) -> None:
        for text in (*frames, *self._held):
            self._send(text)
        self._held.clear()
