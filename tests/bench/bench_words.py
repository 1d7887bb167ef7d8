"""Line l: what people say in thousands of live chats, from where it is sent to where it is on disk.

A real campaign holds the chats: its worker, sessions, group commits and ledger. Starts are answered
without a wire, with a socket each; what is said comes over these from another process.
"""

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connect_tasks import ChatTemplate, Conversation, StartChatContactResponse
from connect_tasks.aws.client import ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.transcript import Connection, Page
from connect_tasks.campaign.run import run_campaign
from connect_tasks.ledger.changes import Change, Heard
from connect_tasks.ledger.store import Ledger
from tests.bench.machine import cpu_seconds
from tests.bench.parties import CAMPAIGN, THREADS, Job, plan, unlimited
from tests.bench.processes import Child, starting
from tests.bench.table import Row
from tests.bench.talking_sockets import talking_sockets

__all__ = ["SETTINGS", "SMALL", "Setting", "measure_words"]

_LONG = 100_000.0
# Of chats that are quiet the transcript would be read, which is no message and has its own quota.
_CONVERSATION = Conversation(reply_timeout_seconds=_LONG, max_seconds=_LONG, check_transcript=False)
# Our side has spoken with the start, so the first that each chat hears is a first reply.
_TEMPLATE = ChatTemplate.model_validate({"initial_message": "Hello"})
_INSTANCE = "11111111-2222-3333-4444-555555555555"
_FLOW = "66666666-7777-8888-9999-aaaaaaaaaaaa"
_PATIENCE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Live chats, and what is said in them.

    Args:
        chats: How many.
        talks: Messages per second, and for how many seconds, one after the other.
        idle_seconds: How long nothing is said before.
        beat_seconds: How often each socket is asked whether it lives.
    """

    chats: int
    talks: Sequence[tuple[float, float]]
    idle_seconds: float = 30
    beat_seconds: float = 10


# A tenth of the chats, asked ten times as often whether they live: as much to do, at once.
SMALL = Setting(chats=500, talks=((200, 5),), idle_seconds=5, beat_seconds=1)
SETTINGS = (Setting(chats=5_000, talks=((2_000, 20), (500, 20))),)


def measure_words(settings: Sequence[Setting] = SETTINGS) -> Iterator[Row]:
    """One row for the chats by themselves, and one for each pace."""
    for setting in settings:
        yield from _rows(setting)


def _rows(setting: Setting) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, starting(talking_sockets) as other:
        job = Job(
            endpoint_url=_asked(other, "where"),
            instance_id=_INSTANCE,
            flow_id=_FLOW,
            ledger_url=f"sqlite:///{folder}/ledger.db",
            conversation=_CONVERSATION,
            # So that they are opened calmly, and none waits for another.
            limits={"starts_per_second": 200, "start_burst": 200},
        )
        plan(job, setting.chats, _TEMPLATE)
        with starting(_listener, job, setting.beat_seconds) as ours:
            parties = _Parties(ours, other)
            parties.pin()
            yield _idle(setting, parties)
            for per_second, seconds in setting.talks:
                yield _talk(setting, parties, per_second, seconds)
            # Its chats would go on for a day; nothing of them is needed any more.
            ours.process.kill()


@dataclass(frozen=True, slots=True)
class _Parties:
    ours: Child
    other: Child

    def pin(self) -> None:
        """Each to a core of its own, where there are two."""
        if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
            first, second, *_ = sorted(os.sched_getaffinity(0))
            for child, core in ((self.ours, first), (self.other, second)):
                os.sched_setaffinity(child.process.pid or 0, {core})

    def spent(self) -> tuple[float, float, float]:
        """Wall time, our processor time, and the other side's."""
        theirs: float = _asked(self.other, "cpu")
        return time.monotonic(), cpu_seconds(self.ours.process.pid or 0), theirs

    def resident(self) -> int:
        told = Path(f"/proc/{self.ours.process.pid}/statm").read_text(encoding="ascii")
        return int(told.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _asked(child: Child, word: object) -> Any:
    child.ask(word)
    return child.hear()


def _idle(setting: Setting, parties: _Parties) -> Row:
    before, began = parties.resident(), parties.spent()
    _asked(parties.ours, "go")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (count := _asked(parties.other, "count")) < setting.chats:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {count} chats of {setting.chats} were connected in time")
        time.sleep(0.5)
    up = parties.spent()
    # What starting them has left behind is written, and their first heartbeats are answered.
    time.sleep(min(12, setting.idle_seconds))
    kib = (parties.resident() - before) / setting.chats / 1024
    wall, ours, theirs = parties.spent()
    time.sleep(setting.idle_seconds)
    ended = parties.spent()
    share = (ended[1] - ours) / (ended[0] - wall)
    return Row(
        line="l",
        what=f"{setting.chats:,} live chats in which nothing is said",
        measured=f"{share:.1%} of a core, {kib:.1f} KiB each",
        reference=f"the other side {(ended[2] - theirs) / (ended[0] - wall):.1%}",
        ratio=f"{(up[1] - began[1]) / setting.chats * 1e3:.2f} ms CPU to start one",
        aim="≤ 5 %, ≤ 20 KiB",
        raw={"chats": setting.chats, "share": share, "kib": kib},
    )


def _talk(setting: Setting, parties: _Parties, per_second: float, seconds: float) -> Row:
    _asked(parties.ours, "latencies")
    wall, ours, theirs = parties.spent()
    said, late = _asked(parties.other, (per_second, seconds))
    ended = parties.spent()
    latencies = _drained(parties, said)
    settled = parties.spent()
    taken = settled[1] - ours
    return Row(
        line="l",
        what=f"{per_second:,.0f} messages/s in {setting.chats:,} live chats",
        measured=f"99th percentile {_percentile(latencies, 99):,.0f} ms from sent to on disk",
        reference=f"the other side {(ended[2] - theirs) / (ended[0] - wall):.0%} of its core, "
        f"{late * 1e3:.0f} ms behind at most",
        ratio=f"{taken / len(latencies) * 1e6:,.0f} µs CPU a message, "
        f"{taken / (settled[0] - wall):.0%} of a core",
        aim="≤ 250 ms",
        raw={
            "per_second": per_second,
            "messages": len(latencies),
            "p50": _percentile(latencies, 50),
            "p99": _percentile(latencies, 99),
            "p99_of_first": _percentile(latencies[: setting.chats], 99),
            "most": max(latencies),
            "cpu_seconds": taken,
        },
    )


def _drained(parties: _Parties, count: int) -> list[float]:
    found: list[float] = []
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(found) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {len(found)} messages of {count} were written in time")
        time.sleep(0.5)
        found += _asked(parties.ours, "latencies")
    return found


def _percentile(values: Sequence[float], share: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


class _WatchedLedger(Ledger):
    """A ledger that keeps how long ago it was said what is on disk now, in milliseconds."""

    latencies: list[float]

    def apply(self, worker: str, changes: Sequence[Change], **more: Any) -> None:
        super().apply(worker, changes, **more)
        now = datetime.now(UTC)
        self.latencies += [
            (now - item.absolute_time).total_seconds() * 1e3
            for change in changes
            if isinstance(change, Heard)
            for item in change.items
        ]


def _listener(pipe: Pipe, job: Job, beat_seconds: float) -> None:
    """Hold the chats of a campaign, from the word `go` until it is killed."""
    instance = Instance(
        api=_SocketApi(job.endpoint_url),
        quotas=unlimited(**job.limits),
        threads=THREADS,
        beat_seconds=beat_seconds,
    )
    with _WatchedLedger(job.ledger_url) as ledger:
        ledger.latencies = []
        pipe.send("ready")
        pipe.send(pipe.recv())
        threading.Thread(target=_tell, args=(pipe, ledger), daemon=True).start()
        run_campaign(ledger, CAMPAIGN, instance, conversation=job.conversation)


def _tell(pipe: Pipe, ledger: _WatchedLedger) -> None:
    while pipe.recv() == "latencies":
        found, ledger.latencies = ledger.latencies, []
        pipe.send(found)


class _SocketApi(ConnectApi):
    """Answers each start at once, with a socket of its own at the other side."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def make_clients(self) -> None:
        """There are none to make."""

    def start_chat(self, request: str) -> StartChatContactResponse:
        contact_id = f"contact-{json.loads(request)['CustomerId']}"
        return StartChatContactResponse.from_wire(
            {
                "ContactId": contact_id,
                "ParticipantId": f"participant of {contact_id}",
                "ParticipantToken": contact_id,
                "ConnectionCredentials": {"ConnectionToken": contact_id},
                "Websocket": {"Url": f"{self._address}/{contact_id}"},
            }
        )

    def connect_participant(self, participant_token: SecretStr) -> Connection:
        url = f"{self._address}/{participant_token.get_secret_value()}"
        return Connection(token=participant_token, url=SecretStr(url))

    def read_transcript(self, *_: object, **__: object) -> Page:
        return Page()
