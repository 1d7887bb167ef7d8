"""Line f: who is lost where connections are scarce.

An instance that starts chats much faster than it lets them be connected: a chat that nobody joins
within its window ends, and so does one whose socket broke and that waits too long for another. All
is scaled one to ten: the window of five minutes is half a minute here.
"""

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from unittest.mock import patch

from connect_tasks import Conversation
from connect_tasks.aws.transcript import Connection
from connect_tasks.chat.participant import Participant
from connect_tasks.emulator import Fault, FaultKind
from connect_tasks.errors import ChatEndedError
from tests.bench.parties import Job, plan, worker
from tests.bench.processes import Start, local_amazon, starting
from tests.bench.table import Row

__all__ = ["SETTINGS", "Setting", "measure_connections"]

_STARTS = (50, 80)
_CONNECTIONS = (6, 9)
# The flow greets and is answered, thinks, and ends the chat.
_CONVERSATION = Conversation(messages=("9",), settle_seconds=0, reply_timeout_seconds=30)
_THINK_SECONDS = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A table, and what happens to its chats.

    Args:
        customers: How many.
        window_seconds: How long a chat waits for its first connection.
        dropped: The sockets of how many chats are cut after the greeting, ten in a row.
    """

    customers: int
    window_seconds: float
    dropped: int = 0

    @property
    def faults(self) -> Sequence[Fault]:
        """What cuts the sockets."""
        in_bursts = [number for number in range(self.customers) if number // 10 % 3 == 1]
        return [
            Fault(
                operation="ChatFrame",
                kind=FaultKind.SOCKET_DROP,
                customer_id=f"ours-{number}",
                nth=2,
            )
            for number in in_bursts[: self.dropped]
        ]

    def __str__(self) -> str:
        drops = f", {self.dropped} sockets cut" if self.dropped else ""
        rates = f"{_STARTS[0]} starts and {_CONNECTIONS[0]} connections per second"
        return f"{self.customers} customers, {rates}, window {self.window_seconds:g} s{drops}"


SETTINGS = (
    Setting(customers=300, window_seconds=30),
    Setting(customers=207, window_seconds=300, dropped=57),
)


def measure_connections(settings: Sequence[Setting] = SETTINGS) -> Iterator[Row]:
    """One row a setting."""
    for setting in settings:
        yield _row(setting)


@dataclass(frozen=True, slots=True)
class Reconnect:
    """A call for another connection: how long it took, and whether the chat was over by then."""

    seconds: float
    was_late: bool


def _row(setting: Setting) -> Row:
    with (
        tempfile.TemporaryDirectory() as folder,
        local_amazon(
            "survey",
            think_seconds=_THINK_SECONDS,
            connect_window_seconds=setting.window_seconds,
            faults=setting.faults,
            start_chat_contact=_STARTS,
            create_participant_connection=_CONNECTIONS,
        ) as amazon,
    ):
        job = Job.at(
            amazon,
            f"sqlite:///{folder}/ledger.db",
            _CONVERSATION,
            starts_per_second=_STARTS[0],
            start_burst=_STARTS[1],
            connections_per_second=_CONNECTIONS[0],
            connection_burst=_CONNECTIONS[1],
            connect_window=setting.window_seconds,
        )
        plan(job, setting.customers)
        with starting(watched_worker, job) as one:
            one.ask("go")
            one.hear()
            reconnects: list[Reconnect] = one.hear()
        return _judge(setting, amazon.starts(), reconnects)


def watched_worker(pipe: Pipe, job: Job) -> None:
    """A worker that also sends how long each call for another connection took."""
    reconnects: list[Reconnect] = []
    calls: Counter[int] = Counter()
    connect = Participant.connect

    async def timed(participant: Participant) -> Connection:
        calls[id(participant)] += 1
        began, late = time.monotonic(), False
        try:
            return await connect(participant)
        except ChatEndedError:
            late = True
            raise
        finally:
            if calls[id(participant)] > 1:
                reconnects.append(Reconnect(time.monotonic() - began, late))

    participants = patch.object(Participant, "connect", timed)
    with participants:
        worker(pipe, job)
    pipe.send(reconnects)


def _judge(setting: Setting, starts: Sequence[Start], reconnects: Sequence[Reconnect]) -> Row:
    dead = sum(start.connected_at is None for start in starts)
    late = sum(reconnect.was_late for reconnect in reconnects)
    waits = sorted(reconnect.seconds for reconnect in reconnects)
    waited = [start.connected_at - start.started_at for start in starts if start.connected_at]
    told = f"{dead} of {len(starts)} died unconnected"
    if waits:
        median = statistics.median(waits)
        told += f"; {late} of {len(waits)} ended before they were reconnected"
        told += f", which took {median:.1f} s (median), {waits[-1]:.1f} s at most"
    return Row(
        line="f",
        what=str(setting),
        measured=told,
        reference=f"first connection after {max(waited):.1f} s at most",
        ratio=f"{(dead + late) / len(starts):.1%} lost",
        aim="0",
        raw={
            "customers": setting.customers,
            "window_seconds": setting.window_seconds,
            "dropped": setting.dropped,
            "died_unconnected": dead,
            "ended_before_reconnect": late,
            "reconnect_seconds": waits,
            "first_connection_seconds": waited,
        },
    )
