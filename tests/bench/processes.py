"""What the bench runs beside itself: every measured party has a process, and so a GIL, of its own.

A child says when it is ready, waits for the word, works, and sends back what it saw.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from connect_tasks.emulator import Fault, LocalConnect, LocalQuotas

__all__ = ["Amazon", "Child", "Spent", "Start", "local_amazon", "spent_on", "starting"]

_PATIENCE_SECONDS = 600
_context = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a piece of work took."""

    wall_seconds: float
    cpu_seconds: float
    result: Any = None


def spent_on(work: Callable[[], Any]) -> Spent:
    """Do a piece of work in this process, and say what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu, result)


@dataclass(slots=True)
class Child:
    """A process that waits for the word."""

    process: BaseProcess
    pipe: Connection

    def ask(self, word: object) -> None:
        """Send a word."""
        self.pipe.send(word)

    def hear(self) -> Any:
        """Wait for the answer.

        Raises:
            RuntimeError: The process died, or said nothing for ten minutes.
        """
        try:
            if self.pipe.poll(_PATIENCE_SECONDS):
                return self.pipe.recv()
        except EOFError:
            pass
        raise RuntimeError(f"{self.process.name} died or fell silent; it says why above")


@contextmanager
def starting(main: Callable[..., None], *arguments: object) -> Iterator[Child]:
    """Run `main(pipe, *arguments)` in a process, once it says that it is ready."""
    ours, theirs = _context.Pipe()
    process = _context.Process(target=main, args=(theirs, *arguments), name=main.__name__)
    process.start()
    theirs.close()
    child = Child(process, ours)
    try:
        child.hear()
        yield child
    finally:
        ours.close()
        process.join(5)
        if process.is_alive():
            process.kill()


@dataclass(frozen=True, slots=True)
class Start:
    """A chat as the local Amazon Connect has it; times in seconds since the epoch."""

    customer_id: str
    started_at: float
    connected_at: float | None
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Amazon:
    """A local Amazon Connect in another process, and how to reach it."""

    child: Child = field(repr=False)
    endpoint_url: str
    instance_id: str
    flow_id: str

    @property
    def where(self) -> tuple[str, str, str]:
        """Endpoint, instance and flow."""
        return self.endpoint_url, self.instance_id, self.flow_id

    def starts(self, prefix: str = "") -> list[Start]:
        """The chats of customers whose id begins so, in order of their start."""
        self.child.ask("contacts")
        found: list[Start] = self.child.hear()
        return [start for start in found if start.customer_id.startswith(prefix)]

    def calls(self) -> tuple[int, int]:
        """StartChatContact: how many calls arrived, and how many were refused for their rate."""
        self.child.ask("calls")
        counted: tuple[int, int] = self.child.hear()
        return counted

    def cpu_seconds(self) -> float:
        """The processor time that it has used."""
        self.child.ask("cpu")
        seconds: float = self.child.hear()
        return seconds


@contextmanager
def local_amazon(
    flow: str = "echo",
    *,
    think_seconds: float = 0,
    connect_window_seconds: float = 300,
    faults: Sequence[Fault] = (),
    **rates: Any,
) -> Iterator[Amazon]:
    """A local Amazon Connect in a process of its own; what is not named is not limited."""
    settings = {
        "flow": flow,
        "think_seconds": (think_seconds, think_seconds),
        "connect_window_seconds": connect_window_seconds,
        "faults": faults,
    }
    with starting(_serve, settings, rates) as child:
        child.ask("where")
        yield Amazon(child, *child.hear())


def _serve(pipe: Connection, settings: dict[str, Any], rates: dict[str, Any]) -> None:
    unlimited = dict.fromkeys(LocalQuotas.__dataclass_fields__)
    quotas = LocalQuotas(**{**unlimited, **rates})
    with LocalConnect(quotas=quotas, **settings) as local:
        answers: dict[str, Callable[[], Any]] = {
            "where": lambda: (local.endpoint_url, local.instance_id, local.flow_id),
            "contacts": lambda: _starts(local),
            "calls": lambda: _start_calls(local),
            "cpu": time.process_time,
        }
        pipe.send("ready")
        try:
            while True:
                pipe.send(answers[pipe.recv()]())
        except EOFError:
            return


def _starts(local: LocalConnect) -> list[Start]:
    return [
        Start(
            str(contact.customer_id),
            contact.started_at.timestamp(),
            contact.connected_at.timestamp() if contact.connected_at else None,
            contact.ended_at.timestamp() if contact.ended_at else None,
        )
        for contact in local.contacts
    ]


def _start_calls(local: LocalConnect) -> tuple[int, int]:
    refused = local.refusals["StartChatContact", "TooManyRequestsException"]
    return local.calls["StartChatContact"], refused
