"""What a random history of campaigns needs: a clock with jumps, workers that die, Amazon's faults.

Faults of the wire strike in a real `LocalConnect`. What a worker suffers itself (a kill, a lid
that is shut, Ctrl-C) happens where its calls and its writes pass.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

import sqlalchemy as sa

from connect_tasks import StartChatContactResponse
from connect_tasks.aws.calls import Call
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.emulator import Fault, LocalConnect, LocalQuotas
from connect_tasks.emulator.faults.plan import FaultPlan
from connect_tasks.emulator.instance.record import ContactRecord
from connect_tasks.errors import CampaignWideError, LedgerError, OutcomeUnknownError
from connect_tasks.ledger.changes import Change
from connect_tasks.ledger.store import Ledger
from tests.functional.world import session

Result = TypeVar("Result")

VALIDITY = timedelta(hours=24)
"""For how long this Amazon remembers a client token. Nobody knows how long the real one does."""

SECONDS_FROZEN_AT_MOST = 120


class JumpingClock:
    """The machine's clock, with jumps of the wall time; long sleeps are cut short."""

    LONGEST_SLEEP_SECONDS = 0.05

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._lock = threading.Lock()

    def advance(self, time: timedelta) -> None:
        with self._lock:
            self._ahead += time

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        # It stands still while a machine is suspended, as on Linux.
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, self.LONGEST_SLEEP_SECONDS))


@dataclass(frozen=True, kw_only=True)
class Strike:
    """A fault on the wire: at the n-th call of an operation, or some in a row from there on."""

    fault: Fault
    nth: int
    times: int = 1


class Weather(FaultPlan):
    """The faults of the present run, and whom they struck."""

    def __init__(self) -> None:
        super().__init__()
        self._strikes: Sequence[Strike] = ()
        self._calls: Counter[str] = Counter()
        self.struck: list[tuple[Fault, str | None]] = []

    def __bool__(self) -> bool:
        return True

    def turn(self, strikes: Sequence[Strike]) -> None:
        """Other faults from now on."""
        self._strikes = strikes
        self._calls.clear()
        self.struck.clear()

    def next(self, operation: str, customer_id: str | None) -> Fault | None:
        self._calls[operation] += 1
        for strike in self._strikes:
            since = self._calls[operation] - strike.nth
            if strike.fault.operation == operation and 0 <= since < strike.times:
                self.struck.append((strike.fault, customer_id))
                return strike.fault
        return None


@dataclass(frozen=True, kw_only=True)
class Mishap:
    """What befalls a worker, the n-th time that it comes by a place."""

    what: Literal["kill", "suspend", "interrupt", "freeze"]
    place: str
    nth: int
    seconds: float = 0


class KilledError(CampaignWideError, LedgerError):
    """There is no such process any more. What it still does reaches nobody."""


class Worker:
    """One process of a campaign, and its fate.

    Args:
        clock: Jumps when the machine is suspended.
        mishaps: What befalls it.
    """

    def __init__(self, clock: JumpingClock, mishaps: Sequence[Mishap] = ()) -> None:
        self._clock = clock
        self._mishaps = mishaps
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._awake.set()
        self.frozen = threading.Event()
        self.befallen: set[str] = set()

    def kill(self) -> None:
        """Nothing that it does has an effect from here on."""
        self.befallen.add("kill")

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self.befallen.add("interrupt")

    def thaw(self) -> None:
        """Let it go on where it froze."""
        self._awake.set()

    def report(self, _: object) -> None:
        """Be told of progress; this is where Ctrl-C is heard."""
        if "interrupt" in self.befallen:
            raise KeyboardInterrupt

    def passes(self, place: str) -> None:
        """It comes by a place, if it still lives, and something may befall it."""
        self.lives()
        with self._lock:
            self._passed[place] += 1
            nth = self._passed[place]
        for mishap in self._mishaps:
            if (mishap.place, mishap.nth) == (place, nth):
                self._suffer(mishap)
        self.lives()

    def lives(self) -> None:
        """Wait while it is frozen, and go no further if it is dead."""
        assert self._awake.wait(SECONDS_FROZEN_AT_MOST)
        if "kill" in self.befallen:
            raise KilledError("killed")

    def _suffer(self, mishap: Mishap) -> None:
        self.befallen.add(mishap.what)
        if mishap.what == "suspend":
            self._clock.advance(timedelta(seconds=mishap.seconds))
        elif mishap.what == "freeze":
            self._awake.clear()
            self.frozen.set()


class MortalApi(ConnectApi):
    """A worker's calls of Amazon.

    Amazon forgets old client tokens here, as the real one may: with a forgotten token a chat is
    started a second time.
    """

    def __init__(self, worker: Worker, amazon: "Amazon") -> None:
        super().__init__()
        self._clients = amazon.clients
        self._worker = worker
        self._amazon = amazon

    def start_chat(self, request: str) -> StartChatContactResponse:
        wire = json.loads(request)
        token = wire["ClientToken"]
        wire["ClientToken"] = self._amazon.present_token(token)
        sent_at = self._amazon.clock.now()
        try:
            response = super().start_chat(json.dumps(wire))
        except (KilledError, OutcomeUnknownError):
            self._amazon.note_effect(token, sent_at)
            raise
        self._amazon.note_effect(token, sent_at)
        return response

    def _call(self, call: Call[Result]) -> Result:
        self._worker.passes(f"before {call.operation}")
        try:
            return super()._call(call)
        finally:
            self._worker.passes(f"after {call.operation}")


class MortalLedger(Ledger):
    """A worker's ledger: what it writes after its death is not written."""

    def __init__(self, url: str, worker: Worker) -> None:
        super().__init__(url)
        self._worker = worker

    def apply(self, worker: str, changes: Sequence[Change], **more: Any) -> None:
        self._worker.passes("before apply")
        super().apply(worker, changes, **more)
        self._worker.passes("after apply")

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        self._worker.passes("before write")
        with super()._writing() as connection:
            yield connection
        self._worker.passes("after write")

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        self._worker.lives()
        with super()._reading() as connection:
            yield connection


class Amazon:
    """The other side: a local Amazon Connect under a clock with jumps, and changing weather."""

    def __init__(self) -> None:
        self.clock = JumpingClock()
        self.weather = Weather()
        self.local = LocalConnect(now=self.clock.now, quotas=LocalQuotas.unlimited())
        self.local._wire._plan = self.weather
        self.late: list[str] = []
        self._effects: dict[str, datetime] = {}

    @contextmanager
    def serving(self) -> Iterator["Amazon"]:
        with self.local:
            options = ClientOptions(parameters={"endpoint_url": self.local.endpoint_url})
            api = ConnectApi(session, options)
            api.make_clients()
            # Making boto3's clients takes longer than a campaign.
            self.clients = api._clients
            yield self

    def contacts(self, campaign: str) -> list[ContactRecord]:
        """The contacts of a campaign, by the names that its template gives the customers."""
        return [
            contact
            for contact in self.local.contacts
            if contact.display_name.startswith(f"{campaign}/")
        ]

    def present_token(self, token: str) -> str:
        """The token as Amazon takes it now: another one, if it has forgotten this one."""
        effect = self._effects.get(token)
        if effect is not None and self.clock.now() - effect >= VALIDITY:
            self.late.append(token)
        made = {contact.client_token: contact.started_at for contact in self.local.contacts}
        while token in made and self.clock.now() - made[token] >= VALIDITY:
            token += "+"
        return token

    def note_effect(self, token: str, sent_at: datetime) -> None:
        """A token was sent in a call that may have started a chat."""
        self._effects.setdefault(token, sent_at)
