"""A process that plans and runs a campaign, and may be doomed to die at one step of it.

The steps are watched from outside: the ledger and the calls are wrapped in here, so production
code knows nothing of its death. `SIGKILL` leaves it no chance to tidy up.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws.calls import Call, Carrier
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.run import run_campaign
from connect_tasks.ledger.changes import Change, Heard
from connect_tasks.ledger.store import Ledger
from tests.amazon_models import share_models
from tests.functional.world import CAMPAIGN, FAST, QUICK, session

Result = TypeVar("Result")

# Read before processes are forked off, so that none has to.
share_models()
session().client("connect")

# Our side closes: the flow would talk for ever. So nothing ends while nobody is listening.
CONVERSATION = Conversation(
    settle_seconds=0,
    messages=("one {{ customer_id }}", "two {{ customer_id }}"),
    max_replies=2,
    reply_timeout_seconds=60,
    max_seconds=120,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doom:
    """The step at which the process dies, when it takes it for the nth time."""

    step: str
    nth: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a process is to do.

    Args:
        endpoint_url: Of Amazon Connect.
        instance_id: The instance there.
        flow_id: The flow that answers.
        ledger_url: Where the campaign is remembered.
        rows: The table of customers.
        plans: Enter the table first, as each run does; a further worker does not.
        folder: Where it notes which chats it begins to close, and what it complains about.
        lease_seconds: How long its contacts stay reserved when it is dead.
        open_chats: The most chats at one time.
        starts_per_second: The pace.
        edition: Of the template: it changes from process to process, as people do change it.
        doom: Where it dies, if it does so by itself.
    """

    endpoint_url: str
    instance_id: str
    flow_id: str
    ledger_url: str
    rows: Sequence[Mapping[str, Any]]
    folder: Path
    lease_seconds: float
    open_chats: int
    starts_per_second: float = 1000.0
    plans: bool = True
    edition: int = 0
    doom: Doom | None = None

    @property
    def closes(self) -> Path:
        """One line for each StopContact, written before the call: process id, contact id."""
        return self.folder / "closes.txt"

    @property
    def complaints(self) -> Path:
        """What the processes write to stderr."""
        return self.folder / "complaints.txt"


class Fate:
    """Watches the steps go by, and ends the process at the chosen one."""

    def __init__(self, doom: Doom | None) -> None:
        self._doom = doom
        self._met = 0
        self._lock = threading.Lock()

    def meet(self, step: str) -> None:
        with self._lock:
            if self._doom and self._doom.step == step:
                self._met += 1
                if self._met == self._doom.nth:
                    os.kill(os.getpid(), signal.SIGKILL)

    def around(self, steps: Sequence[str], act: Callable[[], Result]) -> Result:
        for step in steps:
            self.meet(f"before {step}")
        result = act()
        for step in steps:
            self.meet(f"after {step}")
        return result


class DoomedLedger(Ledger):
    """A ledger whose every use may be the last thing that its process does."""

    def __init__(self, url: str, fate: Fate) -> None:
        super().__init__(url)
        self._fate = fate

    def plan(self, *args: Any, **options: Any) -> Any:
        return self._fate.around(["plan"], lambda: super(DoomedLedger, self).plan(*args, **options))

    def claim(self, *args: Any, **options: Any) -> Any:
        return self._fate.around(
            ["claim"], lambda: super(DoomedLedger, self).claim(*args, **options)
        )

    def renew(self, *args: Any, **options: Any) -> Any:
        return self._fate.around(
            ["renew"], lambda: super(DoomedLedger, self).renew(*args, **options)
        )

    def release(self, *args: Any, **options: Any) -> Any:
        return self._fate.around(
            ["release"], lambda: super(DoomedLedger, self).release(*args, **options)
        )

    def apply(self, worker: str, changes: Sequence[Change], **more: Any) -> None:
        steps = [_name(change) for change in changes]
        self._fate.around(steps, lambda: super(DoomedLedger, self).apply(worker, changes, **more))


def _name(change: Change) -> str:
    if isinstance(change, Heard):
        return "items"
    status = change.contact.status
    return "note" if status is change.was else str(status)


class DoomedApi(ConnectApi):
    """Calls, each of which may be the last thing that its process does."""

    def __init__(self, options: ClientOptions, fate: Fate, closes: Path) -> None:
        super().__init__(session, options)
        self._fate = fate
        self._closes = os.open(closes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def lean_for(self, method: Callable[..., object]) -> Carrier | None:
        carrier = super().lean_for(method)
        return carrier and _DoomedCarrier(carrier, self._fate, self._closes)


class _DoomedCarrier:
    def __init__(self, carrier: Carrier, fate: Fate, closes: int) -> None:
        self._carrier = carrier
        self._fate = fate
        self._closes = closes

    async def carry(self, call: Call[Result]) -> Result:
        step = _STEPS.get(call.operation, call.operation)
        if step == "stop_contact":
            os.write(self._closes, f"{os.getpid()} {call.arguments['ContactId']}\n".encode())
        self._fate.meet(f"before {step}")
        result = await self._carrier.carry(call)
        self._fate.meet(f"after {step}")
        return result


_STEPS = {
    "StartChatContact": "start_chat",
    "StartOutboundChatContact": "start_outbound_chat",
    "CreateParticipantConnection": "connect_participant",
    "SendMessage": "send_message",
    "GetTranscript": "read_transcript",
    "StopContact": "stop_contact",
}


def main(job: Job) -> None:
    """Plan the campaign and run it, or go on with it; or die on the way."""
    _complain_to(job.complaints)
    fate = Fate(job.doom)
    # Within the transaction, when all is written and nothing is kept yet.
    sa.event.listen(sa.Engine, "commit", lambda _: fate.meet("in commit"))
    options = ClientOptions(parameters={"endpoint_url": job.endpoint_url})
    quotas = FAST.model_copy(
        update={
            "open_chats": job.open_chats,
            "starts_per_second": job.starts_per_second,
            "start_burst": 5,
        }
    )
    api = DoomedApi(options, fate, job.closes)
    with DoomedLedger(job.ledger_url, fate) as ledger:
        if job.plans:
            plan(ledger, job)
        run_campaign(
            ledger,
            CAMPAIGN,
            Instance(api=api, quotas=quotas, policy=QUICK),
            conversation=CONVERSATION,
            lease_seconds=job.lease_seconds,
        )


def plan(ledger: Ledger, job: Job) -> None:
    now = datetime.now(UTC)
    ledger.open_campaign(CAMPAIGN, job.instance_id, now=now)
    template = ChatTemplate(display_name=f"{{{{ display_name }}}}, edition {job.edition}")
    renderer = template.bind(
        instance_id=job.instance_id, contact_flow_id=job.flow_id, conversation=CONVERSATION
    )
    plan_campaign(ledger, CAMPAIGN, [job.rows], renderer, now=now)


def _complain_to(path: Path) -> None:
    complaints = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(complaints, sys.stderr.fileno())
    logging.basicConfig(level=logging.WARNING)
