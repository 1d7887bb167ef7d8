"""What an instance has seen so far, as JSON: the rooms under `/_local/`."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.record import ContactRecord
from connect_tasks.emulator.instance.transcript import iso
from connect_tasks.emulator.server.answers import Answers
from connect_tasks.emulator.service import Service

__all__ = ["Rooms"]


class Rooms:
    """The rooms of one instance.

    Args:
        backend: The instance.
        service: Counts calls and refusals.
        injected: Counts faults.
        lock: Held while something is looked up.
        answers: Makes the answers.
    """

    def __init__(
        self,
        backend: Backend,
        service: Service,
        injected: "Counter[tuple[str, str]]",
        *,
        lock: AbstractContextManager[Any],
        answers: Answers,
    ) -> None:
        self._lock = lock
        self._answers = answers
        self._views: dict[str, Callable[[], Any]] = {
            "contacts": lambda: [_plain(chat.record()) for chat in backend.chats.values()],
            "calls": lambda: dict(service.calls),
            "refusals": lambda: _nested(service.refusals),
            "injected": lambda: _nested(injected),
            "tokens": lambda: backend.connections.issued,
            "": lambda: [f"/_local/{name}" for name in self._views if name],
        }

    def show(self, name: str) -> Response | None:
        """What is in a room now; of no name, which there are; None if there is no such room."""
        view = self._views.get(name)
        if view is None:
            return None
        with self._lock:
            answer = self._answers.reply(200, view())
        # Tokens open chats: no page of another site is to read them.
        del answer.headers["access-control-allow-origin"]
        return answer


def _nested(counts: "Counter[tuple[str, str]]") -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (operation, name), count in counts.items():
        nested.setdefault(operation, {})[name] = count
    return nested


def _plain(record: ContactRecord) -> dict[str, Any]:
    plain = asdict(record)
    times = ("started_at", "connected_at", "ended_at")
    plain |= {name: iso(plain[name]) if plain[name] else None for name in times}
    plain["trace"] = [{**asdict(entry), "at": iso(entry.at)} for entry in record.trace]
    return plain | {"transcript": [item.members() for item in record.transcript]}
