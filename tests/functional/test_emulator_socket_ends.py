"""Sockets of the local Connect end as documented, on its own clock, and our chats go on over it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from connect_tasks.emulator import LocalConnect, LocalLimits, LocalQuotas
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.store import Ledger
from tests.functional.rude import FOR_EVER, SUBSCRIBE, start
from tests.functional.world import World, customers

HEARTBEAT = '{"topic":"aws/heartbeat"}'
UTTERANCES, GREETING = 2, "Hello Customer 0, I repeat whatever you say."
CONNECTS = "CreateParticipantConnection"


class Clock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self._moment = datetime(2026, 11, 22, 7, tzinfo=UTC)
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        return self._moment

    def advance(self, seconds: float) -> None:
        """Move on."""
        with self._lock:
            self._moment += timedelta(seconds=seconds)


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that happens in another thread."""
    deadline = time.monotonic() + FOR_EVER
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_socket_is_closed_when_the_expiry_comes_that_its_connection_was_given() -> None:
    clock = Clock()
    with LocalConnect(flow="echo", now=clock) as local:
        started = start(local)
        given = datetime.fromisoformat(started["Websocket"]["ConnectionExpiry"])
        # Opened late: the hour counts from when the URL was given.
        clock.advance(90)
        with connect(started["Websocket"]["Url"]) as socket:
            socket.send(SUBSCRIBE)
            while clock() < given - timedelta(seconds=300):
                clock.advance(300)
                socket.send(HEARTBEAT)
                while socket.recv(timeout=FOR_EVER) != HEARTBEAT:
                    pass
            clock.advance((given - clock()).total_seconds())
            with pytest.raises(ConnectionClosed) as caught:
                socket.recv(timeout=FOR_EVER)

    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (
        1001,
        "its connection has expired",
    )


ENDS = {
    "idle": (601, LocalLimits()),
    "expiry": (3601, LocalLimits(idle_socket_seconds=None)),
    "two hours": (7201, LocalLimits(idle_socket_seconds=None, expiring_sockets=False)),
}


@pytest.mark.parametrize(("jump", "limits"), ENDS.values(), ids=ENDS)
def test_our_chat_goes_on_over_the_end_of_its_socket(
    tmp_path: Path, jump: float, limits: LocalLimits
) -> None:
    clock = Clock()
    local = LocalConnect(
        flow="echo",
        now=clock,
        limits=limits,
        quotas=LocalQuotas.unlimited(),
        # So that the first socket ends before the flow has said anything.
        think_seconds=(jump + 1, jump + 1),
    )
    with (
        Ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger,
        local,
        ThreadPoolExecutor(1) as pool,
    ):
        world = World(local, ledger)
        world.plan(customers(1))
        running = pool.submit(world.run)
        connects = 0
        while said_by_flow(local) < UTTERANCES:
            until(partial(is_joined_again, local, connects))
            connects = local.calls[CONNECTS]
            clock.advance(jump)
        running.result()
        (contact,) = world.contacts()

    assert (contact["status"], contact["end_reason"]) == (Status.COMPLETED, "replied")
    assert contact["transcript_complete"] is True
    assert [text for _, text in world.said()] == [GREETING, "9", "9"]
    assert connects > UTTERANCES


def said_by_flow(local: LocalConnect) -> int:
    """How many messages the flow has said."""
    items = [item for contact in local.contacts for item in contact.transcript]
    return sum(item.type == "MESSAGE" and item.participant_role == "SYSTEM" for item in items)


def is_joined_again(local: LocalConnect, connects: int) -> bool:
    """Whether the customer listens, over a connection made after so many others."""
    chats = list(local._backend.chats.values())
    return local.calls[CONNECTS] > connects and any(chat.listeners for chat in chats)
